"""What full lists hold, and the marks of what has to be merged again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from config.audience import Audience
from config.instant import Millis
from taxii_server.stores.base import Listed, Mark
from taxii_server.stores.sqlite.batches import chunks, insert, runs
from taxii_server.stores.sqlite.database import Database

#: (number of the claim, origin, observable, audience, renew_at or None for what is not listed)
ListedRow = tuple[int, str, bytes, Audience, Millis | None]

_LISTED = """
    SELECT key, audience FROM listing INDEXED BY listing_origin WHERE origin = ? AND claim > ? ORDER BY claim LIMIT ?
"""
_DUE = """
    SELECT key, audience FROM listing INDEXED BY listing_due
    WHERE origin = ? AND renew_at <= ? ORDER BY renew_at, claim LIMIT ?
"""
_CLAIM = """
    SELECT claim.id FROM
    (SELECT id FROM claim_recent WHERE key = ?1 UNION ALL SELECT id FROM claim_settled WHERE key = ?1) at
    CROSS JOIN claim ON claim.id = at.id WHERE claim.origin = ?2 AND claim.audience = ?3
"""
_LIST = """
    INSERT INTO listing (claim, origin, key, audience, renew_at) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET renew_at = excluded.renew_at
"""


def put_listed(connection: sqlite3.Connection, added: Sequence[ListedRow], known: Sequence[ListedRow]) -> None:
    """Remember until when a value's list has no need to be asked, or that the value is in it no more.

    ``added`` are of claims that are new, and so in no list yet; of the others only what differs is written.
    """
    insert(connection, "listing (claim, origin, key, audience, renew_at)", added)
    before = dict[int, Millis]()
    for marks, piece in chunks([row[0] for row in known]):
        sql = f"SELECT claim, renew_at FROM listing WHERE claim IN ({marks})"  # noqa: S608
        before.update(connection.execute(sql, piece).fetchall())
    changed = sorted(row for row in known if before.get(row[0]) != row[-1])
    connection.executemany(_LIST, [row for row in changed if row[-1] is not None])
    connection.executemany("DELETE FROM listing WHERE claim = ?", [row[:1] for row in changed if row[-1] is None])


class SqliteLists:
    """The part of the store that knows what lists hold, and what is dirty."""

    _database: Database

    def listed(
        self, origin: str, *, after: Listed | None = None, limit: int = 1_000, due: Millis | None = None
    ) -> list[Listed]:
        """See :class:`taxii_server.stores.base.Store`, as for all methods here."""
        if due is not None:
            return [Listed(*row) for row in self._database.rows(_DUE, (origin, due, limit))]
        found = self._database.rows(_CLAIM, (after.key, origin, after.audience)) if after is not None else []
        place = max((number for (number,) in found), default=0)
        return [Listed(*row) for row in self._database.rows(_LISTED, (origin, place, limit))]

    def dirty(self, limit: int) -> list[Mark]:
        sql = "SELECT number, key, audience FROM dirty ORDER BY number LIMIT ?"
        return [Mark(*row) for row in self._database.rows(sql, (limit,))]

    def last_mark(self) -> int:
        with self._database.reading() as connection:
            return last_mark(connection)

    def clear_dirty(self, marks: Sequence[Mark]) -> None:
        gone = list(runs([mark.number for mark in marks]))
        if gone:
            # What comes back dirty is merged once more, to no effect.
            with self._database.writing(synced=False) as connection:
                connection.executemany("DELETE FROM dirty WHERE number BETWEEN ? AND ?", gone)

    def mark_dirty(self, keys: Iterable[bytes], audience: Audience) -> None:
        marks = [(key, audience) for key in keys]
        if marks:
            with self._database.writing() as connection:
                insert(connection, "dirty (key, audience)", marks)

    def wait(self, key: bytes, audience: Audience, until: Millis) -> None:
        self._database.write("INSERT INTO waiting VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (until, key, audience))

    def wake(self, now: Millis) -> int:
        # Nearly always nothing is due, and then no writer has to wait for the answer.
        if not self._database.rows("SELECT 1 FROM waiting WHERE until <= ? LIMIT 1", (now,)):
            return 0
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO dirty (key, audience) SELECT key, audience FROM waiting WHERE until <= ? "
                "ORDER BY until, key, audience",
                (now,),
            )
            return connection.execute("DELETE FROM waiting WHERE until <= ?", (now,)).rowcount


def last_mark(connection: sqlite3.Connection) -> int:
    """See :meth:`taxii_server.stores.base.Store.last_mark`."""
    return sum(seq for (seq,) in connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'dirty'").fetchall())
