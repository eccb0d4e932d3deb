"""Who said what, and what is to be merged again for it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple, Protocol

from config.audience import Audience
from config.instant import Millis
from normalizers.claims import Claim
from taxii_server.stores.base.audit import AuditRecord


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


class Found(NamedTuple):
    """What :meth:`ClaimStore.claims` found. It is still so as long as nothing has been marked since."""

    #: the last mark before it was asked
    mark: int
    #: those of the observables of which any claim was known
    keys: Collection[bytes]


class ClaimStore(Protocol):
    """Claims, the lists and logs that they stand in, and dirty marks."""

    def claims(self, keys: Collection[bytes]) -> dict[bytes, list[Claim]]:
        """All claims about those observables. A key without any is absent. Order within a list is not defined."""

    def put_claims(
        self,
        rows: Sequence[ClaimRow],
        *,
        aliases: Collection[Alias] = (),
        records: Sequence[Told] = (),
        found: Found | None = None,
        audit: AuditRecord | None = None,
    ) -> int:
        """Keep each claim that wins over the one stored under its key (normalizers.claims.wins), and mark the
        observable dirty for the claim's audience, in one step and in order. ``renew_at`` is set even when the stored
        claim stays. Gives how many were kept. Survives the end of the process; the loss of power only once anything is
        written after it by another method than this, :meth:`clear_dirty`, :meth:`lease` and :meth:`release`.

        ``aliases`` are remembered for :meth:`aliased`, for good: a file goes on having the hashes it had. Nearly every
        call has none, and then they cost nothing. A store that cannot do both in one step remembers them first: one
        that leads to an observable without claims does no harm, and the call is made again after a crash.

        ``records`` replace what was stored of them, in one step with the rows: a record that moved would otherwise
        leave its old claim behind, or be moved for ever without it. Only logs that can withdraw have any.

        ``found``, of all the rows' observables, spares a store from looking again where nothing was marked since.

        With ``audit`` it survives the loss of power too: a decision is not said again."""

    def records(self, origin: str, ids: Collection[bytes]) -> dict[bytes, Told]:
        """The records with these ids. Unknown ones are absent."""

    def records_about(self, origin: str, keys: Collection[bytes]) -> list[Told]:
        """All records of that origin about these observables, in no order."""

    def aliased(self, alias: bytes, limit: int = 100, *, after: bytes = b"") -> list[bytes]:
        """Keys of the observables that anybody said are known by this alias too, in order, after ``after``."""

    def mentioning(self, texts: Collection[str], *, after: int = 0, limit: int = 1_000) -> list[tuple[int, Claim]]:
        """Claims in whose encoded form (normalizers.claims.encode) one of these texts stands, without regard to the
        case of ASCII letters, in the order in which their keys were first stored; each with the number to go on after.

        There is no index behind it: it goes over all claims, for look-ups that a person asks for. In an index by name
        or host each claim would cost what a feed's row takes to write now."""

    def observables(self, *, after: int = 0, limit: int = 1_000) -> list[tuple[int, str, str]]:
        """Type and canonical value of what each claim is about, in the order of :meth:`mentioning`, each with the
        number to go on after. An observable comes once for each claim. For going over all that is known: ten times
        faster than :meth:`keys` and :meth:`claims`."""

    def listed(
        self, origin: str, *, after: Listed | None = None, limit: int = 1_000, due: Millis | None = None
    ) -> list[Listed]:
        """Values with a ``renew_at`` of that origin, in an order of the store's own that stays, after ``after``; with
        ``due``, only those whose ``renew_at`` is at or before it, the earliest first."""

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
