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
from normalizers.claims import Reference
from normalizers.contributions import Own, extension, external_reference
from normalizers.ids import OBJECT_TYPES, pattern_of
from normalizers.labels import MALWARE, NAMED, PREFIX, TECHNIQUE
from normalizers.markings import Dialect, marking_id
from normalizers.merge import Merged
from normalizers.names import ATTACK

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
#: Languages of texts, in the order in which they are shown.
_LANGUAGES = ("en", "ja")
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
    said = [claim._replace(version=0, last_seen=0) for claim in merged.claims]
    ends = merged.ends if merged.type not in OBJECT_TYPES else max(claim.life for claim in merged.claims)
    listed = [["known-good", merged.confidence, *merged.known_good]] if merged.known_good else []
    return digest(orjson.dumps([ends, *map(tuple, said), *listed]))


def content(merged: Merged, dialect: Dialect, publisher: str = "") -> bytes:
    """The content of the object that says ``merged``, as canonical bytes; ``publisher`` is the id of the identity that
    a report refers to."""
    if merged.type == "cve":
        return orjson.dumps(_vulnerability(merged, dialect))
    if merged.type == "advisory":
        return orjson.dumps(_report(merged, dialect, publisher))
    return _indicator(merged, dialect)


def _indicator(merged: Merged, dialect: Dialect) -> bytes:
    valid_until = max(merged.ends, merged.first_seen + 1)
    own = Own(
        merged.audience,
        merged.first_seen,
        valid_until,
        merged.confidence,
        merged.labels,
        merged.malware,
        merged.references,
    )
    likewise = _likewise(
        tuple(merged.detail.get("threat", _ANY_THREAT)),
        sources(merged),
        merged.families,
        merged.malware,
        tuple(merged.detail.get("port", ())),
        _named(merged),
        merged.labels,
        merged.confidence,
        merged.audience,
        dialect,
        merged.known_good,
    )
    # Joined of few pieces: of an indicator's bytes most are the same as in others.
    valid = f',"valid_from":"{stix_time(merged.first_seen)}","valid_until":"{stix_time(valid_until)}"'
    pattern = orjson.dumps(pattern_of(merged.type, merged.value))
    parts = [b'{"name":', orjson.dumps(merged.value), b',"pattern":', pattern, valid.encode()]
    if merged.references:
        parts += b',"external_references":', orjson.dumps([external_reference(one) for one in merged.references])
    parts += b',"extensions":', extension(merged, own), b",", likewise[1:]
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
    shown["labels"] = [*labels, *_labels(made, names, malware, named)]
    shown["object_marking_refs"] = [marking_id(marking_of(audience), dialect)]
    return orjson.dumps(shown)


def _common(
    shown: dict[str, Any], merged: Merged, dialect: Dialect, made: tuple[str, ...], value: str | None = None
) -> dict[str, Any]:
    """What vulnerabilities and reports have in common, added to what is ``shown``."""
    shown["confidence"] = merged.confidence
    labels = [*merged.labels, *_labels(made, _named(merged), merged.malware, sources(merged))]
    if labels:
        shown["labels"] = labels
    shown["object_marking_refs"] = [marking_id(marking_of(merged.audience), dialect)]
    shown["extensions"] = orjson.Fragment(extension(merged, _own(merged), value))
    return shown


def _named(merged: Merged) -> tuple[str, ...]:
    """The labels for those behind it, what it imitates, whom it is aimed at, and techniques."""
    detail = merged.detail
    found = []
    if not NAMED.keys().isdisjoint(detail):
        found = [f"{prefix}{name}" for member, prefix in NAMED.items() for name in detail.get(member, ())]
    for source, _, number in merged.references:
        if source == ATTACK and number:
            found.append(f"{TECHNIQUE}{number}")
    return tuple(found)


