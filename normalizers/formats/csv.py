"""Comma-separated values (RFC 4180) as publishers really write them.

Columns are read by name, so that a new one does no harm. The header is a row, or one of the comments before the rows.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from collectors.document import Document
from config.audience import Audience
from config.entry import Entry
from config.feeds import Feed
from config.instant import Millis
from normalizers.bad_value import BadValue, shown
from normalizers.cells import Rows
from normalizers.claims import Claim
from normalizers.familiar import Familiar
from normalizers.fields import Fields
from normalizers.records import Refusal, UnreadableDocument, refusal
from normalizers.sources import Source, moment_of
from normalizers.texts import Encoding, check_encoding, lines
from normalizers.times import ZONES, time_reader

_MOST_LINES = 200


#: One row: the line it begins on, and the cells of the columns that are read.
Row = tuple[int, tuple[Any, ...]]


class Format(Entry):
    """A CSV document."""

    marks: ClassVar[bool] = False
    passes: ClassVar[bool] = True
    kind: Literal["csv"]
    fields: Fields
    encoding: Encoding = "utf-8"
    #: one character, or the word ``tab``
    delimiter: str = Field(default=",", pattern=r"^(tab|.)$")
    #: lines that begin with it are comments; "" where there are none
    comment: str = "#"
    #: where the names of the columns stand
    header: Literal["row", "comment", "none"] = "row"
    #: the names, where the document has none
    columns: tuple[str, ...] = ()
    #: other names that a column goes by: column -> names
    aliases: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    #: blanks after the delimiter are no part of the value
    skip_spaces: bool = False
    #: blanks on either side of the delimiter are no part of the value
    padded: bool = False
    #: whether a value may stand in quotes; where it may not, quotes are characters like others
    quotes: bool = True
    #: a pattern that finds the document's own time in its comments, in its first group
    updated: str | None = None
    #: how that time is written, by default as the rows' times are
    updated_time: str | None = None
    #: a comment that is always there at the end; a document without it was cut off
    end: str | None = None
    #: a pattern that finds the number of rows in its comments; a document without that comment was cut off
    total: str | None = None

    @field_validator("updated", "total")
    @classmethod
    def _sound(cls, value: str | None) -> str | None:
        if value is not None and re.compile(value).groups != 1:
            raise ValueError(f"expected a pattern with one group, got {value!r}")
        return value

    @field_validator("updated_time")
    @classmethod
    def _form(cls, value: str | None) -> str | None:
        if value is not None:
            time_reader(value, None)
        return value

    @property
    def between(self) -> str:
        """The delimiter itself."""
        return "\t" if self.delimiter == "tab" else self.delimiter

    def read(self, document: Document, feed: Feed, familiar: Familiar | None = None) -> Iterator[Claim | Refusal]:
        """See :class:`normalizers.reading.Reading`."""
        table = _Table(self, document, familiar)
        rows: Rows | None = None
        for row in table.rows():
            if isinstance(row, Refusal):
                yield row
                continue
            if rows is None:  # the comments that tell the document's time have been read by now
                rows = Rows(self.fields, Source(feed, document, table.updated), document)
            line, cells = row
            try:
                yield rows.claim(cells)
            except BadValue as error:
                yield refusal(line, error)

    def cells(self, document: Document) -> Iterator[dict[str, str]]:
        """All cells of each row that has as many as the header, by column."""
        table = _Table(self, document, every=True)
        for row in table.rows():
            if not isinstance(row, Refusal):
                yield dict(zip(table.names, row[1], strict=True))

    def check(self, document: Document, feed: Feed) -> Counter[Audience]:
        """See :class:`normalizers.reading.Reading`."""
        check_encoding(document, self.encoding, "CSV")
        return Counter({feed.audience: sum(1 for _ in _Table(self, document).rows())})


class _Table:
    """One document on its way from lines to rows."""

    def __init__(
        self, options: Format, document: Document, familiar: Familiar | None = None, *, every: bool = False
    ) -> None:
        """``every``: rows hold all cells, and not those alone that are read."""
        self._every = every
        #: of the columns, once the header was passed
        self.names: list[str] = []
        self._options = options
        self._document = document
        self._familiar = familiar
        #: what passes over known rows, once it is known what columns they have
        self._passes: Callable[[str], bool] | None = None
        self._comments: list[str] = []
        self._number = 0
        self._start = 0
        #: the document's own time, once its comment was passed
        self.updated: Millis | None = None

    def rows(self) -> Iterator[Row | Refusal]:
        """The rows, the header left out. Raises :class:`UnreadableDocument`."""
        reader = self._reader()
        pick: Callable[[Any], tuple[Any, ...]] | None = None
        width = 0
        count = 0
        while True:
            self._start = 0
            try:
                cells = next(reader)
            except StopIteration:
                break
            except csv.Error:
                count += 1
                yield self._broken_quotes(in_header=pick is None)
                continue
            if not cells:
                continue
            if pick is None:
                self.names, is_row = self._header(cells)
                pick, width = tuple if self._every else self._picker(self.names), len(self.names)
                self._begin(self.names)
                if is_row:
                    continue
            count += 1
            if len(cells) == width:
                yield self._start, pick(cells)
            else:
                yield Refusal(self._start, "columns", f"expected {width} columns, got {len(cells)}")
        if self._familiar is not None:
            count += self._familiar.passed
        self._finish(count, seen_any=pick is not None)

    def _reader(self) -> Iterator[list[str]]:
        options = self._options
        return csv.reader(
            self._lines(),
            delimiter=options.between,
            skipinitialspace=options.skip_spaces or options.padded,
            quoting=csv.QUOTE_MINIMAL if options.quotes else csv.QUOTE_NONE,
            strict=True,
        )

    def _broken_quotes(self, *, in_header: bool) -> Refusal:
        if in_header:
            raise UnreadableDocument(f"{self._document.name}: expected a header, got broken quotes") from None
        return Refusal(self._start, "bad-quotes", "expected fields quoted as RFC 4180 says, got broken quotes")

    def _begin(self, names: list[str]) -> None:
        """From here on known rows are passed over: the first one never is, but where it holds the names."""
        if self._familiar is not None:
            context = "\0".join([self._document.name, *names])
            self._familiar.begin(context, moment_of(self._document, self.updated))
            self._passes = self._familiar.passes

    def _lines(self) -> Iterator[str]:
        """Lines for the CSV reader. It asks for one either to begin a row, when ``_start`` is 0, or to go on in it."""
        mark = self._options.comment
        for line in lines(self._document, self._options.encoding):
            self._number += 1
            if self._start == 0:
                if mark and line.startswith(mark):
                    self._comment(line.rstrip("\r\n"))
                    continue
                if self._passes is not None and self._passes(line):
                    continue
                self._start = self._number
            elif self._number - self._start > _MOST_LINES:
                raise UnreadableDocument(
                    f"{self._document.name}: line {self._start}: expected the end of a quoted field, got none in "
                    f"{_MOST_LINES} lines"
                )
            elif self._familiar is not None:
                self._familiar.digest = b""  # what this line means depends on those before it
            yield line

    def _comment(self, line: str) -> None:
        if len(self._comments) < 1_000:
            self._comments.append(line)
        else:
            self._comments[-1] = line
        if self._options.updated and self.updated is None:
            found = re.search(self._options.updated, line)
            if found is not None:
                zone = ZONES[self._options.fields.zone or "UTC"]
                try:
                    self.updated = time_reader(self._options.updated_time or self._options.fields.time, zone)(found[1])
                except BadValue as error:
                    raise UnreadableDocument(f"{self._document.name}: line {self._number}: {error}") from None

    def _header(self, first: list[str]) -> tuple[list[str], bool]:
        """The names of the columns, and whether ``first`` was their row."""
        if self._options.header == "none":
            return list(self._options.columns), False
        if self._options.header == "row":
            return self._known([name.strip() for name in first]), True
        wanted = set(self._options.fields.columns())
        best: list[str] = []
        for comment in self._comments:
            names = self._known(self._names(comment.removeprefix(self._options.comment).strip()))
            if len(wanted & set(names)) > len(wanted & set(best)):
                best = names
        return best, False

    def _known(self, names: list[str]) -> list[str]:
        """The names with those by which the feed's file knows them."""
        absent = {name: aliases for name, aliases in self._options.aliases.items() if name not in names}
        known = {alias: name for name, aliases in absent.items() for alias in aliases}
        return [known.get(name, name) for name in names]

    def _names(self, text: str) -> list[str]:
        rows = csv.reader([text], delimiter=self._options.between, skipinitialspace=True)
        try:
            return [name.strip() for name in next(rows, [])]
        except csv.Error:
            return []

    def _picker(self, names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
        wanted = self._options.fields.columns()
        required = [name for name in wanted if name not in self._options.fields.optional]
        missing = [name for name in required if name not in names]
        if missing:
            expected, got = ", ".join(missing), shown(",".join(names))
            raise UnreadableDocument(f"{self._document.name}: header: expected columns {expected}, got {got}")
        places = [names.index(name) if name in names else -1 for name in wanted]
        if self._options.padded:
            return lambda cells: tuple([cells[place].strip() if place >= 0 else None for place in places])
        if len(places) > 1 and -1 not in places:
            return itemgetter(*places)
        return lambda cells: tuple([cells[place] if place >= 0 else None for place in places])

    def _finish(self, count: int, *, seen_any: bool) -> None:
        """Compare the number of rows with what the document says of it."""
        if self._number == 0 and not seen_any:
            return
        end = self._options.end
        if end is not None and all(comment.strip() != end for comment in self._comments):
            raise UnreadableDocument(f"{self._document.name}: expected {end!r} at the end, got no end")
        if self._options.total is None:
            return
        stated = [found[1] for found in (re.search(self._options.total, line) for line in self._comments) if found]
        if not stated:
            raise UnreadableDocument(f"{self._document.name}: expected its number of rows at the end, got no end")
        if stated[-1] != str(count):
            raise UnreadableDocument(f"{self._document.name}: expected {stated[-1]} rows as it says, got {count}")
