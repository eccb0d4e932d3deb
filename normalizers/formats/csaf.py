"""CSAF 2.0 and 2.1 advisories (OASIS Common Security Advisory Framework), also as MyJVN wraps them into STIX."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC
from typing import Any, ClassVar, Literal

from collectors.document import Document
from config.audience import Audience
from config.entry import Entry
from config.feeds import Feed
from normalizers import myjvn
from normalizers.advisories import Advisory, as_records, cvss_of, cwes, language, products, spoken
from normalizers.bad_value import BadValue
from normalizers.jsons import Listed, at, list_at, text_at
from normalizers.records import Record, Refusal, UnreadableDocument, Whole, refusal
from normalizers.references import reference
from normalizers.sources import Source
from normalizers.times import time_reader
from normalizers.values import cves_in, jvns_in

_time = time_reader("iso", UTC)
_DEEPEST = 20
_MOST_PRODUCTS = 5_000


class Format(Entry):
    """An advisory, a list of them, or MyJVN's bundle in which an object of its own holds them."""

    marks: ClassVar[bool] = False
    kind: Literal["csaf"]

    def read(self, document: Document, feed: Feed) -> Iterator[Record | Refusal | Whole]:
        """See :class:`normalizers.reading.Reading`. An advisory is known again by its id."""
        source = Source(feed, document)
        for number, entry in enumerate(_documents(document), start=1):
            try:
                yield from as_records(_advisory(entry), source)
            except BadValue as error:
                yield refusal(number, error)

    def check(self, document: Document, feed: Feed) -> Counter[Audience]:
        """See :class:`normalizers.reading.Reading`."""
        return Counter({feed.audience: sum(1 for _ in _documents(document))})


def _documents(document: Document) -> Iterator[Any]:
    """The advisories. Raises :class:`UnreadableDocument`, perhaps only at the end."""
    listed = Listed(document, "", "objects")
    listed.survey()
    myjvn.answered(document, at(listed.rest, "status"))
    if text_at(listed.rest, "type") == "bundle":
        for one in listed:
            yield from list_at(one, "VULDEF-Document")
        return
    for one in listed if isinstance(listed.rest, list) else [listed.rest]:
        if not isinstance(at(one, "document"), dict):
            raise UnreadableDocument(f"{document.name}: expected a CSAF advisory with a document, got something else")
        yield one


def _advisory(entry: Any) -> Advisory:
    number, title = text_at(entry, "document.tracking.id"), text_at(entry, "document.title")
    spoken_in = language(text_at(entry, "document.lang"))
    references = [one for one in list_at(entry, "document.references") if isinstance(one, dict)]
    description = _note(entry, "document.notes")
    vulnerabilities = [one for one in list_at(entry, "vulnerabilities") if cves_in(text_at(one, "cve"))]
    alone = {"title": title, "description": description} if len(vulnerabilities) == 1 else {}
    names = _names(entry)
    pointed = [f"{text_at(one, 'summary')} {text_at(one, 'url')}" for one in references]
    issued, modified = (
        _time(text_at(entry, f"document.tracking.{name}")) if text_at(entry, f"document.tracking.{name}") else None
        for name in ("initial_release_date", "current_release_date")
    )
    return Advisory(
        known=number,
        number=number,
        page=next((text_at(one, "url") for one in references if text_at(one, "category") == "self"), ""),
        title={spoken_in: title},
        description={spoken_in: description},
        issued=issued,
        modified=modified,
        vulnerabilities={
            cves_in(text_at(one, "cve"))[0]: _vulnerability(one, spoken_in, names, alone) for one in vulnerabilities
        },
        jvns=jvns_in(" ".join((number, title, *pointed))),
        references=[
            reference(text_at(one, "source") or text_at(one, "summary"), text_at(one, "url"))
            for one in references
            if text_at(one, "category") != "self"
        ],
    )


def _vulnerability(one: Any, spoken_in: str, names: dict[str, str], alone: dict[str, str]) -> dict[str, Any]:
    # 2.1 has lists of CWEs and of metrics, 2.0 one CWE and scores.
    weaknesses = [*list_at(one, "cwes"), at(one, "cwe")]
    contents = [at(each, "content") for each in list_at(one, "metrics")] + list_at(one, "scores")
    affected = list_at(one, "product_status.known_affected")[:_MOST_PRODUCTS]
    return {
        "title": spoken({spoken_in: text_at(one, "title") or alone.get("title", "")}),
        "description": spoken({spoken_in: _note(one, "notes") or alone.get("description", "")}),
        "cvss": cvss_of(value for each in contents if isinstance(each, dict) for value in each.values()),
        "cwe": cwes(at(each, "id") for each in weaknesses),
        "products": products(names.get(str(each), "") for each in affected),
    }


def _note(entry: Any, path: str) -> str:
    notes = {text_at(one, "category"): text_at(one, "text") for one in reversed(list_at(entry, path))}
    return notes.get("description") or notes.get("summary") or ""


def _names(entry: Any) -> dict[str, str]:
    """Product id -> name, from the tree's branches and from those that stand beside it."""
    found: dict[str, str] = {}
    waiting = [(one, 0) for one in list_at(entry, "product_tree.branches")]
    products_ = [one for one in list_at(entry, "product_tree.full_product_names")]
    while waiting and len(found) < _MOST_PRODUCTS:
        branch, depth = waiting.pop()
        products_.append(at(branch, "product"))
        if depth < _DEEPEST:
            waiting += [(one, depth + 1) for one in list_at(branch, "branches")]
        for one in products_:
            found.setdefault(text_at(one, "product_id"), text_at(one, "name"))
        products_.clear()
    for one in products_:
        found.setdefault(text_at(one, "product_id"), text_at(one, "name"))
    return found
