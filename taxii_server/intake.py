"""Taking in documents: their rows, but for what is held, batch by batch, on to where they become claims."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from collectors import Document
from config.audience import Audience, rank
from config.instant import Millis
from config.observables import PASSED
from normalizers.claims import Claim, no_later
from normalizers.records import Record, Refusal, Whole
from taxii_server.folding import Folding, unite
from taxii_server.fulllist import FullList
from taxii_server.holds import Holds
from taxii_server.logbook import Logbook
from taxii_server.tasting import Tasting
from taxii_server.voice import BATCH, Voice

#: what a row says, where the format knows its rows again, with its name; and the digest of its text, b"" without one
Item = tuple[Claim | Record, bytes]


class Intake:
    """Takes in the documents of one fetch, batch by batch.

    The rows of each audience make batches of their own, and wait for nobody else's: where a batch ends decides what may
    be published before the next, so rows that some may not see must not move it.
    """

    def __init__(self, voice: Voice, holds: Holds, *, skew: Millis, reading: str) -> None:
        """A row dated more than ``skew`` after it was fetched counts as of the fetch. ``reading`` as in Retelling."""
        self._voice = voice
        self._feed = voice.feed
        self._tally = voice.tally
        self._holds = holds
        self._skew = skew
        #: what a full list holds; None of a log
        self.list = FullList(voice) if voice.feed.kind == "list" else None
        self._folding = Folding(voice, self.list.unite if self.list is not None else unite)
        self._logbook = Logbook(voice, holds, reading)
        #: rows that were refused, by who may know of them
        self.refused: Counter[Audience] = Counter()

    def document(self, document: Document) -> None:
        """Take in one document, but for what is held. Raises UnreadableDocument."""
        batches: dict[Audience, list[Item]] = {}
        for pair in self._items(document):
            audience = pair[0].audience
            batch = batches.setdefault(audience, [])
            batch.append(pair)
            if len(batch) >= BATCH:
                self._accept(batches.pop(audience), document)
        # The narrowest first: what the document says again for fewer is not let out before that is read.
        for audience in sorted(batches, key=rank, reverse=True):
            self._accept(batches[audience], document)
        self._logbook.end(document.fetched)

    def _items(self, document: Document) -> Iterator[Item]:
        published = (document.modified or document.fetched) if self._feed.batch else 0
        latest = document.fetched + self._skew
        for pair in self._believed(document):
            item, digest = pair
            if isinstance(item, Claim) and item.version <= latest and published <= item.last_seen <= latest:
                yield pair  # as below, for what nearly every row is
                continue
            claim = item.claim if isinstance(item, Record) else item
            if max(claim.version, claim.last_seen) > latest:
                # Nothing is seen after it was fetched. A claim that waited for such a date would keep from being heard
                # whatever its feed says rightly until then.
                self._tally.ahead += 1
                claim = no_later(claim, document.fetched)
                item = item._replace(claim=claim, undated=True) if isinstance(item, Record) else claim
                digest = b""  # it will say something else at the next fetch
            if published > claim.last_seen:
                claim = claim._replace(last_seen=published)
            if isinstance(item, Record):
                self._tally.passed_on += claim.type == PASSED
                yield item if claim is item.claim else item._replace(claim=claim), b""
            else:
                yield claim, digest

    def _believed(self, document: Document) -> Iterator[Item]:
        """What the rows say that are neither known, refused nor held; those are counted."""
        tasting = Tasting(self._holds, self._feed.audience)
        for passed, item, digest in tasting.rows(self._voice.recall.rows(document)):
            if isinstance(item, Refusal):
                self._refuse(item, document)
            elif isinstance(item, Whole):
                self._whole(item, document)
            elif (item.audience if item is not None else self._feed.audience) in self._holds.why:
                self._tally.held += passed + (item is not None)
            else:
                self._tally.claims += passed + (item is not None)
                if item is not None:
                    yield item, digest
        self.refused.update(tasting.refused)

    def _whole(self, item: Whole, document: Document) -> None:
        if self._feed.kind == "log":
            ahead = item.version > document.fetched + self._skew
            self._logbook.whole(item._replace(version=document.fetched) if ahead else item)

    def _refuse(self, item: Refusal, document: Document) -> None:
        self._tally.refuse(item)
        if item.takes_back is not None and self._feed.kind == "log":
            version = min(item.takes_back.version, document.fetched)
            self._logbook.take_back(item.takes_back._replace(version=version))

    def _accept(self, batch: list[Item], document: Document) -> None:
        self._voice.each_batch()
        records = [item for item, _ in batch if isinstance(item, Record)]
        if records and self.list is not None:
            # What a list takes back itself is not in it.
            self._folding.take([(item.claim, b"") for item in records if not item.claim.withdrawn])
        elif records:
            self._logbook.take(records, document.fetched)
        claims = [(item, digest) for item, digest in batch if not isinstance(item, Record)]
        if claims:
            self._folding.take(claims)

    def settle(self) -> None:
        """All documents are at their end: write what had to wait for that."""
        if self.list is not None:
            self.list.settle()
