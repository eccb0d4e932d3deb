"""When files of a git repository were last changed, by its history without the files.

One question brings what would be a question for each file of a host's API: a ``fetch`` of git's protocol
(gitprotocol-v2) with the filter ``blob:none``, whose answer is a pack of all commits and trees.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from collectors.gitpack import Object, objects_in
from config.instant import SECOND, Millis

#: What goes with the question.
HEADERS = {
    "Git-Protocol": "version=2",
    "Content-Type": "application/x-git-upload-pack-request",
    "Accept": "application/x-git-upload-pack-result",
}
_ASKED = ("no-progress", "filter blob:none", "want {commit}", "done")
_HEAD = re.compile(rb"tree ([0-9a-f]{40})\n((?:parent [0-9a-f]{40}\n)*)")
_COMMITTED = re.compile(rb"\ncommitter [^\n]*> ([0-9]{1,12}) [+-][0-9]{4}\n")
_FOLDER = b"40000"
_PARENT = re.compile(rb"[0-9a-f]{40}")
#: Trees that are kept parsed: a commit's, its parents' and those of their folders.
_PARSED = 512


class _Entry(NamedTuple):
    """What stands under a name in a tree; either changes with a change of the file."""

    mode: bytes
    id: bytes


class _Commit(NamedTuple):
    tree: bytes
    parents: tuple[bytes, ...]
    committed: Millis


def question(commit: str) -> bytes:
    """What to post for the history of a commit, by its id in hexadecimal."""
    asked = b"".join(_line(text.format(commit=commit)) for text in _ASKED)
    return _line("command=fetch") + b"0001" + asked + b"0000"


def _line(text: str) -> bytes:
    return f"{len(text) + 5:04x}{text}\n".encode()


def last_changed(answer: bytes, commit: str, paths: Iterable[str], most: int) -> dict[str, Millis]:
    """When each path was last changed, as ``git log -1 COMMIT -- PATH`` finds it, by the time of the committer; the
    paths are there in the commit. Raises ValueError for an answer that does not say it, and :class:`TooLarge` for one
    of more than ``most`` bytes."""
    history = _History(objects_in(_pack_in(answer), most))
    pending = {bytes.fromhex(commit): set(paths)}
    found: dict[str, Millis] = {}
    while pending:
        # The latest first, so that branches have come together again before what is behind them.
        id_ = max(pending, key=lambda one: history.commit(one).committed)
        for path in pending.pop(id_):
            before = history.as_before(id_, path)
            if before is None:
                found[path] = history.commit(id_).committed
            else:
                pending.setdefault(before, set()).add(path)
    return found


def _pack_in(answer: bytes) -> bytes:
    """The pack in an answer, which comes in lines of a length each, of two bands."""
    parts: list[bytes] = []
    at, begun, line = 0, False, b""
    while at < len(answer):
        size = int(answer[at : at + 4], 16)
        line = answer[at + 4 : at + size]
        if size and len(line) != size - 4 and size > 4:
            raise ValueError("expected more, and it is cut off")
        at += max(size, 4)
        if line.startswith(b"ERR ") or (begun and line[:1] == b"\3"):
            raise ValueError("expected a pack, got an error")
        if begun and line[:1] == b"\1":
            parts.append(line[1:])
        begun = begun or line == b"packfile\n"
    return b"".join(parts)


class _History:
    """Commits and trees."""

    def __init__(self, objects: dict[bytes, Object]) -> None:
        self._objects = objects
        self.commit = lru_cache(maxsize=None)(self._commit)
        self._entries = lru_cache(maxsize=_PARSED)(self._tree)

    def as_before(self, id_: bytes, path: str) -> bytes | None:
        """The first parent of a commit in which a file is the same as in the commit; None where it changed."""
        commit = self.commit(id_)
        here = self._file(commit.tree, path)
        return next((one for one in commit.parents if self._file(self.commit(one).tree, path) == here), None)

    def _commit(self, id_: bytes) -> _Commit:
        content = self._content(id_, b"commit")
        head, committed = _HEAD.match(content), _COMMITTED.search(content)
        if head is None or committed is None:
            raise ValueError("expected a commit, got something else")
        parents = tuple(bytes.fromhex(one.decode()) for one in _PARENT.findall(head[2]))
        return _Commit(bytes.fromhex(head[1].decode()), parents, int(committed[1]) * SECOND)

    def _file(self, tree: bytes, path: str) -> _Entry | None:
        """A file in a tree; None where it is not there."""
        *folders, name = path.encode().split(b"/")
        for folder in folders:
            found = self._entries(tree).get(folder)
            if found is None or found.mode != _FOLDER:
                return None
            tree = found.id
        return self._entries(tree).get(name)

    def _tree(self, id_: bytes) -> dict[bytes, _Entry]:
        content, at = self._content(id_, b"tree"), 0
        found: dict[bytes, _Entry] = {}
        while at < len(content):
            end = content.index(b"\0", at)
            mode, _, name = content[at:end].partition(b" ")
            found[name], at = _Entry(mode, content[end + 1 : end + 21]), end + 21
        return found

    def _content(self, id_: bytes, kind: bytes) -> bytes:
        found = self._objects.get(id_)
        if found is None or found.kind != kind:
            raise ValueError(f"expected all commits and trees, and a {kind.decode()} is missing")
        return found.content
