"""RSS 1.0, RSS 2.0 and Atom, with JVN's security module: advisories, and the vulnerabilities they name.

An item gives one claim for each CVE it names and then the claim about the advisory itself. Its line is its place among
the items.
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
from config.feeds import Entry, Feed
from config.instant import JST, Millis, from_datetime
from normalizers.bad_value import BadValue, shown
from normalizers.claims import Claim, detail_text
from normalizers.labels import label_of
from normalizers.records import Refusal, refusal
from normalizers.references import is_cwe, reference
from normalizers.sources import Source
from normalizers.syndication import Item, channel, security
from normalizers.times import time_reader
from normalizers.values import canonical, cves_in, jvns_in

_LONGEST_TEXT = 4_000
_time = time_reader("iso", JST)


class Format(Entry):
    """A syndicated document."""

    marks: ClassVar[bool] = False
    kind: Literal["rss"]
    language: Literal["ja", "en"] = "ja"
    #: what a title may begin with -> the label that such an item has; the words are taken out of the title
    prefixes: dict[str, str] = Field(default_factory=dict)
    #: what a title may end with, such as ``(更新)``; taken out
    suffixes: tuple[str, ...] = ()
    #: an item that names one CVE is the description of that vulnerability, and not only an advisory about it
    describes: bool = False
    #: what an advisory is known again by: its page, or its own name where pages are shared
    known_by: Literal["link", "id"] = "link"

    def read(self, document: Document, feed: Feed) -> Iterator[Claim | Refusal]:
        """See :class:`normalizers.reading.Reading`."""
        read = channel(document)
        source = Source(feed, document, _updated(read.updated))
        for number, item in enumerate(read.items, start=1):
            try:
                claims = self._claims(item, source)
            except BadValue as error:
                yield refusal(number, error)
                continue
            yield from claims

    def check(self, document: Document, feed: Feed) -> Counter[Audience]:
        """See :class:`normalizers.reading.Reading`."""
        return Counter({feed.audience: len(channel(document).items)})

    def _claims(self, item: Item, source: Source) -> list[Claim]:
        number = label_of(item.name)
        known = number or item.link if self.known_by == "id" else item.link or number
        if not known:
            raise BadValue("no-value", "expected an item with a link or an identifier, got neither")
        kind, value = canonical("advisory", known)
        title, labels = self._title(item.title)
        issued, modified = _moment(item.issued), _moment(item.modified)
        modified = modified or issued
        cves, jvns = _cves(item, title), _jvns(item, title)
        references = [reference(source.feed.title, item.link, number if number != item.link else "")]
        seen: dict[str, Any] = {"first_seen": issued, "last_seen": modified, "changed": modified}
        described = self._vulnerability(item, title, len(cves), jvns)
        claims = [source.claim("cve", cve, references=references, detail=described, **seen) for cve in cves]
        said = {
            "threat": "advisory",
            "title": self._spoken(title),
            "description": self._spoken(_description(item)),
            "published": issued,
            "publisher": source.feed.publisher.name if source.feed.named else None,
            "cves": cves,
            "jvn": jvns,
        }
        claims.append(source.claim(kind, value, labels=labels, references=references, detail=detail_text(said), **seen))
        return claims

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
        return title[:_LONGEST_TEXT], labels

    def _spoken(self, text: str) -> dict[str, str]:
        return {self.language: text} if text else {}

    def _vulnerability(self, item: Item, title: str, cves: int, jvns: list[str]) -> str:
        # One number of JVN's may stand for many vulnerabilities, each of which is joined with its advisories by it.
        said: dict[str, Any] = {"threat": "vulnerability", "jvn": jvns}
        if self.describes and cves == 1:
            said |= {
                "title": self._spoken(title),
                "description": self._spoken(_description(item)),
                "cvss": _scores(item),
                "cwe": sorted(filter(is_cwe, {one.get("id", "") for one in security(item.element, "references")})),
                "products": sorted({_product(entry) for entry in security(item.element, "cpe")} - {""}),
            }
        return detail_text(said)


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


def _cves(item: Item, title: str) -> list[str]:
    named = security(item.element, "references")
    stated = [entry.get("id", "") for entry in named if entry.get("source") in ("CVE", "NVD")]
    return cves_in(" ".join((title, *stated)))


def _jvns(item: Item, title: str) -> list[str]:
    named = security(item.element, "references")
    stated = [f"{one.get('id', '')} {one.text or ''}" for one in named if one.get("source") == "JVN"]
    return jvns_in(" ".join((title, item.name, item.link, *stated)))


def _description(item: Item) -> str:
    return item.description[:_LONGEST_TEXT]


def _product(entry: Element) -> str:
    vendor, product = label_of(entry.get("vendor", "")), label_of(entry.get("product", ""))
    return product if product.lower().startswith(vendor.lower()) else f"{vendor} {product}".strip()


def _scores(item: Item) -> list[dict[str, Any]]:
    scores = []
    for entry in security(item.element, "cvss"):
        try:
            score = float(entry.get("score", ""))
        except ValueError:
            continue
        if 0 <= score <= 10:
            version, vector = label_of(entry.get("version", "")), label_of(entry.get("vector", ""))
            scores.append({"version": version, "score": score, "vector": vector})
    return sorted(scores, key=lambda one: (one["version"], one["score"], one["vector"]))
