"""Zeek's intelligence framework: its tab-separated file (Zeek documentation, "Intelligence Framework")."""

from __future__ import annotations

from collections.abc import Iterator

from taxii_server.exports.choosing import Wanted
from taxii_server.exports.rows import About, Row, Rows

_TYPES = {
    "ipv4": "ADDR", "ipv6": "ADDR", "cidr": "SUBNET", "domain": "DOMAIN", "url": "URL", "email": "EMAIL",
    "file": "FILE_HASH", "certificate": "CERT_HASH",
}  # fmt: skip
_FIELDS = ("indicator", "indicator_type", "meta.source", "meta.desc")


def write(rows: Rows, asked: Wanted, about: About) -> Iterator[bytes]:
    """The file. What Zeek has no type for is left out."""
    yield ("#fields\t" + "\t".join(_FIELDS) + "\n").encode()
    for row, _ in rows:
        if row.type in _TYPES:
            # A URL stands there without its scheme.
            value = row.value.partition("://")[2] if row.type == "url" else row.value
            cells = (value, f"Intel::{_TYPES[row.type]}", about.hub, _described(row))
            yield ("\t".join(_cell(cell) for cell in cells) + "\n").encode()


def _described(row: Row) -> str:
    said = ", ".join(row.malware)
    return f"confidence {row.confidence}{f', {said}' if said else ''}, {row.id}"


def _cell(text: str) -> str:
    return "".join(char if char.isprintable() and char != "\\" else " " for char in text) or "-"
