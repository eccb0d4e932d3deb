"""One JSON object a line, one of which may speak of the document itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Literal

import orjson
from pydantic import Field

from collectors.document import Document
from config.audience import Audience
from config.entry import Entry
from config.feeds import Feed
from config.instant import Millis
from normalizers.bad_value import BadValue
from normalizers.cells import Rows
from normalizers.claims import Claim
from normalizers.familiar import Familiar
from normalizers.fields import Fields
from normalizers.jsons import cells as cells_at
from normalizers.records import Refusal, UnreadableDocument, refusal
from normalizers.sources import Source
from normalizers.texts import lines, refuse_html
from normalizers.times import time_reader


class Metadata(Entry):
    """The line that speaks of the document."""

    #: members that tell it from a record
    where: dict[str, str] = Field(min_length=1)
    #: member that holds the number of records
    total: str | None = None
    #: member that holds the document's own time, in seconds since 1970
    updated: str | None = None


class Format(Entry):
    """JSON lines. Columns are paths within a record."""

    marks: ClassVar[bool] = False
    passes: ClassVar[bool] = True
    kind: Literal["jsonl"]
    fields: Fields
    #: a document without that line was cut off
    metadata: Metadata | None = None

    def read(self, document: Document, feed: Feed, familiar: Familiar | None = None) -> Iterator[Claim | Refusal]:
        """See :class:`normalizers.reading.Reading`."""
        # The line that tells the document's time is the last one, so it takes a pass of its own.
        _, updated = self._survey(document)
        source = Source(feed, document, updated)
        rows = Rows(self.fields, source, document)
        cells = cells_at(self.fields.columns())
        if familiar is not None:
            familiar.begin(document.name, source.moment)
        for number, record in _objects(document, familiar.passes if familiar is not None else None):
            if self._is_metadata(record):
                continue
            try:
                if not isinstance(record, dict):
                    raise BadValue("bad-record", "expected one whole JSON object in the line")
                yield rows.claim(cells(record))
            except BadValue as error:
                yield refusal(number, error)

    def cells(self, document: Document) -> Iterator[dict[str, Any]]:
        """The records that are objects."""
        for _, record in _objects(document):
            if isinstance(record, dict) and not self._is_metadata(record):
                yield record

    def check(self, document: Document, feed: Feed) -> Counter[Audience]:
        """See :class:`normalizers.reading.Reading`."""
        refuse_html(document, "JSON lines")
        count, _ = self._survey(document)
        return Counter({feed.audience: count})

    def _survey(self, document: Document) -> tuple[int, Millis | None]:
        """The number of records and the document's own time. Raises :class:`UnreadableDocument`."""
        count = 0
        readable = 0
        about: dict[str, Any] | None = None
        for _, record in _objects(document):
            if self._is_metadata(record):
                about = record
                continue
            count += 1
            readable += isinstance(record, dict)
        if count and not readable and about is None:
            raise UnreadableDocument(f"{document.name}: expected one JSON object a line, got none in {count} lines")
        if self.metadata is None or (count == 0 and about is None):
            return count, None
        if about is None:
            raise UnreadableDocument(f"{document.name}: expected a line about the document, got none: it was cut off")
        stated = about.get(self.metadata.total) if self.metadata.total else None
        if self.metadata.total and stated != count:
            raise UnreadableDocument(f"{document.name}: expected {stated!r} records as it says, got {count}")
        return count, self._updated(document, about)

    def _updated(self, document: Document, about: dict[str, Any]) -> Millis | None:
        if self.metadata is None or self.metadata.updated is None:
            return None
        try:
            return time_reader("epoch", None)(about.get(self.metadata.updated))
        except BadValue as error:
            raise UnreadableDocument(f"{document.name}: {self.metadata.updated}: {error}") from None

    def _is_metadata(self, record: Any) -> bool:
        return (
            self.metadata is not None
            and isinstance(record, dict)
            and all(record.get(name) == value for name, value in self.metadata.where.items())
        )


def _objects(document: Document, passes: Callable[[str], bool] | None = None) -> Iterator[tuple[int, Any]]:
    """Line numbers and what the lines hold; None where that is no JSON."""
    for number, line in enumerate(lines(document, "utf-8"), start=1):
        if passes is not None and passes(line):
            continue
        if line.isspace():
            continue
        try:
            yield number, orjson.loads(line)
        except (orjson.JSONDecodeError, RecursionError):
            yield number, None
