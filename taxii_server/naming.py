"""What a store knows under a name, and of a host: found by going over all claims, since no index is kept of either."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator
from typing import NamedTuple

from config import audience as audiences
from config.audience import Audience
from config.instant import Millis
from normalizers import urls
from normalizers.bad_value import BadValue
from normalizers.claims import Claim, observable_key
from normalizers.naming import Named, borne, texts_of
from normalizers.rulings import is_ruling
from taxii_server.stores.base import Store

_STEP = 10_000


class Bearer(NamedTuple):
    """An observable that bears a name, as the claims say that a reader may be told."""

    type: str
    value: str
    #: under which names
    named: tuple[Named, ...]
    #: the claims that name it so
    claims: tuple[Claim, ...]


class Bearers(NamedTuple):
    """What was found."""

    #: observables in all, and those of them of which a claim stands and has not ended
    total: int
    valid: int
    #: by how many of them each name is borne
    names: dict[Named, int]
    #: the first so many
    shown: list[Bearer]


class _Seen(NamedTuple):
    last_seen: Millis
    key: bytes


def bearing(store: Store, named: list[Named], reader: Audience, *, now: Millis, limit: int) -> Bearers:
    """The observables that ``reader`` may be told to bear one of these names, ``limit`` at most, the latest first.
    Goes over all claims."""
    latest: dict[bytes, Millis] = {}
    valid: set[bytes] = set()
    names: dict[Named, set[bytes]] = {}
    for claim in _mentioning(store, texts_of(named), reader):
        found = borne(claim, named)
        if not found:
            continue
        key = observable_key(claim.type, claim.value)
        latest[key] = max(claim.last_seen, latest.get(key, 0))
        if not claim.withdrawn and claim.ends > now:
            valid.add(key)
        for one in found:
            names.setdefault(one, set()).add(key)
    newest = heapq.nlargest(limit, (_Seen(last_seen, key) for key, last_seen in latest.items()))
    about = store.claims([one.key for one in newest])
    shown = [_bearer(about.get(one.key, []), named, reader) for one in newest]
    counts = {one: len(keys) for one, keys in sorted(names.items())}
    return Bearers(len(latest), len(valid), counts, [one for one in shown if one is not None])


def _bearer(about: list[Claim], named: list[Named], reader: Audience) -> Bearer | None:
    told = [claim for claim in about if audiences.sees(reader, claim.audience)]
    naming = {claim: found for claim in told if (found := borne(claim, named))}
    if not naming:  # it was named otherwise meanwhile
        return None
    names = sorted({one for found in naming.values() for one in found})
    claims = sorted(naming, key=lambda claim: (claim.origin, claim.audience))
    return Bearer(claims[0].type, claims[0].value, tuple(names), tuple(claims))


def urls_at(store: Store, kind: str, host: str, reader: Audience) -> dict[str, list[Claim]]:
    """The URLs at a host that ``reader`` may be told of, with their claims. Goes over all claims."""
    found: dict[str, list[Claim]] = {}
    for claim in _mentioning(store, [f"//{host}/", f"//{host}:", f"//[{host}]", f"@{host}/", f"@{host}:"], reader):
        if claim.type == "url" and _host_of(claim.value) == (kind, host):
            found.setdefault(claim.value, []).append(claim)
    return found


def _host_of(url: str) -> tuple[str, str]:
    try:
        return urls.host_of(url)
    except BadValue:  # it was canonical once, and would be refused today
        return "", ""


def _mentioning(store: Store, texts: Collection[str], reader: Audience) -> Iterator[Claim]:
    after: int | None = 0
    while after is not None:
        found = store.mentioning(texts, after=after, limit=_STEP)
        told = (claim for _, claim in found if audiences.sees(reader, claim.audience))
        yield from (claim for claim in told if not is_ruling(claim))
        after = found[-1][0] if len(found) == _STEP else None
