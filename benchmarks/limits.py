"""The limit of the store: the yardstick's file read in this process, without any server."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from benchmarks.cells import Cells, Key
from benchmarks.served import entries
from benchmarks.workloads import PAGE, looked_up, repeat

NAME = "bare SQLite"


def measure(database: Path, size: int, seconds: float, cells: Cells) -> None:
    """One round of what the workloads ask, as rows joined to bytes; one thread."""
    connection = entries.connect(database)
    cells.add(Key("full sync", size, NAME), repeat(lambda: _sync(connection), seconds))
    cells.add(Key("empty poll, 1 connection", size, NAME), repeat(lambda: _empty(connection), seconds))
    ids = [item.id for item in looked_up(size)]
    cells.add(Key("object by id", size, NAME), repeat(lambda: _by_id(connection, ids), seconds))
    cells.add(Key("filter by type", size, NAME), repeat(lambda: _by_type(connection), seconds))
    connection.close()


def _sync(connection: sqlite3.Connection) -> int:
    after = objects = 0
    while rows := connection.execute(entries.PAGE, (after, PAGE)).fetchall():
        after, objects = rows[-1][0], objects + len(rows)
        _ = b'{"objects":[' + b",".join([row[1] for row in rows]) + b"]}"
    return objects


def _empty(connection: sqlite3.Connection) -> int:
    for _ in range(100):
        connection.execute(entries.PAGE, (1 << 62, PAGE)).fetchall()
    return 100


def _by_id(connection: sqlite3.Connection, ids: list[str]) -> int:
    for stix_id in ids:
        connection.execute(entries.BY_ID, (stix_id,)).fetchall()
    return len(ids)


def _by_type(connection: sqlite3.Connection) -> int:
    rows = connection.execute(entries.PAGE_OF_TYPE, ("vulnerability", 0, PAGE)).fetchall()
    _ = b'{"objects":[' + b",".join([row[1] for row in rows]) + b"]}"
    return 1
