"""Vulnerabilities and reports: what STIX 2.1 objects say of a CVE and of an advisory."""

from __future__ import annotations

from typing import Any

import orjson

from config.audience import marking_of
from config.instant import stix_time
from normalizers.claims import Reference
from normalizers.contributions import Own, extension, external_reference
from normalizers.markings import Dialect, marking_id
from normalizers.merge import Merged
from normalizers.object_labels import labels, named, sources

#: Languages of texts, in the order in which they are shown.
_LANGUAGES = ("en", "ja")


def vulnerability(merged: Merged, dialect: Dialect) -> dict[str, Any]:
    """The content of the object of a CVE."""
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


def report(merged: Merged, dialect: Dialect, publisher: str) -> dict[str, Any]:
    """The content of the object of an advisory, which refers to its ``publisher``'s identity."""
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


def _common(
    shown: dict[str, Any], merged: Merged, dialect: Dialect, made: tuple[str, ...], value: str | None = None
) -> dict[str, Any]:
    """What vulnerabilities and reports have in common, added to what is ``shown``."""
    shown["confidence"] = merged.confidence
    said = [*merged.labels, *labels(made, named(merged), merged.malware, sources(merged))]
    if said:
        shown["labels"] = said
    shown["object_marking_refs"] = [marking_id(marking_of(merged.audience), dialect)]
    shown["extensions"] = orjson.Fragment(extension(merged, _own(merged), value))
    return shown


def _own(merged: Merged) -> Own:
    """The own properties of an object that has no validity, and references that are not the claims' alone."""
    return Own(merged.audience, None, None, merged.confidence, merged.labels, merged.malware, None)


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
