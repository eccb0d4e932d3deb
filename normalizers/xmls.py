"""XML documents: read record by record, none of which may be large, and refused whole where they are broken.

Nothing is read with DTDs, entities or anything outside the document.
"""

from __future__ import annotations

import codecs
import re
from collections import deque
from collections.abc import Iterator, Mapping
from xml.etree.ElementTree import Element, ParseError, TreeBuilder  # its types; the parser is defusedxml's

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import XMLParser

from collectors.document import Document
from normalizers.records import UnreadableDocument
from normalizers.texts import refuse_html

_DECLARATION = re.compile(rb"""\s*<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["'][^>]*\?>""")
#: What expat does not know, and Japanese publishers use: decoded here.
_ENCODINGS = {
    "shift_jis": "cp932",
    "x-sjis": "cp932",
    "sjis": "cp932",
    "windows-31j": "cp932",
    "euc-jp": "euc_jp",
    "iso-2022-jp": "iso2022_jp",
}
_CHUNK = 256 * 1024
_DEEPEST = 100
#: The most memory that what is held at a time may take, in bytes: one record, or all that is none.
HEAVIEST = 128 * 1024 * 1024
#: The longest tag, comment or instruction, in bytes; the parser holds each of them whole.
_LONGEST_MARKUP = 2 * 1024 * 1024
#: Different names of elements and attributes, all of which are kept to the end, and the longest with its namespace.
_MOST_NAMES, _LONGEST_NAME = 10_000, 1_000
#: root's name -> names on the way down from it to records; "" for a root of any other name
Places = Mapping[str, tuple[str, ...]]


class _TooMuch(ValueError):
    """More than may be held at a time."""


class _Bounded(TreeBuilder):
    """Refuses nesting that no feed has and that walking a tree could not stand, and what memory could not."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0
        #: bytes of memory that the tree may take
        self.weight = 0
        self._names: set[str] = set()

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ParseError(f"elements nested more than {_DEEPEST} deep")
        for name in (tag, *attrs):
            if name not in self._names:
                self._learn(name)
        self._weigh(250 + 150 * len(attrs) + sum(map(_size, attrs.values())))
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> Element:
        self._depth -= 1
        return super().end(tag)

    def data(self, data: str, /) -> None:
        self._weigh(60 + _size(data))
        super().data(data)

    def _weigh(self, size: int) -> None:
        self.weight += size
        if self.weight > HEAVIEST:
            raise _TooMuch(f"expected records, and all besides them, to take at most {HEAVIEST} bytes each, got more")

    def _learn(self, name: str) -> None:
        if len(name) > _LONGEST_NAME or len(self._names) == _MOST_NAMES:
            raise _TooMuch(f"expected at most {_MOST_NAMES} names of at most {_LONGEST_NAME} letters, got more")
        self._names.add(name)


class _Taken(_Bounded):
    """Takes each record out of the tree once it is whole, so that no tree of them grows."""

    def __init__(self, places: Places) -> None:
        super().__init__()
        self._places = places
        self._path: tuple[str, ...] = ()
        self._open: list[Element] = []
        #: the element whose children are records: the first there is at the place
        self._holder: Element | None = None
        #: what all besides records weighs, and whether a record has just ended, whose last text may yet come
        self._besides = 0
        self._ended = False
        #: records that are whole
        self.ready: list[Element] = []

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        self._forget_text()
        if self._open and self._open[-1] is self._holder and tag == self._path[-1]:
            self._besides = self.weight
        started = super().start(tag, attrs)
        if not self._open:
            self._path = self._places.get(tag) or self._places.get("", ())
        self._open.append(started)
        if self._holder is None and len(self._open) == len(self._path):
            above = tuple(one.tag for one in self._open[1:])
            self._holder = started if above == self._path[:-1] else None
        return started

    def end(self, tag: str, /) -> Element:
        self._forget_text()
        ended = super().end(tag)
        self._open.pop()
        if self._open and self._open[-1] is self._holder and tag == self._path[-1]:
            self._holder.remove(ended)
            self.ready.append(ended)
            self._ended = True
        return ended

    def _forget_text(self) -> None:
        if self._ended:
            self.weight, self._ended = self._besides, False


def _size(text: str) -> int:
    return len(text) if text.isascii() else 4 * len(text)


def parsed(document: Document) -> Element:
    """The root element. Raises :class:`UnreadableDocument`, for a large one too."""
    (root,) = _fed(document, _Bounded())
    return root


def records(document: Document, places: Places) -> Iterator[Element]:
    """The records of a document, one after the other, and last its root without them.

    Records are children of the first element at their place. Raises :class:`UnreadableDocument`, perhaps only at the
    end.
    """
    return _fed(document, _Taken(places))


def without_records(document: Document, places: Places) -> Element:
    """The root, without its records. Raises :class:`UnreadableDocument`."""
    (root,) = deque(records(document, places), maxlen=1)
    return root


def _fed(document: Document, target: _Bounded) -> Iterator[Element]:
    refuse_html(document, "XML")
    parser = XMLParser(target=target, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    fed = 0
    try:
        for data in _utf8(document):
            parser.feed(data)
            fed += len(data)
            if fed - max(0, parser.parser.CurrentByteIndex) > _LONGEST_MARKUP + _CHUNK:
                raise _TooMuch(f"expected tags and comments of at most {_LONGEST_MARKUP} bytes, got a longer one")
            if isinstance(target, _Taken):
                yield from target.ready
                target.ready.clear()
        root = parser.close()
    except _TooMuch as error:
        raise UnreadableDocument(f"{document.name}: {error}") from None
    except DefusedXmlException as error:
        raise UnreadableDocument(f"{document.name}: expected XML without {_what(error)}") from None
    except (ParseError, UnicodeError, LookupError, ValueError) as error:
        raise UnreadableDocument(f"{document.name}: expected well-formed XML: {error}") from None
    if not isinstance(root, Element):
        raise UnreadableDocument(f"{document.name}: expected well-formed XML, got no element")
    yield root


def text_of(parent: Element, *names: str) -> str:
    """The text of the first of these children that has any, without blanks around it; "" when none has."""
    for name in names:
        found = parent.find(name)
        if found is not None and found.text and found.text.strip():
            return found.text.strip()
    return ""


def _utf8(document: Document) -> Iterator[bytes]:
    """The document piece by piece, in an encoding that the parser knows."""
    with document.open() as stream:
        found = _DECLARATION.match(stream.read(400).removeprefix(b"\xef\xbb\xbf"))
        stream.seek(0)
        encoding = _ENCODINGS.get(found[1].decode().lower()) if found else None
        if encoding is None:
            yield from iter(lambda: stream.read(_CHUNK), b"")
            return
        decoder = codecs.getincrementaldecoder(encoding)()
        # Without its declaration, which is not true any more.
        yield decoder.decode(stream.read(_CHUNK)).partition("?>")[2].encode()
        while data := stream.read(_CHUNK):
            yield decoder.decode(data).encode()
        yield decoder.decode(b"", final=True).encode()


def _what(error: DefusedXmlException) -> str:
    names = {"DTDForbidden": "a DTD", "EntitiesForbidden": "entities", "ExternalReferenceForbidden": "references"}
    return names.get(type(error).__name__, "what could be dangerous")
