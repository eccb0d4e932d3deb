"""STIX 2.1 objects as they are: a bundle, or one a line."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator

from taxii_server.exports.choosing import Wanted
from taxii_server.exports.rows import About, Rows

#: Makes a bundle's id of the export's tag, so that the same content is the same bytes.
_BUNDLES = uuid.UUID("0d9a7c1f-6d0e-4e0c-9b39-1a5f4c7f0f11")


def bundle(bodies: Iterable[bytes], about: About) -> Iterator[bytes]:
    """A bundle (STIX 2.1 section 8) of these objects."""
    yield b'{"type":"bundle","id":"bundle--%s"' % str(uuid.uuid5(_BUNDLES, about.tag)).encode()
    before = b',"objects":['
    for body in bodies:
        yield before + body
        before = b","
    yield b"]}\n" if before == b"," else b"}\n"


def lines(bodies: Iterable[bytes], about: About) -> Iterator[bytes]:
    """JSON Lines."""
    return (body + b"\n" for body in bodies)


def write_bundle(rows: Rows, asked: Wanted, about: About) -> Iterator[bytes]:
    """A bundle of the rows' objects."""
    return bundle((body for _, body in rows), about)


def write_lines(rows: Rows, asked: Wanted, about: About) -> Iterator[bytes]:
    """The rows' objects, one a line."""
    return lines((body for _, body in rows), about)
