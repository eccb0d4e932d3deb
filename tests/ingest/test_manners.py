"""Manners towards publishers: how often they are asked, when they are left alone, and by how many at a time."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from config.feeds import Feed
from config.instant import DAY, HOUR, MINUTE, to_datetime
from config.loading import load_feed, shipped
from taxii_server.cli.main import noroshi
from taxii_server.ingest import HostBusy, Ingest, TooSoon
from taxii_server.manners import hosts, spread
from taxii_server.stores.base import FeedState, Store
from taxii_server.stores.memory import MemoryStore
from taxii_server.stores.sqlite import SqliteStore
from taxii_server.worker import Worker
from tests.collectors.server import Asked, Exchange, Server, says
from tests.hubs import SteppingClock, settings

NOW = 1_790_000_000_000
#: Read once: a property test that fails is tried a thousand times, and reading YAML would make that take an hour.
OPENPHISH = load_feed(shipped("feeds/openphish.yaml"))


@pytest.fixture
def other() -> Iterator[Server]:
    """Another publisher."""
    with Server().running() as running:
        yield running


def raw(server: Server, name: str = "polite", **changes: Any) -> dict[str, Any]:
    """A feed of that publisher, as its file says."""
    return {
        "id": name,
        "title": name,
        "carries": "URLs",
        "publisher": {"name": "Publisher", "country": "JP", "homepage": "https://publisher.example/"},
        "transport": {"kind": "http", "url": f"{server.base}/{name}", "retries": 0, "timeout": "20s"},
        "format": {"kind": "text", "type": "url"},
        "marking": "TLP:CLEAR",
        "share": "public",
        "reliability": 100,
        "kind": "log",
        **changes,
    }


class Asking:
    """Processes of one hub, each an Ingest, over one store."""

    def __init__(self, *feeds: dict[str, Any], store: Store | None = None) -> None:
        self.clock = SteppingClock(NOW * 1_000)
        self.store = store or MemoryStore()
        self.settings = settings(feeds=list(feeds), collector_contact="https://isac.example.jp/hub")

    def ingest(self, owner: str = "one") -> Ingest:
        return Ingest(self.settings, self.store, self.clock, owner=owner, environment={})

    def run(self, name: str = "polite", owner: str = "one", **how: bool) -> FeedState:
        return self.ingest(owner).run(self.settings.feed(name), **how)

    def wait(self, millis: int) -> None:
        self.clock.now += millis * 1_000


def test_a_publisher_is_not_asked_more_often_than_it_allows(server: Server) -> None:
    """However often somebody collects by hand; a person may force it; a later turn comes as if nothing had been."""
    server.will(says("http://example.com/a\n"))
    hub = Asking(raw(server, every="2h", at_least="1h"))
    hub.run()
    for _ in range(5):
        hub.wait(10 * MINUTE)
        with pytest.raises(TooSoon, match=r"allows one fetch in 60 minutes; the next at 2026-09-21T15:13:20Z"):
            hub.run()
    assert len(server.asked) == 1
    hub.run(forced=True)
    assert len(server.asked) == 2
    hub.wait(HOUR)
    hub.run()
    assert len(server.asked) == 3


def test_a_publisher_that_failed_is_not_asked_sooner_either(server: Server) -> None:
    """The first tries after a failure come soon, and never sooner than the publisher allows."""
    server.will(says("broken", 500))
    hub = Asking(raw(server, every="2h", at_least="1h"))
    state = hub.run()
    assert (state.status, state.due) == ("failed", NOW + HOUR)


def test_a_feed_that_lacks_its_key_was_not_asked(server: Server) -> None:
    """Whoever sets the key need not wait for it."""
    server.will(says("http://example.com/a\n"))
    hub = Asking(
        raw(
            server,
            every="2h",
            at_least="1h",
            key="A_KEY",
            transport={**raw(server)["transport"], "headers": {"X": "{key}"}},
        )
    )
    assert hub.run().status == "failed"
    assert hub.run().status == "failed"
    keyed = Ingest(hub.settings, hub.store, hub.clock, owner="one", environment={"A_KEY": "secret"})
    assert keyed.run(hub.settings.feed("polite")).status == "ok"


def test_a_clock_that_stepped_back_keeps_nobody_waiting(server: Server) -> None:
    """A fetch in what is now the future counts no more."""
    server.will(says("http://example.com/a\n"))
    hub = Asking(raw(server, every="2h", at_least="1h"))
    hub.run()
    hub.wait(-DAY)
    assert hub.run().status == "unchanged"


def test_a_feed_cannot_be_set_to_more_than_its_publisher_allows(server: Server) -> None:
    """Which would never happen; a sample on disk may be read as often as one likes."""
    with pytest.raises(ValueError, match="its publisher allows one fetch in 60m"):
        Feed.model_validate(raw(server, every="10m", at_least="1h"))
    sample = raw(server, every="10m", at_least="1h", transport={"kind": "file", "path": "list.txt"})
    assert Feed.model_validate(sample).every == 10 * MINUTE


@pytest.mark.parametrize("form", ["seconds", "date"])
@pytest.mark.parametrize("status", [429, 503])
def test_a_publisher_that_asks_to_be_left_alone_is(server: Server, form: str, status: int) -> None:
    """Retry-After is obeyed across runs and processes, in seconds and as an HTTP date."""
    until = NOW + 3 * HOUR
    said = str(3 * 3_600) if form == "seconds" else format_datetime(to_datetime(until), usegmt=True)
    server.will(says("wait", status, Retry_After=said), says("http://example.com/a\n"))
    hub = Asking(raw(server))
    state = hub.run()
    assert (state.status, state.not_before, state.due) == ("failed", until, until)
    hub.wait(3 * HOUR - MINUTE)
    assert hub.ingest("another").due() == []
    with pytest.raises(TooSoon, match="asked to be left alone until"):
        hub.run(owner="another")
    assert len(server.asked) == 1
    hub.wait(MINUTE)
    assert [feed.id for feed in hub.ingest().due()] == ["polite"]
    assert hub.run().status == "ok"


def test_a_fetch_says_who_asks_and_what_is_known(server: Server) -> None:
    """User-Agent has the contact of the hub's file; what did not change is asked for by its ETag and date."""
    changed = "Mon, 21 Sep 2026 01:00:00 GMT"
    server.will(says("http://example.com/a\n", ETag='"1"', Last_Modified=changed), says("", 304))
    hub = Asking(raw(server))
    hub.run()
    hub.wait(HOUR)
    assert hub.run().status == "unchanged"
    first, second = (asked.headers for asked in server.asked)
    assert first["user-agent"].startswith("noroshi/")
    assert first["user-agent"].endswith("(+https://isac.example.jp/hub)")
    assert "if-none-match" not in first
    assert (second["if-none-match"], second["if-modified-since"]) == ('"1"', changed)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_one_host_is_asked_by_one_feed_at_a_time(server: Server, other: Server, tmp_path: Path, kind: str) -> None:
    """Whichever thread or process asks: the second is told that the host is busy, another host is free, and the host is
    free again as soon as the document is there."""
    at_the_host, go_on = threading.Event(), threading.Event()

    def slow(asked: Asked, exchange: Exchange) -> None:
        at_the_host.set()
        go_on.wait(30)
        exchange.answer(200, b"http://example.com/a\n")

    server.will(slow, says("http://example.com/b\n"))
    other.will(says("http://example.com/c\n"))
    store: Store = SqliteStore(tmp_path / "hub.db") if kind == "sqlite" else MemoryStore()
    hub = Asking(raw(server, "first"), raw(server, "second"), raw(other, "third"), store=store)
    runs: list[FeedState] = []
    first = threading.Thread(target=lambda: runs.append(hub.run("first")))
    first.start()
    try:
        assert at_the_host.wait(30)
        for owner in ("one", "another"):
            with pytest.raises(HostBusy, match=r"127\.0\.0\.1:[0-9]+ is being asked for another feed"):
                hub.run("second", owner)
        assert hub.run("third", "another").status == "ok"
        assert len(server.asked) == 1
    finally:
        go_on.set()
        first.join(30)
    assert [state.status for state in runs] == ["ok"]
    assert hub.run("second", "another").status == "ok"
    store.close()


