"""Rows that are known before they are parsed: the hub holds and publishes what it would if it parsed them all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from config.feeds import Feed
from config.instant import HOUR, Millis, to_datetime
from normalizers.cells import Rows
from normalizers.familiar import ALWAYS, Known, Notes
from taxii_server import recalling
from taxii_server.ingest import Ingest
from taxii_server.manners import FeedBusy
from taxii_server.standing import Standing
from taxii_server.stores.base import FeedState
from taxii_server.stores.memory import MemoryStore
from tests.hubs import PUBLIC, Hub, SteppingClock
from tests.hubs import settings as hub_settings

NOW: Millis = 1_790_000_000_000
_FIELDS = {"value": "url", "type": "url", "first_seen": "seen", "labels": ["label"], "confidence": "sure"}


def csv_feed(kind: str, **changes: Any) -> Feed:
    """A feed of rows with dates, labels and confidence."""
    return Feed.model_validate(
        {
            "id": "known-rows",
            "title": "Known rows",
            "carries": "URLs",
            "publisher": {"name": "Publisher", "country": "JP", "homepage": "https://publisher.example/"},
            "transport": {"kind": "file", "path": "rows.csv"},
            "format": {"kind": "csv", "fields": _FIELDS},
            "marking": "TLP:CLEAR",
            "share": "public",
            "reliability": 100,
            "kind": kind,
            "life": {"url": "2d"},
            "expect": {"min_rows": 0, "refused": 1},
            **changes,
        }
    )


class Row(NamedTuple):
    """One row of a document; some cannot be read."""

    number: int
    label: str = ""
    sure: int = 80
    #: hours before NOW; None for a row without a date
    age: int | None = None

    def text(self, columns: Sequence[str]) -> str:
        """With its columns in that order."""
        seen = "" if self.age is None else to_datetime(NOW - self.age * HOUR).isoformat()
        url = f"http://host-{self.number}.example.com/" if self.number else "no value"
        cells = {"url": url, "label": self.label, "sure": str(self.sure), "seen": seen}
        return ",".join(cells[name] for name in columns)


class Edition(NamedTuple):
    """A document, and how long after the one before it is collected."""

    rows: tuple[Row, ...]
    hours: int = 1
    columns: tuple[str, ...] = ("url", "label", "sure", "seen")

    @property
    def text(self) -> str:
        """The document."""
        return "\n".join([",".join(self.columns), *(row.text(self.columns) for row in self.rows)]) + "\n"


class Collecting:
    """A hub that collects one edition after another."""

    def __init__(self, folder: Path, feed: Feed) -> None:
        self.folder = folder
        self.feed = feed
        self.clock = SteppingClock(NOW * 1_000)
        self.store = MemoryStore()
        self.settings = hub_settings(feeds=[feed.model_dump()]).model_copy(update={"data": folder})
        self.hub = Hub(self.store, self.clock, self.settings)

    def collect(self, edition: Edition, owner: str = "me") -> FeedState:
        """Fetch and publish it."""
        self.clock.now += edition.hours * HOUR * 1_000
        path = self.folder / "rows.csv"
        path.write_text(edition.text)
        os.utime(path, (self.clock.now / 1e6,) * 2)
        state = Ingest(self.settings, self.store, self.clock, owner=owner, environment={}).run(
            self.feed, confirmed=True
        )
        self.hub.publish()
        return state

    def told(self) -> tuple[Any, ...]:
        """Every claim, and every entry of the public collection."""
        keys = self.store.keys(limit=10_000)
        return sorted(claim for claims in self.store.claims(keys).values() for claim in claims), self.hub.log(PUBLIC)


@contextmanager
def parsing_all() -> Iterator[None]:
    """No row is known."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recalling, "passes_rows", lambda feed: False)
        yield


@contextmanager
def counted() -> Iterator[list[int]]:
    """How many rows are parsed."""
    rows: list[int] = []
    claim = Rows.claim
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rows, "claim", lambda self, cells: rows.append(1) or claim(self, cells))
        yield rows


def rows(ages: st.SearchStrategy[int | None]) -> st.SearchStrategy[tuple[Row, ...]]:
    """Some rows, about few values, so that they repeat and contradict each other."""
    row = st.builds(Row, st.integers(0, 5), st.sampled_from(["", "a", "b"]), st.sampled_from([50, 80]), ages)
    return st.lists(row, max_size=8).map(tuple)


