"""A feed's key, which its publisher may repeat in what it sends: in no claim, message, log, state or file."""

from __future__ import annotations

import base64
import json
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.keys import hidden, secrets_of, spellings
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
BASIC = {"Authorization": "Basic soc@example.org:{key}"}
#: Basic's credential, as it is sent and as it stands in URLs.
SENT = base64.b64encode(f"soc@example.org:{KEY}".encode()).decode()
LINK = f"http://publisher.example/v2/{IN_URL}/entry/1"

_FOR_URLS = str.maketrans("+/", "-_")
_FEED: dict[str, Any] = {
    "id": "keyed",
    "title": "Keyed",
    "carries": "URLs",
    "publisher": {"name": "Publisher", "country": "JP", "homepage": "https://publisher.example/"},
    "format": CSV,
    "marking": "TLP:CLEAR",
    "share": "public",
    "reliability": 100,
    "kind": "log",
}


def _run(
    server: Server,
    folder: Path,
    body: str,
    form: dict[str, Any],
    *,
    key: str = KEY,
    of: str = "indicator",
    headers: dict[str, str] | None = None,
) -> tuple[FeedState, list[dict[str, Any]]]:
    """What becomes of one document of a feed with a key, and the public's objects of one type."""
    feed = Feed.model_validate(
        {
            **_FEED,
            "transport": {
                "kind": "http",
                "url": f"{server.base}/v2/{{key}}/recent",
                "headers": headers or {},
                "retries": 0,
                "timeout": "10s",
            },
            "format": form,
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


@pytest.mark.parametrize(
    ("row", "named"),
    [
        (f"http://a.example/1,x,https://publisher.example/?auth={quote(SENT, safe='')}", ["http://a.example/1"]),
        (f"http://a.example/1,Authorization: Basic {SENT},", []),
        (f"http://a.example/1,{quote(SENT, safe='')},", []),
        (f"http://a.example/{SENT.rstrip('=')},x,", []),
    ],
)
def test_a_row_that_repeats_a_credential_with_the_key(
    server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture, row: str, named: list[str]
) -> None:
    """As the key itself: Basic's Base64 of it, with and without padding, in a URL too."""
    caplog.set_level(logging.DEBUG)
    body = f"url,tags,link\n{row}\nhttp://b.example/2,y,https://publisher.example/entry/2\n"
    state, found = _run(server, tmp_path, body, CSV, headers=BASIC)
    assert server.asked[-1].headers["authorization"] == f"Basic {SENT}"
    assert [item["name"] for item in found] == [*named, "http://b.example/2"]
    _nowhere(tmp_path, repr(state), caplog.text, json.dumps(found))


def test_a_message_that_repeats_a_credential(server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """An error that quotes it quotes {key}."""
    caplog.set_level(logging.DEBUG)
    state, found = _run(server, tmp_path, f"got Basic {SENT},tags\n1,2\n", CSV, headers=BASIC)
    assert (state.status, "Basic {key}" in state.message, found) == ("failed", True, [])
    _nowhere(tmp_path, repr(state), caplog.text)


@given(
    name=st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=":{}"), min_size=1),
    key=st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="{}"), min_size=8),
    taxii=st.booleans(),
    spelled=st.sampled_from([
        str, quote_plus, lambda text: quote(text, safe=""), lambda text: text.rstrip("="),
        lambda text: json.dumps(text)[1:-1], lambda text: _small(quote(text, safe="")),
        lambda text: text.translate(_FOR_URLS), lambda text: text.translate(_FOR_URLS).rstrip("="),
    ]),
)  # fmt: skip
def test_a_credential_is_known_in_every_spelling(
    name: str, key: str, taxii: bool, spelled: Callable[[str], str]
) -> None:
    """Of whatever name and key, in a header of the feed's own or with the user of a TAXII server."""
    if taxii:
        transport = {"kind": "taxii", "api_root": "https://a.example/", "collection": "c", "user": name}
    else:
        transport = {"kind": "http", "url": "https://a.example/", "headers": {"Authorization": f"Basic {name}:{{key}}"}}
    feed = Feed.model_validate({**_FEED, "transport": transport, "key": "FEED_KEY"})
    secrets = secrets_of(feed, {"FEED_KEY": f" {key} "})
    sent = base64.b64encode(f"{name}:{key}".encode()).decode()
    for secret in (sent, key):
        text = f"<Authorization: Basic {spelled(secret)}>" if secret == sent else f"<{secret}>"
        assert any(spelling in text for spelling in spellings(secrets))
        assert hidden(text, secrets).rstrip("=>").endswith("{key}")
    assert secrets_of(feed, {}) == ()


def _small(text: str) -> str:
    return re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), text)


def _nowhere(folder: Path, *texts: str) -> None:
    kept = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert orjson.dumps(KEY)[1:-1] not in kept
    assert IN_URL.encode() not in kept
    assert SENT[:-2].encode() not in kept
    assert not any(spelling in text for spelling in (KEY, IN_URL, SENT[:-2]) for text in texts)
