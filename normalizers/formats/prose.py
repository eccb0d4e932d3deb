"""The text of one advisory, plain or as a web page: its indicators, called what they are called there.

A text is one advisory; its indicators are rows, and so are values that have the form of one and cannot be used.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, ClassVar, Literal, NamedTuple
from urllib.parse import quote

from pydantic import Field

from collectors.document import Document
from config.audience import Audience
from config.entry import Entry
from config.feeds import Feed
from config.instant import Millis
from normalizers.bad_value import BadValue
from normalizers.claims import Claim, detail_text
from normalizers.labels import plain as one_line
from normalizers.pages import page_lines, page_title
from normalizers.prose import Mention, mentions
from normalizers.records import Refusal, UnreadableDocument, refusal
from normalizers.references import reference
from normalizers.sources import Source
from normalizers.texts import Encoding, check_encoding, is_html, is_japanese, lines
from normalizers.times import ZONES, time_reader
from normalizers.urls import host_of
from normalizers.values import canonical, cves_in

#: An advisory is short; what is longer is something else.
_LARGEST = 2 * 1024 * 1024
_LONGEST_TITLE = 300
#: Lines in which the date of a text is looked for.
_HEAD = 40
_DATE = re.compile(r"((?:19|20)[0-9]{2})\s?(?:[-/.]|年)\s?([0-9]{1,2})\s?(?:[-/.]|月)\s?([0-9]{1,2})(?![0-9])")


class _Text(NamedTuple):
    lines: list[str]
    title: str


class Format(Entry):
    """Free text."""

    marks: ClassVar[bool] = False
    kind: Literal["prose"]
    #: whether documents are web pages
    markup: Literal["text", "html"] = "text"
    encoding: Encoding = "utf-8"
    #: where values count that are not defanged: under headings about indicators, everywhere, or nowhere
    plain: Literal["listed", "any", "never"] = "listed"
    #: domains of the publisher beside its homepage, whose values are no indicators
    own: tuple[str, ...] = ()
    #: address of the advisory itself, with {name} for the document's name; stands in references, and makes an advisory
    page: str | None = Field(default=None, pattern=r"^https?://")
    #: when it was said: the document's own time, or the first date in the text
    date: Literal["document", "text"] = "document"
    zone: Literal["UTC", "JST"] = "JST"
    #: word of a heading -> what values there are used for
    threats: dict[str, str] = Field(default_factory=dict)
    personal: Literal["refuse", "keep"] = "refuse"

    def read(self, document: Document, feed: Feed) -> Iterator[Claim | Refusal]:
        """See :class:`normalizers.reading.Reading`."""
        text = self._text(document)
        source = Source(feed, document, self._said(text))
        for one in mentions(text.lines, self._own_domains(feed), self.plain):
            if not isinstance(one, Mention):
                yield refusal(one.line, one.error)
                continue
            try:
                yield self._claim(one, text, source, document)
            except BadValue as error:
                yield refusal(one.line, error)
        if self.page is not None:
            yield self._advisory(text, source, document)

    def check(self, document: Document, feed: Feed) -> Counter[Audience]:
        """See :class:`normalizers.reading.Reading`."""
        check_encoding(document, self.encoding, "the text of an advisory", html=self.markup == "html")
        found = mentions(self._text(document).lines, self._own_domains(feed), self.plain)
        return Counter({feed.audience: sum(1 for _ in found) + (0 if self.page is None else 1)})

    def _text(self, document: Document) -> _Text:
        if document.content.size > _LARGEST:
            raise UnreadableDocument(f"{document.name}: expected a text of at most {_LARGEST} bytes")
        if self.markup == "html" and document.content.size and not is_html(document):
            raise UnreadableDocument(f"{document.name}: expected an HTML page, got something else")
        given = list(lines(document, self.encoding))
        if self.markup == "html":
            page = "".join(given)
            return _Text(page_lines(page), one_line(page_title(page), _LONGEST_TITLE))
        title = next((line for line in given if line.strip()), "")
        return _Text(given, one_line(title.strip("#= \t\r\n"), _LONGEST_TITLE))

    def _said(self, text: _Text) -> Millis | None:
        """When the text was published by its own words."""
        if self.date == "document":
            return None
        read = time_reader("%Y-%m-%d", ZONES[self.zone])
        for line in text.lines[:_HEAD]:
            if (found := _DATE.search(line)) is not None:
                try:
                    return read("-".join(found.groups()))
                except BadValue:
                    continue
        return None

    def _link(self, document: Document) -> str:
        if self.page is None:
            return ""
        return self.page.replace("{name}", quote(document.name, safe="/"))

    def _own_domains(self, feed: Feed) -> frozenset[str]:
        home = host_of(canonical("url", feed.publisher.homepage)[1])[1].removeprefix("www.")
        return frozenset((home, *self.own))

    def _claim(self, one: Mention, text: _Text, source: Source, document: Document) -> Claim:
        said = {
            "threat": self._threat(one, text.title) or source.feed.threat or "malicious-activity",
            "port": sorted(one.ports),
            "hashes": one.hashes,
        }
        return source.claim(
            one.kind,
            one.value,
            # A value that a sentence names may be there for another reason than the values of a list.
            confidence=None if one.listed else source.feed.confidence / 2,
            said=source.understood(one.labels),
            references=[reference(text.title or source.feed.title, self._link(document))],
            # First said at the date of the text, and again when the document was changed since.
            first_seen=source.moment,
            last_seen=_changed(source, document),
            changed=_changed(source, document),
            detail=detail_text(said),
            keep_personal=self.personal == "keep",
        )

    def _threat(self, one: Mention, title: str) -> str | None:
        """What a value is used for: by what it is called, else by what the advisory is."""
        for called in (" ".join(sorted(one.labels)).casefold(), title.casefold()):
            for word, threat in self.threats.items():
                if word.casefold() in called:
                    return threat
        return None

    def _advisory(self, text: _Text, source: Source, document: Document) -> Claim | Refusal:
        link = self._link(document)
        try:
            kind, value = canonical("advisory", link)
        except BadValue as error:
            return refusal(1, error)
        said: dict[str, Any] = {
            "threat": "advisory",
            "title": {"ja" if is_japanese(text.title) else "en": text.title} if text.title else {},
            "published": source.moment,
            "publisher": source.feed.publisher.name if source.feed.named else None,
            "cves": cves_in(text.title),
        }
        references = [reference(source.feed.title, link)]
        changed = _changed(source, document)
        return source.claim(kind, value, references=references, changed=changed, detail=detail_text(said))


def _changed(source: Source, document: Document) -> Millis:
    return max(source.moment, document.modified or 0)
