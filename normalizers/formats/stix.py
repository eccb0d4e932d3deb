"""STIX 2.1 objects, in a bundle, in a TAXII envelope or in a bare list.

Indicators of one comparison become claims. Identities, marking-definitions and extension-definitions are read as
context and are no rows; every other object is refused. An object's line is its place among the rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC
from typing import Any, ClassVar, Literal

from pydantic import Field

from collectors.document import Document
from config.audience import INTERNAL, Audience
from config.feeds import Entry, Feed
from config.instant import HOUR, Millis
from normalizers.bad_value import BadValue, shown
from normalizers.claims import Claim, Reference
from normalizers.jsons import at, parsed
from normalizers.labels import label_of
from normalizers.markings import TLP2_EXTENSION, tlp_of
from normalizers.patterns import observable
from normalizers.records import Refusal, UnreadableDocument, refusal
from normalizers.references import reference
from normalizers.sources import Source
from normalizers.times import time_reader

_CONTEXT = frozenset(("identity", "marking-definition", "extension-definition"))
_HUB_LABEL = "ais-jp:"
_HUB_MALWARE = "ais-jp:malware="
_time = time_reader("iso", UTC)


class Format(Entry):
    """A document of STIX 2.1 objects."""

    marks: ClassVar[bool] = True
    kind: Literal["stix"]
    #: label that an indicator bears -> threat; the first that fits counts
    threats: dict[str, str] = Field(default_factory=dict)

    def read(self, document: Document, feed: Feed) -> Iterator[Claim | Refusal]:
        """See :class:`normalizers.records.Reading`."""
        objects = _objects(document)
        source = Source(feed, document)
        markings = _Markings(objects, source)
        for number, obj in enumerate(_rows(objects), start=1):
            audience: Audience | None = INTERNAL  # in doubt: a row whose marking cannot be read, or is RED, is nobody's
            try:
                audience = markings.audience(obj)
                yield self._claim(obj, source, audience)
            except BadValue as error:
                yield refusal(number, error, audience)

    def check(self, document: Document, feed: Feed) -> Counter[Audience]:
        """See :class:`normalizers.records.Reading`."""
        objects = _objects(document)
        markings = _Markings(objects, Source(feed, document))
        return Counter(markings.readers(obj) for obj in _rows(objects))

    def _claim(self, obj: Any, source: Source, audience: Audience | None) -> Claim:
        _check_kind(obj)
        kind, value = observable(obj["pattern"])
        modified = _time(obj.get("modified"))
        first = min(_time(obj.get("valid_from")), modified)
        labels = [label for label in _texts(obj.get("labels")) if not label.startswith(_HUB_LABEL)]
        return source.claim(
            kind,
            value,
            first_seen=first,
            last_seen=modified,
            changed=modified,
            confidence=_confidence(obj.get("confidence")),
            labels={label_of(label) for label in labels} - {""},
            malware=_malware(obj),
            references=_references(obj.get("external_references")),
            detail=source.threat(next((self.threats[name] for name in self.threats if name in labels), None)),
            audience=audience,
            life=_life(obj.get("valid_until"), modified, source.feed.life_of(kind)),
            withdrawn=modified if obj.get("revoked") is True else 0,
        )


class _Markings:
    """What the marking-definitions of one document, and those that everybody knows, mean."""

    def __init__(self, objects: list[Any], source: Source) -> None:
        self._source = source
        self._labels: dict[str, str | None] = {}
        for obj in objects:
            if _type(obj) == "marking-definition" and isinstance(obj.get("id"), str):
                self._learn(obj)

    def _learn(self, obj: dict[str, Any]) -> None:
        label = tlp_of(obj["id"])
        stated = at(obj, f"extensions.{TLP2_EXTENSION}.tlp_2_0")
        if label is None and isinstance(stated, str):
            label = stated  # type: ignore[assignment]  # an unknown word is refused where it is used
        if label is None and obj.get("definition_type") == "tlp":
            label = at(obj, "definition.tlp")
        if label is not None:
            self._labels[obj["id"]] = str(label)
        elif obj.get("definition_type") == "statement":
            self._labels[obj["id"]] = None  # says whose it is, and not who may see it

    def readers(self, obj: Any) -> Audience:
        """Who may see an object; nobody but the operators where that cannot be read."""
        try:
            return self.audience(obj) or self._source.audience
        except BadValue:
            return INTERNAL

    def audience(self, obj: Any) -> Audience | None:
        """Who may see an object, as it says itself; None when it does not. Raises :class:`BadValue`."""
        if not isinstance(obj, dict):
            return None
        named = _texts(refs := obj.get("object_marking_refs", []))
        if not isinstance(refs, list) or len(named) < len(refs):
            raise BadValue("unknown-marking", "expected a list of ids as object_marking_refs, got something else")
        granular_markings = obj.get("granular_markings")
        for granular in granular_markings if isinstance(granular_markings, list) else ():
            # A part that fewer may see makes the whole theirs: parts are not taken out of an object.
            named += [ref] if isinstance(ref := at(granular, "marking_ref"), str) else []
        labels = [self._label(ref) for ref in named]
        return self._source.marked(label for label in labels if label is not None)

    def _label(self, ref: str) -> str | None:
        known = tlp_of(ref)
        if known is not None:
            return known
        if ref not in self._labels:
            raise BadValue("unknown-marking", f"expected a TLP marking or one defined here, got {shown(ref)}")
        return self._labels[ref]


def _objects(document: Document) -> list[Any]:
    tree = parsed(document)
    objects = tree.get("objects", []) if isinstance(tree, dict) else tree
    if not isinstance(objects, list) or (isinstance(tree, dict) and tree.get("type", "bundle") != "bundle"):
        raise UnreadableDocument(f"{document.name}: expected a STIX bundle, a TAXII envelope or a list of objects")
    return objects


def _rows(objects: list[Any]) -> Iterator[Any]:
    return (obj for obj in objects if _type(obj) not in _CONTEXT)


def _type(obj: Any) -> str:
    return obj["type"] if isinstance(obj, dict) and isinstance(obj.get("type"), str) else ""


def _check_kind(obj: Any) -> None:
    """Refuse what is no indicator that can be read here."""
    kind = _type(obj)
    if not kind:
        raise BadValue("bad-object", "expected a STIX object with a type")
    if kind != "indicator":
        raise BadValue("object-type", f"expected an indicator, got {shown(kind)}")
    if obj.get("spec_version") != "2.1":
        raise BadValue("stix-version", f"expected spec_version 2.1, got {shown(str(obj.get('spec_version')))}")
    if obj.get("pattern_type") != "stix" or not isinstance(obj.get("pattern"), str):
        raise BadValue("pattern-type", f"expected a pattern of type stix, got {shown(str(obj.get('pattern_type')))}")
    if "benign" in _texts(obj.get("indicator_types")):
        raise BadValue("benign", "expected an indicator of something bad, got one that its producer calls benign")


def _texts(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _confidence(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadValue("bad-confidence", "expected a whole number from 0 to 100 as confidence")
    return value


def _malware(obj: dict[str, Any]) -> set[str]:
    labels = _texts(obj.get("labels"))
    return {label_of(label.removeprefix(_HUB_MALWARE)) for label in labels if label.startswith(_HUB_MALWARE)} - {""}


def _references(listed: Any) -> list[Reference | None]:
    items = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    return [reference(*(_text(item.get(name)) for name in ("source_name", "url", "external_id"))) for item in items]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _life(valid_until: Any, last_seen: Millis, longest: Millis) -> Millis:
    """As long as the producer says that it stays valid, and no longer than the feed's life."""
    if valid_until is None:
        return longest
    return min(longest, max(HOUR, _time(valid_until) - last_seen))
