"""The audit log in SQLite: each record in the transaction of what it records."""

from __future__ import annotations

import sqlite3

import orjson

from taxii_server.stores.base import AuditRecord

_ADD = "INSERT INTO audit (at, actor, action, subject, detail) VALUES (?, ?, ?, ?, ?)"


def add_audit(connection: sqlite3.Connection, record: AuditRecord | None) -> None:
    """Append a record, if there is one."""
    if record is not None:
        connection.execute(_ADD, (*record[:4], orjson.dumps(record.detail)))
