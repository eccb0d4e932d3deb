"""Reading logs in SQLite: keyset ranges, never a scan and never a sort of more than one page."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from config.instant import Micros
from taxii_server.stores.base import LAST, BodiesPage, Entry, ObjectKey, Page, Selection
from taxii_server.stores.choosing import chosen
from taxii_server.stores.sqlite.batches import chunks
from taxii_server.stores.sqlite.database import Database
from taxii_server.stores.sqlite.history import held
from taxii_server.stores.sqlite.names import Names
from taxii_server.stores.sqlite.objects import rows_of
from taxii_server.stores.sqlite.places import latest_log, superseded_log, unpack
from taxii_server.stores.sqlite.ranges import WHOLE, Range, ranges

_ENTRY = "entry.seq, entry.type, entry.uuid, entry.version, entry.body"
_BODY = "entry.seq, entry.body"
#: ranges merged by one statement; SQLite takes 500
_ARMS = 100


class SqlitePages:
    """The part of the store that reads logs."""

    _database: Database
    _words: Names
    _collections: Names

    def page(self, collection: str, selection: Selection) -> Page:
        """See :class:`taxii_server.stores.base.Store`, as for all methods here."""
        rows = self._rows(collection, selection, _ENTRY)
        more = len(rows) > selection.limit
        if more:
            rows.pop()
        kinds = {number: self._words.name(number) for number in {row[1] for row in rows}}
        return Page([Entry(seq, kinds[kind], uuid, version, body) for seq, kind, uuid, version, body in rows], more)

    def bodies(self, collection: str, selection: Selection) -> BodiesPage:
        rows = self._rows(collection, selection, _BODY)
        if not rows:
            return BodiesPage([], 0, 0, False)
        more = len(rows) > selection.limit
        if more:
            rows.pop()
        return BodiesPage([body for _, body in rows], rows[0][0], rows[-1][0], more)

    def object_body(self, collection: str, key: ObjectKey, scope: str) -> bytes | None:
        name = self._collections.number(collection)
        of = (self._words.number(scope), self._words.number(key[0]))
        if name is None:
            return None
        with self._database.snapshot() as connection:
            for row in rows_of(connection, [key[1]]):
                place = unpack(row.places).get(name)
                if (row.scope, row.type) == of and place is not None:
                    ((_, body),) = _entries(connection, _BODY, [(abs(place), latest_log(name))])
                    return bytes(body)
        return None

    def last_date(self, collection: str) -> Micros:
        rows = self._database.rows("SELECT last FROM collection WHERE name = ?", (collection,))
        return int(rows[0][0]) if rows else 0

    def counts(self) -> dict[str, int]:
        sql = """SELECT name, coalesce(sum(latest), 0) FROM collection LEFT JOIN tally ON collection = id
                 WHERE last > 0 GROUP BY id"""
        return dict(self._database.rows(sql))

    def _rows(self, collection: str, selection: Selection, columns: str) -> list[Any]:
        """The selected rows in order of date, one more than the limit if there are."""
        name = self._collections.number(collection)
        if name is None:
            return []
        if selection.ids is not None:
            return self._by_ids(name, selection, columns)
        if selection.types is None and selection.versions == LAST:
            with self._database.reading() as connection:
                return _plain(connection, columns, latest_log(name), selection)
        with self._database.snapshot() as connection:
            found = ranges(connection, name, selection, self._numbers(selection.types))
            if len(found) == 1 and found[0].by == WHOLE:
                return _plain(connection, columns, found[0].log, selection)
            return _merged(connection, columns, found, selection)

    def _numbers(self, types: Iterable[str] | None) -> frozenset[int] | None:
        if types is None:
            return None
        numbers = (self._words.number(name) for name in types)
        return frozenset(number for number in numbers if number is not None)

    def _by_ids(self, collection: int, selection: Selection, columns: str) -> list[Any]:
        wanted = {
            (self._words.number(kind), uuid)
            for kind, uuid in selection.ids or ()
            if selection.types is None or kind in selection.types
        }
        with self._database.snapshot() as connection:
            dates: list[tuple[Micros, int]] = []
            for row in rows_of(connection, [uuid for _, uuid in wanted]):
                place = unpack(row.places).get(collection)
                if place is not None and (row.type, row.uuid) in wanted:
                    dates += _dates(connection, collection, row.id, abs(place), selection)
            return _entries(connection, columns, sorted(dates)[: selection.limit + 1])


def _plain(connection: sqlite3.Connection, columns: str, log: int, selection: Selection) -> list[Any]:
    sql = f"SELECT {columns} FROM entry WHERE log = ? AND seq > ? ORDER BY seq LIMIT ?"  # noqa: S608
    return connection.execute(sql, (log, selection.after, selection.limit + 1)).fetchall()


def _merged(connection: sqlite3.Connection, columns: str, found: Sequence[Range], selection: Selection) -> list[Any]:
    """The first rows of several ranges together. SQLite merges them, and fetches none but those it gives."""
    rows: list[Any] = []
    for start in range(0, len(found), _ARMS):
        group = found[start : start + _ARMS]
        arms = " UNION ALL ".join(
            f"SELECT seq, log FROM entry INDEXED BY {item.by} WHERE log = ? AND seq > ?{item.where}"  # noqa: S608
            for item in group
        )
        sql = f"""SELECT {columns} FROM ({arms} ORDER BY seq LIMIT ?) place CROSS JOIN entry
                  ON entry.log = place.log AND entry.seq = place.seq"""  # noqa: S608
        parameters = [value for item in group for value in (item.log, selection.after, *item.parameters)]
        rows += connection.execute(sql, [*parameters, selection.limit + 1]).fetchall()
    # They are in order as a rule, and to sort what is sorted costs next to nothing.
    return sorted(rows)[: selection.limit + 1]


def _dates(
    connection: sqlite3.Connection, collection: int, object_id: int, place: Micros, selection: Selection
) -> list[tuple[Micros, int]]:
    """Date and log of the wanted entries of one object."""
    if selection.versions == LAST:
        dates = {place}
    else:
        dates = chosen(held(connection, collection, object_id, place), selection.versions)
    return [
        (date, latest_log(collection) if date == place else superseded_log(collection))
        for date in dates
        if date > selection.after
    ]


def _entries(connection: sqlite3.Connection, columns: str, dates: Sequence[tuple[Micros, int]]) -> list[Any]:
    found: list[Any] = []
    for log in sorted({log for _, log in dates}):
        for marks, piece in chunks([date for date, of in dates if of == log]):
            sql = f"SELECT {columns} FROM entry WHERE log = ? AND seq IN ({marks})"  # noqa: S608
            found += connection.execute(sql, [log, *piece]).fetchall()
    return sorted(found)
