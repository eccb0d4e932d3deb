"""The contributions of a merged object: its claims, in a STIX 2.1 property-extension (section 7.3).

An object explains itself, and another hub can hold the same claims: :func:`claims_of` reads back what
:func:`extension` wrote. What equals the object's own properties is not repeated.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from config.instant import HOUR, Millis, parse_millis, stix_time
from normalizers.claims import Claim, Reference, detail_text
from normalizers.labels import MALWARE, PREFIX
from normalizers.markings import tlp_of
from normalizers.merge import Merged
from normalizers.patterns import observable

#: The same for every hub.
EXTENSION_ID = "extension-definition--5b1d0f0e-59b4-4a4f-8a5c-6f4c4a0c9d31"

#: Begins the origin of a member's claim. Its version is shown to the hour: to the millisecond it would tell which
#: values came from one hand.
MEMBER = "member:"

SCHEMA = (
    "value: string, the observable where the object's pattern or name does not give it. contributions: list, one "
    "member per claim: origin (string, who first said it; opaque where it may not be named); family (string, default "
    "origin: origins of one family count as one opinion); audience (string: clear, green, amber:GROUP or "
    "amber+strict:GROUP; default the object's TLP marking); version (timestamp of the claim's last change); "
    "first_seen (timestamp, default valid_from); last_seen (timestamp, default valid_until less life); life (integer, "
    "milliseconds that a sighting stays valid); confidence (integer 0-100, default the object's); withdrawn "
    "(timestamp, absent while it stands); labels, malware (lists of strings) and references (list of "
    "external-reference), default the object's; lacking (list of those three names of which the claim has none); "
    "detail (dictionary, what only some observables have). Hash names and timestamps as in STIX 2.1."
)


class Own(NamedTuple):
    """The object's own properties that a contribution need not repeat."""

    audience: str | None
    valid_from: Millis | None
    valid_until: Millis | None
    confidence: int
    labels: tuple[str, ...]
    malware: tuple[str, ...]
    references: tuple[Reference, ...] | None


def extension(merged: Merged, own: Own, value: str | None = None) -> bytes:
    """The ``extensions`` property of a merged object, as JSON. ``value`` where neither pattern nor name gives the
    observable."""
    listed = [_contribution(claim, own) for claim in merged.claims]
    body: dict[str, Any] = {"extension_type": "property-extension", "contributions": listed}
    if value is not None:
        body["value"] = value
    return orjson.dumps({EXTENSION_ID: body})


def lone_extension(merged: Merged, valid_until: Millis) -> bytes | None:
    """As :func:`extension`, of an indicator with one claim, where it shows all that the claim says: nearly every object
    that a first collection makes. None of any other."""
    if len(merged.claims) != 1:
        return None
    _, _, origin, family, audience, version, _, last_seen, life, confidence, withdrawn, *_, detail = merged.claims[0]
    differs = valid_until != last_seen + life or merged.confidence != confidence or withdrawn
    if differs or ":" in audience or origin.startswith(MEMBER):
        return None
    before, after = _around_version(origin, family, life, detail)
    return before + stix_time(version).encode() + after


@lru_cache(maxsize=4_096)
def _around_version(origin: str, family: str, life: Millis, detail: str) -> tuple[bytes, bytes]:
    """What stands before and after the version there, the same for most claims of a feed."""
    claim = Claim("", "", origin, family, "", 0, 0, 0, life, 0, detail=detail)
    said = _contribution(claim, Own("", 0, life, 0, (), (), ()))
    extensions = {EXTENSION_ID: {"extension_type": "property-extension", "contributions": [said]}}
    before, _, after = orjson.dumps(extensions).partition(stix_time(claim.version).encode())
    return before, after


def _contribution(claim: Claim, own: Own) -> dict[str, Any]:
    _, _, origin, family, audience, version, first_seen, last_seen, life, confidence, withdrawn, *context, detail = (
        claim
    )
    if origin.startswith(MEMBER):
        version -= version % HOUR
    said: dict[str, Any] = {"origin": origin, "version": stix_time(version), "life": life}
    if family != origin:
        said["family"] = family
    if audience != own.audience or ":" in audience:  # a marking does not name the group
        said["audience"] = audience
    if first_seen != own.valid_from:
        said["first_seen"] = stix_time(first_seen)
    if own.valid_until is None or last_seen + life != own.valid_until:
        said["last_seen"] = stix_time(last_seen)
    if confidence != own.confidence:
        said["confidence"] = confidence
    if withdrawn:
        said["withdrawn"] = stix_time(withdrawn)
    if context != [own.labels, own.malware, own.references]:
        said.update(_context(claim, own))
    if detail:
        said["detail"] = orjson.Fragment(detail)
    return said


