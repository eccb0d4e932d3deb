"""Plain text: a value a line, as firewalls and proxies take it."""

from __future__ import annotations

from collections.abc import Iterator

from taxii_server.exports.choosing import Wanted
from taxii_server.exports.rows import About, Rows


def write(rows: Rows, asked: Wanted, about: About) -> Iterator[bytes]:
    """The values, each on a line of its own."""
    for row, _ in rows:
        value = row.value.partition("://")[2] if asked.bare and row.type == "url" else row.value
        yield f"{value}\n".encode()
