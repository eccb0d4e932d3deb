"""JSON documents: record by record, none of which may be large, and refused whole where they are broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from collectors.document import Document
from collectors.jsonparts import Parts
from collectors.jsonvalues import NotJson, TooMuch, decoded
from normalizers.records import UnreadableDocument
from normalizers.texts import refuse_html

#: Bytes of records that are decoded at once.
_TOGETHER = 32 * 1024


class Listed:
    """The records that a document lists, and all else that it says; it is read anew each time they are asked for."""

    def __init__(self, document: Document, *places: str, members: bool = False) -> None:
        """As :class:`collectors.jsonparts.Parts` takes them."""
        self._document = document
        self._places = places
        self._members = members
        #: once all was read: the document without the records, and whether there was a list of them
        self.rest: Any = None
        self.found = False

    def survey(self) -> int:
        """Read all without looking into the records; gives their number. Raises :class:`UnreadableDocument`."""
        return sum(1 for _ in self.texts())

    def texts(self) -> Iterator[bytes]:
        """The text of each record, which may yet be none of JSON. Raises :class:`UnreadableDocument`, perhaps only at
        the end."""
        with self._document.open() as stream:
            parts = Parts(stream, *self._places, members=self._members)
            try:
                yield from parts.records()
                self.rest, self.found = parts.rest(), parts.found
            except (NotJson, TooMuch) as error:
                raise self._unreadable(error) from None

    def value(self, text: bytes) -> Any:
        """What the text of a record says. Raises :class:`UnreadableDocument`."""
        try:
            return decoded(text)
        except (NotJson, TooMuch) as error:
            raise self._unreadable(error) from None

    def __iter__(self) -> Iterator[Any]:
        """The records. Raises :class:`UnreadableDocument`, perhaps only at the end."""
        waiting: list[bytes] = []
        size = 0
        for text in self.texts():
            waiting.append(text)
            size += len(text)
            if size > _TOGETHER:
                yield from self._values(waiting)
                waiting.clear()
                size = 0
        yield from self._values(waiting)

    def _values(self, texts: list[bytes]) -> list[Any]:
        """What several records say, decoded at once. No two of them can be broken and sound together: the brackets and
        strings of each are whole."""
        if len(texts) == 1:
            return [self.value(texts[0])]
        values: list[Any] = self.value(b"[%b]" % b",".join(texts))
        return values

    def _unreadable(self, error: NotJson | TooMuch) -> UnreadableDocument:
        name = self._document.name
        if isinstance(error, TooMuch):
            return UnreadableDocument(f"{name}: {error}")
        refuse_html(self._document, "JSON")
        return UnreadableDocument(f"{name}: expected JSON (RFC 8259) in UTF-8: {error}")


def tree(document: Document) -> Any:
    """All that a document says, held as a whole. Raises :class:`UnreadableDocument` for a large one too."""
    said = Listed(document)
    said.survey()
    return said.rest


def cells(columns: Sequence[str]) -> Callable[[dict[str, Any]], list[Any]]:
    """What gives the cells of a record at these paths, in their order."""
    if all(column and "." not in column for column in columns):
        names = tuple(columns)
        return lambda record: [record.get(name) for name in names]
    return lambda record: [at(record, column) for column in columns]


def at(value: Any, path: str) -> Any:
    """What lies at a path such as ``data.items``; None where there is nothing. ``""`` is the value itself."""
    for step in path.split(".") if path else ():
        if not isinstance(value, dict):
            return None
        value = value.get(step)
    return value


def text_at(value: Any, path: str) -> str:
    """The text at a path, or ""."""
    found = at(value, path)
    return found if isinstance(found, str) else ""


def list_at(value: Any, path: str) -> list[Any]:
    """The list at a path; empty where there is none."""
    found = at(value, path)
    return found if isinstance(found, list) else []


def texts_in(value: Any) -> list[str]:
    """The texts of a list; none where it is no list."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
