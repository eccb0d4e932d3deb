"""Publishing, and taking entries out again, in SQLite. The date of an entry is given inside the one write transaction,
so none becomes visible while a smaller one may still appear."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import chain

from config.instant import Micros, Millis
from taxii_server.stores.base import AuditRecord, ObjectKey, Outcome, Publication, Versions, version_key
from taxii_server.stores.choosing import chosen, conflicts, day_of
from taxii_server.stores.sqlite.audits import add_audit
from taxii_server.stores.sqlite.database import Database
from taxii_server.stores.sqlite.drafts import Draft, ObjectId, Tally
from taxii_server.stores.sqlite.history import arrive_late, depart, has_departed, held, mark_first
from taxii_server.stores.sqlite.names import Names
from taxii_server.stores.sqlite.objects import Absent, ObjectRow, places_of, rows_of
from taxii_server.stores.sqlite.places import latest_log, pack, superseded_log, unpack

_ENDED = """
    SELECT seq, object, type, version FROM entry INDEXED BY entry_ends
    WHERE log = ?1 AND ends > 0 AND ends / 86400000 <= ?2 AND ends < ?3
    ORDER BY ends / 86400000, seq LIMIT ?4
"""
_REPLACED = """
    SELECT seq, object, type, first, version FROM entry INDEXED BY entry_replaced
    WHERE log = ?1 AND replaced < ?2 AND replaced IS NOT NULL
    ORDER BY replaced, seq LIMIT ?3
"""
_DELETE = "DELETE FROM entry WHERE log = ? AND seq = ?"
_DELETE_SUPERSEDED = "DELETE FROM entry INDEXED BY entry_object WHERE log = ? AND object = ? AND replaced IS NOT NULL"
_PROMOTE = "UPDATE entry SET log = log - 1, seq = ?, replaced = NULL, ends = ? WHERE log = ? AND seq = ?"
_SET_PLACES = "UPDATE object SET places = ? WHERE id = ?"


class SqliteLogs:
    """The part of the store that writes logs."""

    _database: Database
    _words: Names
    _collections: Names
    _absent: Absent

    def publish(
        self, publications: Sequence[Publication], now: Micros, audit: AuditRecord | None = None
    ) -> list[Outcome]:
        """See :class:`taxii_server.stores.base.Store`, as for all methods here."""
        if not publications:
            return []
        words = self._words.numbers({word for new in publications for word in (new.scope, new.type)})
        names = {new.collections for new in publications}
        numbers = self._collections.numbers(chain.from_iterable(names))
        collections = {group: [numbers[name] for name in dict.fromkeys(group)] for group in names}
        with self._database.writing() as connection:
            draft = Draft(connection, now)
            draft.read([new.uuid for new in publications], self._absent)
            outcomes = [
                _publish(draft, (new.uuid, words[new.type], words[new.scope]), new, collections[new.collections])
                for new in publications
            ]
            draft.finish()
            if audit is not None and "published" in outcomes:
                add_audit(connection, audit.counting(outcomes.count("published")))
        return outcomes

    def delete(
        self,
        collection: str,
        scope: str,
        key: ObjectKey,
        versions: Versions | None,
        now: Micros,
        audit: AuditRecord | None = None,
    ) -> int:
        name = self._collections.number(collection)
        of = (self._words.number(scope), self._words.number(key[0]))
        if name is None:
            return 0
        with self._database.writing() as connection:
            for row in rows_of(connection, [key[1]]):
                if (row.scope, row.type) == of and name in unpack(row.places):
                    gone = _delete(Draft(connection, now), name, row, versions)
                    add_audit(connection, audit.counting(gone) if audit is not None and gone else None)
                    return gone
        return 0

    def retain(
        self, collection: str, *, ended_before: Millis, superseded_before: Micros, limit: int = 1_000
    ) -> tuple[int, int]:
        name = self._collections.number(collection)
        if name is None:
            return 0, 0
        with self._database.writing() as connection:
            tally = Tally()
            ended = _take_ended(connection, name, ended_before, limit, tally)
            replaced = _take_replaced(connection, name, superseded_before, limit, tally)
            tally.write(connection)
        return ended, replaced


def _publish(draft: Draft, item: ObjectId, new: Publication, collections: list[int]) -> Outcome:
    known = draft.known.get(item)
    if known is None:
        if conflicts(new, None):
            return "conflict"
        draft.add(item, new, collections)
        return "published" if collections else "unchanged"
    if conflicts(new, known.version):
        return "conflict"
    version, latest = version_key(new.version), version_key(known.version)
    if item in draft.touched or version < latest:
        draft.write()
    if version < latest:
        if has_departed(draft, known, new, collections):
            return "departed"
        entered = arrive_late(draft, item, known, new, collections)
    else:
        entered = draft.advance(item, known, new, collections, later=version > latest)
    return "published" if entered else "unchanged"


def _delete(draft: Draft, collection: int, row: ObjectRow, versions: Versions | None) -> int:
    connection, tally, places = draft.connection, draft.tally, unpack(row.places)
    place = abs(places[collection])
    there = held(connection, collection, row.id, place)
    gone = chosen(there, versions or Versions(all=True))
    left = [seq for _, seq in there if seq not in gone]
    logs = {seq: latest_log(collection) if seq == place else superseded_log(collection) for _, seq in there}
    depart(connection, [(row.id, key) for key, seq in there if seq in gone])
    connection.executemany(_DELETE, [(logs[seq], seq) for seq in gone])
    tally.count(collection, row.type, superseded=-len(gone - {place}))
    if place in gone:
        tally.count(collection, row.type, latest=-1)
        del places[collection]
        if left:
            date = draft.date(collection, 0)
            connection.execute(_PROMOTE, (date, row.ends, superseded_log(collection), left[-1]))
            tally.count(collection, row.type, latest=1, superseded=-1)
            left[-1], places[collection] = date, -date
        connection.execute(_SET_PLACES, (pack(places), row.id))
    if left:
        mark_first(connection, collection, row.id, left[-1])
    draft.finish()
    return len(gone)


def _take_ended(connection: sqlite3.Connection, collection: int, before: Millis, limit: int, tally: Tally) -> int:
    log, older = latest_log(collection), superseded_log(collection)
    rows = connection.execute(_ENDED, (log, day_of(before), before, limit)).fetchall()
    left = dict(places_of(connection, [number for _, number, _, _ in rows]))
    depart(connection, [(number, version_key(version)) for _, number, _, version in rows])
    for seq, number, kind, _ in rows:
        connection.execute(_DELETE, (log, seq))
        superseded = connection.execute(_DELETE_SUPERSEDED, (older, number)).rowcount
        tally.count(collection, kind, latest=-1, superseded=-superseded)
        del left[number][collection]
    connection.executemany(_SET_PLACES, [(pack(places), number) for number, places in left.items()])
    return len(rows)


def _take_replaced(connection: sqlite3.Connection, collection: int, before: Micros, limit: int, tally: Tally) -> int:
    log = superseded_log(collection)
    rows = connection.execute(_REPLACED, (log, before, limit)).fetchall()
    depart(connection, [(number, version_key(version)) for _, number, _, _, version in rows])
    connection.executemany(_DELETE, [(log, seq) for seq, *_ in rows])
    for _, _, kind, *_ in rows:
        tally.count(collection, kind, superseded=-1)
    for number, places in places_of(connection, [number for _, number, _, first, _ in rows if first]):
        mark_first(connection, collection, number, abs(places[collection]))
    return len(rows)
