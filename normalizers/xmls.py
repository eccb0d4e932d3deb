"""XML documents: parsed without DTDs, entities or anything outside the document, or refused whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO
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


class _Bounded(TreeBuilder):
    """Refuses nesting that no feed has and that walking a tree could not stand."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ParseError(f"elements nested more than {_DEEPEST} deep")
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> Element:
        self._depth -= 1
        return super().end(tag)


class _Taken(_Bounded):
    """Takes each of the root's children of one name out of the tree once it is whole, so that no tree of them grows."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._root: Element | None = None
        #: children that are whole
        self.ready: list[Element] = []

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        started = super().start(tag, attrs)
        self._root = started if self._root is None else self._root
        return started

    def end(self, tag: str, /) -> Element:
        ended = super().end(tag)
        if self._depth == 1 and tag == self._name and self._root is not None:
            self._root.remove(ended)
            self.ready.append(ended)
        return ended


def parsed(document: Document) -> Element:
    """The root element. Raises :class:`UnreadableDocument`."""
    (root,) = _fed(document, _Bounded())
    return root


def children(document: Document, name: str) -> Iterator[Element]:
    """The root's children of that name, one after the other, and last the root with all its others.

    Raises :class:`UnreadableDocument`, perhaps only at the end.
    """
    return _fed(document, _Taken(name))


def _fed(document: Document, target: _Bounded) -> Iterator[Element]:
    refuse_html(document, "XML")
    parser = XMLParser(target=target, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    try:
        with _utf8(document) as stream:
            while data := stream.read(_CHUNK):
                parser.feed(data)
                if isinstance(target, _Taken):
                    yield from target.ready
                    target.ready.clear()
        root = parser.close()
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


def _utf8(document: Document) -> BinaryIO:
    stream = document.open()
    found = _DECLARATION.match(stream.read(400).removeprefix(b"\xef\xbb\xbf"))
    stream.seek(0)
    encoding = _ENCODINGS.get(found[1].decode().lower()) if found else None
    if found is None or encoding is None:
        return stream
    with stream:
        text = stream.read().decode(encoding)
    return BytesIO(text.partition("?>")[2].encode())


def _what(error: DefusedXmlException) -> str:
    names = {"DTDForbidden": "a DTD", "EntitiesForbidden": "entities", "ExternalReferenceForbidden": "references"}
    return names.get(type(error).__name__, "what could be dangerous")
