"""What a document says of its own publisher: its title, and who publishes it where and in which language."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element  # its type; the parser is defusedxml's

from collectors.document import Document
from config.entry import is_web_address
from config.newfeed import About
from normalizers.jsons import at, list_at, text_at, tree
from normalizers.labels import label_of
from normalizers.markup import plain
from normalizers.records import UnreadableDocument
from normalizers.syndication import ATOM, DC, RSS
from normalizers.xmls import parsed, text_of

_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
#: classes of STIX identities that publish
_ORGANISED = ("organization", "group", "system", "class")


def about(document: Document, kind: str) -> About:
    """What a document of that format says of itself; nothing where it says nothing."""
    try:
        if kind == "rss":
            return _channel(parsed(document))
        if kind in ("misp", "stix", "csaf"):
            return {"misp": _event, "stix": _bundle, "csaf": _advisory}[kind](tree(document))
    except (UnreadableDocument, RecursionError):
        pass
    return About(publisher="AlienVault OTX", homepage="https://otx.alienvault.com/") if kind == "otx" else About()


def manifest(tree: Any) -> About:
    """What the manifest of a MISP feed says: who made most of its events."""
    return _made_by(tree.values())


def is_manifest(tree: Any) -> bool:
    """Whether it is the manifest of a MISP feed: events by their UUID, each with the instant of its last change."""
    return (
        isinstance(tree, dict)
        and bool(tree)
        and all(
            len(name) == 36 and isinstance(event, dict) and "timestamp" in event and "info" in event
            for name, event in tree.items()
        )
    )


def provider(tree: Any) -> About | None:
    """Who says so, where it is the metadata of a CSAF provider (CSAF 2.0 section 7.1.8)."""
    if not isinstance(tree, dict) or "metadata_version" not in tree or not isinstance(tree.get("publisher"), dict):
        return None
    return _csaf_publisher(tree["publisher"])


def _channel(root: Element) -> About:
    head = next((found for name in (f"{RSS}channel", "channel") if (found := root.find(name)) is not None), root)
    title = text_of(head, f"{RSS}title", "title", f"{ATOM}title")
    author = head.find(f"{ATOM}author")
    publisher = text_of(head, f"{DC}publisher") or ("" if author is None else text_of(author, f"{ATOM}name"))
    links = {link.get("rel", "alternate"): link.get("href", "") for link in head.findall(f"{ATOM}link")}
    language = text_of(head, "language", f"{DC}language") or head.get(_XML_LANG) or root.get(_XML_LANG) or ""
    return About(
        title=_short(plain(title)),
        homepage=_home(text_of(head, f"{RSS}link", "link") or links.get("alternate", "")),
        publisher=_short(publisher),
        language=language[:2].lower() if language[:2].isalpha() else "",
    )


def _event(tree: Any) -> About:
    """Of MISP events: the organisation that made most of them."""
    found = tree.get("response", tree) if isinstance(tree, dict) else tree
    given = found if isinstance(found, list) else [found]
    return _made_by(at(item, "Event") or item for item in given if isinstance(item, dict))


def _made_by(events: Iterable[Any]) -> About:
    makers = Counter(_said(at(event, "Orgc"), "name") for event in events)
    makers.pop("", None)
    return About(publisher=makers.most_common(1)[0][0]) if makers else About()


def _bundle(tree: Any) -> About:
    """Of STIX: the identity that made most of the objects."""
    given = tree if isinstance(tree, list) else list_at(tree, "objects")
    objects = [item for item in given if isinstance(item, dict)]
    identities = {item.get("id"): item for item in objects if item.get("type") == "identity"}
    makers = Counter(item.get("created_by_ref") for item in objects)
    named = [made for made, _ in makers.most_common() if made in identities] or [
        name for name, item in identities.items() if item.get("identity_class") in _ORGANISED
    ]
    if not named:
        return About()
    identity = identities[named[0]]
    pages = (_said(link, "url") for link in list_at(identity, "external_references"))
    told = (*pages, _said(identity, "contact_information"))
    return About(publisher=_said(identity, "name"), homepage=next(filter(None, map(_home, told)), ""))


def _advisory(tree: Any) -> About:
    first = tree[0] if isinstance(tree, list) and tree else tree
    found = next((item for item in _within(first) if isinstance(at(item, "publisher"), dict)), None)
    return About() if found is None else _csaf_publisher(found["publisher"])


def _within(tree: Any) -> Iterator[dict[str, Any]]:
    """The ``document`` of an advisory, or of those that objects of a bundle hold."""
    if isinstance(tree, dict):
        for holder in (tree, *(item for item in list_at(tree, "objects") if isinstance(item, dict))):
            for item in (holder, *holder.values()):
                if isinstance(item, dict) and isinstance(item.get("document"), dict):
                    yield item["document"]


def _csaf_publisher(publisher: dict[str, Any]) -> About:
    return About(publisher=_said(publisher, "name"), homepage=_home(_said(publisher, "namespace")))


def _said(tree: Any, name: str) -> str:
    return _short(text_at(tree, name)) if isinstance(tree, dict) else ""


def _short(text: str) -> str:
    return label_of(" ".join(text.split()))[:100]


def _home(url: str) -> str:
    """The site of a page, as one that may be shown; "" where it is none."""
    url = url.strip()
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    home = url if parts.path.endswith("/") and not parts.query else f"{parts.scheme}://{parts.netloc}/"
    return home if is_web_address(home) else ""
