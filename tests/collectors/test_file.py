"""The file collector, on real files."""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from collectors import Means, collect
from collectors.again import put_off
from collectors.document import Collected
from collectors.errors import CollectError, GiveUp, TooLarge, TryLater, Unreadable
from config.instant import Micros, parse_millis
from config.transports import FileTransport
from tests.normalizers.reading import feed

NOW: Micros = parse_millis("2026-03-01T12:00:00Z") * 1_000
OLD = NOW // 1_000_000 - 3_600


def gather(data: Path, cursor: Mapping[str, Any] | None = None, *, kind: str = "log", **transport: Any) -> Collected:
    """Collect once from files below ``data``."""
    changes = FileTransport.model_validate({"kind": "file", **transport})
    source = feed("openphish", transport=changes, kind=kind)
    return collect(source, cursor or {}, Means(clock=lambda: NOW, data=data))


def write(path: Path, content: str | bytes, changed: int = OLD) -> Path:
    """A file that was last changed at that second."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    os.utime(path, (changed, changed))
    return path


def texts(collected: Collected) -> list[bytes]:
    """What is in the documents."""
    found = []
    for document in collected.documents:
        with document.open() as stream:
            found.append(stream.read())
    return found


def test_one_file(tmp_path: Path) -> None:
    """Its bytes, its name and its time of change."""
    write(tmp_path / "list.txt", "a\n")
    collected = gather(tmp_path, path="list.txt")
    (document,) = collected.documents
    assert texts(collected) == [b"a\n"]
    assert (document.name, document.modified, document.fetched) == ("list.txt", OLD * 1_000, NOW // 1_000)


def test_an_unchanged_file_is_unchanged(tmp_path: Path) -> None:
    """Untouched, or written again with the same bytes."""
    path = write(tmp_path / "list.txt", "a\n")
    cursor = gather(tmp_path, path="list.txt").cursor
    again = gather(tmp_path, cursor, path="list.txt")
    assert again.unchanged
    assert again.documents == ()
    write(path, "a\n", OLD + 60)
    again = gather(tmp_path, cursor, path="list.txt")
    assert again.unchanged
    assert again.cursor != cursor


def test_a_changed_file_is_a_document(tmp_path: Path) -> None:
    """Also when neither its size nor its time of change tells, as long as that time is of just now."""
    just_now = NOW // 1_000_000 - 1
    path = write(tmp_path / "list.txt", "a\n", just_now)
    cursor = gather(tmp_path, path="list.txt").cursor
    write(path, "b\n", just_now)
    assert texts(gather(tmp_path, cursor, path="list.txt")) == [b"b\n"]


def test_a_folder_in_order_of_name(tmp_path: Path) -> None:
    """Only files that match; of a log only those that changed."""
    for name in ("202602.csv", "202601.csv", "notes.txt"):
        write(tmp_path / name, name)
    (tmp_path / "202603.csv").mkdir()
    collected = gather(tmp_path, path=".", pattern="2*.csv")
    assert texts(collected) == [b"202601.csv", b"202602.csv"]
    write(tmp_path / "202602.csv", "more", OLD + 60)
    write(tmp_path / "202604.csv", "new")
    assert texts(gather(tmp_path, collected.cursor, path=".", pattern="2*.csv")) == [b"more", b"new"]


def test_of_a_full_list_all_files_come_when_one_changed(tmp_path: Path) -> None:
    """One changed or lost file alone would look as if the rest had left the list."""
    for name in ("a.txt", "b.txt"):
        write(tmp_path / name, name)
    cursor = gather(tmp_path, path=".", pattern="*.txt", kind="list").cursor
    assert gather(tmp_path, cursor, path=".", pattern="*.txt", kind="list").unchanged
    write(tmp_path / "b.txt", "changed", OLD + 60)
    assert texts(gather(tmp_path, cursor, path=".", pattern="*.txt", kind="list")) == [b"a.txt", b"changed"]
    (tmp_path / "b.txt").unlink()
    assert texts(gather(tmp_path, cursor, path=".", pattern="*.txt", kind="list")) == [b"a.txt"]


def test_of_a_log_a_file_that_cannot_be_read_costs_only_itself(tmp_path: Path) -> None:
    """It is told, and read as soon as it can be; a list is not whole without it. What was put off is read again though
    it did not change."""
    write(tmp_path / "a.txt", "a")
    write(tmp_path / "b.txt", "far too long")
    folder = {"path": ".", "pattern": "*.txt", "max_bytes": 5}
    with pytest.raises(TooLarge):
        gather(tmp_path, kind="list", **folder)
    first = gather(tmp_path, **folder)
    assert (texts(first), first.apart, first.noted, set(first.missing)) == ([b"a"], True, 2, {"b.txt"})
    cursor = put_off(first.cursor, [*first.missing, "a.txt"])
    write(tmp_path / "b.txt", "b")
    again = gather(tmp_path, cursor, **folder)
    assert (texts(again), again.missing) == ([b"a", b"b"], {})
    assert gather(tmp_path, again.cursor, **folder).unchanged


def test_packed_files_are_unpacked(tmp_path: Path) -> None:
    """As over HTTP."""
    write(tmp_path / "list.txt.gz", gzip.compress(b"a\n"))
    collected = gather(tmp_path, path="list.txt.gz")
    assert texts(collected) == [b"a\n"]
    assert collected.documents[0].name == "list.txt"


def test_a_document_stays_what_it_was(tmp_path: Path) -> None:
    """The file may change while it is read."""
    path = write(tmp_path / "list.txt", "a\n" * 3_000_000)
    collected = gather(tmp_path, path="list.txt")
    path.write_bytes(b"other")
    assert texts(collected) == [b"a\n" * 3_000_000]
    collected.documents[0].close()


def test_a_time_of_change_from_the_future_is_now(tmp_path: Path) -> None:
    """A clock that was ahead does not date documents ahead."""
    write(tmp_path / "list.txt", "a\n", OLD + 10**6)
    assert gather(tmp_path, path="list.txt").documents[0].modified == NOW // 1_000


@pytest.mark.parametrize(
    ("transport", "error"),
    [
        ({"path": "absent.txt"}, GiveUp),
        ({"path": "absent", "pattern": "*"}, GiveUp),
        ({"path": ".", "pattern": "*.csv"}, TryLater),
        ({"path": "folder"}, GiveUp),
        ({"path": "pipe"}, GiveUp),
        ({"path": "large.txt", "max_bytes": 10}, TooLarge),
        ({"path": "bomb.gz", "max_bytes": 100_000}, TooLarge),
        ({"path": "cut.gz"}, Unreadable),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, transport: dict[str, Any], error: type[CollectError]) -> None:
    """Absent, no file, too large, damaged: each with its error, and a pipe does not hold the run up."""
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    write(tmp_path / "large.txt", "x" * 11)
    write(tmp_path / "bomb.gz", gzip.compress(b"\0" * 10_000_000))
    write(tmp_path / "cut.gz", gzip.compress(b"a\n" * 100)[:-4])
    with pytest.raises(CollectError) as failed:
        gather(tmp_path, **transport)
    assert type(failed.value) is error


def test_a_file_that_is_not_there_is_told_with_its_whole_path(tmp_path: Path) -> None:
    """Relative paths start at the data directory, which the file of the feed does not say."""
    with pytest.raises(GiveUp, match=f"^{re.escape(str(tmp_path))}/inbox/absent.txt: cannot be read: No such file"):
        gather(tmp_path, path="inbox/absent.txt")
