"""JSON documents that hold a list of records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, ClassVar, Literal

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
from normalizers.jsons import Listed, at
from normalizers.jsons import cells as cells_at
from normalizers.records import Refusal, UnreadableDocument, refusal
from normalizers.sources import Source
from normalizers.times import ZONES, time_reader


class Status(Entry):
    """Where an API says how it went, for those that say so with HTTP status 200."""

    path: str
    #: words that mean that the records are there
    good: tuple[str, ...]
    #: words that mean that there are none, and that this is well
    empty: tuple[str, ...] = ()


class Format(Entry):
    """A JSON document. Columns are paths within a record, such as ``host.name``."""

    marks: ClassVar[bool] = False
    passes: ClassVar[bool] = True
    kind: Literal["json"]
    fields: Fields
    #: path of the records: a list, or an object whose members are records or lists of them
    records: str = ""
    status: Status | None = None
    #: path of the number of records
    total: str | None = None
    #: path of the document's own time
    updated: str | None = None

    def read(self, document: Document, feed: Feed, familiar: Familiar | None = None) -> Iterator[Claim | Refusal]:
        """See :class:`normalizers.reading.Reading`."""
        source = Source(feed, document, self._stated(document))
        rows, cells = Rows(self.fields, source, document), cells_at(self.fields.columns())
        if familiar is not None:
            familiar.begin(document.name, source.moment)
        listed = self._listed(document)
        for number, text in enumerate(self._records(document, listed), start=1):
            if familiar is not None and familiar.passes_text(text):
                continue
            record = listed.value(text)
            try:
                if not isinstance(record, dict):
                    raise BadValue("bad-record", f"expected a JSON object, got {type(record).__name__}")
                yield rows.claim(cells(record))
            except BadValue as error:
                yield refusal(number, error)

    def cells(self, document: Document) -> Iterator[dict[str, Any]]:
        """The records that are objects."""
        listed = self._listed(document)
        found = (listed.value(text) for text in self._records(document, listed))
        return (record for record in found if isinstance(record, dict))

    def check(self, document: Document, feed: Feed) -> Counter[Audience]:
        """See :class:`normalizers.reading.Reading`."""
        listed = self._listed(document)
        count = sum(1 for _ in listed)
        self._updated(document, listed.rest)
        return Counter({feed.audience: self._checked(document, listed, count)})

    def _listed(self, document: Document) -> Listed:
        return Listed(document, self.records, members=True)

    def _records(self, document: Document, listed: Listed) -> Iterator[bytes]:
        """The text of each record."""
        count = 0
        if self._speaks(document):
            for count, text in enumerate(listed.texts(), start=1):  # noqa: B007 - how many there were
                yield text
            self._checked(document, listed, count)

    def _speaks(self, document: Document) -> bool:
        """Whether there may be records, as the document's status says, which may stand after them."""
        if self.status is None:
            return True
        listed = self._listed(document)
        listed.survey()
        return str(at(listed.rest, self.status.path)) not in self.status.empty

    def _stated(self, document: Document) -> Millis | None:
        """The document's own time, which may stand after the records."""
        if self.updated is None:
            return None
        listed = self._listed(document)
        listed.survey()
        return self._updated(document, listed.rest)

    def _checked(self, document: Document, listed: Listed, count: int) -> int:
        """The number of records of a document that was read. Raises :class:`UnreadableDocument`."""
        if self.status is not None:
            said = str(at(listed.rest, self.status.path))
            if said in self.status.empty:
                return 0
            if said not in self.status.good:
                raise UnreadableDocument(f"{document.name}: expected {self.status.path} ok, got {shown(said)}")
        if not listed.found:
            raise UnreadableDocument(f"{document.name}: expected a list of records at {self.records!r}")
        if self.total is not None and at(listed.rest, self.total) != count:
            stated = shown(str(at(listed.rest, self.total)))
            raise UnreadableDocument(f"{document.name}: expected {stated} records as it says, got {count}")
        return count

    def _updated(self, document: Document, tree: Any) -> Millis | None:
        if self.updated is None:
            return None
        zone = ZONES[self.fields.zone] if self.fields.zone else None
        try:
            return time_reader(self.fields.time, zone)(at(tree, self.updated))
        except BadValue as error:
            raise UnreadableDocument(f"{document.name}: {self.updated}: {error}") from None
