"""The claims that a feed has standing in the store: renewed, withdrawn, and moved when its terms change."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from config.audience import Audience, narrower, under_terms
from config.feeds import Feed
from config.instant import Clock, Millis
from config.names import names_version
from normalizers.claims import Claim, renewed_at
from normalizers.folds import fold
from taxii_server.stores.base import AuditRecord, ClaimRow, Listed, Store, Told
from taxii_server.voice import BATCH, batches


class Terms(NamedTuple):
    """Under what a feed's claims stand."""

    audience: Audience
    origin: str
    #: of all that decides how its documents are read
    reading: str


class Standing:
    """What one origin said and did not take back."""

    def __init__(self, store: Store, clock: Clock, feed: Feed, origin: str, each_batch: Callable[[], None]) -> None:
        """``each_batch`` is called before each batch is written; what it raises ends what is being done."""
        self._store = store
        self._clock = clock
        self._feed = feed
        self._origin = origin
        self._each_batch = each_batch
        self._place = f"terms/{feed.id}"

    def renew(self, held: Collection[Audience] = ()) -> int:
        """A full list sights all that it holds: move what a step has passed over, and nothing else. What is ``held``
        was not sighted, and waits for the next time.

        Gives how many claims that were.
        """
        now = self._clock() // 1_000
        renewed = 0
        while due := self._store.listed(self._origin, limit=BATCH, due=now):
            rows = [
                ClaimRow(listed.key, claim, now + 1) if listed.audience in held else _sighted(listed, claim, now)
                for listed, claim in self._claims_of(due)
            ]
            self._put(rows)
            renewed += sum(listed.audience not in held for listed in due)
        return renewed

    def _claims_of(self, listed: list[Listed]) -> Iterator[tuple[Listed, Claim]]:
        about = self._store.claims({item.key for item in listed})
        for item in listed:
            for claim in about.get(item.key, ()):
                if claim.origin == self._origin and claim.audience == item.audience:
                    yield item, claim

    def withdraw_absent(
        self,
        seen: Mapping[Audience, Collection[bytes]],
        moment: Millis,
        held: Collection[Audience] = (),
        *,
        among: Sequence[bytes] | None = None,
        first: Callable[[], None],
    ) -> int:
        """Withdraw what a complete list of ``moment`` no longer holds; gives how many claims. ``seen``: the
        observables of which it says something, by who may see what; of what is ``held`` nobody knows. ``among``: the
        observables, in order, of which alone that may be so; None for all that the feed lists. ``first`` is called
        before anything is written."""
        withdrawn = 0
        for page in self._pages() if among is None else self._chosen(among):
            gone = [item for item in page if item.audience not in held and item.key not in seen.get(item.audience, ())]
            rows = [
                ClaimRow(item.key, _withdrawn(claim, moment))
                for item, claim in self._claims_of(gone)
                if not claim.withdrawn
            ]
            if rows:
                first()
            withdrawn += self._put(rows)
        return withdrawn

    def _pages(self) -> Iterator[list[Listed]]:
        after: Listed | None = None
        while page := self._store.listed(self._origin, after=after, limit=BATCH):
            after = page[-1]
            yield page

    def _chosen(self, keys: Sequence[bytes]) -> Iterator[list[Listed]]:
        for part in batches(keys):
            yield [Listed(key, self._feed.audience) for key in part]

    def _put(self, rows: list[ClaimRow], records: Sequence[Told] = ()) -> int:
        if not rows and not records:
            return 0
        self._each_batch()
        return self._store.put_claims(rows, records=records)

    def terms_before(self) -> Terms | None:
        """What the feed stood under, if its marking, terms, naming or reading have changed since; else None."""
        now = self.terms()
        known = self._store.value(self._place)
        if known is None:
            self._store.set_value(self._place, " ".join(now))
            return None
        before = Terms(*known.split(" "))
        return before if before != now else None

    def remember_terms(self, before: Terms) -> None:
        """Once all has followed a change of terms, and the feed is to be read anew."""
        now = self.terms()
        detail = {"before": before.audience, "now": now.audience, "named otherwise": before.origin != now.origin}
        audit = AuditRecord(self._clock() // 1_000, "hub", "terms followed", self._feed.id, detail)
        self._store.set_value(self._place, " ".join(now), audit)

    def terms(self) -> Terms:
        """Under what the feed's claims stand now."""
        return Terms(self._feed.audience, self._origin, _reading_of(self._feed))

    def follow_terms(self, before: Terms) -> None:
        """After a change of marking, terms or naming, end the claims where they were.

        What is for fewer now stands for those from here on. What is for more is not handed on: what was collected for
        fewer stays theirs until the feed says it again under its new terms.
        """
        moment = self._clock() // 1_000
        after = b""
        while keys := self._store.origin_keys(before.origin, after=after, limit=BATCH):
            after = keys[-1]
            rows: list[ClaimRow] = []
            about = self._store.claims(keys)
            for key in keys:  # in an order of the keys' own, whatever else the store holds
                for claim in sorted(about.get(key, ()), key=lambda item: item.audience):
                    if claim.origin == before.origin and not claim.withdrawn:
                        rows += self._moved(key, claim, before, moment)
            known = self._store.records_about(before.origin, keys)
            self._put(rows, [told for record in known for told in self._retold(record, before, moment)])

    def moved(self, counts: Mapping[Audience, int], before: Terms) -> dict[Audience, int]:
        """Numbers of claims by who may see them, after a change of terms."""
        found: Counter[Audience] = Counter()
        for audience, count in counts.items():
            target = self._target(audience, before)
            if target is not None:
                found[target] += count
        return dict(found)

    def _target(self, audience: Audience, before: Terms) -> Audience | None:
        """Who may see now what those could see before; None when it ends."""
        # A row with a marking of its own is bound by the terms alone.
        target = self._feed.audience if audience == before.audience else under_terms(audience, self._feed.share)
        return target if before.origin == self._origin and narrower(audience, target) == target else None

    def _moved(self, key: bytes, claim: Claim, before: Terms, moment: Millis) -> list[ClaimRow]:
        gone = ClaimRow(key, _withdrawn(claim, moment))
        target = self._target(claim.audience, before)
        if target is None:
            return [gone]
        if target == claim.audience:
            return []
        renew_at = renewed_at(claim.last_seen, claim.life, key) if self._feed.kind == "list" else None
        there = claim._replace(audience=target, version=max(moment, claim.version))
        return [gone, ClaimRow(key, there, renew_at)]

    def _retold(self, record: Told, before: Terms, moment: Millis) -> Iterator[Told]:
        """A record, moved as its claim is; without a reading, so that what is read anew takes its place."""
        target, claim = self._target(record.claim.audience, before), record.claim
        if target is None:
            yield record._replace(reading="", claim=claim._replace(withdrawn=claim.withdrawn or moment))
        elif target != claim.audience:
            yield record._replace(reading="", claim=claim._replace(audience=target))


def _reading_of(feed: Feed) -> str:
    """Sixteen characters that stand for all that decides how a feed's documents are read, and under which terms: the
    names that ship among it, so that a list which has not changed gets new names too."""
    said = feed.model_dump_json(exclude={"every", "at_least", "enabled", "transport", "expect", "carries", "terms"})
    said += names_version()
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _withdrawn(claim: Claim, moment: Millis) -> Claim:
    return claim._replace(withdrawn=moment, version=max(moment, claim.version + 1))


def _sighted(listed: Listed, claim: Claim, now: Millis) -> ClaimRow:
    moved = claim if claim.withdrawn else fold(claim, claim._replace(last_seen=now, version=now), replace=True)
    renew_at = None if claim.withdrawn else max(renewed_at(moved.last_seen, moved.life, listed.key), now + 1)
    return ClaimRow(listed.key, moved, renew_at)
