"""Which observables a view sees to be about one thing: vulnerabilities and advisories with one number of JVN.

The store remembers for good what goes by a number (``aliased``), whoever said so. So whatever it leads to is looked at
again: only what is seen by the view itself counts, or one could tell from what it publishes, and in which order, what
else is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from normalizers.claims import BY_NUMBER, Claim, aliases
from taxii_server.stores.base import Store

#: Observables that one number may lead to; JVN gives one to an edition of a product with hundreds of vulnerabilities.
#: Of those alone that are seen to go by it: what is not seen must not crowd out what is.
_MOST = 10_000
_STEP = 1_000


class Joined(NamedTuple):
    """An observable that is joined with another one, and the claims about it that are seen."""

    key: bytes
    claims: list[Claim]


class Joins:
    """Finds what is joined in a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(
        self, keys: Iterable[bytes], claims: Mapping[bytes, list[Claim]], seen: Callable[[Claim], bool]
    ) -> dict[bytes, list[Joined]]:
        """For each of the observables what it is or was joined with, in order of keys; most have no entry.

        ``claims`` are those about the ``keys``, and may hold others; ``seen`` tells which count.
        """
        names = {key: found for key in keys if (found := _names(claims.get(key), seen))}
        if not names:
            return {}
        pages = {alias: self._store.aliased(alias, _STEP) for alias in sorted(set().union(*names.values()))}
        known = dict(claims)
        known.update(self._store.claims({key for page in pages.values() for key in page} - known.keys()))
        led = {alias: self._led(alias, page, known, seen) for alias, page in pages.items()}
        joined = {}
        for key, found in names.items():
            others = sorted({other for alias in found for other in led[alias]} - {key})
            kind = BY_NUMBER[claims[key][0].type]
            near = [Joined(other, [one for one in known.get(other, ()) if seen(one)]) for other in others]
            kept = [one for one in near if one.claims[0].type == kind]
            if kept:
                joined[key] = kept
        return joined

    def _led(
        self, alias: bytes, page: list[bytes], known: dict[bytes, list[Claim]], seen: Callable[[Claim], bool]
    ) -> list[bytes]:
        """The observables that are seen to go by that number, in order, from its first ``page`` on; the claims about
        them become ``known``."""
        led: list[bytes] = []
        while page and len(led) < _MOST:
            known.update(self._store.claims(set(page) - known.keys()))
            led += [key for key in page if any(alias in aliases(one) for one in known.get(key, ()) if seen(one))]
            page = self._store.aliased(alias, _STEP, after=page[-1]) if len(page) == _STEP else []
        return led[:_MOST]


def _names(about: list[Claim] | None, seen: Callable[[Claim], bool]) -> set[bytes]:
    # For a million indicators this is all there is to it.
    if not about or about[0].type not in BY_NUMBER:
        return set()
    return {alias for claim in about if seen(claim) for alias in aliases(claim)}
