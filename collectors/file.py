"""Documents in files: one, or all of a folder that match a pattern, in order of name.

The cursor remembers each file: ``{"files": {name: [size, time of change in ns, sha256]}, "again": [name]}``; see
:mod:`collectors.again`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from collectors.again import due, waiting
from collectors.document import Body, Collected, Document, Spool
from collectors.errors import CollectError, GiveUp, TooLarge, TryLater
from collectors.means import Means
from collectors.several import Several
from collectors.unpacking import unpacked
from config.feeds import Feed
from config.transports import FileTransport

_CHUNK = 256 * 1024
#: A file changed this shortly before it was read may change again without its time of change showing it.
_SETTLED_NS = 2_000_000_000


def collect(feed: Feed, transport: FileTransport, cursor: Mapping[str, Any], means: Means) -> Collected:
    """Read what changed since ``cursor``; of a full list in several files, all as soon as one changed.

    Raises :class:`CollectError`.
    """
    paths = _paths(feed, transport, means.data)
    apart = feed.kind == "log" and transport.pattern is not None
    again = due(cursor)
    known = {name: list(state) for name, state in cursor.get("files", {}).items() if name not in again}
    with Several((CollectError,) if apart else ()) as several:
        files = _Files(known, several, transport.max_bytes, means)
        changed = files.read_changed(paths)
        if feed.kind == "list" and (changed or known.keys() - files.states.keys()):
            changed = files.read_all(paths)
    position = {"files": files.states, **waiting(cursor, files.states, [*several.documents, *several.missing])}
    several.keep(changed)
    return Collected(
        documents=tuple(several.documents[name] for name in sorted(changed)),
        cursor=position,
        unchanged=not changed and not several.missing,
        apart=apart,
        noted=len(paths),
        missing=several.missing,
    )


def _paths(feed: Feed, transport: FileTransport, data: Path) -> list[Path]:
    path = data / transport.path
    if transport.pattern is None:
        return [path]
    if not path.is_dir():
        raise GiveUp(f"{feed.id}: expected a folder at {path}, got none")
    paths = sorted((item for item in path.glob(transport.pattern) if item.is_file()), key=lambda item: item.name)
    if not paths:
        raise TryLater(f"{feed.id}: no file in {transport.path} matches {transport.pattern}")
    return paths


class _Files:
    """The files of one call, as far as they are read."""

    def __init__(self, known: Mapping[str, list[Any]], several: Several, max_bytes: int, means: Means) -> None:
        self._known = known
        self._several = several
        self._max_bytes = max_bytes
        self._means = means
        #: of those that were read and those that need not be: size, time of change in ns, sha256
        self.states: dict[str, list[Any]] = {}

    def read_changed(self, paths: Iterable[Path]) -> set[str]:
        """Read those that may have changed; gives the names of those that did."""
        for path in paths:
            if self._untouched(path):
                self.states[path.name] = self._known[path.name]
            else:
                self._several.take(path.name, partial(self._read, path))
        return {name for name in self._several.documents if self.states[name][2:] != self._known.get(name, [])[2:]}

    def read_all(self, paths: Iterable[Path]) -> set[str]:
        """Read the others too; gives the names of all."""
        for path in paths:
            if path.name not in self._several.documents:
                self._several.take(path.name, partial(self._read, path))
        return set(self._several.documents)

    def _untouched(self, path: Path) -> bool:
        if path.name not in self._known:
            return False
        try:
            status = path.stat()
        except OSError:
            return False
        settled = self._means.clock() * 1_000 - status.st_mtime_ns > _SETTLED_NS
        return settled and [status.st_size, status.st_mtime_ns] == self._known[path.name][:2]

    def _read(self, path: Path) -> Document:
        packed, status = _opened(path, self._max_bytes)
        body, name = unpacked(packed, path.name, self._max_bytes)
        self.states[path.name] = [status.st_size, status.st_mtime_ns, body.sha256]
        now = self._means.now()
        modified = min(status.st_mtime_ns // 1_000_000, now)
        return Document(content=body, name=name, fetched=now, modified=modified, place=path.name)


def _opened(path: Path, max_bytes: int) -> tuple[Body, os.stat_result]:
    """A copy of the file, which may change between the first pass over it and the second; and what it was like."""
    try:
        # Without blocking, or a named pipe would hold the run up for good.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise GiveUp(f"{path.name}: expected a file, got something else")
            if status.st_size > max_bytes:
                raise TooLarge(f"{path.name}: expected at most {max_bytes} bytes, got {status.st_size}")
            with Spool(max_bytes, path.name) as spool:
                while data := stream.read(_CHUNK):
                    spool.write(data)
                return spool.body(), status
    except OSError as error:
        raise GiveUp(f"{path}: cannot be read: {error.strerror}") from error
