"""Reports written in AsciiDoc: values in tables under headings, and in the lists of sections.

Only what the feed's file names is read: a report names much else, such as files, registry keys and what it refers to.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import ClassVar, Literal, NamedTuple

from pydantic import Field, field_validator

from collectors.document import Document
from config.audience import Audience
from config.entry import Entry
from config.feeds import Feed
from normalizers.bad_value import BadValue
from normalizers.claims import Claim
from normalizers.fields import KINDS
from normalizers.labels import label_of
from normalizers.records import Refusal, UnreadableDocument, refusal
from normalizers.sources import Source
from normalizers.texts import check_encoding, lines
from normalizers.values import canonical

_HEADING = re.compile(r"(={1,6}) +(\S.*)")
_ITEM = re.compile(r"(?:\*{1,5}|-) +(\S.*)")
#: Monospace, with the pluses or without that let characters through as they are.
_QUOTED = re.compile(r"`\+{0,2}([^`+]{1,4000})\+{0,2}`")
_BLOCK = frozenset(("----", "...."))
_TABLE = re.compile(r"\|={3,}")
#: What a cell holds where there is nothing.
_NOTHING = frozenset(("", "-", "N/A"))


class _Said(NamedTuple):
    line: int
    #: as the report has it
    text: str
    #: what it is called there
    kind: str
    labels: tuple[str, ...]


class Format(Entry):
    """Reports in AsciiDoc."""

    marks: ClassVar[bool] = False
    kind: Literal["asciidoc"]
    #: heading of a table's column, whatever its case -> type of its values
    columns: dict[str, str] = Field(default_factory=dict)
    #: part of a section's title, whatever its case -> type of the values that its lists and literal blocks hold
    sections: dict[str, str] = Field(default_factory=dict)
    #: headings of columns whose cells are labels of their row
    labels: tuple[str, ...] = ()
    #: what the report's title may end with; what is before it is a label of all values
    title: tuple[str, ...] = ()

    @field_validator("columns", "sections")
    @classmethod
    def _known(cls, value: dict[str, str]) -> dict[str, str]:
        for kind in value.values():
            if kind not in KINDS - {"ip:port"}:
                raise ValueError(f"expected one of {', '.join(sorted(KINDS - {'ip:port'}))}, got {kind!r}")
        return {name.lower(): kind for name, kind in value.items()}

    def read(self, document: Document, feed: Feed) -> Iterator[Claim | Refusal]:
        """See :class:`normalizers.reading.Reading`."""
        source = Source(feed, document)
        for said in _Report(self, document).values():
            try:
                kind, value = canonical(said.kind, said.text)
                labels = [label for label in map(label_of, said.labels) if label]
                yield source.claim(kind, value, said=source.understood(labels))
            except BadValue as error:
                yield refusal(said.line, error)

    def check(self, document: Document, feed: Feed) -> Counter[Audience]:
        """See :class:`normalizers.reading.Reading`."""
        check_encoding(document, "utf-8", "a report in AsciiDoc")
        report = _Report(self, document)
        count = sum(1 for _ in report.values())
        if not report.headings and document.content.size:
            raise UnreadableDocument(f"{document.name}: expected a report in AsciiDoc, got no heading")
        return Counter({feed.audience: count})


class _Report:
    """One report on its way from lines to values."""

    def __init__(self, options: Format, document: Document) -> None:
        self._options = options
        self._document = document
        self._about: tuple[str, ...] = ()
        self._kind = ""
        self._block = ""
        self._head: list[str] | None = None
        self._in_table = False
        #: how many headings were passed
        self.headings = 0

    def values(self) -> Iterator[_Said]:
        """The values that the feed's file names, in order."""
        for number, line in enumerate(lines(self._document, "utf-8"), start=1):
            text = line.strip()
            if self._block:
                if text == self._block:
                    self._block = ""
                elif self._kind and text:
                    yield _Said(number, text, self._kind, self._about)
            elif text in _BLOCK:
                self._block = text
            elif _TABLE.fullmatch(text):
                self._in_table, self._head = not self._in_table, None
            elif self._in_table:
                yield from self._row(number, text)
            else:
                yield from self._outside(number, text)

    def _outside(self, number: int, text: str) -> Iterator[_Said]:
        heading = _HEADING.fullmatch(text)
        if heading is not None:
            self._begin(heading[2], len(heading[1]))
            return
        item = _ITEM.fullmatch(text) if self._kind else None
        if item is not None:
            quoted = _QUOTED.search(item[1])
            yield _Said(number, quoted[1] if quoted else item[1], self._kind, self._about)

    def _begin(self, title: str, level: int) -> None:
        self.headings += 1
        lowered = title.lower()
        self._kind = next((kind for part, kind in self._options.sections.items() if part in lowered), "")
        if level == 1:
            about = next((title.removesuffix(end) for end in self._options.title if title.endswith(end)), "")
            self._about = (about,) if about else ()

    def _row(self, number: int, text: str) -> Iterator[_Said]:
        """The values of a row that stands on one line, as nearly all do."""
        if not text.startswith("|"):
            return
        cells = [cell.strip() for cell in text.removeprefix("|").removesuffix("|").split("|")]
        if self._head is None:
            self._head = [cell.lower() for cell in cells]
            return
        row = dict(zip(self._head, cells, strict=False))
        labels = (*self._about, *(_unquoted(row.get(name.lower(), "")) for name in self._options.labels))
        for name, kind in self._options.columns.items():
            value = _unquoted(row.get(name, ""))
            if value not in _NOTHING:
                yield _Said(number, value, kind, labels)


def _unquoted(cell: str) -> str:
    quoted = _QUOTED.search(cell)
    return quoted[1] if quoted else cell
