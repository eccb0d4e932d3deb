"""What collectors hand on: documents that can be read more than once, and where to go on next time.

A large body lies in a temporary file without a name, so that memory stays bounded and a crash leaves nothing behind.
"""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, BinaryIO, cast

from collectors.errors import TooLarge
from config.instant import Millis

#: Bodies up to this many bytes stay in memory.
IN_MEMORY = 4 * 1024 * 1024


class Body:
    """The bytes of a document. Every :meth:`open` reads from the start; they may overlap."""

    def __init__(self, content: bytes | BinaryIO, size: int, sha256: str) -> None:
        self._content = content
        #: in bytes
        self.size = size
        #: hexadecimal
        self.sha256 = sha256

    @classmethod
    def of(cls, content: bytes) -> Body:
        """A body of these bytes."""
        return cls(content, len(content), hashlib.sha256(content).hexdigest())

    def open(self) -> BinaryIO:
        """A new binary stream over all of it."""
        if isinstance(self._content, bytes):
            return io.BytesIO(self._content)
        return cast(BinaryIO, io.BufferedReader(_At(self._content.fileno()), 256 * 1024))

    def read(self) -> bytes:
        """All of it."""
        with self.open() as stream:
            return stream.read()

    def close(self) -> None:
        """Give the temporary file back. The body cannot be opened afterwards."""
        if not isinstance(self._content, bytes):
            self._content.close()


class _At(io.RawIOBase):
    """Reads a file descriptor from a position of its own."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        starts = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: os.fstat(self._descriptor).st_size}
        self._position = max(0, starts[whence] + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        data = os.pread(self._descriptor, len(buffer), self._position)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


class Spool:
    """Takes a body piece by piece, up to ``max_bytes``."""

    def __init__(self, max_bytes: int, what: str) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - it outlives this call
        self._max_bytes = max_bytes
        self._what = what
        self._digest = hashlib.sha256()
        self._size = 0

    @property
    def room(self) -> int:
        """How many bytes may still come."""
        return self._max_bytes - self._size

    def write(self, data: bytes) -> None:
        """Add bytes. Raises :class:`TooLarge` when they are too many."""
        if len(data) > self.room:
            raise TooLarge(f"{self._what}: expected at most {self._max_bytes} bytes, got more")
        self._size += len(data)
        self._digest.update(data)
        self._file.write(data)

    def body(self) -> Body:
        """What was written."""
        self._file.seek(0)
        if self._size <= IN_MEMORY:
            content = self._file.read()
            self._file.close()
            return Body(content, self._size, self._digest.hexdigest())
        self._file.rollover()
        self._file.flush()
        return Body(cast(BinaryIO, self._file), self._size, self._digest.hexdigest())

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if kind is not None:
            self._file.close()


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """One document of a feed."""

    content: Body
    #: file name such as ``202510.csv``; never a URL, which may hold a key
    name: str
    #: when it was fetched, milliseconds
    fetched: Millis
    #: when its publisher last changed it, as far as the transport tells (Last-Modified, time of the file)
    modified: Millis | None = None
    #: where it lies among its feed's documents, the same for each edition of it: what the cursor notes it by. "" where
    #: there is no such place. It holds no key
    place: str = ""
    #: the key that it was asked for with, and credentials that hold it, in each spelling: its publisher may repeat
    #: them, and no claim may hold them
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def open(self) -> BinaryIO:
        """A new binary stream over all of it."""
        return self.content.open()

    def close(self) -> None:
        """Give back what it holds."""
        self.content.close()


@dataclass(frozen=True, kw_only=True, slots=True)
class Collected:
    """What one call of a collector brought."""

    #: new or changed ones, in order
    documents: tuple[Document, ...] = ()
    #: where to go on; to be saved once all of this is in the store, and not before
    cursor: dict[str, Any] = field(default_factory=dict)
    #: nothing changed: everything that the feed held is there still
    unchanged: bool = False
    #: call again with the new cursor, at once
    more: bool = False
    #: each document stands for itself: one that cannot be read costs the others nothing, and is asked for again
    apart: bool = False
    #: of documents that stand apart: how many the cursor notes
    noted: int = 0
    #: of documents that stand apart: place of each that should be there and could not be had -> why
    missing: Mapping[str, str] = field(default_factory=dict)
