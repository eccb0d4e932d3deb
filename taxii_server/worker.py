"""The embedded loop: does what is due, again and again. What is due is in the store, so any number may run or stop."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping

from config.instant import Clock, Millis
from config.settings import Settings
from taxii_server.ingest import FeedBusy, Ingest
from taxii_server.jobs import RETAIN_EVERY, Jobs
from taxii_server.publishing import NotNow, Publisher
from taxii_server.stores.base import Store, StoreError
from taxii_server.submissions import Submissions

#: seconds between looks for work; a publisher waits about this long for a verdict
_PAUSE = 0.5
_LOG = logging.getLogger("noroshi.worker")


class Worker:
    """Everything that happens without a request."""

    def __init__(
        self, settings: Settings, store: Store, clock: Clock, owner: str, environment: Mapping[str, str]
    ) -> None:
        self._clock = clock
        self._store = store
        self.publisher = Publisher(settings, store, clock, owner)
        self.ingest = Ingest(settings, store, clock, owner=owner, environment=environment)
        self.submissions = Submissions(settings, store, clock)
        self.jobs = Jobs(self.publisher)
        self._settled = False
        self._retained: Millis = 0

    def tick(self) -> None:
        """Do once all that is due at this moment."""
        for step in (self._settle, self._submissions, self._feeds, self._publish, self._retain):
            self._guarded(step)

    def run(self, stop: threading.Event) -> None:
        """Tick until told to stop."""
        while not stop.is_set():
            self.tick()
            stop.wait(_PAUSE)
        self.publisher.release()

    def _guarded(self, step: Callable[[], None]) -> None:
        try:
            step()
        except NotNow:
            pass  # whoever publishes now does this too
        except StoreError as error:
            _LOG.error("store: %s; trying again", error)

    def _settle(self) -> None:
        if not self._settled:
            self.jobs.settle()
            self._settled = True

    def _submissions(self) -> None:
        while self.submissions.process():
            self.publisher.publish_all()

    def _feeds(self) -> None:
        for feed in self.ingest.due():
            try:
                state = self.ingest.run(feed)
            except FeedBusy:
                continue
            _LOG.info("feed %s %s", feed.id, state.status, extra={"counts": state.counts})
            self._guarded(self._publish)

    def _publish(self) -> None:
        self.publisher.publish_all()

    def _retain(self) -> None:
        now = self._clock() // 1_000
        if now - self._retained >= RETAIN_EVERY:
            self.jobs.retain()
            self._retained = now
