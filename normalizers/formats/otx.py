"""Pulses of AlienVault OTX: one page of them, or a bare list. An indicator is known again by its pulse and its value.

A pulse has one marking, its ``TLP``; one that is not public is for the operators alone. Times without a zone are UTC.
A row's line is its place among the document's.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC
from typing import Any, ClassVar, Literal

from pydantic import Field

from collectors.document import Document
from config.audience import INTERNAL, Audience
from config.entry import Entry
from config.feeds import Feed
from config.instant import Millis
from normalizers.bad_value import BadValue, shown
from normalizers.claims import Claim, Reference
from normalizers.jsons import Listed, text_at, texts_in
from normalizers.labels import label_of
from normalizers.records import Record, Refusal, TakenBack, UnreadableDocument, Whole, refusal
from normalizers.references import reference
from normalizers.sources import Source
from normalizers.times import time_reader
from normalizers.values import algorithm, canonical

#: a pulse's word for a type -> ours
_KINDS = {
    "IPv4": "ip", "IPv6": "ip", "CIDR": "cidr", "domain": "domain", "hostname": "domain", "URL": "url",
    "email": "email", "CVE": "cve", "FileHash-MD5": "file", "FileHash-SHA1": "file", "FileHash-SHA256": "file",
    "SSLCertFingerprint": "certificate",
}  # fmt: skip
_HASHES = {"FileHash-MD5": "MD5", "FileHash-SHA1": "SHA-1", "FileHash-SHA256": "SHA-256"}
#: What an indicator may have besides.
_BESIDES = frozenset((
    "id", "_id", "content", "title", "description", "role", "expiration", "is_active", "access_type", "access_reason",
    "access_groups", "observations",
))  # fmt: skip
_PAGE = "https://otx.alienvault.com/pulse/"
_time = time_reader("iso", UTC)


class Format(Entry):
    """A document of pulses."""

    marks: ClassVar[bool] = True
    kind: Literal["otx"]
    #: tag of a pulse, or role of an indicator -> threat; the first that fits counts
    threats: dict[str, str] = Field(default_factory=dict)
    members: ClassVar[tuple[str, ...]] = ("type", "indicator", "created")
    besides: ClassVar[frozenset[str]] = _BESIDES

    def read(self, document: Document, feed: Feed) -> Iterator[Record | Refusal | Whole]:
        """See :class:`normalizers.reading.Reading`."""
        source, line = Source(feed, document), 0
        for said in _pulses(document):
            try:
                pulse = _Pulse(source, said, self.threats)
            except BadValue as error:
                line += 1
                yield refusal(line, error, INTERNAL)
                continue
            yield pulse.whole()
            for indicator in pulse.indicators:
                line += 1
                yield pulse.row(line, indicator)

    def check(self, document: Document, feed: Feed) -> Counter[Audience]:
        """See :class:`normalizers.reading.Reading`."""
        rows = (item for item in self.read(document, feed) if not isinstance(item, Whole))
        return Counter(item.audience or feed.audience for item in rows)

    def marked_cells(self, document: Document, feed: Feed) -> Iterator[tuple[Audience, dict[str, Any]]]:
        """See :class:`normalizers.columns.Marked`: of indicators. What a pulse has is as its author likes."""
        source = Source(feed, document)
        for said in _pulses(document):
            try:
                pulse = _Pulse(source, said, self.threats)
            except BadValue:
                continue
            audience = pulse.readers()
            for indicator in pulse.indicators:
                if isinstance(indicator, dict):
                    yield audience, indicator


def _pulses(document: Document) -> Iterator[Any]:
    """The pulses. Raises :class:`UnreadableDocument`, perhaps only at the end."""
    listed = Listed(document, "", "results")
    yield from listed
    if not listed.found:
        raise UnreadableDocument(f"{document.name}: expected a page of pulses, got something else")


class _Pulse:
    """What a pulse gives to its indicators."""

    def __init__(self, source: Source, said: Any, threats: dict[str, str]) -> None:
        if not isinstance(said, dict) or not isinstance(said.get("indicators"), list):
            raise BadValue("bad-record", "expected a pulse with a list of indicators")
        self._source = source
        self._threats = threats
        self._id = _text(said, "id")
        if not self._id or len(self._id) > 100 or not self._id.isalnum():
            raise BadValue("bad-object", f"id: expected letters and digits, got {shown(self._id)}")
        self._modified = _time(said.get("modified"))
        self._tlp = _text(said, "TLP") or _text(said, "tlp")
        self._public = said.get("public", True)
        self._tags = [word for word in texts_in(said.get("tags")) if word]
        adversary = label_of(_text(said, "adversary"))
        self._labels = {label_of(word) for word in (*self._tags, adversary, *_names(said.get("attack_ids")))} - {""}
        self._named = {"actors": [adversary]} if adversary else {}
        self._malware = {label_of(word) for word in _names(said.get("malware_families"))} - {""}
        self._references = self._elsewhere(texts_in(said.get("references")))
        self.indicators: list[Any] = said["indicators"]

    def _elsewhere(self, links: list[str]) -> list[Reference | None]:
        title = self._source.feed.title
        return [reference(title, f"{_PAGE}{self._id}", self._id), *(reference(title, link) for link in links)]

    def whole(self) -> Whole:
        """All the records that the pulse has."""
        names = (self._name(indicator) for indicator in self.indicators)
        return Whole(self._id, tuple(sorted({name for name in names if name})), str(self._modified))

    def _name(self, indicator: Any) -> str:
        """What an indicator is known again by; "" where it has no type or value. OTX's own ids are of two kinds, and
        not always the same again."""
        kind, value = _text(indicator, "type"), _text(indicator, "indicator")
        if not kind or not value:
            return ""
        return f"{self._id}/{hashlib.blake2b(f'{kind} {value}'.encode(), digest_size=16).hexdigest()}"

    def row(self, line: int, indicator: Any) -> Record | Refusal:
        """The record of an indicator, or why there is none."""
        audience: Audience | None = INTERNAL
        try:
            audience = self._audience()
            return Record(self._name(indicator), self._claim(indicator, audience), edition=str(self._modified))
        except BadValue as error:
            name = self._name(indicator)
            taken = TakenBack(name, self._modified, str(self._modified)) if error.reason == "marking" and name else None
            return refusal(line, error, audience)._replace(takes_back=taken)

    def readers(self) -> Audience:
        """Who may see its indicators; nobody but the operators where that cannot be read."""
        try:
            return self._audience() or self._source.audience
        except BadValue:
            return INTERNAL

    def _audience(self) -> Audience | None:
        marked = self._source.marked([self._tlp]) if self._tlp else None
        return marked if self._public not in (False, 0) else INTERNAL

    def _claim(self, indicator: Any, audience: Audience | None) -> Claim:
        given = _text(indicator, "type")
        kind = _KINDS.get(given)
        if kind is None:
            raise BadValue("unknown-type", f"type: expected one that an indicator is made of, got {shown(given)}")
        kind, value = canonical(kind, _text(indicator, "indicator"))
        if given in _HASHES and algorithm(value) != _HASHES[given]:
            raise BadValue("bad-hash", f"expected the digits of {given}, got {shown(value)}")
        created = _time(indicator["created"]) if indicator.get("created") else self._modified
        return self._source.claim(
            kind,
            value,
            first_seen=created,
            last_seen=created,
            changed=self._modified,
            said=self._source.understood(self._labels, self._malware, named=self._named),
            references=self._references,
            detail=self._source.threat(self._threat(_text(indicator, "role"))),
            audience=audience,
            withdrawn=self._over(indicator),
        )

    def _threat(self, role: str) -> str | None:
        words = {word.lower() for word in (*self._tags, role)}
        return next((threat for word, threat in self._threats.items() if word.lower() in words), None)

    def _over(self, indicator: dict[str, Any]) -> Millis:
        """When it was taken back or expired, as of the pulse's own change; 0 while it stands."""
        if indicator.get("is_active", 1) in (0, False):
            return self._modified
        expires = indicator.get("expiration")
        return expired if expires and (expired := _time(expires)) <= self._modified else 0


def _text(said: Any, name: str) -> str:
    return text_at(said, name).strip()


def _names(listed: Any) -> list[str]:
    """Names, each a text or an object that shows one."""
    items = listed if isinstance(listed, list) else []
    return [item if isinstance(item, str) else _text(item, "display_name") or _text(item, "id") for item in items]
