"""Packed documents: gzip, and zip archives with one member. What they unpack to is bounded, whatever they claim."""

from __future__ import annotations

import zipfile
import zlib
from typing import BinaryIO

from collectors.document import Body, Spool
from collectors.errors import Unreadable

_CHUNK = 64 * 1024
_GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"
_EMPTY_ZIP = b"PK\x05\x06"
#: The end record and the longest comment after it.
_TAIL = 22 + 65_535
_LARGEST_DIRECTORY = 1024 * 1024
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


class Gunzip:
    """Unpacks a gzip stream piece by piece into a spool, several members included (RFC 1952 section 2.2)."""

    def __init__(self, spool: Spool, what: str) -> None:
        self._spool = spool
        self._what = what
        self._decoder = zlib.decompressobj(_GZIP_WINDOW)
        self._started = False

    def write(self, data: bytes) -> None:
        """Add packed bytes. Raises :class:`TooLarge` or :class:`Unreadable`."""
        while data:
            if self._decoder.eof:
                if not data.strip(b"\0"):
                    return  # padding after the last member
                self._decoder = zlib.decompressobj(_GZIP_WINDOW)
            self._started = True
            try:
                # One byte more than there is room for, so that the spool notices and says so.
                self._spool.write(self._decoder.decompress(data, min(_CHUNK, self._spool.room + 1)))
            except zlib.error:
                raise Unreadable(f"{self._what}: expected a gzip stream, got damaged data") from None
            data = self._decoder.unconsumed_tail or self._decoder.unused_data

    def finish(self) -> None:
        """Say that all packed bytes were given. Raises :class:`Unreadable` when the stream is cut off."""
        while self._started and not self._decoder.eof:
            try:
                rest = self._decoder.decompress(self._decoder.unconsumed_tail, min(_CHUNK, self._spool.room + 1))
            except zlib.error:
                raise Unreadable(f"{self._what}: expected a gzip stream, got damaged data") from None
            if not rest and not self._decoder.eof:
                raise Unreadable(f"{self._what}: expected a whole gzip stream, got one that is cut off")
            self._spool.write(rest)


def unpacked(body: Body, name: str, max_bytes: int) -> tuple[Body, str]:
    """The document inside ``body`` and its name; the body itself when it is not packed, else ``body`` is closed.

    Raises :class:`TooLarge` when it unpacks to more than ``max_bytes``, and :class:`Unreadable` when it is damaged,
    encrypted, or a zip archive with other than one member.
    """
    with body.open() as stream:
        magic = stream.read(4)
        stream.seek(0)
        if not magic.startswith((_GZIP, _ZIP, _EMPTY_ZIP)):
            return body, name
        with Spool(max_bytes, name) as spool:
            if magic.startswith(_GZIP):
                _gunzip(stream, spool, name)
            else:
                _unzip(stream, spool, name)
        inner = spool.body()
    body.close()
    return inner, name.removesuffix(".gz").removesuffix(".zip")


def _gunzip(stream: BinaryIO, spool: Spool, name: str) -> None:
    gunzip = Gunzip(spool, name)
    while data := stream.read(_CHUNK):
        gunzip.write(data)
    gunzip.finish()


def _unzip(stream: BinaryIO, spool: Spool, name: str) -> None:
    _check_directory(stream, name)
    try:
        with zipfile.ZipFile(stream) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) != 1:
                raise Unreadable(f"{name}: expected a zip archive with one member, got {len(members)}")
            # The other methods unpack a whole piece of input at once, whatever is asked for: a few bytes to gigabytes.
            if members[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise Unreadable(f"{name}: expected a zip archive that is stored or deflated, got another method")
            with archive.open(members[0]) as member:
                while data := member.read(min(_CHUNK, spool.room + 1)):
                    spool.write(data)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError):
        # RuntimeError: encrypted; NotImplementedError: an unusual compression; ValueError, OSError: bad offsets
        raise Unreadable(f"{name}: expected a whole zip archive without a password, got another") from None


def _check_directory(stream: BinaryIO, name: str) -> None:
    """Refuse an archive that lists more members than memory should hold (APPNOTE section 4.3.16)."""
    stream.seek(0, 2)
    stream.seek(max(0, stream.tell() - _TAIL))
    tail = stream.read(_TAIL)
    stream.seek(0)
    at = tail.rfind(_EMPTY_ZIP)
    if at < 0 or len(tail) < at + 16:
        raise Unreadable(f"{name}: expected a whole zip archive, got one that is cut off")
    if int.from_bytes(tail[at + 12 : at + 16], "little") > _LARGEST_DIRECTORY:
        raise Unreadable(f"{name}: expected a zip archive with one member, got one with a great many")
