"""The GitHub collector, against a real server that answers as GitHub does."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from collectors import github
from collectors.again import put_off
from collectors.document import Collected
from collectors.errors import GiveUp, TooLarge, TryLater, Unreadable
from collectors.paths import path_date, path_pattern
from config.instant import HOUR, Micros, parse_millis
from config.transports import GithubTransport
from tests.collectors.collecting import Collecting
from tests.collectors.conftest import Waits
from tests.collectors.repository import Repository
from tests.collectors.server import Server, says
from tests.normalizers.reading import feed

NOW: Micros = parse_millis("2026-03-01T12:00:00Z") * 1_000
KEY = "github_pat_s3cr3t"


class Case(Collecting):
    """A feed at the repository."""

    def __init__(
        self, server: Server, waits: Waits, *, kind: str = "log", key: str | None = None, **given: Any
    ) -> None:
        places = {"api": f"{server.base}/api", "raw": f"{server.base}/raw"}
        options = {"kind": "github", "repository": "o/r", "files": ["**/*.txt"], "timeout": "20s", "retries": 1}
        transport = GithubTransport.model_validate({**options, **places, **given})
        super().__init__(github.collect, feed("openphish", transport=transport, key=key, kind=kind), waits, NOW)


def content(collected: Collected) -> dict[str, bytes]:
    """The documents by name."""
    found = {}
    for document in collected.documents:
        with document.open() as stream:
            found[document.name] = stream.read()
    return found


@pytest.fixture
def repository(server: Server) -> Repository:
    """A repository with three files, one of which no pattern of these tests means."""
    made = Repository(server)
    made.files = {"a.txt": b"http://a.example/\n", "2025/b c.txt": b"http://b.example/\n", "README.md": b"words\n"}
    return made


def test_files_that_match_are_fetched_as_they_stand_in_one_commit(
    repository: Repository, server: Server, waits: Waits
) -> None:
    """Their bytes, their paths, in order; who asks is said, and no key where there is none."""
    collected = Case(server, waits).collect()
    assert content(collected) == {"2025/b c.txt": b"http://b.example/\n", "a.txt": b"http://a.example/\n"}
    assert [document.modified for document in collected.documents] == [None, None]
    assert not collected.unchanged
    assert not collected.more
    assert all(asked.headers["user-agent"].startswith("noroshi/") for asked in server.asked)
    assert all("authorization" not in asked.headers for asked in server.asked)


def test_an_unchanged_repository_costs_one_conditional_request(
    repository: Repository, server: Server, waits: Waits
) -> None:
    """304, and nothing else is asked for."""
    case = Case(server, waits)
    cursor = case.collect().cursor
    server.asked.clear()
    again = case.collect(cursor)
    assert again.unchanged
    assert again.cursor == cursor
    assert [asked.path for asked in server.asked] == ["/api/repos/o/r/commits/HEAD"]


def test_of_a_log_only_what_changed_is_fetched(repository: Repository, server: Server, waits: Waits) -> None:
    """A new file and a changed one; what went away is forgotten, and comes again as new."""
    case = Case(server, waits)
    cursor = case.collect().cursor
    repository.fetched()
    repository.files |= {"a.txt": b"http://other.example/\n", "new.txt": b""}
    del repository.files["2025/b c.txt"]
    changed = case.collect(cursor)
    assert repository.fetched() == ["a.txt", "new.txt"]
    assert content(changed) == {"a.txt": b"http://other.example/\n", "new.txt": b""}
    assert changed.apart
    repository.files["2025/b c.txt"] = b"http://b.example/\n"
    assert list(content(case.collect(changed.cursor))) == ["2025/b c.txt"]


def test_a_commit_that_changed_no_file_of_the_feed_is_no_change(
    repository: Repository, server: Server, waits: Waits
) -> None:
    """The cursor goes on to it, and no document comes."""
    case = Case(server, waits)
    cursor = case.collect().cursor
    repository.files["README.md"] = b"other words\n"
    again = case.collect(cursor)
    assert (again.unchanged, again.documents) == (True, ())
    assert again.cursor["commit"] == repository.commit


@pytest.mark.parametrize("change", ["changed", "removed"])
def test_of_a_list_all_comes_as_soon_as_one_file_changed_or_went(
    repository: Repository, server: Server, waits: Waits, change: str
) -> None:
    """What was only in the file that is gone is then absent from the whole list, and so withdrawn."""
    case = Case(server, waits, kind="list")
    cursor = case.collect().cursor
    if change == "removed":
        del repository.files["2025/b c.txt"]
    else:
        repository.files["2025/b c.txt"] = b"http://c.example/\n"
    again = case.collect(cursor)
    assert set(content(again)) == {path for path in repository.files if path.endswith(".txt")}
    assert not again.apart
    assert case.collect(again.cursor).unchanged


def test_a_long_log_comes_page_by_page(repository: Repository, server: Server, waits: Waits) -> None:
    """Each page goes on where the last one ended, and a change in between is not lost."""
    case = Case(server, waits)
    repository.files = {f"{number:03}.txt": b"http://a.example/%d\n" % number for number in range(205)}
    first = case.collect()
    assert (len(first.documents), first.more) == (100, True)
    assert "commit" not in first.cursor
    second = case.collect(first.cursor)
    repository.files["000.txt"] = b"http://changed.example/\n"
    third = case.collect(second.cursor)
    assert [len(second.documents), second.more, third.more] == [100, True, False]
    assert list(content(third)) == ["000.txt", "200.txt", "201.txt", "202.txt", "203.txt", "204.txt"]
    assert case.collect(third.cursor).unchanged


def test_what_was_put_off_is_fetched_again_though_nothing_changed(
    repository: Repository, server: Server, waits: Waits
) -> None:
    """Once a run, not with each page, and until it was taken in; what is there no more is not asked for."""
    repository.files |= {f"{number:03}.txt": b"x\n" for number in range(250)}
    case = Case(server, waits)
    first = case.collect()
    repository.fetched()
    second = case.collect(put_off(first.cursor, ["000.txt", "001.txt"]))
    assert not {"000.txt", "001.txt"} & set(repository.fetched())
    third = case.collect(put_off(second.cursor, ["150.txt"]))
    assert (third.more, third.cursor["again"]) == (False, ["000.txt", "001.txt", "150.txt"])
    repository.fetched()
    again = case.collect(third.cursor)
    assert list(content(again)) == repository.fetched() == ["000.txt", "001.txt", "150.txt"]
    assert "again" not in again.cursor
    assert case.collect(again.cursor).unchanged
    del repository.files["000.txt"]
    assert list(content(case.collect(third.cursor))) == ["001.txt", "150.txt"]


def test_another_repository_branch_or_pattern_starts_anew(repository: Repository, server: Server, waits: Waits) -> None:
    """The cursor is of what was configured."""
    cursor = Case(server, waits).collect().cursor
    assert list(content(Case(server, waits, files=["*.txt"]).collect(cursor))) == ["a.txt"]
    assert len(Case(server, waits, ref="main").collect(cursor).documents) == 2


def test_a_name_that_a_terminal_would_obey_is_not_meant(repository: Repository, server: Server, waits: Waits) -> None:
    """It would stand in messages."""
    repository.others = [{"path": "a\x1b[2J\n.txt", "mode": "100644", "type": "blob", "sha": "1" * 40, "size": 5}]
    assert len(Case(server, waits).collect().documents) == 2


def test_symbolic_links_submodules_and_folders_are_no_files(
    repository: Repository, server: Server, waits: Waits
) -> None:
    """Nothing is fetched by following them."""
    repository.others = [
        {"path": "link.txt", "mode": "120000", "type": "blob", "sha": "1" * 40, "size": 5},
        {"path": "module.txt", "mode": "160000", "type": "commit", "sha": "2" * 40},
        {"path": "folder.txt", "mode": "040000", "type": "tree", "sha": "3" * 40},
        "no entry",  # type: ignore[list-item]
    ]
    assert len(Case(server, waits).collect().documents) == 2


@pytest.mark.parametrize(
    ("dates", "expected"),
    [("path", ["2025-01-31T00:00:00Z", None]), ("commit", ["2024-05-06T07:08:09Z", "2023-01-02T03:04:05Z"])],
)
def test_when_a_file_was_changed(
    repository: Repository, server: Server, waits: Waits, dates: str, expected: list[str | None]
) -> None:
    """By a date in its path, or by the commit that changed it last."""
    repository.files = {"2025/01/31/ioc.txt": b"http://a.example/\n", "b.txt": b"http://b.example/\n"}
    repository.committed = {"2025/01/31/ioc.txt": "2024-05-06T07:08:09Z", "b.txt": "2023-01-02T03:04:05Z"}
    collected = Case(server, waits, dates=dates).collect()
    assert [document.modified for document in collected.documents] == [one and parse_millis(one) for one in expected]


def test_a_commit_dated_ahead_is_of_now(repository: Repository, server: Server, waits: Waits) -> None:
    """Whoever commits writes the date."""
    repository.committed = dict.fromkeys(repository.files, "2099-01-01T00:00:00Z")
    collected = Case(server, waits, dates="commit").collect()
    assert {document.modified for document in collected.documents} == {NOW // 1_000}


def test_content_that_is_not_what_the_commit_names_is_refused(
    repository: Repository, server: Server, waits: Waits
) -> None:
    """The tree's id of a file is the digest of its content."""
    repository.forged["a.txt"] = b"http://forged.example/\n"
    assert "a.txt: expected the content that the commit names" in Case(server, waits).fails(TryLater)


