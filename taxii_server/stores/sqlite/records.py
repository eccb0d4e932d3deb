"""The latest of each record of the logs that can withdraw one, in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence

from normalizers.claims import decode, encode
from taxii_server.stores.base import Told
from taxii_server.stores.sqlite.batches import chunks
from taxii_server.stores.sqlite.database import Database

_SELECT = "SELECT origin, id, key, reading, body FROM record WHERE origin = ? AND "


class SqliteRecords:
    """The part of the store that knows records apart."""

    _database: Database

    def records(self, origin: str, ids: Collection[bytes]) -> dict[bytes, Told]:
        """See :class:`taxii_server.stores.base.Store`, as for all methods here."""
        return {told.id: told for told in self._records("id", origin, ids)}

    def records_about(self, origin: str, keys: Collection[bytes]) -> list[Told]:
        return list(self._records("key", origin, keys))

    def _records(self, column: str, origin: str, values: Collection[bytes]) -> Iterator[Told]:
        for marks, piece in chunks(sorted(values)):
            rows = self._database.rows(f"{_SELECT}{column} IN ({marks})", (origin, *piece))
            yield from (Told(whose, id_, key, reading, decode(body)) for whose, id_, key, reading, body in rows)


def put_records(connection: sqlite3.Connection, records: Sequence[Told]) -> None:
    """Write each in place of what was stored of it."""
    rows = [(told.origin, told.id, told.key, told.reading, encode(told.claim)) for told in records]
    connection.executemany("INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?, ?)", sorted(rows))
