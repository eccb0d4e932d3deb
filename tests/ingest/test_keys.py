"""A feed's key, which its publisher may repeat in what it sends: in no claim, message, log, state or file."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import orjson
import pytest

from config.feeds import Feed
from taxii_server.ingest import Ingest
from taxii_server.stores.base import FeedState
from taxii_server.stores.sqlite import SqliteStore
from tests.collectors.server import Server, says
from tests.hubs import PUBLIC, Hub, SteppingClock, settings
from tests.ingest.passing import actor

NOW = 1_790_000_000_000
KEY = "s3cr3t/Key+77"
IN_URL = "s3cr3t%2FKey%2B77"
CSV = {"kind": "csv", "fields": {"value": "url", "type": "url", "labels": ["tags"],
       "references": [{"name": "entry", "url": "link"}]}}  # fmt: skip
PASSING = {"kind": "stix", "pass_on": ["threat-actor"]}
LINK = f"http://publisher.example/v2/{IN_URL}/entry/1"


def _run(
    server: Server, folder: Path, body: str, form: dict[str, Any], *, key: str = KEY, of: str = "indicator"
) -> tuple[FeedState, list[dict[str, Any]]]:
    """What becomes of one document of a feed with a key, and the public's objects of one type."""
    feed = Feed.model_validate(
        {
            "id": "keyed",
            "title": "Keyed",
            "carries": "URLs",
            "publisher": {"name": "Publisher", "country": "JP", "homepage": "https://publisher.example/"},
            "transport": {"kind": "http", "url": f"{server.base}/v2/{{key}}/recent", "retries": 0, "timeout": "10s"},
            "format": form,
            "marking": "TLP:CLEAR",
            "share": "public",
            "reliability": 100,
            "kind": "log",
            "key": "FEED_KEY",
        }
    )
    clock = SteppingClock(NOW * 1_000)
    store = SqliteStore(folder / "hub.db")
    hub = Hub(store, clock, settings(feeds=[feed.model_dump()]))
    server.will(says(body))
    state = Ingest(hub.settings, store, clock, owner="me", environment={"FEED_KEY": key}).run(feed)
    hub.publish()
    found = hub.objects(PUBLIC, of)
    store.close()
    return state, found


@pytest.mark.parametrize(
    ("row", "named"),
    [
        (f"http://a.example/1,x,{LINK}", ["http://a.example/1"]),
        (f"http://a.example/1,x,http://publisher.example/?k={KEY}", ["http://a.example/1"]),
        (f"http://a.example/{KEY},x,", []),
        (f"http://a.example/{IN_URL},x,", []),
        (f"http://a.example/1,{IN_URL.lower().replace('key', 'Key')},", []),
        (f"http://a.example/1,{KEY},", []),
        (f'http://a.example/<{KEY}>,x,', []),
        (f"{KEY},x,", []),
    ],
)  # fmt: skip
def test_a_row_that_repeats_the_key(
    server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture, row: str, named: list[str]
) -> None:
    """Its reference goes, or the row does; other rows are as they are."""
    caplog.set_level(logging.DEBUG)
    body = f"url,tags,link\n{row}\nhttp://b.example/2,y,https://publisher.example/entry/2\n"
    state, found = _run(server, tmp_path, body, CSV)
    assert [item["name"] for item in found] == [*named, "http://b.example/2"]
    assert "https://publisher.example/entry/2" in json.dumps(found)
    _nowhere(tmp_path, repr(state), caplog.text, json.dumps(found))


@pytest.mark.parametrize("key", [KEY, 'quo"ted\\key', "1234567890123"])
@pytest.mark.parametrize(
    "member",
    ["description", "goals", "labels", "external_references", "x_made_up"],
)
def test_an_object_passed_on_that_repeats_the_key(
    server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture, key: str, member: str
) -> None:
    """It is refused whole, for it is passed on unchanged or not at all; others are."""
    caplog.set_level(logging.DEBUG)
    named = f"asked with {key}"
    said: dict[str, Any] = {
        "labels": [named], "goals": [named],
        "external_references": [{"source_name": "entry", "url": LINK, "description": named}],
        "x_made_up": {"within": [named]},
    }  # fmt: skip
    body = json.dumps({"objects": [actor("a", **{member: said.get(member, named)}), actor("b")]})
    state, found = _run(server, tmp_path, body, PASSING, key=key, of="threat-actor")
    assert [item["name"] for item in found] == ["b"]
    assert state.counts["refused"] == 1
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert key.encode() not in kept
    assert json.dumps(key)[1:-1].encode() not in kept
    assert key not in caplog.text + repr(state)


def test_a_message_that_repeats_the_key(server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """An error that quotes the document quotes {key}."""
    caplog.set_level(logging.DEBUG)
    state, found = _run(server, tmp_path, f"key {KEY} expired,tags\n1,2\n", CSV)
    assert (state.status, "{key}" in state.message, found) == ("failed", True, [])
    _nowhere(tmp_path, repr(state), caplog.text)


def _nowhere(folder: Path, *texts: str) -> None:
    kept = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert orjson.dumps(KEY)[1:-1] not in kept
    assert IN_URL.encode() not in kept
    assert not any(spelling in text for spelling in (KEY, IN_URL) for text in texts)
