"""Text out of bytes: declared encodings, and the documents that are in another one or no text at all."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator

from collectors.document import Document
from normalizers.records import UnreadableDocument

#: Encoding as a feed file may name it -> Python's. Shift_JIS is in practice Microsoft's superset of it.
ENCODINGS = {
    "utf-8": "utf-8-sig",
    "shift_jis": "cp932",
    "euc-jp": "euc_jp",
    "iso-2022-jp": "iso2022_jp",
    "us-ascii": "ascii",
    "iso-8859-1": "latin-1",
}


def _known(value: str) -> str:
    if value not in ENCODINGS:
        raise ValueError(f"expected one of {', '.join(ENCODINGS)}, got {value!r}")
    return value


#: What a feed file may give as the encoding of its documents.
Encoding = Annotated[str, AfterValidator(_known)]

_LONGEST_LINE = 1024 * 1024
_CHUNK = 256 * 1024
#: What a web page begins with, after a byte order mark, an XML declaration and comments. A comment ends at its first
#: end: to try the others takes for ever where there are many.
_HTML = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]{0,200}>\s*)?(?>(?:<!--(?>.*?-->)\s*){0,8})"
    rb"<(?:!doctype\s+html|html|head|body|title|meta|script|style|div|center|h1|p|form|table)[\s>]",
    re.IGNORECASE | re.DOTALL,
)
_KANA = re.compile("[\uff61-\uff9f]")
_JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
_NON_ASCII = re.compile(r"[^\x00-\x7f]+")


def lines(document: Document, encoding: str) -> Iterator[str]:
    """The lines of a document with their ends. Raises :class:`UnreadableDocument` where it is no such text."""
    with document.open() as stream:
        text = io.TextIOWrapper(stream, encoding=ENCODINGS[encoding], errors="strict", newline="")
        number = 0
        while True:
            number += 1
            try:
                line = text.readline(_LONGEST_LINE)
            except UnicodeError as error:
                raise UnreadableDocument(
                    f"{document.name}: expected {encoding}, got bytes near line {number} that are none ({_why(error)})"
                ) from None
            if not line:
                return
            if len(line) == _LONGEST_LINE:
                raise UnreadableDocument(f"{document.name}: expected lines, got {_LONGEST_LINE} characters without end")
            yield line


def check_encoding(document: Document, encoding: str, expected: str, *, html: bool = False) -> None:
    """Refuse a web page in place of a document, and text whose encoding is not the declared one although it decodes.

    Raises :class:`UnreadableDocument`; ``expected`` is what messages call the document. ``html``: it is a web page.
    """
    if not html:
        refuse_html(document, expected)
    if encoding not in ("utf-8", "us-ascii") and _decodes(document, "utf-8"):
        raise UnreadableDocument(f"{document.name}: expected {encoding}, got UTF-8")
    other = {"shift_jis": "euc_jp", "euc-jp": "cp932"}.get(encoding)
    if other is not None and _mostly_kana(document, ENCODINGS[encoding]) and _decodes(document, other):
        raise UnreadableDocument(f"{document.name}: expected {encoding}, got what looks like {other}")
    if encoding == "utf-8" and _encoded_twice(document):
        raise UnreadableDocument(f"{document.name}: expected UTF-8, got text that was encoded twice")


def refuse_html(document: Document, expected: str) -> None:
    """Raise :class:`UnreadableDocument` when the document is a web page, as error pages sent with status 200 are."""
    if is_html(document):
        raise UnreadableDocument(f"{document.name}: expected {expected}, got an HTML page")


def is_japanese(text: str) -> bool:
    """Whether it has kana or the characters of Chinese and Japanese."""
    return _JAPANESE.search(text) is not None


def is_html(document: Document) -> bool:
    """Whether the document is a web page."""
    with document.open() as stream:
        return _HTML.match(stream.read(4_096)) is not None


def _why(error: UnicodeError) -> str:
    return error.reason if isinstance(error, UnicodeDecodeError) else "not decodable"


def _decodes(document: Document, encoding: str) -> bool:
    """Whether the bytes are text in that encoding and not in ASCII alone."""
    decoder = codecs.getincrementaldecoder(encoding)()
    ascii_only = True
    with document.open() as stream:
        try:
            while data := stream.read(_CHUNK):
                ascii_only = ascii_only and data.isascii()
                decoder.decode(data)
            decoder.decode(b"", final=True)
        except UnicodeError:
            return False
    return not ascii_only


def _mostly_kana(document: Document, encoding: str) -> bool:
    """Whether most foreign letters are half-width kana, which is what EUC-JP looks like when read as Shift_JIS."""
    kana = foreign = 0
    with document.open() as stream:
        text = io.TextIOWrapper(stream, encoding=encoding, errors="replace", newline="")
        while part := text.read(_CHUNK):
            for run in _NON_ASCII.findall(part):
                foreign += len(run)
                kana += len(_KANA.findall(run))
    return foreign > 0 and kana * 2 > foreign


def _encoded_twice(document: Document) -> bool:
    """Whether all foreign text, taken as Latin-1 or Windows-1252 bytes, is UTF-8 once more."""
    found = False
    with document.open() as stream:
        while data := stream.read(_CHUNK):
            if data.isascii():
                continue
            # to the end of the line, so that no run of letters is parted
            text = (data + stream.readline(_CHUNK)).decode("utf-8", "replace")
            runs = _NON_ASCII.findall(text.removeprefix("\ufeff"))
            if not all(map(_is_utf8, runs)):
                return False
            found = found or bool(runs)
    return found


def _is_utf8(run: str) -> bool:
    for encoding in ("latin-1", "cp1252"):
        try:
            run.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
        return True
    return False
