"""Feeds, submissions, people and the hub's own small things in memory."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from threading import RLock

from config.instant import Micros, Millis
from taxii_server.stores.base import AuditRecord, FeedState, ReadCount, Submission, Token, User


class MemoryDesk:
    """The part of the store that is neither claims nor logs."""

    def __init__(self) -> None:
        super().__init__()
        self._desk_lock = RLock()
        self._feeds: dict[str, FeedState] = {}
        self._rows: dict[str, tuple[str, bytes]] = {}
        self._leases: dict[str, tuple[str, Millis]] = {}
        self._submissions: dict[str, Submission] = {}
        self._users: dict[str, User] = {}
        self._tokens: dict[str, Token] = {}
        self._secrets: dict[str, bytes] = {}
        self._values: dict[str, str] = {}
        self._audit: list[AuditRecord] = []
        self._reads: dict[tuple[str, str], ReadCount] = {}

    # -- feeds

    def feed_state(self, feed: str) -> FeedState | None:
        """See :class:`taxii_server.stores.base.Store`, as for all methods here."""
        return self._feeds.get(feed)

    def save_feed_state(self, state: FeedState) -> None:
        self._feeds[state.feed] = state

    def rows_known(self, feed: str, word: str) -> bytes | None:
        known, body = self._rows.get(feed, ("", b""))
        return body if known == word else None

    def know_rows(self, feed: str, word: str, body: bytes) -> None:
        self._rows[feed] = (word, body)

    def forget_rows(self, feed: str) -> None:
        self._rows.pop(feed, None)

    def lease(self, name: str, owner: str, *, now: Millis, until: Millis) -> bool:
        with self._desk_lock:
            holder, ends = self._leases.get(name, (owner, until))
            # One that ends too far ahead was taken under a clock that has stepped back since.
            if holder != owner and now < ends <= now + 4 * (until - now):
                return False
            self._leases[name] = (owner, until)
            return True

    def release(self, name: str, owner: str) -> None:
        with self._desk_lock:
            if name in self._leases and self._leases[name][0] == owner:
                del self._leases[name]

    # -- submissions

    def add_submission(self, submission: Submission, audit: AuditRecord | None = None) -> None:
        with self._desk_lock:
            if submission.id not in self._submissions:
                self._submissions[submission.id] = submission
                self._note(audit)

    def submission(self, submission_id: str) -> Submission | None:
        return self._submissions.get(submission_id)

    def pending_submissions(self, limit: int = 100) -> list[Submission]:
        with self._desk_lock:
            pending = [item for item in self._submissions.values() if item.state == "pending"]
        return sorted(pending, key=lambda item: (item.received, item.id))[:limit]

    def count_pending(self) -> int:
        with self._desk_lock:
            return sum(item.state == "pending" for item in self._submissions.values())

    def save_submission(self, submission: Submission) -> None:
        with self._desk_lock:
            self._submissions[submission.id] = submission

    def retain_submissions(self, received_before: Micros) -> int:
        with self._desk_lock:
            old = [
                item
                for item in self._submissions.values()
                if item.state == "complete" and (item.body or item.verdicts) and item.received < received_before
            ]
            self._submissions.update({item.id: replace(item, body=b"", verdicts=()) for item in old})
        return len(old)

    # -- people

    def user(self, name: str) -> User | None:
        return self._users.get(name)

    def users(self) -> list[User]:
        with self._desk_lock:
            return sorted(self._users.values(), key=lambda user: user.name)

    def save_user(self, user: User, audit: AuditRecord | None = None) -> None:
        with self._desk_lock:
            self._users[user.name] = user
            self._note(audit)

    def token(self, digest: bytes) -> Token | None:
        with self._desk_lock:
            return next((token for token in self._tokens.values() if token.digest == digest), None)

    def tokens(self) -> list[Token]:
        with self._desk_lock:
            return sorted(self._tokens.values(), key=lambda token: (token.created, token.id))

    def save_token(self, token: Token, audit: AuditRecord | None = None) -> None:
        with self._desk_lock:
            self._tokens[token.id] = token
            self._note(audit)

    # -- the hub itself

    def secret(self, name: str) -> bytes:
        with self._desk_lock:
            return self._secrets.setdefault(name, secrets.token_bytes(32))

    def value(self, name: str) -> str | None:
        return self._values.get(name)

    def set_value(self, name: str, value: str, audit: AuditRecord | None = None) -> None:
        with self._desk_lock:
            self._values[name] = value
            self._note(audit)

    def audit(self, record: AuditRecord) -> None:
        self._note(record)

    def _note(self, record: AuditRecord | None) -> None:
        if record is not None:
            self._audit.append(record)

    def audit_log(self, limit: int = 100) -> list[AuditRecord]:
        return self._audit[: -limit - 1 : -1]

    def add_reads(self, counts: Sequence[ReadCount]) -> None:
        with self._desk_lock:
            for count in counts:
                where = (count.subscriber, count.collection)
                known = self._reads.get(where)
                self._reads[where] = count if known is None else _sum(known, count)

    def reads(self) -> list[ReadCount]:
        with self._desk_lock:
            return [self._reads[where] for where in sorted(self._reads)]


def _sum(one: ReadCount, other: ReadCount) -> ReadCount:
    return one._replace(
        requests=one.requests + other.requests,
        objects=one.objects + other.objects,
        last=max(one.last, other.last),
        errors=one.errors + other.errors,
    )
