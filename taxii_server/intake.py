"""Taking in documents: rows to claims, claims folded into what their origin said before, batch by batch."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from collectors import Document
from config.audience import Audience
from config.feeds import Feed
from config.instant import SECOND, Millis
from config.names import names_version
from normalizers.claims import ALIASED, Claim, aliases, fold, next_step, no_later, observable_key
from normalizers.familiar import Notes
from normalizers.records import Record, Refusal, TakenBack, Whole
from taxii_server.holds import Holds
from taxii_server.recalling import Recall
from taxii_server.retelling import Retelling
from taxii_server.stores.base import Alias, ClaimRow, Mark, News, Store
from taxii_server.tally import Tally
from taxii_server.tasting import Tasting
from taxii_server.wholes import Wholes

BATCH = 2_000

#: what a row says: where the format knows its rows again, with its name
Item = Claim | Record
#: with the digest of its text, where there is one
Digested = tuple[Item, bytes]
#: who first said it, and its family, as they stand in claims
Origin = tuple[str, str]


class Intake:
    """Takes in the documents of one fetch, batch by batch.

    The rows of each audience make batches of their own, and wait for nobody else's: where a batch ends decides what may
    be published before the next, so rows that some may not see must not move it.
    """

    def __init__(
        self,
        store: Store,
        feed: Feed,
        origin: Origin,
        tally: Tally,
        holds: Holds,
        *,
        skew: Millis,
        recall: Recall,
        each_batch: Callable[[], None],
        tell: Callable[[News], None],
    ) -> None:
        """``each_batch`` is called before each batch is written; what it raises ends the intake. ``tell`` is given what
        a batch changed, where nobody else said anything meanwhile. A row dated more than ``skew`` after it was fetched
        counts as of the fetch. ``recall`` gives the rows, but for those that are known already."""
        self._store = store
        self._feed = feed
        self._tally = tally
        self.holds = holds
        self._skew = skew
        self._recall = recall
        self._origin, self._family = origin
        self._each_batch = each_batch
        self._tell = tell
        self._retelling = Retelling(store, self._origin, reading_of(feed), self._row)
        #: when the document that is being read was fetched
        self._fetched: Millis = 0
        #: records of a log by whom they were for, that are for others now
        self._moved: dict[Audience, list[Record]] = {}
        #: records that say no more what they said
        self._taken_back: list[TakenBack] = []
        #: the sets of a log's document, and what they held before
        self._wholes = Wholes(store, self._origin)
        #: (key, audience) of every claim so far; kept for full lists alone
        self.seen: dict[tuple[bytes, str], None] = {}
        #: rows that were refused, by who may know of them
        self.refused: Counter[Audience] = Counter()
        # In a list a value may stand twice, and the second row must not look like a change of the first. So what
        # would change a stored claim waits here until the whole list is read.
        self._changed: dict[tuple[bytes, str], Claim] = {}

    def document(self, document: Document) -> None:
        """Take in one document, but for what is held. Raises UnreadableDocument."""
        self._fetched = document.fetched
        batches: dict[Audience, list[Digested]] = {}
        for pair in self._items(document):
            audience = pair[0].audience
            batch = batches.setdefault(audience, [])
            batch.append(pair)
            if len(batch) >= BATCH:
                self._accept(batches.pop(audience))
        for batch in batches.values():
            self._accept(batch)
        self._take_back()
        for moved in self._moved.values():
            for start in range(0, len(moved), BATCH):
                self._each_batch()
                self._retell(moved[start : start + BATCH])
        self._moved.clear()
        self._wholes.end(held=bool(self.holds.why))

    def _take_back(self) -> None:
        """Have those told what is said no more, to whom it was said."""
        for start in range(0, len(self._taken_back), BATCH):
            self._move(self._retelling.taken_back(self._taken_back[start : start + BATCH], self._fetched))
        self._taken_back.clear()
        for edition, names in self._wholes.absent():
            for start in range(0, len(names), BATCH):
                self._move(self._retelling.absent(names[start : start + BATCH], edition, self._fetched))

    def _move(self, records: Iterable[Record]) -> None:
        for record in records:
            if record.audience not in self.holds.why:
                self._moved.setdefault(record.audience, []).append(record)

    def _items(self, document: Document) -> Iterator[Digested]:
        published = (document.modified or document.fetched) if self._feed.batch else 0
        tasting = Tasting(self.holds, self._feed.audience)
        for passed, item, digest in tasting.rows(self._recall.rows(document)):
            if isinstance(item, Refusal):
                self._refuse(item, document)
                continue
            if isinstance(item, Whole):
                if self._feed.kind == "log":
                    self._wholes.begin(item)
                continue
            if (item.audience if item is not None else self._feed.audience) in self.holds.why:
                self._tally.held += passed + (item is not None)
                continue
            self._tally.claims += passed
            if item is None:
                continue
            self._tally.claims += 1
            claim = item.claim if isinstance(item, Record) else item
            if max(claim.version, claim.last_seen) > document.fetched + self._skew:
                # Nothing is seen after it was fetched. A claim that waited for such a date would keep from being heard
                # whatever its feed says rightly until then.
                self._tally.ahead += 1
                claim = no_later(claim, document.fetched)
                item = item._replace(claim=claim, ahead=True) if isinstance(item, Record) else claim
                digest = b""  # it will say something else at the next fetch
            if isinstance(item, Record):
                yield item, b""
            else:
                yield item if published <= item.last_seen else item._replace(last_seen=published), digest
        self.refused.update(tasting.refused)

    def _refuse(self, item: Refusal, document: Document) -> None:
        self._tally.refuse(item)
        if item.takes_back is not None and self._feed.kind == "log":
            version = min(item.takes_back.version, document.fetched)
            self._taken_back.append(item.takes_back._replace(version=version))

    def _accept(self, batch: list[Digested]) -> None:
        if not batch:
            return
        self._each_batch()
        records = [item for item, _ in batch if isinstance(item, Record)]
        if self._feed.kind == "list":
            # What a list takes back itself is not in it.
            self._fold_in([(item.claim, b"") for item in records if not item.claim.withdrawn])
        elif records:
            self._tell_apart(records)
        self._fold_in([pair for pair in batch if not isinstance(pair[0], Record)])

    def _tell_apart(self, records: list[Record]) -> None:
        """Tell those that are for whom they were. The others wait for the document's end, and are told in batches by
        whom they were for: where those end must not depend on whom they are for now."""
        elsewhere = self._retelling.elsewhere(records)
        for audience, moved in elsewhere.items():
            self._moved.setdefault(audience, []).extend(moved)
        waiting = {id(record) for moved in elsewhere.values() for record in moved}
        self._retell([record for record in records if id(record) not in waiting])

    def _retell(self, records: list[Record]) -> None:
        named = [record._replace(claim=self._named(record.claim)) for record in records]
        change = self._retelling.change(named, self._fetched)
        if change.records:
            self._tally.kept += self._store.put_claims(
                change.rows, aliases=_aliases(change.rows), records=change.records
            )

    def _fold_in(self, batch: Sequence[Digested]) -> None:
        if not batch:
            return
        news = [(observable_key(claim.type, claim.value), claim) for claim, _ in batch if not isinstance(claim, Record)]
        before = self._store.last_mark()
        about = self._store.claims({key for key, _ in news})
        stored = {
            (key, claim.audience): claim
            for key, claims in about.items()
            for claim in claims
            if claim.origin == self._origin
        }
        present = dict(stored)
        for key, claim in news:
            self._fold(present, key, self._named(claim))
        if self._recall.notes is not None:
            self._note(self._recall.notes, news, batch, present)
        # In order of the document: the store's own order depends on what else it holds, and a public log must not.
        places = dict.fromkeys((key, claim.audience) for key, claim in news)
        changed = [self._row(at[0], present[at]) for at in places if not _says_no_more(present[at], stored.get(at))]
        kept = self._put(changed)
        self._tally.kept += kept
        # What did not win was written by whoever took over this feed meanwhile, and is not known here.
        if changed and kept == len(changed) and self._store.last_mark() == before + kept:
            self._tell(_news(before, changed, about))

    def _note(
        self,
        notes: Notes,
        news: list[tuple[bytes, Claim]],
        batch: Sequence[Digested],
        present: Mapping[tuple[bytes, str], Claim],
    ) -> None:
        """Note rows that need not be read again. A list's are sighted at each fetch, whatever they say; an undated one
        of a log is sighted at its document's time, and has to be read once that moves its claim."""
        moment = self._recall.moment if self._feed.kind == "log" else 0
        for (key, claim), (_, digest) in zip(news, batch, strict=True):
            if claim.version == moment:
                kept = present[key, claim.audience]
                notes.add(key, digest, next_step(kept.last_seen, kept.life, key) // SECOND)
            else:
                notes.add(key, digest)

    def _named(self, claim: Claim) -> Claim:
        if claim.origin == self._origin:
            return claim
        # A row that was taken over from another feed is of that one's family, unless nobody may know whose it is.
        own = not self._feed.named or claim.family == self._feed.origin_family
        return claim._replace(origin=self._origin, family=self._family if own else claim.family)

    def _fold(self, present: dict[tuple[bytes, str], Claim], key: bytes, claim: Claim) -> None:
        place = (key, claim.audience)
        stored = present.get(place)
        if self._feed.kind != "list":
            present[place] = fold(stored, claim, replace=False, key=key)
            return
        again = place in self.seen
        self.seen[place] = None
        if place in self._changed:
            self._changed[place] = fold(self._changed[place], claim, replace=False, key=key)
        elif again or stored is None:
            present[place] = fold(stored, claim, replace=False, key=key)
        elif fold(stored, claim, replace=True, key=key) is not stored:
            # As a first row is kept, so that those after it have the same to be united with at every reading.
            self._changed[place] = fold(None, claim, replace=True, key=key)

    def settle(self) -> None:
        """Write what had to wait for the end of the list, each audience's for itself."""
        for audience in dict.fromkeys(audience for _, audience in self._changed):
            waiting = [(key, claim) for (key, whose), claim in self._changed.items() if whose == audience]
            for start in range(0, len(waiting), BATCH):
                self._settle(audience, waiting[start : start + BATCH])
        self._changed.clear()

    def _settle(self, audience: Audience, part: list[tuple[bytes, Claim]]) -> None:
        self._each_batch()
        about = self._store.claims({key for key, _ in part})
        rows = []
        for key, claim in part:
            stored = next((c for c in about.get(key, ()) if c.origin == self._origin and c.audience == audience), None)
            folded = fold(stored, claim, replace=True, key=key)
            # A mere sighting is left to be renewed as if the list had not changed: for those who may not see what did
            # change, it has not.
            if stored is None or folded._replace(last_seen=stored.last_seen, version=stored.version) != stored:
                rows.append(self._row(key, folded))
        self._tally.kept += self._put(rows)

    def _row(self, key: bytes, claim: Claim) -> ClaimRow:
        renew_at = next_step(claim.last_seen, claim.life, key) if self._feed.kind == "list" else None
        return ClaimRow(key, claim, renew_at)

    def _put(self, rows: list[ClaimRow]) -> int:
        if not rows:
            return 0
        self._recall.forget()
        return self._store.put_claims(rows, aliases=_aliases(rows))


def reading_of(feed: Feed) -> str:
    """Sixteen characters that stand for all that decides how a feed's documents are read, and under which terms: the
    names that ship among it, so that a list which has not changed gets new names too."""
    said = feed.model_dump_json(exclude={"every", "at_least", "enabled", "transport", "expect", "carries", "terms"})
    said += names_version()
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _says_no_more(claim: Claim, stored: Claim | None) -> bool:
    """Whether it says what is stored. Rows that contradict each other may have changed it there and back."""
    return stored is not None and (claim is stored or claim._replace(version=stored.version) == stored)


def _aliases(rows: list[ClaimRow]) -> list[Alias]:
    return [Alias(alias, row.key) for row in rows if row.claim.type in ALIASED for alias in aliases(row.claim)]


def _news(before: int, changed: list[ClaimRow], about: dict[bytes, list[Claim]]) -> News:
    """What is known of the observables that changed: what was, and in its place what is now."""
    known: dict[bytes, list[Claim]] = {}
    for key, claim, _ in changed:
        claims = known.get(key)
        if claims is None:
            claims = known[key] = about.get(key, [])
        if claims:
            claims[:] = [item for item in claims if (item.origin, item.audience) != (claim.origin, claim.audience)]
        claims.append(claim)
    marks = [Mark(number, row.key, row.claim.audience) for number, row in enumerate(changed, before + 1)]
    return News(marks, known)
