"""The table behind the yardsticks: one row an object, found by place, id, or type and place. No versions, no rights."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path

from benchmarks.objects import StixObject

#: ``date_added`` of the first object, microseconds: 2026-02-01T00:00:00Z
FIRST = 1_769_904_000_000_000

PAGE = "SELECT place, body FROM entries WHERE place > ? ORDER BY place LIMIT ?"
PAGE_OF_TYPE = "SELECT place, body FROM entries WHERE type = ? AND place > ? ORDER BY place LIMIT ?"
BY_ID = "SELECT place, body FROM entries WHERE id = ?"
ADD = "INSERT OR IGNORE INTO entries (place, id, type, body) VALUES (?, ?, ?, ?)"
_TABLE = """
CREATE TABLE IF NOT EXISTS entries (
  place INTEGER PRIMARY KEY, id TEXT NOT NULL, type TEXT NOT NULL, body BLOB NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS entries_by_id ON entries (id);
CREATE INDEX IF NOT EXISTS entries_by_type ON entries (type, place);
"""


def connect(path: str | Path) -> sqlite3.Connection:
    """Open the file with the settings that a hub would use."""
    connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA mmap_size = 4294967296")
    connection.executescript(_TABLE)
    return connection


def fill(connection: sqlite3.Connection, objects: Iterable[StixObject]) -> None:
    """Add the objects in one transaction."""
    connection.execute("BEGIN")
    connection.executemany(ADD, ((FIRST + item.number, item.id, item.type, item.body) for item in objects))
    connection.execute("COMMIT")
