"""The embedded loop: does what is due, again and again. What is due is in the store, so any number may run or stop."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping

from config.feeds import Feed
from config.instant import HOUR, Clock, Millis
from config.settings import Settings
from taxii_server.ingest import FeedBusy, Ingest, TooSoon
from taxii_server.jobs import Jobs
from taxii_server.manners import hosts
from taxii_server.publishing import Publisher
from taxii_server.stores.base import News, Store, StoreError
from taxii_server.submissions import Submissions
from taxii_server.surveying import Surveying
from taxii_server.turns import NotNow

#: seconds between looks for work; a publisher waits about this long for a verdict
_PAUSE = 0.5
#: the same, when the store did not do what was asked: a full disk is not mended sooner, and each try logs a line
_REST = 10.0
#: feeds collected at once; one host that hangs must not hold up the others, nor any submission
_AT_ONCE = 4
#: seconds that feeds in the middle of something are given when the loop is to stop
_GRACE = 5.0
#: how often retention is looked after
_RETAIN_EVERY: Millis = HOUR
_LOG = logging.getLogger("noroshi.worker")


class Worker:
    """Everything that happens without a request."""

    def __init__(
        self, settings: Settings, store: Store, clock: Clock, owner: str, environment: Mapping[str, str]
    ) -> None:
        self._clock = clock
        self.publisher = Publisher(settings, store, clock, owner)
        self.ingest = Ingest(
            settings,
            store,
            clock,
            owner=owner,
            environment=environment,
            between=self._between,
        )
        self.submissions = Submissions(settings, store, clock)
        self.jobs = Jobs(self.publisher)
        self.surveying = Surveying(self.publisher)
        self._running: dict[str, tuple[Feed, threading.Thread]] = {}
        self._settled = False
        self._retained: Millis = 0

    def tick(self) -> None:
        """Do once all that is due at this moment, one thing after the other."""
        self._attend()
        for feed in self.ingest.due():
            self._collect(feed)
        self._attend()

    def run(self, stop: threading.Event) -> None:
        """Go on until told to stop. Feeds are collected beside, a few at once."""
        while not stop.is_set():
            well = self._attend() & _guarded(self._start_due)
            stop.wait(_PAUSE if well else _REST)
        for _, thread in list(self._running.values()):
            # One that does not end in time ends with the process: its cursor has not moved, so nothing is lost.
            thread.join(_GRACE)
        _guarded(self.publisher.release)

    def _attend(self) -> bool:
        """Gives whether the store did all of it."""
        steps = (self._settle, self._submissions, self._publish, self._relist, self._survey, self._retain)
        return all([_guarded(step) for step in steps])

    def _start_due(self) -> None:
        self._running = {name: run for name, run in self._running.items() if run[1].is_alive()}
        # A feed whose host is busy must not keep those of other hosts from their turn.
        asked = {host for feed, _ in self._running.values() for host in hosts(feed)}
        for feed in self.ingest.due():
            if len(self._running) >= _AT_ONCE:
                return
            if feed.id not in self._running and asked.isdisjoint(hosts(feed)):
                asked.update(hosts(feed))
                thread = threading.Thread(target=self._collect, args=(feed,), name=f"feed-{feed.id}", daemon=True)
                self._running[feed.id] = feed, thread
                thread.start()

    def _collect(self, feed: Feed) -> None:
        try:
            state = self.ingest.run(feed)
        except (FeedBusy, TooSoon):
            return
        except StoreError as error:
            _LOG.error("feed %s: store: %s; trying again", feed.id, error)
            return
        except Exception:
            _LOG.exception("feed %s: a fault of the hub", feed.id)
            return
        _LOG.info("feed %s %s", feed.id, state.status, extra={"fields": {"counts": state.counts}})

    def _settle(self) -> None:
        if not self._settled:
            self.ingest.follow_terms()
            self.jobs.settle()
            self._settled = True

    def _relist(self) -> None:
        if self._settled:
            self.jobs.relist()

    def _survey(self) -> None:
        if self._settled:
            self.surveying.step()

    def _submissions(self) -> None:
        while self.submissions.process():
            self.publisher.publish_all()

    def _publish(self, news: News | None = None) -> None:
        self.publisher.publish_all(news=news)

    def _between(self, news: News | None) -> None:
        _guarded(lambda: self._publish(news))

    def _retain(self) -> None:
        now = self._clock() // 1_000
        if now - self._retained >= _RETAIN_EVERY:
            self.jobs.retain()
            self._retained = now


def _guarded(step: Callable[[], None]) -> bool:
    """Gives whether the store did what was asked."""
    try:
        step()
    except NotNow:
        pass  # whoever publishes now does this too
    except StoreError as error:
        _LOG.error("store: %s; trying again", error)
        return False
    return True
