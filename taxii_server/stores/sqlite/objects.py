"""What is never forgotten about objects, in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from config.instant import Millis
from taxii_server.stores.base import ObjectKey, ObjectState
from taxii_server.stores.sqlite.batches import chunks
from taxii_server.stores.sqlite.database import Database
from taxii_server.stores.sqlite.names import Names
from taxii_server.stores.sqlite.places import Places, unpack

_COLUMNS = """object.id, object.scope, object.type, object.key, object.generation, object.created, object.version,
    object.digest, object.revoked, object.ends, object.owner, object.places"""
_OF_UUIDS = f"""
    WITH wanted (uuid) AS (VALUES {{}})
    SELECT at.uuid, {_COLUMNS}
    FROM wanted CROSS JOIN object_recent at ON at.uuid = wanted.uuid CROSS JOIN object ON object.id = at.id
    UNION ALL
    SELECT at.uuid, {_COLUMNS}
    FROM wanted CROSS JOIN object_settled at ON at.uuid = wanted.uuid CROSS JOIN object ON object.id = at.id
"""  # noqa: S608
_OF_IDS = "SELECT id, places FROM object WHERE id IN ({})"


class ObjectRow(NamedTuple):
    """A row of ``object`` with the UUID that it was found by; scope and type are numbers of words."""

    uuid: bytes
    id: int
    scope: int
    type: int
    key: bytes
    generation: int
    created: str
    version: str
    digest: bytes
    revoked: int
    ends: Millis
    owner: str
    places: bytes


def rows_of(connection: sqlite3.Connection, uuids: Iterable[bytes]) -> Iterator[ObjectRow]:
    """All objects with those UUIDs, of whatever type and scope."""
    for marks, piece in chunks(sorted(set(uuids)), "(?)"):
        yield from map(ObjectRow._make, connection.execute(_OF_UUIDS.format(marks), piece).fetchall())


def largest_id(connection: sqlite3.Connection) -> int:
    """The id of the object that was added last; 0 before the first."""
    ((largest,),) = connection.execute("SELECT coalesce(max(id), 0) FROM object").fetchall()
    return int(largest)


def places_of(connection: sqlite3.Connection, ids: Iterable[int]) -> Iterator[tuple[int, Places]]:
    """The places of those objects, by id."""
    for marks, piece in chunks(sorted(set(ids))):
        for number, packed in connection.execute(_OF_IDS.format(marks), piece).fetchall():
            yield number, unpack(packed)


class Absent(NamedTuple):
    """What was asked for and not there. It still is not, as long as no object has been added: none is ever deleted."""

    #: the largest id then
    last_id: int
    uuids: frozenset[bytes]


class SqliteObjects:
    """The part of the store that knows objects."""

    _database: Database
    _words: Names
    _collections: Names
    #: of the last call: who publishes has asked just before
    _absent = Absent(-1, frozenset())

    def objects(self, scope: str, keys: Collection[ObjectKey]) -> dict[ObjectKey, ObjectState]:
        """See :class:`taxii_server.stores.base.Store`, as for all methods here."""
        number = self._words.number(scope)
        if number is None:
            return {}
        uuids = frozenset([uuid for _, uuid in keys])
        with self._database.reading() as connection:
            last_id = largest_id(connection)
            found = list(rows_of(connection, uuids))
        self._absent = Absent(last_id, uuids.difference([row.uuid for row in found]))
        rows = [row for row in found if row.scope == number]
        wanted = set(keys)
        states = (self._state(scope, row) for row in rows)
        return {(state.type, state.uuid): state for state in states if (state.type, state.uuid) in wanted}

    def _state(self, scope: str, row: ObjectRow) -> ObjectState:
        return ObjectState(
            scope=scope,
            type=self._words.name(row.type),
            uuid=row.uuid,
            key=row.key,
            generation=row.generation,
            created=row.created,
            version=row.version,
            digest=row.digest,
            revoked=bool(row.revoked),
            ends=row.ends,
            owner=row.owner,
            places={self._collections.name(number): abs(seq) for number, seq in unpack(row.places).items()},
        )

    def renew_digests(self, scope: str, digests: Mapping[ObjectKey, bytes]) -> None:
        number = self._words.number(scope)
        if number is None or not digests:
            return
        kinds = {self._words.number(kind): kind for kind, _ in digests}
        with self._database.writing() as connection:
            known = [
                (digests.get((kinds.get(row.type, ""), row.uuid)), row.id)
                for row in rows_of(connection, [uuid for _, uuid in digests])
                if row.scope == number
            ]
            changes = [change for change in known if change[0] is not None]
            connection.executemany("UPDATE object SET digest = ? WHERE id = ?", changes)
