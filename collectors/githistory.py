"""When files of a git repository were last changed, by its history without the files.

One question brings what would be a question for each file of a host's API: a ``fetch`` of git's protocol
(gitprotocol-v2) with the filter ``blob:none``, whose answer is a pack of all commits and trees.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from dulwich.errors import GitProtocolError, ObjectFormatException
from dulwich.objects import Commit, ShaFile, Tree, parse_tree
from dulwich.pack import UnpackedObject
from dulwich.protocol import PktLineParser, pkt_line, pkt_seq

from collectors.gitpack import objects_in
from config.instant import SECOND, Millis

#: What goes with the question.
HEADERS = {
    "Git-Protocol": "version=2",
    "Content-Type": "application/x-git-upload-pack-request",
    "Accept": "application/x-git-upload-pack-result",
}
_HEAD = re.compile(rb"tree ([0-9a-f]{40})\n((?:parent [0-9a-f]{40}\n)*)")
_COMMITTED = re.compile(rb"\ncommitter [^\n]*> ([0-9]{1,12}) [+-][0-9]{4}\n")
_FOLDER = 0o40000
#: Trees that are kept parsed: a commit's, its parents' and those of their folders.
_PARSED = 512


class _Commit(NamedTuple):
    tree: bytes
    parents: tuple[bytes, ...]
    committed: Millis


def question(commit: str) -> bytes:
    """What to post for the history of a commit, by its id in hexadecimal."""
    asked = (b"no-progress\n", b"filter blob:none\n", b"want %s\n" % commit.encode(), b"done\n")
    return pkt_line(b"command=fetch\n") + b"0001" + pkt_seq(*asked)


def last_changed(answer: bytes, commit: str, paths: Iterable[str], most: int) -> dict[str, Millis]:
    """When each path was last changed, as ``git log -1 COMMIT -- PATH`` finds it, by the time of the committer; the
    paths are there in the commit. Raises ValueError for an answer that does not say it, and :class:`TooLarge` for one
    of more than ``most`` bytes."""
    history = _History(objects_in(_pack_in(answer), most))
    pending = {commit.encode(): set(paths)}
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
    """The pack in an answer, which comes in lines of two bands."""
    lines: list[bytes | None] = []
    parser = PktLineParser(lines.append)
    try:
        parser.parse(answer)
    except GitProtocolError as error:
        raise ValueError(f"expected lines of git's protocol: {error}") from None
    if parser.get_tail() or lines[:1] != [b"packfile\n"] or any(line and line[0] == 3 for line in lines):
        raise ValueError("expected a pack, got an error, or it is cut off")
    return b"".join(line[1:] for line in lines if line and line[0] == 1)


class _History:
    """Commits and trees."""

    def __init__(self, objects: dict[bytes, UnpackedObject]) -> None:
        self._objects = objects
        self.commit = lru_cache(maxsize=None)(self._commit)
        self._entries = lru_cache(maxsize=_PARSED)(self._tree)

    def as_before(self, id_: bytes, path: str) -> bytes | None:
        """The first parent of a commit in which a file is the same as in the commit; None where it changed."""
        commit = self.commit(id_)
        here = self._file(commit.tree, path)
        return next((one for one in commit.parents if self._file(self.commit(one).tree, path) == here), None)

    def _commit(self, id_: bytes) -> _Commit:
        content = self._content(id_, Commit)
        head, committed = _HEAD.match(content), _COMMITTED.search(content)
        if head is None or committed is None:
            raise ValueError("expected a commit, got something else")
        return _Commit(head[1], tuple(head[2].split()[1::2]), int(committed[1]) * SECOND)

    def _file(self, tree: bytes, path: str) -> tuple[int, bytes] | None:
        """Mode and id of a file in a tree, either of which changes with it; None where it is not there."""
        *folders, name = path.encode().split(b"/")
        for folder in folders:
            mode, tree = self._entries(tree).get(folder, (0, b""))
            if mode != _FOLDER:
                return None
        return self._entries(tree).get(name)

    def _tree(self, id_: bytes) -> dict[bytes, tuple[int, bytes]]:
        content = self._content(id_, Tree)
        try:
            return {name: (mode, one) for name, mode, one in parse_tree(content, 20)}
        except (ObjectFormatException, ValueError):
            raise ValueError("expected a tree, got something else") from None

    def _content(self, id_: bytes, kind: type[ShaFile]) -> bytes:
        found = self._objects.get(id_)
        if found is None or found.obj_type_num != kind.type_num:
            raise ValueError(f"expected all commits and trees, and a {kind.type_name.decode()} is missing")
        return b"".join(found.obj_chunks or ())
