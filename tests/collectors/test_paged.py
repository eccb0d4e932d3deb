"""APIs that answer page by page, against a real server over real sockets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from collectors import paged
from collectors.errors import GiveUp, TryLater, Unreadable
from config.feeds import Feed
from config.instant import DAY, HOUR, Millis, parse_millis
from config.transports import PagedTransport
from tests.collectors.collecting import Collecting
from tests.collectors.conftest import Waits
from tests.collectors.server import Asked, Exchange, Server, says
from tests.normalizers.reading import feed

NOW: Millis = parse_millis("2026-03-01T12:00:00Z")
KEY = "s3cr3t"
WINDOW = {"begin": "from", "end": "to", "form": "%Y-%m-%dT%H:%M:%S.000", "longest": "10d", "first": "25d"}


class Api:
    """Records with dates, asked for as NVD's are; at most ``most`` a page."""

    def __init__(self, dates: list[str], most: int = 2) -> None:
        self.dates = dates
        self.most = most
        self.seen: list[str] = []

    def __call__(self, asked: Asked, exchange: Exchange) -> None:
        """Answer."""
        query = asked.query
        found = [one for one in self.dates if query.get("from", "") <= one <= query.get("to", "9")]
        start = int(query["start"])
        page = found[start : start + min(self.most, int(query.get("count", 9)))]
        self.seen += page
        exchange.answer(200, json.dumps({"returned": len(page), "total": len(found), "items": page}).encode())


class Case(Collecting):
    """A feed at the server."""

    def __init__(self, server: Server, waits: Waits, *, key: str | None = None, **given: Any) -> None:
        options = {
            "kind": "paged", "url": f"{server.base}/api", "start": "start", "count": "count", "size": 2,
            "total": r'"total": (\d*)', "timeout": "20s", "retries": 0, "pause": "6s",
        }  # fmt: skip
        transport = PagedTransport.model_validate({**options, **given})
        super().__init__(paged.collect, feed("jvn-rss", transport=transport, key=key), waits, NOW * 1_000)

    def run(self, cursor: Mapping[str, Any] | None = None) -> tuple[dict[str, Any], int]:
        """Page after page; the cursor at the end, and how many there were."""
        pages = 0
        while True:
            collected = self.collect(cursor)
            cursor, pages = collected.cursor, pages + 1
            if not collected.more:
                return collected.cursor, pages


def _days(*numbers: int) -> list[str]:
    return [f"2026-02-{number:02d}T00:00:00.000" for number in numbers]


def test_every_record_once_page_after_page(server: Server, waits: Waits) -> None:
    """Five records, two a page: three requests, parted by the pause; the next run begins at the first again."""
    api = Api(_days(1, 2, 3, 4, 5))
    server.will(api)
    case = Case(server, waits)
    cursor, pages = case.run()
    assert (api.seen, pages, waits) == (api.dates, 3, [6.0, 6.0])
    assert case.run(cursor)[1] == 3
    assert api.seen == api.dates * 2


def test_records_are_counted_from_one(server: Server, waits: Waits) -> None:
    """MyJVN's first record is number 1."""
    server.will(says('{"total": 4}'))
    Case(server, waits, first=1, query={"method": "list"}).run()
    assert [asked.query["start"] for asked in server.asked] == ["1", "3"]
    assert {asked.query["method"] for asked in server.asked} == {"list"}


def test_a_server_that_gives_fewer_than_asked_for(server: Server, waits: Waits) -> None:
    """Where the answer says how many it holds, that is where the next page begins."""
    api = Api(_days(1, 2, 3, 4, 5), most=1)
    server.will(api)
    Case(server, waits, returned=r'"returned": (\d+)').run()
    assert api.seen == api.dates


def test_windows_cover_all_time_once(server: Server, waits: Waits) -> None:
    """Twenty-five days in windows of ten at most; then from where the last one ended, less the overlap."""
    api = Api(_days(5, 10, 15, 20, 25), most=2)
    server.will(api)
    case = Case(server, waits, window=WINDOW)
    cursor, _ = case.run()
    assert sorted(set(api.seen)) == api.dates
    assert cursor["until"] == NOW
    asked = [(one.query["from"], one.query["to"]) for one in server.asked]
    assert asked[0] == ("2026-02-04T12:00:00.000", "2026-02-14T12:00:00.000")
    assert asked[-1][1] == "2026-03-01T12:00:00.000"
    server.asked.clear()
    case.now = (NOW + 2 * HOUR) * 1_000
    cursor, pages = case.run(cursor)
    assert pages == 1
    assert [(one.query["from"], one.query["to"]) for one in server.asked] == [
        ("2026-03-01T11:00:00.000", "2026-03-01T14:00:00.000")
    ]


