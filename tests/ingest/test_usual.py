"""Columns that are missed: in rows that bear markings, in few rows at a time, page by page, and in files of a log."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.audience import sees
from config.instant import HOUR, SECOND, stix_time
from normalizers.columns import Row, Survey
from normalizers.markings import marking_id
from taxii_server import usual
from taxii_server.stores.base import FeedState
from taxii_server.stores.sqlite import SqliteStore
from taxii_server.usual import Comparison, Remembered
from tests.collectors.server import Server, says
from tests.hubs import MEMBERS, PUBLIC
from tests.ingest.test_bad_runs import NOW, Watched, records

STIX = {"format": {"kind": "stix"}, "kind": "log", "expect": {"min_rows": 0}, "life": {"domain": "180d"}}
MISSED = "expected something in column labels (in 100 % of the rows before"


def indicator(number: int, labels: str = "labels", marking: str = "clear", **said: Any) -> dict[str, Any]:
    """One of STIX 2.1; ``labels`` is what its labels are called."""
    at = stix_time(NOW - 3 * HOUR + number * SECOND)
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{uuid.uuid5(uuid.NAMESPACE_URL, f'{number} {marking}')}",
        **dict.fromkeys(("created", "modified", "valid_from"), at),
        "pattern": f"[domain-name:value = '{marking}{number}.example']",
        "pattern_type": "stix",
        "object_marking_refs": [marking_id(marking)],  # type: ignore[arg-type]
        labels: ["kit"],
        **said,
    }


def bundle(objects: Iterable[dict[str, Any]], **said: Any) -> bytes:
    """An envelope of them."""
    return orjson.dumps({"objects": list(objects), **said})


def indicators(first: int, last: int, labels: str = "labels", marking: str = "clear") -> list[dict[str, Any]]:
    """Those with these numbers."""
    return [indicator(number, labels, marking) for number in range(first, last + 1)]


def named(watched: Watched, collection: str = PUBLIC) -> set[str]:
    """What a collection tells."""
    return {str(obj["name"]) for obj in watched.hub.objects(collection, "indicator")}


# ---------------------------------------------------------------- a few rows at a time


@pytest.mark.parametrize("column", ["labels", "valid_from", "pattern", "object_marking_refs"])
def test_a_log_of_few_rows_is_held_once_ten_of_them_lack_what_all_had(server: Server, column: str) -> None:
    """Five objects a poll, each time others: two polls tell what is usual, and the second without it is held."""
    # Without a pattern they are refused, which is noticed at once; here it is normal.
    watched = Watched(server, **{**STIX, "expect": {"min_rows": 0, "refused": 1}})

    def poll(number: int, name: str = column) -> FeedState:
        objects = indicators(5 * number, 5 * number + 4)
        return watched.run(bundle({name if key == column else key: one[key] for key in one} for one in objects))

    assert [poll(number).status for number in range(2)] == ["ok", "ok"]
    assert poll(2, "other").status == "ok"
    before = watched.log
    state = poll(3, "other")
    assert state.status == "held"
    assert f"column {column} (in 100 % of the rows before the last 10), got nothing" in state.message
    assert "columns that are not read: other" in state.message
    assert watched.log == before
    assert poll(4).status == "ok"


def test_few_rows_without_a_pattern_are_held_at_once(server: Server) -> None:
    """They cannot be read."""
    watched = Watched(server, **STIX)
    watched.run(bundle(indicators(0, 4)))
    state = watched.run(bundle({**one, "pattern": None, "rule": one["pattern"]} for one in indicators(5, 9)))
    assert (state.status, state.message) == ("held", "5 of the first 5 rows cannot be read as they should")


def test_the_same_few_rows_count_once(server: Server) -> None:
    """A document of five that is read again and again, whatever else in it changes, is one of five rows."""
    watched = Watched(server, **STIX)
    watched.run(bundle(indicators(0, 9)))
    for number in range(5):
        assert watched.run(bundle(indicators(10, 14, "tags"), id=f"bundle {number}")).status == "ok"
    assert watched.run(bundle(indicators(15, 19, "tags"))).status == "held"


def test_few_rows_of_a_list_tell_nothing(server: Server) -> None:
    """They stay the same, however often it changes."""
    watched = Watched(server, **{**STIX, "kind": "list"})
    watched.run(bundle(indicators(0, 9)))
    for number in range(10):
        assert watched.run(bundle(indicators(0, 7, "tags") + indicators(20 + number, 20 + number))).status == "ok"


def test_what_is_seldom_there_is_not_missed(server: Server) -> None:
    """A third of the rows have it; and what was away for a while before is let be away for thrice as long."""
    watched = Watched(server, **STIX)
    for number in range(12):
        objects = indicators(5 * number, 5 * number) + indicators(5 * number + 1, 5 * number + 4, "tags")
        assert watched.run(bundle(objects)).status == "ok"
    for number in range(12, 20):
        assert watched.run(bundle(indicators(5 * number, 5 * number + 4, "tags"))).status == "ok"


# ---------------------------------------------------------------- by audience


def test_those_who_miss_a_column_are_told_nothing_and_others_go_on(server: Server) -> None:
    """What members' rows lose holds theirs, and not the public's, for whom rows are as they were."""
    watched = Watched(server, **STIX)
    watched.run(bundle(indicators(0, 9) + indicators(0, 39, marking="green")))
    state = watched.run(bundle(indicators(10, 19) + indicators(40, 79, "tags", "green")))
    assert state.status == "ok"  # members see ten rows that have labels
    state = watched.run(bundle(indicators(20, 29, "tags") + indicators(80, 119, marking="green")))
    assert (state.status, state.message.startswith(f"for clear: {MISSED}")) == ("held", True)
    assert named(watched) == {f"clear{number}.example" for number in range(20)}
    assert "green80.example" in named(watched, MEMBERS)
    assert "clear20.example" not in named(watched, MEMBERS)


def test_a_store_of_before_is_read_as_the_feeds_own(server: Server) -> None:
    """Shares of a hundred rows by column, without audiences: the next document is compared with them."""
    watched = Watched(server, format={"kind": "json", "fields": {"value": "url", "type": "url", "labels": ["tags"]}})
    watched.run(records(20))
    state = watched.store.feed_state("watched")
    assert state is not None
    watched.store.save_feed_state(replace(state, columns={"url": 100, "tags": 97}))
    state = watched.run(records(20, "keywords"))
    assert (state.status, "column tags (in 97 % of the rows before)" in state.message) == ("held", True)


def test_what_is_usual_outlives_a_restart(server: Server, tmp_path: Any) -> None:
    """It stands in the feed's state, in SQLite too."""
    with_file = SqliteStore(tmp_path / "hub.db")
    watched = Watched(server, **STIX)
    watched.run(bundle(indicators(0, 11)))
    state = watched.store.feed_state("watched")
    assert state is not None
    with_file.save_feed_state(state)
    again = with_file.feed_state("watched")
    with_file.close()
    assert again == state
    assert again.columns["clear"]["columns"]["labels"] == [12, 0, 0, 0]


