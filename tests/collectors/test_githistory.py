"""When files were last changed, by a repository's history as git's own program gives it."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors import githistory
from collectors.errors import GiveUp, TooLarge, Unreadable
from collectors.gitpack import objects_in
from tests.collectors.conftest import Waits
from tests.collectors.repository import GitFolder, History
from tests.collectors.server import Server, says
from tests.collectors.test_github import Case

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="the history is git's own")
MOST = 1_000_000
PATHS = ("a.txt", "b/a.txt", "b/c/\u65e5\u672c.txt", "b/c/d.txt")
#: A second of 2023.
THEN = 1_680_000_000


class Made(NamedTuple):
    """A commit: which of those before it it follows, and what it writes."""

    parents: tuple[int, ...]
    #: path -> content; None takes the file away
    files: dict[str, int | None]


def stream(history: Sequence[Made]) -> bytes:
    """As git-fast-import reads it; the branch ``main`` is at the last. All files are there in the end."""
    lines = []
    for number, made in enumerate(history):
        lines += ["reset refs/heads/main", "", "commit refs/heads/main", f"mark :{number + 1}"]
        lines += [f"committer A <a@example.com> {THEN + number * 60} +0900", "data 1", "m"]
        known = sorted({one % number for one in made.parents}) if number else []
        lines += [f"{'merge' if place else 'from'} :{one + 1}" for place, one in enumerate(known)]
        files = dict.fromkeys(PATHS, 0) if not number else made.files
        if number == len(history) - 1:
            files = {path: 7 if content is None else content for path, content in files.items()}
        for path, content in files.items():
            text = f"http://{content}.example/\n"
            lines += [f"D {path}"] if content is None else [f"M 644 inline {path}", f"data {len(text)}", text]
    return ("\n".join(lines) + "\n").encode()


commits = st.builds(
    Made,
    st.lists(st.integers(0, 30), min_size=1, max_size=3).map(tuple),
    st.dictionaries(st.sampled_from(PATHS), st.none() | st.integers(0, 2), max_size=2),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(commits, min_size=1, max_size=12))
def test_files_are_dated_as_git_dates_them(history: list[Made]) -> None:
    """Whatever branches and merges there are, and whatever comes back to what it was."""
    with tempfile.TemporaryDirectory() as folder:
        git = GitFolder(Path(folder))
        git.take(stream(history))
        found = githistory.last_changed(git.packed(githistory.question(git.commit)), git.commit, git.files(), MOST)
        assert found == {path: git.changed(path) for path in git.files()}


@pytest.fixture
def repository(server: Server, tmp_path: Path) -> History:
    """Twenty files in folders, each written by a commit of its own, in trees that are told as what differs."""
    git = GitFolder(tmp_path)
    git.take(stream([Made((), {}), *(Made((n,), {f"f/{n:02}/long name {n}.txt": n}) for n in range(20))]))
    return History(server, git)


def test_many_files_cost_one_question_and_none_of_the_api(repository: History, server: Server, waits: Waits) -> None:
    """Each has the date of its commit; who asks is said, behind what GitHub wants first."""
    collected = Case(server, waits, dates="commit", files=["f/**/*.txt"], git=f"{server.base}/git").collect()
    assert [one.modified for one in collected.documents] == [(THEN + n * 60) * 1_000 for n in range(1, 21)]
    asked = [one.path for one in server.asked if not one.path.startswith("/raw/")]
    tree = f"/api/repos/o/r/git/trees/{repository.commit}?recursive=1"
    assert asked == ["/api/repos/o/r/commits/HEAD", tree, "/git/o/r.git/git-upload-pack"]
    assert server.asked[-1].headers["user-agent"].startswith("git/2.0 noroshi/")


def test_few_files_and_those_who_have_a_key_ask_the_api(repository: History, server: Server, waits: Waits) -> None:
    """One question a file."""
    repository.committed = dict.fromkeys(repository.files, "2024-05-06T07:08:09Z")
    told = {"dates": "commit", "git": f"{server.base}/git"}
    Case(server, waits, files=["f/0[0-4]/*.txt", "f/00/*", "f/01/*"], **told).collect()
    Case(server, waits, files=["f/**/*.txt"], key="KEY", **told).collect(environment={"KEY": "secret"})
    assert not any(one.path.startswith("/git/") for one in server.asked)
    assert sum(one.path.startswith("/api/repos/o/r/commits?") for one in server.asked) == 2 + 20


def _answer(repository: History) -> bytes:
    return repository.git.packed(githistory.question(repository.commit))


def test_a_history_that_says_nothing_is_an_error(repository: History, server: Server, waits: Waits) -> None:
    """Another answer, one that is cut off, one of another repository, and git's own refusal."""
    answer, commit = _answer(repository), repository.commit
    for broken in (
        b"",
        b"<html>",
        b"0000",
        answer[:-300],
        answer[:40],
        b"0011ERR not found",
        b"000dpackfile\n0009\3fail",
    ):
        with pytest.raises(ValueError, match=r"expected|invalid"):
            githistory.last_changed(broken, commit, ["a.txt"], MOST)
    with pytest.raises(ValueError, match="a commit is missing"):
        githistory.last_changed(answer, "1" * 40, ["a.txt"], MOST)
    with pytest.raises(TooLarge):
        githistory.last_changed(answer, commit, ["a.txt"], 500)
    parts = [
        says(repository.commit),
        says(_listing(repository)),
        *(says(repository.files[f]) for f in sorted(repository.files)),
    ]
    server.will(*parts, says(b"<html>"))
    assert "its history: " in Case(server, waits, dates="commit", git=f"{server.base}/git").fails(Unreadable)


