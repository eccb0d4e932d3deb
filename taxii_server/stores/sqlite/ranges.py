"""Which ranges of ``entry``, together and without overlap, hold what a selection asks for."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any, NamedTuple

from taxii_server.stores.base import Selection, Versions
from taxii_server.stores.sqlite.places import latest_log, moment, superseded_log

#: the index of the primary key, that holds all of a log in order
WHOLE = "sqlite_autoindex_entry_1"


class Range(NamedTuple):
    """Entries of one log that one index holds in order of date."""

    log: int
    by: str = WHOLE
    #: SQL that begins with AND, or "" for the whole log
    where: str = ""
    parameters: tuple[Any, ...] = ()


def ranges(
    connection: sqlite3.Connection, collection: int, selection: Selection, types: frozenset[int] | None
) -> list[Range]:
    """The ranges; ``types`` are the wanted types by number, None for all of them."""
    sql = "SELECT type, latest, superseded FROM tally WHERE collection = ?"
    rows = connection.execute(sql, (collection,)).fetchall()
    latest = _Log(latest_log(collection), frozenset(kind for kind, count, _ in rows if count), types)
    older = _Log(superseded_log(collection), frozenset(kind for kind, _, count in rows if count), types)
    versions = selection.versions
    return [*latest.ranges(versions, whole=versions.last or versions.all), *older.ranges(versions, whole=versions.all)]


class _Log:
    """One log, with the types that it holds and those that are wanted."""

    def __init__(self, number: int, held: frozenset[int], wanted: frozenset[int] | None) -> None:
        self._number = number
        self._all_wanted = wanted is None or held <= wanted
        self._types = sorted(held if wanted is None else held & wanted)

    def ranges(self, versions: Versions, *, whole: bool) -> Iterator[Range]:
        """The ranges of what is wanted by version, or of the whole log."""
        if not self._types:
            return
        if whole:
            yield from [Range(self._number)] if self._all_wanted else self._by_type((0, 1))
            return
        if versions.first:
            yield from self._by_type((1,))
        # What is wanted as the first version already has its own range.
        flags = (0,) if versions.first else (0, 1)
        for key in dict.fromkeys(versions.exact):
            yield from self._exact(key, flags)

    def _by_type(self, first: tuple[int, ...]) -> Iterator[Range]:
        for kind in self._types:
            for flag in first:
                yield Range(self._number, "entry_type", " AND first = ? AND type = ?", (flag, kind))

    def _exact(self, key: str, first: tuple[int, ...]) -> Iterator[Range]:
        where = " AND first = ? AND type = ? AND moment = ? AND version_key(version) = ?"
        for kind in self._types:
            for flag in first:
                yield Range(self._number, "entry_version", where, (flag, kind, moment(key), key))
