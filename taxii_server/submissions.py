"""What publishers posted becomes claims, one verdict an object. The work can be done again to the same end.

This is the plain road: only what groups set as trusted post is taken, an indicator must bear a TLP marking, and what it
says is published at once under the hub's own name. An origin is an HMAC of the member organisation and the observable,
so that nothing links two things that one member said; a submission is its own family.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from typing import Any

from config.audience import audience_of
from config.feeds import DEFAULT_LIFE, LONGEST_LIFE
from config.instant import Clock, Millis, parse_millis
from config.settings import ApiRoot, Settings
from normalizers.checking import check_object
from normalizers.claims import Claim, detail_text, rounded
from normalizers.envelope import objects_of
from normalizers.markings import tlp_of
from normalizers.patterns import observable
from taxii_server.stores.base import ClaimRow, Store, Submission

#: Read with the indicators that refer to them, and nothing by themselves.
_CONTEXT = frozenset({"identity", "marking-definition", "extension-definition"})
#: The vocabulary indicator-type-ov (STIX 2.1 section 10.6) less unknown. Free words could tell who the publisher is, so
#: of a publisher's own words only these are passed on.
_INDICATOR_TYPES = frozenset(
    {"anomalous-activity", "anonymization", "attribution", "benign", "compromised", "malicious-activity"}
)


class Refused(Exception):
    """The object is not taken; the message is for its publisher."""


class Submissions:
    """Turns pending submissions into claims."""

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._roots = {root.path: root for root in settings.api_roots}
        self._key = store.secret("origins")

    def process(self, limit: int = 100) -> int:
        """Work off the oldest pending submissions; gives how many."""
        pending = self._store.pending_submissions(limit)
        for submission in pending:
            self._process(submission)
        return len(pending)

    def _process(self, submission: Submission) -> None:
        verdicts, rows = [], []
        root = self._roots.get(submission.root)
        for obj, verdict in zip(objects_of(submission.body), submission.verdicts, strict=True):
            if verdict["status"] != "pending":
                verdicts.append(verdict)
                continue
            try:
                row, message = self._taken(obj, submission, root)
                if row is not None:
                    rows.append(row)
                verdicts.append({**verdict, "status": "success", "message": message})
            except Refused as error:
                verdicts.append({**verdict, "status": "failure", "message": str(error)})
        if rows:
            self._store.put_claims(rows)
        # Last: until this is written, everything above is done again after a crash, to the same claims.
        self._store.save_submission(replace(submission, state="complete", verdicts=tuple(verdicts)))

    def _taken(self, obj: Any, submission: Submission, root: ApiRoot | None) -> tuple[ClaimRow | None, str]:
        if root is None:
            raise Refused(f"the API root {submission.root} is no longer configured")
        problem = check_object(obj)
        if problem is not None:
            raise Refused(problem)
        if obj["type"] in _CONTEXT:
            return None, "read with the indicators that refer to it; publishes nothing by itself"
        if obj["type"] != "indicator":
            raise Refused(f"type: expected indicator, got {obj['type']}; only indicators become claims here")
        claim = rounded(self._claim(obj, submission, root))
        return ClaimRow(claim.key, claim), "accepted"

    def _claim(self, obj: dict[str, Any], submission: Submission, root: ApiRoot) -> Claim:
        audience = _audience(obj, root)
        try:
            kind, value = observable(obj["pattern"]) if obj.get("pattern_type") == "stix" else ("", "")
        except ValueError as error:
            raise Refused(f"pattern: {error}") from error
        if not kind:
            raise Refused(f"pattern_type: expected stix, got {obj.get('pattern_type')}")
        modified = parse_millis(obj["modified"])
        first_seen = min(parse_millis(obj["valid_from"]), modified)
        origin = self._origin(submission.organisation, kind, value)
        return Claim(
            type=kind,
            value=value,
            origin=origin,
            family=origin,
            audience=audience,
            version=modified,
            first_seen=first_seen,
            last_seen=modified,
            life=_life(obj, kind, modified),
            confidence=obj.get("confidence", 50),
            withdrawn=modified if obj.get("revoked") else 0,
            labels=tuple(sorted(_INDICATOR_TYPES.intersection(obj.get("indicator_types", ())))),
            detail=detail_text({"threat": "malicious-activity"}),
        )

    def _origin(self, organisation: str, kind: str, value: str) -> str:
        said = f"{organisation}\0{kind}\0{value}".encode()
        return f"member:{hmac.new(self._key, said, hashlib.sha256).hexdigest()[:32]}"


def _audience(obj: dict[str, Any], root: ApiRoot) -> str:
    labels = {label for ref in obj.get("object_marking_refs", ()) if (label := tlp_of(ref)) is not None}
    if len(labels) != 1:
        given = ", ".join(sorted(labels)) or "none"
        raise Refused(f"object_marking_refs: expected exactly one TLP marking, got {given}")
    try:
        return audience_of(labels.pop(), root.group)
    except ValueError as error:
        raise Refused(f"object_marking_refs: {error}") from error


def _life(obj: dict[str, Any], kind: str, last_seen: Millis) -> Millis:
    """As long as the publisher says the value stays valid, up to the longest of its type."""
    until = obj.get("valid_until")
    life = parse_millis(until) - last_seen if until else DEFAULT_LIFE[kind]
    return max(1, min(life, LONGEST_LIFE[kind]))
