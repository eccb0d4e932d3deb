"""What one write transaction will do to objects and logs, gathered so that it is written in few statements."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable
from operator import itemgetter
from typing import Any

from config.instant import Micros, Millis
from taxii_server.stores.base import Publication
from taxii_server.stores.sqlite.batches import insert
from taxii_server.stores.sqlite.objects import Absent, ObjectRow, largest_id, rows_of
from taxii_server.stores.sqlite.places import Places, latest_log, moment, pack, unpack
from taxii_server.stores.sqlite.settling import settle

#: (uuid, number of the type, number of the scope)
ObjectId = tuple[bytes, int, int]

_OBJECT = "object (id, scope, type, key, generation, created, version, digest, revoked, ends, owner, places)"
_LATER_VERSION = """
    UPDATE object SET key = ?, generation = ?, created = ?, version = ?, digest = ?, revoked = ?, ends = ?, owner = ?,
        places = ? WHERE id = ?
"""
_LATEST = "entry (log, type, seq, object, uuid, first, moment, ends, version, body)"
_SUPERSEDE = "UPDATE entry SET log = log + 1, replaced = ?, ends = 0 WHERE log = ? AND seq = ?"


class Known:
    """An object as this transaction knows it."""

    __slots__ = ("ends", "id", "places", "version")

    def __init__(self, id_: int, version: str, ends: Millis, places: Places) -> None:
        self.id = id_
        self.version = version
        self.ends = ends
        self.places = places


class _Dates(dict[int, Micros]):
    """The last date given in each collection that this transaction writes to."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __missing__(self, collection: int) -> Micros:
        sql = "SELECT last FROM collection WHERE id = ?"
        ((last,),) = self._connection.execute(sql, (collection,)).fetchall()
        self[collection] = last
        return int(last)

    def write(self) -> None:
        changes = [(last, collection) for collection, last in self.items()]
        self._connection.executemany("UPDATE collection SET last = ? WHERE id = ?", changes)


class Tally:
    """Changes to how many entries of each type a collection holds."""

    def __init__(self) -> None:
        self._latest: defaultdict[tuple[int, int], int] = defaultdict(int)
        self._superseded: defaultdict[tuple[int, int], int] = defaultdict(int)

    def count(self, collection: int, kind: int, latest: int = 0, superseded: int = 0) -> None:
        """So many more, or fewer."""
        self._latest[collection, kind] += latest
        self._superseded[collection, kind] += superseded

    def write(self, connection: sqlite3.Connection) -> None:
        """Add them to what is stored."""
        changes = [(*place, latest, self._superseded[place]) for place, latest in self._latest.items()]
        connection.executemany(
            "INSERT INTO tally (collection, type, latest, superseded) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE "
            "SET latest = latest + excluded.latest, superseded = superseded + excluded.superseded",
            changes,
        )


