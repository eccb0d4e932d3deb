"""The versions of one object in one collection: reading them, and changes to them that are rare."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from config.instant import Micros
from taxii_server.stores.base import Publication, version_key
from taxii_server.stores.choosing import Held
from taxii_server.stores.sqlite.drafts import Draft, Known, ObjectId
from taxii_server.stores.sqlite.places import latest_log, moment, pack, superseded_log

_HELD = """
    SELECT version, seq FROM entry WHERE log = ?1 AND seq = ?2 UNION ALL
    SELECT version, seq FROM entry INDEXED BY entry_object WHERE log = ?3 AND object = ?4 AND replaced IS NOT NULL
"""
_MARK_LATEST = "UPDATE entry SET first = ?1 WHERE log = ?2 AND seq = ?3 AND first != ?1"
_MARK_SUPERSEDED = """
    UPDATE entry INDEXED BY entry_object SET first = (seq = ?1)
    WHERE log = ?2 AND object = ?3 AND replaced IS NOT NULL AND first != (seq = ?1)
"""
_ARRIVE_LATE = """
    INSERT INTO entry (log, seq, type, object, uuid, first, moment, replaced, version, body)
    VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?)
"""
_DEPART = """
    INSERT INTO departed SELECT id, ?2 FROM object WHERE id = ?1 AND owner != ''
    ON CONFLICT (object) DO UPDATE SET version = max(version, excluded.version)
"""


def held(connection: sqlite3.Connection, collection: int, object_id: int, place: Micros) -> list[Held]:
    """The object's entries in the collection, in order of version; ``place`` is the date of the latest."""
    logs = (latest_log(collection), place, superseded_log(collection), object_id)
    return sorted((version_key(version), seq) for version, seq in connection.execute(_HELD, logs).fetchall())


def mark_first(connection: sqlite3.Connection, collection: int, object_id: int, place: Micros) -> None:
    """Mark the earliest of the object's entries in the collection, and no other."""
    first = held(connection, collection, object_id, place)[0][1]
    connection.execute(_MARK_LATEST, (first == place, latest_log(collection), place))
    connection.execute(_MARK_SUPERSEDED, (first, superseded_log(collection), object_id))


def depart(connection: sqlite3.Connection, versions: Iterable[tuple[int, str]]) -> None:
    """Remember of objects, by their number, that a version (its :func:`version_key`) leaves."""
    connection.executemany(_DEPART, versions)


def has_departed(draft: Draft, known: Known, new: Publication, collections: list[int]) -> bool:
    """Whether a version lower than the latest may have been there, and what it said is not known any more."""
    key = version_key(new.version)
    sql = "SELECT 1 FROM departed WHERE object = ? AND version >= ?"
    if not draft.connection.execute(sql, (known.id, key)).fetchall():
        return False
    places = {name: abs(place) for name, place in known.places.items()}
    return not all(
        name in places and key in dict(held(draft.connection, name, known.id, places[name])) for name in collections
    )


def arrive_late(draft: Draft, item: ObjectId, known: Known, new: Publication, collections: list[int]) -> bool:
    """A version lower than the object's latest; gives whether it entered any collection.

    Where the collection holds a later one it is superseded from the start; where it holds none, it is the latest there.
    """
    entered = [name for name in collections if _arrive(draft, item, known, new, name)]
    if entered:
        sql = "UPDATE object SET places = ? WHERE id = ?"
        draft.connection.execute(sql, (pack(known.places), known.id))
    return bool(entered)


def _arrive(draft: Draft, item: ObjectId, known: Known, new: Publication, collection: int) -> bool:
    uuid, kind, _ = item
    place = known.places.get(collection)
    there = [] if place is None else held(draft.connection, collection, known.id, abs(place))
    key = version_key(new.version)
    if key in (version for version, _ in there):
        return False
    if place is None or key > there[-1][0]:
        date = draft.append(collection, item, known.id, new._replace(ends=known.ends), first=place is None)
        if place is not None:
            draft.supersede(collection, kind, abs(place), date)
        known.places[collection] = -date
        draft.write()
        return True
    date = draft.date(collection, new.not_before)
    log = superseded_log(collection)
    row = (log, date, kind, known.id, uuid, moment(new.version), date, new.version, new.body)
    draft.connection.execute(_ARRIVE_LATE, row)
    draft.tally.count(collection, kind, superseded=1)
    mark_first(draft.connection, collection, known.id, abs(place))
    return True
