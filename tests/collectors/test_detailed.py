"""MyJVN's details by id, against a real server that answers as its API does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from collectors import collect as collect_any
from collectors.document import Collected
from collectors.errors import GiveUp, TryLater, Unreadable
from collectors.means import Means
from config.feeds import Feed
from config.instant import DAY, HOUR, Millis, parse_millis
from config.loading import load_feed, shipped
from config.transports import PagedTransport
from normalizers.claims import observable_key
from taxii_server.feedrun import _MOST_PAGES
from taxii_server.ingest import Ingest
from taxii_server.stores.memory import MemoryStore
from tests.collectors.collecting import Collecting
from tests.collectors.conftest import Waits
from tests.collectors.myjvn import MyJvn
from tests.collectors.server import Server, says
from tests.hubs import SteppingClock, settings

NOW: Millis = parse_millis("2026-03-01T12:00:00Z")


def shipped_feed(server: Server, pause: Millis = 1_000, **details: Any) -> Feed:
    """The shipped feed of MyJVN's details, at the server."""
    feed = load_feed(shipped("feeds/myjvn-detail.yaml"))
    assert isinstance(feed.transport, PagedTransport)
    assert feed.transport.details is not None
    told = feed.transport.details.model_copy(update=details)
    transport = feed.transport.model_copy(
        update={"url": f"{server.base}/myjvn", "details": told, "retries": 0, "timeout": 20_000, "pause": pause}
    )
    return feed.model_copy(update={"transport": transport})


def _collected(feed: Feed, transport: PagedTransport, cursor: Mapping[str, Any], means: Means) -> Collected:
    return collect_any(feed, cursor, means)


class Case(Collecting):
    """That feed, run after run."""

    def __init__(self, server: Server, waits: Waits, **details: Any) -> None:
        super().__init__(_collected, shipped_feed(server, **details), waits, NOW * 1_000)

    def run(self, cursor: Mapping[str, Any] | None = None) -> tuple[dict[str, Any], int]:
        """Request after request; the cursor at the end, and how many documents there were."""
        documents = 0
        for _ in range(_MOST_PAGES):
            collected = self.collect(cursor)
            cursor = collected.cursor
            documents += len(collected.documents)
            for document in collected.documents:
                document.close()
            if not collected.more:
                return collected.cursor, documents
        raise AssertionError("a run has an end")


def test_every_entry_of_the_list_is_asked_for_ten_at_a_time(server: Server, waits: Waits) -> None:
    """A list of two pages, and the details of all that it names; a pause before each request but the first."""
    api = MyJvn(server, 53)
    _, documents = Case(server, waits).run()
    assert [len(ids) for ids in api.asked] == [10, 10, 10, 10, 10, 3]
    assert [name for ids in api.asked for name in ids] == list(api.entries)
    assert documents == 6
    assert len(server.asked) == 8
    assert waits == [1.0] * 7
    assert "vulnId=JVNDB-2026-000001+JVNDB-2026-000002+" in server.asked[2].path
    assert all(asked.headers["user-agent"].startswith("noroshi/") for asked in server.asked)


def test_only_what_is_new_or_changed_is_asked_for_again(server: Server, waits: Waits) -> None:
    """A run that finds nothing costs the list alone."""
    api = MyJvn(server, 12)
    case = Case(server, waits)
    cursor, _ = case.run()
    api.asked.clear()
    cursor, documents = case.run(cursor)
    assert (api.asked, documents) == ([], 0)
    api.entries["JVNDB-2026-000007"] = "2026-02-28T00:00:00+09:00"
    api.entries["JVNDB-2026-000099"] = "2026-02-28T00:00:00+09:00"
    del api.entries["JVNDB-2026-000001"]  # changed more than a week ago by now
    cursor, documents = case.run(cursor)
    assert (api.asked, documents) == ([["JVNDB-2026-000007", "JVNDB-2026-000099"]], 1)
    assert cursor["asked"] == api.entries


def test_a_run_is_bounded_and_the_next_goes_on(server: Server, waits: Waits) -> None:
    """Twelve a run: what is left is asked for first, and then the list is read again."""
    api = MyJvn(server, 30)
    case = Case(server, waits, most=12)
    cursor, _ = case.run()
    assert [len(ids) for ids in api.asked] == [10, 2]
    lists = len(server.asked) - 2
    cursor, _ = case.run(cursor)
    assert [len(ids) for ids in api.asked] == [10, 2, 10, 2]
    assert len(server.asked) == lists + 4
    api.entries["JVNDB-2026-000001"] = "2026-02-28T00:00:00+09:00"
    cursor, _ = case.run(cursor)
    assert [name for ids in api.asked for name in ids] == [*list(api.entries), "JVNDB-2026-000001"]
    assert "rest" not in cursor


