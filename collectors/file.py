"""Documents in files: one, or all of a folder that match a pattern, in order of name.

The cursor remembers each file: ``{"files": {name: [size, time of change in ns, sha256]}, "again": [name]}``; see
:mod:`collectors.again`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from collectors.again import due, waiting
from collectors.document import Body, Collected, Document, Spool
from collectors.errors import CollectError, GiveUp, TooLarge, TryLater
from collectors.means import Means
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
    known: Mapping[str, Any] = {name: state for name, state in cursor.get("files", {}).items() if name not in again}
    states = {path.name: list(known[path.name]) for path in paths if _untouched(path, known.get(path.name), means)}
    documents: dict[str, Document] = {}
    missing: dict[str, str] = {}
    with ExitStack() as undo:

        def take(path: Path) -> None:
            try:
                document, states[path.name] = _read(path, transport.max_bytes, means)
            except CollectError as error:
                if not apart:
                    raise
                missing[path.name] = str(error)
                return
            undo.callback(document.close)
            documents[path.name] = document

        for path in paths:
            if path.name not in states:
                take(path)
        changed = {name for name in documents if name not in known or known[name][2] != states[name][2]}
        if feed.kind == "list" and (changed or known.keys() - states.keys()):
            for path in paths:
                if path.name not in documents:
                    take(path)
            changed = set(documents)
        undo.pop_all()
    for name in documents.keys() - changed:
        documents[name].close()
    kept = tuple(documents[path.name] for path in paths if path.name in changed)
    return Collected(
        documents=kept,
        cursor={"files": states, **waiting(cursor, states, [*documents, *missing])},
        unchanged=not kept and not missing,
        apart=apart,
        noted=len(paths),
        missing=missing,
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


def _untouched(path: Path, remembered: Any, means: Means) -> bool:
    if remembered is None:
        return False
    try:
        status = path.stat()
    except OSError:
        return False
    settled = means.clock() * 1_000 - status.st_mtime_ns > _SETTLED_NS
    return settled and [status.st_size, status.st_mtime_ns] == list(remembered[:2])


def _read(path: Path, max_bytes: int, means: Means) -> tuple[Document, list[Any]]:
    try:
        # Without blocking, or a named pipe would hold the run up for good.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise GiveUp(f"{path.name}: expected a file, got something else")
            if status.st_size > max_bytes:
                raise TooLarge(f"{path.name}: expected at most {max_bytes} bytes, got {status.st_size}")
            packed = _spooled(stream, path.name, max_bytes)
    except OSError as error:
        raise GiveUp(f"{path}: cannot be read: {error.strerror}") from error
    body, name = unpacked(packed, path.name, max_bytes)
    modified = min(status.st_mtime_ns // 1_000_000, means.now())
    document = Document(content=body, name=name, fetched=means.now(), modified=modified, place=path.name)
    return document, [status.st_size, status.st_mtime_ns, body.sha256]


def _spooled(stream: Any, name: str, max_bytes: int) -> Body:
    # A copy: the file may change between the first pass over it and the second.
    with Spool(max_bytes, name) as spool:
        while data := stream.read(_CHUNK):
            spool.write(data)
        return spool.body()
