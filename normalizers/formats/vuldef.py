"""VULDEF 3.2, MyJVN's XML about whole vulnerabilities: ``getVulnDetailInfo`` and the yearly data feed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, ClassVar, Literal
from xml.etree.ElementTree import Element  # its types; the parser is defusedxml's

from collectors.document import Document
from config.audience import Audience
from config.entry import Entry
from config.feeds import Feed
from config.instant import JST
from normalizers.advisories import Advisory, as_records, cwes, product, products, score, scores, spoken
from normalizers.bad_value import BadValue
from normalizers.labels import label_of
from normalizers.markup import plain
from normalizers.records import Record, Refusal, UnreadableDocument, Whole, refusal
from normalizers.references import reference
from normalizers.sources import Source
from normalizers.syndication import answered
from normalizers.times import time_reader
from normalizers.values import cves_in, jvns_in
from normalizers.xmls import records, text_of

_V = "{http://jvn.jp/vuldef/}"
_time = time_reader("iso", JST)


class Format(Entry):
    """A document with any number of ``Vulinfo``."""

    marks: ClassVar[bool] = False
    kind: Literal["vuldef"]
    language: Literal["ja", "en"] = "ja"

    def read(self, document: Document, feed: Feed) -> Iterator[Record | Refusal | Whole]:
        """See :class:`normalizers.reading.Reading`. An entry is known again by its id."""
        source = Source(feed, document)
        for number, entry in enumerate(_entries(document), start=1):
            try:
                yield from as_records(_advisory(entry, self.language), source)
            except BadValue as error:
                yield refusal(number, error)

    def check(self, document: Document, feed: Feed) -> Counter[Audience]:
        """See :class:`normalizers.reading.Reading`."""
        return Counter({feed.audience: sum(1 for _ in _entries(document))})


def _entries(document: Document) -> Iterator[Element]:
    """The entries, one at a time: the data feed of a year has some ten thousand."""
    for element in records(document, {"": (f"{_V}Vulinfo",)}):
        if element.tag == f"{_V}Vulinfo":
            yield element
            continue
        answered(document, element)
        if element.tag != f"{_V}VULDEF-Document":
            raise UnreadableDocument(f"{document.name}: expected VULDEF (VULDEF-Document), got {element.tag[:80]}")


def _advisory(entry: Element, spoken_in: str) -> Advisory:
    number = text_of(entry, f"{_V}VulinfoID")
    data = entry.find(f"{_V}VulinfoData")
    if data is None:
        raise BadValue("bad-record", "expected VulinfoData, got none")
    title = text_of(data, f"{_V}Title")
    description = plain(text_of(data, f"{_V}VulinfoDescription/{_V}Overview"))
    related = data.findall(f"{_V}Related/{_V}RelatedItem")
    ids = [text_of(one, f"{_V}VulinfoID") for one in related if one.get("type") == "advisory"]
    cves = cves_in(" ".join((title, *ids)))
    alone = _described(data, related, {spoken_in: title}, {spoken_in: description}) if len(cves) == 1 else {}
    stated = [f"{text_of(one, f'{_V}VulinfoID')} {text_of(one, f'{_V}URL')}" for one in related]
    issued, modified = text_of(data, f"{_V}DateFirstPublished"), text_of(data, f"{_V}DateLastUpdated")
    return Advisory(
        known=number,
        number=number,
        page="",
        title={spoken_in: title},
        description={spoken_in: description},
        issued=_time(issued) if issued else None,
        modified=_time(modified) if modified else None,
        vulnerabilities=dict.fromkeys(cves, alone),
        jvns=jvns_in(" ".join((title, *stated))),
        references=[
            reference(label_of(text_of(one, f"{_V}Name")), text_of(one, f"{_V}URL"))
            for one in related
            if one.get("type") != "cwe"
        ],
    )


def _described(
    data: Element, related: list[Element], title: dict[str, str], description: dict[str, str]
) -> dict[str, Any]:
    found = data.findall(f"{_V}Impact/{_V}Cvss")
    affected = data.findall(f"{_V}Affected/{_V}AffectedItem")
    return {
        "title": spoken(title),
        "description": spoken(description),
        "cvss": scores(
            score(one.get("version", ""), text_of(one, f"{_V}Base"), text_of(one, f"{_V}Vector")) for one in found
        ),
        "cwe": cwes(text_of(one, f"{_V}VulinfoID") for one in related if one.get("type") == "cwe"),
        "products": products(product(text_of(one, f"{_V}Name"), text_of(one, f"{_V}ProductName")) for one in affected),
    }
