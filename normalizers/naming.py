"""What a text names, for look-ups by name, and which claims bear that name. Pure.

Names are what normalizers.names makes of sources' words, so any alias of one leads to it. A source's own words, such as
the name of a campaign, are found letter for letter, but for case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from normalizers.claims import Claim
from normalizers.names import ATTACK, actor_of, brands_of, malware_of

_TECHNIQUE = re.compile(r"t[01][0-9]{3}(?:\.[0-9]{3})?", re.IGNORECASE)


class Named(NamedTuple):
    """Something that bears a name."""

    #: malware, actor, brand, technique or label
    kind: str
    #: as claims have it: a brand's key, a technique's number
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
    return sorted(texts)


def borne(claim: Claim, named: list[Named]) -> list[Named]:
    """Those of these names that a claim bears, as it bears them."""
    detail: dict[str, Any] = orjson.loads(claim.detail) if claim.detail else {}
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
