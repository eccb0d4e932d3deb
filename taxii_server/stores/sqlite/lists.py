"""What full lists hold, and the marks of what has to be merged again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from config.audience import Audience
from config.instant import Millis
from taxii_server.stores.base import Listed, Mark
from taxii_server.stores.sqlite.batches import insert, runs
from taxii_server.stores.sqlite.database import Database
from taxii_server.stores.sqlite.settling import settle

#: (origin, observable, audience, renew_at or None for what is not listed)
ListedRow = tuple[str, bytes, Audience, Millis | None]

_NOT_HIDDEN = """NOT EXISTS (
    SELECT 1 FROM listing_recent r WHERE r.origin = s.origin AND r.key = s.key AND r.audience = s.audience
)"""
_LISTED = f"""
    SELECT key, audience FROM listing_recent
    WHERE origin = ?1 AND (key, audience) > (?2, ?3) AND renew_at IS NOT NULL UNION ALL
    SELECT key, audience FROM listing_settled s WHERE origin = ?1 AND (key, audience) > (?2, ?3) AND {_NOT_HIDDEN}
    ORDER BY key, audience LIMIT ?4
"""  # noqa: S608
_DUE = f"""
    SELECT key, audience, renew_at FROM listing_recent WHERE origin = ?1 AND renew_at <= ?2 UNION ALL
    SELECT key, audience, renew_at FROM listing_settled s WHERE origin = ?1 AND renew_at <= ?2 AND {_NOT_HIDDEN}
    ORDER BY renew_at, key, audience LIMIT ?3
"""  # noqa: S608
_RENEW_AT = """
    SELECT renew_at FROM listing_recent WHERE origin = ?1 AND key = ?2 AND audience = ?3 UNION ALL
    SELECT renew_at FROM listing_settled WHERE origin = ?1 AND key = ?2 AND audience = ?3 LIMIT 1
"""
_LIST = """
    INSERT INTO listing_recent (origin, key, audience, renew_at) VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET renew_at = excluded.renew_at
"""


def put_listed(connection: sqlite3.Connection, added: Sequence[ListedRow], known: Sequence[ListedRow]) -> None:
    """Remember until when a value's list has no need to be asked, or that the value is in it no more.

    ``added`` are of claims that are new, and so in no list yet; of the others only what differs is written.
    """
    insert(connection, "listing_recent (origin, key, audience, renew_at)", sorted(added))
    changed = sorted((row for row in known if _renew_at(connection, row[:3]) != row[3]), key=lambda row: row[:3])
    connection.executemany(_LIST, changed)
    settle(connection, "listing", len(added) + len(changed))


def _renew_at(connection: sqlite3.Connection, value: tuple[str, bytes, Audience]) -> Millis | None:
    for (renew_at,) in connection.execute(_RENEW_AT, value).fetchall():
        return int(renew_at) if renew_at is not None else None
    return None


class SqliteLists:
    """The part of the store that knows what lists hold, and what is dirty."""

    _database: Database

    def listed(
        self, origin: str, *, after: Listed | None = None, limit: int = 1_000, due: Millis | None = None
    ) -> list[Listed]:
        """See :class:`taxii_server.stores.base.Store`, as for all methods here."""
        if due is not None:
            return [Listed(key, audience) for key, audience, _ in self._database.rows(_DUE, (origin, due, limit))]
        rows = self._database.rows(_LISTED, (origin, *(after or (b"", "")), limit))
        return [Listed(key, audience) for key, audience in rows]

    def dirty(self, limit: int) -> list[Mark]:
        sql = "SELECT number, key, audience FROM dirty ORDER BY number LIMIT ?"
        return [Mark(*row) for row in self._database.rows(sql, (limit,))]

    def last_mark(self) -> int:
        return sum(number for (number,) in self._database.rows("SELECT seq FROM sqlite_sequence WHERE name = 'dirty'"))

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
