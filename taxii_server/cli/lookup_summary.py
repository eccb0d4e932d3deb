"""What ``noroshi lookup`` says first of a vulnerability or an advisory: in a few lines, out of all that sources say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import click

from config import audience as audiences
from config.audience import Audience
from normalizers.claims import BY_NUMBER, Claim, observable_key
from normalizers.joining import joined
from normalizers.merge import Merged, View, merge
from taxii_server.cli.tables import moment, plain
from taxii_server.joins import Joined, Joins
from taxii_server.stores.base import Store

#: Members of a list that are told before "n more".
_FEW = 5
_LONGEST = 300


def summary_of(store: Store, claims: list[Claim], reader: Audience) -> dict[str, Any] | None:
    """What a vulnerability or an advisory is, out of the claims that ``reader`` may be told; None of anything else."""
    if not claims or claims[0].type not in BY_NUMBER:
        return None
    key = observable_key(claims[0].type, claims[0].value)
    near = Joins(store).of([key], {key: claims}, lambda claim: audiences.sees(reader, claim.audience)).get(key, [])
    beside = [claim for one in near for claim in one.claims]
    word = merge(joined(claims, beside), View("", reader, own=False, dialect="tlp2"))
    if word is None:  # it is only scored
        return None
    detail = word.detail
    return {
        "title": detail.get("title", {}),
        "description": detail.get("description", {}),
        "withdrawn": not word.standing,
        "publisher": detail.get("publisher"),
        "published": moment(detail.get("published", 0)),
        "cvss": sorted(detail.get("cvss", []), key=lambda one: (-one["score"], one["version"])),
        "exploited": moment(detail.get("exploited", 0)),
        "ransomware": bool(detail.get("ransomware")),
        "epss": detail.get("epss"),
        "cwe": detail.get("cwe", []),
        "products": detail.get("products", []),
        "jvn": detail.get("jvn", []),
        "cves": detail.get("cves", []),
        "advisories": list(_advisories(store, word, near, reader)) if word.type == "cve" else [],
        "sources": sorted({claim.origin for claim in word.claims if not claim.withdrawn}),
    }


def _advisories(store: Store, word: Merged, near: Iterable[Joined], reader: Audience) -> Iterator[dict[str, Any]]:
    """The advisories that name a vulnerability, or that it is joined with, as far as they are known themselves."""
    named = {text for _, url, id_ in word.references for text in (url, id_) if text}
    about = store.claims([observable_key("advisory", text) for text in named])
    told = [[one for one in claims if audiences.sees(reader, one.audience)] for claims in about.values()]
    told += [one.claims for one in near]
    found = {claims[0].value: claims for claims in told if claims}
    view = View("", reader, own=False, dialect="tlp2")
    for value, claims in sorted(found.items()):
        advisory = merge(claims, view)
        if advisory is not None and advisory.standing:
            said = advisory.detail
            published = moment(said.get("published", 0))
            title = said.get("title", {})
            yield {"advisory": value, "publisher": said.get("publisher"), "published": published, "title": title}


def show_summary(summary: dict[str, Any], *, whole: bool) -> None:
    """Print it for a person: a line for each thing that is known."""
    for line in _lines(summary, None if whole else _FEW):
        click.echo(f"  {plain(line)}")


def _lines(summary: dict[str, Any], few: int | None) -> Iterator[str]:
    if summary["withdrawn"]:
        yield "withdrawn by all that named it"
    yield from _texts(summary["title"].values(), few)
    yield from _texts(summary["description"].values(), few)
    if summary["publisher"]:
        yield f"published by {summary['publisher']}, {(summary['published'] or '')[:10]}"
    if summary["cvss"]:
        yield "CVSS " + ", ".join(f"{one['score']} (version {one['version']})" for one in summary["cvss"])
    if summary["exploited"]:
        used = "; ransomware uses it" if summary["ransomware"] else ""
        yield f"exploited since {summary['exploited'][:10]}{used}"
    if summary["epss"] is not None:
        yield f"EPSS {summary['epss']} or more"
    for name, shown in _LISTED.items():
        if summary[name]:
            yield f"{shown} {_first(list(map(str, summary[name])), few)}"
    if summary["advisories"]:
        yield f"advisories: {_first([_advisory(one) for one in summary['advisories']], few)}"
    yield f"said by {_first(summary['sources'], few)}"


_LISTED = {"cwe": "weakness", "products": "in", "jvn": "goes by", "cves": "about"}


def _advisory(one: dict[str, Any]) -> str:
    said = ", ".join(filter(None, (one["publisher"], (one["published"] or "")[:10])))
    return f"{one['advisory']} ({said})" if said else str(one["advisory"])


def _texts(texts: Iterable[str], few: int | None) -> Iterator[str]:
    for text in texts:
        yield text if few is None or len(text) <= _LONGEST else f"{text[:_LONGEST]}… --all"


def _first(words: list[str], few: int | None) -> str:
    shown = ", ".join(words[:few])
    more = len(words) - len(words[:few])
    return f"{shown}, and {more} more, --all" if more else shown
