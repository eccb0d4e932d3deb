"""What known-good lists hold back for a person to decide, at present."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from config.instant import Millis
from config.observables import TYPES
from config.settings import Settings
from normalizers.claims import Claim, observable_key
from normalizers.ids import OF_OBJECTS
from taxii_server.stores.base import Store
from taxii_server.suppression import Suppression
from taxii_server.views import Outlook, Plan, Sight

#: Observables whose claims are read at a time, and claims whose observables are.
_STEP, _PAGE = 1_000, 10_000


class HeldBack(NamedTuple):
    """An observable that lists hold back in at least one view."""

    key: bytes
    type: str
    value: str
    #: (list, entry) of the lists that hold it back
    lists: tuple[tuple[str, str], ...]
    #: names of the views
    views: tuple[str, ...]
    #: whether it is published in one of them as it was before it came to be held
    published: bool
    #: who says it there, and how many independent families of sources they are
    origins: tuple[str, ...]
    families: int
    first_seen: Millis
    last_seen: Millis


class HeldBacks:
    """Finds them in a store. ``now`` is the present."""

    def __init__(self, settings: Settings, store: Store, sight: Sight, plans: Sequence[Plan], now: Millis) -> None:
        self._settings = settings
        self._store = store
        self._sight = sight
        self._now = now
        #: each plan with the lists that hold in its view, as a mask
        self._holding = [(plan, mask) for plan in plans if (mask := self._holds(plan))]

    def _holds(self, plan: Plan) -> int:
        policy = self._sight.known_good.policy(plan.view, plan.collections[0])
        return sum(rule.bit for rule in policy.rules if rule.action == "hold")

    def of(self, list_id: str | None, *, after: bytes = b"") -> Iterator[HeldBack]:
        """What one list holds back, or any of them, in order of key, after ``after``. Goes over all that is known
        before it gives the first."""
        known_good = self._sight.known_good
        wanted = 0
        for _, mask in self._holding:
            wanted |= mask
        if list_id is not None:
            wanted &= known_good.matcher.bit(list_id)
        keys = sorted(key for page in listed(self._store, known_good, wanted) for key in page if key > after)
        for start in range(0, len(keys), _STEP):
            page = keys[start : start + _STEP]
            about = self._store.claims(page)
            for key in page:
                if claims := about.get(key):
                    yield from self._held(key, claims, wanted)

    def _held(self, key: bytes, claims: list[Claim], wanted: int) -> Iterator[HeldBack]:
        mask, said = 0, dict[str, Outlook]()
        listed = self._sight.known_good.match(claims[0].type, claims[0].value) & wanted
        for plan, holding in self._holding:
            for outlook in self._sight.look(plan, [key], {key: claims}) if listed & holding else ():
                word = outlook.word
                if word.gate == "hold" and word.standing and word.ends > self._now:
                    mask |= listed & holding
                    said[plan.view.name] = outlook
        if said:
            yield self._told(key, mask, said)

    def _told(self, key: bytes, mask: int, said: dict[str, Outlook]) -> HeldBack:
        words = [outlook.word for outlook in said.values()]
        standing = {claim for word in words for claim in word.claims if not claim.withdrawn}
        entries = self._sight.known_good.matcher.entries(words[0].type, words[0].value)
        names = set(self._sight.known_good.matcher.ids(mask))
        states = [outlook.known.state for outlook in said.values()]
        return HeldBack(
            key,
            words[0].type,
            words[0].value,
            tuple((hit.id, hit.entry) for hit in entries if hit.id in names),
            tuple(said),
            any(state is not None and bool(state.places) and state.ends > self._now for state in states),
            tuple(sorted({claim.origin for claim in standing})),
            len({claim.family for claim in standing}),
            min(word.first_seen for word in words),
            max(claim.last_seen for claim in standing),
        )


def listed(store: Store, known_good: Suppression, wanted: int) -> Iterator[list[bytes]]:
    """Pages of the keys of observables that one of the lists holds (``wanted``: as a mask), each once, in no order that
    means anything. Goes over all that is known."""
    seen, after = set[bytes](), 0
    types = {kind for kind in TYPES if wanted and known_good.matcher.on(kind) & wanted}
    while types and (rows := store.observables(after=after, limit=_PAGE)):
        of_types = ((kind, value) for _, kind, value in rows if kind in types)
        found = [observable_key(*one) for one in of_types if known_good.match(*one) & wanted]
        new = [key for key in dict.fromkeys(found) if key not in seen]
        seen.update(new)
        if new:
            yield new
        after = rows[-1][0]


def listed_meaning(
    known_good: Suppression, list_id: str, meanings: Sequence[tuple[str, str]]
) -> tuple[str, str] | None:
    """Of what a text may mean, the first observable that the list holds, whatever was decided about it, if any."""
    matcher = known_good.matcher
    bit = matcher.bit(list_id)
    return next((one for one in meanings if one[0] not in OF_OBJECTS and matcher.match(*one) & bit), None)
