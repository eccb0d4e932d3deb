"""The MISP collector, against a real server that has a feed as web servers have it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from collectors import misp
from collectors.again import put_off
from collectors.document import Collected
from collectors.errors import GiveUp, TooLarge, TryLater, Unreadable
from config.instant import Micros, parse_millis
from config.transports import MispTransport
from tests.collectors.collecting import Collecting
from tests.collectors.conftest import Waits
from tests.collectors.mispfeed import MispFeed, attribute, uuid_of
from tests.collectors.server import Server
from tests.normalizers.reading import feed

NOW: Micros = parse_millis("2026-03-01T12:00:00Z") * 1_000
AT = NOW // 1_000_000 - 3_600


class Case(Collecting):
    """A feed at the server."""

    def __init__(
        self, misp_feed: MispFeed, waits: Waits, *, kind: str = "log", key: str | None = None, **given: Any
    ) -> None:
        options = {"kind": "misp", "url": misp_feed.url, "timeout": "20s", "retries": 0, **given}
        transport = MispTransport.model_validate(options)
        super().__init__(misp.collect, feed("circl-osint-misp", transport=transport, kind=kind, key=key), waits, NOW)


@pytest.fixture
def misp_feed(server: Server) -> MispFeed:
    """A feed of three events."""
    found = MispFeed(server)
    for number, name in enumerate(("one", "two", "three")):
        found.put(name, AT + number, attribute(f"{name}.example", AT))
    return found


def _of(*names: str) -> list[str]:
    """The uuids of these, in order."""
    return sorted(map(uuid_of, names))


def _names(collected: Collected) -> list[str]:
    return [document.name.removesuffix(".json") for document in collected.documents]


def test_all_events_at_first_and_then_only_those_that_changed(misp_feed: MispFeed, waits: Waits) -> None:
    """The manifest's times tell; an unchanged manifest costs one request."""
    case = Case(misp_feed, waits)
    first = case.collect()
    assert _names(first) == _of("one", "two", "three")
    assert (first.more, first.unchanged, first.apart) == (False, False, True)
    misp_feed.asked()
    assert case.collect(first.cursor).unchanged
    assert misp_feed.asked() == ["manifest.json"]
    misp_feed.put("two", AT + 60, attribute("two.example", AT + 60))
    again = case.collect(first.cursor)
    assert _names(again) == [uuid_of("two")]
    assert misp_feed.asked() == ["manifest.json", f"{uuid_of('two')}.json"]
    assert case.collect(again.cursor).unchanged


def test_times_are_numbers_or_texts(misp_feed: MispFeed, waits: Waits) -> None:
    """Q-X8: one feed writes 1771718400, another "1771718400"; that it writes the other is no change."""
    case = Case(misp_feed, waits)
    first = case.collect()
    misp_feed.put("two", str(AT + 1), attribute("two.example", AT))
    assert not case.collect(first.cursor).documents


