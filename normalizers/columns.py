"""Columns: what the rows of documents have, whether the feed reads it or not, and who may see those rows.

A publisher that renames a column which may be missing breaks nothing that can be seen in one document alone; it shows
beside the one before.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, NamedTuple, Protocol, runtime_checkable

import orjson

from collectors.document import Document
from config.audience import Audience, sees
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


@runtime_checkable
class Marked(Protocol):
    """A format whose rows have members of fixed names, and may say themselves who may see them."""

    #: names of those that are read and would be missed, as ``marked_cells`` gives them
    members: ClassVar[tuple[str, ...]]
    #: those that a row may have or not besides, which tells nothing
    besides: ClassVar[frozenset[str]]

    def marked_cells(self, document: Document, feed: Feed) -> Iterator[tuple[Audience, Mapping[str, Any]]]:
        """Who may see each row, and all that it says. Raises :class:`normalizers.records.UnreadableDocument`."""


class Row(NamedTuple):
    """What one row has."""

    audience: Audience
    #: of all that it says: sixteen characters
    digest: str
    #: the columns that are read in which it has something
    filled: frozenset[str]


class Columns(NamedTuple):
    """What the rows have that somebody may see."""

    #: the columns that the feed reads
    read: tuple[str, ...]
    #: in order
    rows: list[Row]
    #: columns that have something and are not read
    unread: list[str]

    @property
    def telling(self) -> bool:
        """Whether there are enough rows to say anything."""
        return len(self.rows) >= ENOUGH

    @property
    def filled(self) -> Counter[str]:
        """How many rows have something in each column that is read, and has something in any."""
        return Counter(name for row in self.rows for name in row.filled)

    @property
    def shares(self) -> dict[str, int]:
        """Of a hundred rows, how many have something in each column that is read."""
        filled = self.filled
        return {name: filled[name] * 100 // len(self.rows) for name in self.read} if self.rows else {}


class Survey(NamedTuple):
    """What the rows of documents have."""

    read: tuple[str, ...]
    rows: list[Row]
    #: columns that have something and are not read, in order of appearance, by who may see their rows
    unread: dict[Audience, dict[str, None]]
    #: how many rows anybody looks at; None for all
    most: int | None = None

    @property
    def audiences(self) -> frozenset[Audience]:
        """For whom there is a row."""
        return frozenset(row.audience for row in self.rows)

    def seen_by(self, reader: Audience) -> Columns:
        """What the first rows have that reader may see, as if there were no others."""
        rows = [row for row in self.rows if sees(reader, row.audience)][: self.most]
        unread = dict.fromkeys(
            name for audience, names in self.unread.items() if sees(reader, audience) for name in names
        )
        return Columns(self.read, rows, list(unread))


def survey(
    documents: Iterable[Document], feed: Feed, readers: Iterable[Audience], *, every: bool = False
) -> Survey | None:
    """What the first thousand rows have that each of these ``readers`` may see, or ``every`` row; None where the format
    has no columns. Raises :class:`normalizers.records.UnreadableDocument`."""
    form = reading(feed)
    if not isinstance(form, Tabular | Structured | Marked):
        return None
    looking = _Looking(form, None if every else MOST_ROWS)
    left = dict.fromkeys(readers, MOST_ROWS)
    for document in documents:
        for audience, row in _rows(form, document, feed):
            waiting = [reader for reader in left if sees(reader, audience)]
            if waiting or every:
                looking.look(audience, row)
            left |= {reader: left[reader] - 1 for reader in waiting}
            left = {reader: count for reader, count in left.items() if count}
            if not left and not every:
                break
    return looking.found


def _rows(
    form: Tabular | Structured | Marked, document: Document, feed: Feed
) -> Iterator[tuple[Audience, Mapping[str, Any]]]:
    if isinstance(form, Marked):
        return form.marked_cells(document, feed)
    return ((feed.audience, row) for row in form.cells(document))


class _Looking:
    """Looks at row after row."""

    def __init__(self, form: Tabular | Structured | Marked, most: int | None) -> None:
        #: words that mean that nothing is there
        self._absent = frozenset(form.fields.absent if isinstance(form, Tabular) else ())
        #: path of what lies in a row -> the columns that it fills
        self._fills: dict[str, frozenset[str]] = {}
        self._besides = form.besides if isinstance(form, Marked) else frozenset[str]()
        read = form.fields.columns() if isinstance(form, Tabular) else form.members
        self.found = Survey(tuple(read), [], {}, most)

    def look(self, audience: Audience, row: Mapping[str, Any]) -> None:
        """Look at a row."""
        filled: set[str] = set()
        unread = self.found.unread.setdefault(audience, {})
        for path, value in leaves({name: value for name, value in row.items() if name not in self._besides}):
            if isinstance(value, str) and (value in self._absent or value.isspace()):
                continue
            fills = self._filled_by(path)
            filled |= fills
            if not fills and len(unread) < _MOST_COLUMNS:
                unread[path] = None
        digest = hashlib.blake2b(_text_of(row), digest_size=8).hexdigest()
        self.found.rows.append(Row(audience, digest, frozenset(filled)))

    def _filled_by(self, path: str) -> frozenset[str]:
        fills = self._fills.get(path)
        if fills is None:
            fills = frozenset(name for name in self.found.read if f"{path}.".startswith(f"{name}."))
            if len(self._fills) < _MOST_COLUMNS:
                self._fills[path] = fills
        return fills


def _text_of(row: Mapping[str, Any]) -> bytes:
    """What tells a row from another; nothing where it is nested too deeply."""
    try:
        return orjson.dumps(row)
    except orjson.JSONEncodeError:
        return b""


def leaves(row: Mapping[str, Any], above: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Paths within a record, and what lies there; what is nothing is left out."""
    for name, value in row.items():
        if isinstance(value, dict) and depth < _DEEPEST:
            yield from leaves(value, f"{above}{name}.", depth + 1)
        elif value is not None and value != "" and value != []:
            yield f"{above}{name}", value