def test_a_failure_between_two_requests_loses_and_repeats_nothing(server: Server, waits: Waits) -> None:
    """The cursor stays, and the next run goes on from there."""
    api = MyJvn(server, 25)
    case = Case(server, waits)
    cursor: Mapping[str, Any] = {}
    for _ in range(3):  # the list, and two requests for details... the second of which is the twentieth id
        cursor = case.collect(cursor).cursor
    server.will(says("", 503))
    case.failure(TryLater, cursor)
    server.will(api.answer)
    cursor, _ = case.run(cursor)
    assert [name for ids in api.asked for name in ids] == list(api.entries)


@pytest.mark.parametrize("fault", [200, 404, 500])
def test_an_entry_that_cannot_be_told_costs_the_others_nothing(server: Server, waits: Waits, fault: int) -> None:
    """Ten at once are an error, so each is asked for alone; the one that still is an error is put off."""
    api = MyJvn(server, 12)
    api.broken, api.fault = {"JVNDB-2026-000003"}, fault
    case = Case(server, waits)
    first = case.collect()
    second = case.collect(first.cursor)
    assert [len(ids) for ids in api.asked] == [10] + [1] * 10
    assert [document.name for document in second.documents] == [
        f"myjvn-detail-{name}" for name in list(api.entries)[:10] if name not in api.broken
    ]
    assert (list(second.missing), second.noted, second.more) == (["JVNDB-2026-000003"], 12, True)
    assert len(waits) == 11
    third = case.collect(second.cursor)
    assert (api.asked[-1], third.more) == (["JVNDB-2026-000011", "JVNDB-2026-000012"], False)


def test_what_was_put_off_is_asked_for_alone_by_each_run_while_it_is_listed(server: Server) -> None:
    """Through whole runs: the others are taken in, the one is told, read once it can be, forgotten with its list."""
    api = MyJvn(server, 12)
    api.broken = {"JVNDB-2026-000003"}
    feed = shipped_feed(server, pause=1)
    store, clock = MemoryStore(), SteppingClock(NOW * 1_000)
    ingest = Ingest(settings(feeds=[feed.model_dump()]), store, clock, owner="me", environment={})

    def run() -> tuple[str, str, list[list[str]]]:
        api.asked.clear()
        state = ingest.run(feed)
        clock.now += 6 * HOUR * 1_000
        return state.status, state.message, list(api.asked)

    told = (
        "1 of 12 documents left out: myjvn-detail: expected what is known of JVNDB-2026-000003, "
        "got an error: busy, try later"
    )
    assert run()[:2] == ("ok", told)
    cves = [observable_key("cve", f"CVE-2099-1{number:04d}") for number in range(1, 13)]
    assert len(store.claims(cves)) == 11
    assert run() == ("unchanged", told, [["JVNDB-2026-000003"]])
    api.entries["JVNDB-2026-000013"] = "2026-03-01T15:00:00+09:00"
    assert run()[2] == [["JVNDB-2026-000013"], ["JVNDB-2026-000003"]]
    gone = api.entries.pop("JVNDB-2026-000003")
    assert run()[2] == []
    api.entries["JVNDB-2026-000003"] = gone
    assert run()[2] == [["JVNDB-2026-000003"]]
    api.broken = set()
    assert run() == ("ok", "", [["JVNDB-2026-000003"]])
    assert run() == ("unchanged", "", [])


def test_an_api_that_tells_nothing_at_all_is_out_of_order(server: Server, waits: Waits) -> None:
    """Not ten entries are put off then, but the run, and the cursor stays. One alone may be broken."""
    api = MyJvn(server, 11)
    api.broken = set(api.entries)
    case = Case(server, waits)
    cursor = case.collect().cursor
    assert "JVNDB-2026-000001 and 9 others, got an error: busy" in case.fails(Unreadable, cursor)
    api.broken = {"JVNDB-2026-000011"}
    cursor = case.collect(cursor).cursor
    assert list(case.collect(cursor).missing) == ["JVNDB-2026-000011"]


