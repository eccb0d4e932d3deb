"""Feeds, leases, people and the hub's own small things in SQLite."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import orjson

from config.instant import Millis
from taxii_server.stores.base import AuditRecord, FeedState, ReadCount, Token, User
from taxii_server.stores.sqlite.audits import add_audit
from taxii_server.stores.sqlite.database import Database

_KEEP_FEED = "INSERT INTO feed VALUES (?, ?) ON CONFLICT DO UPDATE SET body = excluded.body"
KEEP_USER = "INSERT INTO person VALUES (?, ?) ON CONFLICT DO UPDATE SET body = excluded.body"
KEEP_API_KEY = """
    INSERT INTO token (id, digest, created, body) VALUES (?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET digest = excluded.digest, created = excluded.created, body = excluded.body
"""
_KNOW = """
    INSERT INTO known VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET word = excluded.word, body = excluded.body
"""
_LEASE = """
    INSERT INTO lease VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET owner = ?2, until = ?3
    WHERE owner = ?2 OR until <= ?4 OR until > ?4 + 4 * (?3 - ?4)
"""
_REMEMBER = "INSERT INTO remembered VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"
_ADD_READS = """
    INSERT INTO reads (subscriber, collection, requests, objects, last, errors) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, objects = objects + excluded.objects,
        last = max(last, excluded.last), errors = errors + excluded.errors
"""


class SqliteDesk:
    """The part of the store that is neither claims nor logs nor submissions."""

    _database: Database

    # -- feeds

    def feed_state(self, feed: str) -> FeedState | None:
        """See :class:`taxii_server.stores.base.Store`, as for all methods here."""
        for (body,) in self._database.rows("SELECT body FROM feed WHERE name = ?", (feed,)):
            fields = orjson.loads(body)
            examples = tuple((line, reason) for line, reason in fields.pop("examples"))
            return FeedState(**fields, examples=examples)
        return None

    def save_feed_state(self, state: FeedState) -> None:
        self._database.write(_KEEP_FEED, (state.feed, orjson.dumps(asdict(state))))

    def rows_known(self, feed: str, word: str) -> bytes | None:
        sql = "SELECT body FROM known WHERE feed = ? AND word = ?"
        return next((bytes(body) for (body,) in self._database.rows(sql, (feed, word))), None)

    def know_rows(self, feed: str, word: str, body: bytes) -> None:
        self._database.write(_KNOW, (feed, word, body), synced=False)

    def forget_rows(self, feed: str) -> None:
        self._database.write("DELETE FROM known WHERE feed = ?", (feed,), synced=False)

    def lease(self, name: str, owner: str, *, now: Millis, until: Millis) -> bool:
        # A process does not outlive the power, nor need its lease.
        return self._database.write(_LEASE, (name, owner, until, now), synced=False) > 0

    def release(self, name: str, owner: str) -> None:
        self._database.write("DELETE FROM lease WHERE name = ? AND owner = ?", (name, owner), synced=False)

    # -- people

    def user(self, name: str) -> User | None:
        for (body,) in self._database.rows("SELECT body FROM person WHERE name = ?", (name,)):
            return user_of(body)
        return None

    def users(self) -> list[User]:
        return [user_of(body) for (body,) in self._database.rows("SELECT body FROM person ORDER BY name")]

    def save_user(self, user: User, audit: AuditRecord | None = None) -> None:
        self._keep(KEEP_USER, (user.name, orjson.dumps(asdict(user))), audit)

    def token(self, digest: bytes) -> Token | None:
        for row in self._database.rows("SELECT digest, body FROM token WHERE digest = ?", (digest,)):
            return token_of(*row)
        return None

    def tokens(self) -> list[Token]:
        return [token_of(*row) for row in self._database.rows("SELECT digest, body FROM token ORDER BY created, id")]

    def save_token(self, token: Token, audit: AuditRecord | None = None) -> None:
        fields = asdict(token)
        digest = fields.pop("digest")
        self._keep(KEEP_API_KEY, (token.id, digest, token.created, orjson.dumps(fields)), audit)

    # -- the hub itself

    def secret(self, name: str) -> bytes:
        sql = "SELECT value FROM secret WHERE name = ?"
        if not self._database.rows(sql, (name,)):
            made = (name, secrets.token_bytes(32))
            self._database.write("INSERT INTO secret VALUES (?, ?) ON CONFLICT DO NOTHING", made)
        # Read again, because another process may have been first.
        ((value,),) = self._database.rows(sql, (name,))
        return bytes(value)

    def value(self, name: str) -> str | None:
        for (value,) in self._database.rows("SELECT value FROM remembered WHERE name = ?", (name,)):
            return str(value)
        return None

    def set_value(self, name: str, value: str, audit: AuditRecord | None = None) -> None:
        self._keep(_REMEMBER, (name, value), audit)

    def _keep(self, sql: str, row: tuple[Any, ...], audit: AuditRecord | None) -> None:
        with self._database.writing() as connection:
            connection.execute(sql, row)
            add_audit(connection, audit)

    def audit(self, record: AuditRecord) -> None:
        with self._database.writing() as connection:
            add_audit(connection, record)

    def audit_log(self, limit: int = 100) -> list[AuditRecord]:
        sql = "SELECT at, actor, action, subject, detail FROM audit ORDER BY number DESC LIMIT ?"
        return [
            AuditRecord(at, actor, action, subject, orjson.loads(detail))
            for at, actor, action, subject, detail in self._database.rows(sql, (limit,))
        ]

    def add_reads(self, counts: Sequence[ReadCount]) -> None:
        if counts:
            with self._database.writing() as connection:
                connection.executemany(_ADD_READS, counts)

    def reads(self) -> list[ReadCount]:
        sql = """SELECT subscriber, collection, requests, objects, last, errors FROM reads
                 ORDER BY subscriber, collection"""
        return [ReadCount(*row) for row in self._database.rows(sql)]


def user_of(body: bytes) -> User:
    """The user that a row of ``person`` holds."""
    fields: dict[str, Any] = orjson.loads(body)
    return User(**{**fields, "groups": tuple(fields["groups"])})


def token_of(digest: bytes, body: bytes) -> Token:
    """The token that a row of ``token`` holds."""
    return Token(**orjson.loads(body), digest=bytes(digest))
