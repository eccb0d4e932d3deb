"""A store in one SQLite file: for any number of threads and processes of one machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from config.instant import Millis
from taxii_server.stores.sqlite.claims import SqliteClaims
from taxii_server.stores.sqlite.copies import InUse, back_up, damage, restore
from taxii_server.stores.sqlite.database import PATIENCE, Database
from taxii_server.stores.sqlite.desk import SqliteDesk
from taxii_server.stores.sqlite.lists import SqliteLists
from taxii_server.stores.sqlite.logs import SqliteLogs
from taxii_server.stores.sqlite.names import Names
from taxii_server.stores.sqlite.objects import SqliteObjects
from taxii_server.stores.sqlite.pages import SqlitePages
from taxii_server.stores.sqlite.records import SqliteRecords
from taxii_server.stores.sqlite.schema import prepare
from taxii_server.stores.sqlite.submissions import SqliteSubmissions

__all__ = ["SqliteStore", "restore"]


class SqliteStore(
    SqliteClaims, SqliteRecords, SqliteLists, SqliteObjects, SqliteLogs, SqlitePages, SqliteSubmissions, SqliteDesk
):
    """The whole interface of :class:`taxii_server.stores.base.Store`.

    A call that writes waits at most ``patience`` for another writer and then raises StoreBusy.
    """

    def __init__(self, path: Path, patience: Millis = PATIENCE) -> None:
        """Open the file, made or brought to the present schema if need be. Raises StoreUnusable and StoreBusy."""
        self._in_use = InUse(path)
        try:
            prepare(path, patience)
        except BaseException:
            self._in_use.release()
            raise
        self._database = Database(path, patience)
        self._words = Names(self._database, "word")
        self._collections = Names(self._database, "collection")

    def backup(self, target: Path, progress: Callable[[int, int], None] | None = None) -> None:
        """See :class:`taxii_server.stores.base.Store`. Raises StoreError, also when ``target`` is there already."""
        back_up(self._database, target, progress)

    def damage(self) -> str:
        """See :class:`taxii_server.stores.base.Store`."""
        with self._database.reading() as connection:
            return damage(connection)

    def close(self) -> None:
        """See :class:`taxii_server.stores.base.Store`."""
        self._database.close()
        self._in_use.release()
