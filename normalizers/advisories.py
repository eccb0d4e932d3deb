"""What an advisory says, whatever form it came in: of itself, and of the vulnerabilities that it names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from config.instant import Millis
from normalizers.bad_value import BadValue
from normalizers.claims import Claim, Reference, detail_text
from normalizers.jsons import text_at
from normalizers.labels import MOST, label_of
from normalizers.names import imitated_in, techniques_in
from normalizers.records import Record, Whole
from normalizers.references import is_cwe, reference
from normalizers.sources import Source
from normalizers.values import canonical

_LONGEST_TEXT = 4_000
#: Languages that are kept of a text.
_LANGUAGES = ("en", "ja")


class Advisory(NamedTuple):
    """One advisory; a text is "" where it has none."""

    #: what it is known again by: its id or its page
    known: str
    #: its publisher's own id, and where it can be read
    number: str
    page: str
    #: by language
    title: Mapping[str, str]
    description: Mapping[str, str]
    issued: Millis | None
    modified: Millis | None
    #: CVE id -> what it says of that vulnerability: members of a claim's detail
    vulnerabilities: Mapping[str, Mapping[str, Any]]
    #: numbers of JVN that it goes by
    jvns: Sequence[str] = ()
    labels: Sequence[str] = ()
    #: what it points to besides itself
    references: Sequence[Reference | None] = ()


def told(advisory: Advisory, source: Source) -> list[Claim]:
    """A claim for each vulnerability that it names, in order, and then the one about itself. Raises
    :class:`BadValue`."""
    if not advisory.known:
        raise BadValue("no-value", "expected an advisory with a link or an identifier, got neither")
    kind, value = canonical("advisory", advisory.known)
    number = advisory.number if advisory.number != advisory.page else ""
    modified = advisory.modified or advisory.issued
    seen: dict[str, Any] = {
        "first_seen": advisory.issued,
        "last_seen": modified,
        "changed": modified,
        "references": [reference(source.feed.title, advisory.page, number), *advisory.references],
    }
    jvns = sorted(advisory.jvns)
    cves = sorted(advisory.vulnerabilities)
    claims = []
    for cve in cves:
        # One number of JVN's may stand for many vulnerabilities, each of which is joined with its advisories by it.
        detail = {"threat": "vulnerability", "jvn": jvns, **advisory.vulnerabilities[cve]}
        claims.append(source.claim("cve", cve, detail=detail_text(detail), **seen))
    said = {
        "threat": "advisory",
        "title": spoken(advisory.title),
        "description": spoken(advisory.description),
        "published": advisory.issued,
        "publisher": source.feed.publisher.name if source.feed.named else None,
        "cves": cves,
        "jvn": jvns,
    }
    for text in (*advisory.title.values(), *advisory.description.values()):
        seen["references"] += techniques_in(text)
    words = source.understood(advisory.labels, brands=imitated_in(advisory.title.get("ja", "")))
    return [*claims, source.claim(kind, value, said=words, detail=detail_text(said), **seen)]


def as_records(advisory: Advisory, source: Source) -> Iterator[Whole | Record]:
    """What an advisory says, each known again by its id and what it is about, and before it that this is all of it: so
    a later version replaces it, and takes back what is said of a vulnerability that it names no more. Raises
    :class:`BadValue`."""
    claims = told(advisory, source)
    names = [f"{advisory.known} {claim.value}" if claim.type == "cve" else advisory.known for claim in claims]
    edition = hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]
    yield Whole(advisory.known, tuple(names), edition, claims[-1].version)
    undated = advisory.modified is None and advisory.issued is None
    for name, claim in zip(names, claims, strict=True):
        yield Record(name, claim, undated)


def spoken(texts: Mapping[str, str]) -> dict[str, str]:
    """Texts by language as a claim's detail has them: the languages that are kept, cut where they are too long."""
    return {language: texts[language][:_LONGEST_TEXT] for language in _LANGUAGES if texts.get(language)}


def language(tag: str, otherwise: str = "en") -> str:
    """The language of a tag such as ``ja-JP`` (RFC 5646)."""
    return tag.strip().lower().partition("-")[0] or otherwise


def score(version: str, base: Any, vector: str) -> dict[str, Any] | None:
    """A CVSS score as a claim's detail has it; None where ``base`` is no number from 0 to 10."""
    try:
        value = float(base)
    except (TypeError, ValueError):
        return None
    if not 0 <= value <= 10:
        return None
    return {"version": label_of(version), "score": value, "vector": label_of(vector)}


def scores(found: Iterable[dict[str, Any] | None]) -> list[dict[str, Any]]:
    """Scores in order of version, each once."""
    kept = {(one["version"], one["score"], one["vector"]): one for one in found if one is not None}
    return [kept[key] for key in sorted(kept)]


def cvss_of(contents: Iterable[Any]) -> list[dict[str, Any]]:
    """The scores among objects in the JSON form of CVSS (``version``, ``baseScore``, ``vectorString``)."""
    objects = [one for one in contents if isinstance(one, dict)]
    return scores(score(text_at(one, "version"), one.get("baseScore"), text_at(one, "vectorString")) for one in objects)


def cwes(found: Iterable[Any]) -> list[str]:
    """The ids of weaknesses among these, each once, in order; what stands for "unknown" is none."""
    return sorted({one for one in found if isinstance(one, str) and is_cwe(one)})


def product(vendor: str, name: str) -> str:
    """A product under its vendor's name, which is not repeated where the product bears it."""
    maker, made = label_of(vendor), label_of(name)
    return made if made.lower().startswith(maker.lower()) else f"{maker} {made}".strip()


def products(found: Iterable[str]) -> list[str]:
    """Products of one row, each once, the first so many in order."""
    return sorted({label_of(one) for one in found} - {""})[:MOST]