# ---------------------------------------------------------------- page by page


class Paged(Watched):
    """A hub with one feed of STIX pages, each of which names the next."""

    def __init__(self, server: Server) -> None:
        transport = {"kind": "linked", "url": f"{server.base}/feed", "retries": 0, "pause": "1ms", "timeout": "10s"}
        super().__init__(server, **STIX, transport=transport)

    def pages(self, *pages: list[dict[str, Any]], confirmed: bool = False) -> FeedState:
        """What the publisher answers from now on, and what becomes of it."""
        last = len(pages) - 1
        bodies = [
            bundle(objects, next=None if number == last else f"/feed?page={number + 1}")
            for number, objects in enumerate(pages)
        ]
        self.server.will(*map(says, bodies))
        self.clock.now += HOUR * 1_000
        return self.collect(confirmed=confirmed)


def test_a_page_without_what_all_rows_had_is_held_and_comes_again(server: Server) -> None:
    """The run stays where it was, however often it comes; what is right again, or is confirmed, is let through."""
    paged = Paged(server)
    assert paged.pages(indicators(0, 6), indicators(7, 13)).status == "ok"
    before = paged.log
    for _ in range(3):
        state = paged.pages(indicators(14, 30, "tags"))
        assert (state.status, f"{MISSED} the last 17)" in state.message) == ("held", True)
        assert paged.log == before
    assert paged.pages(indicators(14, 30)).status == "ok"
    assert paged.pages(indicators(31, 50, "tags")).status == "held"
    assert paged.pages(indicators(31, 50, "tags"), confirmed=True).status == "ok"
    assert paged.pages(indicators(51, 99, "tags")).status == "ok"
    assert named(paged) == {f"clear{number}.example" for number in range(100)}