def test_a_host_that_a_dead_process_was_asking_is_free_after_minutes(server: Server) -> None:
    """Its lease runs out."""
    server.will(says("http://example.com/a\n"))
    hub = Asking(raw(server))
    (host,) = hosts(hub.settings.feed("polite"))
    assert hub.store.lease(f"host/{host}", "dead", now=NOW, until=NOW + 5 * MINUTE)
    with pytest.raises(HostBusy):
        hub.run()
    hub.wait(5 * MINUTE)
    assert hub.run().status == "ok"


def test_the_loop_starts_one_feed_of_a_host_and_others_beside(server: Server, other: Server) -> None:
    """Feeds of a busy host do not keep those of other hosts from their turn, however many they are."""
    arrived, go_on = threading.Semaphore(0), threading.Event()

    def slow(asked: Asked, exchange: Exchange) -> None:
        arrived.release()
        go_on.wait(30)
        exchange.answer(200, b"http://example.com/a\n")

    server.will(slow)
    other.will(slow)
    feeds = [raw(server, f"a-{number}") for number in range(6)]
    hub = Asking(*feeds, raw(other, "other"))
    worker = Worker(hub.settings, hub.store, hub.clock, "me", {})
    stop = threading.Event()
    loop = threading.Thread(target=worker.run, args=(stop,))
    loop.start()
    try:
        assert arrived.acquire(timeout=30)
        assert arrived.acquire(timeout=30)
        assert [len(server.asked), len(other.asked)] == [1, 1]
    finally:
        stop.set()
        go_on.set()
        loop.join(30)
    assert not loop.is_alive()


