"""MISP events: one, a list of them, or a server's response.

Attributes that are marked for detection become records, known again by their uuid. The links of an event's analysis are
read as references; every other attribute is refused and counted. A row's line is its place among the document's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field

from collectors.document import Document
from config.audience import INTERNAL, Audience, sees
from config.entry import Entry
from config.feeds import Feed
from normalizers import misp
from normalizers.bad_value import BadValue, shown
from normalizers.claims import Claim, Reference
from normalizers.jsons import Listed
from normalizers.labels import label_of
from normalizers.misp import Attribute, Event
from normalizers.records import Record, Refusal, TakenBack, UnreadableDocument, Whole, refusal
from normalizers.references import link, reference
from normalizers.sources import Source
from normalizers.values import ALGORITHMS, algorithm, canonical

#: What an attribute may have besides: that one has it not tells nothing.
_BESIDES = frozenset((
    "id", "event_id", "object_id", "object_relation", "category", "distribution", "sharing_group_id", "deleted",
    "disable_correlation", "Galaxy", "ShadowAttribute", "Sighting", "data",
))  # fmt: skip
#: Not for us, or not to be acted upon.
_SECOND_THOUGHTS = frozenset(("marking", "not-for-detection", "unknown-type"))


class Format(Entry):
    """A document of MISP events."""

    marks: ClassVar[bool] = True
    kind: Literal["misp"]
    #: tag that an attribute or its event bears -> threat; the first that fits counts
    threats: dict[str, str] = Field(default_factory=dict)
    members: ClassVar[tuple[str, ...]] = (*misp.EVERY, "comment", "Tag", "first_seen", "last_seen")
    besides: ClassVar[frozenset[str]] = _BESIDES

    def read(self, document: Document, feed: Feed) -> Iterator[Record | Refusal | Whole]:
        """See :class:`normalizers.reading.Reading`."""
        source, line = Source(feed, document), 0
        for said in _events(document):
            try:
                reading = _Reading(source, misp.event(said), self.threats)
            except BadValue as error:
                line += 1
                yield refusal(line, error, INTERNAL)
                continue
            if reading.event.named:
                yield reading.whole()
            for row in reading.event.rows:
                for item in reading.row(row):
                    line += 1
                    yield item if isinstance(item, Record) else item._replace(line=line)

    def check(self, document: Document, feed: Feed) -> Counter[Audience]:
        """See :class:`normalizers.reading.Reading`."""
        _check_members(document)
        rows = (item for item in self.read(document, feed) if not isinstance(item, Whole))
        return Counter(item.audience or feed.audience for item in rows)

    def marked_cells(self, document: Document, feed: Feed) -> Iterator[tuple[Audience, dict[str, Any]]]:
        """See :class:`normalizers.columns.Marked`: of attributes, the first of each row."""
        source = Source(feed, document)
        for said in _events(document):
            try:
                reading = _Reading(source, misp.event(said), self.threats)
            except BadValue:
                continue
            for row in reading.event.rows:
                yield reading.readers(row), row[0]


def _events(document: Document) -> Iterator[Any]:
    """The events. Raises :class:`UnreadableDocument`, perhaps only at the end."""
    listed = Listed(document, "", "response")
    for said in listed:
        yield misp.unwrapped(said)
    if listed.found:
        return
    events = misp.events(listed.rest)
    if events is None:
        raise UnreadableDocument(f"{document.name}: expected a MISP event or a list of them, got something else")
    yield from events


def _check_members(document: Document) -> None:
    """Raise UnreadableDocument where members have other names now: attributes that lack one would all be context, or
    others than those that were there before."""
    error: BadValue | None = None
    readable = rows = False
    had: set[str] = set()
    for said in _events(document):
        try:
            event = misp.event(said)
        except BadValue as problem:
            error = problem
            continue
        readable, rows = True, rows or bool(event.rows)
        had |= event.members()
    if error is not None and not readable:
        raise UnreadableDocument(f"{document.name}: {error}")
    if rows and (gone := [name for name in misp.EVERY if name not in had]):
        raise UnreadableDocument(f"{document.name}: expected attributes with {', '.join(gone)}, got none that has it")


class _Reading:
    """Reads the attributes of one event."""

    def __init__(self, source: Source, event: Event, threats: dict[str, str]) -> None:
        self.event = event
        self._source = source
        self._threats = threats
        # What was changed in the event without a change of an attribute, such as its marking, makes an edition.
        self._edition = str(event.changed)
        self._links = list(self._linked())

    def whole(self) -> Whole:
        """All the records that the event has, for what it has no more."""
        names = {name for row in self.event.rows for name in misp.record_names(row)}
        return Whole(self.event.name, tuple(sorted(names)), self._edition)

    def row(self, row: tuple[dict[str, Any], ...]) -> Iterator[Record | Refusal]:
        """The records of a row, or why there are none."""
        names = misp.record_names(row) or [""]
        audience: Audience | None = INTERNAL  # in doubt, a row whose marking cannot be read is nobody's
        attribute = None
        try:
            attribute = misp.attribute(row, self.event)
            audience = self._source.marked(misp.tlp(self._tags(attribute)))
            if not attribute.for_detection:
                raise BadValue("not-for-detection", f"to_ids: expected true, got false for {shown(attribute.type)}")
            values, port = misp.parts(attribute)
        except BadValue as error:
            for name in names[:1] if attribute is None else names:
                yield _refused(name, attribute, error, audience, self._edition)
            return
        for name, (kind, text) in zip(names, values, strict=True):
            try:
                yield Record(name, self._claim(attribute, kind, text, port, audience), edition=self._edition)
            except BadValue as error:
                yield _refused(name, attribute, error, audience, self._edition)

    def readers(self, row: tuple[dict[str, Any], ...]) -> Audience:
        """Who may see a row; nobody but the operators where that cannot be read."""
        try:
            attribute = misp.attribute(row, self.event)
            return self._source.marked(misp.tlp(self._tags(attribute))) or self._source.audience
        except BadValue:
            return INTERNAL

    def _tags(self, attribute: Attribute) -> list[str]:
        return list(dict.fromkeys((*attribute.tags, *self.event.tags)))

    def _claim(self, attribute: Attribute, kind: str, text: str, port: int | None, audience: Audience | None) -> Claim:
        kind, value = canonical(kind, text)
        if kind in ("file", "certificate") and algorithm(value) != misp.hash_of(attribute.type):
            raise BadValue("bad-hash", f"expected the digits of {shown(attribute.type)}, got {shown(text)}")
        tags, changed = self._tags(attribute), attribute.changed
        families = misp.families(tags)
        threat = next((self._threats[tag] for tag in self._threats if tag in tags), None)
        return self._source.claim(
            kind,
            value,
            first_seen=attribute.first_seen or min(changed, attribute.last_seen or changed),
            last_seen=attribute.last_seen or max(changed, attribute.first_seen or changed),
            changed=changed,
            said=self._source.understood(
                {label_of(tag) for tag in tags if tag not in families and not misp.tlp([tag])} - {""},
                {label_of(family) for family in families.values()} - {""},
            ),
            references=self._references(attribute, audience),
            detail=self._detail(attribute, threat, port),
            audience=audience,
            withdrawn=changed if attribute.deleted else 0,
        )

    def _detail(self, attribute: Attribute, threat: str | None, port: int | None) -> str:
        hashes = {name: canonical("file", text)[1] for name, text in attribute.besides}
        for name, digest in hashes.items():
            if algorithm(digest) != name:
                raise BadValue("bad-hash", f"expected {ALGORITHMS[name]} digits for {name}, got {shown(digest)}")
        return self._source.detail(threat, port, hashes)

    def _references(self, attribute: Attribute, audience: Audience | None) -> list[Reference | None]:
        title = self._source.feed.title
        readers = audience or self._source.audience
        links = [reference(title, url) for whose, url in self._links if sees(readers, whose)]
        said = link(attribute.comment)
        return [reference(title, external_id=self.event.name), *links, reference(title, said) if said else None]

    def _linked(self) -> Iterator[tuple[Audience, str]]:
        """The event's links to analyses elsewhere, with who may see them."""
        for row in self.event.rows:
            try:
                attribute = misp.attribute(row, self.event)
                if attribute.type == "link" and not attribute.deleted and link(attribute.value):
                    audience = self._source.marked(misp.tlp(self._tags(attribute)))
                    yield audience or self._source.audience, attribute.value
            except BadValue:
                continue


def _refused(
    name: str, attribute: Attribute | None, error: BadValue, audience: Audience | None, edition: str
) -> Refusal:
    """A row that is refused for what its source thinks of it now takes back what it said before. What cannot be read at
    all is no such word."""
    said = refusal(0, error, audience)
    if attribute is None or not (attribute.deleted or error.reason in _SECOND_THOUGHTS):
        return said
    return said._replace(takes_back=TakenBack(name, attribute.changed, edition))
