"""Claims in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from operator import itemgetter
from string import ascii_uppercase

from config.audience import Audience
from config.instant import Millis
from normalizers.claims import Claim, decode, encode, observable_of
from taxii_server.stores.base import Alias, AuditRecord, ClaimRow, Found, Told
from taxii_server.stores.sqlite.audits import add_audit
from taxii_server.stores.sqlite.batches import chunks, insert
from taxii_server.stores.sqlite.database import Database
from taxii_server.stores.sqlite.lists import ListedRow, last_mark, put_listed
from taxii_server.stores.sqlite.records import put_records
from taxii_server.stores.sqlite.settling import settle

_LOWER = {ord(letter): letter.lower() for letter in ascii_uppercase}
#: (observable, origin, audience)
Who = tuple[bytes, str, Audience]

# Joined one by one: an IN would first sort its values into an index of its own.
_OF_KEYS = """
    WITH wanted (key) AS (VALUES {})
    SELECT at.key, claim.id, claim.origin, claim.audience, claim.version, claim.body
    FROM wanted CROSS JOIN claim_recent at ON at.key = wanted.key CROSS JOIN claim ON claim.id = at.id
    UNION ALL
    SELECT at.key, claim.id, claim.origin, claim.audience, claim.version, claim.body
    FROM wanted CROSS JOIN claim_settled at ON at.key = wanted.key CROSS JOIN claim ON claim.id = at.id
"""
_KEYS = """
    SELECT key FROM claim_recent WHERE key > ?1 UNION SELECT key FROM claim_settled WHERE key > ?1 ORDER BY key LIMIT ?2
"""
_ORIGIN_KEYS = """
    SELECT at.key FROM (
        SELECT key, id FROM claim_recent WHERE key > ?1 UNION ALL
        SELECT key, id FROM claim_settled WHERE key > ?1 ORDER BY key LIMIT -1
    ) at CROSS JOIN claim ON claim.id = at.id WHERE claim.origin = ?2
