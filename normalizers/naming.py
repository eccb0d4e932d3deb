"""What a text names, for look-ups by name, and which claims bear that name. Pure.

Names are what normalizers.names makes of sources' words, so any alias of one leads to it. A source's own words, such as
the name of a campaign, are found letter for letter, but for case. An object that is passed on bears its name and its
aliases, whatever their case, blanks and punctuation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator
from typing import Any, NamedTuple

import orjson

from config.observables import PASSED
from normalizers.claims import Claim
from normalizers.jsons import texts_in
from normalizers.names import ATTACK, actor_of, brands_of, fold, malware_of

_TECHNIQUE = re.compile(r"t[01][0-9]{3}(?:\.[0-9]{3})?", re.IGNORECASE)
#: Stands in every claim about an object that has a name, and in hardly another: in a detail, which is JSON within JSON.
_HAS_A_NAME = '\\"name\\":'


class Named(NamedTuple):
    """Something that bears a name."""

    #: malware, actor, brand, technique or label; of an object that is passed on, its STIX type
    kind: str
    #: as claims have it: a brand's key, a technique's number; the name of such an object
    name: str


def sought(text: str) -> list[Named]:
    """What a text may name, the known things first; at last the word itself, as sources may have said it."""
    word = " ".join(text.split())
    if not word:
        return []
    malware, actor = malware_of(word), actor_of(word)
    found = [Named("malware", malware)] if malware else []
    found += [Named("actor", actor)] if actor else []
    found += [Named("brand", key) for key in sorted(brands_of(word))]
    if _TECHNIQUE.fullmatch(word):
        found.append(Named("technique", word.upper()))
    return [*found, Named("label", word)]


def texts_of(named: list[Named]) -> list[str]:
    """Texts of which one stands in the encoded form of every claim that bears one of these names."""
    texts = set()
    for kind, name in named:
        text = orjson.dumps(name).decode()
        if kind == "technique":
            texts.add(text[:-1])  # and the techniques beneath it
        if kind in ("malware", "label"):
            texts.add(text)
        if kind in ("actor", "brand", "label"):  # in a detail, which is JSON within JSON
            texts.add(orjson.dumps(text).decode()[1:-1])
    return sorted({*texts, _HAS_A_NAME} if texts else texts)


def borne(claim: Claim, named: list[Named]) -> list[Named]:
    """Those of these names that a claim bears, as it bears them."""
    detail: dict[str, Any] = orjson.loads(claim.detail) if claim.detail else {}
    if claim.type == PASSED:
        return sorted({found for one in named for found in _borne_by_object(detail["stix"], one)})
    return sorted({found for one in named for found in _borne(claim, detail, one)})


def _borne(claim: Claim, detail: dict[str, Any], named: Named) -> Iterator[Named]:
    kind, name = named
    if kind == "malware":
        yield from (Named(kind, one) for one in claim.malware if one == name)
    elif kind in ("actor", "brand"):
        yield from (Named(kind, one) for one in detail.get(f"{kind}s", ()) if one == name)
    elif kind == "technique":
        numbers = (number for source, _, number in claim.references if source == ATTACK)
        yield from (Named(kind, one) for one in numbers if one == name or one.startswith(f"{name}."))
    else:
        word = name.casefold()
        yield from (Named("malware", one) for one in claim.malware if one.casefold() == word)
        yield from (Named("actor", one) for one in detail.get("actors", ()) if one.casefold() == word)
        yield from (Named("label", one) for one in claim.labels if one.casefold() == word)


def _borne_by_object(obj: dict[str, Any], named: Named) -> Iterator[Named]:
    """As :func:`_borne`, of an object that is passed on: by its name or an alias, and by what it refers to."""
    kind, name = named
    words = [word for word in (obj.get("name"), *texts_in(obj.get("aliases"))) if word]
    if kind == "technique":
        said = obj.get("external_references", ())
        numbers = (one["external_id"] for one in said if one["source_name"] == ATTACK and "external_id" in one)
        yield from (Named(kind, one) for one in numbers if one == name or one.startswith(f"{name}."))
    elif kind == "label":
        if any(_is_same(word, name) for word in words):
            yield Named(obj["type"], words[0])
        yield from (Named(kind, one) for one in obj.get("labels", ()) if one.casefold() == name.casefold())
    elif kind == _NAMED.get(obj["type"]) and any(name in _KNOWN[kind](word) for word in words):
        yield Named(obj["type"], words[0])


def _is_same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold() or (fold(one) == fold(other) != "")


#: STIX type of an object that is passed on -> what its names are names of.
_NAMED = {
    "malware": "malware", "tool": "malware", "threat-actor": "actor", "intrusion-set": "actor", "identity": "brand",
}  # fmt: skip
#: What is named -> what a word names of it.
_KNOWN: dict[str, Callable[[str], Container[str | None]]] = {
    "malware": lambda word: (malware_of(word),),
    "actor": lambda word: (actor_of(word),),
    "brand": brands_of,
}
