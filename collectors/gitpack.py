"""What is in a pack of git's objects: gitformat-pack, version 2, without deltas by position.

A stranger's: its checksum is compared, every size is bounded before anything is built, and nothing is read outside it.
"""

from __future__ import annotations

import hashlib
import zlib
from typing import NamedTuple

from collectors.errors import TooLarge

_KINDS = {1: b"commit", 2: b"tree", 3: b"blob", 4: b"tag"}
#: of an object that is told as what differs from another, by the id of that
_DELTA = 7
_ID = 20
_CHUNK = 4_096
#: What a copy is long that says no length.
_WHOLE = 0x10000
_LONGEST_NUMBER = 63


class Object(NamedTuple):
    """An object of git."""

    #: commit, tree, blob or tag
    kind: bytes
    content: bytes


def objects_in(pack: bytes, most: int) -> dict[bytes, Object]:
    """The objects by their ids of 20 bytes. Raises ValueError for what is no whole pack, and :class:`TooLarge` where
    its objects come to more than ``most`` bytes."""
    body, checksum = pack[:-_ID], pack[-_ID:]
    if body[:8] != b"PACK\0\0\0\2" or hashlib.sha1(body, usedforsecurity=False).digest() != checksum:
        raise ValueError("expected a whole pack of version 2")
    reader = _Reader(body, 8)
    found: dict[bytes, Object] = {}
    waiting: dict[bytes, list[bytes]] = {}
    total = 0
    for _ in range(int.from_bytes(reader.take(4), "big")):
        kind, size = reader.head()
        total = _within(most, total + size)
        if kind == _DELTA:
            waiting.setdefault(reader.take(_ID), []).append(reader.inflated(size))
        elif kind in _KINDS:
            _add(found, Object(_KINDS[kind], reader.inflated(size)))
        else:
            raise ValueError(f"expected objects, or what differs from one by its id, got type {kind}")
    ready = list(found)
    while ready:
        base = ready.pop()
        for delta in waiting.pop(base, ()):
            content = _patched(found[base].content, delta, most - total)
            total += len(content)
            ready.append(_add(found, Object(found[base].kind, content)))
    if waiting:
        raise ValueError("expected the objects that others differ from in the same pack")
    return found


def _within(most: int, total: int) -> int:
    if total > most:
        raise TooLarge(f"expected objects of at most {most} bytes, got more")
    return total


def _add(found: dict[bytes, Object], one: Object) -> bytes:
    """Under the id that git gives it."""
    head = b"%s %d\0" % (one.kind, len(one.content))
    id_ = hashlib.sha1(head + one.content, usedforsecurity=False).digest()
    found[id_] = one
    return id_


def _patched(base: bytes, delta: bytes, most: int) -> bytes:
    """The object that differs so from ``base``: copied parts of it, and what stands in the delta."""
    reader = _Reader(delta, 0)
    before, size = reader.number(), _within(most, reader.number())
    if before != len(base):
        raise ValueError(f"expected what differs from an object of {before} bytes, got one of {len(base)}")
    made = bytearray()
    while not reader.done:
        said = reader.take(1)[0]
        if said & 0x80:
            start = sum(reader.take(1)[0] << 8 * place for place in range(4) if said >> place & 1)
            length = sum(reader.take(1)[0] << 8 * place for place in range(3) if said >> 4 + place & 1) or _WHOLE
            if start + length > len(base) or len(made) + length > size:
                raise ValueError("expected to copy what is there")
            made += base[start : start + length]
        elif said:
            made += reader.take(said)
        else:
            raise ValueError("expected a copy or bytes, got what is reserved")
    if len(made) != size:
        raise ValueError(f"expected an object of {size} bytes, got {len(made)}")
    return bytes(made)


class _Reader:
    """Reads bytes one after the other. Raises ValueError where they are at an end."""

    def __init__(self, content: bytes, at: int) -> None:
        self._content = content
        self._at = at

    @property
    def done(self) -> bool:
        return self._at >= len(self._content)

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes."""
        taken = self._content[self._at : self._at + size]
        if len(taken) != size:
            raise ValueError("expected more, and it is cut off")
        self._at += size
        return taken

    def head(self) -> tuple[int, int]:
        """Type and size of an object, before its content."""
        first = self.take(1)[0]
        return first >> 4 & 7, first & 15 | (self.number() << 4 if first & 0x80 else 0)

    def number(self) -> int:
        """A number in groups of seven bits, the least first."""
        found, shift, more = 0, 0, True
        while more:
            if shift > _LONGEST_NUMBER:
                raise ValueError("expected a size, got a longer number")
            byte = self.take(1)[0]
            found, shift, more = found | (byte & 0x7F) << shift, shift + 7, bool(byte & 0x80)
        return found

    def inflated(self, size: int) -> bytes:
        """The next content, which is packed (zlib, RFC 1950), of ``size`` bytes."""
        stream, found = zlib.decompressobj(), bytearray()
        try:
            while not stream.eof:
                piece = self.take(min(_CHUNK, len(self._content) - self._at) or 1)
                found += stream.decompress(piece, size - len(found) + 1)
                self._at -= len(stream.unused_data) + len(stream.unconsumed_tail)
                if len(found) > size:
                    break
        except zlib.error:
            raise ValueError("expected packed content, got something else") from None
        if len(found) != size:
            raise ValueError(f"expected an object of {size} bytes, got another")
        return bytes(found)
