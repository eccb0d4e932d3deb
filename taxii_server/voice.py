"""A feed's voice in the store: the name that its claims stand under, and how they are written."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TypeVar

from config.audience import Audience
from config.feeds import Feed
from normalizers.claims import ALIASED, Claim, aliases, renewed_at
from taxii_server.recalling import Recall
from taxii_server.stores.base import Alias, ClaimRow, Found, News, Store, Told
from taxii_server.tally import Tally

#: Rows that are written in one step.
BATCH = 2_000

#: who first said it, and its family, as they stand in claims
Origin = tuple[str, str]
#: where a claim of one origin stands: key of the observable, and for whom
Place = tuple[bytes, Audience]

_Item = TypeVar("_Item")


class Voice:
    """What one run of a feed says, under the feed's name."""

    def __init__(
        self,
        store: Store,
        feed: Feed,
        origin: Origin,
        recall: Recall,
        *,
        each_batch: Callable[[], None],
        tell: Callable[[News], None],
    ) -> None:
        """``each_batch`` is called by whoever is about to read what a batch changes, and to write it; what it raises
        ends the run. ``tell`` is given what a batch changed, where nobody else said anything meanwhile."""
        self.store = store
        self.feed = feed
        self.origin, self._family = origin
        self._own_family = feed.origin_family
        #: what is remembered of the feed's rows; it forgets before anything is written
        self.recall = recall
        self.each_batch = each_batch
        self.tell = tell
        #: what became of the rows
        self.tally = Tally()

    def named(self, claim: Claim) -> Claim:
        """A row's claim under the feed's name."""
        if claim.origin == self.origin:
            return claim
        # A row that was taken over from another feed is of that one's family, unless nobody may know whose it is.
        own = not self.feed.named or claim.family == self._own_family
        # As _replace(origin=..., family=...), which takes three times as long.
        return Claim(claim.type, claim.value, self.origin, self._family if own else claim.family, *claim[4:])

    def mine(self, about: Mapping[bytes, Collection[Claim]]) -> dict[Place, Claim]:
        """Of what is stored about observables, what this feed said."""
        origin = self.origin
        return {
            (key, claim.audience): claim for key, claims in about.items() for claim in claims if claim.origin == origin
        }

    def row(self, key: bytes, claim: Claim) -> ClaimRow:
        """What is written of a claim."""
        renew_at = renewed_at(claim.last_seen, claim.life, key) if self.feed.kind == "list" else None
        return ClaimRow(key, claim, renew_at)

    def put(self, rows: list[ClaimRow], records: Sequence[Told] = (), found: Found | None = None) -> int:
        """Write them in one step; gives how many claims won over what was stored. ``found``: what was read of them."""
        if not rows and not records:
            return 0
        self.recall.forget()
        known_as = [Alias(alias, row.key) for row in rows if row.claim.type in ALIASED for alias in aliases(row.claim)]
        kept = self.store.put_claims(rows, aliases=known_as, records=records, found=found)
        self.tally.kept += kept
        return kept


def batches(items: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
    """The items in their order, as many at a time as are written in one step."""
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]
