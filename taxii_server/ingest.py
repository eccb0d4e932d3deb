"""The one file that joins: collect, normalize, fold into claims, and only then move the cursor.

Every step can be done again. A crash anywhere leaves the cursor where it was, and the next run writes the same claims
once more, to no effect.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice

from collectors import Collected, CollectError, Document, TryLater, collect
from config.audience import narrower
from config.feeds import Feed
from config.instant import MINUTE, Clock, Millis
from config.settings import Settings
from normalizers.claims import Claim, fold, next_step, observable_key
from normalizers.records import Refusal, UnreadableDocument, check, read
from taxii_server.stores.base import ClaimRow, FeedState, Listed, Store, StoreError

_BATCH = 2_000
#: rows that are read before anything is written, to see whether the document is what it should be
_TASTE = 1_000
_LEASE_FOR: Millis = 15 * MINUTE
_EXAMPLES = 20
_LOG = logging.getLogger("noroshi.ingest")

Progress = Callable[[str, int], None]


class FeedBusy(Exception):
    """Another process runs this feed at present."""


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


class Ingest:
    """Runs feeds into a store."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        clock: Clock,
        *,
        owner: str,
        environment: Mapping[str, str],
        progress: Progress | None = None,
    ) -> None:
        self.settings = settings
        self.store = store
        self._clock = clock
        self._owner = owner
        self._environment = environment
        self._progress = progress or (lambda feed, claims: None)

    def due(self) -> list[Feed]:
        """The enabled feeds whose time has come, the longest due first."""
        now = self._clock() // 1_000
        states = {feed.id: self.store.feed_state(feed.id) for feed in self.settings.feeds if feed.enabled}
        waiting = [(state.due if state else 0, name) for name, state in states.items()]
        return [self.settings.feed(name) for due, name in sorted(waiting) if due <= now]

    def run(self, feed: Feed) -> FeedState:
        """Collect a feed once and remember how that went. Raises :class:`FeedBusy`; of the feed's own troubles it
        raises none, they are in the state."""
        now = self._clock() // 1_000
        self.hold(feed)
        try:
            state = self._attempt(feed, self.store.feed_state(feed.id) or FeedState(feed=feed.id), now)
            self.store.save_feed_state(state)
            return state
        finally:
            self.store.release(f"feed/{feed.id}", self._owner)

    def hold(self, feed: Feed) -> None:
        """Take the feed's lease, or prolong it. Raises :class:`FeedBusy`."""
        now = self._clock() // 1_000
        if not self.store.lease(f"feed/{feed.id}", self._owner, now=now, until=now + _LEASE_FOR):
            raise FeedBusy(f"{feed.id} is being collected by another process")

    def _attempt(self, feed: Feed, state: FeedState, now: Millis) -> FeedState:
        tally = Tally()
        try:
            state, status = self._collect(feed, state, tally)
        except DocumentHeld as error:
            return self._failed(feed, state, now, tally, "held", error)
        except (CollectError, UnreadableDocument) as error:
            return self._failed(feed, state, now, tally, "failed", error)
        except (StoreError, FeedBusy):
            raise
        except Exception as error:
            # A fault of ours. The feed has to wait for its next turn all the same, or it would be tried without end.
            unexpected = RuntimeError(f"unexpected {type(error).__name__}")
            self.store.save_feed_state(self._failed(feed, state, now, tally, "failed", unexpected))
            raise
        return replace(
            state,
            due=now + feed.every,
            last_run=now,
            last_success=now,
            status=status,
            message="",
            failures=0,
            counts=tally.counts(),
            refused=dict(tally.refused),
            examples=tuple(tally.examples),
        )

    def _failed(
        self, feed: Feed, state: FeedState, now: Millis, tally: Tally, status: str, error: Exception
    ) -> FeedState:
        _LOG.warning("feed %s %s: %s", feed.id, status, error)
        wait = feed.every
        if isinstance(error, TryLater):
            # Sooner than usual, less and less eagerly, and never sooner than the publisher asked.
            wait = max(min(feed.every, MINUTE << min(state.failures, 20)), error.retry_after or 0)
        return replace(
            state,
            due=now + wait,
            last_run=now,
            status=status,
            message=str(error),
            failures=state.failures + 1,
            counts=tally.counts(),
            refused=dict(tally.refused),
            examples=tuple(tally.examples),
        )

    def _collect(self, feed: Feed, state: FeedState, tally: Tally) -> tuple[FeedState, str]:
        self._move_audience(feed)
        status = "unchanged"
        while True:
            collected = collect(
                feed,
                state.cursor,
                clock=self._clock,
                data=self.settings.data,
                environment=self._environment,
                contact=self.settings.collector_contact,
            )
            try:
                listed = self._take(feed, state, collected, tally)
            finally:
                for document in collected.documents:
                    document.close()
            if collected.documents:
                status = "ok"
            elif collected.unchanged and feed.kind == "list":
                self._renew(feed, tally)
            # All that the documents said is in the store by now: only here may the cursor move.
            state = replace(state, cursor=dict(collected.cursor), listed=state.listed if listed is None else listed)
            self.store.save_feed_state(state)
            if not collected.more:
                return state, status

    def _take(self, feed: Feed, state: FeedState, collected: Collected, tally: Tally) -> int | None:
        """Take in the documents of one fetch; gives the number of values of a full list."""
        if not collected.documents:
            return None
        rows = sum(check(document, feed) for document in collected.documents)
        self._expect(feed, state, rows, partial=collected.more or feed.transport.kind == "taxii")
        tally.rows += rows
        taken = _Taking(self, feed, tally)
        for document in collected.documents:
            taken.document(document)
        taken.settle()
        if feed.kind != "list":
            return None
        self._withdraw_absent(feed, taken.seen, collected.documents[-1], tally)
        return len(taken.seen)

    def _expect(self, feed: Feed, state: FeedState, rows: int, *, partial: bool) -> None:
        expect = feed.expect
        if rows < expect.min_rows and not partial:
            raise DocumentHeld(f"expected at least {expect.min_rows} rows, got {rows}")
        if expect.max_rows is not None and rows > expect.max_rows:
            raise DocumentHeld(f"expected at most {expect.max_rows} rows, got {rows}")
        if feed.kind == "list" and rows < state.listed * (1 - expect.shrink):
            raise DocumentHeld(f"the list shrank from {state.listed} to {rows} rows; held until it is confirmed")

    # -- claims

    def origin(self, feed: Feed) -> tuple[str, str]:
        """Origin and family as they stand in claims: opaque where the feed may not be named."""
        if feed.named:
            return feed.id, feed.origin_family
        secret = self.store.secret("origins")
        words = (feed.id, feed.origin_family)
        first, second = (hmac.new(secret, word.encode(), hashlib.sha256).hexdigest()[:24] for word in words)
        return f"opaque:{first}", f"opaque:{second}"

    def put(self, rows: list[ClaimRow]) -> int:
        """Write claims; gives how many were kept."""
        return self.store.put_claims(rows) if rows else 0

    def _renew(self, feed: Feed, tally: Tally) -> None:
        """An unchanged full list sights all that it holds: move what a step has passed over, nothing else."""
        now = self._clock() // 1_000
        origin, _ = self.origin(feed)
        while True:
            due = self.store.listed(origin, limit=_BATCH, due=now)
            if not due:
                return
            rows = [self._sighted(listed, claim, now) for listed, claim in self._claims_of(origin, due)]
            self.put(rows)
            tally.renewed += len(rows)

    def _sighted(self, listed: Listed, claim: Claim, now: Millis) -> ClaimRow:
        moved = claim if claim.withdrawn else fold(claim, claim._replace(last_seen=now, version=now), replace=True)
        renew_at = None if claim.withdrawn else max(next_step(moved.last_seen, moved.life, listed.key), now + 1)
        return ClaimRow(listed.key, moved, renew_at)

    def _claims_of(self, origin: str, listed: list[Listed]) -> Iterator[tuple[Listed, Claim]]:
        about = self.store.claims({item.key for item in listed})
        for item in listed:
            for claim in about.get(item.key, ()):
                if claim.origin == origin and claim.audience == item.audience:
                    yield item, claim

    def _withdraw_absent(self, feed: Feed, seen: set[tuple[bytes, str]], last: Document, tally: Tally) -> None:
        """Withdraw what a complete list no longer holds."""
        origin, _ = self.origin(feed)
        moment = last.modified or last.fetched
        after: Listed | None = None
        while page := self.store.listed(origin, after=after, limit=_BATCH):
            after = page[-1]
            gone = [item for item in page if (item.key, item.audience) not in seen]
            rows = [
                ClaimRow(item.key, _withdrawn(claim, moment))
                for item, claim in self._claims_of(origin, gone)
                if not claim.withdrawn
            ]
            tally.withdrawn += self.put(rows)

    def _move_audience(self, feed: Feed) -> None:
        """When a feed's marking or terms changed, its claims go where they now belong, and end where they were."""
        name = f"audience/{feed.id}"
        before, now = self.store.value(name), feed.audience
        if before is not None and before != now:
            self._retire(feed, before)
        if before != now:
            self.store.set_value(name, now)

    def _retire(self, feed: Feed, before: str) -> None:
        origin, _ = self.origin(feed)
        moment = self._clock() // 1_000
        after = b""
        while keys := self.store.origin_keys(origin, after=after, limit=_BATCH):
            after = keys[-1]
            rows: list[ClaimRow] = []
            for key, about in self.store.claims(keys).items():
                for claim in about:
                    if claim.origin == origin and not claim.withdrawn:
                        rows += _moved(key, claim, before, feed, moment)
            self.put(rows)


