"""Sets of a log's records: what each held when it was last read, so that what it holds no more can be taken back.

A log's absent record means nothing by itself. A document that holds a set whole (a MISP event) does mean it. The store
knows a record by its name and not by its set, so the names are remembered here, one small text a set.
"""

from __future__ import annotations

from collections.abc import Collection

from normalizers.records import Whole
from taxii_server.stores.base import Store


class Wholes:
    """The sets of the document that is being read."""

    def __init__(self, store: Store, origin: str) -> None:
        self._store = store
        self._origin = origin
        #: name of a set -> what it is now, and the names of records that it held before
        self._sets: dict[str, tuple[Whole, set[str]]] = {}

    def begin(self, whole: Whole) -> None:
        """Before a record of the set is written: remember what it held and what it holds, for whoever comes after a
        crash."""
        before = self.before(whole)
        self._sets[whole.name] = whole, before
        if not before.issuperset(whole.records):
            self._remember(whole.name, before.union(whole.records))

    def before(self, whole: Whole) -> set[str]:
        """The names of records that the set held."""
        return set((self._store.value(self._place(whole.name)) or "").split())

    def absent(self) -> list[tuple[str, list[str]]]:
        """Of each set its edition and, sorted, the names of records that it held and holds no more."""
        gone = ((whole.edition, sorted(before.difference(whole.records))) for whole, before in self._sets.values())
        return [(edition, names) for edition, names in gone if names]

    def end(self, waiting: Collection[str]) -> None:
        """All that they say is written, so that they hold what they hold now; and the records that are ``waiting``,
        since they are held for whoever may see them: what they were has to be known when they are read again."""
        for name, (whole, before) in self._sets.items():
            now = before.intersection(waiting).union(whole.records)
            if before != now:
                self._remember(name, now)
        self._sets.clear()

    def _remember(self, name: str, records: set[str]) -> None:
        self._store.set_value(self._place(name), " ".join(sorted(records)))

    def _place(self, name: str) -> str:
        return f"records/{self._origin}/{name}"