def test_a_history_that_is_too_large_needs_a_key(
    repository: History, server: Server, waits: Waits, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the message says."""
    monkeypatch.setattr("collectors.github._LARGEST_HISTORY", 2_000)
    assert "with a key" in Case(server, waits, dates="commit", git=f"{server.base}/git").fails(GiveUp)


def _listing(repository: History) -> bytes:
    return json.dumps({"tree": repository.tree()}).encode()


def _pack(*entries: bytes, count: int | None = None) -> bytes:
    body = b"PACK\0\0\0\2" + (len(entries) if count is None else count).to_bytes(4, "big") + b"".join(entries)
    return body + hashlib.sha1(body).digest()


def _blob(text: bytes, size: int | None = None, kind: int = 3) -> bytes:
    size = len(text) if size is None else size
    return bytes([kind << 4 | 0x80 | size & 15, size >> 4]) + zlib.compress(text)


@pytest.mark.parametrize(
    "pack",
    [
        b"",
        _pack(_blob(b"abc"))[:-1] + b"x",
        _pack(_blob(b"abc"), count=2),
        _pack(_blob(b"abc", size=4)),
        _pack(_blob(b"abc" * 99, size=4)),
        _pack(_blob(b"abc", kind=5)),
        _pack(_blob(b"abc", kind=6)),
        _pack(bytes([0x33]) + b"no zlib"),
        _pack(bytes([0x73]) + b"b" * 20 + zlib.compress(b"\1\1x")),
        _pack(b"\xff" * 40),
    ],
    ids=str,
)
def test_a_pack_that_is_broken_is_refused(pack: bytes) -> None:
    """With a clear error, whatever is wrong with it."""
    with pytest.raises((ValueError, TooLarge), match="expected"):
        objects_in(pack, MOST)


@pytest.mark.parametrize(
    "tree", [b"100644", b"100644 a.txt", b"x44 a.txt\0" + b"i" * 20, b"100644 a.txt\0" + b"i" * 19]
)
def test_a_tree_that_is_broken_is_refused(tree: bytes) -> None:
    """As everything else in a pack."""
    id_ = hashlib.sha1(b"tree %d\0" % len(tree) + tree).hexdigest()
    commit = f"tree {id_}\ncommitter A <a@example.com> {THEN} +0000\n\nm\n".encode()
    pack = _pack(_blob(tree, kind=2), _blob(commit, kind=1))
    answer = b"000dpackfile\n" + b"%04x\1" % (len(pack) + 5) + pack + b"0000"
    asked = hashlib.sha1(b"commit %d\0" % len(commit) + commit).hexdigest()
    with pytest.raises(ValueError, match="expected a tree"):
        githistory.last_changed(answer, asked, ["b.txt"], MOST)


def test_a_pack_that_would_grow_is_refused() -> None:
    """By the sizes that it says, before anything is built: of an object, of many, of many small ones, and of what is
    made of another."""
    base = _blob(b"a" * 1_000)
    id_ = hashlib.sha1(b"blob 1000\0" + b"a" * 1_000).digest()
    delta = b"\xe8\x07" + b"\xa0\xf7\x36" + b"\xb0\xe8\x03" * 900  # 900 times all of it
    grown = _pack(
        base,
        bytes([0x70 | 0x80 | len(delta) & 15, len(delta) >> 4 & 0x7F | 0x80, len(delta) >> 11])
        + id_
        + zlib.compress(delta),
    )
    assert len(objects_in(grown, MOST)) == 2
    for pack, most in (
        (grown, 500_000),
        (_pack(_blob(b"a" * 900), _blob(b"b" * 900)), 1_500),
        (_pack(_blob(b"", 2_000)), 1_500),
        (_pack(*(_blob(b"%d" % n) for n in range(10))), 1_500),
    ):
        with pytest.raises(TooLarge):
            objects_in(pack, most)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60), st.integers(0, 3))
def test_whatever_a_pack_holds_it_is_read_or_refused(content: bytes, count: int) -> None:
    """Without another error, and as a delta of what is there."""
    base = hashlib.sha1(b"blob 3\0abc").digest()
    size = len(content)
    head = bytes([0x70 | 0x80 | size & 15, size >> 4])
    for pack in (_pack(content, count=count), _pack(_blob(b"abc"), head + base + zlib.compress(content))):
        try:
            found = objects_in(pack, MOST)
        except (ValueError, TooLarge):
            continue
        for id_, one in found.items():
            made = b"".join(one.obj_chunks or ())
            kind = (b"", b"commit", b"tree", b"blob", b"tag")[one.obj_type_num or 0]
            assert hashlib.sha1(b"%s %d\0" % (kind, len(made)) + made).hexdigest().encode() == id_