def test_a_window_stays_while_its_pages_are_read(server: Server, waits: Waits) -> None:
    """Time goes on between two pages, the dates that are asked for do not."""
    server.will(Api(_days(25, 26, 27)))
    case = Case(server, waits, window=WINDOW | {"first": "5d"})
    first = case.collect()
    case.now += DAY * 1_000
    second = case.collect(first.cursor)
    assert first.more
    assert not second.more
    assert server.asked[0].query["to"] == server.asked[1].query["to"]
    assert second.cursor["until"] == NOW


def test_a_failure_leaves_the_cursor(server: Server, waits: Waits) -> None:
    """What fails between two pages is asked for again, from there on."""
    server.will(Api(_days(25, 26, 27)))
    case = Case(server, waits, window=WINDOW | {"first": "5d"})
    first = case.collect()
    server.will(says("", 503))
    with pytest.raises(TryLater):
        case.collect(first.cursor)
    server.will(Api(_days(25, 26, 27)))
    case.collect(first.cursor)
    assert server.asked[-1].query["start"] == "2"


def test_another_address_starts_anew(server: Server, waits: Waits) -> None:
    """A cursor is of the URL and query that it was made with."""
    server.will(says('{"total": 9}'))
    cursor = Case(server, waits).collect().cursor
    Case(server, waits, query={"lang": "en"}).collect(cursor)
    assert server.asked[-1].query["start"] == "0"


@pytest.mark.parametrize("body", ["<html>busy</html>", "{}"])
def test_an_answer_without_its_number_is_none(server: Server, waits: Waits, body: str) -> None:
    """Without the number of records nobody could tell whether that was all."""
    server.will(says(body))
    assert "jvn-rss" in Case(server, waits).fails(Unreadable)


def test_an_empty_number_is_the_end(server: Server, waits: Waits) -> None:
    """An error of MyJVN has an empty totalRes; the format tells what it says."""
    server.will(says('{"total": , "error": "busy"}'))
    assert not Case(server, waits).collect().more


def test_a_page_without_records_is_the_end(server: Server, waits: Waits) -> None:
    """A server that says that there are more and gives none is not asked for ever."""
    server.will(says('{"total": 9, "returned": 0}'))
    assert not Case(server, waits, returned=r'"returned": (\d+)').collect().more


def test_the_key_is_sent_and_never_shown(server: Server, waits: Waits) -> None:
    """It stands in the header alone; where the API may be asked without one, it is left out."""
    server.will(says('{"total": 0}'))
    case = Case(server, waits, key="NVD_KEY", headers={"apiKey": "{key}"}, keyless=True)
    case.collect(environment={"NVD_KEY": KEY})
    case.collect()
    assert [asked.headers.get("apikey") for asked in server.asked] == [KEY, None]
    server.will(says(KEY, 403))
    assert KEY not in case.fails(GiveUp, environment={"NVD_KEY": KEY})
    strict = Case(server, waits, key="NVD_KEY", headers={"apiKey": "{key}"})
    assert "NVD_KEY" in strict.fails(GiveUp)


@pytest.mark.parametrize(
    "given",
    [
        {"total": "no group"},
        {"total": "(a"},
        {"url": "https://api.example.com/?a=b"},
        {"url": "https://api.example.com/{key}"},
        {"window": {"begin": "a", "end": "b", "longest": "1h", "overlap": "1h"}},
        {"pause": "2m"},
    ],
)
def test_settings_that_cannot_work(given: dict[str, Any]) -> None:
    """They are refused when they are read."""
    options = {"kind": "paged", "url": "https://api.example.com/", "start": "s", "size": 1, "total": "(.)"}
    with pytest.raises(ValidationError):
        PagedTransport.model_validate({**options, **given})


def test_pages_are_no_list(server: Server) -> None:
    """A page is a part, and what is not in it was not withdrawn."""
    options = {"kind": "paged", "url": server.base, "start": "s", "size": 1, "total": "(.)"}
    with pytest.raises(ValidationError, match="page by page"):
        Feed.model_validate({**feed("cisa-kev").model_dump(mode="json"), "transport": options})