def histories(ages: st.SearchStrategy[int | None]) -> st.SearchStrategy[list[Edition]]:
    """Editions that often have rows of the one before."""
    columns = st.sampled_from([("url", "label", "sure", "seen"), ("url", "label", "seen", "sure")])
    edition = st.builds(Edition, rows(ages), st.integers(1, 40), st.just(("url", "label", "sure", "seen")) | columns)

    def overlap(editions: list[tuple[Edition, int]]) -> list[Edition]:
        found: list[Edition] = []
        for one, kept in editions:
            before = found[-1].rows if found else ()
            found.append(one._replace(rows=before[:kept] + one.rows[: 8 - kept] + before[kept + 1 :]))
        return found

    return st.lists(st.tuples(edition, st.integers(0, 8)), min_size=2, max_size=6).map(overlap)


#: some dated ahead of their fetch
DATED = st.integers(-60, 90)


@pytest.mark.parametrize("kind", ["list", "log"])
@given(data=st.data())
@settings(max_examples=150)
def test_known_rows_change_nothing(kind: str, data: st.DataObject) -> None:
    """Whatever editions come one after another: two hubs, one of which parses every row, hold the same claims, publish
    the same entries, and count the same rows."""
    check(kind, data.draw(histories(st.none() | DATED)))


@example([Edition((Row(1, "a"), Row(2))), Edition((Row(1, "a"), Row(1, "b"), Row(2)))])
@example([Edition((Row(1, "a"), Row(1, "b"))), Edition((Row(1, "a"),)), Edition((Row(1, "a"),))])
@example(
    [Edition((Row(1, age=1),)), Edition((Row(1, "b", age=5),)), Edition((Row(1, age=1),)), Edition((Row(1, age=1),))]
)
@example([Edition((Row(1), Row(2))), Edition((Row(2),)), Edition((Row(1), Row(2)))])
@given(histories(st.none()))
@settings(max_examples=150)
def test_known_rows_of_a_list_without_dates_change_nothing(history: list[Edition]) -> None:
    """As above, where a row's only date is that of the fetch."""
    check("list", history)
    check("log", history)


def check(kind: str, history: list[Edition]) -> None:
    """Compare the two hubs after each edition."""
    with tempfile.TemporaryDirectory() as folder:
        knowing = Collecting(Path(folder), csv_feed(kind))
        parsing = Collecting(Path(folder), csv_feed(kind))
        for edition in history:
            state = knowing.collect(edition)
            with parsing_all():
                other = parsing.collect(edition)
            assert state == other
            assert knowing.told() == parsing.told()


@pytest.mark.parametrize("kind", ["list", "log"])
def test_unchanged_rows_are_not_parsed(kind: str, tmp_path: Path) -> None:
    """Of a document that changed, the rows that did not are passed over, and counted as before."""
    many = tuple(Row(number, age=1 + number) for number in range(1, 40))
    hub = Collecting(tmp_path, csv_feed(kind))
    hub.collect(Edition(many))
    with counted() as parsed:
        state = hub.collect(Edition((*many[:20], Row(77, age=1), *many[21:])))
    assert (state.counts["rows"], state.counts["claims"], state.counts["kept"]) == (39, 39, 1)
    assert len(parsed) == 1
    assert state.counts["withdrawn"] == (kind == "list")


def test_an_undated_row_of_a_log_is_parsed_once_that_renews_it(tmp_path: Path) -> None:
    """In a log, being there again is a sighting: it is passed over for as long as that would not move the claim."""
    many = tuple(Row(number) for number in range(1, 40))
    hub = Collecting(tmp_path, csv_feed("log"))
    hub.collect(Edition(many))
    with counted() as parsed:
        for hour in range(23):
            hub.collect(Edition((*many, Row(50 + hour))))
        early = len(parsed)
        for hour in range(2):
            hub.collect(Edition((*many, Row(90 + hour))))
    # Each once a step of a day, at an hour of its own, and the new row of each time.
    assert 23 <= early < 23 + 39
    assert len(parsed) == 25 + 39
    assert all(claim.last_seen > NOW for claims in hub.store.claims(hub.store.keys()).values() for claim in claims)


def test_another_reading_parses_all(tmp_path: Path) -> None:
    """Nothing is known once the feed's file says otherwise how its documents are read, or columns have moved."""
    many = tuple(Row(number, age=1) for number in range(1, 10))
    hub = Collecting(tmp_path, csv_feed("list"))
    hub.collect(Edition(many))
    hub.feed = csv_feed("list", labels=["new"])
    with counted() as parsed:
        hub.collect(Edition(many))
        assert len(parsed) == 9
        hub.collect(Edition(many, columns=("label", "url", "sure", "seen")))
    assert len(parsed) == 18


