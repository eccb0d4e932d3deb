"""CISA's catalogue of known exploited vulnerabilities, in JSON."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC
from typing import Any, ClassVar, Literal

from collectors.document import Document
from config.audience import Audience
from config.entry import Entry
from config.feeds import Feed
from config.instant import Millis
from normalizers.advisories import cwes
from normalizers.bad_value import BadValue
from normalizers.claims import Claim, Reference, detail_text
from normalizers.jsons import Listed, at, list_at, text_at
from normalizers.labels import label_of
from normalizers.records import Refusal, UnreadableDocument, refusal
from normalizers.references import reference
from normalizers.sources import Source
from normalizers.times import time_reader
from normalizers.values import canonical

_LINK = re.compile(r"https?://[^\s;]+")
_time = time_reader("iso", UTC)


class Format(Entry):
    """The catalogue: the whole of it in every edition."""

    marks: ClassVar[bool] = False
    kind: Literal["kev"]
    members: ClassVar[tuple[str, ...]] = (
        "cveID", "vendorProject", "product", "vulnerabilityName", "dateAdded", "shortDescription",
        "knownRansomwareCampaignUse", "notes", "cwes",
    )  # fmt: skip

    def read(self, document: Document, feed: Feed) -> Iterator[Claim | Refusal]:
        """See :class:`normalizers.reading.Reading`."""
        entries = _entries(document)
        entries.survey()
        source = Source(feed, document, _released(document, entries.rest))
        for number, entry in enumerate(entries, start=1):
            try:
                yield _claim(entry, source)
            except BadValue as error:
                yield refusal(number, error)

    def cells(self, document: Document) -> Iterator[dict[str, Any]]:
        """The entries that are objects."""
        return (entry for entry in _entries(document) if isinstance(entry, dict))

    def check(self, document: Document, feed: Feed) -> Counter[Audience]:
        """See :class:`normalizers.reading.Reading`."""
        entries = _entries(document)
        count = sum(1 for _ in entries)
        if not entries.found:
            raise UnreadableDocument(f"{document.name}: expected a catalogue with a list of vulnerabilities")
        if entries.rest.get("count") != count:
            stated = str(entries.rest.get("count"))[:20]
            raise UnreadableDocument(f"{document.name}: expected {stated} entries as it says, got {count}")
        _released(document, entries.rest)
        return Counter({feed.audience: count})


def _entries(document: Document) -> Listed:
    return Listed(document, "vulnerabilities")


def _released(document: Document, catalogue: Any) -> Millis:
    try:
        return _time(at(catalogue, "dateReleased"))
    except BadValue as error:
        raise UnreadableDocument(f"{document.name}: dateReleased: {error}") from None


def _claim(entry: Any, source: Source) -> Claim:
    if not isinstance(entry, dict):
        raise BadValue("bad-record", f"expected an object, got {type(entry).__name__}")
    kind, cve = canonical("cve", text_at(entry, "cveID"))
    added = _time(entry.get("dateAdded"))
    said = {
        "threat": "exploited-vulnerability",
        "title": _english(entry, "vulnerabilityName"),
        "description": _english(entry, "shortDescription"),
        "cwe": cwes(list_at(entry, "cwes")),
        "products": [product] if (product := _product(entry)) else [],
        "exploited": added,
        "ransomware": True if text_at(entry, "knownRansomwareCampaignUse") == "Known" else None,
    }
    return source.claim(kind, cve, first_seen=added, references=_references(entry, source), detail=detail_text(said))


def _english(entry: dict[str, Any], name: str) -> dict[str, str]:
    text = text_at(entry, name).strip()
    return {"en": text} if text else {}


def _product(entry: dict[str, Any]) -> str:
    return label_of(f"{text_at(entry, 'vendorProject').strip()} {text_at(entry, 'product').strip()}")


def _references(entry: dict[str, Any], source: Source) -> list[Reference | None]:
    """``notes`` is prose and URLs, parted by `` ; ``."""
    return [reference(source.feed.title, url) for url in _LINK.findall(text_at(entry, "notes"))]
