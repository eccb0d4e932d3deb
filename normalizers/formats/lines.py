"""Lines of one form, of which a pattern tells the parts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from pydantic import model_validator

from collectors.document import Document
from config.audience import Audience
from config.entry import Entry
from config.feeds import Feed
from normalizers.bad_value import BadValue
from normalizers.cells import Rows
from normalizers.claims import Claim
from normalizers.fields import Fields
from normalizers.records import Refusal, refusal
from normalizers.sources import Source
from normalizers.texts import Encoding, check_encoding, lines

#: No line of any list is longer, and what a pattern does with a longer one nobody has tried.
_LONGEST = 4_096


class Format(Entry):
    """A document of lines. Columns are the named groups of the pattern that a row matches."""

    marks: ClassVar[bool] = False
    kind: Literal["lines"]
    #: a pattern of a whole row without the blanks around it, with a named group for each column
    row: str
    fields: Fields
    encoding: Encoding = "utf-8"
    #: lines that begin with one of these are comments
    comments: tuple[str, ...] = ("#", ";", "//")
    #: what to do with lines of another form: they are not rows of this feed, or rows that cannot be read
    others: Literal["pass", "refuse"] = "refuse"

    @model_validator(mode="after")
    def _sound(self) -> Format:
        try:
            named = re.compile(self.row).groupindex
        except re.error as error:
            raise ValueError(f"row: expected a pattern, got one that is none: {error}") from None
        missing = [name for name in self.fields.columns() if name not in named]
        if missing:
            raise ValueError(f"row: expected a group for each column, got none for {', '.join(missing)}")
        return self

    def read(self, document: Document, feed: Feed) -> Iterator[Claim | Refusal]:
        """See :class:`normalizers.reading.Reading`."""
        rows = Rows(self.fields, Source(feed, document), document)
        for number, cells in self._rows(document):
            try:
                if cells is None:
                    raise BadValue("columns", "expected a line of the form that the feed's file gives")
                yield rows.claim(cells)
            except BadValue as error:
                yield refusal(number, error)

    def cells(self, document: Document) -> Iterator[dict[str, Any]]:
        """All parts of each row, by the name of their group."""
        pattern = re.compile(self.row)
        for _, text in self._texts(document):
            found = pattern.fullmatch(text) if len(text) <= _LONGEST else None
            if found is not None:
                yield found.groupdict()

    def check(self, document: Document, feed: Feed) -> Counter[Audience]:
        """See :class:`normalizers.reading.Reading`."""
        check_encoding(document, self.encoding, "lines of text")
        return Counter({feed.audience: sum(1 for _ in self._rows(document))})

    def _rows(self, document: Document) -> Iterator[tuple[int, tuple[Any, ...] | None]]:
        """Line and cells; None in place of them where the line has another form."""
        pattern, columns = re.compile(self.row), self.fields.columns()
        for number, text in self._texts(document):
            found = pattern.fullmatch(text) if len(text) <= _LONGEST else None
            if found is not None:
                yield number, tuple([found[name] for name in columns])
            elif self.others == "refuse":
                yield number, None

    def _texts(self, document: Document) -> Iterator[tuple[int, str]]:
        for number, line in enumerate(lines(document, self.encoding), start=1):
            text = line.strip()
            if text and not text.startswith(self.comments):
                yield number, text