class _Taking:
    """Takes in the documents of one fetch, batch by batch."""

    def __init__(self, ingest: Ingest, feed: Feed, tally: Tally) -> None:
        self._ingest = ingest
        self._feed = feed
        self._tally = tally
        self._origin, self._family = ingest.origin(feed)
        #: (key, audience) of every claim so far; kept for full lists alone
        self.seen: set[tuple[bytes, str]] = set()
        # In a list a value may stand twice, and the second row must not look like a change of the first. So what
        # would change a stored claim waits here until the whole list is read.
        self._changed: dict[tuple[bytes, str], Claim] = {}

    def document(self, document: Document) -> None:
        """Take in one document. Raises UnreadableDocument, DocumentHeld."""
        batch: list[Claim] = []
        for claim in self._claims(document):
            batch.append(claim)
            if len(batch) >= _BATCH:
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
        # Before every write: a process that was paused past its lease must not write over its successor.
        self._ingest.hold(self._feed)
        news = [(observable_key(claim.type, claim.value), claim) for claim in batch]
        stored = {
            (key, claim.audience): claim
            for key, about in self._ingest.store.claims({key for key, _ in news}).items()
            for claim in about
            if claim.origin == self._origin
        }
        present = dict(stored)
        for key, claim in news:
            self._fold(present, key, self._named(claim))
        changed = [self._row(place[0], claim) for place, claim in present.items() if claim is not stored.get(place)]
        self._tally.kept += self._ingest.put(changed)
        self._ingest._progress(self._feed.id, self._tally.claims)

    def _named(self, claim: Claim) -> Claim:
        if claim.origin == self._origin:
            return claim
        return claim._replace(origin=self._origin, family=self._family)

    def _fold(self, present: dict[tuple[bytes, str], Claim], key: bytes, claim: Claim) -> None:
        place = (key, claim.audience)
        stored = present.get(place)
        if self._feed.kind != "list":
            present[place] = fold(stored, claim, replace=False, key=key)
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
        for start in range(0, len(waiting), _BATCH):
            part = waiting[start : start + _BATCH]
            about = self._ingest.store.claims({key for (key, _), _ in part})
            rows = []
            for (key, audience), claim in part:
                stored = next(
                    (c for c in about.get(key, ()) if c.origin == self._origin and c.audience == audience), None
                )
                folded = fold(stored, claim, replace=True, key=key)
                if folded is not stored:
                    rows.append(self._row(key, folded))
            self._tally.kept += self._ingest.put(rows)
        self._changed.clear()

    def _row(self, key: bytes, claim: Claim) -> ClaimRow:
        renew_at = next_step(claim.last_seen, claim.life, key) if self._feed.kind == "list" else None
        return ClaimRow(key, claim, renew_at)


def _withdrawn(claim: Claim, moment: Millis) -> Claim:
    return claim._replace(withdrawn=moment, version=max(moment, claim.version + 1))


def _moved(key: bytes, claim: Claim, before: str, feed: Feed, moment: Millis) -> Iterable[ClaimRow]:
    target = feed.audience if claim.audience == before else narrower(claim.audience, feed.audience)
    if target == claim.audience:
        return
    yield ClaimRow(key, _withdrawn(claim, moment))
    renew_at = next_step(claim.last_seen, claim.life, key) if feed.kind == "list" else None
    yield ClaimRow(key, claim._replace(audience=target, version=max(moment, claim.version)), renew_at)