def _context(claim: Claim, own: Own) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if claim.labels != own.labels:
        said["labels"] = claim.labels
    if claim.malware != own.malware:
        said["malware"] = claim.malware
    if claim.references != own.references:
        said["references"] = [external_reference(reference) for reference in claim.references]
    # STIX has no empty lists (section 2.12), so what the claim lacks and the object has is named in one.
    lacking = [name for name, value in said.items() if not value]
    return {name: value for name, value in said.items() if value} | ({"lacking": lacking} if lacking else {})


def external_reference(reference: Reference) -> dict[str, str]:
    """A STIX external reference (section 2.5)."""
    name, url, external_id = reference
    shown = {"source_name": name}
    if url:
        shown["url"] = url
    if external_id:
        shown["external_id"] = external_id
    return shown


def claims_of(obj: dict[str, Any]) -> list[Claim]:
    """The claims that a merged object of this or another hub lists. Raises ValueError when it lists none properly."""
    try:
        said = obj["extensions"][EXTENSION_ID]
        kind, value = _observable(obj, said)
        own = _own(obj)
        return [_claim(kind, value, item, own) for item in said["contributions"]]
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(
            f"expected the contributions of a merged object, got none that can be read: {error}"
        ) from error


def _observable(obj: dict[str, Any], said: dict[str, Any]) -> tuple[str, str]:
    if obj["type"] == "indicator":
        return observable(obj["pattern"])
    if obj["type"] == "vulnerability":
        return "cve", obj["name"]
    return "advisory", said["value"]


def _own(obj: dict[str, Any]) -> Own:
    marks = [tlp_of(ref) for ref in obj.get("object_marking_refs", ())]
    indicator = obj["type"] == "indicator"
    labels = obj.get("labels", ())
    return Own(
        audience=next((mark for mark in marks if mark), None),
        valid_from=parse_millis(obj["valid_from"]) if indicator else None,
        valid_until=parse_millis(obj["valid_until"]) if indicator else None,
        confidence=obj["confidence"],
        labels=tuple(label for label in labels if not label.startswith(PREFIX)),
        malware=tuple(label.removeprefix(MALWARE) for label in labels if label.startswith(MALWARE)),
        references=_references(obj.get("external_references", ())) if indicator else None,
    )


def _references(listed: Any) -> tuple[Reference, ...]:
    return tuple((item["source_name"], item.get("url", ""), item.get("external_id", "")) for item in listed)


def _without(own: Own, lacking: Sequence[str]) -> Own:
    return own._replace(
        labels=() if "labels" in lacking else own.labels,
        malware=() if "malware" in lacking else own.malware,
        references=() if "references" in lacking else own.references,
    )


def _claim(kind: str, value: str, said: dict[str, Any], own: Own) -> Claim:
    def moment(name: str, default: Millis | None) -> Millis:
        return parse_millis(said[name]) if default is None or name in said else default

    life = int(said["life"])
    own = _without(own, said.get("lacking", ()))
    references = _references(said["references"]) if "references" in said else own.references
    audience = said.get("audience", own.audience)
    if audience is None or references is None:
        raise KeyError("audience or references")
    return Claim(
        type=kind,
        value=value,
        origin=said["origin"],
        family=said.get("family", said["origin"]),
        audience=audience,
        version=moment("version", None),
        first_seen=moment("first_seen", own.valid_from),
        last_seen=moment("last_seen", None if own.valid_until is None else own.valid_until - life),
        life=life,
        confidence=said.get("confidence", own.confidence),
        withdrawn=moment("withdrawn", 0),
        labels=tuple(said.get("labels", own.labels)),
        malware=tuple(said.get("malware", own.malware)),
        references=references,
        detail=detail_text(said.get("detail", {})),
    )
