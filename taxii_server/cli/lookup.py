"""``noroshi lookup``: what the hub knows about one value, or under one name."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from config import audience as audiences
from config.audience import INTERNAL, Audience
from config.observables import PASSED
from config.settings import Settings
from normalizers.around import around
from normalizers.bad_value import BadValue
from normalizers.claims import Claim, aliases, observable_key
from normalizers.meanings import meanings
from normalizers.rulings import is_ruling
from taxii_server.cli.context import NOT_FOUND, WORDS, as_json, configured, now, opened, refuse
from taxii_server.cli.lookup_names import found_by_name, is_name, show_name
from taxii_server.cli.lookup_objects import objects_of
from taxii_server.cli.lookup_summary import show_summary, summary_of
from taxii_server.cli.rulings import RULED, ruling_row
from taxii_server.cli.tables import moment, show_json, show_rows
from taxii_server.naming import urls_at
from taxii_server.stores.base import Store
from taxii_server.suppression import Suppression

_OF_CLAIMS = ["origin", "for", "confidence", "last_seen", "ends", "withdrawn", "malware", "labels"]
_OF_NEARBY = ["value", "relation", "origin", "for", "confidence", "last_seen", "ends", "withdrawn"]
_OF_URLS = ["value", "origin", "for", "confidence", "last_seen", "ends", "withdrawn"]
_OF_OBJECTS = ["id", "confidence", "ends", "revoked", "kept_out", "collections"]
_OF_LISTS = ["list", "entry", "action", "for", "decided", "why"]
#: Rows of a table, and things that go by one value, that are shown before "n more".
_MANY, _FEW = 10, 5
#: Marks of a value: what has none of them may have been meant for a name.
_MARKS = frozenset(".:/@[]．。：／＠")
#: type of a value that others go by -> where those stand in JSON, and what the value is to them
_BESIDES = {
    "file": ("files", "is another hash of"),
    "jvn": ("numbered", "is the number of"),
    PASSED: ("referring", "is referred to by"),
}


@click.command()
@click.argument("value", type=WORDS)
@click.option("--for", "reader", default=INTERNAL, help="Only what this audience may be told, such as green.")
@click.option("--name", "by_name", is_flag=True, help="VALUE is a name, whatever else it could be.")
@click.option("--urls", "with_urls", is_flag=True, help="Show the URLs at a host too. Goes over all that is known.")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="Values or URLs, at most.")
@click.option("--all", "whole", is_flag=True, help="Show tables and texts whole.")
@configured
@as_json
def lookup(
    value: str,
    reader: str,
    by_name: bool,
    with_urls: bool,
    limit: int,
    whole: bool,
    config: Path | None,
    data: Path | None,
    json_: bool,
) -> None:
    """Show what the hub knows about VALUE.

    That is every claim, whoever may see it, and the objects made of them. VALUE is an address, network, domain,
    URL, hash, e-mail address, AS number, CVE, number of JVN, id of JVN iPedia or wallet, defanged or not, or the id
    of a STIX object that is passed on. A hash may be a file's, a certificate's or a JA3 fingerprint. A file is found by
    its weaker hashes too, vulnerabilities and advisories by a number of JVN. What is known about the networks that hold
    an address, and about a URL's host, stands apart. So do the known-good lists that hold it, by which entry. For the
    hub's operators.

    Or VALUE is a name, in Japanese or English and any of its spellings: of malware, an actor, a tool, an imitated
    brand, a technique of ATT&CK (T1566), or a word that sources use, such as a campaign's. Then it shows the values
    that bear it, the latest first; that goes over all that is known.

    Exit code 5 when nothing is known about VALUE itself.
    """
    read_as, problem = _read(value) if not by_name else ([], "")
    try:
        audiences.check(reader)
    except ValueError as error:
        refuse(f"--for: {error}")
    with opened(config, data) as (settings, store):
        found = _found(settings, store, read_as, reader) if read_as else None
        if found is not None and not (is_name(value) and _is_unknown(found)):
            if with_urls:
                found["urls"] = _urls(store, found, reader, limit)
        else:
            found = found_by_name(store, value, reader, now=now(), limit=limit)
            if problem and not found["total"] and not found["means"] and _MARKS & set(value):
                refuse(problem)
    if json_:
        show_json(found)
    elif "name" in found:
        show_name(found, limit=limit)
    else:
        _show_all(found, whole=whole, limit=limit)
    if _is_unknown(found):
        sys.exit(NOT_FOUND)


def _read(value: str) -> tuple[Sequence[tuple[str, str]], str]:
    """What a text may mean as a value; what is wrong with it if it can be none."""
    try:
        return meanings(value), ""
    except BadValue as error:
        return [], (
            f"{error}; VALUE is an address, network, domain, URL, hash, e-mail address, AS number, CVE, "
            "number of JVN, id of JVN iPedia or wallet, the id of a STIX object, or a name that something bears"
        )


def _is_unknown(found: dict[str, Any]) -> bool:
    if "name" in found:
        return not found["total"]
    return not (found["claims"] or "rulings" in found or _besides(found))


def _urls(store: Store, found: dict[str, Any], reader: Audience, limit: int) -> dict[str, Any]:
    """The URLs at a host, the latest first."""
    known = urls_at(store, found["type"], found["value"], reader)
    latest = sorted(known, key=lambda url: (-max(claim.last_seen for claim in known[url]), url))
    rows = [{"value": url, "claims": [_claim_row(claim) for claim in known[url]]} for url in latest[:limit]]
    return {"total": len(known), "values": rows}


def _found(settings: Settings, store: Store, read_as: Sequence[tuple[str, str]], reader: Audience) -> dict[str, Any]:
    """What ``reader`` may be told of the first meaning that anything is known about, else of the first."""
    claimed = store.claims([observable_key(*meaning) for meaning in read_as])
    kind, text = next((one for one in read_as if claimed.get(observable_key(*one))), read_as[0])
    key = observable_key(kind, text)
    besides = list(_known_by(settings, store, key, reader)) if kind in _BESIDES else []
    return {
        **_known(settings, store, key, reader),
        "type": kind,
        "value": text,
        "around": _around(store, kind, text, reader),
        "known_good": Suppression(settings, store).told(kind, text, reader),
        **({_BESIDES[kind][0]: besides} if besides else {}),
    }


def _besides(found: dict[str, Any]) -> list[dict[str, Any]]:
    """What is known about the observables that go by the value, beside what is known about itself."""
    member, _ = _BESIDES.get(found["type"], ("", ""))
    besides: list[dict[str, Any]] = found.get(member, [])
    return besides


def _known_by(settings: Settings, store: Store, alias: bytes, reader: Audience) -> Iterator[dict[str, Any]]:
    """What is known about the observables that go by it, as far as ``reader`` is told that they do."""
    for key in store.aliased(alias):
        if any(alias in aliases(claim) for claim in _told(store.claims([key]).get(key, []), reader)):
            yield _known(settings, store, key, reader)


def _known(settings: Settings, store: Store, key: bytes, reader: Audience) -> dict[str, Any]:
    claims = _told(store.claims([key]).get(key, []), reader)
    opinions = sorted((claim for claim in claims if not is_ruling(claim)), key=_latest_first)
    ruled = sorted((claim for claim in claims if is_ruling(claim)), key=_latest_first)
    return {
        "type": claims[0].type if claims else "",
        "value": claims[0].value if claims else "",
        "claims": [_claim_row(claim) for claim in opinions],
        **({"rulings": [ruling_row(claim) for claim in ruled]} if ruled else {}),
        "objects": list(objects_of(settings, store, key, claims, reader)),
        **({"summary": summary} if (summary := summary_of(store, claims, reader)) else {}),
    }


def _latest_first(claim: Claim) -> tuple[bool, int, str, str]:
    return claim.withdrawn > 0, -claim.last_seen, claim.origin, claim.audience


def _told(claims: list[Claim], reader: Audience) -> list[Claim]:
    return [claim for claim in claims if audiences.sees(reader, claim.audience)]


def _show_all(found: dict[str, Any], *, whole: bool, limit: int) -> None:
    besides = _besides(found)
    if found["claims"] or "rulings" in found:
        _show(found, whole=whole)
    elif not besides:
        click.echo(f"{found['type']} {found['value']}: nothing is known")
    shown = besides if whole else besides[:_FEW]
    for one in shown:
        click.echo(f"{found['value']} {_BESIDES[found['type']][1]}")
        _show(one, whole=whole)
    if len(besides) > len(shown):
        click.echo(f"{len(besides) - len(shown)} more go by {found['value']}, --all")
    if found["known_good"]:
        click.echo("\nKnown to be good:")
        show_rows("Lists that hold it", found["known_good"], json_=False, columns=_OF_LISTS, text="why")
    if found["around"]:
        _show_around(found["around"], whole=whole)
    if "urls" in found:
        _show_urls(found["urls"], limit)


def _show(known: dict[str, Any], *, whole: bool) -> None:
    click.echo(f"{known['type']} {known['value']}")
    if "summary" in known:
        show_summary(known["summary"], whole=whole)
    _show_rows("Claims", known["claims"], _OF_CLAIMS, whole=whole)
    if "rulings" in known:
        show_rows("Ruled", known["rulings"], json_=False, columns=RULED, text="why")
    if known["objects"]:
        columns = [*_OF_OBJECTS, "waits_for"] if known["type"] == PASSED else _OF_OBJECTS
        show_rows("Published as", known["objects"], json_=False, columns=columns, text="collections")


def _show_rows(title: str, rows: list[dict[str, Any]], columns: list[str], *, whole: bool) -> None:
    shown = rows if whole else rows[:_MANY]
    show_rows(title, shown, json_=False, columns=columns, text="labels" if "labels" in columns else None)
    if len(rows) > len(shown):
        click.echo(f"{len(rows) - len(shown)} more, --all")


def _show_urls(urls: dict[str, Any], limit: int) -> None:
    if not urls["total"]:
        click.echo("\nNo URLs at it are known")
        return
    click.echo(f"\nNot about it, but about {urls['total']} {'URL' if urls['total'] == 1 else 'URLs'} at it:")
    rows = [{**one, **claim} for one in urls["values"] for claim in one["claims"]]
    show_rows("URLs at it, the latest first", rows, json_=False, columns=_OF_URLS)
    if urls["total"] > len(urls["values"]):
        click.echo(f"{urls['total'] - len(urls['values'])} more; --limit shows more than {limit}")


def _around(store: Store, kind: str, text: str, reader: Audience) -> list[dict[str, Any]]:
    """What is known about the observables in which this one lies."""
    near = {observable_key(item.type, item.value): item for item in around(kind, text)}
    found = {key: told for key, about in store.claims(near).items() if (told := _told(about, reader))} if near else {}
    return [
        {**item._asdict(), "claims": [_claim_row(claim) for claim in found[key]]}
        for key, item in near.items()
        if key in found
    ]


def _show_around(near: list[dict[str, Any]], *, whole: bool) -> None:
    click.echo("\nNot about it, but about what it lies in:")
    rows = [{**item, **claim} for item in near for claim in item["claims"]]
    _show_rows("Around it", rows, _OF_NEARBY, whole=whole)


def _claim_row(claim: Claim) -> dict[str, Any]:
    return {
        "origin": claim.origin,
        "for": claim.audience,
        "confidence": claim.confidence,
        "first_seen": moment(claim.first_seen),
        "last_seen": moment(claim.last_seen),
        "ends": moment(claim.ends),
        "withdrawn": moment(claim.withdrawn),
        "malware": list(claim.malware),
        "labels": list(claim.labels),
    }
