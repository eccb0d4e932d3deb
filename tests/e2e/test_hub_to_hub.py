"""A hub that subscribes to another: the TAXII collector against a real server of ours, over real sockets."""

from __future__ import annotations

from typing import Any

import pytest

from config.feeds import Feed
from config.instant import system_clock
from taxii_server import feedrun
from taxii_server.demo import PASSWORD
from taxii_server.ingest import Ingest
from taxii_server.stores.memory import MemoryStore
from tests.e2e.conftest import Demo
from tests.hubs import MEMBERS, PUBLIC, Hub, SteppingClock, settings


def _feed(demo: Demo, root: str, collection: str, **changes: Any) -> Feed:
    return Feed.model_validate(
        {
            "id": "other-hub",
            "title": "Another hub",
            "carries": "merged indicators",
            "publisher": {"name": "Another hub", "country": "JP", "homepage": "https://hub.example/"},
            "transport": {
                "kind": "taxii",
                "api_root": f"{demo.base}/{root}/",
                "collection": collection,
                "page": 20,
                **changes.pop("transport", {}),
            },
            "format": {"kind": "stix"},
            "marking": "TLP:GREEN",
            "share": "public",
            "reliability": 80,
            "kind": "log",
            "expect": {"min_rows": 0, "refused": 1.0},
            **changes,
        }
    )


@pytest.mark.parametrize(
    ("root", "collection", "user"), [("public", PUBLIC, None), ("members", MEMBERS, "soc")], ids=["public", "members"]
)
def test_a_hub_takes_over_what_another_serves_and_goes_on_from_there(
    demo: Demo, root: str, collection: str, user: str | None
) -> None:
    """Every indicator of the other hub becomes a claim under its own marking; the next poll brings nothing new."""
    feed = _feed(demo, root, collection)
    environment = {}
    if user:
        feed = _feed(demo, root, collection, transport={"user": user}, key="OTHER_HUB_PASSWORD")
        environment["OTHER_HUB_PASSWORD"] = PASSWORD
    hub = Hub(MemoryStore(), SteppingClock(system_clock()), settings(feeds=[feed.model_dump()]))
    ingest = Ingest(hub.settings, hub.store, hub.clock, owner="me", environment=environment)
    state = ingest.run(feed)
    assert (state.status, state.message) == ("ok", "")
    hub.publish()
    taken = {obj["name"] for obj in hub.objects(MEMBERS, "indicator")}
    theirs = state.counts["claims"]
    assert len(taken) == theirs > 30
    again = ingest.run(feed)
    assert again.status in ("ok", "unchanged")
    assert hub.publish() == 0


def test_a_missing_secret_is_refused(demo: Demo) -> None:
    """A feed whose key is not in the environment is not tried without it."""
    feed = _feed(demo, "members", MEMBERS, transport={"user": "soc"}, key="OTHER_HUB_PASSWORD")
    hub = Hub(MemoryStore(), SteppingClock(system_clock()), settings(feeds=[feed.model_dump()]))
    state = Ingest(hub.settings, hub.store, hub.clock, owner="me", environment={}).run(feed)
    assert state.status == "failed"
    assert "OTHER_HUB_PASSWORD" in state.message


def test_a_server_with_many_pages_lets_other_feeds_have_their_turn(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run ends after so many pages, is due again soon, and goes on where it was until it has everything."""
    monkeypatch.setattr(feedrun, "_MOST_PAGES", 1)
    feed = _feed(demo, "public", PUBLIC)
    hub = Hub(MemoryStore(), SteppingClock(system_clock()), settings(feeds=[feed.model_dump()]))
    ingest = Ingest(hub.settings, hub.store, hub.clock, owner="me", environment={})
    runs = 1
    while (state := ingest.run(feed)).message:
        assert "goes on" in state.message
        assert ingest.due() == []
        hub.clock.now += 60_000_000
        assert ingest.due() == [feed]
        runs += 1
    assert runs > 2
    assert ingest.due() == []
    hub.publish()
    assert len(hub.objects(MEMBERS, "indicator")) > 30


def test_what_is_held_is_not_begun_again_before_its_time(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log of many pages whose rows are held stands where it was: its server is not asked again and again."""
    monkeypatch.setattr(feedrun, "_MOST_PAGES", 1)
    feed = _feed(demo, "public", PUBLIC, expect={"min_rows": 0, "max_rows": 1})
    hub = Hub(MemoryStore(), SteppingClock(system_clock()), settings(feeds=[feed.model_dump()]))
    ingest = Ingest(hub.settings, hub.store, hub.clock, owner="me", environment={})
    state = ingest.run(feed)
    assert state.status == "held"
    assert "at most 1 rows" in state.message
    hub.clock.now += 60_000_000
    assert ingest.due() == []
