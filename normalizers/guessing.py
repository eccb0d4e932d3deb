"""Guessing how a document could be read: a first draft of a feed's ``format``, for a person to correct.

What is guessed is tried: a draft that reads no more than half of the rows is none. Nothing here decides anything about
a feed that is configured.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from itertools import islice
from typing import Any, NamedTuple

from pydantic import ValidationError

import normalizers.formats
from collectors.document import Document
from config.feeds import Feed, Publisher
from config.instant import Millis
from config.transports import FileTransport
from normalizers import guessing_markup, guessing_records, guessing_texts
from normalizers.claims import Claim
from normalizers.drafting import MOST_ROWS, zone_of
from normalizers.reading import UnusableFormat, check, read
from normalizers.records import Record, Refusal, UnreadableDocument
from normalizers.texts import is_html, is_japanese

_PROSE = "prose"
#: Reasons of rows that say what is around an indicator, and were never meant as one.
_CONTEXT = frozenset(("object-type", "not-for-detection", "reference", "example", "own-domain", "shared-platform"))


class Draft(NamedTuple):
    """How a document could be read."""

    format: dict[str, Any]
    #: rows that the document has
    rows: int
    #: of so many that were tried, how many gave a claim
    tried: int
    claims: int


def guess(document: Document) -> Draft:
    """The draft that makes most of the document. Raises :class:`UnreadableDocument` when none makes anything of it."""
    if is_html(document):
        return _page(document)
    # What is made for such documents knows what of them is not meant; what is general would read that as well.
    for forms in (_known(document), _general(document), _prose(document)):
        found = [tried for form in forms if (tried := _tried(document, form)) is not None]
        if found:
            return max(found, key=lambda draft: draft.claims)
    raise UnreadableDocument(
        f"{document.name}: expected a list of values, CSV, JSON, JSON lines or one of {', '.join(_named())}, "
        "and recognised none"
    )


def _known(document: Document) -> Iterator[dict[str, Any]]:
    head = _head(document)
    language = "ja" if is_japanese(head) else "en"
    for name in (name for name in _named() if name != _PROSE):
        options = import_module(f"normalizers.formats.{name}").Format.model_fields
        spoken = {"language": language} if "language" in options else {}
        # JVN's module says of an entry what a vulnerability is, and by what id it is known.
        secured = "describes" in options and any(mark in head for mark in ("<sec:cvss", "<sec:cpe"))
        yield {"kind": name, **spoken, **({"describes": True, "known_by": "id"} if secured else {})}


def _page(document: Document) -> Draft:
    """A web page is an advisory if it has indicators as one has; if not, it is an answer that is none."""
    for form in _prose(document, markup="html"):
        if (draft := _tried(document, form)) is not None:
            return draft
    raise UnreadableDocument(
        f"{document.name}: expected a document, got an HTML page without the indicators of an advisory"
    )


def _prose(document: Document, **more: str) -> Iterator[dict[str, Any]]:
    """What finds values in any text at all comes last. Where the text says its date, that is when it was said."""
    encoding, text = guessing_texts.decoded(document)
    said = {} if encoding in (None, "utf-8") else {"encoding": encoding}
    form: dict[str, Any] = {"kind": _PROSE, **more, **said}
    dated = {**form, "date": "text", **({} if is_japanese("".join(text)) else {"zone": "UTC"})}
    yield dated if _said(document, dated) != _said(document, form) else form


def _said(document: Document, form: dict[str, Any]) -> Millis | None:
    """When the first value was said, if there is one."""
    try:
        return next((item.first_seen for item in read(document, sketch(form)) if isinstance(item, Claim)), None)
    except UnreadableDocument:
        return None


def _general(document: Document) -> Iterator[dict[str, Any]]:
    head = _head(document)
    start = head.lstrip("\ufeff \t\r\n")[:1]
    if start in ("{", "["):
        zone = zone_of(head)
        yield from guessing_records.tree(document, zone)
        yield from guessing_records.by_line(document, zone)
    elif start == "<":
        yield from guessing_markup.xml(document, zone_of(head))
    else:
        yield from guessing_markup.asciidoc(document)
        yield from guessing_texts.forms(document)


def _named() -> list[str]:
    """The formats that need nothing but their name."""
    found = []
    for module in pkgutil.iter_modules(normalizers.formats.__path__):
        try:
            import_module(f"normalizers.formats.{module.name}").Format.model_validate({"kind": module.name})
        except ValidationError:
            continue
        found.append(module.name)
    return found


def _tried(document: Document, form: dict[str, Any]) -> Draft | None:
    """The draft, if it reads more than half of the first rows that are no context."""
    feed = sketch(form)
    try:
        rows = check(document, feed).total()
        items = list(islice(read(document, feed), MOST_ROWS))
    except (UnreadableDocument, UnusableFormat, ValueError):
        return None
    good = sum(isinstance(item, Claim | Record) for item in items)
    context = sum(isinstance(item, Refusal) and item.reason in _CONTEXT for item in items)
    meant = len(items) - context
    # An event or a bundle of nothing but context is one all the same; of a text that would be any text.
    recognised = good * 2 > meant or (context > 0 and not meant and form["kind"] != _PROSE)
    return Draft(form, rows, len(items), good) if recognised else None


def sketch(form: dict[str, Any], **more: Any) -> Feed:
    """A feed of that format about which nothing else is known; what it says is for the operators alone."""
    said = {
        "id": "draft",
        "title": "Draft",
        "carries": "what is to be said",
        "publisher": Publisher(name="Unknown", country="ZZ", homepage="https://publisher.example/"),
        "transport": FileTransport(kind="file", path="draft"),
        "marking": "TLP:GREEN",
        "share": "internal",
        "reliability": 50,
        "kind": "log",
    }
    return Feed.model_validate({**said, "format": form, **more})


def _head(document: Document) -> str:
    with document.open() as stream:
        return stream.read(64 * 1024).decode("utf-8", "replace")
