"""Health, metrics, the access log and read counts."""

from __future__ import annotations

import io
import json
import logging
import threading

import pytest
from prometheus_client.parser import text_string_to_metric_families

from taxii_server.jsonlog import JsonFormatter
from taxii_server.reads import ReadCounts
from taxii_server.stores.base import FeedState, ReadCount, StoreBusy
from taxii_server.stores.memory import MemoryStore
from tests.taxii.hub import INBOX, OPEN, TestHub, indicator, path_of


def test_healthz(library: TestHub) -> None:
    """Anybody may ask whether the hub works."""
    answer = library.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(("who", "code"), [("", 401), ("mika", 403), ("pub", 403), ("idle", 403), ("ops", 200)])
def test_metrics_are_for_operators(library: TestHub, who: str, code: int) -> None:
    """Nobody else sees how much members read."""
    assert library.get("/metrics", who).status_code == code


def test_metrics_come_from_the_store(hub: TestHub) -> None:
    """Objects, reads, feeds and pending submissions are those of the whole hub, whichever process is asked."""
    hub.publish(OPEN, indicator(1), indicator(2))
    hub.post(path_of(INBOX, "objects/"), [indicator(3)], "pub")
    hub.store.add_reads([ReadCount("mika", OPEN, 3, 40, 5, 1)])
    answer = hub.get("/metrics", "ops")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    found = {
        (sample.name, sample.labels.get("collection", ""), sample.labels.get("subscriber", "")): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert found["noroshi_collection_objects", OPEN, ""] == 2
    assert found["noroshi_collection_last_added_seconds", OPEN, ""] == pytest.approx(hub.clock() / 1e6, abs=1e-3)
    assert found["noroshi_submissions_pending", "", ""] == 1
    assert found["noroshi_read_requests_total", OPEN, "mika"] == 3
    assert found["noroshi_read_objects_total", OPEN, "mika"] == 40
    assert found["noroshi_read_errors_total", OPEN, "mika"] == 1


def test_metrics_of_feeds() -> None:
    """Each feed that has run shows when it last succeeded, how often it failed since, and what it counted."""
    from tests.taxii.hub import HUB, new_hub

    feed = {
        "id": "sample",
        "title": "Sample",
        "carries": "Nothing",
        "publisher": {"name": "Example", "country": "JP", "homepage": "https://example.com/"},
        "transport": {"kind": "file", "path": "sample.txt"},
        "format": {"kind": "lines"},
        "marking": "TLP:CLEAR",
        "share": "public",
        "reliability": 50,
        "kind": "list",
    }
    with new_hub({**HUB, "feeds": [feed, {**feed, "id": "other"}]}).listening() as hub:
        hub.store.save_feed_state(
            FeedState(feed="sample", last_success=5_000, failures=2, counts={"rows": 7, "refused": 1})
        )
        text = hub.get("/metrics", "ops").text
    assert 'noroshi_feed_last_success_seconds{feed="sample"} 5.0' in text
    assert 'noroshi_feed_failures{feed="sample"} 2.0' in text
    assert 'noroshi_feed_rows{feed="sample",kind="rows"} 7.0' in text
    assert 'feed="other"' not in text


def test_reads_are_counted_by_subscriber_and_collection(hub: TestHub) -> None:
    """Requests, objects and errors of each reader reach the store when they are flushed, and no sooner."""
    hub.publish(OPEN, indicator(1), indicator(2))
    hub.get(path_of(OPEN, "objects/"))
    hub.get(path_of(OPEN, "objects/"), "mika")
    hub.get(path_of(OPEN, "manifest/?limit=1"), "mika")
    hub.get(path_of(OPEN, f"objects/{indicator(9)['id']}/"), "mika")
    hub.get("/taxii2/", "mika")
    assert hub.store.reads() == []
    hub.app.extensions["noroshi.reads"].flush()
    at = hub.clock() // 1_000
    assert hub.store.reads() == [
        ReadCount("anonymous", OPEN, 1, 2, at, 0),
        ReadCount("mika", OPEN, 3, 3, at, 1),
    ]


def test_read_counts_outlive_a_busy_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be written now is written the next time, and nothing is counted twice."""
    store = MemoryStore()
    reads = ReadCounts(store)
    reads.add("mika", OPEN, 5, 1)

    def busy(*_: object) -> None:
        raise StoreBusy("locked")

    monkeypatch.setattr(store, "add_reads", busy)
    reads.flush()
    reads.add("mika", OPEN, 2, 9, error=True)
    monkeypatch.undo()
    reads.flush()
    reads.flush()
    assert store.reads() == [ReadCount("mika", OPEN, 2, 7, 9, 1)]


def test_read_counts_are_written_by_themselves_and_at_the_end() -> None:
    """The thread writes in the background; closing writes the rest."""
    written = threading.Event()

    class Seen(MemoryStore):
        def add_reads(self, counts):  # type: ignore[no-untyped-def]
            super().add_reads(counts)
            written.set()

    store = Seen()
    reads = ReadCounts(store, every=0.01)
    reads.start()
    reads.add("mika", OPEN, 1, 1)
    assert written.wait(30)
    reads.close()
    reads.add("mika", OPEN, 1, 1)
    reads.close()
    assert store.reads()[0].requests == 2


def test_the_access_log_is_json(hub: TestHub) -> None:
    """One line a request: who asked for what, what came of it, and how long it took."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("noroshi.access")
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.INFO)
    try:
        hub.publish(OPEN, indicator(1))
        size = len(hub.get(path_of(OPEN, "objects/?limit=1"), "mika", headers={"User-Agent": "siem\t1"}).content)
        hub.get("/nowhere%0A/")
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    first, second = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert first.pop("ms") >= 0
    assert first.pop("at").endswith("Z")
    assert first == {
        "level": "info",
        "logger": "noroshi.access",
        "message": "request",
        "method": "GET",
        "path": path_of(OPEN, "objects/"),
        "status": 200,
        "bytes": size,
        "from": "127.0.0.1",
        "user": "mika",
        "agent": "siem\t1",
        "collection": OPEN,
        "objects": 1,
    }
    assert (second["status"], second["path"], second["user"]) == (404, "/nowhere\n/", "")


def test_logged_errors_carry_their_traceback() -> None:
    """An exception is part of its line, so that a line is still one object."""
    try:
        raise ValueError("bad\nvalue")
    except ValueError:
        import sys

        record = logging.LogRecord("noroshi", logging.ERROR, "", 0, "failed %s", ("here",), sys.exc_info())
    line = JsonFormatter().format(record)
    assert "\n" not in line
    assert json.loads(line)["message"] == "failed here"
    assert "ValueError" in json.loads(line)["error"]
