"""Upstream STIX objects that are passed on unchanged: which may be, what claims say of them, and which version counts.

Nothing is merged about them. A claim of the type ``stix-object`` is one origin's word that an object is as it says; of
all that a view sees, one version is chosen, and its bytes are a function of what its source said alone. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from config import audience as audiences
from config.audience import Audience
from config.instant import Millis, parse_millis, time_key
from config.observables import PASSABLE, PASSED
from normalizers.bad_value import BadValue, shown
from normalizers.checking import Scrutiny, is_id, key_of
from normalizers.claims import Claim, detail_text, observable_key
from normalizers.jsons import texts_in
from normalizers.markings import tlp_of
from normalizers.merge import Merged, View, sees
from normalizers.personal import names_somebody, personal_data
from normalizers.sources import Source

#: Characters of an object as JSON, and objects that it may refer to.
LONGEST = 100_000
MOST_REFERENCES = 1_000
#: The identity under which MITRE publishes ATT&CK.
_MITRE = "identity--c78cb6e5-0c4b-4611-8297-d1b8b55e40b5"
_GALAXY = "misp:galaxy"


class Version(NamedTuple):
    """One version of an object, as somebody said it."""

    id: str
    #: as the object says them
    created: str
    modified: str
    revoked: bool
    #: the ids that it refers to, sorted, its own not among them
    references: tuple[str, ...]
    #: what is served
    body: bytes

    @property
    def key(self) -> tuple[str, bytes]:
        """Its type, and the 16 bytes of its UUID."""
        return key_of(self.id)

    @property
    def marked(self) -> int:
        """How narrow its TLP markings are, those of its parts among them: a rank of :mod:`config.audience`; 0 without
        any."""
        obj: dict[str, Any] = orjson.loads(self.body)
        parts = (one["marking_ref"] for one in obj.get("granular_markings", ()) if "marking_ref" in one)
        labels = map(tlp_of, (*obj.get("object_marking_refs", ()), *parts))
        return max((audiences.rank(label) for label in labels if label is not None), default=0)

    @property
    def from_then(self) -> Millis:
        """From when on it may be served: not before it was modified."""
        return parse_millis(self.modified) + 1


class Choice(NamedTuple):
    """A version that a view may serve, and what the view knows of the object."""

    version: Version
    word: Merged


def observable_of(stix_id: str) -> bytes:
    """The key of what claims say about the object of that id."""
    return observable_key(PASSED, stix_id)


# -- reading


def claim_of(obj: dict[str, Any], source: Source, audience: Audience | None, fetched: Millis) -> Claim:
    """The claim that an object is as it says, for whom its marking is; ``audience`` is None where it bears none. Raises
    :class:`BadValue` for one that may not be passed on.

    To be fetched is a sighting; of an object in a log, the first time that this version of it is. What is revoked is
    passed on as any other version, so nothing is withdrawn by it.
    """
    if audience is None:
        raise BadValue("unmarked", "object_marking_refs: expected a TLP marking, got none")
    _check(obj)
    # What its source says of all its rows is no part of an object that is passed on unchanged.
    refers = [reference for reference in references_of(obj) if tlp_of(reference) is None]
    detail = detail_text({"refers": refers, "stix": obj})
    claim = source.claim(
        PASSED,
        obj["id"],
        first_seen=min(parse_millis(obj["created"]), fetched),
        last_seen=fetched,
        changed=parse_millis(obj["modified"]),
        confidence=obj.get("confidence"),
        audience=audience,
        detail=detail,
    )
    return claim._replace(labels=(), malware=(), references=(), detail=detail)


def _check(obj: dict[str, Any]) -> None:
    """Raise :class:`BadValue` for what may not be passed on: too large, not valid, of a dictionary, about somebody who
    was attacked, or with a reference that can resolve for nobody."""
    if len(orjson.dumps(obj)) > LONGEST:
        raise BadValue("too-long", f"expected an object of at most {LONGEST} characters")
    said = Scrutiny().problem(obj)
    if said is not None:
        raise BadValue("bad-object", said)
    if obj["id"] == _MITRE or obj.get("created_by_ref") == _MITRE or _of_galaxy(obj):
        raise BadValue("dictionary", "expected what its source says, got an object of ATT&CK or of a galaxy")
    references = references_of(obj)
    if len(references) > MOST_REFERENCES:
        raise BadValue("too-long", f"expected at most {MOST_REFERENCES} references, got {len(references)}")
    if _tells_of_somebody(obj):
        raise BadValue("personal-data", "expected labels and web addresses without an address of whoever was attacked")
    for reference in references:
        kind = reference.partition("--")[0]
        if tlp_of(reference) is None and not (kind in PASSABLE and is_id(reference)):
            # What the hub merges has ids of its own, and others are in no collection.
            raise BadValue("reference", f"expected references to what is passed on too, got one to {shown(kind)}")


def _tells_of_somebody(obj: dict[str, Any]) -> bool:
    """Whether a label or a web address does. Nothing is left out of what is passed on unchanged."""
    said = obj.get("external_references")
    given = (item.get("url") for item in said if isinstance(item, dict)) if isinstance(said, list) else ()
    links = (url for url in given if isinstance(url, str))
    return any(map(names_somebody, texts_in(obj.get("labels")))) or any(map(personal_data, links))


def _of_galaxy(obj: dict[str, Any]) -> bool:
    return any(label.startswith(_GALAXY) for label in texts_in(obj.get("labels")))


def references_of(obj: Mapping[str, Any]) -> tuple[str, ...]:
    """The ids that an object refers to, those of extensions' definitions among them, sorted, without its own."""
    return tuple(sorted(set(_references(obj)) - {obj.get("id")}))


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, member in value.items():
            if name.endswith("_ref") and isinstance(member, str):
                yield member
            elif name.endswith("_refs"):
                yield from texts_in(member)
            else:
                if name.startswith("extension-definition--"):
                    yield name
                yield from _references(member)
    elif isinstance(value, list):
        for member in value:
            yield from _references(member)


