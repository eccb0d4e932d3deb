"""The collector of APIs that name their next page, against a real server."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from collectors import linked
from collectors.document import Collected
from collectors.errors import CollectError, GiveUp, Unreadable
from config.instant import HOUR, Micros, parse_millis
from config.transports import LinkedTransport
from tests.collectors.collecting import Collecting
from tests.collectors.conftest import Waits
from tests.collectors.server import Answer, Server, says
from tests.normalizers.reading import feed

NOW: Micros = parse_millis("2026-03-01T12:00:00Z") * 1_000


class Case(Collecting):
    """A feed at the server."""

    def __init__(self, server: Server, waits: Waits, **given: Any) -> None:
        options = {"kind": "linked", "url": f"{server.base}/pulses?limit=50", "since": "modified_since", "retries": 0}
        headers = {"X-OTX-API-KEY": "{key}"}
        transport = LinkedTransport.model_validate({**options, "headers": headers, **given})
        super().__init__(linked.collect, feed("alienvault-otx", transport=transport), waits, NOW)

    def collect(
        self, cursor: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None
    ) -> Collected:
        """Collect once, with a key unless the environment is given."""
        return super().collect(cursor, {"OTX_API_KEY": "s3cr3t"} if environment is None else environment)


def _page(following: object) -> str:
    return json.dumps({"results": [], "next": following})


def test_pages_follow_next_and_a_run_goes_on_from_where_the_last_began(server: Server, waits: Waits) -> None:
    """The key goes out with every page and into no cursor; what was entered late is asked for once more."""
    server.will(says(_page(f"{server.base}/pulses?limit=50&page=2")), says(_page("/pulses?page=3")), says(_page(None)))
    case = Case(server, waits)
    first = case.collect()
    assert first.more
    case.now += 5_000_000
    second = case.collect(first.cursor)
    third = case.collect(second.cursor)
    assert (third.more, third.cursor["since"]) == (False, NOW // 1_000)
    assert [asked.path for asked in server.asked] == ["/pulses?limit=50", "/pulses?limit=50&page=2", "/pulses?page=3"]
    assert {asked.headers["x-otx-api-key"] for asked in server.asked} == {"s3cr3t"}
    assert waits == [1.0, 1.0]
    case.collect(third.cursor)
    assert server.asked[-1].query["modified_since"] == "2026-03-01T11:00:00"
    assert all("s3cr3t" not in json.dumps(one.cursor) for one in (first, second, third))


def test_without_since_every_run_begins_at_the_first_page(server: Server, waits: Waits) -> None:
    """And a run that broke off goes on."""
    server.will(says(_page("/two")))
    case = Case(server, waits, since=None, overlap=f"{HOUR // 1_000}s")
    first = case.collect()
    server.will(says(_page(None)))
    done = case.collect(first.cursor)
    case.collect(done.cursor)
    assert [asked.path for asked in server.asked] == ["/pulses?limit=50", "/two", "/pulses?limit=50"]


@pytest.mark.parametrize(
    "following",
    ["https://elsewhere.example/pulses", "//elsewhere.example/", "http://[", "/a b", "/ä", 7, "/" + "a" * 5_000,
     "http://user@127.0.0.1/", "file:///etc/passwd"],
)  # fmt: skip
def test_the_next_page_is_on_the_same_server(server: Server, waits: Waits, following: object) -> None:
    """Wherever it leads, the key would go with it."""
    server.will(says(_page(following)))
    assert "next page" in Case(server, waits).fails(Unreadable)
    assert len(server.asked) == 1


def test_a_server_that_goes_in_circles(server: Server, waits: Waits) -> None:
    """A page that comes again ends the run."""
    server.will(says(_page("/two")), says(_page("/pulses?limit=50")))
    case = Case(server, waits)
    assert "again" in case.fails(Unreadable, case.collect().cursor)


@pytest.mark.parametrize(("answer", "kind"), [(says("", 404), GiveUp), (says(_page("/two")), Unreadable)])
def test_a_run_that_cannot_go_on_begins_anew_an_hour_later(
    server: Server, waits: Waits, answer: Answer, kind: type[CollectError]
) -> None:
    """A page that is there no more, or leads back, keeps a feed from nothing that came since."""
    case = Case(server, waits)
    server.will(says(_page(None)))
    cursor = case.collect().cursor
    case.now += HOUR * 1_000
    server.will(says(_page("/two")), answer)
    stuck = case.collect(cursor).cursor
    case.fails(kind, stuck)
    case.now += HOUR * 1_000
    server.will(answer, says(_page(None)))
    done = case.collect(stuck)
    assert (done.more, done.cursor) == (False, {"source": case.feed.transport.url, "since": case.now // 1_000})
    assert server.asked[-1].query["modified_since"] == "2026-03-01T11:00:00"


@pytest.mark.parametrize("content", ["<html></html>", '{"next"'])
def test_what_is_no_json(server: Server, waits: Waits, content: str) -> None:
    """Is no page."""
    server.will(says(content))
    assert "expected JSON" in Case(server, waits).fails(Unreadable)


def test_a_bare_list_is_the_last_page(server: Server, waits: Waits) -> None:
    """As an export of pulses is."""
    server.will(says("[]"))
    assert not Case(server, waits).collect().more


def test_without_its_key_it_is_not_asked(server: Server, waits: Waits) -> None:
    """The message names the variable."""
    with pytest.raises(GiveUp, match="OTX_API_KEY"):
        Case(server, waits).collect(environment={})
    assert server.asked == []
