"""Claims of a batch of rows, folded into what their feed said before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from config.instant import SECOND
from normalizers.claims import Claim, next_step, observable_key
from normalizers.familiar import Notes
from normalizers.folds import fold
from taxii_server.stores.base import ClaimRow, Found, Mark, News
from taxii_server.voice import Place, Voice

#: what a row says, with the digest of its text; b"" where there is none
Digested = tuple[Claim, bytes]
#: Adds to what a feed says a claim that belongs there.
Unite = Callable[[dict[Place, Claim], Place, Claim], None]


class Folding:
    """Folds batches in, one after the other."""

    def __init__(self, voice: Voice, unite: Unite) -> None:
        self._voice = voice
        self._unite = unite

    def take(self, batch: Sequence[Digested]) -> None:
        """Fold in a batch, and write what that changes."""
        voice, unite = self._voice, self._unite
        places = [(observable_key(claim.type, claim.value), claim.audience) for claim, _ in batch]
        before = voice.store.last_mark()
        about = voice.store.claims({key for key, _ in places})
        stored = voice.mine(about)
        present = dict(stored)
        for place, (claim, _) in zip(places, batch, strict=True):
            unite(present, place, voice.named(claim))
        if self._voice.recall.notes is not None:
            self._note(self._voice.recall.notes, places, batch, present)
        changed = [
            voice.row(at[0], present[at])
            # In order of the document: the store's own order depends on what else it holds, and a public log must not.
            for at in dict.fromkeys(places)
            if at not in stored or not _says_no_more(present[at], stored[at])
        ]
        kept = voice.put(changed, found=Found(before, about.keys()))
        # What did not win was written by whoever took over this feed meanwhile, and is not known here.
        if changed and kept == len(changed) and voice.store.last_mark() == before + kept:
            voice.tell(_news(before, changed, about))

    def _note(
        self,
        notes: Notes,
        places: Sequence[Place],
        batch: Sequence[Digested],
        present: Mapping[Place, Claim],
    ) -> None:
        """Note rows that need not be read again. A list's are sighted at each fetch, whatever they say; an undated one
        of a log is sighted at its document's time, and has to be read once that moves its claim."""
        moment = self._voice.recall.moment
        for place, (claim, digest) in zip(places, batch, strict=True):
            key = place[0]
            if claim.version == moment:
                kept = present[place]
                notes.add(key, digest, next_step(kept.last_seen, kept.life, key) // SECOND)
            else:
                notes.add(key, digest)


def unite(present: dict[Place, Claim], place: Place, claim: Claim) -> None:
    """A log goes on saying what it said: the claim is united with it."""
    present[place] = fold(present.get(place), claim, replace=False, key=place[0])


def _says_no_more(claim: Claim, stored: Claim) -> bool:
    """Whether it says what is stored. Rows that contradict each other may have changed it there and back."""
    return claim is stored or claim._replace(version=stored.version) == stored


def _news(before: int, changed: list[ClaimRow], about: dict[bytes, list[Claim]]) -> News:
    """What is known of the observables that changed: what was, and in its place what is now."""
    known: dict[bytes, list[Claim]] = {}
    for key, claim, _ in changed:
        claims = known.get(key)
        if claims is None:
            claims = known[key] = about.get(key, [])
        if claims:
            claims[:] = [item for item in claims if (item.origin, item.audience) != (claim.origin, claim.audience)]
        claims.append(claim)
    marks = [Mark(number, row.key, row.claim.audience) for number, row in enumerate(changed, before + 1)]
    return News(marks, known)
