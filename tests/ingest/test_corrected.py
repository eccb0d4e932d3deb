"""Files that come again corrected: what a later edition says no more is taken back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from config.instant import DAY, HOUR, stix_time
from normalizers.reading import UnusableFormat, reading
from taxii_server.ingest import Ingest
from tests.hubs import PUBLIC
from tests.ingest.test_ingest import Runner, _feed

CSV = {"kind": "csv", "fields": {"value": "url", "type": "url", "first_seen": "date", "time": "%Y-%m-%d", "zone": "UTC",
       "labels": ["brand"]}}  # fmt: skip


class Files(Runner):
    """A hub whose one feed is a folder of files that are corrected."""

    def __init__(self, folder: Path, **changes: Any) -> None:
        transport = {"kind": "file", "path": ".", "pattern": "*.csv"}
        given = {"kind": "log", "corrected": True, "transport": transport, "format": CSV, "life": {"url": "30d"}}
        super().__init__(folder, _feed(**given | changes))

    def put(self, name: str, *rows: str) -> None:
        path = self.folder / f"{name}.csv"
        path.write_text("url,date,brand\n" + "".join(f"http://{row}\n" for row in rows))
        os.utime(path, (self.clock.now / 1e6, self.clock.now / 1e6))

    def values(self) -> set[str]:
        """What is live once the files were read, an hour after the last time."""
        self.run()
        self.wait(HOUR)
        now = stix_time(self.clock.now // 1_000)
        return {value.removeprefix("http://").rstrip("/") for value, until in self.live().items() if until > now}


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def _rows(*names: str) -> list[str]:
    return [f"{name}.example,2026-09-20,bank" for name in names]


def test_q_i7_a_corrected_value_replaces_the_broken_one(files: Files) -> None:
    """Q-I7: the row that was wrong is taken back, others stand as they did; what returns stands again."""
    files.put("1", *_rows("a", "b", "wrong"))
    assert files.values() == {"a.example", "b.example", "wrong.example"}
    files.put("1", *_rows("a", "b", "right"))
    assert files.values() == {"a.example", "b.example", "right.example"}
    files.put("1", *_rows("a", "b", "wrong"))
    assert files.values() == {"a.example", "b.example", "wrong.example"}


def test_what_another_file_says_too_stands(files: Files) -> None:
    """Until that one says it no more; a file that goes away takes nothing back."""
    files.put("1", *_rows("a", "b"))
    files.put("2", *_rows("b", "c"))
    assert files.values() == {"a.example", "b.example", "c.example"}
    files.put("1", *_rows("a"))
    assert files.values() == {"a.example", "b.example", "c.example"}
    files.put("2", *_rows("c"))
    assert files.values() == {"a.example", "c.example"}
    (files.folder / "1.csv").unlink()
    assert files.values() == {"a.example", "c.example"}


def test_words_and_dates_are_corrected_too(files: Files) -> None:
    """What a row said of its value is not united with what it says now."""
    files.put("1", "a.example,2026-09-20,bank", *_rows("b"))
    files.values()
    files.put("1", "a.example,2026-09-19,shop", *_rows("b"))
    files.values()
    (one,) = (obj for obj in files.hub.objects(PUBLIC, "indicator") if "a.example" in obj["name"])
    assert ("shop" in one["labels"], "bank" in one["labels"]) == (True, False)
    assert one["valid_from"].startswith("2026-09-19")


def test_promise_4_an_edition_that_says_the_same_makes_no_entry(files: Files) -> None:
    """In another order, with a row twice, and with rows about one value that contradict each other."""
    rows = ["a.example,2026-09-20,bank", "a.example,2026-09-18,shop", "a.example,2026-09-20,shop", *_rows("b", "c")]
    files.put("1", *rows)
    files.values()
    before = files.hub.log(PUBLIC)
    for edition in (rows[::-1], [*rows, *rows], rows):
        files.put("1", *edition)
        assert files.run().counts["kept"] == 0
        files.wait(HOUR)
    assert files.hub.log(PUBLIC) == before


@pytest.mark.parametrize("rows", [[], _rows(*map(str, range(9))), ["nonsense"] * 40, _rows(*map(str, range(900)))])
def test_an_edition_that_is_not_like_the_one_before_is_held(files: Files, rows: list[str]) -> None:
    """Nothing is taken back for it; it is told, read again by each run, and taken in when a person says so."""
    whole = _rows(*map(str, range(40)))
    files.put("1", *whole)
    files.put("2", *_rows("x"))
    assert len(files.values()) == 41
    files.put("1", *rows)
    files.put("2", *_rows("y"))
    for _ in range(2):
        state = files.run()
        assert (state.status, state.message.startswith("1.csv: ")) == ("held", True)
        files.wait(HOUR)
    assert len(files.values()) == 41
    if len(rows) == 9:
        ingest = Ingest(files.settings(), files.store, files.clock, owner="me", environment={})
        assert ingest.run(files.feed, confirmed=True).status == "ok"
        files.hub.publish()
        assert len(files.values()) == 10
    else:
        files.put("1", *whole[:30])
        assert len(files.values()) == 31
        assert files.run().message == ""


def test_rows_without_dates_are_first_seen_when_they_were(tmp_path: Path) -> None:
    """They are known without the dates that their document gave them."""
    files = Files(tmp_path, format={"kind": "csv", "fields": {"value": "url", "type": "url"}})
    files.put("1", *_rows("a", "b"))
    files.values()
    first = {obj["name"]: obj["valid_from"] for obj in files.hub.objects(PUBLIC, "indicator")}
    files.wait(20 * DAY)
    files.put("1", *_rows("a", "c"))
    assert files.values() == {"a.example", "c.example"}
    now = {obj["name"]: obj["valid_from"] for obj in files.hub.objects(PUBLIC, "indicator")}
    assert now["http://a.example/"] == first["http://a.example/"]


def test_where_rows_have_ids_of_their_own_it_is_left_out() -> None:
    """A STIX object and a MISP attribute are known by theirs; a list withdraws what it lacks by itself."""
    with pytest.raises(UnusableFormat, match="ids of their own"):
        reading(_feed(kind="log", corrected=True, format={"kind": "stix"}))
    with pytest.raises(ValueError, match="corrected: is for logs of files"):
        _feed(corrected=True)
