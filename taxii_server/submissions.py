"""What publishers posted becomes claims, one verdict an object. The work can be done again to the same end.

This is the plain road: only what groups set as trusted post is taken, an indicator must bear a TLP marking, and what it
says is published at once under the hub's own name. An origin is an HMAC of the member organisation and the observable,
so that nothing links two things that one member said; a submission is its own family.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from config.audience import INTERNAL, Audience, audience_of, rank
from config.instant import DAY, HOUR, SECOND, Clock, stix_time
from config.observables import LIFE
from config.roots import ApiRoot
from config.settings import Settings
from normalizers.bad_value import BadValue
from normalizers.checking import Scrutiny
from normalizers.claims import Claim, detail_text, encode, rounded, wins
from normalizers.contributions import MEMBER
from normalizers.envelope import objects_of
from normalizers.indicators import CONTEXT, Policy, Reader
from normalizers.personal import refuse_personal
from taxii_server.stores.base import ClaimRow, Store, Submission

#: Odd lives would link what one member says, as odd times would: few are told apart.
LIVES = (HOUR, 6 * HOUR, *(days * DAY for days in (1, 2, 4, 7, 14, 30, 60, 90, 180, 365, 730, 3650)))
_BATCH = 1_000
#: One process works submissions off at a time, so that what was posted first is said first. Short: a publisher waits.
_LEASE, _LEASE_FOR = "submissions", 10 * SECOND


class Refused(Exception):
    """The object is not taken; the message is for its publisher."""


class Submissions:
    """Turns pending submissions into claims."""

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._skew = settings.tolerated_skew
        self._readers = {root.path: Reader(_policy(root)) for root in settings.api_roots}
        self._key = store.secret("origins")

    def process(self, limit: int = 100) -> int:
        """Work off the oldest pending submissions; gives how many."""
        owner = f"submissions {id(self)} {os.getpid()}"
        if not self._lease(owner):
            return 0  # whoever does, does these too
        try:
            done = 0
            # Read one at a time: each may be as long as a body may be, and many times that when it is parsed.
            while done < limit and self._lease(owner) and (pending := self._store.pending_submissions(1)):
                self._process(pending[0])
                done += 1
            return done
        finally:
            self._store.release(_LEASE, owner)

    def _lease(self, owner: str) -> bool:
        now = self._clock() // 1_000
        return self._store.lease(_LEASE, owner, now=now, until=now + _LEASE_FOR)

    def _process(self, submission: Submission) -> None:
        reader, scrutiny = self._readers.get(submission.root), Scrutiny()
        verdicts, claims = [], []
        for obj, verdict in zip(objects_of(submission.body), submission.verdicts, strict=True):
            if verdict["status"] != "pending":
                verdicts.append(verdict)
                continue
            try:
                claim, message = self._taken(obj, submission, reader, scrutiny)
                claims += [claim] if claim is not None else []
                verdicts.append({**verdict, "status": "success", "message": message})
            except Refused as error:
                verdicts.append({**verdict, "status": "failure", "message": str(error)})
        self._write(claims)
        # Last: until this is written, everything above is done again after a crash, to the same claims.
        self._store.save_submission(replace(submission, state="complete", verdicts=tuple(verdicts)))

    def _taken(
        self, obj: Any, submission: Submission, reader: Reader | None, scrutiny: Scrutiny
    ) -> tuple[Claim | None, str]:
        """The claim that an object is, if any, and what its publisher is told. Raises :class:`Refused`."""
        if reader is None:
            raise Refused(f"the API root {submission.root} is no longer configured")
        problem = scrutiny.problem(obj)
        if problem is not None:
            raise Refused(problem)
        if obj["type"] in CONTEXT:
            return None, "read with the indicators that refer to it; publishes nothing by itself"
        if obj["type"] != "indicator":
            raise Refused(f"type: expected indicator, got {obj['type']}; only indicators become claims here")
        try:
            claim = rounded(self._claim(obj, submission, reader))
        except BadValue as error:
            raise Refused(str(error)) from error
        return claim, self._message(claim)

    def _message(self, claim: Claim) -> str:
        said = [known for known in self._store.claims([claim.key]).get(claim.key, ()) if known.origin == claim.origin]
        newer = max((known.version for known in said), default=0)
        if newer > claim.version:
            return f"not taken: you said something newer about it on {stix_time(newer)}"
        if claim.withdrawn:
            return "withdrawn" if said else "nothing of yours to withdraw: it is over as it came"
        if claim.version > self._clock() // 1_000 + self._skew:
            return f"accepted; waits until {stix_time(claim.version)}, the date that it bears"
        if claim.ends <= self._clock() // 1_000:
            return f"kept for look-ups and not published: it ended on {stix_time(claim.ends)}, before it came"
        return (
            f"accepted for {claim.audience}; name, description, labels and references are not passed on, and the hub "
            "publishes it under its own name"
        )

    def _write(self, claims: list[Claim]) -> None:
        """Write claims in place of what the same organisation said of the same observables, to whomever."""
        # One an observable: the same envelope worked off again after a crash must find itself unchanged.
        latest: dict[bytes, Claim] = {}
        for claim in claims:
            key = claim.key
            if key not in latest or _later(claim, latest[key]):
                latest[key] = claim
        keys = list(latest)
        for start in range(0, len(keys), _BATCH):
            known = self._store.claims(keys[start : start + _BATCH])
            rows: list[ClaimRow] = []
            for key in keys[start : start + _BATCH]:
                rows += _rows(key, latest[key], [c for c in known.get(key, ()) if c.origin == latest[key].origin])
            if rows:
                self._store.put_claims(rows)

    def _claim(self, obj: dict[str, Any], submission: Submission, reader: Reader) -> Claim:
        """The claim that an indicator is. Raises :class:`BadValue`."""
        audience, word = reader.audience(obj), reader.word(obj)
        refuse_personal(word.kind, word.value)
        origin = self._origin(submission.organisation, word.kind, word.value)
        return Claim(
            type=word.kind,
            value=word.value,
            origin=origin,
            family=origin,
            audience=audience or INTERNAL,
            version=word.modified,
            first_seen=word.first_seen,
            last_seen=word.last_seen,
            life=word.life,
            confidence=50 if word.confidence is None else word.confidence,
            withdrawn=word.withdrawn,
            labels=tuple(sorted(word.labels)),
            detail=detail_text({"threat": "malicious-activity"}),
        )

    def _origin(self, organisation: str, kind: str, value: str) -> str:
        said = f"{organisation}\0{kind}\0{value}".encode()
        return f"{MEMBER}{hmac.new(self._key, said, hashlib.sha256).hexdigest()[:32]}"


def _later(one: Claim, other: Claim) -> bool:
    """Whether ``one`` replaces ``other`` in an envelope: the later, at a tie the narrower, then the greater bytes."""
    return (one.version, rank(one.audience), encode(one)) > (other.version, rank(other.audience), encode(other))


def _rows(key: bytes, claim: Claim, said: list[Claim]) -> Iterator[ClaimRow]:
    """What changes, given all that the same organisation has said of the observable."""
    if any(known.version > claim.version for known in said):
        return  # an older version that comes late
    for known in said:
        if known.audience != claim.audience and not known.withdrawn:
            # It is for others now: what is marked narrower must not stay where it was.
            gone = known._replace(
                withdrawn=claim.version - claim.version % HOUR, version=max(claim.version, known.version + 1)
            )
            yield ClaimRow(key, gone)
    stored = next((known for known in said if known.audience == claim.audience), None)
    if stored is None or wins(claim, stored):
        yield ClaimRow(key, claim)


def _policy(root: ApiRoot) -> Policy:
    """What is passed on of what is posted at an API root: nothing that could tell who its publisher is."""
    return Policy(
        lambda labels: _audience(labels, root.group),
        lambda kind: LIFE[kind],
        own_words=False,
        unknown=False,
        step=HOUR,  # times to the millisecond would tell which values came from one hand
        lives=LIVES,
    )


def _audience(labels: list[str], group: str | None) -> Audience:
    """Of exactly one TLP label; AMBER is for the group of the API root."""
    if len(set(labels)) != 1:
        given = ", ".join(sorted(set(labels))) or "none"
        raise BadValue("marking", f"expected exactly one TLP marking for all of the object, got {given}")
    try:
        return audience_of(labels[0], group)
    except ValueError as error:
        raise BadValue("marking", str(error)) from error
