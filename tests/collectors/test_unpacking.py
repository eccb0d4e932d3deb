"""Unpacking: bounded, and nothing but the declared errors, whatever the bytes."""

from __future__ import annotations

import contextlib
import gzip
import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.document import IN_MEMORY, Body, Spool
from collectors.errors import CollectError, TooLarge
from collectors.unpacking import unpacked

CONTENT = b"".join(b"http://h%d.example/\n" % number for number in range(200))


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("csv.txt", CONTENT)
    return buffer.getvalue()


PACKED = {"gzip": gzip.compress(CONTENT, mtime=0), "zip": _zip()}
_EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 8), st.binary(max_size=4)), min_size=1, max_size=3)


@pytest.mark.parametrize("name", PACKED)
def test_whole(name: str) -> None:
    """What was packed comes out."""
    body, _ = unpacked(Body.of(PACKED[name]), name, 10_000)
    assert body.open().read() == CONTENT
    assert body.sha256 == Body.of(CONTENT).sha256


@pytest.mark.parametrize("name", PACKED)
@given(edits=_EDITS)
def test_damaged(name: str, edits: list[tuple[float, int, bytes]]) -> None:
    """Bytes cut out and put in anywhere give an error or bytes within the bound, and no other error."""
    packed = PACKED[name]
    for place, length, piece in edits:
        at = int(place * len(packed))
        packed = packed[:at] + piece + packed[at + length :]
    with contextlib.suppress(CollectError):
        body, _ = unpacked(Body.of(packed), name, 10_000)
        assert body.size <= max(10_000, len(packed))


@given(st.sampled_from([b"\x1f\x8b", b"\x1f\x8b\x08\x00", b"PK\x03\x04", b"PK\x05\x06", b""]), st.binary(max_size=100))
def test_anything(magic: bytes, rest: bytes) -> None:
    """No bytes whatever raise another error."""
    with contextlib.suppress(CollectError):
        unpacked(Body.of(magic + rest), "x", 10_000)


def test_an_encrypted_archive_is_refused() -> None:
    """Nobody has its password."""
    flagged = bytearray(PACKED["zip"])
    flagged[6] |= 1
    flagged[flagged.rindex(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(CollectError, match="without a password"):
        unpacked(Body.of(bytes(flagged)), "x", 10_000)


def test_a_spool_keeps_its_bound() -> None:
    """To the byte; small bodies are bytes, large ones a file, and both read alike."""
    with Spool(10, "x") as spool:
        spool.write(b"12345")
        assert spool.room == 5
        spool.write(b"67890")
        assert spool.body().open().read() == b"1234567890"
    with pytest.raises(TooLarge, match="at most 10 bytes"), Spool(10, "x") as spool:
        spool.write(b"12345678901")
    with Spool(IN_MEMORY + 1, "x") as spool:
        spool.write(b"x" * (IN_MEMORY + 1))
        body = spool.body()
    assert body.size == IN_MEMORY + 1
    stream = body.open()
    assert stream.read(3) == b"xxx"
    assert stream.seek(-1, 1) == 2
    assert len(stream.read()) == IN_MEMORY - 1
    body.close()
