"""Sets of a log's records: what each held when it was last read, so that what it holds no more can be taken back.

A log's absent record means nothing by itself. A document that holds a set whole (a MISP event, an advisory) does mean
it. The store knows a record by its name and not by its set, so the names are remembered here, one small text a set:
``@`` and its version, where it has one, and the names, quoted as in a URL.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple
from urllib.parse import quote, unquote

from config.instant import Millis
from normalizers.records import Whole
from taxii_server.stores.base import Store


class _Known(NamedTuple):
    """A set as it is remembered."""

    version: Millis
    names: set[str]


class Wholes:
    """The sets of the document that is being read."""

    def __init__(self, store: Store, origin: str) -> None:
        self._store = store
        self._origin = origin
        #: name of a set -> what it is now, and the names of records that it held before
        self._sets: dict[str, tuple[Whole, set[str]]] = {}
        #: names of records that only an older version of their set holds
        self._outdated: set[str] = set()

    def begin(self, whole: Whole) -> None:
        """Before a record of the set is written: remember what it held and what it holds, for whoever comes after a
        crash. A version older than what is known says nothing of what the set holds."""
        known = self._known(whole)
        if whole.version < known.version:
            self._outdated.update(set(whole.records) - known.names)
            return
        self._outdated.difference_update(whole.records)
        self._sets[whole.name] = whole, known.names
        self._remember(whole, known, known.names.union(whole.records))

    def before(self, whole: Whole) -> set[str]:
        """The names of records that the set held."""
        return self._known(whole).names

    def outdated(self, name: str) -> bool:
        """Whether the record of this name is in the document as part of an older version of its set alone."""
        return name in self._outdated

    def absent(self) -> list[tuple[Whole, list[str]]]:
        """Each set and, sorted, the names of records that it held and holds no more."""
        gone = ((whole, sorted(before.difference(whole.records))) for whole, before in self._sets.values())
        return [(whole, names) for whole, names in gone if names]

    def end(self, waiting: Collection[str]) -> None:
        """All that they say is written, so that they hold what they hold now; and the records that are ``waiting``,
        since they are held for whoever may see them: what they were has to be known when they are read again."""
        for whole, before in self._sets.values():
            self._remember(whole, self._known(whole), before.intersection(waiting).union(whole.records))
        self._sets.clear()
        self._outdated.clear()

    def _known(self, whole: Whole) -> _Known:
        words = (self._store.value(self._place(whole.name)) or "").split()
        version = int(words.pop(0)[1:]) if words and words[0].startswith("@") else 0
        return _Known(version, {unquote(word) for word in words})

    def _remember(self, whole: Whole, known: _Known, names: set[str]) -> None:
        if known == (whole.version, names):
            return
        words = [f"@{whole.version}"] if whole.version else []
        self._store.set_value(self._place(whole.name), " ".join([*words, *sorted(map(quote, names))]))

    def _place(self, name: str) -> str:
        return f"records/{self._origin}/{name}"