"""


@dataclass(slots=True)
class _Draft:
    """What one call of ``put_claims`` will write."""

    #: id, version and bytes of the claims that are stored or about to be
    stored: dict[Who, tuple[int, Millis, bytes]]
    #: the largest id that is stored, and the next to be given
    last_id: int
    next_id: int
    added: dict[Who, tuple[int, str, Audience, Millis, bytes]] = field(default_factory=dict)
    changed: dict[Who, tuple[Millis, bytes, int]] = field(default_factory=dict)
    marks: list[tuple[bytes, Audience]] = field(default_factory=list)
    #: what full lists say of new claims, and of stored ones
    listed: dict[Who, ListedRow] = field(default_factory=dict)
    relisted: dict[Who, ListedRow] = field(default_factory=dict)

    def take(self, rows: Iterable[ClaimRow]) -> None:
        for key, claim, renew_at in rows:
            origin, audience, version = claim.origin, claim.audience, claim.version
            who = (key, origin, audience)
            body = encode(claim)
            known = self.stored.get(who)
            if known is None:
                self._keep(who, self.next_id, version, body)
                self.next_id += 1
            elif (version, body) > known[1:]:  # normalizers.claims.wins
                self._keep(who, known[0], version, body)
            number = self.stored[who][0]
            if who not in self.added:
                self.relisted[who] = (number, origin, key, audience, renew_at)
            elif renew_at is not None:
                self.listed[who] = (number, origin, key, audience, renew_at)
            else:
                self.listed.pop(who, None)

    def _keep(self, who: Who, number: int, version: Millis, body: bytes) -> None:
        key, origin, audience = who
        if number > self.last_id:
            self.added[who] = (number, origin, audience, version, body)
        else:
            self.changed[who] = (version, body, number)
        self.stored[who] = (number, version, body)
        self.marks.append((key, audience))


class SqliteClaims:
    """The part of the store that knows who said what."""

    _database: Database

    def claims(self, keys: Collection[bytes]) -> dict[bytes, list[Claim]]:
        """See :class:`taxii_server.stores.base.Store`, as for all methods here."""
        found: dict[bytes, list[Claim]] = {}
        with self._database.reading() as connection:
            for key, _, _, _, _, body in _stored(connection, keys):
                found.setdefault(key, []).append(decode(body))
        return found

    def put_claims(
        self,
        rows: Sequence[ClaimRow],
        *,
        aliases: Collection[Alias] = (),
        records: Sequence[Told] = (),
        found: Found | None = None,
        audit: AuditRecord | None = None,
    ) -> int:
        # Whoever says it says it again until something synced is written after it: a cursor, or a verdict.
        with self._database.writing(synced=audit is not None) as connection:
            keys = {row.key for row in rows}
            if found is not None and last_mark(connection) == found.mark:
                keys.intersection_update(found.keys)  # of the others there is nothing
            stored = {
                (key, origin, audience): (number, version, body)
                for key, number, origin, audience, version, body in _stored(connection, keys)
            }
            ((last,),) = connection.execute("SELECT coalesce(max(id), 0) FROM claim").fetchall()
            draft = _Draft(stored, last, last + 1)
            draft.take(rows)
            _write(connection, draft)
            if aliases:
                connection.executemany("INSERT OR IGNORE INTO alias VALUES (?, ?)", sorted(aliases))
            if records:
                put_records(connection, records)
            if audit is not None and draft.marks:
                add_audit(connection, audit)
        return len(draft.marks)

    def aliased(self, alias: bytes, limit: int = 100, *, after: bytes = b"") -> list[bytes]:
        sql = "SELECT key FROM alias WHERE alias = ? AND key > ? ORDER BY key LIMIT ?"
        return [key for (key,) in self._database.rows(sql, (alias, after, limit))]

    def mentioning(self, texts: Collection[str], *, after: int = 0, limit: int = 1_000) -> list[tuple[int, Claim]]:
        if not texts:
            return []
        # Lower case of ASCII alone on both sides: SQLite knows no other.
        wanted = [text.translate(_LOWER) for text in texts]
        found = " OR ".join(["instr(lower(CAST(body AS TEXT)), ?) > 0"] * len(wanted))
        sql = f"SELECT id, body FROM claim WHERE id > ? AND ({found}) ORDER BY id LIMIT ?"  # noqa: S608
        return [(number, decode(body)) for number, body in self._database.rows(sql, (after, *wanted, limit))]

    def observables(self, *, after: int = 0, limit: int = 1_000) -> list[tuple[int, str, str]]:
        rows = self._database.rows("SELECT id, body FROM claim WHERE id > ? ORDER BY id LIMIT ?", (after, limit))
        return [(number, *observable_of(body)) for number, body in rows]

    def keys(self, *, after: bytes = b"", limit: int = 1_000) -> list[bytes]:
        return [key for (key,) in self._database.rows(_KEYS, (after, limit))]

    def origin_keys(self, origin: str, *, after: bytes = b"", limit: int = 1_000) -> list[bytes]:
        found: list[bytes] = []
        with self._database.reading() as connection, closing(connection.execute(_ORIGIN_KEYS, (after, origin))) as rows:
            # Read no further than needed: the rows come in order, one key's together.
            for (key,) in rows:
                if found[-1:] != [key]:
                    if len(found) == limit:
                        break
                    found.append(key)
        return found


def _stored(
    connection: sqlite3.Connection, keys: Collection[bytes]
) -> Iterator[tuple[bytes, int, str, str, Millis, bytes]]:
    for marks, piece in chunks(sorted(keys), "(?)"):
        yield from connection.execute(_OF_KEYS.format(marks), piece).fetchall()


def _write(connection: sqlite3.Connection, draft: _Draft) -> None:
    insert(connection, "claim (id, origin, audience, version, body)", list(draft.added.values()))
    found_by = sorted((who[0], row[0]) for who, row in draft.added.items())
    insert(connection, "claim_recent (key, id)", found_by)
    settle(connection, "claim", len(found_by))
    connection.executemany(
        "UPDATE claim SET version = ?, body = ? WHERE id = ?", sorted(draft.changed.values(), key=itemgetter(-1))
    )
    put_listed(connection, list(draft.listed.values()), list(draft.relisted.values()))
    insert(connection, "dirty (key, audience)", draft.marks)
