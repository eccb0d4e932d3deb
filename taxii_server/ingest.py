"""Feeds: which are due, who runs them, and how that went."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from collectors import CollectError, Means, TryLater
from collectors.keys import hidden, secrets_of
from config.feeds import Feed
from config.instant import MINUTE, Clock, Millis
from config.loading import shipped
from config.settings import Settings
from normalizers.records import UnreadableDocument
from taxii_server.feedrun import Run
from taxii_server.manners import Door, FeedBusy, HostBusy, TooSoon, check_time, spread
from taxii_server.rhythm import news_at
from taxii_server.stores.base import FeedState, News, Store, StoreError
from taxii_server.tally import Tally
from taxii_server.voice import Origin

__all__ = ["FeedBusy", "HostBusy", "Ingest", "TooSoon", "origin_of"]

_LEASE_FOR: Millis = 15 * MINUTE
_LOG = logging.getLogger("noroshi.ingest")

Progress = Callable[[str, int], None]


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
        self._settings = settings
        self._store = store
        self._clock = clock
        self._owner = owner
        self._means = Means(
            clock=clock, environment=environment, contact=settings.collector_contact, data=settings.data
        )
        self._progress = progress or (lambda feed, claims: None)
        self._between = between or (lambda news: None)

    def follow_terms(self) -> None:
        """See to it that what feeds said stands under their present terms, whether they are still collected or not."""
        for feed in self._settings.feeds:
            with suppress(FeedBusy):  # whoever runs it follows its terms first
                self._lease(feed)
                try:
                    self._run(feed).follow_terms()
                finally:
                    self._store.release(f"feed/{feed.id}", self._owner)

    def _run(self, feed: Feed) -> Run:
        return Run(
            self._store,
            self._means,
            feed,
            origin_of(feed, self._settings, self._store),
            door=self._door(feed),
            skew=self._settings.tolerated_skew,
            each_batch=lambda tally: self._each_batch(feed, tally),
            tell=self._between,
        )

    def due(self) -> list[Feed]:
        """The enabled feeds whose time has come, the longest due first."""
        now = self._clock() // 1_000
        found = []
        for feed in self._settings.feeds:
            state = self._store.feed_state(feed.id) if feed.enabled else None
            # A run in the future was before the clock stepped back; nobody should wait until it comes round again.
            when = 0 if state is None or state.last_run > now else state.due
            if feed.enabled and when <= now:
                found.append((when, feed.id, feed))
        return [feed for _, _, feed in sorted(found, key=lambda item: item[:2])]

    def run(self, feed: Feed, *, confirmed: bool = False, forced: bool = False) -> FeedState:
        """Collect a feed once and remember how that went. Raises :class:`FeedBusy`, of which :class:`HostBusy` is one,
        and :class:`TooSoon`; of the feed's own troubles it raises none, they are in the state.

        ``confirmed``: a person says that a document which is so unlike the last one is right. ``forced``: a person
        asks a publisher that does not want to be asked yet.
        """
        now = self._clock() // 1_000
        self._lease(feed)
        try:
            if not forced:
                check_time(feed, self._store.feed_state(feed.id) or FeedState(feed=feed.id), now)
            state = self._attempt(self._run(feed), feed, now, confirmed)
            self._store.save_feed_state(state)
            return state
        finally:
            self._door(feed).leave()
            self._store.release(f"feed/{feed.id}", self._owner)

    def _door(self, feed: Feed) -> Door:
        return Door(self._store, self._clock, self._owner, feed)

    def _lease(self, feed: Feed) -> None:
        """Take the feed's lease, or prolong it. Raises :class:`FeedBusy`."""
        now = self._clock() // 1_000
        if not self._store.lease(f"feed/{feed.id}", self._owner, now=now, until=now + _LEASE_FOR):
            raise FeedBusy(f"{feed.id} is being collected by another process")

    def _attempt(self, run: Run, feed: Feed, now: Millis, confirmed: bool) -> FeedState:
        tally = run.tally
        try:
            run.collect(confirmed=confirmed)
        except (CollectError, UnreadableDocument) as error:
            return self._failed(feed, now, tally, error)
        except (StoreError, FeedBusy):
            raise
        except Exception as error:
            # A fault of ours. The feed has to wait for its next turn all the same, or it would be tried without end.
            unexpected = RuntimeError(f"unexpected {type(error).__name__}")
            self._store.save_feed_state(self._failed(feed, now, tally, unexpected))
            raise
        # Held for some or for nobody, the next run comes as soon, and no later failure waits the longer for it: when a
        # feed runs must not tell what only some may see.
        wait = self._wait(feed, MINUTE if tally.more else None)
        state = replace(run.state, due=now + wait, last_run=now, asked=now, not_before=0, failures=0)
        if state.status in ("held", "failed"):
            _LOG.warning("feed %s %s: %s", feed.id, state.status, self._shown(feed, state.message))
        else:
            state = replace(state, last_success=now)
            if tally.kept or tally.withdrawn:
                state = news_at(state, now)
        if state.status == "unchanged":
            return state  # what the last document brought and why it was refused is still what there is to know
        return replace(state, message=self._shown(feed, state.message), **self._told(feed, tally))

    def _failed(self, feed: Feed, now: Millis, tally: Tally, error: Exception) -> FeedState:
        # As it stands in the store: the cursor has moved with what was taken in before the failure.
        state = self._store.feed_state(feed.id) or FeedState(feed=feed.id)
        message = self._shown(feed, str(error))
        _LOG.warning("feed %s failed: %s", feed.id, message)
        wait, rest = self._wait(feed), 0
        if isinstance(error, TryLater):
            # Sooner than usual, less and less eagerly, and never sooner than the publisher asked.
            rest = error.retry_after or 0
            wait = max(self._wait(feed, MINUTE << min(state.failures, 20)), rest)
        # Without its key the feed's publisher was not asked.
        asked = state.asked if feed.key and not self._means.environment.get(feed.key) else now
        return replace(
            state,
            due=now + wait,
            last_run=now,
            asked=asked,
            not_before=now + rest if rest else state.not_before,
            status="failed",
            message=message,
            failures=state.failures + 1,
            **self._told(feed, tally),
        )

    def _shown(self, feed: Feed, text: str) -> str:
        """What is said of a document, which may repeat the key that it was asked for with."""
        return hidden(text, secrets_of(feed, self._means.environment))

    def _told(self, feed: Feed, tally: Tally) -> dict[str, Any]:
        """What became of the rows, as it stands in a feed's state."""
        examples = tuple((line, self._shown(feed, said)) for line, said in tally.examples)
        return {"counts": tally.counts(), "refused": dict(tally.refused), "examples": examples}

    def _wait(self, feed: Feed, sooner: Millis | None = None) -> Millis:
        """How long after this run the next is due: ``sooner`` than usual, but not than its publisher allows."""
        usual = feed.every + spread(self._settings.hub.name, feed)
        return usual if sooner is None else max(min(usual, sooner), feed.at_least or 0)

    def _each_batch(self, feed: Feed, tally: Tally) -> None:
        # Before every write: a process that was paused past its lease must not write over its successor.
        self._lease(feed)
        self._progress(feed.id, tally.claims)
        self._between(None)


def origin_of(feed: Feed, settings: Settings, store: Store) -> Origin:
    """Origin and family as they stand in claims: opaque where the feed may not be named."""
    if feed.named:
        # A shipped feed is the same everywhere; one of the hub's own is its alone, whatever others call theirs.
        own = feed.id if shipped(f"feeds/{feed.id}.yaml").is_file() else f"{feed.id}@{settings.hub.name}"
        return own, feed.family or own
    secret = store.secret("origins")
    words = (feed.id, feed.origin_family)
    first, second = (hmac.new(secret, word.encode(), hashlib.sha256).hexdigest()[:24] for word in words)
    return f"opaque:{first}", f"opaque:{second}"