@given(st.integers(1, 48), st.text(min_size=1, max_size=20))
def test_feeds_are_spread_over_a_tenth_of_their_interval(hours: int, hub: str) -> None:
    """Each by its own, always the same length."""
    feeds = [OPENPHISH.model_copy(update={"id": f"feed-{number}", "every": hours * HOUR}) for number in range(20)]
    lengths = [spread(hub, feed) for feed in feeds]
    assert lengths == [spread(hub, feed) for feed in feeds]
    assert all(0 <= length <= hours * HOUR // 10 for length in lengths)
    assert len(set(lengths)) > 15


def test_feeds_that_started_together_do_not_go_on_together(server: Server) -> None:
    """Their next times differ, and so do all that follow."""
    server.will(says("http://example.com/a\n"))
    hub = Asking(*(raw(server, f"feed-{number}") for number in range(5)))
    dues = {hub.run(f"feed-{number}").due for number in range(5)}
    assert len(dues) == 5
    assert all(NOW + HOUR <= due <= NOW + HOUR + 6 * MINUTE for due in dues)


def test_collect_by_hand_waits_too(server: Server, tmp_path: Path) -> None:
    """`noroshi collect` in a loop: the feed is shown as waiting, with exit code 0, until --force."""
    server.will(says("http://example.com/a\n"))
    path = tmp_path / "hub.yaml"
    base = json.loads(settings(feeds=[]).model_dump_json(exclude_none=True))
    base |= {"store": "sqlite:hub.db", "feeds": [raw(server, every="2h", at_least="1h")], "data": "data"}
    path.write_text(json.dumps(base))
    command = ["collect", "polite", "--json", "--config", str(path)]
    shown = [json.loads(CliRunner().invoke(noroshi, command).output)["feeds"][0] for _ in range(3)]
    assert [feed["state"] for feed in shown] == ["ok", "waiting", "waiting"]
    assert "--force" in shown[1]["message"]
    assert CliRunner().invoke(noroshi, command).exit_code == 0
    assert len(server.asked) == 1
    forced = CliRunner().invoke(noroshi, [*command, "--force"])
    assert json.loads(forced.output)["feeds"][0]["state"] == "unchanged"
    assert CliRunner().invoke(noroshi, ["collect", "--force", "--config", str(path)]).exit_code == 2
