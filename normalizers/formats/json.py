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
from normalizers.fields import Fields
from normalizers.jsons import at, parsed
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
    kind: Literal["json"]
    fields: Fields
    #: path of the records: a list, or an object whose members are records or lists of them
    records: str = ""
    status: Status | None = None
    #: path of the number of records
    total: str | None = None
    #: path of the document's own time
    updated: str | None = None

    def read(self, document: Document, feed: Feed) -> Iterator[Claim | Refusal]:
        """See :class:`normalizers.reading.Reading`."""
        tree = parsed(document)
        rows = Rows(self.fields, Source(feed, document, self._updated(document, tree)), document)
        columns = self.fields.columns()
        for number, record in enumerate(self._records(document, tree), start=1):
            try:
                if not isinstance(record, dict):
                    raise BadValue("bad-record", f"expected a JSON object, got {type(record).__name__}")
                yield rows.claim([at(record, column) for column in columns])
            except BadValue as error:
                yield refusal(number, error)

    def cells(self, document: Document) -> Iterator[dict[str, Any]]:
        """The records that are objects."""
        return (record for record in self._records(document, parsed(document)) if isinstance(record, dict))

    def check(self, document: Document, feed: Feed) -> Counter[Audience]:
        """See :class:`normalizers.reading.Reading`."""
        tree = parsed(document)
        self._updated(document, tree)
        return Counter({feed.audience: len(self._records(document, tree))})

    def _records(self, document: Document, tree: Any) -> list[Any]:
        if self.status is not None:
            said = str(at(tree, self.status.path))
            if said in self.status.empty:
                return []
            if said not in self.status.good:
                raise UnreadableDocument(f"{document.name}: expected {self.status.path} ok, got {shown(said)}")
        found = at(tree, self.records)
        if isinstance(found, dict) and all(isinstance(item, list | dict) for item in found.values()):
            found = [record for item in found.values() for record in (item if isinstance(item, list) else [item])]
        if not isinstance(found, list):
            raise UnreadableDocument(f"{document.name}: expected a list of records at {self.records!r}")
        if self.total is not None and at(tree, self.total) != len(found):
            stated = shown(str(at(tree, self.total)))
            raise UnreadableDocument(f"{document.name}: expected {stated} records as it says, got {len(found)}")
        return found

    def _updated(self, document: Document, tree: Any) -> Millis | None:
        if self.updated is None:
            return None
        zone = ZONES[self.fields.zone] if self.fields.zone else None
        try:
            return time_reader(self.fields.time, zone)(at(tree, self.updated))
        except BadValue as error:
            raise UnreadableDocument(f"{document.name}: {self.updated}: {error}") from None
