"""Claims about one observable, as one view may see them, become one merged word. Pure, without a clock.

Any order, any grouping, any repetition of the same claims gives the same result (promise 3), and a claim that the view
may not see changes nothing (promise 2).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import orjson

from config import audience as audiences
from config.audience import Audience
from config.instant import Millis
from config.observables import LOOK_UP, PASSED
from normalizers.claims import Claim, Reference, scores, wins
from normalizers.folds import together
from normalizers.markings import Dialect
from normalizers.rulings import FAMILY as RULING
from normalizers.rulings import covering, verdict_of

#: Most that agreement of sources can give, in percent: nothing that machines gather is certain.
CONFIDENCE_CAP = 95
#: Types of which nothing is merged.
_UNMERGED = LOOK_UP | {PASSED}


class View(NamedTuple):
    """All the claims that one audience may see, and the rules that make content of them."""

    #: stable, part of the ids of its objects
    name: str
    audience: Audience
    #: only observables with a claim for exactly this audience, ending with the last such claim
    own: bool
    dialect: Dialect


class Merged(NamedTuple):
    """What a view says about one observable. Instants in milliseconds."""

    type: str
    value: str
    #: audience of the narrowest of ``claims``
    audience: Audience
    first_seen: Millis
    #: when the last claim ends
    ends: Millis
    #: 0 to 95
    confidence: int
    labels: tuple[str, ...]
    malware: tuple[str, ...]
    references: tuple[Reference, ...]
    #: members of the claims' details, merged by name
    detail: dict[str, Any]
    #: families that may be named and those that may not: how many independent sources agree
    families: int
    #: the claims that bear on it and withdrawn ones that did till then, in order of (origin, audience)
    claims: tuple[Claim, ...]
    #: whether any claim still stands (is not withdrawn)
    standing: bool
    #: known-good lists that hold it and act in the view, sorted; set by normalizers.known_good_effects
    known_good: tuple[str, ...] = ()
    #: whether those, or rulings, keep it out of collections
    gate: Literal["", "drop", "hold"] = ""
    #: whether it is ruled a false positive
    false: bool = False


def sees(view: View, claim: Claim) -> bool:
    """Whether the view may use the claim. TLP 1 has no word for AMBER+STRICT, so such a view goes without it."""
    if view.dialect == "tlp1" and claim.audience.startswith("amber+strict"):
        return False
    return audiences.sees(view.audience, claim.audience)


def merge(claims: Iterable[Claim], view: View) -> Merged | None:
    """Merge what the view may see of the claims about one observable; None when that is nothing.

    Counted are the unwithdrawn claims that have not ended by the newest last sighting in the view; if there are none,
    the one withdrawn last. Of a type that is for look-up alone no view says anything, and of what is passed on nothing
    is merged. ``ends`` is when the last of them ends, in an ``own`` view the last for that very audience. What only
    scores a vulnerability is no opinion that there is one: it is told beside the others, and never alone. Rulings
    act on what the others say, and are none of ``claims``.
    """
    seen = [claim for claim in claims if sees(view, claim)]
    rulings = [claim for claim in seen if claim.family == RULING]
    if rulings:
        word = merge([claim for claim in seen if claim.family != RULING], view)
        return _ruled(word, _latest(rulings)) if word is not None else None
    if len(seen) > 1:
        seen = _latest(seen)
    if seen and seen[0].type == "cve" and any(map(scores, seen)):
        opinions = merge([claim for claim in seen if not scores(claim)], view)
        standing = [claim for claim in seen if scores(claim) and not claim.withdrawn]
        return _scored(opinions, standing) if opinions is not None and standing else opinions
    if not seen or seen[0].type in _UNMERGED or (view.own and all(claim.audience != view.audience for claim in seen)):
        return None
    if len(seen) == 1:
        return _alone(seen[0])
    newest = max(claim.last_seen for claim in seen)
    counted = [claim for claim in seen if not claim.withdrawn and claim.last_seen + claim.life > newest]
    if not counted:
        counted = [max(seen, key=lambda claim: (claim.withdrawn, claim.version, _place(claim)))]
    listed = [claim for claim in seen if claim.last_seen + claim.life > newest or claim is counted[0]]
    return Merged(
        type=counted[0].type,
        value=counted[0].value,
        # Of all that the object shows, withdrawn claims too: its contributions list them.
        audience=_narrowest({claim.audience for claim in listed}),
        first_seen=min(claim.first_seen for claim in counted),
        ends=_ends(seen, counted, view),
        confidence=agreed(counted),
        labels=tuple(sorted({label for claim in counted for label in claim.labels})),
        malware=tuple(sorted({name for claim in counted for name in claim.malware})),
        references=tuple(sorted({reference for claim in counted for reference in claim.references})),
        detail=_details(counted),
        families=len({claim.family for claim in counted}),
        claims=tuple(listed),
        standing=_stands(seen, view),
    )


def _ruled(merged: Merged, rulings: list[Claim]) -> Merged:
    """What rulings make of it. What is false is over when that was first said, for clients that know no ``revoked``."""
    acting = covering(rulings, max(claim.last_seen for claim in merged.claims if not scores(claim)))
    if not acting:
        return merged
    if verdict_of(acting[0]) == "hold":
        return merged._replace(gate="hold")
    audience = _narrowest({merged.audience, *(one.audience for one in acting)})
    ends = min(merged.ends, *(one.version for one in acting))
    return merged._replace(audience=audience, ends=ends, false=True)


def _scored(merged: Merged, scored: list[Claim]) -> Merged:
    """What is told of a vulnerability with its scores beside it: they add to no confidence and keep nothing alive."""
    claims = sorted((*merged.claims, *scored), key=_place)
    details = {name: value for name, value in _details(scored).items() if name != "threat"}
    return merged._replace(
        audience=_narrowest({claim.audience for claim in claims}),
        labels=tuple(sorted({*merged.labels, *(label for claim in scored for label in claim.labels)})),
        references=tuple(sorted({*merged.references, *(one for claim in scored for one in claim.references)})),
        detail={**merged.detail, **details},
        claims=tuple(claims),
    )


def _latest(claims: list[Claim]) -> list[Claim]:
    """One claim per key, in order of (origin, audience)."""
    latest: dict[tuple[str, str], Claim] = {}
    for claim in claims:
        stored = latest.get(_place(claim))
        if stored is None or wins(claim, stored):
            latest[_place(claim)] = claim
    return [latest[place] for place in sorted(latest)]


def _alone(claim: Claim) -> Merged:
    # Most observables have one claim, and a first collection merges a million. By place, which takes half as long.
    return Merged(
        claim.type,
        claim.value,
        claim.audience,
        claim.first_seen,
        claim.ends,
        min(CONFIDENCE_CAP, claim.confidence),
        claim.labels,
        claim.malware,
        claim.references,
        _detail(claim.detail),
        1,
        (claim,),
        not claim.withdrawn,
    )


def _narrowest(found: set[Audience]) -> Audience:
    return max(found, key=lambda audience: (audiences.rank(audience), audience))


def _place(claim: Claim) -> tuple[str, str]:
    return claim.origin, claim.audience


def _ends(seen: list[Claim], counted: list[Claim], view: View) -> Millis:
    bearing = [claim for claim in counted if claim.audience == view.audience] if view.own else counted
    if not bearing:
        bearing = [claim for claim in seen if claim.audience == view.audience]
    return max(claim.ends for claim in bearing)


def _stands(seen: list[Claim], view: View) -> bool:
    """Whether a claim is left that nobody took back; one that merely aged is."""
    return any(not claim.withdrawn and (not view.own or claim.audience == view.audience) for claim in seen)


def agreed(claims: Iterable[Claim]) -> int:
    """Confidence that independent families give together, in percent: ``100 * (1 - product(1 - c / 100))``, noisy-or.

    A family counts once, with the most confident of its claims. Whole numbers throughout, so that no order of
    multiplication shows.
    """
    strongest: dict[str, int] = {}
    for claim in claims:
        strongest[claim.family] = max(claim.confidence, strongest.get(claim.family, 0))
    doubt, whole = 1, 1
    for confidence in strongest.values():
        doubt *= 100 - confidence
        whole *= 100
    return min(CONFIDENCE_CAP, (200 * (whole - doubt) + whole) // (2 * whole))


def _details(claims: list[Claim]) -> dict[str, Any]:
    ordered = sorted(claims, key=lambda c: (c.version, c.origin, c.audience)) if len(claims) > 1 else claims
    return _joined(tuple([claim.detail for claim in ordered if claim.detail]))


@lru_cache(maxsize=4_096)
def _joined(texts: tuple[str, ...]) -> dict[str, Any]:
    """Details in their order, joined. The same for most rows of two feeds; nobody may change it."""
    merged: dict[str, Any] = {}
    threats: set[str] = set()
    for text in texts:
        for name, value in orjson.loads(text).items():
            if name == "threat":
                threats.add(value)
            else:
                merged[name] = together(name, merged.get(name), value)
    if threats:
        merged["threat"] = sorted(threats)
    return merged


@lru_cache(maxsize=4_096)
def _detail(text: str) -> dict[str, Any]:
    """One claim's detail in the merged form. The same for most rows of a feed; nobody may change it."""
    detail: dict[str, Any] = orjson.loads(text) if text else {}
    return {**detail, "threat": [detail["threat"]]} if "threat" in detail else detail
