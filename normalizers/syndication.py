"""What is syndicated: RSS 1.0 (RDF), RSS 2.0 and Atom 1.0 (RFC 4287), as one kind of item.

Dates stay texts here: who reads an item refuses that item alone for a bad one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from xml.etree.ElementTree import Element  # its types; the parser is defusedxml's

from collectors.document import Document
from normalizers.labels import label_of
from normalizers.markup import plain, unescape
from normalizers.records import UnreadableDocument
from normalizers.xmls import records, text_of, without_records

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
RSS = "{http://purl.org/rss/1.0/}"
ATOM = "{http://www.w3.org/2005/Atom}"
DC = "{http://purl.org/dc/elements/1.1/}"
TERMS = "{http://purl.org/dc/terms/}"
#: JVN's module in its RSS feeds and in its API.
SEC = ("{http://jvn.jp/rss/mod_sec/}", "{http://jvn.jp/rss/mod_sec/3.0/}")
_STATUS = "{http://jvndb.jvn.jp/myjvn/Status}Status"


#: What the names of children begin with here, by namespace; those of RSS and Atom themselves with nothing.
_PREFIXES = {RSS: "", ATOM: "", DC: "dc:", TERMS: "dcterms:", **dict.fromkeys(SEC, "sec:")}
#: Names of children that say something of an item in one of the forms.
MEMBERS = (
    "link", "title", "description", "pubDate", "guid", "id", "published", "updated", "summary", "content", "dc:date",
    "dc:identifier", "dcterms:issued", "dcterms:modified", "sec:identifier", "sec:references", "sec:cvss", "sec:cpe",
)  # fmt: skip


class Item(NamedTuple):
    """One of a document's items; a text is "" where it has none."""

    link: str
    #: its own name: an identifier of JVN's, a guid, an Atom id
    name: str
    title: str
    description: str
    #: as written
    issued: str
    modified: str
    #: with what modules add to it
    element: Element


#: Where the items of each form lie.
_PLACES = {f"{RDF}RDF": (f"{RSS}item",), "rss": ("channel", "item"), f"{ATOM}feed": (f"{ATOM}entry",)}


def items(document: Document) -> Iterator[Item]:
    """The items of a document. Raises :class:`UnreadableDocument`, perhaps only at the end; also for MyJVN's errors,
    which come with HTTP status 200."""
    read = {f"{RSS}item": _rdf, "item": _rss, f"{ATOM}entry": _atom}
    found = records(document, _PLACES)
    last = next(found)
    for element in found:
        yield read[last.tag](last)
        last = element
    answered(document, last)
    _head(document, last)


def updated(document: Document) -> str:
    """A document's own time as written, or "". Raises :class:`UnreadableDocument`."""
    head = _head(document, without_records(document, _PLACES))
    names = {f"{RSS}channel": (f"{TERMS}modified", f"{DC}date"), "channel": ("lastBuildDate", "pubDate")}
    return text_of(head, *names.get(head.tag, (f"{ATOM}updated",)))


def _head(document: Document, root: Element) -> Element:
    """The element that speaks of the document."""
    heads = {f"{RDF}RDF": root.find(f"{RSS}channel"), "rss": root.find("channel"), f"{ATOM}feed": root}
    head = heads.get(root.tag)
    if head is None:
        raise UnreadableDocument(
            f"{document.name}: expected RSS 1.0 (rdf:RDF with a channel), RSS 2.0 (rss with a channel) or an Atom "
            f"feed, got {root.tag[:80]}"
        )
    return head


def answered(document: Document, root: Element) -> None:
    """Raise :class:`UnreadableDocument` where MyJVN says that it could not answer (``retCd`` other than 0)."""
    status = root.find(_STATUS)
    if status is not None and status.get("retCd") != "0":
        code, said = label_of(status.get("errCd", "")), label_of(status.get("errMsg", ""))
        raise UnreadableDocument(
            f"{document.name}: expected retCd 0, got {status.get('retCd', '')[:20]!r} ({code}: {said})"
        )


def security(item: Element, name: str) -> list[Element]:
    """The elements of that name in JVN's security module."""
    return [found for namespace in SEC for found in item.findall(f"{namespace}{name}")]


def members(item: Element) -> dict[str, str]:
    """The children of an item by their names, each with a text; an attribute's, where it has no other."""
    said: dict[str, str] = {}
    for child in item:
        space, closing, name = child.tag.rpartition("}")
        space = f"{space}{closing}"
        text = "".join(child.itertext()).strip()
        if not text and (name == "link" or space in SEC):
            text = next((value for value in child.attrib.values() if value), "")
        said.setdefault(f"{_PREFIXES.get(space, space)}{name}", text)
    return said


def _rdf(item: Element) -> Item:
    return Item(
        link=text_of(item, f"{RSS}link") or item.get(f"{RDF}about", ""),
        name=text_of(item, *(f"{namespace}identifier" for namespace in SEC), f"{DC}identifier"),
        title=text_of(item, f"{RSS}title"),
        description=text_of(item, f"{RSS}description"),
        issued=text_of(item, f"{TERMS}issued", f"{DC}date"),
        modified=text_of(item, f"{TERMS}modified", f"{DC}date"),
        element=item,
    )


def _rss(item: Element) -> Item:
    guid = item.find("guid")
    name = text_of(item, "guid")
    # RSS 2.0: a guid is the item's page unless it says that it is none.
    page = name if guid is not None and guid.get("isPermaLink", "true") == "true" else ""
    return Item(
        link=text_of(item, "link") or page,
        name=name,
        title=unescape(text_of(item, "title")),
        description=plain(text_of(item, "description")),
        issued=text_of(item, "pubDate", f"{DC}date"),
        modified=text_of(item, f"{ATOM}updated", "pubDate", f"{DC}date"),
        element=item,
    )


def _atom(entry: Element) -> Item:
    links = {link.get("rel", "alternate"): link.get("href", "") for link in reversed(entry.findall(f"{ATOM}link"))}
    return Item(
        link=links.get("alternate", ""),
        name=text_of(entry, f"{ATOM}id"),
        title=_construct(entry, "title"),
        description=_construct(entry, "summary") or _construct(entry, "content"),
        issued=text_of(entry, f"{ATOM}published", f"{ATOM}updated"),
        modified=text_of(entry, f"{ATOM}updated", f"{ATOM}published"),
        element=entry,
    )


def _construct(entry: Element, name: str) -> str:
    """A text construct (RFC 4287 section 3.1), whose ``type`` tells whether there is markup in it."""
    found = entry.find(f"{ATOM}{name}")
    if found is None:
        return ""
    kind = found.get("type", "text")
    if kind == "xhtml":
        return " ".join("".join(found.itertext()).split())
    return plain(found.text or "") if kind in ("html", "text/html") else (found.text or "").strip()
