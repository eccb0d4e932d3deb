"""STIX 2.1 objects, in a bundle, in a TAXII envelope or in a bare list; and STIX 2.0 in a bundle that says so.

Indicators of one comparison become claims, and objects of the types that the feed passes on. Identities,
marking-definitions and extension-definitions are else read as context and are no rows; every other object is refused.
An object's line is its place among the rows.
"""

from __future__ import annotations

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
from config.observables import Passable
from normalizers.bad_value import BadValue
from normalizers.claims import Claim
from normalizers.indicators import CONTEXT, Policy, Reader, Word, type_of
from normalizers.jsons import Listed
from normalizers.passing import claim_of
from normalizers.records import Record, Refusal, TakenBack, UnreadableDocument, refusal
from normalizers.sources import Source
from normalizers.times import time_reader

_LONGEST_ID = 300
_MARKING = "marking-definition"
#: Of one document; they are remembered while it is read.
_MOST_MARKINGS = 10_000
#: It is for fewer than anybody here, for nobody knows whom, harmless, or passed on no more. What cannot be read at all
#: is no such word.
_SECOND_THOUGHTS = frozenset(("marking", "unknown-marking", "unmarked", "benign", "object-type"))
#: What an indicator may have besides what is read, and what few of them have: that one has it not tells nothing.
_BESIDES = frozenset((
    "type", "spec_version", "id", "created_by_ref", "created", "revoked", "lang", "name", "description",
    "pattern_version", "kill_chain_phases", "external_references", "granular_markings", "extensions",
))  # fmt: skip
_time = time_reader("iso", UTC)


class Format(Entry):
    """A document of STIX objects."""

    marks: ClassVar[bool] = True
    kind: Literal["stix"]
    #: label that an indicator bears -> threat; the first that fits counts
    threats: dict[str, str] = Field(default_factory=dict)
    #: types of the objects that are passed on unchanged
    pass_on: tuple[Passable, ...] = ()
    members: ClassVar[tuple[str, ...]] = (
        "pattern", "pattern_type", "modified", "valid_from", "valid_until", "indicator_types", "labels", "confidence",
        "object_marking_refs",
    )  # fmt: skip
    besides: ClassVar[frozenset[str]] = _BESIDES

    def read(self, document: Document, feed: Feed) -> Iterator[Record | Refusal]:
        """See :class:`normalizers.reading.Reading`."""
        source = Source(feed, document)
        reader = self._reader(source, document)
        for number, obj in enumerate(self._rows(document), start=1):
            audience: Audience | None = INTERNAL  # in doubt: a row whose marking cannot be read, or is RED, is nobody's
            try:
                audience = reader.audience(obj)
                if type_of(obj) in self.pass_on:
                    yield Record(_name(obj), claim_of(obj, source, audience, document.fetched))
                else:
                    yield Record(_name(obj), _claim(reader.word(obj), source, audience))
            except BadValue as error:
                yield refusal(number, error, audience)._replace(takes_back=_taken_back(obj, error))

    def check(self, document: Document, feed: Feed) -> Counter[Audience]:
        """See :class:`normalizers.reading.Reading`."""
        reader = self._reader(Source(feed, document), document)
        return Counter(_readers(reader, obj, feed) for obj in self._rows(document))

    def marked_cells(self, document: Document, feed: Feed) -> Iterator[tuple[Audience, dict[str, Any]]]:
        """See :class:`normalizers.columns.Marked`: of indicators."""
        reader = self._reader(Source(feed, document), document)
        for obj in _objects(document):
            if type_of(obj) == "indicator":
                yield _readers(reader, obj, feed), obj

    def _rows(self, document: Document) -> Iterator[Any]:
        context = CONTEXT.difference(self.pass_on)
        return (obj for obj in _objects(document) if type_of(obj) not in context)

    def _reader(self, source: Source, document: Document) -> Reader:
        """A feed speaks in its own words, for those whom its markings and terms allow, up to the feed's own lives."""
        feed = source.feed

        def life(kind: str) -> tuple[Millis, Millis]:
            return feed.life_of(kind), feed.life_of(kind)

        policy = Policy(source.marked, life, own_words=True, unknown=True, threats=self.threats)
        objects = _objects(document)
        reader = Reader(policy, _markings(document, objects))
        reader.old = _is_old(document, objects)
        return reader


def _name(obj: Any) -> str:
    name = obj.get("id") if isinstance(obj, dict) else None
    if not isinstance(name, str) or not 1 <= len(name) <= _LONGEST_ID:
        raise BadValue("bad-object", f"id: expected a text of at most {_LONGEST_ID} characters")
    return name


def _taken_back(obj: Any, error: BadValue) -> TakenBack | None:
    """Name and version of an object that is refused for what its source thinks of it now."""
    if error.reason not in _SECOND_THOUGHTS:
        return None
    try:
        return TakenBack(_name(obj), _time(obj.get("modified")))
    except BadValue:
        return None


def _claim(word: Word, source: Source, audience: Audience | None) -> Claim:
    return source.claim(
        word.kind,
        word.value,
        first_seen=word.first_seen,
        last_seen=word.last_seen,
        changed=word.modified,
        confidence=word.confidence,
        said=source.understood(word.labels, word.malware, named=word.named),
        references=word.references,
        detail=source.threat(word.threat),
        audience=audience,
        life=word.life,
        withdrawn=word.withdrawn,
    )


def _readers(reader: Reader, obj: Any, feed: Feed) -> Audience:
    """Who may see an object; nobody but the operators where that cannot be read."""
    try:
        return reader.audience(obj) or feed.audience
    except BadValue:
        return INTERNAL


def _objects(document: Document) -> Listed:
    return Listed(document, "", "objects")


def _markings(document: Document, objects: Listed) -> Iterator[Any]:
    """The marking-definitions, which may stand after what bears them. Raises :class:`UnreadableDocument`."""
    count = 0
    for text in objects.texts():
        # Others are not looked into for this: as it is written, or with escapes.
        if (b'"marking-definition"' in text or b"\\" in text) and type_of(one := objects.value(text)) == _MARKING:
            count += 1
            if count > _MOST_MARKINGS:
                raise UnreadableDocument(f"{document.name}: expected at most {_MOST_MARKINGS} {_MARKING}s, got more")
            yield one


def _is_old(document: Document, objects: Listed) -> bool:
    """Whether the bundle, once it was read, says that it is STIX 2.0. Raises :class:`UnreadableDocument`."""
    said = objects.rest
    envelope = isinstance(said, dict)
    listed = objects.found or (envelope and "objects" not in said)
    if not listed or (envelope and said.get("type", "bundle") != "bundle"):
        raise UnreadableDocument(f"{document.name}: expected a STIX bundle, a TAXII envelope or a list of objects")
    return envelope and said.get("spec_version") == "2.0"