def test_no_file_that_matches_is_an_error_and_not_an_empty_list(
    repository: Repository, server: Server, waits: Waits
) -> None:
    """Or a renamed folder would withdraw everything."""
    assert "no file matches *.csv" in Case(server, waits, files=["*.csv"], kind="list").fails(TryLater)


def test_number_and_size_of_files_are_bounded(repository: Repository, server: Server, waits: Waits) -> None:
    """Too many files, a file that says that it is too large, one that is larger than it says, and half a listing."""
    assert "expected at most 1 files, got 2" in Case(server, waits, max_files=1).fails(GiveUp)
    assert "expected at most 5 bytes, got 18" in Case(server, waits, max_bytes=5, kind="list").fails(TooLarge)
    repository.forged["2025/b c.txt"] = b"x" * 1_000
    Case(server, waits, max_bytes=100, kind="list").fails(TooLarge)
    log = Case(server, waits, max_bytes=100).collect()
    assert list(content(log)) == ["a.txt"]
    assert "2025/b c.txt" in log.missing
    repository.truncated = True
    assert "more files than GitHub lists" in Case(server, waits).fails(GiveUp)


@pytest.mark.parametrize(
    ("status", "headers", "rest"),
    [
        (403, {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": str(NOW // 1_000_000 + 600)}, 600_000),
        (403, {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": str(NOW // 1_000_000 + 10**6)}, HOUR),
        (403, {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": "1"}, 0),
        (429, {"Retry_After": "60"}, 60_000),
        (429, {}, None),
    ],
)
def test_when_too_much_was_asked_the_hub_waits_as_long_as_it_is_told(
    server: Server, waits: Waits, status: int, headers: dict[str, str], rest: int | None
) -> None:
    """At once, without trying again."""
    server.will(says(b"", status, **headers))
    failed = Case(server, waits).failure(TryLater)
    assert isinstance(failed, TryLater)
    assert failed.retry_after == rest
    assert len(server.asked) == 1


def test_forbidden_is_for_the_operator(server: Server, waits: Waits) -> None:
    """403 without a word about limits."""
    server.will(says(b"", 403, X_RateLimit_Remaining="12"))
    assert "the key or the rights are wrong" in Case(server, waits).fails(GiveUp)


@pytest.mark.parametrize("answer", [b"", b"<html>", b"main", b"\xff" * 40])
def test_an_answer_that_is_no_commit(server: Server, waits: Waits, answer: bytes) -> None:
    """Where the id of a commit is expected, nothing else is taken for one."""
    server.will(says(answer))
    assert "expected the id of a commit" in Case(server, waits).fails(Unreadable)


@pytest.mark.parametrize("answer", [b"", b"[]", b'{"tree": 1}', b"<html>"])
def test_an_answer_that_is_no_tree(server: Server, waits: Waits, answer: bytes) -> None:
    """Where a listing is expected, nothing else is taken for one."""
    server.will(says(b"a" * 40), says(answer))
    Case(server, waits).fails(Unreadable)


@pytest.mark.parametrize(
    "answer", [b"[]", b"{}", b'[{"commit": null}]', b'[{"commit": {"committer": {"date": "soon"}}}]']
)
def test_an_answer_that_dates_nothing(repository: Repository, server: Server, waits: Waits, answer: bytes) -> None:
    """Where a date is expected, nothing else is taken for one."""
    listing = json.dumps({"tree": repository.tree()[:1]}).encode()
    server.will(says(repository.commit), says(listing), says(repository.files["a.txt"]), says(answer))
    assert "expected the commit that last changed it" in Case(server, waits, dates="commit").fails(Unreadable)


def test_the_key_goes_into_the_header_and_nowhere_else(
    repository: Repository, server: Server, waits: Waits, caplog: pytest.LogCaptureFixture
) -> None:
    """Not into logs, errors, names or the cursor."""
    caplog.set_level(logging.DEBUG)
    case = Case(server, waits, key="GITHUB_TOKEN")
    collected = case.collect(environment={"GITHUB_TOKEN": KEY})
    assert {asked.headers["authorization"] for asked in server.asked} == {f"Bearer {KEY}"}
    server.will(says(b"", 403))
    with pytest.raises(GiveUp) as failed:
        case.collect(environment={"GITHUB_TOKEN": KEY})
    told = [caplog.text, str(failed.value), repr(collected.documents), json.dumps(collected.cursor)]
    told += [asked.path for asked in server.asked]
    assert not any(KEY in text for text in told)
    assert "GITHUB_TOKEN" in case.fails(GiveUp)


@pytest.mark.parametrize(
    ("glob", "path", "means"),
    [
        ("*.csv", "a.csv", True),
        ("*.csv", "x/a.csv", False),
        ("**/*.csv", "a.csv", True),
        ("**/*.csv", "x/y/a.csv", True),
        ("20??/**/ioc.txt", "2025/04/08/ioc.txt", True),
        ("20??/**/ioc.txt", "old/2025/ioc.txt", False),
        ("a+b.csv", "a+b.csv", True),
        ("a.csv", "abcsv", False),
    ],
)
def test_patterns(glob: str, path: str, means: bool) -> None:
    """``*`` and ``?`` stay within a folder; ``**/`` is any number of folders, also none."""
    assert (path_pattern(glob).fullmatch(path) is not None) == means


@pytest.mark.parametrize(
    ("path", "day"),
    [
        ("2025/04/08/ioc.txt", "2025-04-08"),
        ("2023/2023-09-22 Report/iocs.csv", "2023-09-22"),
        ("Ransom-X_20220412.csv", "2022-04-12"),
        ("2021/202110.csv", "2021-10-01"),
        ("2021-02-30.csv", "2021-02-01"),
        ("report-12.2024.csv", None),
        ("120240412345.csv", None),
    ],
)
def test_days_in_paths(path: str, day: str | None) -> None:
    """The last day that a path holds, of a month its first; digits that go on are no date."""
    assert path_date(path) == (parse_millis(f"{day}T00:00:00Z") if day else None)
