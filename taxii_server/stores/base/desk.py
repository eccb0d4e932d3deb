"""Everything else that must survive: feeds, submissions, people, and what the hub remembers of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

from config.audience import Audience
from config.instant import Micros, Millis
from taxii_server.stores.base.audit import AuditRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedState:
    """What the hub remembers of a feed between runs."""

    feed: str
    #: where to go on; whatever the collector gave
    cursor: dict[str, Any] = field(default_factory=dict)
    #: when it is to run next
    due: Millis = 0
    last_run: Millis = 0
    #: when its publisher was asked last, and until when it asked to be left alone
    asked: Millis = 0
    not_before: Millis = 0
    last_success: Millis = 0
    #: never, ok, unchanged, held, failed
    status: str = "never"
    #: why, when held or failed; else what is odd
    message: str = ""
    #: what was odd about the last document that was taken in
    odd: str = ""
    #: failures in a row; a run that was held is none, and ends them
    failures: int = 0
    #: counts of the last run: rows, claims, refused, ...
    counts: dict[str, int] = field(default_factory=dict)
    #: reason -> number of rows refused for it in the last run
    refused: dict[str, int] = field(default_factory=dict)
    #: examples of refused rows of the last run: line, reason
    examples: tuple[tuple[int, str], ...] = ()
    #: values in the list when it was last taken in, by who may see them
    listed: dict[Audience, int] = field(default_factory=dict)
    #: rows when a document was last taken in, by who may see them
    rows: dict[Audience, int] = field(default_factory=dict)
    #: the same; of a log the most that it ever had
    most: dict[Audience, int] = field(default_factory=dict)
    #: how many of ``rows`` were refused
    bad: dict[Audience, int] = field(default_factory=dict)
    #: what is usual in its columns, by who may see the rows (taxii_server/usual.py); older: column -> how many rows of
    #: a hundred had something there
    columns: Mapping[str, Any] = field(default_factory=dict)
    #: when it last said anything new
    changed: Millis = 0
    #: the longest that it ever went without, and how often it did say something new
    rhythm: Millis = 0
    changes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """An envelope that a publisher posted."""

    #: UUID4 text, also the status resource's id
    id: str
    root: str
    collection: str
    user: str
    organisation: str
    received: Micros
    #: the envelope as posted; b"" once its original has left
    body: bytes
    state: Literal["pending", "complete"] = "pending"
    #: per object: {"id", "version", "message", "status": success | failure | pending}
    verdicts: tuple[dict[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody who may log in."""

    name: str
    organisation: str
    groups: tuple[str, ...]
    #: argon2id, or "" when only tokens are taken
    password: str = ""
    disabled: bool = False
    created: Millis = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An API token; the token itself is never kept."""

    #: short public name, to list and revoke by
    id: str
    user: str
    #: SHA-256 of the token, 32 bytes
    digest: bytes
    label: str = ""
    created: Millis = 0
    #: 0 for never
    expires: Millis = 0
    revoked: bool = False


class Returned(NamedTuple):
    """What a restore did to who may come in; names of users and ids of tokens, sorted."""

    #: who has less than in the backup, or another password: the replaced store says so, or does not know them
    users: tuple[str, ...] = ()
    #: which were revoked, because the replaced store does not let them in or does not know them
    tokens: tuple[str, ...] = ()
    #: of the replaced store, which the backup does not know
    unknown_users: tuple[str, ...] = ()
    unknown_tokens: tuple[str, ...] = ()


class ReadCount(NamedTuple):
    """Reads of one subscriber, summed."""

    subscriber: str
    collection: str
    requests: int
    objects: int
    last: Millis
    errors: int


class DeskStore(Protocol):
    """Small records, read and written one by one."""

    # -- feeds
    def feed_state(self, feed: str) -> FeedState | None:
        """What is remembered of a feed, if anything."""

    def save_feed_state(self, state: FeedState) -> None:
        """Remember it."""

    def rows_known(self, feed: str, word: str) -> bytes | None:
        """What is remembered of the rows of a feed, if it was under that word."""

    def know_rows(self, feed: str, word: str, body: bytes) -> None:
        """Remember the rows of a feed, in place of what was: some megabytes. As for claims, the loss of power may undo
        it until something synced is written after it."""

    def forget_rows(self, feed: str) -> None:
        """Remember nothing of the rows of a feed; durable before any claim that is written after it."""

    def lease(self, name: str, owner: str, *, now: Millis, until: Millis) -> bool:
        """Take or prolong a lease; False while another owner's has not run out."""

    def release(self, name: str, owner: str) -> None:
        """Give a lease back; nothing happens if it is another's."""

    # -- submissions
    def add_submission(self, submission: Submission, audit: AuditRecord | None = None) -> None:
        """Keep it durably: after this returns it survives a crash at any instant."""

    def submission(self, submission_id: str) -> Submission | None:
        """By id."""

    def pending_submissions(self, limit: int = 100) -> list[Submission]:
        """The oldest that are not complete, whole: ask for few, since each may be as long as a body may be."""

    def count_pending(self) -> int:
        """How many are not complete."""

    def save_submission(self, submission: Submission) -> None:
        """Replace it."""

    def retain_submissions(self, received_before: Micros) -> int:
        """Drop the originals of complete ones received before; their verdicts go too. Gives how many."""

    # -- people
    def user(self, name: str) -> User | None:
        """By name."""

    def users(self) -> list[User]:
        """In order of name."""

    def save_user(self, user: User, audit: AuditRecord | None = None) -> None:
        """Add or replace."""

    def token(self, digest: bytes) -> Token | None:
        """By the SHA-256 of the token."""

    def tokens(self) -> list[Token]:
        """In order of creation."""

    def save_token(self, token: Token, audit: AuditRecord | None = None) -> None:
        """Add or replace, by id."""

    # -- the hub itself
    def secret(self, name: str) -> bytes:
        """Thirty-two random bytes, made at first use and the same ever after, for every process."""

    def value(self, name: str) -> str | None:
        """A small remembered text."""

    def set_value(self, name: str, value: str, audit: AuditRecord | None = None) -> None:
        """Remember a small text."""

    def audit(self, record: AuditRecord) -> None:
        """Append to the audit log what is followed by many writes, before the first of them."""

    def audit_log(self, limit: int = 100) -> list[AuditRecord]:
        """The newest records, newest first."""

    def add_reads(self, counts: Sequence[ReadCount]) -> None:
        """Add to the counts of (subscriber, collection); ``last`` is the newest."""

    def reads(self) -> list[ReadCount]:
        """All of them."""