def test_rows_count_over_pages_and_runs(server: Server) -> None:
    """Four a page: the third page in a row without it is held, in whichever run it comes."""
    paged = Paged(server)
    paged.pages(indicators(0, 3), indicators(4, 7), indicators(8, 11))
    assert paged.pages(indicators(12, 15, "tags")).status == "ok"
    state = paged.pages(indicators(16, 19, "tags"), indicators(20, 23, "tags"))
    assert (state.status, "before the last 12)" in state.message) == ("held", True)
    assert named(paged) == {f"clear{number}.example" for number in range(20)}


def test_what_is_read_from_the_start_again_is_compared_with_what_was_usual_then(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest rows have no labels. When the feed's file changes, they come again after all those that have."""
    monkeypatch.setattr(usual, "_RECENT", 2)  # as if there were many rows
    paged = Paged(server)
    pages = [indicators(0, 15, "tags"), indicators(16, 40)]
    assert paged.pages(*pages).status == "ok"
    paged.feed = paged.feed.model_copy(update={"threat": "phishing"})
    assert paged.pages(*pages).status == "ok"
    assert paged.pages(indicators(41, 60, "tags")).status == "held"


# ---------------------------------------------------------------- files of a log


class Filed(Watched):
    """A hub with one feed of the files of a folder."""

    def __init__(self, server: Server, folder: Any, **changes: Any) -> None:
        self.folder = folder
        transport = {"kind": "file", "path": str(folder), "pattern": "*"}
        super().__init__(server, **{"kind": "log", "transport": transport, **changes})

    def files(self, *, confirmed: bool = False, **bodies: str | bytes) -> FeedState:
        """Files that are there from now on, and what becomes of them."""
        for name, body in bodies.items():
            (self.folder / name).write_bytes(body if isinstance(body, bytes) else body.encode())
        self.clock.now += HOUR * 1_000
        return self.collect(confirmed=confirmed)


def urls_of(first: int, **said: Any) -> bytes:
    """A report of twelve URLs."""
    return orjson.dumps([{"url": f"http://example.com/{number}", **said} for number in range(first, first + 12)])


def misp(number: int, comment: str = "comment") -> bytes:
    """An event of twelve attributes, written by a machine."""
    attributes = [
        {
            "uuid": str(uuid.UUID(int=100 * number + place + (4 << 76) + (8 << 60))),
            "type": "domain",
            "category": "Network activity",
            "value": f"e{number}-{place}.example",
            "to_ids": True,
            "timestamp": str(NOW // SECOND - 7_200),
            comment: "seen in a mail",
            "Tag": [{"name": "kit"}],
        }
        for place in range(12)
    ]
    event = {"uuid": str(uuid.UUID(int=number + (4 << 76) + (8 << 60))), "timestamp": str(NOW // SECOND - 7_200)}
    return orjson.dumps({"Event": {**event, "Attribute": attributes}})


REPORTS = {"kind": "json", "fields": {"value": "url", "type": "url", "labels": ["tags"]}}
FILES: dict[str, tuple[dict[str, Any], Callable[[int], bytes], Callable[[int], bytes], str]] = {
    "reports": (REPORTS, lambda n: urls_of(100 * n, tags=["kit"]), lambda n: urls_of(100 * n, words=["kit"]), "tags"),
    "events": ({"kind": "misp"}, misp, lambda number: misp(number, "remark"), "comment"),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_without_what_every_file_had_is_held_alone(server: Server, tmp_path: Any, kind: str) -> None:
    """Ten files tell what they all have. The others of that run are taken in, and a person lets it through for good."""
    form, good, bad, column = FILES[kind]
    filed = Filed(server, tmp_path, format=form)
    assert filed.files(**{f"{number:02}": good(number) for number in range(10)}).status == "ok"
    known = len(filed.hub.objects(PUBLIC, "indicator"))
    state = filed.files(**{"10": bad(10), "11": good(11)})
    assert state.status == "held"
    assert f"10: expected something in column {column} (in each of the files before), got nothing" in state.message
    assert len(filed.hub.objects(PUBLIC, "indicator")) == known + 12
    assert filed.files().status == "held"
    assert filed.files(confirmed=True).status == "ok"
    assert filed.files(**{"12": bad(12)}).status == "ok"
    assert len(filed.hub.objects(PUBLIC, "indicator")) == known + 36


def test_reports_that_differ_stop_nobody(server: Server, tmp_path: Any) -> None:
    """Where one of many lacks it already, or fewer than ten files are known, another that does tells nothing; nor do
    the files of one run about each other."""
    filed = Filed(server, tmp_path, format=REPORTS)
    bodies = {f"{number:02}": urls_of(100 * number, tags=["kit"]) for number in range(15)}
    assert filed.files(**bodies, **{"15": urls_of(1_500, words=["kit"])}).status == "ok"
    assert filed.files(**{"16": urls_of(1_600, words=["kit"])}).status == "ok"
    young = tmp_path / "young"
    young.mkdir()
    filed = Filed(server, young, format=REPORTS)
    filed.files(**{name: bodies[name] for name in ("00", "01", "02")})
    assert filed.files(**{"03": urls_of(1_500, words=["kit"])}).status == "ok"


def test_a_list_of_several_files_is_one(server: Server, tmp_path: Any) -> None:
    """What none of its files has any more is missed."""
    filed = Filed(server, tmp_path, format=REPORTS, kind="list")
    assert filed.files(**{"1": urls_of(0, tags=["kit"]), "2": urls_of(100, tags=["kit"])}).status == "ok"
    assert filed.files(**{"1": urls_of(0, words=["kit"])}).status == "ok"
    state = filed.files(**{"2": urls_of(100, words=["kit"])})
    assert (state.status, "column tags (in 50 % of the rows before)" in state.message) == ("held", True)


# ---------------------------------------------------------------- promise 2

AUDIENCES = ("clear", "green", "amber:finance", "internal")
rows = st.lists(
    st.tuples(st.sampled_from(AUDIENCES), st.integers(0, 60), st.sets(st.sampled_from(("labels", "until")))),
    max_size=120,
)
cuts = st.lists(st.integers(0, 120), max_size=6)


def remembered(said: list[Row], at: Iterable[int], *, again: bool = False) -> Remembered:
    """What is usual for some after these rows, that came in pages which end at these places, and perhaps ``again``."""
    known: Remembered = {}
    ends = sorted({place for place in at if place < len(said)} | {len(said)})
    for begin, end in zip([0, *ends], ends, strict=False):
        for _ in range(1 + again):
            survey = Survey(("labels", "until"), said[begin:end], {})
            known = Comparison(survey, "rows", known, known, listed=False, confirmed=False).usual(())
    return known


@given(rows, cuts, cuts, st.sampled_from(AUDIENCES))
def test_promise_2_what_is_usual_depends_on_the_rows_that_are_seen_alone(
    told: list[tuple[str, int, set[str]]], some: list[int], others: list[int], reader: str
) -> None:
    """Rows that somebody may not see, where pages end because of them, and that pages come again, change nothing."""
    # Each third row has labels, so that nothing is held: where a page that is held begins, its publisher decides.
    said = [
        Row(audience, f"{audience}{number}", frozenset(filled if number % 3 else ("labels", "until")))
        for audience, number, filled in told
    ]
    seen = [row for row in said if sees(reader, row.audience)]
    with_, without = remembered(said, some, again=True), remembered(seen, others)
    assert {name: known for name, known in with_.items() if sees(reader, name)} == without


@given(st.lists(rows, max_size=14), st.randoms(use_true_random=False), st.sampled_from(AUDIENCES))
def test_promise_2_what_files_have_does_not_depend_on_their_order(
    told: list[list[tuple[str, int, set[str]]]], random: Random, reader: str
) -> None:
    """A file that is asked for again because others hold it changes nothing, nor do rows that somebody may not see."""

    def row(audience: str, number: int, filled: set[str]) -> Row:
        return Row(audience, f"{audience}{number}", frozenset(filled))

    def known(files: list[list[Row]]) -> Remembered:
        before: Remembered = {}
        for file in files:
            survey = Survey(("labels", "until"), file, {}, 1_000)
            before = Comparison(survey, "files", before, {}, listed=False, confirmed=False).usual(())
        return before

    files = [[row(*said) for said in file] for file in told]
    again = [*files, *random.sample(files, len(files) // 2)]
    random.shuffle(again)
    seen = [[row for row in file if sees(reader, row.audience)] for file in files]
    assert known(again).get(reader) == known(seen).get(reader)