class Draft:
    """The rows of new and later versions. Holds at most one version of an object: then :meth:`write` it first."""

    def __init__(self, connection: sqlite3.Connection, now: Micros) -> None:
        self.connection = connection
        ((floor,),) = connection.execute("SELECT coalesce(max(floor), 0) FROM restored").fetchall()
        self._now: Micros = max(now, floor + 1)
        self._dates = _Dates(connection)
        self.tally = Tally()
        self.touched: set[ObjectId] = set()
        #: the objects that are stored or about to be
        self.known: dict[ObjectId, Known] = {}
        self._last_id = largest_id(connection)
        self._objects: list[tuple[Any, ...]] = []
        self._found_by: list[tuple[bytes, int]] = []
        self._later: list[tuple[Any, ...]] = []
        self._placed: list[tuple[bytes, int]] = []
        self._superseded: list[tuple[Micros, int, Micros]] = []
        self._ends: list[tuple[Millis, int, Micros]] = []
        self._latest: defaultdict[int, list[tuple[Any, ...]]] = defaultdict(list)

    def read(self, uuids: Iterable[bytes], absent: Absent) -> None:
        """Learn what is stored about objects with those UUIDs; ``absent`` are some of which nothing was."""
        known = absent.uuids if absent.last_id == self._last_id else ()
        for row in rows_of(self.connection, set(uuids).difference(known)):
            self.known[row.uuid, row.type, row.scope] = _known(row)

    def add(self, item: ObjectId, new: Publication, collections: Iterable[int]) -> None:
        """A new object."""
        uuid, kind, scope = item
        number = self._last_id = self._last_id + 1
        places = {name: self.append(name, item, number, new) for name in collections}
        self.known[item] = Known(number, new.version, new.ends, places)
        self._objects.append((number, scope, kind, *_state(new), pack(places)))
        self._found_by.append((uuid, number))
        self.touched.add(item)

    def advance(
        self, item: ObjectId, known: Known, new: Publication, collections: Iterable[int], *, later: bool
    ) -> bool:
        """A version ``later`` than the latest, or the latest again; gives whether it entered any collection."""
        places = {name: -abs(seq) for name, seq in known.places.items()} if later else dict(known.places)
        entering = [name for name in collections if later or known.places.get(name, -1) < 0]
        if not later:
            new = new._replace(ends=known.ends)  # what is said of the object is what its latest version said first
        for name in entering:
            before = places.get(name)
            date = self.append(name, item, known.id, new, first=before is None)
            if before is not None:
                self.supersede(name, item[1], abs(before), date)
            places[name] = date
        if later:
            if new.ends != known.ends:
                self._ends += [(new.ends, latest_log(name), -seq) for name, seq in places.items() if seq < 0]
            known.version, known.ends = new.version, new.ends
            self._later.append((*_state(new), pack(places), known.id))
        elif entering:
            self._placed.append((pack(places), known.id))
        known.places = places
        self.touched.add(item)
        return bool(entering)

    def supersede(self, collection: int, kind: int, seq: Micros, date: Micros) -> None:
        """The entry at ``seq`` is the latest no more since ``date``."""
        self._superseded.append((date, latest_log(collection), seq))
        self.tally.count(collection, kind, latest=-1, superseded=1)

    def append(self, collection: int, item: ObjectId, number: int, new: Publication, *, first: bool = True) -> Micros:
        """A latest entry; gives its date."""
        uuid, kind, _ = item
        version = new.version
        date = self.date(collection, new.not_before)
        self._latest[collection].append(
            (latest_log(collection), kind, date, number, uuid, first, moment(version), new.ends, version, new.body)
        )
        return date

    def date(self, collection: int, not_before: Micros) -> Micros:
        """The next date in a collection: unique and rising there, whatever the clock does."""
        date = self._dates[collection] + 1
        if date < self._now:
            date = self._now
        if date < not_before:
            date = not_before
        self._dates[collection] = date
        return date

    def write(self) -> None:
        """Write what was gathered, and begin anew."""
        connection = self.connection
        # In the order of each table: then every page of it is come to once.
        insert(connection, _OBJECT, self._objects)
        insert(connection, "object_recent (uuid, id)", sorted(self._found_by))
        settle(connection, "object", len(self._found_by))
        connection.executemany(_LATER_VERSION, sorted(self._later, key=itemgetter(-1)))
        connection.executemany("UPDATE object SET places = ? WHERE id = ?", sorted(self._placed, key=itemgetter(-1)))
        connection.executemany(_SUPERSEDE, sorted(self._superseded, key=itemgetter(1, 2)))
        connection.executemany("UPDATE entry SET ends = ? WHERE log = ? AND seq = ?", self._ends)
        for collection, rows in self._latest.items():
            insert(connection, _LATEST, rows)
            for kind, count in Counter([row[1] for row in rows]).items():
                self.tally.count(collection, kind, latest=count)
        for gathered in (self._objects, self._found_by, self._later, self._placed, self._superseded, self._ends):
            gathered.clear()
        self._latest.clear()
        self.touched.clear()

    def finish(self) -> None:
        """Write everything, counts and dates too."""
        self.write()
        self.tally.write(self.connection)
        self._dates.write()


def _known(row: ObjectRow) -> Known:
    return Known(row.id, row.version, row.ends, unpack(row.places))


def _state(new: Publication) -> tuple[Any, ...]:
    # Taken apart at once: each member by its name takes as long as all of them so.
    _, _, _, version, created, _, digest, _, _, _, key, generation, revoked, ends, owner = new
    return (key, generation, created, version, digest, revoked, ends, owner)
