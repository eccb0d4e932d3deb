"""One reading of a full list: what it holds takes the place of what it said before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from config.audience import Audience
from normalizers.claims import Claim
from normalizers.folds import fold
from taxii_server.voice import Place, Voice, batches


class FullList:
    """What the list holds.

    A value may stand in it twice, and the second row must not look like a change of the first. So what would change a
    stored claim waits until the whole list is read.
    """

    def __init__(self, voice: Voice) -> None:
        self._voice = voice
        #: the observables of which it says something so far, by who may see what
        self.seen: dict[Audience, set[bytes]] = {}
        self._changed: dict[Place, Claim] = {}

    def unite(self, present: dict[Place, Claim], place: Place, claim: Claim) -> None:
        """Add a row's claim to what the feed says; where it would change what is stored, it waits."""
        key, audience = place
        stored = present.get(place)
        seen = self.seen.setdefault(audience, set())
        again = key in seen
        seen.add(key)
        if place in self._changed:
            self._changed[place] = fold(self._changed[place], claim, replace=False, key=key)
        elif again or stored is None:
            present[place] = fold(stored, claim, replace=False, key=key)
        elif fold(stored, claim, replace=True, key=key) is not stored:
            # As a first row is kept, so that those after it have the same to be united with at every reading.
            self._changed[place] = fold(None, claim, replace=True, key=key)

    def settle(self) -> None:
        """Write what had to wait for the end of the list, each audience's for itself."""
        for audience in dict.fromkeys(audience for _, audience in self._changed):
            waiting = [(place, claim) for place, claim in self._changed.items() if place[1] == audience]
            for part in batches(waiting):
                self._settle(part)
        self._changed.clear()

    def _settle(self, part: Sequence[tuple[Place, Claim]]) -> None:
        voice = self._voice
        voice.each_batch()
        said = voice.mine(voice.store.claims({key for (key, _), _ in part}))
        rows = []
        for place, claim in part:
            stored = said.get(place)
            folded = fold(stored, claim, replace=True, key=place[0])
            # A mere sighting is left to be renewed as if the list had not changed: for those who may not see what did
            # change, it has not.
            if stored is None or folded._replace(last_seen=stored.last_seen, version=stored.version) != stored:
                rows.append(voice.row(place[0], folded))
        voice.put(rows)

    def values(self) -> Counter[Audience]:
        """How many values it holds, by who may see them."""
        return Counter({audience: len(keys) for audience, keys in self.seen.items()})
