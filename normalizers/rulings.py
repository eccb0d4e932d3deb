"""Rulings: what somebody who may decide says of an observable, whatever its sources say. A claim too, and no opinion.

A ruling covers every sighting until it is withdrawn or its term ends. It acts in the views that see its audience, and
alone it admits nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, cast, get_args

import orjson

from config.audience import Audience
from config.instant import Millis
from config.observables import LOOK_UP, TYPES
from normalizers.bad_value import BadValue, shown
from normalizers.claims import Claim, detail_text

#: ``false-positive``: what is published is revoked. ``hold``: it stays as it is, and nothing new comes
Verdict = Literal["false-positive", "hold"]

#: Of every ruling, and of nothing else: no feed may have such a one.
FAMILY = "@ruling"
#: Types that are merged; of others there is nothing to rule on.
_RULED = frozenset(TYPES) - LOOK_UP


def origin_of(hub: str) -> str:
    """The origin of all rulings of the hub of that name."""
    return f"{FAMILY}@{hub}"


def ruling(
    kind: str, value: str, verdict: Verdict, *, hub: str, audience: Audience, at: Millis, term: Millis, why: str
) -> Claim:
    """The ruling of the hub of that name about an observable, made at ``at`` for what is seen within ``term``. Raises
    :class:`BadValue` where nothing is merged of the type."""
    if kind not in _RULED:
        raise BadValue("type", f"expected a type that is published, got {shown(kind)}")
    detail = detail_text({"ruling": verdict, "why": why})
    return Claim(kind, value, origin_of(hub), FAMILY, audience, at, at, at, term, 100, detail=detail)


def lifted(claim: Claim, at: Millis) -> Claim:
    """The ruling as taken back at ``at``."""
    moment = max(at, claim.version + 1)
    return claim._replace(version=moment, withdrawn=moment)


def is_ruling(claim: Claim) -> bool:
    """Whether it is one."""
    return claim.family == FAMILY


def verdict_of(claim: Claim) -> Verdict:
    """What a ruling says; what it says in words that are not known here is a hold."""
    said = orjson.loads(claim.detail).get("ruling") if claim.detail else None
    return cast(Verdict, said) if said in get_args(Verdict) else "hold"


def why(claim: Claim) -> str:
    """Why a ruling was made."""
    return str(orjson.loads(claim.detail).get("why", "")) if claim.detail else ""


def covering(rulings: Iterable[Claim], newest: Millis) -> list[Claim]:
    """Those of the rulings that act on what was last seen at ``newest``: of the strictest verdict among them."""
    standing = [one for one in rulings if not one.withdrawn and newest < one.last_seen + one.life]
    false = [one for one in standing if verdict_of(one) == "false-positive"]
    return false or standing
