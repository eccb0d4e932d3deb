"""Merged words as STIX 2.1 objects: the published profile, and the bytes that are served.

Content is everything but ``id``, ``created``, ``modified`` and the creator; it is a function of the claims and the view
alone.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any

import orjson

from config.audience import Audience, marking_of
from config.instant import stix_time
from normalizers import object_labels
from normalizers.contributions import Own, extension, external_reference, lone_extension
from normalizers.ids import OBJECT_TYPES, pattern_of
from normalizers.markings import Dialect, marking_id
from normalizers.merge import Merged
from normalizers.vulnerabilities import report, vulnerability

#: threat -> (what a description calls it, indicator_types, kill chain phases)
THREATS: dict[str, tuple[str, str, tuple[tuple[str, str], ...]]] = {
    "phishing": ("Phishing", "malicious-activity", (("mitre-attack", "initial-access"),)),
    "malware-download": ("Malware download", "malicious-activity", (("lockheed-martin-cyber-kill-chain", "delivery"),)),
    "botnet-c2": ("Botnet command and control", "malicious-activity", (("mitre-attack", "command-and-control"),)),
    "malware": ("Malware", "malicious-activity", ()),
    "spam": ("Spam", "malicious-activity", ()),
    "hijacked-netblock": ("Hijacked address range", "malicious-activity", ()),
    "anonymization": ("Anonymisation service", "anonymization", ()),
    "scanner": ("Scanning", "anomalous-activity", ()),
    "malicious-activity": ("Malicious activity", "malicious-activity", ()),
}
_ANY_THREAT = ("malicious-activity",)


def ends_by_revocation(word: Merged) -> bool:
    """Whether it is over and STIX gives objects of its type no other end than ``revoked``."""
    return not word.standing and word.type in OBJECT_TYPES


def digest(content: bytes) -> bytes:
    """Sixteen bytes that tell whether content changed."""
    return hashlib.blake2b(content, digest_size=16).digest()


def body(kind: str, id_: str, creator: str, created: str, modified: str, content: bytes, *, revoked: bool) -> bytes:
    """The object as it will be served."""
    end = b',"revoked":true,' if revoked else b","
    head = (
        f'{{"type":"{kind}","spec_version":"2.1","id":"{id_}","created_by_ref":"{creator}",'
        f'"created":"{created}","modified":"{modified}"'
    )
    return head.encode() + end + content[1:]


def acting(merged: Merged, content: bytes) -> bytes:
    """The digest of what a subscriber would act on.

    Where several sources say the same, each moves its own dates on at a time of its own: what of that only shows in the
    contributions waits for the next version, so that mere sightings make one version a step and not one a source.
    """
    if len(merged.claims) == 1:
        return digest(content)
    # Everything else in the object is a function of these, of lists, and of what no sighting moves.
    # Without their versions and last sightings, as _replace would have it in five times the time.
    said = [(*claim[:5], 0, claim[6], 0, *claim[8:]) for claim in merged.claims]
    ends = merged.ends if merged.type not in OBJECT_TYPES else max(claim.life for claim in merged.claims)
    listed = [["known-good", merged.confidence, *merged.known_good]] if merged.known_good else []
    return digest(orjson.dumps([ends, *said, *listed]))


def content(merged: Merged, dialect: Dialect, publisher: str = "") -> bytes:
    """The content of the object that says ``merged``, as canonical bytes; ``publisher`` is the id of the identity that
    a report refers to."""
    if merged.type == "cve":
        return orjson.dumps(vulnerability(merged, dialect))
    if merged.type == "advisory":
        return orjson.dumps(report(merged, dialect, publisher))
    return _indicator(merged, dialect)


def _indicator(merged: Merged, dialect: Dialect) -> bytes:
    # At once: to ask a tuple for its members one by one takes longer than what is made of them.
    kind, value, audience, first_seen, ends, confidence, labels, malware, references, detail, families = merged[:11]
    valid_until = max(ends, first_seen + 1)
    likewise = _likewise(
        tuple(detail.get("threat", _ANY_THREAT)),
        object_labels.sources(merged),
        families,
        malware,
        tuple(detail.get("port", ())),
        object_labels.named(merged),
        labels,
        confidence,
        audience,
        dialect,
        merged.known_good,
    )
    said = lone_extension(merged, valid_until)
    if said is None:
        own = Own(audience, first_seen, valid_until, confidence, labels, malware, references)
        said = extension(merged, own)
    # Joined of few pieces: of an indicator's bytes most are the same as in others.
    valid = f',"valid_from":"{stix_time(first_seen)}","valid_until":"{stix_time(valid_until)}"'
    parts = [b'{"name":', orjson.dumps(value), b',"pattern":', orjson.dumps(pattern_of(kind, value)), valid.encode()]
    if references:
        parts += b',"external_references":', orjson.dumps([external_reference(one) for one in references])
    parts += b',"extensions":', said, b",", likewise[1:]
    return b"".join(parts)


@lru_cache(maxsize=8_192)
def _likewise(
    threats: tuple[str, ...],
    named: tuple[str, ...],
    families: int,
    malware: tuple[str, ...],
    ports: tuple[int, ...],
    names: tuple[str, ...],
    labels: tuple[str, ...],
    confidence: int,
    audience: Audience,
    dialect: Dialect,
    known_good: tuple[str, ...],
) -> bytes:
    """What is the same in most indicators of a feed, of which a first collection makes a million."""
    shown: dict[str, Any] = {
        "description": _description(threats, named, families, malware),
        "indicator_types": _types(threats),
        "pattern_type": "stix",
        "pattern_version": "2.1",
    }
    phases = _phases(threats)
    if phases:
        shown["kill_chain_phases"] = phases
    made = (
        *(f"threat={threat}" for threat in threats),
        *(f"port={port}" for port in ports),
        *(f"known-good={name}" for name in known_good),
    )
    shown["confidence"] = confidence
    shown["labels"] = [*labels, *object_labels.labels(made, names, malware, named)]
    shown["object_marking_refs"] = [marking_id(marking_of(audience), dialect)]
    return orjson.dumps(shown)


def _description(threats: tuple[str, ...], named: tuple[str, ...], families: int, malware: tuple[str, ...]) -> str:
    what = ", ".join(THREATS[threat][0] for threat in threats if threat in THREATS) or "Malicious activity"
    who = f"Reported by {', '.join(named)}" if named else "Reported by members"
    text = f"{what}. {who}; independent sources: {families}."
    if malware:
        text += f" Malware: {', '.join(malware)}."
    return text


def _types(threats: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({THREATS[threat][1] if threat in THREATS else "malicious-activity" for threat in threats}))


def _phases(threats: tuple[str, ...]) -> tuple[dict[str, str], ...]:
    phases = sorted({phase for threat in threats if threat in THREATS for phase in THREATS[threat][2]})
    return tuple({"kill_chain_name": chain, "phase_name": name} for chain, name in phases)
