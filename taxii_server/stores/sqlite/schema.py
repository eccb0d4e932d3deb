"""Whose file it is, which version of the schema it has, and how it comes to the present one."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from importlib import resources
from pathlib import Path

from config.instant import Millis
from taxii_server.stores.base import StoreUnusable
from taxii_server.stores.sqlite.database import connect, meaning, patiently

#: "noro", in the header of every hub's file (SQLite's application_id)
APPLICATION_ID = 0x6E6F726F
#: Script N leads from version N - 1 to version N. One that was released is never changed; a new one is added.
SCRIPTS = tuple(f"schema_{number}.sql" for number in range(1, 8))


def scripts() -> list[str]:
    """The scripts' text, in order."""
    folder = resources.files(__package__)
    return [folder.joinpath(name).read_text(encoding="utf-8") for name in SCRIPTS]


def prepare(path: Path, patience: Millis, steps: Sequence[str] | None = None) -> None:
    """Make the file if it is not there, and bring it to the present version; any number of processes may do so at once.

    Raises :class:`StoreUnusable` for a file that is not a hub's, that a newer program made, or that is damaged, and
    leaves it as it was.
    """
    steps = scripts() if steps is None else steps
    try:
        # Its owner alone may read it: it holds password hashes and the hub's secrets. Never opened if it is there,
        # because closing it would take away the locks that SQLite holds on it for this process.
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise StoreUnusable(f"{path}: {error.strerror}") from error
    try:
        with closing(patiently(lambda: connect(path, patience), patience)) as connection:
            if patiently(lambda: version_of(connection, path, len(steps)), patience) < len(steps):
                patiently(lambda: connection.execute("PRAGMA journal_mode = WAL"), patience)
                patiently(lambda: _migrate(connection, path, steps), patience)
    except sqlite3.Error as error:
        raise meaning(error, path) from error


def version_of(connection: sqlite3.Connection, path: Path, newest: int) -> int:
    """The version of the file's schema, 0 if it is empty. Raises :class:`StoreUnusable`."""
    ((application,),) = connection.execute("PRAGMA application_id")
    ((version,),) = connection.execute("PRAGMA user_version")
    ((tables,),) = connection.execute("SELECT count(*) FROM sqlite_master")
    if application != APPLICATION_ID and (application or tables or version):
        raise StoreUnusable(f"{path}: expected a hub's SQLite file, got one of another program")
    if version > newest:
        raise StoreUnusable(
            f"{path}: its schema has version {version}, and this program knows those up to {newest}; "
            "a newer noroshi has written it"
        )
    return int(version)


def _migrate(connection: sqlite3.Connection, path: Path, steps: Sequence[str]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have done it while this one waited.
        for script in steps[version_of(connection, path, len(steps)) :]:
            for statement in _statements(script):
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(steps)}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _statements(script: str) -> Iterator[str]:
    """One by one, because sqlite3's executescript would end the transaction."""
    statement = ""
    for piece in script.split(";")[:-1]:
        statement += piece + ";"
        if sqlite3.complete_statement(statement):  # the semicolon was none of a comment's or a text's
            yield statement
            statement = ""