def test_many_events_come_some_at_a_time(misp_feed: MispFeed, waits: Waits, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left stands in the cursor, and the manifest is not asked for again before it is done."""
    monkeypatch.setattr("collectors.misp._PAGE", 2)
    case = Case(misp_feed, waits)
    first = case.collect()
    assert _names(first) == _of("one", "two", "three")[:2]
    assert first.more
    misp_feed.asked()
    second = case.collect(first.cursor)
    (last,) = _of("one", "two", "three")[2:]
    assert _names(second) == [last]
    assert not second.more
    assert misp_feed.asked() == [f"{last}.json"]
    assert case.collect(second.cursor).unchanged


def test_a_full_list_is_fetched_whole_as_soon_as_one_changed_or_left(misp_feed: MispFeed, waits: Waits) -> None:
    """One event alone would not be the list."""
    case = Case(misp_feed, waits, kind="list")
    first = case.collect()
    assert len(first.documents) == 3
    assert not first.apart
    assert case.collect(first.cursor).unchanged
    misp_feed.leave("two")
    second = case.collect(first.cursor)
    assert _names(second) == [uuid_of("one"), uuid_of("three")]  # as the manifest has them
    assert case.collect(second.cursor).unchanged


def test_promise_2_the_order_of_events_is_not_that_of_their_times(misp_feed: MispFeed, waits: Waits) -> None:
    """An event's time moves with an attribute that not all may see; what all see is told in the same order."""
    first = _names(Case(misp_feed, waits).collect())
    misp_feed.put("one", AT + 600, attribute("one.example", AT))
    assert _names(Case(misp_feed, waits).collect()) == first


def test_an_event_that_is_not_there(misp_feed: MispFeed, waits: Waits) -> None:
    """A log goes on without it and asks again; a list is not whole without it."""
    missing = misp_feed.files.pop(f"{uuid_of('two')}.json")
    case = Case(misp_feed, waits)
    first = case.collect()
    assert _names(first) == _of("one", "three")
    (why,) = first.missing.values()
    assert f"{uuid_of('two')}.json: its manifest names it, and it is not there" in why
    assert "it is not there" in Case(misp_feed, waits, kind="list").fails(TryLater)
    put = put_off(first.cursor, first.missing)
    again = case.collect(put)
    assert again.missing == first.missing
    misp_feed.files[f"{uuid_of('two')}.json"] = missing
    last = case.collect(put_off(again.cursor, again.missing))
    assert (_names(last), last.missing) == ([uuid_of("two")], {})
    assert case.collect(last.cursor).unchanged


def test_promise_2_events_that_are_not_there_stop_no_run(
    misp_feed: MispFeed, waits: Waits, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though a whole page of them is missing: what else is on the page may be for few, and must decide nothing."""
    monkeypatch.setattr("collectors.misp._PAGE", 2)
    for uuid in _of("one", "two", "three")[:2]:
        del misp_feed.files[f"{uuid}.json"]
    case = Case(misp_feed, waits)
    first = case.collect()
    assert (len(first.missing), first.documents, first.more, first.unchanged) == (2, (), True, False)
    assert _names(case.collect(first.cursor)) == _of("one", "two", "three")[2:]


def test_what_was_put_off_is_asked_for_once_a_run_and_not_without_end(
    misp_feed: MispFeed, waits: Waits, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some of it at a time, those that have waited longest first, though the manifest says that nothing changed; what
    left the manifest is forgotten."""
    monkeypatch.setattr("collectors.again._MOST", 2)
    case = Case(misp_feed, waits)
    first = case.collect()
    one, two, three = _of("one", "two", "three")
    cursor = put_off(first.cursor, (one, two, three))
    for asked in ([one, two], [one, three], [two, three]):
        again = case.collect(cursor)
        assert _names(again) == sorted(asked)
        assert not again.more
        cursor = put_off(again.cursor, [name for name in cursor["again"] if name in asked])
    for name in ("one", "two"):
        misp_feed.leave(name)
    assert set(case.collect(cursor).cursor.get("again", ())) <= {uuid_of("three")}


def test_old_events_are_not_fetched(misp_feed: MispFeed, waits: Waits) -> None:
    """Nor those whose time or name is none; a name becomes a part of a URL, so nothing but a uuid is one."""
    misp_feed.put("old", AT - 40 * 86_400, attribute("old.example", AT))
    misp_feed.manifest |= {"../../etc/passwd": {"timestamp": AT}, uuid_of("untimed"): {"info": "x"}, "x": 1}
    assert _names(Case(misp_feed, waits, age="30d").collect()) == _of("one", "two", "three")
    assert not any("passwd" in asked for asked in misp_feed.asked())


@pytest.mark.parametrize("content", [b"<html></html>", b"[]", b'{"x": 1}', b'{"x": {"timestamp": 1}}', b"{"])
def test_a_manifest_that_is_none(misp_feed: MispFeed, waits: Waits, content: bytes) -> None:
    """What is no manifest costs the run, and is said."""
    misp_feed.files["manifest.json"] = content
    assert "manifest.json: expected" in Case(misp_feed, waits).fails(Unreadable)


def test_an_empty_manifest_is_a_feed_without_events(misp_feed: MispFeed, waits: Waits) -> None:
    """It is unchanged for a log, in which absence means nothing."""
    misp_feed.manifest.clear()
    assert Case(misp_feed, waits).collect().unchanged


def test_bounds(misp_feed: MispFeed, waits: Waits, monkeypatch: pytest.MonkeyPatch) -> None:
    """The largest file, the longest list, and the most events of a log, for all of them stand in its cursor."""
    Case(misp_feed, waits, max_bytes=100).fails(TooLarge)
    monkeypatch.setattr("collectors.misp._LONGEST_LIST", 2)
    assert "at most 2 events" in Case(misp_feed, waits, kind="list").fails(GiveUp)
    monkeypatch.setattr("collectors.misp._MOST_EVENTS", 2)
    assert "a shorter age" in Case(misp_feed, waits).fails(GiveUp)


def test_keys_go_out_and_stay_out_of_what_is_kept(misp_feed: MispFeed, waits: Waits) -> None:
    """In a header or in the URL, and in no cursor, name or message."""
    case = Case(misp_feed, waits, key="MISP_KEY", headers={"Authorization": "{key}"})
    first = case.collect(environment={"MISP_KEY": "s3cr3t"})
    assert {asked.headers["authorization"] for asked in misp_feed.server.asked} == {"s3cr3t"}
    assert "s3cr3t" not in json.dumps(first.cursor) + repr(_names(first))
    misp_feed.files.clear()
    misp_feed.manifest = {uuid_of("x"): {"timestamp": AT}}
    gone = case.collect(environment={"MISP_KEY": "s3cr3t"})
    assert gone.missing
    assert "s3cr3t" not in repr(gone)


def test_another_url_starts_anew(misp_feed: MispFeed, waits: Waits) -> None:
    """The cursor is of the feed that was read."""
    first = Case(misp_feed, waits).collect()
    assert len(Case(misp_feed, waits, url=f"{misp_feed.url}/").collect(first.cursor).documents) == 3


@pytest.mark.parametrize("kind", ["log", "list"])
def test_a_manifest_that_names_no_events_any_more_is_no_news(misp_feed: MispFeed, waits: Waits, kind: str) -> None:
    """It is told, and a list is not taken for one that has not changed. One that never named any is empty."""
    case = Case(misp_feed, waits, kind=kind)
    first = case.collect()
    misp_feed.manifest.clear()
    with pytest.raises(Unreadable, match="expected events, of which 3 were read, got none"):
        case.collect(first.cursor)
    assert not case.collect().documents
