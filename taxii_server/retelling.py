"""Logs whose records are known again: a later version of one may take it back, or speak of something else.

What such a log says about an observable is made of the latest of each of its records about it, and of nothing else: so
it does not matter in which order versions come, or how often, and a claim ends when its last record does. What a record
said before and what it says now change in one step, so nothing is left over where a process dies between them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from config.audience import Audience, rank, sees
from config.instant import Millis
from config.observables import PASSED
from normalizers.claims import Claim, encode, observable_key
from normalizers.folds import retold
from normalizers.records import Record, TakenBack, Whole
from taxii_server.stores.base import ClaimRow, Told
from taxii_server.voice import Place, Voice


class Change(NamedTuple):
    """What a batch of records changes, to be written in one step."""

    rows: list[ClaimRow]
    records: list[Told]


class Retelling:
    """Tells the records of one log in place of what they said before."""

    def __init__(self, voice: Voice, reading: str) -> None:
        """``reading`` stands for how the feed's documents are read now: what was read otherwise is replaced by what is
        read anew, even if its version is the same."""
        self._voice = voice
        self._store = voice.store
        self._origin = voice.origin
        self._reading = reading

    def elsewhere(self, batch: Iterable[Record]) -> dict[Audience, list[Record]]:
        """The records of the batch that were for others until now who may not see all that they are for now, by which
        audience."""
        batch = list(batch)
        known = self._store.records(self._origin, {_id(record.name) for record in batch})
        found: dict[Audience, list[Record]] = {}
        for record in batch:
            before = known.get(_id(record.name))
            # Those who see all that they see are told beside them, where the record would stand if it were new.
            if before is not None and not sees(before.claim.audience, record.claim.audience):
                found.setdefault(before.claim.audience, []).append(record)
        return found

    def taken_back(self, said: Iterable[TakenBack], moment: Millis) -> list[Record]:
        """Of records that are said no more, as was seen at ``moment``: those that are known, as taken back by that
        version. Its date is not told: who may not see the version may not know when it was made."""
        said = list(said)
        known = self._store.records(self._origin, {_id(name) for name, *_ in said})
        found = ((name, known.get(_id(name)), version, edition) for name, version, edition in said)
        return [
            Record(name, _withdrawn(told.claim, moment)._replace(version=version), edition=edition)
            for name, told, version, edition in found
            if told is not None
        ]

    def absent(self, names: Iterable[str], whole: Whole, moment: Millis) -> list[Record]:
        """Of records that their set no longer holds, as was seen at ``moment``: those that stand, as taken back by
        it."""
        names = list(names)
        known = self._store.records(self._origin, {_id(name) for name in names})
        found = ((name, known.get(_id(name))) for name in names)
        return [
            Record(name, _taken_by(whole, _withdrawn(told.claim, moment)), edition=whole.edition)
            for name, told in found
            if told is not None and not told.claim.withdrawn
        ]

    def change(self, batch: Sequence[Record], moment: Millis) -> Change:
        """What the store is to hold once these records, read at ``moment``, are told in their order."""
        news = [self._told(record) for record in batch]
        before = self._store.records(self._origin, {told.id for told in news})
        latest: dict[bytes, Told] = {}
        for record, told in zip(batch, news, strict=True):
            known = latest.get(told.id) or before.get(told.id)
            told = _since(told, known) if record.undated and known is not None else told
            if _replaces(told, known):
                latest[told.id] = told
        changed = {id_: told for id_, told in latest.items() if told != before.get(id_)}
        if not changed:
            return Change([], [])
        moments: dict[Place, int] = {}
        for id_, told in changed.items():
            for one in (before.get(id_), told):
                if one is not None:
                    place = (one.key, one.claim.audience)
                    moments[place] = max(moments.get(place, 0), _told_at(one, told, moment))
        return Change(self._rows(moments, changed), list(changed.values()))

    def _told(self, record: Record) -> Told:
        claim, reading = record.claim, self._reading
        if record.edition:
            reading = hashlib.sha256(f"{reading} {record.edition}".encode()).hexdigest()[:16]
        return Told(self._origin, _id(record.name), observable_key(claim.type, claim.value), reading, claim)

    def _rows(self, moments: dict[Place, int], changed: dict[bytes, Told]) -> list[ClaimRow]:
        keys = {key for key, _ in moments}
        held: dict[Place, list[Claim]] = {}
        unchanged = (told for told in self._store.records_about(self._origin, keys) if told.id not in changed)
        for told in (*unchanged, *changed.values()):
            held.setdefault((told.key, told.claim.audience), []).append(told.claim)
        stored = self._voice.mine(self._store.claims(keys))
        rows = []
        for place, moment in moments.items():
            claim = retold(stored.get(place), held.get(place, []), moment, place[0])
            if claim is not None and claim is not stored.get(place):
                rows.append(self._voice.row(place[0], claim))
        return rows


def _id(name: str) -> bytes:
    return hashlib.blake2b(name.encode(), digest_size=16).digest()


def _withdrawn(claim: Claim, moment: Millis) -> Claim:
    return claim._replace(withdrawn=claim.withdrawn or moment)


def _taken_by(whole: Whole, claim: Claim) -> Claim:
    return claim._replace(version=max(claim.version, whole.version))


def _told_at(there: Told, told: Told, moment: Millis) -> Millis:
    """What dates the change at a place that ``told`` comes to or leaves. Who may not see ``told`` learns by what they
    lose that they lost it, at ``moment``, and not when ``told`` was made."""
    if not sees(there.claim.audience, told.claim.audience):
        return moment
    return max(told.claim.version, told.claim.withdrawn)


def _since(told: Told, before: Told) -> Told:
    """A record without dates of its own has those of its reading, others each time; it was first seen at the first."""
    if (told.key, told.claim.audience) != (before.key, before.claim.audience):
        return told
    return told._replace(claim=told.claim._replace(first_seen=min(before.claim.first_seen, told.claim.first_seen)))


def _replaces(told: Told, before: Told | None) -> bool:
    """The later version; at a tie what is read as documents are now or from another edition, then what counts more."""
    if before is None or told.claim.version != before.claim.version:
        return before is None or told.claim.version > before.claim.version
    claim = told.claim
    if claim.type == PASSED:
        # Seen when the version was first read: whether a document is read again may depend on what not all may see.
        claim = claim._replace(first_seen=before.claim.first_seen, last_seen=before.claim.last_seen)
    return told.reading != before.reading or _weight(claim) > _weight(before.claim)


def _weight(claim: Claim) -> tuple[int, bool, bytes]:
    """What a version told twice counts by: what is for fewer, then what is taken back, then the greater bytes.

    Whom it is for comes first, so that whoever may not see one telling of it learns from that it is there, and nothing
    of what it says. A log's audiences are of one group at most: of two, one is the narrower.
    """
    return rank(claim.audience), claim.withdrawn > 0, encode(claim)
