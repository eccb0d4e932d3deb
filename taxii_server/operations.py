"""For those who run the hub: whether it works (``/healthz``), and how (``/metrics``, for operators only).

Metrics are read from the store when they are asked for, so that they are the same whichever process answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from flask import Blueprint, g
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from config.instant import Clock
from config.settings import Settings
from taxii_server.access import Access
from taxii_server.replies import Reply, reply
from taxii_server.stores.base import Store

#: Prometheus text format 0.0.4
_TEXT = "text/plain; version=0.0.4; charset=utf-8"


def routes(settings: Settings, store: Store, access: Access, clock: Clock) -> Blueprint:
    """GET /healthz and GET /metrics"""
    blueprint = Blueprint("operations", __name__)

    @blueprint.get("/healthz")
    def healthz() -> Reply:
        store.value("healthz")  # raises StoreError when the store does not answer
        return reply(b'{"status":"ok"}', kind="application/json")

    @blueprint.get("/metrics")
    def metrics() -> Reply:
        access.operate(g.caller)
        registry = CollectorRegistry()
        registry.register(_Metrics(settings, store, clock))
        return reply(generate_latest(registry), kind=_TEXT)

    return blueprint


class _Metrics(Collector):
    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        yield from self._collections()
        yield from self._feeds()
        yield from self._reads()
        pending = self._store.count_pending()
        yield GaugeMetricFamily("noroshi_submissions_pending", "Submissions not processed", value=pending)
        yield GaugeMetricFamily("noroshi_time_seconds", "The hub's clock", value=self._clock() / 1_000_000)

    def _collections(self) -> Iterator[Metric]:
        objects = GaugeMetricFamily(
            "noroshi_collection_objects", "Objects in a collection", labels=["root", "collection", "title"]
        )
        last = GaugeMetricFamily(
            "noroshi_collection_last_added_seconds", "The newest date_added", labels=["root", "collection", "title"]
        )
        counts = self._store.counts()
        for root in self._settings.api_roots:
            for item in root.collections:
                names = [root.path, str(item.id), item.title]
                objects.add_metric(names, counts.get(str(item.id), 0))
                last.add_metric(names, self._store.last_date(str(item.id)) / 1_000_000)
        yield objects
        yield last

    def _feeds(self) -> Iterator[Metric]:
        success = GaugeMetricFamily("noroshi_feed_last_success_seconds", "The last run that succeeded", labels=["feed"])
        failures = GaugeMetricFamily("noroshi_feed_failures", "Runs in a row that failed", labels=["feed"])
        rows = GaugeMetricFamily("noroshi_feed_rows", "What the last run counted", labels=["feed", "kind"])
        for feed in self._settings.feeds:
            state = self._store.feed_state(feed.id)
            if state is None:
                continue
            success.add_metric([feed.id], state.last_success / 1_000)
            failures.add_metric([feed.id], state.failures)
            for kind, number in sorted(state.counts.items()):
                rows.add_metric([feed.id, kind], number)
        yield success
        yield failures
        yield rows

    def _reads(self) -> Iterator[Metric]:
        labels = ["subscriber", "collection"]
        requests = CounterMetricFamily("noroshi_read_requests", "Reads of a collection", labels=labels)
        objects = CounterMetricFamily("noroshi_read_objects", "Objects given to readers", labels=labels)
        errors = CounterMetricFamily("noroshi_read_errors", "Reads answered with an error", labels=labels)
        for count in self._store.reads():
            names = [count.subscriber, count.collection]
            requests.add_metric(names, count.requests)
            objects.add_metric(names, count.objects)
            errors.add_metric(names, count.errors)
        yield requests
        yield objects
        yield errors
