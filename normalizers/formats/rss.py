"""RSS 1.0 (RDF) with Dublin Core and JVN's security module: advisories, and the vulnerabilities they name.

An item gives one claim for each CVE it names and then the claim about the advisory itself. Its line is its place among
the items.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, ClassVar, Literal
from xml.etree.ElementTree import Element  # its types; the parser is defusedxml's

from pydantic import Field

from collectors.document import Document
from config.audience import Audience
from config.feeds import Entry, Feed
from config.instant import JST, Millis
from normalizers.bad_value import BadValue
from normalizers.claims import Claim, detail_text
from normalizers.labels import label_of
from normalizers.records import Refusal, UnreadableDocument, refusal
from normalizers.references import is_cwe, reference
from normalizers.sources import Source
from normalizers.times import time_reader
from normalizers.values import canonical, cves_in
from normalizers.xmls import parsed, text_of

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_RSS = "{http://purl.org/rss/1.0/}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_TERMS = "{http://purl.org/dc/terms/}"
#: JVN's module in its RSS feeds and in its API.
_SEC = ("{http://jvn.jp/rss/mod_sec/}", "{http://jvn.jp/rss/mod_sec/3.0/}")
_LONGEST_TEXT = 4_000
_time = time_reader("iso", JST)


class Format(Entry):
    """An RSS 1.0 document."""

    marks: ClassVar[bool] = False
    kind: Literal["rss"]
    language: Literal["ja", "en"] = "ja"
    #: what a title may begin with -> the label that such an item has; the words are taken out of the title
    prefixes: dict[str, str] = Field(default_factory=dict)
    #: what a title may end with, such as ``(更新)``; taken out
    suffixes: tuple[str, ...] = ()
    #: an item that names one CVE is the description of that vulnerability, and not only an advisory about it
    describes: bool = False

    def read(self, document: Document, feed: Feed) -> Iterator[Claim | Refusal]:
        """See :class:`normalizers.reading.Reading`."""
        root = parsed(document)
        source = Source(feed, document, _channel_time(root))
        for number, item in enumerate(_items(document, root), start=1):
            try:
                claims = self._claims(item, source)
            except BadValue as error:
                yield refusal(number, error)
                continue
            yield from claims

    def check(self, document: Document, feed: Feed) -> Counter[Audience]:
        """See :class:`normalizers.reading.Reading`."""
        return Counter({feed.audience: len(_items(document, parsed(document)))})

    def _claims(self, item: Element, source: Source) -> list[Claim]:
        page = text_of(item, f"{_RSS}link") or item.get(f"{_RDF}about", "")
        number = label_of(_sec_text(item, "identifier") or text_of(item, f"{_DC}identifier"))
        if not page and not number:
            raise BadValue("no-value", "expected an item with a link or an identifier, got neither")
        kind, value = canonical("advisory", page or number)
        title, labels = self._title(text_of(item, f"{_RSS}title"))
        issued = _moment(text_of(item, f"{_TERMS}issued", f"{_DC}date"))
        modified = _moment(text_of(item, f"{_TERMS}modified", f"{_DC}date")) or issued
        cves = _cves(item, title)
        references = [reference(source.feed.title, page, number)]
        seen: dict[str, Any] = {"first_seen": issued, "last_seen": modified, "changed": modified}
        claims = [
            source.claim("cve", cve, references=references, detail=self._vulnerability(item, title, len(cves)), **seen)
            for cve in cves
        ]
        said = {
            "threat": "advisory",
            "title": self._spoken(title),
            "description": self._spoken(_description(item)),
            "published": issued,
            "publisher": source.feed.publisher.name if source.feed.named else None,
            "cves": cves,
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

    def _vulnerability(self, item: Element, title: str, cves: int) -> str:
        said: dict[str, Any] = {"threat": "vulnerability"}
        if self.describes and cves == 1:
            said |= {
                "title": self._spoken(title),
                "description": self._spoken(_description(item)),
                "cvss": _scores(item),
                "cwe": sorted(filter(is_cwe, {entry.get("id", "") for entry in _sec(item, "references")})),
                "products": sorted({_product(entry) for entry in _sec(item, "cpe")} - {""}),
            }
        return detail_text(said)


def _items(document: Document, root: Element) -> list[Element]:
    if root.tag != f"{_RDF}RDF" or root.find(f"{_RSS}channel") is None:
        raise UnreadableDocument(f"{document.name}: expected RSS 1.0 (rdf:RDF with a channel), got {root.tag[:80]}")
    return root.findall(f"{_RSS}item")


def _channel_time(root: Element) -> Millis | None:
    channel = root.find(f"{_RSS}channel")
    try:
        return _moment(text_of(channel, f"{_TERMS}modified", f"{_DC}date")) if channel is not None else None
    except BadValue:
        return None


def _moment(text: str) -> Millis | None:
    return _time(text) if text else None


def _cves(item: Element, title: str) -> list[str]:
    stated = [entry.get("id", "") for entry in _sec(item, "references") if entry.get("source") in ("CVE", "NVD")]
    return cves_in(" ".join((title, *stated)))


def _description(item: Element) -> str:
    return text_of(item, f"{_RSS}description")[:_LONGEST_TEXT]


def _sec(item: Element, name: str) -> list[Element]:
    return [found for namespace in _SEC for found in item.findall(f"{namespace}{name}")]


def _sec_text(item: Element, name: str) -> str:
    return text_of(item, *(f"{namespace}{name}" for namespace in _SEC))


def _product(entry: Element) -> str:
    vendor, product = label_of(entry.get("vendor", "")), label_of(entry.get("product", ""))
    return product if product.lower().startswith(vendor.lower()) else f"{vendor} {product}".strip()


def _scores(item: Element) -> list[dict[str, Any]]:
    scores = []
    for entry in _sec(item, "cvss"):
        try:
            score = float(entry.get("score", ""))
        except ValueError:
            continue
        if 0 <= score <= 10:
            version, vector = label_of(entry.get("version", "")), label_of(entry.get("vector", ""))
            scores.append({"version": version, "score": score, "vector": vector})
    return sorted(scores, key=lambda one: (one["version"], one["score"], one["vector"]))
