"""The one file that joins: collect, normalize, fold into claims, and only then move the cursor.

Every step can be done again. A crash anywhere leaves the cursor where it was, and the next run writes the same claims
once more, to no effect.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace

from collectors import Collected, CollectError, TryLater, collect
from config.feeds import Feed
from config.instant import MINUTE, Clock, Millis
from config.settings import Settings, shipped
from normalizers.records import UnreadableDocument, check
from taxii_server.intake import DocumentHeld, Intake, Origin, Tally
from taxii_server.standing import Standing
from taxii_server.stores.base import FeedState, News, Store, StoreError

_LEASE_FOR: Millis = 15 * MINUTE
_LOG = logging.getLogger("noroshi.ingest")

Progress = Callable[[str, int], None]


class FeedBusy(Exception):
    """Another process runs this feed at present."""


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
        between: Callable[[News | None], None] | None = None,
    ) -> None:
        """``between`` is called between two batches, with what the last one changed where that is all there is to know:
        it may as well be published."""
        self.settings = settings
        self.store = store
        self._clock = clock
        self._owner = owner
        self._environment = environment
        self._progress = progress or (lambda feed, claims: None)
        self._between = between or (lambda news: None)

    def follow_terms(self) -> None:
        """See to it that what feeds said stands under their present terms, whether they are still collected or not."""
        for feed in self.settings.feeds:
            with suppress(FeedBusy):  # whoever runs it follows its terms first
                self.hold(feed)
                try:
                    self._follow_terms(feed, self.store.feed_state(feed.id) or FeedState(feed=feed.id), Tally())
                finally:
                    self.store.release(f"feed/{feed.id}", self._owner)

    def _standing(self, feed: Feed, tally: Tally) -> Standing:
        return Standing(self.store, self._clock, feed, self.origin(feed)[0], lambda: self._each_batch(feed, tally))

    def _follow_terms(self, feed: Feed, state: FeedState, tally: Tally) -> FeedState:
        standing = self._standing(feed, tally)
        before = standing.terms_before()
        if before is None:
            return state
        standing.follow_terms(before)
        state = replace(state, cursor={})  # all that the feed holds is to be read under the new terms
        self.store.save_feed_state(state)
        standing.remember_terms(before)
        return state

    def due(self) -> list[Feed]:
        """The enabled feeds whose time has come, the longest due first."""
        now = self._clock() // 1_000
        found = []
        for feed in self.settings.feeds:
            state = self.store.feed_state(feed.id) if feed.enabled else None
            # A run in the future was before the clock stepped back; nobody should wait until it comes round again.
            when = 0 if state is None or state.last_run > now else state.due
            if feed.enabled and when <= now:
                found.append((when, feed.id, feed))
        return [feed for _, _, feed in sorted(found, key=lambda item: item[:2])]

    def run(self, feed: Feed, *, confirmed: bool = False) -> FeedState:
        """Collect a feed once and remember how that went. Raises :class:`FeedBusy`; of the feed's own troubles it
        raises none, they are in the state.

        ``confirmed``: a person says that a list which shrank so much is right.
        """
        now = self._clock() // 1_000
        self.hold(feed)
        try:
            before = self.store.feed_state(feed.id) or FeedState(feed=feed.id)
            state = self._attempt(feed, before, now, confirmed)
            self.store.save_feed_state(state)
            return state
        finally:
            self.store.release(f"feed/{feed.id}", self._owner)

    def hold(self, feed: Feed) -> None:
        """Take the feed's lease, or prolong it. Raises :class:`FeedBusy`."""
        now = self._clock() // 1_000
        if not self.store.lease(f"feed/{feed.id}", self._owner, now=now, until=now + _LEASE_FOR):
            raise FeedBusy(f"{feed.id} is being collected by another process")

    def _attempt(self, feed: Feed, state: FeedState, now: Millis, confirmed: bool) -> FeedState:
        tally = Tally()
        try:
            state, status = self._collect(feed, state, tally, confirmed)
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
        state = replace(
            state, due=now + feed.every, last_run=now, last_success=now, status=status, message="", failures=0
        )
        if status == "unchanged":
            return state  # what the last document brought and why it was refused is still what there is to know
        return replace(
            state,
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

    def _collect(self, feed: Feed, state: FeedState, tally: Tally, confirmed: bool) -> tuple[FeedState, str]:
        state = self._follow_terms(feed, state, tally)
        standing = self._standing(feed, tally)
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
                listed = self._take(
                    feed, state if not confirmed else replace(state, listed=0), collected, standing, tally
                )
            finally:
                for document in collected.documents:
                    document.close()
            if collected.documents:
                status = "ok"
            elif collected.unchanged and feed.kind == "list":
                tally.renewed += standing.renew()
            # All that the documents said is in the store by now: only here may the cursor move.
            state = replace(state, cursor=dict(collected.cursor), listed=state.listed if listed is None else listed)
            self.store.save_feed_state(state)
            if not collected.more:
                return state, status

    def _take(self, feed: Feed, state: FeedState, collected: Collected, standing: Standing, tally: Tally) -> int | None:
        """Take in the documents of one fetch; gives the number of values of a full list."""
        if not collected.documents:
            return None
        rows = sum(check(document, feed) for document in collected.documents)
        self._expect(feed, state, rows, partial=collected.more or feed.transport.kind == "taxii")
        tally.rows += rows
        intake = Intake(
            self.store, feed, self.origin(feed), tally, lambda: self._each_batch(feed, tally), self._between
        )
        for document in collected.documents:
            intake.document(document)
        intake.settle()
        if feed.kind != "list":
            return None
        self._expect_whole(feed, state, len(intake.seen), rows, tally)
        last = collected.documents[-1]
        tally.withdrawn += standing.withdraw_absent(intake.seen, last.modified or last.fetched)
        return len(intake.seen)

    def _expect_whole(self, feed: Feed, state: FeedState, values: int, rows: int, tally: Tally) -> None:
        """Before anything is withdrawn for its absence: rows that cannot be read, or say one thing again and again, do
        not make a list whole. Raises DocumentHeld."""
        if tally.refused.total() > rows * feed.expect.refused:
            raise DocumentHeld(f"{tally.refused.total()} of {rows} rows cannot be read as they should")
        if values < state.listed * (1 - feed.expect.shrink):
            raise DocumentHeld(
                f"the list shrank from {state.listed} to {values} values; "
                f"if that is right, run `noroshi collect {feed.id} --confirm`"
            )

    def _each_batch(self, feed: Feed, tally: Tally) -> None:
        # Before every write: a process that was paused past its lease must not write over its successor.
        self.hold(feed)
        self._progress(feed.id, tally.claims)
        self._between(None)

    def _expect(self, feed: Feed, state: FeedState, rows: int, *, partial: bool) -> None:
        expect = feed.expect
        if rows < expect.min_rows and not partial:
            raise DocumentHeld(f"expected at least {expect.min_rows} rows, got {rows}")
        if expect.max_rows is not None and rows > expect.max_rows:
            raise DocumentHeld(f"expected at most {expect.max_rows} rows, got {rows}")
        if feed.kind == "list" and rows < state.listed * (1 - expect.shrink):
            raise DocumentHeld(
                f"the list shrank from {state.listed} to {rows} rows; "
                f"if that is right, run `noroshi collect {feed.id} --confirm`"
            )

    # -- claims

    def origin(self, feed: Feed) -> Origin:
        """Origin and family as they stand in claims: opaque where the feed may not be named."""
        if feed.named:
            # A shipped feed is the same everywhere; one of the hub's own is its alone, whatever others call theirs.
            own = feed.id if shipped(f"feeds/{feed.id}.yaml").is_file() else f"{feed.id}@{self.settings.hub.name}"
            return own, feed.family or own
        secret = self.store.secret("origins")
        words = (feed.id, feed.origin_family)
        first, second = (hmac.new(secret, word.encode(), hashlib.sha256).hexdigest()[:24] for word in words)
        return f"opaque:{first}", f"opaque:{second}"