def test_a_list_that_is_an_error_says_what_the_api_says(server: Server, waits: Waits) -> None:
    """Errors of MyJVN have status 200 and no number of records. Nothing is taken for gone or for asked."""
    api = MyJvn(server, 3)
    api.failing = "getVulnOverviewList"
    assert Case(server, waits).fails(Unreadable) == (
        "myjvn-detail: expected a list with the number of its records, got an error: busy, try later"
    )
    server.will(says("<html>busy</html>"))
    assert "expected a number in the answer" in Case(server, waits).fails(Unreadable)


def test_an_empty_list_is_the_end(server: Server, waits: Waits) -> None:
    """A week without a change: one request."""
    MyJvn(server, 0)
    cursor, documents = Case(server, waits).run()
    assert (documents, cursor["asked"], len(server.asked)) == (0, {}, 1)


def test_a_list_that_never_ends_is_given_up(server: Server, waits: Waits) -> None:
    """Its ids lie in memory and in the cursor."""
    api = MyJvn(server, 0)
    case = Case(server, waits)
    listed = {f"JVNDB-2026-{number:06d}": "" for number in range(50_000)}
    cursor = {**case.collect().cursor, "listed": listed}
    api.entries["JVNDB-2025-000001"] = ""
    assert "narrow its query" in case.fails(GiveUp, cursor)


def test_another_query_starts_anew(server: Server, waits: Waits) -> None:
    """Details in another language are other details."""
    api = MyJvn(server, 2)
    cursor, _ = Case(server, waits).run()
    Case(server, waits, query={"method": "getVulnDetailInfo", "feed": "hnd", "lang": "en"}).run(cursor)
    assert len(api.asked) == 2


def test_an_entry_without_a_version_is_asked_for_once(server: Server, waits: Waits) -> None:
    """The version of the entry after it is not its own, nor is that of the whole list."""
    api = MyJvn(server, 2)
    case = Case(server, waits, version="<nothing>(x)")
    cursor, _ = case.run()
    assert cursor["asked"] == dict.fromkeys(api.entries, "")
    case.run(cursor)
    assert len(api.asked) == 1


@pytest.mark.parametrize("failing", ["", "getVulnOverviewList", "getVulnDetailInfo"])
def test_overviews_become_vulnerabilities_with_their_details(server: Server, failing: str) -> None:
    """Through a whole run of the shipped feed: CVSS, CWE, products and Japanese words of each CVE. An error of the API,
    with status 200, costs the run, says why, and is asked again."""
    api = MyJvn(server, 13)
    api.failing = failing
    feed = shipped_feed(server, pause=1)
    store, clock = MemoryStore(), SteppingClock(NOW * 1_000)
    ingest = Ingest(settings(feeds=[feed.model_dump()]), store, clock, owner="me", environment={})
    state = ingest.run(feed)
    if failing:
        assert (state.status, "busy, try later" in state.message) == ("failed", True), state.message
        assert state.counts.get("claims", 0) == 0
        api.failing = ""
        clock.now += DAY * 1_000
        state = ingest.run(feed)
    assert (state.status, state.message) == ("ok", "")
    assert state.counts["rows"] == 13
    assert state.counts["claims"] == 26  # each advisory, and its CVE
    (claim,) = next(found for found in store.claims({observable_key("cve", "CVE-2099-10003")}).values())
    detail = json.loads(claim.detail)
    assert (detail["cwe"], detail["products"]) == (["CWE-79"], ["見本社 見本製品"])
    assert "見本製品 JVNDB-2026-000003" in claim.detail
    assert detail["cvss"][0]["score"] == 8.8
    clock.now += 6 * HOUR * 1_000
    again = ingest.run(feed)
    # Where nothing is told of ten at once, each of them was asked for alone.
    assert (again.status, len(api.asked)) == ("unchanged", 2 + (11 if failing == "getVulnDetailInfo" else 0))
    clock.now += 6 * HOUR * 1_000
    api.score = "9.8"
    api.entries["JVNDB-2026-000003"] = "2026-03-01T15:00:00+09:00"
    assert ingest.run(feed).counts["kept"] == 1  # of the advisory nothing but its date changed
    (claim,) = next(found for found in store.claims({observable_key("cve", "CVE-2099-10003")}).values())
    assert json.loads(claim.detail)["cvss"][0]["score"] == 9.8
