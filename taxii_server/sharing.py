"""Shared collections: objects exactly as their members posted them.

Every object stands or falls by itself, and posting the same again changes nothing. An object is taken if it is valid
STIX 2.1, bears a TLP marking within the audience of the collection, and its id is new or its own organisation's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from config.instant import Micros, parse_micros, parse_millis, stix_time
from config.roots import ApiRoot, Collection
from config.settings import Settings
from taxii_server.access import Caller, Forbidden
from taxii_server.fitness import Fitness, Posted, Unfit, digest
from taxii_server.stores.base import (
    AuditRecord,
    Entry,
    ObjectKey,
    ObjectState,
    Publication,
    Selection,
    Store,
    StoreBusy,
    Versions,
    version_key,
)
from taxii_server.verdicts import Verdict, named, verdict

#: How often an object is tried again that somebody else was writing at the same moment.
_TRIES = 5
_DEPARTED = (
    "modified: {} is not later than a version that was deleted or is past its retention; what it said before is not "
    "known any more, so it cannot come again"
)


def scope_of(collection: Collection) -> str:
    """The scope in which the ids of a shared collection are unique."""
    return f"collection:{collection.id}"


def erase(
    store: Store, collection: Collection, who: Caller, key: ObjectKey, versions: Versions | None, now: Micros
) -> int:
    """Delete an object from a shared collection, or only those versions of it; gives how many versions went.

    Raises Forbidden for what somebody else posted: whoever may write there must not be able to silence the others. So
    it does for the version alone that revoked an object: the one before it would come back to life.
    """
    state = store.objects(scope_of(collection), [key]).get(key)
    if state is not None and state.places:
        if state.owner not in ("", who.owner):
            raise Forbidden("somebody else posted it")
        if state.revoked and versions is not None and _uncovers(store, collection, state, versions):
            raise Forbidden("a revocation is final; delete the object with all its versions, or leave that one")
    detail = {"type": key[0], "uuid": key[1].hex(), "organisation": who.organisation}
    audit = AuditRecord(now // 1_000, who.name, "object deleted", str(collection.id), detail)
    return store.delete(str(collection.id), scope_of(collection), key, versions, now, audit)


def _uncovers(store: Store, collection: Collection, state: ObjectState, versions: Versions) -> bool:
    """Whether that deletion takes the latest version and leaves an earlier one."""
    if versions.all or not (versions.last or version_key(state.version) in versions.exact):
        return False
    two = Selection(limit=2, ids=frozenset([(state.type, state.uuid)]), versions=Versions(all=True))
    return len(store.page(str(collection.id), two).entries) > 1


class _Known(NamedTuple):
    """The latest version of an object, as stored or as about to be."""

    version: str
    created: str
    digest: bytes
    owner: str
    revoked: bool


class Share:
    """Puts the objects of one envelope into a shared collection."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        root: ApiRoot,
        collection: Collection,
        who: Caller,
        now: Micros,
        audit: AuditRecord,
    ) -> None:
        """``audit`` is what is recorded with whatever is published."""
        self._store = store
        self._audit = audit
        self._id = str(collection.id)
        self._scope = scope_of(collection)
        self._now = now
        self._fitness = Fitness(settings, root, collection, who, now)

    def add(self, objects: Sequence[Any]) -> list[Verdict]:
        """One verdict for each object, in order. Raises StoreError when nothing can be written."""
        verdicts: list[Verdict] = []
        waiting: list[Posted] = []
        for place, obj in enumerate(objects):
            verdicts.append(verdict("success", *named(obj, place, self._now)))
            try:
                waiting.append(self._fitness.fit(obj, place))
            except Unfit as error:
                _fail(verdicts, place, str(error))
        for _ in range(_TRIES):
            if not waiting:
                return verdicts
            waiting = self._round(waiting, verdicts)
        raise StoreBusy("the same objects are being written by others")

    def _round(self, waiting: list[Posted], verdicts: list[Verdict]) -> list[Posted]:
        """Publish what waits; gives what has to be tried again."""
        states = self._store.objects(self._scope, {posted.key for posted in waiting})
        known = {
            key: _Known(state.version, state.created, state.digest, state.owner, state.revoked)
            for key, state in states.items()
        }
        planned: dict[tuple[ObjectKey, str], bytes] = {}
        sent: list[tuple[Posted, Publication]] = []
        for posted in waiting:
            try:
                publication = self._plan(posted, known.get(posted.key), planned)
            except Unfit as error:
                _fail(verdicts, posted.place, str(error))
                continue
            if publication is not None:
                verdicts[posted.place]["version"] = publication.version
                sent.append((posted, publication))
                _learn(known, planned, posted.key, publication)
        outcomes = self._store.publish([publication for _, publication in sent], self._now, self._audit)
        for (posted, publication), outcome in zip(sent, outcomes, strict=True):
            if outcome == "departed":
                _fail(verdicts, posted.place, _DEPARTED.format(publication.version))
        return [posted for (posted, _), outcome in zip(sent, outcomes, strict=True) if outcome == "conflict"]

    def _plan(
        self, posted: Posted, known: _Known | None, planned: dict[tuple[ObjectKey, str], bytes]
    ) -> Publication | None:
        """What to publish; None when there is nothing to do. Raises :class:`Unfit`."""
        version = posted.version or self._own_version(posted, known)
        if known is None:
            return self._publication(posted, version, None)
        stored = self._stored(posted.key, version, known, planned)
        if stored is not None and stored != posted.digest:
            raise Unfit(f"modified: version {version} is known with other content; a change needs a later modified")
        if known.owner != posted.owner:
            if stored is not None and self._entry(posted.key, version_key(version)) is not None:
                return None
            raise Unfit("id: somebody else posted it, and only they can change it")
        if stored is None:
            _check_change(posted, version, known)
        return self._publication(posted, version, known.version)

    def _stored(
        self, key: ObjectKey, version: str, known: _Known, planned: dict[tuple[ObjectKey, str], bytes]
    ) -> bytes | None:
        """The digest of that version of the object, if the hub has had it."""
        order = version_key(version)
        if (key, order) in planned:
            return planned[key, order]
        if order == version_key(known.version):
            return known.digest
        if order > version_key(known.version):
            return None
        entry = self._entry(key, order)
        return digest(orjson.loads(entry.body)) if entry is not None else None

    def _entry(self, key: ObjectKey, order: str) -> Entry | None:
        """The object's entry whose version has that :func:`version_key`, if it is still there."""
        exact = Versions(last=False, exact=(order,))
        found = self._store.page(self._id, Selection(limit=1, ids=frozenset((key,)), versions=exact)).entries
        return found[0] if found else None

    def _own_version(self, posted: Posted, known: _Known | None) -> str:
        """The version of an object that has none: when this content of it came (TAXII 2.1 section 3.4.1)."""
        if known is None:
            return stix_time(self._now // 1_000)
        if known.digest == posted.digest:
            return known.version
        return stix_time(max(self._now // 1_000, parse_millis(known.version) + 1))

    def _publication(self, posted: Posted, version: str, expected: str | None) -> Publication:
        kind, uuid = posted.key
        return Publication(
            scope=self._scope,
            type=kind,
            uuid=uuid,
            version=version,
            created=posted.created or version,
            body=posted.body,
            digest=posted.digest,
            collections=(self._id,),
            expected=expected,
            # Up to the microsecond after it: clients take the newest modified for the date to go on from.
            not_before=parse_micros(version) + 1,
            revoked=posted.obj.get("revoked", False),
            ends=posted.ends,
            owner=posted.owner,
        )


def _check_change(posted: Posted, version: str, known: _Known) -> None:
    """Raises :class:`Unfit` for a new version that no version of the object can be."""
    if posted.created and version_key(posted.created) != version_key(known.created):
        raise Unfit(f"created: expected {known.created} as in the first version, got {posted.created}")
    if known.revoked and version_key(version) > version_key(known.version):
        raise Unfit("id: the object was revoked, which is final")


def _learn(
    known: dict[ObjectKey, _Known],
    planned: dict[tuple[ObjectKey, str], bytes],
    key: ObjectKey,
    publication: Publication,
) -> None:
    """Remember what is about to be published, for further versions of the same object in the envelope."""
    planned[key, version_key(publication.version)] = publication.digest
    before = known.get(key)
    if before is None or version_key(publication.version) > version_key(before.version):
        known[key] = _Known(
            publication.version, publication.created, publication.digest, publication.owner, publication.revoked
        )


def _fail(verdicts: list[Verdict], place: int, message: str) -> None:
    verdicts[place] = {**verdicts[place], "status": "failure", "message": message}
