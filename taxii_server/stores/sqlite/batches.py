"""Many rows in few statements: what a row costs in a statement of its own is several times what it costs SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

#: parameters of one statement; SQLite takes 32,766 of them since 3.32
_PARAMETERS = 1_000
_SIZES = (1, 10, 100, 1_000)


def insert(connection: sqlite3.Connection, into: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows ``into`` a table, or ``TABLE (COLUMN, ...)``."""
    if not rows:
        return
    width = len(rows[0])
    at_once = max(1, _PARAMETERS // width)
    one = f"({', '.join('?' * width)})"
    whole = len(rows) - len(rows) % at_once
    if whole:
        many = f"INSERT INTO {into} VALUES {', '.join([one] * at_once)}"  # noqa: S608
        for start in range(0, whole, at_once):
            connection.execute(many, list(chain.from_iterable(rows[start : start + at_once])))
    connection.executemany(f"INSERT INTO {into} VALUES {one}", rows[whole:])  # noqa: S608


def chunks(values: Sequence[Any], of: str = "?") -> Iterator[tuple[str, list[Any]]]:
    """The values in pieces, each with its ``?, ?, ...`` for an ``IN``, or with ``of="(?)"`` for ``VALUES``.

    Pieces come in few lengths, filled up with NULL, which equals nothing, so that few different statements have to be
    prepared.
    """
    for start in range(0, len(values), _SIZES[-1]):
        piece = list(values[start : start + _SIZES[-1]])
        size = next(size for size in _SIZES if size >= len(piece))
        piece += [None] * (size - len(piece))
        yield ", ".join([of] * size), piece


def runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The unbroken runs in a set of numbers, as (first, last)."""
    ordered = sorted(numbers)
    start = 0
    for place in range(1, len(ordered) + 1):
        if place == len(ordered) or ordered[place] > ordered[place - 1] + 1:
            yield ordered[start], ordered[place - 1]
            start = place
