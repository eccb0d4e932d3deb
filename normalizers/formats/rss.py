"""RSS 1.0, RSS 2.0 and Atom, with JVN's security module: advisories, and the vulnerabilities they name.

An item gives one claim for each CVE it names and then the claim about the advisory itself. Where an item's own id is
what its advisory is known by, it is a version of that, and these are records. Its line is its place among the items.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar, Literal
from xml.etree.ElementTree import Element  # its types; the parser is defusedxml's

from pydantic import Field

from collectors.document import Document
from config.audience import Audience
from config.entry import Entry
from config.feeds import Feed
from config.instant import JST, Millis, from_datetime
from normalizers.advisories import Advisory, as_records, cwes, product, products, score, scores, spoken, told
from normalizers.bad_value import BadValue, shown
from normalizers.claims import Claim
from normalizers.labels import label_of
from normalizers.records import Record, Refusal, Whole, refusal
from normalizers.sources import Source
from normalizers.syndication import MEMBERS, Item, items, members, security, updated
from normalizers.times import time_reader
from normalizers.values import cves_in, jvns_in

_time = time_reader("iso", JST)


class Format(Entry):
    """A syndicated document."""

    marks: ClassVar[bool] = False
    kind: Literal["rss"]
    members: ClassVar[tuple[str, ...]] = MEMBERS
    language: Literal["ja", "en"] = "ja"
    #: what a title may begin with -> the label that such an item has; the words are taken out of the title
    prefixes: dict[str, str] = Field(default_factory=dict)
    #: what a title may end with, such as ``(更新)``; taken out
    suffixes: tuple[str, ...] = ()
    #: an item that names one CVE is the description of that vulnerability, and not only an advisory about it
    describes: bool = False
    #: what an advisory is known again by: its page, or its own name where pages are shared
    known_by: Literal["link", "id"] = "link"

    def read(self, document: Document, feed: Feed) -> Iterator[Claim | Record | Refusal | Whole]:
        """See :class:`normalizers.reading.Reading`."""
        source = Source(feed, document, _updated(updated(document)))
        for number, item in enumerate(items(document), start=1):
            try:
                advisory = self._advisory(item)
                yield from told(advisory, source) if self.known_by == "link" else as_records(advisory, source)
            except BadValue as error:
                yield refusal(number, error)

    def cells(self, document: Document) -> Iterator[dict[str, str]]:
        """What each item says, by the names of its children."""
        return (members(item.element) for item in items(document))

    def check(self, document: Document, feed: Feed) -> Counter[Audience]:
        """See :class:`normalizers.reading.Reading`."""
        return Counter({feed.audience: sum(1 for _ in items(document))})

    def _advisory(self, item: Item) -> Advisory:
        number = label_of(item.name)
        title, labels = self._title(item.title)
        issued, modified = _moment(item.issued), _moment(item.modified)
        cves = _cves(item, title)
        described = self._described(item, title) if self.describes and len(cves) == 1 else {}
        return Advisory(
            known=(number or item.link) if self.known_by == "id" else (item.link or number),
            number=number,
            page=item.link,
            title={self.language: title},
            description={self.language: item.description},
            issued=issued,
            modified=modified or issued,
            vulnerabilities=dict.fromkeys(cves, described),
            jvns=_jvns(item, title),
            labels=labels,
        )

    def _title(self, text: str) -> tuple[str, list[str]]:
        """The title without the publisher's own marks, and the labels that those stand for."""
        title = " ".join(text.split())
        labels = []
        for suffix in self.suffixes:
            title = title.removesuffix(suffix).rstrip()
        for prefix, label in self.prefixes.items():
            if title.startswith(prefix):
                title = title.removeprefix(prefix).strip()
                labels.append(label)
        return title, labels

    def _described(self, item: Item, title: str) -> dict[str, Any]:
        cvss = [score(one.get("version", ""), one.get("score"), one.get("vector", "")) for one in _sec(item, "cvss")]
        return {
            "title": spoken({self.language: title}),
            "description": spoken({self.language: item.description}),
            "cvss": scores(cvss),
            "cwe": cwes(one.get("id") for one in _sec(item, "references")),
            "products": products(product(one.get("vendor", ""), one.get("product", "")) for one in _sec(item, "cpe")),
        }


def _updated(text: str) -> Millis | None:
    try:
        return _moment(text)
    except BadValue:
        return None


def _moment(text: str) -> Millis | None:
    """ISO 8601, as RSS 1.0 and Atom have it, or RFC 5322, as RSS 2.0 does. Raises :class:`BadValue`."""
    if not text or (text[0].isdigit() and "-" in text):
        return _time(text) if text else None
    try:
        moment = parsedate_to_datetime(text)
        return from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise BadValue("bad-time", f"expected a time as RFC 3339 or RFC 5322 has it, got {shown(text[:100])}") from None


def _sec(item: Item, name: str) -> list[Element]:
    return security(item.element, name)


def _cves(item: Item, title: str) -> list[str]:
    stated = [one.get("id", "") for one in _sec(item, "references") if one.get("source") in ("CVE", "NVD")]
    return cves_in(" ".join((title, *stated)))


def _jvns(item: Item, title: str) -> list[str]:
    named = [one for one in _sec(item, "references") if one.get("source") == "JVN"]
    stated = [f"{one.get('id', '')} {one.text or ''}" for one in named]
    return jvns_in(" ".join((title, item.name, item.link, *stated)))
