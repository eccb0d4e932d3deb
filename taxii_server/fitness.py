"""Which objects a shared collection takes: valid STIX 2.1, with a TLP marking that its readers may all see."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from config.audience import audience_of, sees
from config.instant import Micros, Millis, parse_micros, parse_millis
from config.roots import ApiRoot, Collection
from config.settings import Settings
from normalizers.checking import Scrutiny, key_of
from normalizers.markings import companion, tlp_of
from taxii_server.access import Caller
from taxii_server.stores.base import ObjectKey


class Unfit(Exception):
    """The object is not taken; the message is for whoever posted it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """One object of an envelope, found fit."""

    #: its place in the envelope
    place: int
    obj: dict[str, Any]
    key: ObjectKey
    #: "" where the object has neither modified nor created: then the hub says which version it is
    version: str
    created: str
    body: bytes
    digest: bytes
    owner: str
    ends: Millis


class Fitness:
    """What one collection asks of the objects that one caller posts there now."""

    def __init__(self, settings: Settings, root: ApiRoot, collection: Collection, who: Caller, now: Micros) -> None:
        self._audience = collection.audience or ""
        self._group = self._audience.partition(":")[2] or root.group
        self._owner = who.owner
        self._scrutiny = Scrutiny()
        self._latest_allowed = now + settings.tolerated_skew * 1_000

    def fit(self, obj: Any, place: int) -> Posted:
        """The object at that place of an envelope, ready to be published. Raises :class:`Unfit`."""
        problem = self._scrutiny.problem(obj)
        if problem is not None:
            raise Unfit(problem)
        try:
            return self._posted(obj, place)
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            # Of a type that an extension defines nothing is known, not even that its properties are of STIX's types.
            raise Unfit("some property is not of the type that STIX 2.1 gives it") from error

    def _posted(self, obj: Any, place: int) -> Posted:
        body = orjson.dumps(obj)
        predefined = _is_tlp(obj)
        if not predefined:
            self._check_marking(obj)
        created = obj.get("created", "")
        version = obj.get("modified", created)
        if version and parse_micros(version) > self._latest_allowed:
            raise Unfit(f"modified: expected a time that has come, got {version}")
        return Posted(
            place=place,
            obj=obj,
            key=key_of(obj["id"]),
            version=version,
            created=created,
            body=body,
            digest=digest(obj),
            # What TLP defines belongs to nobody here: whoever posts it posts the same.
            owner="" if predefined else self._owner,
            ends=_ends(obj),
        )

    def _check_marking(self, obj: dict[str, Any]) -> None:
        labels = _labels(obj.get("object_marking_refs", ()))
        if not labels:
            raise Unfit("object_marking_refs: expected a TLP marking, got none")
        if len(labels) > 1:
            raise Unfit(f"object_marking_refs: expected one TLP marking, got {', '.join(sorted(labels))}")
        parts = (item.get("marking_ref", "") for item in obj.get("granular_markings", ()))
        for label in sorted(labels | _labels(parts)):
            try:
                audience = audience_of(label, self._group)
            except ValueError as error:
                raise Unfit(f"object_marking_refs: {error}") from error
            if not sees(self._audience, audience):
                raise Unfit(f"object_marking_refs: this collection is for {self._audience}, got TLP:{label.upper()}")


def digest(obj: dict[str, Any]) -> bytes:
    """Sixteen bytes of the content, the same for the same members in any order."""
    return hashlib.blake2b(orjson.dumps(obj, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()


def _is_tlp(obj: dict[str, Any]) -> bool:
    """Whether this is a TLP marking-definition itself, which bears no marking. Raises :class:`Unfit` for a false one.

    Those of TLP 1 were compared with the specification's when the object was checked.
    """
    label = tlp_of(obj["id"])
    if label is None:
        return False
    own = companion(label)
    if own is not None and own["id"] == obj["id"] and own != obj:
        raise Unfit(f"id: expected the marking-definition that OASIS published for TLP:{label.upper()}")
    return True


def _labels(refs: Iterable[str]) -> set[str]:
    return {label for ref in refs if (label := tlp_of(ref)) is not None}


def _ends(obj: dict[str, Any]) -> Millis:
    """When an object is over, for retention; 0 is never."""
    if obj.get("revoked"):
        return parse_millis(obj["modified"])
    until = obj.get("valid_until")
    return parse_millis(until) if until else 0
