"""The one file that joins: collect, normalize, fold into claims, and only then move the cursor.

Every step can be done again. A crash anywhere leaves the cursor where it was, and the next run writes the same claims
once more, to no effect.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace

from collectors import Collected, CollectError, Document, TryLater, collect
from config.audience import Audience
from config.feeds import Feed
from config.instant import MINUTE, Clock, Millis
from config.loading import shipped
from config.settings import Settings
from normalizers.reading import check, marks_rows
from normalizers.records import UnreadableDocument
from taxii_server.holds import Holds
from taxii_server.intake import Intake, Origin, Tally
from taxii_server.standing import Standing
from taxii_server.stores.base import FeedState, News, Store, StoreError

_LEASE_FOR: Millis = 15 * MINUTE
_LOG = logging.getLogger("noroshi.ingest")

Progress = Callable[[str, int], None]


#: Pages that one run reads: a server whose pages never end must not keep other feeds from their turn.
_MOST_PAGES = 1_000


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
        self._settings = settings
        self._store = store
        self._clock = clock
        self._owner = owner
        self._environment = environment
        self._progress = progress or (lambda feed, claims: None)
        self._between = between or (lambda news: None)

    def follow_terms(self) -> None:
        """See to it that what feeds said stands under their present terms, whether they are still collected or not."""
        for feed in self._settings.feeds:
            with suppress(FeedBusy):  # whoever runs it follows its terms first
                self._lease(feed)
                try:
                    self._follow_terms(feed, self._store.feed_state(feed.id) or FeedState(feed=feed.id), Tally())
                finally:
                    self._store.release(f"feed/{feed.id}", self._owner)

    def _standing(self, feed: Feed, tally: Tally) -> Standing:
        return Standing(self._store, self._clock, feed, self._origin(feed)[0], lambda: self._each_batch(feed, tally))

    def _follow_terms(self, feed: Feed, state: FeedState, tally: Tally) -> FeedState:
        standing = self._standing(feed, tally)
        before = standing.terms_before()
        if before is None:
            return state
        standing.follow_terms(before)
        # All that the feed holds is to be read under the new terms, by those who see it from now on.
        state = replace(state, cursor={}, listed=standing.moved(state.listed, before))
        self._store.save_feed_state(state)
        standing.remember_terms(before)
        return state

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

    def run(self, feed: Feed, *, confirmed: bool = False) -> FeedState:
        """Collect a feed once and remember how that went. Raises :class:`FeedBusy`; of the feed's own troubles it
        raises none, they are in the state.

        ``confirmed``: a person says that a list which shrank so much is right.
        """
        now = self._clock() // 1_000
        self._lease(feed)
        try:
            before = self._store.feed_state(feed.id) or FeedState(feed=feed.id)
            state = self._attempt(feed, before, now, confirmed)
            self._store.save_feed_state(state)
            return state
        finally:
            self._store.release(f"feed/{feed.id}", self._owner)

    def _lease(self, feed: Feed) -> None:
        """Take the feed's lease, or prolong it. Raises :class:`FeedBusy`."""
        now = self._clock() // 1_000
        if not self._store.lease(f"feed/{feed.id}", self._owner, now=now, until=now + _LEASE_FOR):
            raise FeedBusy(f"{feed.id} is being collected by another process")

    def _attempt(self, feed: Feed, state: FeedState, now: Millis, confirmed: bool) -> FeedState:
        tally = Tally()
        try:
            state = self._collect(feed, state, tally, confirmed)
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
        state = replace(state, due=now if tally.more else now + feed.every, last_run=now, failures=0)
        if state.status == "held":
            _LOG.warning("feed %s held: %s", feed.id, state.message)
        else:
            state = replace(state, last_success=now)
        if state.status == "unchanged":
            return state  # what the last document brought and why it was refused is still what there is to know
        return replace(
            state,
            counts=tally.counts(),
            refused=dict(tally.refused),
            examples=tuple(tally.examples),
        )

    def _failed(self, feed: Feed, now: Millis, tally: Tally, error: Exception) -> FeedState:
        # As it stands in the store: the cursor has moved with what was taken in before the failure.
        state = self._store.feed_state(feed.id) or FeedState(feed=feed.id)
        _LOG.warning("feed %s failed: %s", feed.id, error)
        wait = feed.every
        if isinstance(error, TryLater):
            # Sooner than usual, less and less eagerly, and never sooner than the publisher asked.
            wait = max(min(feed.every, MINUTE << min(state.failures, 20)), error.retry_after or 0)
        return replace(
            state,
            due=now + wait,
            last_run=now,
            status="failed",
            message=str(error),
            failures=state.failures + 1,
            counts=tally.counts(),
            refused=dict(tally.refused),
            examples=tuple(tally.examples),
        )

    def _collect(self, feed: Feed, state: FeedState, tally: Tally, confirmed: bool) -> FeedState:
        state = self._follow_terms(feed, state, tally)
        standing = self._standing(feed, tally)
        state = replace(state, status="unchanged", message="")
        position = state.cursor
        for _ in range(_MOST_PAGES):
            collected = collect(
                feed,
                position,
                clock=self._clock,
                data=self._settings.data,
                environment=self._environment,
                contact=self._settings.collector_contact,
            )
            try:
                if collected.documents:
                    state = self._take(feed, state, collected, standing, tally, confirmed)
            finally:
                for document in collected.documents:
                    document.close()
            if collected.unchanged and feed.kind == "list":
                tally.renewed += standing.renew()
            position = dict(collected.cursor)
            # All that the documents said is in the store by now: only here may the cursor move. What is held is read
            # again until it is right: a log from there on, a list whole, for it may come back to what it was.
            # So is what has rows dated ahead, until their date: that must not happen for a change that not all may see.
            again = tally.ahead and marks_rows(feed) and feed.transport.kind != "taxii"
            if again or (state.status == "held" and feed.kind == "list"):
                state = replace(state, cursor={})
            elif state.status != "held":
                state = replace(state, cursor=position)
            self._store.save_feed_state(state)
            if not collected.more:
                return state
        tally.more = True
        return replace(state, message=f"{_MOST_PAGES} pages read; the next run goes on with the rest at once")

    def _take(
        self, feed: Feed, state: FeedState, collected: Collected, standing: Standing, tally: Tally, confirmed: bool
    ) -> FeedState:
        """Take in the documents of one fetch, but for whom they are not normal."""
        documents = (
            [_undated(document) for document in collected.documents] if marks_rows(feed) else collected.documents
        )
        rows: Counter[Audience] = Counter()
        for document in documents:
            rows.update(check(document, feed))
        partial = collected.more or feed.transport.kind == "taxii"
        holds = Holds(feed, rows, state.listed, partial=partial, confirmed=confirmed)
        tally.rows += rows.total()
        intake = Intake(
            self._store,
            feed,
            self._origin(feed),
            tally,
            holds,
            skew=self._settings.tolerated_skew,
            each_batch=lambda: self._each_batch(feed, tally),
            tell=self._between,
        )
        if holds.all:
            tally.held += rows.total()
        else:
            for document in documents:
                intake.document(document)
            intake.settle()
        if feed.kind == "list":
            state = replace(state, listed=self._withdraw(state, documents[-1], intake, standing, tally))
        if not holds.why and state.status != "held":
            return replace(state, status="ok")
        return replace(state, status="held", message=holds.message or state.message)

    def _withdraw(
        self, state: FeedState, last: Document, intake: Intake, standing: Standing, tally: Tally
    ) -> dict[Audience, int]:
        """Withdraw what a list no longer holds and sight what it does; gives the number of values it lists."""
        holds, values = intake.holds, Counter(audience for _, audience in intake.seen)
        holds.whole(intake.refused, values)
        if not holds.all:
            tally.withdrawn += standing.withdraw_absent(intake.seen, last.modified or last.fetched, holds.why)
            tally.renewed += standing.renew(holds.why)
        before = {audience: count for audience, count in state.listed.items() if audience in holds.why}
        return before | {audience: count for audience, count in values.items() if audience not in holds.why}

    def _each_batch(self, feed: Feed, tally: Tally) -> None:
        # Before every write: a process that was paused past its lease must not write over its successor.
        self._lease(feed)
        self._progress(feed.id, tally.claims)
        self._between(None)

    def _origin(self, feed: Feed) -> Origin:
        """Origin and family as they stand in claims: opaque where the feed may not be named."""
        if feed.named:
            # A shipped feed is the same everywhere; one of the hub's own is its alone, whatever others call theirs.
            own = feed.id if shipped(f"feeds/{feed.id}.yaml").is_file() else f"{feed.id}@{self._settings.hub.name}"
            return own, feed.family or own
        secret = self._store.secret("origins")
        words = (feed.id, feed.origin_family)
        first, second = (hmac.new(secret, word.encode(), hashlib.sha256).hexdigest()[:24] for word in words)
        return f"opaque:{first}", f"opaque:{second}"


def _undated(document: Document) -> Document:
    # Its own date is of whatever changed last in it, be it a row that not all may see.
    return replace(document, modified=None)
