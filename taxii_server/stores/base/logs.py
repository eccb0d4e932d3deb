"""What is served: objects, and the logs of collections."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from config.instant import Micros, Millis, time_key
from taxii_server.stores.base.audit import AuditRecord

ObjectKey = tuple[str, bytes]


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


#: What orders the versions of an object: they are timestamps.
version_key = time_key


class LogStore(Protocol):
    """Objects, and the logs of the collections that they are put into."""

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
