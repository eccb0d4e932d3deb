"""Taking in documents: rows to claims, claims folded into what their origin said before, batch by batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from collectors import Document
from config.audience import narrower
from config.feeds import Feed
from normalizers.claims import Claim, fold, next_step, observable_key
from normalizers.records import Refusal, read
from taxii_server.stores.base import ClaimRow, Mark, News, Store

BATCH = 2_000
#: rows that are read before anything is written, to see whether the document is what it should be
_TASTE = 1_000
_EXAMPLES = 20

#: who first said it, and its family, as they stand in claims
Origin = tuple[str, str]


class DocumentHeld(Exception):
    """The document is readable and not what is normal for its feed, so nothing of it is believed."""


@dataclass
class Tally:
    """What became of the rows of one run. ``rows == claims + refused`` always holds, but for rows that say several
    things (an advisory that names CVEs), which are counted under ``claims`` once for each."""

    rows: int = 0
    claims: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    examples: list[tuple[int, str]] = field(default_factory=list)
    #: claims that are new or changed
    kept: int = 0
    withdrawn: int = 0
    renewed: int = 0

    def refuse(self, refusal: Refusal) -> None:
        """Count a refused row and keep it as an example while there are few."""
        self.refused[refusal.reason] += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append((refusal.line, f"{refusal.reason}: {refusal.message}"))

    def counts(self) -> dict[str, int]:
        """As shown by ``noroshi collect`` and ``noroshi feeds``."""
        return {
            "rows": self.rows,
            "claims": self.claims,
            "refused": self.refused.total(),
            "kept": self.kept,
            "withdrawn": self.withdrawn,
            "renewed": self.renewed,
        }


class Intake:
    """Takes in the documents of one fetch, batch by batch."""

    def __init__(
        self,
        store: Store,
        feed: Feed,
        origin: Origin,
        tally: Tally,
        each_batch: Callable[[], None],
        tell: Callable[[News], None],
    ) -> None:
        """``each_batch`` is called before each batch is written; what it raises ends the intake. ``tell`` is given what
        a batch changed, where nobody else said anything meanwhile."""
        self._store = store
        self._feed = feed
        self._tally = tally
        self._origin, self._family = origin
        self._each_batch = each_batch
        self._tell = tell
        #: (key, audience) of every claim so far; kept for full lists alone
        self.seen: set[tuple[bytes, str]] = set()
        # In a list a value may stand twice, and the second row must not look like a change of the first. So what
        # would change a stored claim waits here until the whole list is read.
        self._changed: dict[tuple[bytes, str], Claim] = {}
        #: all audiences that the feed's claims have been met under
        self._audiences: set[str] = set()

    def document(self, document: Document) -> None:
        """Take in one document. Raises UnreadableDocument, DocumentHeld."""
        batch: list[Claim] = []
        for claim in self._claims(document):
            batch.append(claim)
            if len(batch) >= BATCH:
                self._accept(batch)
                batch = []
        self._accept(batch)

    def _claims(self, document: Document) -> Iterator[Claim]:
        items = iter(read(document, self._feed))
        taste = list(islice(items, _TASTE))
        refused = sum(isinstance(item, Refusal) for item in taste)
        if taste and refused > len(taste) * self._feed.expect.refused:
            for item in taste:
                if isinstance(item, Refusal):
                    self._tally.refuse(item)
            raise DocumentHeld(f"{refused} of the first {len(taste)} rows cannot be read as they should")
        published = (document.modified or document.fetched) if self._feed.batch else 0
        for source in (taste, items):
            for item in source:
                if isinstance(item, Refusal):
                    self._tally.refuse(item)
                    continue
                self._tally.claims += 1
                if published > item.last_seen:
                    item = item._replace(last_seen=published)
                yield item

    def _accept(self, batch: list[Claim]) -> None:
        if not batch:
            return
        self._each_batch()
        news = [(observable_key(claim.type, claim.value), claim) for claim in batch]
        before = self._store.last_mark()
        about = self._store.claims({key for key, _ in news})
        stored = {
            (key, claim.audience): claim
            for key, claims in about.items()
            for claim in claims
            if claim.origin == self._origin
        }
        present = dict(stored)
        self._audiences.update(audience for _, audience in stored)
        for key, claim in news:
            self._fold(present, key, self._named(claim))
        # In order of the document: the store's own order depends on what else it holds, and a public log must not.
        places = dict.fromkeys([*((key, claim.audience) for key, claim in news), *sorted(present)])
        changed = [
            self._row(place[0], present[place])
            for place in places
            if place in present and present[place] is not stored.get(place)
        ]
        self._tally.kept += self._put(changed)
        if changed and self._store.last_mark() == before + len(changed):
            self._tell(_news(before, changed, about))

    def _named(self, claim: Claim) -> Claim:
        if claim.origin == self._origin:
            return claim
        return claim._replace(origin=self._origin, family=self._family)

    def _fold(self, present: dict[tuple[bytes, str], Claim], key: bytes, claim: Claim) -> None:
        place = (key, claim.audience)
        stored = present.get(place)
        if self._feed.kind != "list":
            present[place] = fold(stored, claim, replace=False, key=key)
            self._audiences.add(claim.audience)
            _narrowed(present, place, self._audiences)
            return
        again = place in self.seen
        self.seen.add(place)
        if place in self._changed:
            self._changed[place] = fold(self._changed[place], claim, replace=False, key=key)
        elif again or stored is None:
            present[place] = fold(stored, claim, replace=False, key=key)
        elif fold(stored, claim, replace=True, key=key) is not stored:
            self._changed[place] = claim

    def settle(self) -> None:
        """Write what had to wait for the end of the list."""
        waiting = list(self._changed.items())
        for start in range(0, len(waiting), BATCH):
            part = waiting[start : start + BATCH]
            self._each_batch()
            about = self._store.claims({key for (key, _), _ in part})
            rows = []
            for (key, audience), claim in part:
                stored = next(
                    (c for c in about.get(key, ()) if c.origin == self._origin and c.audience == audience), None
                )
                folded = fold(stored, claim, replace=True, key=key)
                if folded is not stored:
                    rows.append(self._row(key, folded))
            self._tally.kept += self._put(rows)
        self._changed.clear()

    def _row(self, key: bytes, claim: Claim) -> ClaimRow:
        renew_at = next_step(claim.last_seen, claim.life, key) if self._feed.kind == "list" else None
        return ClaimRow(key, claim, renew_at)

    def _put(self, rows: list[ClaimRow]) -> int:
        return self._store.put_claims(rows) if rows else 0


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


def _narrowed(present: dict[tuple[bytes, str], Claim], place: tuple[bytes, str], audiences: set[str]) -> None:
    """In a log, what is said again for fewer must not stay where more can see it. (A list withdraws it by absence.)"""
    key, audience = place
    claim = present[place]
    for other in audiences - {audience}:
        said = present.get((key, other))
        if said is None or said.withdrawn or claim.withdrawn or narrower(audience, other) != audience:
            continue
        if said.version <= claim.version:
            gone = said._replace(withdrawn=claim.version, version=max(claim.version, said.version + 1))
            present[key, other] = gone