def test_other_code_parses_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is known once the code that reads rows, or its data, has changed."""
    hub = Collecting(tmp_path, csv_feed("list"))
    hub.collect(Edition((Row(1), Row(2))))
    monkeypatch.setattr(recalling, "code", lambda: "another")
    with counted() as parsed:
        hub.collect(Edition((Row(1), Row(2), Row(0))))
    assert len(parsed) == 3


@pytest.mark.parametrize("fails_at", range(6))
def test_a_crash_in_between_costs_one_full_reading(tmp_path: Path, fails_at: int) -> None:
    """Wherever a run dies between two writes, the next one makes the hub what it would be without that."""
    first = Edition((Row(1), Row(2), Row(3)))
    second = Edition((Row(1), Row(2, "b"), Row(4)))
    hub, other = Collecting(tmp_path, csv_feed("list")), Collecting(tmp_path, csv_feed("list"))
    for one in (hub, other):
        one.collect(first)
    with pytest.MonkeyPatch.context() as patch:
        steps = [fails_at]
        for name in ("put_claims", "forget_rows", "know_rows", "save_feed_state"):
            patch.setattr(hub.store, name, _failing(getattr(hub.store, name), steps))
        with suppress(RuntimeError):
            hub.collect(second)
    hub.collect(second._replace(hours=0))
    other.collect(second)
    mine, theirs = ([claim._replace(version=0) for claim in one.told()[0]] for one in (hub, other))
    assert mine == theirs


def _failing(write: Any, steps: list[int]) -> Any:
    def called(*given: Any, **named: Any) -> Any:
        steps[0] -= 1
        if steps[0] < 0:
            raise RuntimeError("power cut")
        return write(*given, **named)

    return called


def test_a_process_that_was_overtaken_leaves_nothing_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was paused past its lease read a document that is not the last: what it held may be withdrawn by now."""
    hub = Collecting(tmp_path, csv_feed("list"))
    both = Edition((Row(1), Row(2)), columns=("label", "url", "sure", "seen"))
    hub.collect(Edition((Row(1), Row(2))))
    renew = Standing.renew

    def overtaken(self: Standing, held: Sequence[str] = ()) -> int:
        monkeypatch.setattr(Standing, "renew", renew)
        assert hub.collect(Edition((Row(1),)), owner="another").counts["withdrawn"] == 1
        return renew(self, held)

    monkeypatch.setattr(Standing, "renew", overtaken)
    with pytest.raises(FeedBusy):
        hub.collect(both)
    hub.collect(both)
    claims = [claim for found in hub.store.claims(hub.store.keys()).values() for claim in found]
    assert [claim.withdrawn for claim in claims] == [0, 0]


def test_digests_are_a_hub_s_own(tmp_path: Path) -> None:
    """They are short: whoever knew how they are made could make a row that passes for another one."""
    told: list[bytes] = []
    for _ in range(2):
        hub = Collecting(tmp_path, csv_feed("list"))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(hub.store, "know_rows", lambda feed, word, body: told.append(body))
            hub.collect(Edition((Row(1), Row(2))))
    assert len(told[0]) == len(told[1])
    assert told[0] != told[1]


def test_known_rows_are_kept_as_bytes() -> None:
    """What is remembered comes back: met rows, missed observables, and rows whose time is over."""
    notes = Notes()
    keys = [bytes([number]) * 16 for number in range(5)]
    digests = [bytes([number + 100]) * 8 for number in range(5)]
    for key, digest in zip(keys[:3], digests, strict=False):
        notes.add(key, digest, ALWAYS)
    notes.add(keys[0], digests[0], ALWAYS)  # the same row twice
    notes.add(keys[1], digests[4], ALWAYS)  # two rows about one value
    notes.add(keys[3], b"", ALWAYS)
    notes.add(keys[4], digests[3], 50)
    made = notes.known(7, None)
    assert made is not None
    known = Known.decode(made.encode())
    assert known.moment == 7
    assert [known.meet(digest, 49) for digest in digests] == [True, False, True, True, False]
    assert (known.met, known.missed()) == (3, [keys[1], keys[3]])
    known.start()
    assert not known.meet(digests[3], 50)
    assert known.meet(digests[0], 50)
    assert known.forget([keys[0], keys[3]])
    assert not known.forget([keys[2]])
    assert not known.meet(digests[0], 0)
