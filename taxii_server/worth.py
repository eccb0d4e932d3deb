"""What each source is worth: what it alone says, what it has in common with which other, how early it is, what its loss
would cost.

For operators: everything is counted, whoever may see it. One pass over the claims in order of their observables; what
is kept meanwhile grows with the number of sources and not with that of values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from config.instant import DAY, HOUR, MINUTE, Millis
from normalizers.claims import Claim
from normalizers.contributions import MEMBER
from normalizers.known_good import NOTHING, Matcher
from normalizers.merge import agreed
from normalizers.rulings import is_ruling, verdict_of
from taxii_server.stores.base import Store

_BATCH = 2_000
#: sources besides the hub's own feeds that are told apart: feeds that are no more, and those of other hubs
_MOST_OTHERS = 100
MEMBERS, OTHERS = "members", "others"


@dataclass(slots=True)
class Worth:
    """What one source says that stands now: neither withdrawn nor past its life."""

    values: int = 0
    #: observable type -> number of them
    types: Counter[str] = field(default_factory=Counter)
    #: that a known-good list of the hub holds, whatever is done about that
    known_good: int = 0
    #: values that it says, or said, and that are ruled false positives now
    ruled_false: int = 0
    #: that no other source says, and that no source of another family says
    unique: int = 0
    of_family: int = 0
    #: source -> values that both say
    overlap: Counter[str] = field(default_factory=Counter)
    #: values that another family says too, and of those the ones that this source saw before any of them
    shared: int = 0
    first: int = 0
    #: sum of what the confidence in values that others say too would fall by without it, in points
    confidence: int = 0
    #: how much earlier it saw them than the first of other families, in steps -> number of values
    leads: Counter[int] = field(default_factory=Counter)

    @property
    def lead(self) -> Millis | None:
        """The median of how much earlier it is than the first of others, negative when it is later: to the minute
        within an hour, to the hour within ten days, else to the day. None where nothing is shared."""
        half, seen = (self.shared - 1) // 2, -1
        for step in sorted(self.leads):
            seen += self.leads[step]
            if seen >= half:
                return step
        return None


def worth(store: Store, names: Mapping[str, str], now: Millis, known_good: Matcher = NOTHING) -> dict[str, Worth]:
    """What each source is worth at ``now``: those of ``names`` (origin -> name to show), members together, and others
    that the hub has claims of. ``known_good``: the hub's lists."""
    found = {name: Worth() for name in names.values()}
    after = b""
    while keys := store.keys(after=after, limit=_BATCH):
        after = keys[-1]
        about = store.claims(keys)
        for key in keys:
            opinions, false = _ruled(about.get(key, ()), now)
            if false:
                for name in _by_source(opinions, names, found):
                    found[name].ruled_false += 1
            standing = [claim for claim in opinions if not claim.withdrawn and claim.ends > now]
            if standing:
                said = _by_source(standing, names, found)
                _count(found, said)
                if known_good.match(standing[0].type, standing[0].value):
                    for name in said:
                        found[name].known_good += 1
    return found


def _ruled(about: Iterable[Claim], now: Millis) -> tuple[list[Claim], bool]:
    """What sources say of an observable, and whether a ruling stands that it is false."""
    about = list(about)
    opinions = [claim for claim in about if not is_ruling(claim)]
    rulings = [claim for claim in about if is_ruling(claim) and not claim.withdrawn and claim.ends > now]
    return opinions, any(verdict_of(one) == "false-positive" for one in rulings)


def _by_source(claims: list[Claim], names: Mapping[str, str], found: dict[str, Worth]) -> dict[str, list[Claim]]:
    said: dict[str, list[Claim]] = {}
    for claim in claims:
        name = names.get(claim.origin)
        if name is None:
            name = MEMBERS if claim.origin.startswith(MEMBER) else claim.origin
            if name not in found and name != MEMBERS and len(found) >= len(names) + _MOST_OTHERS:
                name = OTHERS
            found.setdefault(name, Worth())
        said.setdefault(name, []).append(claim)
    return said


def _count(found: dict[str, Worth], said: dict[str, list[Claim]]) -> None:
    """One observable, by who says it."""
    for name, claims in said.items():
        one = found[name]
        one.values += 1
        one.types[claims[0].type] += 1
    if len(said) == 1:
        one.unique += 1
        one.of_family += 1
        return
    firsts = _firsts(said.values())
    everybody = [claim for claims in said.values() for claim in claims]
    whole = agreed(everybody)
    for name, claims in said.items():
        one = found[name]
        one.overlap.update(other for other in said if other != name)
        one.confidence += whole - agreed(claim for claim in everybody if claim not in claims)
        family = claims[0].family
        others = [first for of, first in firsts.items() if of != family]
        if not others:
            one.of_family += 1
            continue
        lead = min(others) - min(claim.first_seen for claim in claims)
        one.shared += 1
        one.first += lead > 0
        one.leads[_step(lead)] += 1


def _firsts(said: Collection[list[Claim]]) -> dict[str, Millis]:
    """Family -> when the first of it saw the value."""
    firsts: dict[str, Millis] = {}
    for claim in (claim for claims in said for claim in claims):
        firsts[claim.family] = min(claim.first_seen, firsts.get(claim.family, claim.first_seen))
    return firsts


def _step(lead: Millis) -> Millis:
    """Rounded towards nothing, so that few different ones are left."""
    length = abs(lead)
    size = MINUTE if length < HOUR else HOUR if length < 10 * DAY else DAY
    return (length // size * size) * (1 if lead >= 0 else -1)