# -- what claims say


def version_of(claim: Claim) -> Version:
    """The version of the object that a claim of the type ``stix-object`` holds."""
    obj: dict[str, Any] = orjson.loads(claim.detail)["stix"]
    return version(obj)


def version(obj: dict[str, Any]) -> Version:
    """The object as it is served: its own properties, in an order of their names."""
    body = orjson.dumps(obj, option=orjson.OPT_SORT_KEYS)
    revoked = obj.get("revoked") is True
    return Version(obj["id"], obj["created"], obj["modified"], revoked, references_of(obj), body)


def choices(claims: Iterable[Claim], view: View, now: Millis, latest: Millis) -> list[Choice]:
    """The versions that the view is told of at ``now``, the one that counts first: the latest; of two with one date
    what is for more, then the greater bytes. Claims from after ``latest`` are outside every view; one of these versions
    may have to wait a little still (:attr:`Version.from_then`)."""
    seen = [claim for claim in claims if sees(view, claim) and max(claim.version, claim.last_seen) <= latest]
    standing = [claim for claim in seen if not claim.withdrawn and claim.ends > now]
    if not standing or (view.own and all(claim.audience != view.audience for claim in standing)):
        return []
    word = _word(standing)
    found = [(version_of(claim), claim) for claim in standing]
    found.sort(key=lambda pair: (time_key(pair[0].modified), -audiences.rank(pair[1].audience), pair[0].body))
    return [Choice(one, word) for one, _ in reversed(found)]


def _word(standing: list[Claim]) -> Merged:
    """What a view knows of an object, as collections ask for it when they admit."""
    return Merged(
        type=PASSED,
        value=standing[0].value,
        audience=max((claim.audience for claim in standing), key=lambda a: (audiences.rank(a), a)),
        first_seen=min(claim.first_seen for claim in standing),
        ends=max(claim.ends for claim in standing),
        confidence=max(claim.confidence for claim in standing),
        labels=(),
        malware=(),
        references=(),
        detail={},
        families=len({claim.family for claim in standing}),
        claims=tuple(sorted(standing, key=lambda claim: (claim.origin, claim.audience))),
        standing=True,
    )


def waits(claims: Iterable[Claim], now: Millis) -> Iterator[tuple[Claim, Millis]]:
    """Of the claims about one object those that will be served or be over by time alone, and when that is."""
    for claim in claims:
        if not claim.withdrawn and claim.ends > now:
            yield claim, claim.ends
            begins = version_of(claim).from_then
            if begins > now:
                yield claim, begins
