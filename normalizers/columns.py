"""Columns: what the rows of a document have, whether the feed reads it or not.

A publisher that renames a column which may be missing breaks nothing that can be seen in one document alone; it shows
beside the one before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, ClassVar, NamedTuple, Protocol, runtime_checkable

from collectors.document import Document
from config.feeds import Feed
from normalizers.fields import Fields
from normalizers.reading import reading

#: rows that are looked at, and how many tell something
MOST_ROWS, ENOUGH = 1_000, 10
_MOST_COLUMNS = 200
_DEEPEST = 4


@runtime_checkable
class Tabular(Protocol):
    """A format whose rows have named columns."""

    fields: Fields

    def cells(self, document: Document) -> Iterator[Mapping[str, Any]]:
        """All that each row says, by column. Raises :class:`normalizers.records.UnreadableDocument`."""


@runtime_checkable
class Structured(Protocol):
    """A format whose rows have members of fixed names."""

    #: names of those that are read, as ``cells`` gives them
    members: ClassVar[tuple[str, ...]]

    def cells(self, document: Document) -> Iterator[Mapping[str, Any]]:
        """As :meth:`Tabular.cells`."""


class Columns(NamedTuple):
    """What the first rows of a document have."""

    #: how many rows were looked at
    rows: int
    #: column, or path of a member -> how many of them have something there; in order of appearance
    filled: dict[str, int]
    #: the columns that the feed reads
    read: tuple[str, ...]

    @property
    def telling(self) -> bool:
        """Whether there are enough rows to say anything."""
        return self.rows >= ENOUGH

    @property
    def unread(self) -> list[str]:
        """Columns that have something and are not read."""
        return [name for name, count in self.filled.items() if count and not self._covered(name)]

    def _covered(self, name: str) -> bool:
        return any(f"{name}.".startswith(f"{one}.") for one in self.read)

    @property
    def shares(self) -> dict[str, int]:
        """Of a hundred rows, how many have something in each column that is read."""
        return {name: self._count(name) * 100 // self.rows for name in self.read} if self.rows else {}

    def _count(self, name: str) -> int:
        return max((count for path, count in self.filled.items() if f"{path}.".startswith(f"{name}.")), default=0)


def columns(document: Document, feed: Feed) -> Columns | None:
    """What the first rows have; None where the format has no columns. Raises
    :class:`normalizers.records.UnreadableDocument`."""
    form = reading(feed)
    if not isinstance(form, Tabular | Structured):
        return None
    names, absent = _named(form)
    filled: Counter[str] = Counter()
    rows = 0
    for row in islice(form.cells(document), MOST_ROWS):
        rows += 1
        for name, value in leaves(row):
            if name in filled or len(filled) < _MOST_COLUMNS:
                filled[name] += not (isinstance(value, str) and (value in absent or value.isspace()))
    return Columns(rows, dict(filled), names)


def _named(form: Tabular | Structured) -> tuple[tuple[str, ...], frozenset[str]]:
    """The columns that are read, and the words that mean that nothing is there."""
    if isinstance(form, Tabular):
        return tuple(form.fields.columns()), frozenset(form.fields.absent)
    return form.members, frozenset()


def leaves(row: Mapping[str, Any], above: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Paths within a record, and what lies there; what is nothing is left out."""
    for name, value in row.items():
        if isinstance(value, dict) and depth < _DEEPEST:
            yield from leaves(value, f"{above}{name}.", depth + 1)
        elif value is not None and value != "" and value != []:
            yield f"{above}{name}", value
