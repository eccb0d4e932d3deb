"""What the hub asks of a store: one small interface, whatever is behind it.

Every call is atomic or can be made again with the same arguments to the same end; none spans documents in a way that
needs a transaction of the caller's. A call that takes ``audit`` writes that record in the same step: neither is there
without the other, and where nothing changes there is no record. Instants are whole numbers: ``Micros`` for
``date_added``, ``Millis`` elsewhere. A store may be used by many threads and, but for the memory store, by many
processes at once.

Words: a *scope* is where object ids are unique: a view's name for merged objects, ``collection:<uuid>`` for those of a
shared collection. A *collection* is named by its UUID text. An *object key* is (type, 16 bytes of its UUID).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from config.audience import Audience
from config.instant import Micros, Millis
from normalizers.claims import Claim

ObjectKey = tuple[str, bytes]


class StoreError(Exception):
    """The store could not do what was asked."""


class StoreBusy(StoreError):
    """Another writer held the store for too long. Trying again later is right."""


class StoreFull(StoreError):
    """There is no room to write. Nothing was changed."""


class StoreUnusable(StoreError):
    """The store cannot be opened: not a hub's, newer than this program, or damaged."""


# ---------------------------------------------------------------- claims


class ClaimRow(NamedTuple):
    """A claim to be written."""

    key: bytes
    claim: Claim
    #: of a value that a full list holds: when a further sighting would move it. None otherwise
    renew_at: Millis | None = None


class Alias(NamedTuple):
    """Something that an observable is known by besides: a weaker hash of a file. Both are observable keys."""

    alias: bytes
    key: bytes


class Told(NamedTuple):
    """The latest that a log said in one of its records, of a format that can take a record back."""

    origin: str
    #: BLAKE2b (RFC 7693) of its name there, such as a STIX id; 16 bytes
    id: bytes
    #: of the observable that it is about
    key: bytes
    #: of all that decides how documents are read
    reading: str
    #: what this record alone says; not rounded
    claim: Claim


class Listed(NamedTuple):
    """A value that an origin's full list holds, as far as the store knows."""

    key: bytes
    audience: Audience


class Mark(NamedTuple):
    """A dirty mark: what is known about an observable changed since it was last merged.

    It bears the audience of what changed, because a view must not even notice (by the order of its log) that something
    changed which its readers may not see.
    """

    number: int
    key: bytes
    audience: Audience


class News(NamedTuple):
    """What a batch of claims changed, in the order in which it was written, and every claim known of those observables
    then. It is no longer all there is to know once anything has been marked after it."""

    marks: list[Mark]
    claims: dict[bytes, list[Claim]]


# ---------------------------------------------------------------- objects and logs


class ObjectState(NamedTuple):
    """What is never forgotten about an object's id."""

    scope: str
    type: str
    uuid: bytes
    #: observable key; b"" for companions and shared objects
    key: bytes
    #: 1 for the first id an observable had in its view
    generation: int
    created: str
    #: the latest version as served (STIX ``modified``, else ``created``)
    version: str
    #: of the content last published, 16 bytes
    digest: bytes
    revoked: bool
    #: when its indicator ends; 0 for never
    ends: Millis
    #: who posted it (shared collections), else ""
    owner: str
    #: collection -> date_added of the entry that is the latest version there
    places: dict[str, Micros]


class Publication(NamedTuple):
    """One object version to be put into collections."""

    scope: str
    type: str
    uuid: bytes
    #: as served, and ordered by :func:`version_key`
    version: str
    created: str
    #: the JSON bytes that will be served
    body: bytes
    digest: bytes
    collections: tuple[str, ...]
    #: the version that the caller saw as the latest; None when it saw no such object
    expected: str | None = None
    #: no entry of it may be dated before this
    not_before: Micros = 0
    key: bytes = b""
    generation: int = 1
    revoked: bool = False
    ends: Millis = 0
    owner: str = ""


#: published: entries were added; unchanged: they were all there; conflict: ``expected`` is no longer the latest, and
#: nothing was done; departed: what that version said is not known any more, and nothing was done
Outcome = Literal["published", "unchanged", "conflict", "departed"]


