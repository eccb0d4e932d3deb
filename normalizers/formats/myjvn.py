"""MyJVN's own JSON (``feed=oka``, and ``ft=json`` of ``feed=hnd``): lists of vulnerabilities and of IPA's alerts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from collectors.document import Document
from config.audience import Audience
from config.entry import Entry
from config.feeds import Feed
from config.instant import JST, Millis
from normalizers import myjvn
from normalizers.advisories import Advisory, as_records, cvss_of, cwes, language, product, products, spoken
from normalizers.bad_value import BadValue
from normalizers.jsons import Listed, at, list_at, text_at
from normalizers.records import Record, Refusal, UnreadableDocument, Whole, refusal
from normalizers.references import reference
from normalizers.sources import Source
from normalizers.times import time_reader
from normalizers.values import cves_in, jvns_in

_time = time_reader("iso", JST)


class Format(Entry):
    """An answer with a list of entries."""

    marks: ClassVar[bool] = False
    kind: Literal["myjvn"]

    def read(self, document: Document, feed: Feed) -> Iterator[Record | Refusal | Whole]:
        """See :class:`normalizers.reading.Reading`. An entry is known again by its id."""
        entries = _entries(document)
        entries.survey()
        answer = _answer(document, entries)
        source = Source(feed, document, _made(document, answer))
        spoken_in = language(text_at(answer, "feed.lang"), otherwise="ja")
        for number, entry in enumerate(entries, start=1):
            try:
                yield from as_records(_advisory(entry, spoken_in), source)
            except BadValue as error:
                yield refusal(number, error)

    def check(self, document: Document, feed: Feed) -> Counter[Audience]:
        """See :class:`normalizers.reading.Reading`."""
        entries = _entries(document)
        count = sum(1 for _ in entries)
        _answer(document, entries)
        return Counter({feed.audience: count})


def _entries(document: Document) -> Listed:
    return Listed(document, "feed.entry")


def _answer(document: Document, entries: Listed) -> Any:
    """The answer without its entries, once those were read."""
    answer = entries.rest
    myjvn.answered(document, at(answer, "status"))
    # Version HND says it within the feed.
    myjvn.answered(document, at(at(answer, "feed"), "status:Status"))
    if not isinstance(at(answer, "feed"), dict):
        raise UnreadableDocument(f"{document.name}: expected an answer of MyJVN with a feed, got something else")
    return answer


def _moment(entry: Any, *paths: str) -> Millis | None:
    for path in paths:
        if text_at(entry, path):
            return _time(text_at(entry, path))
    return None


def _made(document: Document, answer: Any) -> Millis | None:
    try:
        return _moment(answer, "feed.generator.date", "feed.updated")
    except BadValue as error:
        raise UnreadableDocument(f"{document.name}: the date of its feed: {error}") from None


def _advisory(entry: Any, spoken_in: str) -> Advisory:
    if not isinstance(entry, dict):
        raise BadValue("bad-record", f"expected an object, got {type(entry).__name__}")
    references = list_at(entry, "references")
    named = [one for one in references if text_at(one, "source") in ("CVE", "NVD")]
    title, description = text_at(entry, "title"), text_at(entry, "summary")
    cves = cves_in(" ".join((title, *(text_at(one, "summary") for one in named))))
    alone = _described(entry, {spoken_in: title}, {spoken_in: description}) if len(cves) == 1 else {}
    stated = [f"{text_at(one, 'summary')} {text_at(one, 'url')}" for one in references]
    parts = [one for one in list_at(entry, "items") if isinstance(one, dict)]
    return Advisory(
        known=text_at(entry, "id"),
        number=text_at(entry, "id"),
        page=text_at(entry, "link"),
        title={spoken_in: title},
        description={spoken_in: description},
        issued=_moment(entry, "created", "published"),
        # "update" stands in an example of the publisher's.
        modified=_moment(entry, "modified", "updated", "update"),
        vulnerabilities=dict.fromkeys(cves, alone),
        jvns=jvns_in(" ".join((title, *stated))),
        references=[
            *(reference(text_at(one, "source"), text_at(one, "url")) for one in references),
            *(reference(text_at(one, "title"), text_at(one, "link")) for one in parts),
        ],
    )


def _described(entry: dict[str, Any], title: dict[str, str], description: dict[str, str]) -> dict[str, Any]:
    contents = [at(one, "content") for one in list_at(entry, "metrics")]
    return {
        "title": spoken(title),
        "description": spoken(description),
        "cvss": cvss_of(value for one in contents if isinstance(one, dict) for value in one.values()),
        "cwe": cwes(at(one, "id") for one in list_at(entry, "cwes")),
        "products": products(
            product(text_at(one, "vname"), text_at(one, "pname")) for one in list_at(entry, "products")
        ),
    }
