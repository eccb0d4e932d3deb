"""Rulings in the store: made, lifted, and told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from config.audience import Audience
from config.instant import Millis
from config.settings import Settings
from normalizers.claims import Claim, observable_key
from normalizers.rulings import Verdict, lifted, origin_of, ruling
from taxii_server.stores.base import AuditRecord, ClaimRow, Store

#: (type, canonical value)
Observable = tuple[str, str]
_STEP = 1_000


class Terms(NamedTuple):
    """Of a ruling: what it says, to whom, for how long, and why."""

    verdict: Verdict
    audience: Audience
    term: Millis
    why: str


class Rulings:
    """The rulings of one hub. What they change is published by whoever publishes next."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._hub = settings.hub.name
        self._origin = origin_of(self._hub)
        self._store = store

    def rule(self, values: Sequence[Observable], terms: Terms, audit: AuditRecord) -> None:
        """Rule on the observables as of the audit record's time. For that audience it takes the place of what was
        ruled before. Raises :class:`BadValue`."""
        verdict, audience, term, why = terms
        rulings = [
            ruling(kind, value, verdict, hub=self._hub, audience=audience, at=audit.at, term=term, why=why)
            for kind, value in values
        ]
        known = self.about(values)
        stored = {(one.key, one.audience): one.version for told in known.values() for one in told}
        later = [_after(one, stored.get((one.key, one.audience), 0)) for one in rulings]
        self._store.put_claims([ClaimRow(one.key, one) for one in later], audit=audit)

    def lift(
        self, values: Sequence[Observable], audience: Audience | None, audit: AuditRecord
    ) -> dict[Observable, int]:
        """Take back what stands about the observables, for one audience or for all; how many that were of each."""
        known = self.about(values)
        standing = {
            value: [one for one in told if not one.withdrawn and audience in (None, one.audience)]
            for value, told in known.items()
        }
        rows = [ClaimRow(one.key, lifted(one, audit.at)) for told in standing.values() for one in told]
        if rows:
            self._store.put_claims(rows, audit=audit)
        return {value: len(told) for value, told in standing.items()}

    def about(self, values: Sequence[Observable]) -> dict[Observable, list[Claim]]:
        """The hub's own rulings on each of the observables, those that were lifted too."""
        keys = {value: observable_key(*value) for value in values}
        claims = self._store.claims(keys.values())
        mine = self._origin
        return {value: [one for one in claims.get(key, ()) if one.origin == mine] for value, key in keys.items()}

    def all(self) -> Iterator[Claim]:
        """Every ruling of the hub's, those that were lifted too. Goes over all claims."""
        after = b""
        while keys := self._store.origin_keys(self._origin, after=after, limit=_STEP):
            for _, claims in sorted(self._store.claims(keys).items()):
                yield from sorted((one for one in claims if one.origin == self._origin), key=lambda one: one.audience)
            after = keys[-1]


def _after(one: Claim, version: Millis) -> Claim:
    """The same ruling, later than the one that it replaces."""
    return one if one.version > version else one._replace(version=version + 1)