class Entry(NamedTuple):
    """One object version at one place of one collection's log."""

    date_added: Micros
    type: str
    uuid: bytes
    version: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Versions:
    """Which versions of each object are wanted (TAXII 2.1 section 3.4.1); the members are ORed."""

    last: bool = True
    first: bool = False
    all: bool = False
    #: version keys (:func:`version_key`)
    exact: tuple[str, ...] = ()


LAST = Versions()


@dataclass(frozen=True, slots=True)
class Selection:
    """Which entries of a collection are wanted, in rising order of ``date_added``."""

    limit: int
    #: exclusive
    after: Micros = 0
    types: frozenset[str] | None = None
    ids: frozenset[ObjectKey] | None = None
    versions: Versions = LAST


class Page(NamedTuple):
    """Matching entries, and whether more match beyond them."""

    entries: list[Entry]
    more: bool


class BodiesPage(NamedTuple):
    """As :class:`Page`, with no more than an envelope needs."""

    bodies: list[bytes]
    #: ``date_added`` of the first and of the last of them; 0 where there is none
    first: Micros
    last: Micros
    more: bool


def version_key(version: str) -> str:
    """A text that orders STIX timestamps as instants, whatever number of fraction digits they have."""
    seconds, _, fraction = version.rstrip("Zz").partition(".")
    fraction = fraction.rstrip("0")
    return f"{seconds}.{fraction}" if fraction else seconds


# ---------------------------------------------------------------- feeds, submissions, people


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedState:
    """What the hub remembers of a feed between runs."""

    feed: str
    #: where to go on; whatever the collector gave
    cursor: dict[str, Any] = field(default_factory=dict)
    #: when it is to run next
    due: Millis = 0
    last_run: Millis = 0
    last_success: Millis = 0
    #: never, ok, unchanged, held, failed
    status: str = "never"
    #: why, when held or failed
    message: str = ""
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


class AuditRecord(NamedTuple):
    """One write or decision."""

    at: Millis
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]

    def counting(self, entries: int) -> AuditRecord:
        """The record as it is written, with how many entries were added or removed."""
        return self._replace(detail={**self.detail, "entries": entries})


