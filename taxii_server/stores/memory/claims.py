"""Claims, full lists and dirty marks in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from heapq import nsmallest
from itertools import islice
from threading import RLock

from config.audience import Audience
from config.instant import Millis
from normalizers.claims import Claim, encode, wins
from taxii_server.stores.base import Alias, AuditRecord, ClaimRow, Found, Listed, Mark, Told
from taxii_server.stores.memory.ordered import Ordered


class MemoryClaims:
    """The part of the store that knows who said what."""

    #: of the desk
    _audit: list[AuditRecord]

    def __init__(self) -> None:
        super().__init__()
        self._claims_lock = RLock()
        self._claims: dict[bytes, dict[tuple[str, Audience], Claim]] = {}
        #: (key, (origin, audience)) as they were first stored
        self._order: list[tuple[bytes, tuple[str, Audience]]] = []
        self._keys: Ordered[bytes] = Ordered()
        self._aliases: defaultdict[bytes, set[bytes]] = defaultdict(set)
        self._records: dict[tuple[str, bytes], Told] = {}
        #: ids of the records about an observable
        self._about: defaultdict[tuple[str, bytes], set[bytes]] = defaultdict(set)
        self._renew_at: dict[tuple[str, Listed], Millis] = {}
        self._lists: defaultdict[str, Ordered[Listed]] = defaultdict(Ordered)
        self._marks: dict[int, Mark] = {}
        self._last_mark = 0
        self._waiting: set[tuple[Millis, bytes, Audience]] = set()

    def claims(self, keys: Collection[bytes]) -> dict[bytes, list[Claim]]:
        """See :class:`taxii_server.stores.base.Store`, as for all methods here."""
        with self._claims_lock:
            return {key: list(self._claims[key].values()) for key in keys if key in self._claims}

    def put_claims(
        self,
        rows: Sequence[ClaimRow],
        *,
        aliases: Collection[Alias] = (),
        records: Sequence[Told] = (),
        found: Found | None = None,
        audit: AuditRecord | None = None,
    ) -> int:
        kept = 0
        with self._claims_lock:
            for alias, key in aliases:
                self._aliases[alias].add(key)
            for told in records:
                before = self._records.get((told.origin, told.id))
                if before is not None:
                    self._about[told.origin, before.key].discard(told.id)
                self._records[told.origin, told.id] = told
                self._about[told.origin, told.key].add(told.id)
            for row in rows:
                kept += self._put(row)
            if audit is not None and kept:
                self._audit.append(audit)
        return kept

    def records(self, origin: str, ids: Collection[bytes]) -> dict[bytes, Told]:
        with self._claims_lock:
            return {id_: self._records[origin, id_] for id_ in ids if (origin, id_) in self._records}

    def records_about(self, origin: str, keys: Collection[bytes]) -> list[Told]:
        with self._claims_lock:
            return [self._records[origin, id_] for key in keys for id_ in self._about.get((origin, key), ())]

    def aliased(self, alias: bytes, limit: int = 100, *, after: bytes = b"") -> list[bytes]:
        with self._claims_lock:
            return nsmallest(limit, (key for key in self._aliases.get(alias, ()) if key > after))

    def mentioning(self, texts: Collection[str], *, after: int = 0, limit: int = 1_000) -> list[tuple[int, Claim]]:
        wanted = [text.encode().lower() for text in texts]  # of bytes, lower case is ASCII's
        with self._claims_lock:
            later = islice(self._order, after, None)
            claims = ((after + place, self._claims[key][who]) for place, (key, who) in enumerate(later, start=1))
            found = (pair for pair in claims if any(text in encode(pair[1]).lower() for text in wanted))
            return list(islice(found, limit))

    def observables(self, *, after: int = 0, limit: int = 1_000) -> list[tuple[int, str, str]]:
        with self._claims_lock:
            later = enumerate(islice(self._order, after, after + limit), start=after + 1)
            return [(place, *self._claims[key][who][:2]) for place, (key, who) in later]

    def _put(self, row: ClaimRow) -> bool:
        claim = row.claim
        about = self._claims.setdefault(row.key, {})
        stored = about.get((claim.origin, claim.audience))
        if stored is None:
            self._order.append((row.key, (claim.origin, claim.audience)))
        won = stored is None or wins(claim, stored)
        if won:
            about[claim.origin, claim.audience] = claim
            self._keys.add(row.key)
            self._mark(row.key, claim.audience)
        self._list(claim.origin, Listed(row.key, claim.audience), row.renew_at)
        return won

    def _list(self, origin: str, value: Listed, renew_at: Millis | None) -> None:
        if renew_at is not None:
            self._renew_at[origin, value] = renew_at
            self._lists[origin].add(value)
        elif self._renew_at.pop((origin, value), None) is not None:
            self._lists[origin].discard(value)

    def listed(
        self, origin: str, *, after: Listed | None = None, limit: int = 1_000, due: Millis | None = None
    ) -> list[Listed]:
        with self._claims_lock:
            values = self._lists[origin].after(after)
            if due is None:
                return list(islice(values, limit))
            times = ((self._renew_at[origin, value], value) for value in values)
            return [value for _, value in nsmallest(limit, (item for item in times if item[0] <= due))]

    def keys(self, *, after: bytes = b"", limit: int = 1_000) -> list[bytes]:
        with self._claims_lock:
            return list(islice(self._keys.after(after), limit))

    def origin_keys(self, origin: str, *, after: bytes = b"", limit: int = 1_000) -> list[bytes]:
        with self._claims_lock:
            keys = self._keys.after(after)
            return list(islice((key for key in keys if any(origin == who for who, _ in self._claims[key])), limit))

    def dirty(self, limit: int) -> list[Mark]:
        with self._claims_lock:
            return list(islice(self._marks.values(), limit))

    def last_mark(self) -> int:
        with self._claims_lock:
            return self._last_mark

    def clear_dirty(self, marks: Sequence[Mark]) -> None:
        with self._claims_lock:
            for mark in marks:
                self._marks.pop(mark.number, None)

    def mark_dirty(self, keys: Iterable[bytes], audience: Audience) -> None:
        with self._claims_lock:
            for key in keys:
                self._mark(key, audience)

    def _mark(self, key: bytes, audience: Audience) -> None:
        self._last_mark += 1
        self._marks[self._last_mark] = Mark(self._last_mark, key, audience)

    def wait(self, key: bytes, audience: Audience, until: Millis) -> None:
        with self._claims_lock:
            self._waiting.add((until, key, audience))

    def wake(self, now: Millis) -> int:
        with self._claims_lock:
            woken = sorted(item for item in self._waiting if item[0] <= now)
            self._waiting.difference_update(woken)
            for _, key, audience in woken:
                self._mark(key, audience)
            return len(woken)
