"""CVE records of the NVD, as its API 2.0 answers them, or one to a file."""

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
from normalizers.advisories import cvss_of, cwes, product, products, spoken
from normalizers.bad_value import BadValue
from normalizers.claims import Reference, detail_text
from normalizers.jsons import Listed, at, list_at, text_at
from normalizers.records import Record, Refusal, TakenBack, UnreadableDocument, refusal
from normalizers.references import reference
from normalizers.sources import Source
from normalizers.times import time_reader
from normalizers.values import canonical, jvns_in

_time = time_reader("iso", UTC)
#: Vendor and product of a CPE 2.3 name (NISTIR 7695 section 6.2), in which a backslash quotes what follows it.
_CPE = re.compile(r"cpe:2\.3:[aho*-]:((?:\\.|[^:\\])*):((?:\\.|[^:\\])*):")
_MOST_MATCHES = 5_000


class Format(Entry):
    """An answer of the API (``vulnerabilities``, each with its ``cve``), or one such record by itself."""

    marks: ClassVar[bool] = False
    kind: Literal["nvd"]

    def read(self, document: Document, feed: Feed) -> Iterator[Record | Refusal]:
        """See :class:`normalizers.reading.Reading`. A record is known again by its CVE id."""
        listed = Listed(document, "vulnerabilities")
        listed.survey()
        source = Source(feed, document, _answered(document, listed.rest))
        for number, entry in enumerate(_entries(document, listed), start=1):
            try:
                yield _record(number, entry, source)
            except BadValue as error:
                yield refusal(number, error)

    def check(self, document: Document, feed: Feed) -> Counter[Audience]:
        """See :class:`normalizers.reading.Reading`."""
        listed = Listed(document, "vulnerabilities")
        return Counter({feed.audience: sum(1 for _ in _entries(document, listed))})


def _entries(document: Document, listed: Listed) -> Iterator[Any]:
    """The records of an answer, or the one that the document is. Raises :class:`UnreadableDocument`, perhaps only at
    the end."""
    for one in listed:
        yield at(one, "cve")
    if _is_record(listed.rest):
        yield listed.rest
    elif not listed.found:
        raise UnreadableDocument(f"{document.name}: expected an answer of the NVD with a list of vulnerabilities")


def _is_record(said: Any) -> bool:
    return bool(text_at(said, "id")) and isinstance(at(said, "descriptions"), list)


def _moment(entry: Any, name: str) -> Millis | None:
    return _time(text_at(entry, name)) if text_at(entry, name) else None


def _answered(document: Document, answer: Any) -> Millis | None:
    if _is_record(answer):
        return None
    try:
        return _moment(answer, "timestamp")
    except BadValue as error:
        raise UnreadableDocument(f"{document.name}: timestamp: {error}") from None


def _record(number: int, entry: Any, source: Source) -> Record | Refusal:
    if not isinstance(entry, dict):
        raise BadValue("bad-record", f"expected an object, got {type(entry).__name__}")
    kind, cve = canonical("cve", text_at(entry, "id"))
    # Every record has it. The time of the answer is no substitute: it would date all of them anew with each fetch.
    published, changed = _moment(entry, "published"), _time(entry.get("lastModified"))
    if text_at(entry, "vulnStatus") == "Rejected":
        gone = TakenBack(cve, changed)
        return Refusal(number, "rejected", f"{cve} was rejected, so it is no vulnerability", takes_back=gone)
    exploited = _moment(entry, "cisaExploitAdd")
    said = {
        "threat": "exploited-vulnerability" if exploited else "vulnerability",
        "description": spoken({text_at(one, "lang"): text_at(one, "value") for one in list_at(entry, "descriptions")}),
        "cvss": cvss_of(at(one, "cvssData") for one in _metrics(entry)),
        "cwe": cwes(at(one, "value") for each in list_at(entry, "weaknesses") for one in list_at(each, "description")),
        "products": products(_product(one) for one in _matches(entry)),
        "exploited": exploited,
        "jvn": jvns_in(" ".join(text_at(one, "url") for one in list_at(entry, "references"))),
    }
    claim = source.claim(
        kind,
        cve,
        first_seen=published,
        last_seen=changed,
        changed=changed,
        references=_references(entry, source),
        detail=detail_text(said),
    )
    return Record(cve, claim)


def _metrics(entry: dict[str, Any]) -> Iterator[Any]:
    metrics = entry.get("metrics")
    for found in metrics.values() if isinstance(metrics, dict) else ():
        yield from found if isinstance(found, list) else ()


def _matches(entry: dict[str, Any]) -> list[Any]:
    nodes = [node for one in list_at(entry, "configurations") for node in list_at(one, "nodes")]
    found = [match for node in nodes for match in list_at(node, "cpeMatch")]
    return [match for match in found[:_MOST_MATCHES] if at(match, "vulnerable") is True]


def _product(match: Any) -> str:
    found = _CPE.match(text_at(match, "criteria"))
    if found is None:
        return ""
    vendor, name = (re.sub(r"\\(.)", r"\1", part).replace("_", " ") for part in found.groups())
    return product(vendor, name)


def _references(entry: dict[str, Any], source: Source) -> list[Reference | None]:
    return [reference(source.feed.title, text_at(one, "url")) for one in list_at(entry, "references")]
