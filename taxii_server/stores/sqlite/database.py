"""One SQLite file: connections, transactions, and what its errors mean.

A connection serves one thread at a time and then waits for the next, so there are as many as calls run at once.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from config.instant import SECOND, Millis
from taxii_server.stores.base import StoreBusy, StoreError, StoreFull, StoreUnusable, version_key

#: how long a writer waits for another one
PATIENCE: Millis = 10 * SECOND

#: 8 kB, because an indicator's body of some 1,300 bytes with its row must fit four times into a page: what does not,
#: SQLite puts into pages of their own, and a page of the log then takes twice the time to read.
_PAGE_SIZE = 8_192
_SETTINGS = (
    "PRAGMA synchronous = FULL",  # accepted is durable, also when the power goes
    "PRAGMA mmap_size = 0x7fff0000",
    "PRAGMA cache_size = -8192",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA secure_delete = FAST",
    # A random insert dirties the same page many times; the later it is copied back, the fewer copies there are.
    "PRAGMA wal_autocheckpoint = 8000",
    "PRAGMA journal_size_limit = 134217728",
)
#: Extended codes of writes for which there was no room: a quota or a limit of the file size, a full disk under -shm.
_NO_ROOM = frozenset({sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE})

# As they are. Unless told so, sqlite3 asks every bytes and bool for a form that SQLite takes: half a microsecond each,
# and a row of a feed has a dozen.
sqlite3.register_adapter(bytes, bytes.__bytes__)
sqlite3.register_adapter(bool, int.__index__)

T = TypeVar("T")

#: Connections that were open when their process forked. They may neither be used nor closed on this side of the fork.
_LEFT_ALONE: list[list[sqlite3.Connection]] = []


def meaning(error: sqlite3.Error, path: Path) -> StoreError:
    """The store's word for an error of SQLite."""
    extended = getattr(error, "sqlite_errorcode", 0)
    code = extended & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreBusy(f"{path}: another writer held the store for too long; try again")
    if code == sqlite3.SQLITE_FULL or extended in _NO_ROOM:
        return StoreFull(f"{path}: no room to write ({error}); nothing was changed")
    if code == sqlite3.SQLITE_NOTADB:
        return StoreUnusable(f"{path}: expected a hub's SQLite file, got something else")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_CANTOPEN):
        return StoreUnusable(f"{path}: {error}")
    return StoreError(f"{path}: {error}")


def connect(path: Path, patience: Millis = PATIENCE) -> sqlite3.Connection:
    """A connection with the hub's settings, in autocommit. Raises sqlite3.Error."""
    connection = sqlite3.connect(
        path, timeout=patience / 1_000, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    try:
        connection.execute(f"PRAGMA page_size = {_PAGE_SIZE}")  # counts for a fresh file alone
        for setting in _SETTINGS:
            connection.execute(setting)
        connection.create_function("version_key", 1, version_key, deterministic=True)
    except BaseException:
        connection.close()
        raise
    return connection


def patiently(attempt: Callable[[], T], patience: Millis) -> T:
    """Call until it is no longer refused with SQLITE_BUSY, as SQLite itself waits in most places but not in all."""
    deadline = time.monotonic() + patience / 1_000
    while True:
        try:
            return attempt()
        except sqlite3.OperationalError as error:
            busy = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() >= deadline:
                raise
            time.sleep(0.01)


class Database:
    """An open file. Every method raises :class:`StoreError` and its children, and nothing of SQLite's."""

    def __init__(self, path: Path, patience: Millis = PATIENCE) -> None:
        self.path = path
        self._patience = patience
        self._idle: list[sqlite3.Connection] = []
        self._process = os.getpid()
        self._closed = False

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """All rows of one query, of one instant."""
        with self.reading() as connection:
            return connection.execute(sql, parameters).fetchall()

    def write(self, sql: str, parameters: Sequence[Any] = (), *, synced: bool = True) -> int:
        """One statement in a transaction of its own; gives how many rows it touched. ``synced`` as in
        :meth:`writing`."""
        with self.writing(synced=synced) as connection:
            return connection.execute(sql, parameters).rowcount

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection; each of its queries sees an instant of its own."""
        connection = self._take()
        try:
            yield connection
        except sqlite3.Error as error:
            raise meaning(error, self.path) from error
        finally:
            self._give(connection)

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """A connection whose queries all see the same instant."""
        with self.reading() as connection, _transaction(connection, "BEGIN"):
            yield connection

    @contextmanager
    def writing(self, *, synced: bool = True) -> Iterator[sqlite3.Connection]:
        """The one write transaction: committed at the end, undone on any error.

        What is committed survives the end of the process, and the loss of power too unless ``synced`` is False: then
        it survives that with the next synced transaction, in order, as the write-ahead log is synced whole.
        """
        with self.reading() as connection, _syncing(connection, synced), _transaction(connection, "BEGIN IMMEDIATE"):
            yield connection

    def _take(self) -> sqlite3.Connection:
        if self._closed:
            raise StoreError(f"{self.path}: the store is closed")
        if self._process != os.getpid():
            _LEFT_ALONE.append(self._idle)
            self._idle, self._process = [], os.getpid()
        try:
            return self._idle.pop()
        except IndexError:
            pass
        try:
            return connect(self.path, self._patience)
        except sqlite3.Error as error:
            raise meaning(error, self.path) from error

    def _give(self, connection: sqlite3.Connection) -> None:
        # A connection that could not even undo its transaction would carry it into the next call.
        if self._closed or connection.in_transaction:
            connection.close()
        else:
            self._idle.append(connection)

    def close(self) -> None:
        """Close what is idle now, and what is in use when it is given back."""
        self._closed = True
        if self._process != os.getpid():
            _LEFT_ALONE.append(self._idle)
            self._idle = []
        while self._idle:
            self._idle.pop().close()


@contextmanager
def _syncing(connection: sqlite3.Connection, synced: bool) -> Iterator[None]:
    if synced:
        yield
        return
    connection.execute("PRAGMA synchronous = NORMAL")
    try:
        yield
    finally:
        connection.execute("PRAGMA synchronous = FULL")


@contextmanager
def _transaction(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
