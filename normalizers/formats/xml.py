"""XML documents that hold a list of records, each with its columns as child elements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import ClassVar, Literal
from xml.etree.ElementTree import Element  # its type; the parser is defusedxml's

from collectors.document import Document
from config.audience import Audience
from config.entry import Entry
from config.feeds import Feed
from normalizers.bad_value import BadValue, shown
from normalizers.cells import Rows
from normalizers.claims import Claim
from normalizers.fields import Fields
from normalizers.formats.json import Status
from normalizers.records import Refusal, UnreadableDocument, refusal
from normalizers.sources import Source
from normalizers.xmls import records, text_of, without_records


class Format(Entry):
    """An XML document. Columns are names of child elements of a record, or paths such as ``host/name``."""

    marks: ClassVar[bool] = False
    kind: Literal["xml"]
    fields: Fields
    #: path of the records below the root, such as ``entries/entry``
    records: str
    status: Status | None = None

    def read(self, document: Document, feed: Feed) -> Iterator[Claim | Refusal]:
        """See :class:`normalizers.reading.Reading`."""
        rows = Rows(self.fields, Source(feed, document), document)
        columns = self.fields.columns()
        for number, record in enumerate(self._records(document), start=1):
            try:
                yield rows.claim([text_of(record, column) for column in columns])
            except BadValue as error:
                yield refusal(number, error)

    def cells(self, document: Document) -> Iterator[dict[str, str]]:
        """The text of each child of a record that has no children of its own, by name."""
        for record in self._records(document):
            yield {child.tag: (child.text or "").strip() for child in record if not len(child)}

    def check(self, document: Document, feed: Feed) -> Counter[Audience]:
        """See :class:`normalizers.reading.Reading`."""
        return Counter({feed.audience: sum(1 for _ in self._records(document))})

    def _records(self, document: Document) -> Iterator[Element]:
        """The records. Raises :class:`UnreadableDocument`."""
        places = {"": tuple(self.records.split("/"))}
        # What it says of itself may stand after them.
        if self._speaks(document, without_records(document, places)):
            found = records(document, places)
            last = next(found)
            for element in found:
                yield last
                last = element

    def _speaks(self, document: Document, root: Element) -> bool:
        """Whether there may be records. Raises :class:`UnreadableDocument`."""
        if self.status is not None:
            said = text_of(root, self.status.path)
            if said in self.status.empty:
                return False
            if said not in self.status.good:
                raise UnreadableDocument(f"{document.name}: expected {self.status.path} ok, got {shown(said)}")
        parent, _, _ = self.records.rpartition("/")
        if parent and root.find(parent) is None:
            raise UnreadableDocument(f"{document.name}: expected records at {self.records!r}, got no such place")
        return True