class Store(Protocol):
    """The interface. The contract tests in tests/stores say in executable form what is said here."""

    # -- claims
    def claims(self, keys: Collection[bytes]) -> dict[bytes, list[Claim]]:
        """All claims about those observables. A key without any is absent. Order within a list is not defined."""

    def put_claims(
        self, rows: Sequence[ClaimRow], *, aliases: Collection[Alias] = (), records: Sequence[Told] = ()
    ) -> int:
        """Keep each claim that wins over the one stored under its key (normalizers.claims.wins), and mark the
        observable dirty for the claim's audience, in one step and in order. ``renew_at`` is set even when the stored
        claim stays. Gives how many were kept. Survives the end of the process; the loss of power only once anything is
        written after it by another method than this, :meth:`clear_dirty`, :meth:`lease` and :meth:`release`.

        ``aliases`` are remembered for :meth:`aliased`, for good: a file goes on having the hashes it had. Nearly every
        call has none, and then they cost nothing. A store that cannot do both in one step remembers them first: one
        that leads to an observable without claims does no harm, and the call is made again after a crash.

        ``records`` replace what was stored of them, in one step with the rows: a record that moved would otherwise
        leave its old claim behind, or be moved for ever without it. Only logs that can withdraw have any."""

    def records(self, origin: str, ids: Collection[bytes]) -> dict[bytes, Told]:
        """The records with these ids. Unknown ones are absent."""

    def records_about(self, origin: str, keys: Collection[bytes]) -> list[Told]:
        """All records of that origin about these observables, in no order."""

    def aliased(self, alias: bytes, limit: int = 100) -> list[bytes]:
        """Keys of the observables that are known by this alias too, in order. For look-ups, not for merging."""

    def listed(
        self, origin: str, *, after: Listed | None = None, limit: int = 1_000, due: Millis | None = None
    ) -> list[Listed]:
        """Values with a ``renew_at`` of that origin, in order of (key, audience), after ``after``; with ``due``, only
        those whose ``renew_at`` is at or before it, the earliest first."""

    def keys(self, *, after: bytes = b"", limit: int = 1_000) -> list[bytes]:
        """Keys of observables with claims, in order: for jobs that go over all of them and may be resumed."""

    def origin_keys(self, origin: str, *, after: bytes = b"", limit: int = 1_000) -> list[bytes]:
        """As :meth:`keys`, of one origin. May be slow; for rare jobs."""

    def dirty(self, limit: int) -> list[Mark]:
        """The oldest dirty marks. An observable may be marked more than once."""

    def last_mark(self) -> int:
        """Number of the mark that was made last, cleared since or not; 0 before the first. Numbers rise by one: so
        two calls tell whether, and how often, anything was marked between them."""

    def clear_dirty(self, marks: Sequence[Mark]) -> None:
        """Remove these marks; a mark set since stays."""

    def mark_dirty(self, keys: Iterable[bytes], audience: Audience) -> None:
        """Mark observables to be merged again in the views that see that audience."""

    def wait(self, key: bytes, audience: Audience, until: Millis) -> None:
        """Mark an observable dirty when :meth:`wake` is called at or after ``until``."""

    def wake(self, now: Millis) -> int:
        """Mark dirty what has waited until now, in order of (until, key); gives how many."""

    # -- objects and logs
    def objects(self, scope: str, keys: Collection[ObjectKey]) -> dict[ObjectKey, ObjectState]:
        """What is known of those ids. Unknown ones are absent."""

    def publish(
        self, publications: Sequence[Publication], now: Micros, audit: AuditRecord | None = None
    ) -> list[Outcome]:
        """Append each version to its collections and remember its object's state.

        For each publication by itself: if the stored latest version is not ``expected`` the outcome is ``conflict``,
        unless it already is this very version (a repetition), which is completed: entries go to those of
        ``collections`` that have no entry of (id, version) yet. Within a collection ``date_added`` is unique and
        rising, at least ``now``, ``not_before`` and one more than any ever given there, and no entry becomes visible
        while a smaller one may still appear. The latest version by :func:`version_key` is what ``Versions.last``
        gives; a lower one that arrives later is a superseded version from the start. Entries keep the order of
        ``publications``.

        Of an object with an ``owner`` it is remembered up to which version some have left (deleted, or past
        retention). One up to there that is lower than the latest and not in all of ``collections`` may have been
        there with other content: the outcome is ``departed``.

        ``audit`` is written if any was published, ``counting`` how many.
        """

    def renew_digests(self, scope: str, digests: Mapping[ObjectKey, bytes]) -> None:
        """Remember other digests for objects whose published content did not change, only the way it is made. Unknown
        ids are passed over."""

    def page(self, collection: str, selection: Selection) -> Page:
        """A keyset range of a collection's log; costs the same wherever it starts. ``ids`` asks for few objects."""

    def bodies(self, collection: str, selection: Selection) -> BodiesPage:
        """The bodies of what :meth:`page` gives, read with less work."""

    def delete(
        self,
        collection: str,
        scope: str,
        key: ObjectKey,
        versions: Versions | None,
        now: Micros,
        audit: AuditRecord | None = None,
    ) -> int:
        """Remove an object's entries from a shared collection, or only those versions; gives how many. When none is
        left, its state is kept with no places. Where the latest goes and others stay, the latest of those is added
        again, with a ``date_added`` as if it were published now: who has read past its old one must be given it.
        ``audit`` is written ``counting`` how many went."""

    def object_body(self, collection: str, key: ObjectKey, scope: str) -> bytes | None:
        """The latest version's bytes in that collection, by id."""

    def last_date(self, collection: str) -> Micros:
        """The largest ``date_added`` ever given in that collection; 0 when none was."""

    def counts(self) -> dict[str, int]:
        """Latest entries per collection, kept while writing, not counted."""

    def retain(
        self, collection: str, *, ended_before: Millis, superseded_before: Micros, limit: int = 1_000
    ) -> tuple[int, int]:
        """Take out entries of objects that ended before, and superseded versions replaced before; at most ``limit`` of
        each, oldest first. Gives both numbers; call again until both are 0. Ids stay known."""

    # -- feeds
    def feed_state(self, feed: str) -> FeedState | None:
        """What is remembered of a feed, if anything."""

    def save_feed_state(self, state: FeedState) -> None:
        """Remember it."""

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

    def backup(self, target: Path, progress: Callable[[int, int], None] | None = None) -> None:
        """Write a consistent copy to a new file while others read and write. ``progress(done, total)``."""

    def damage(self) -> str:
        """What is wrong with what the store is kept in, "" when nothing is found. Reads all of it."""

    def close(self) -> None:
        """Release what this process holds."""
