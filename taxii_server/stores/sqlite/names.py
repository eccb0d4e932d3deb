"""Numbers for names that stand in many rows: scopes, object types, collections."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from taxii_server.stores.sqlite.database import Database


class Names:
    """The rows (id, name) of one table. A name's number never changes, so that it need be read only once."""

    def __init__(self, database: Database, table: Literal["word", "collection"]) -> None:
        self._database = database
        self._find = f"SELECT id FROM {table} WHERE name = ?"  # noqa: S608
        self._all = f"SELECT id, name FROM {table}"  # noqa: S608
        self._add = f"INSERT INTO {table} (name) VALUES (?) ON CONFLICT DO NOTHING"  # noqa: S608
        self._numbers: dict[str, int] = {}
        self._names: dict[int, str] = {}

    def number(self, name: str) -> int | None:
        """Its number, if it has one."""
        number = self._numbers.get(name)
        if number is None:
            for (number,) in self._database.rows(self._find, (name,)):
                self._remember(number, name)
        return number

    def numbers(self, names: Iterable[str]) -> dict[str, int]:
        """Their numbers, given now where there was none.

        New ones are committed at once, in a transaction of their own: so nobody remembers one that was undone.
        """
        wanted = set(names)
        missing = sorted(name for name in wanted if self.number(name) is None)
        if missing:
            with self._database.writing() as connection:
                connection.executemany(self._add, [(name,) for name in missing])
        return {name: self._given(name) for name in wanted}

    def _given(self, name: str) -> int:
        number = self.number(name)
        if number is None:
            raise KeyError(name)
        return number

    def name(self, number: int) -> str:
        """The name of a number that was given. Raises KeyError."""
        if number not in self._names:
            for known, name in self._database.rows(self._all):
                self._remember(known, name)
        return self._names[number]

    def _remember(self, number: int, name: str) -> None:
        self._numbers[name] = number
        self._names[number] = name