def _labels(
    made: tuple[str, ...], names: tuple[str, ...], malware: tuple[str, ...], named: tuple[str, ...]
) -> tuple[str, ...]:
    # SIEM clients drop linked objects, so what those would say is repeated in labels.
    return (
        *(f"{PREFIX}{label}" for label in made),
        *names,
        *(f"{MALWARE}{name}" for name in malware),
        *(f"{PREFIX}source={name}" for name in named),
    )


def sources(merged: Merged) -> tuple[str, ...]:
    """The origins that may be named, in order."""
    if len(merged.claims) == 1:
        origin = merged.claims[0].origin
        return () if ":" in origin else (origin,)
    return tuple(sorted({claim.origin for claim in merged.claims if not claim.withdrawn and ":" not in claim.origin}))


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


def _own(merged: Merged) -> Own:
    """The own properties of an object that has no validity, and references that are not the claims' alone."""
    return Own(merged.audience, None, None, merged.confidence, merged.labels, merged.malware, None)


def _vulnerability(merged: Merged, dialect: Dialect) -> dict[str, Any]:
    detail = merged.detail
    shown: dict[str, Any] = {"name": merged.value}
    texts = [_in(detail, name, language) for language in _LANGUAGES for name in ("title", "description")]
    if any(texts):
        shown["description"] = "\n\n".join(filter(None, texts))
    made: list[Reference] = [("cve", "", merged.value), *(("cwe", "", cwe) for cwe in detail.get("cwe", ()))]
    shown["external_references"] = _references(made, merged)
    said = _cvss(detail)
    if "epss" in detail:
        said.append(f"epss={detail['epss']:g}")
    said += [f"product={product}" for product in detail.get("products", ())]
    if "exploited" in detail:
        said.append(f"exploited-since={stix_time(detail['exploited'])[:10]}")
    if detail.get("ransomware"):
        said.append("ransomware")
    return _common(shown, merged, dialect, tuple(said))


def _report(merged: Merged, dialect: Dialect, publisher: str) -> dict[str, Any]:
    detail = merged.detail
    shown: dict[str, Any] = {"name": _text(detail, "title") or merged.value}
    other = _in(detail, "title", "ja") if _in(detail, "title", "en") else ""
    texts = [_in(detail, "description", "en"), other, _in(detail, "description", "ja")]
    if any(texts):
        shown["description"] = "\n\n".join(filter(None, texts))
    if "en" not in detail.get("title", {}) and "ja" in detail.get("title", {}):
        shown["lang"] = "ja"
    shown["report_types"] = ["vulnerability" if detail.get("cves") else "threat-report"]
    shown["published"] = stix_time(detail.get("published", merged.first_seen))
    # The CVEs stand in the external references. A reference to their vulnerabilities would make this object's content
    # depend on what else is published, and dangle when one of them leaves.
    shown["object_refs"] = [publisher]
    references = _references([("cve", "", cve) for cve in detail.get("cves", ())], merged)
    if references:
        shown["external_references"] = references
    return _common(shown, merged, dialect, (), merged.value)


def _references(made: list[Reference], merged: Merged) -> list[dict[str, str]]:
    """Those made from what is known about the observable, and the claims' own."""
    return [external_reference(one) for one in (*made, *(own for own in merged.references if own not in made))]


def _text(detail: dict[str, Any], name: str) -> str:
    return next(filter(None, (_in(detail, name, language) for language in _LANGUAGES)), "")


def _in(detail: dict[str, Any], name: str, language: str) -> str:
    found: dict[str, str] = detail.get(name, {})
    return found.get(language, "")


def _cvss(detail: dict[str, Any]) -> list[str]:
    """The highest score by each version of CVSS: sources differ, and each one's vector stands in the contributions."""
    highest: dict[str, float] = {}
    for item in detail.get("cvss", ()):
        if item.get("score") is not None:
            version = item.get("version") or "unknown"
            highest[version] = max(item["score"], highest.get(version, 0.0))
    return [f"cvss-{version}={score}" for version, score in sorted(highest.items())]
