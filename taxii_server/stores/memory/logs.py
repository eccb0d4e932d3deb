"""Objects and the logs of collections in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from heapq import nsmallest
from itertools import islice
from threading import RLock

from config.instant import Micros, Millis
from taxii_server.stores.base import (
    AuditRecord,
    BodiesPage,
    ObjectKey,
    ObjectState,
    Outcome,
    Page,
    Publication,
    Selection,
    Versions,
    version_key,
)
from taxii_server.stores.choosing import chosen, conflicts, day_of
from taxii_server.stores.memory.log import Log, ObjectId


class MemoryLogs:
    """The part of the store that knows objects, and where they stand in which collection."""

    _audit: list[AuditRecord]

    def __init__(self) -> None:
        super().__init__()
        self._logs_lock = RLock()
        self._objects: dict[ObjectId, ObjectState] = {}
        self._logs: defaultdict[str, Log] = defaultdict(Log)
        #: of objects with an owner: the highest version, by its key, that has left
        self._departed: dict[ObjectId, str] = {}

    def objects(self, scope: str, keys: Collection[ObjectKey]) -> dict[ObjectKey, ObjectState]:
        """See :class:`taxii_server.stores.base.Store`, as for all methods here."""
        with self._logs_lock:
            found = ((key, self._objects.get((scope, *key))) for key in keys)
            return {key: state._replace(places=dict(state.places)) for key, state in found if state is not None}

    def publish(
        self, publications: Sequence[Publication], now: Micros, audit: AuditRecord | None = None
    ) -> list[Outcome]:
        with self._logs_lock:
            outcomes = [self._publish(publication, now) for publication in publications]
            if audit is not None and "published" in outcomes:
                self._audit.append(audit.counting(outcomes.count("published")))
            return outcomes

    def _publish(self, publication: Publication, now: Micros) -> Outcome:
        item = (publication.scope, publication.type, publication.uuid)
        state = self._objects.get(item)
        if conflicts(publication, state.version if state else None):
            return "conflict"
        if state is not None and self._has_departed(item, state, publication):
            return "departed"
        if state is None or version_key(publication.version) > version_key(state.version):
            state = _state(publication, dict(state.places) if state else {})
            self._objects[item] = state
        outcome: Outcome = "unchanged"
        for name in publication.collections:
            log = self._logs[name]
            if not log.holds(item, publication.version):
                log.add(item, publication.version, publication.body, max(now, publication.not_before))
                self._remember_place(item, name)
                outcome = "published"
        return outcome

    def _has_departed(self, item: ObjectId, state: ObjectState, publication: Publication) -> bool:
        key = version_key(publication.version)
        if key >= version_key(state.version) or key > self._departed.get(item, ""):
            return False
        return not all(self._logs[name].holds(item, publication.version) for name in publication.collections)

    def _remember_place(self, item: ObjectId, name: str) -> None:
        places, place = self._objects[item].places, self._logs[name].place(item)
        if place is None:
            places.pop(name, None)
        else:
            places[name] = place

    def renew_digests(self, scope: str, digests: Mapping[ObjectKey, bytes]) -> None:
        with self._logs_lock:
            for key, digest in digests.items():
                state = self._objects.get((scope, *key))
                if state is not None:
                    self._objects[(scope, *key)] = state._replace(digest=digest)

    def page(self, collection: str, selection: Selection) -> Page:
        with self._logs_lock:
            entries = list(islice(self._logs[collection].matching(selection), selection.limit + 1))
        return Page(entries[: selection.limit], len(entries) > selection.limit)

    def bodies(self, collection: str, selection: Selection) -> BodiesPage:
        entries, more = self.page(collection, selection)
        if not entries:
            return BodiesPage([], 0, 0, more)
        return BodiesPage([entry.body for entry in entries], entries[0].date_added, entries[-1].date_added, more)

    def delete(
        self,
        collection: str,
        scope: str,
        key: ObjectKey,
        versions: Versions | None,
        now: Micros,
        audit: AuditRecord | None = None,
    ) -> int:
        with self._logs_lock:
            log, item = self._logs[collection], (scope, *key)
            latest = log.place(item)
            dates = chosen(log.versions.get(item, ()), versions or Versions(all=True))
            self._remove(collection, item, dates)
            if latest in dates:
                log.add_again(item, now)
                self._remember_place(item, collection)
            if audit is not None and dates:
                self._audit.append(audit.counting(len(dates)))
            return len(dates)

    def _remove(self, collection: str, item: ObjectId, dates: Collection[Micros]) -> None:
        log = self._logs[collection]
        for date in dates:
            if self._objects[item].owner:
                key = version_key(log.entries[date].version)
                self._departed[item] = max(key, self._departed.get(item, ""))
            log.remove(date)
        if dates:
            self._remember_place(item, collection)

    def object_body(self, collection: str, key: ObjectKey, scope: str) -> bytes | None:
        with self._logs_lock:
            log = self._logs[collection]
            place = log.place((scope, *key))
            return None if place is None else log.entries[place].body

    def last_date(self, collection: str) -> Micros:
        with self._logs_lock:
            return self._logs[collection].last

    def counts(self) -> dict[str, int]:
        with self._logs_lock:
            return {name: len(log) for name, log in self._logs.items() if log.last}

    def retain(
        self, collection: str, *, ended_before: Millis, superseded_before: Micros, limit: int = 1_000
    ) -> tuple[int, int]:
        with self._logs_lock:
            log = self._logs[collection]
            ended = nsmallest(limit, self._ended(log, ended_before))
            for _, _, item in ended:
                self._remove(collection, item, [date for _, date in log.versions[item]])
            replaced = ((at, date) for date, at in log.replaced.items() if at < superseded_before)
            old = nsmallest(limit, replaced)
            for _, date in old:
                self._remove(collection, log.owner(date), [date])
            return len(ended), len(old)

    def _ended(self, log: Log, before: Millis) -> list[tuple[int, Micros, ObjectId]]:
        ends = ((item, held[-1][1], self._objects[item].ends) for item, held in log.versions.items())
        return [(day_of(end), place, item) for item, place, end in ends if 0 < end < before]


def _state(publication: Publication, places: dict[str, Micros]) -> ObjectState:
    return ObjectState(
        scope=publication.scope,
        type=publication.type,
        uuid=publication.uuid,
        key=publication.key,
        generation=publication.generation,
        created=publication.created,
        version=publication.version,
        digest=publication.digest,
        revoked=publication.revoked,
        ends=publication.ends,
        owner=publication.owner,
        places=places,
    )
