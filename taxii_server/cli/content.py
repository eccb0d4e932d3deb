"""``noroshi collections``, ``publish``, ``lookup`` and ``export``: what the hub holds."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import click
import orjson

from config import audience as audiences
from config.audience import INTERNAL, Audience
from config.instant import stix_time, system_clock, taxii_time
from config.settings import ApiRoot, Collection, Settings
from normalizers.around import around
from normalizers.bad_value import BadValue
from normalizers.claims import Claim, aliases, observable_key
from normalizers.envelope import EnvelopeError
from normalizers.meanings import meanings
from normalizers.stix import id_text
from taxii_server.access import Access, Caller
from taxii_server.cli.context import (
    ACTOR,
    FAILED,
    NOT_FOUND,
    Failure,
    as_json,
    configured,
    now,
    opened,
    owner,
    refuse,
)
from taxii_server.cli.tables import moment, show_json, show_rows
from taxii_server.posting import post
from taxii_server.publishing import Publisher
from taxii_server.stores.base import Selection, Store, Submission
from taxii_server.submissions import Submissions
from taxii_server.suppression import Suppression
from taxii_server.turns import NotNow
from taxii_server.views import Sight, plans

_PAGE = 1_000
_OF_CLAIMS = ["origin", "for", "confidence", "last_seen", "ends", "withdrawn", "malware", "labels"]
_OF_NEARBY = ["value", "relation", "origin", "for", "confidence", "last_seen", "ends", "withdrawn"]
_OF_OBJECTS = ["id", "confidence", "ends", "revoked", "kept_out", "collections"]
_OF_LISTS = ["list", "entry", "action", "for"]


@click.command()
@configured
@as_json
def collections(config: Path | None, data: Path | None, json_: bool) -> None:
    """Show every collection: its name, what it holds, its readers."""
    with opened(config, data) as (settings, store):
        counts = store.counts()
        rows = [
            _collection_row(root, item, counts.get(str(item.id), 0), store.last_date(str(item.id)))
            for root in settings.api_roots
            for item in root.collections
        ]
    columns = ["name", "kind", "objects", "last_added", "read", "write"]
    show_rows("Collections", rows, json_=json_, columns=columns)


def _collection_row(root: ApiRoot, item: Collection, count: int, last: int) -> dict[str, Any]:
    return {
        "name": f"{root.path}/{item.alias or item.id}",
        "path": f"/{root.path}/collections/{item.alias or item.id}/",
        "id": str(item.id),
        "title": item.title,
        "kind": item.kind,
        "view": item.view.name if item.view else None,
        "objects": count,
        "last_added": moment(last // 1_000, taxii_time(last)),
        "read": list(item.read),
        "write": list(item.write),
    }


def find(settings: Settings, name: str) -> tuple[ApiRoot, Collection]:
    """The collection that ``name`` (id, title, ``root/alias`` or an alias that only one root uses) means."""
    found = [
        (root, item)
        for root in settings.api_roots
        for item in root.collections
        if name in (str(item.id), item.title, item.alias, f"{root.path}/{item.alias}")
    ]
    if not found:
        raise Failure(f"no collection is called {name!r}; `noroshi collections` lists them", NOT_FOUND)
    if len(found) > 1:
        refuse(f"{name!r} may be {' or '.join(f'{root.path}/{item.alias}' for root, item in found)}; say which")
    return found[0]


@click.command()
@click.argument("value")
@click.option("--for", "reader", default=INTERNAL, help="Only what this audience may be told, such as green.")
@configured
@as_json
def lookup(value: str, reader: str, config: Path | None, data: Path | None, json_: bool) -> None:
    """Show what the hub knows about VALUE.

    That is every claim, whoever may see it, and the objects made of them. VALUE is an address, network, domain,
    URL, hash, e-mail address, AS number, CVE, number of JVN, id of JVN iPedia or wallet, defanged or not. A hash may
    be a file's, a certificate's or a JA3 fingerprint. A file is found by its weaker hashes too, vulnerabilities and
    advisories by a number of JVN. What is known about the networks that hold an address, and about a URL's host,
    stands apart. So do the known-good lists that hold it, by which entry. For the hub's operators.

    Exit code 5 when nothing is known about VALUE itself.
    """
    try:
        read_as = meanings(value)
    except BadValue as error:
        refuse(f"{error}; VALUE is an address, network, domain, URL, hash, e-mail address, AS number, CVE or wallet")
    try:
        audiences.check(reader)
    except ValueError as error:
        refuse(f"--for: {error}")
    with opened(config, data) as (settings, store):
        claimed = store.claims([observable_key(*meaning) for meaning in read_as])
        kind, text = next((one for one in read_as if claimed.get(observable_key(*one))), read_as[0])
        key = observable_key(kind, text)
        known = _known(settings, store, key, reader)
        besides = list(_known_by(settings, store, key, reader)) if kind in ("file", "jvn") else []
        near = _around(store, kind, text, reader)
        listed = Suppression(settings, store).told(kind, text, reader)
    files, numbered = (besides, []) if kind == "file" else ([], besides)
    if json_:
        show_json(
            {
                **known,
                "type": kind,
                "value": text,
                "around": near,
                "known_good": listed,
                **({"files": files} if files else {}),
                **({"numbered": numbered} if numbered else {}),
            }
        )
    else:
        _show(known, kind, text, besides)
        if listed:
            click.echo("\nKnown to be good:")
            show_rows("Lists that hold it", listed, json_=False, columns=_OF_LISTS)
        if near:
            _show_around(near)
    if not known["claims"] and not besides:
        sys.exit(NOT_FOUND)


def _known_by(settings: Settings, store: Store, alias: bytes, reader: Audience) -> Iterator[dict[str, Any]]:
    """What is known about the observables that go by it, as far as ``reader`` is told that they do."""
    for key in store.aliased(alias):
        if any(alias in aliases(claim) for claim in _told(store.claims([key]).get(key, []), reader)):
            yield _known(settings, store, key, reader)


def _known(settings: Settings, store: Store, key: bytes, reader: Audience) -> dict[str, Any]:
    claims = _told(store.claims([key]).get(key, []), reader)
    return {
        "type": claims[0].type if claims else "",
        "value": claims[0].value if claims else "",
        "claims": [_claim_row(claim) for claim in claims],
        "objects": list(_objects(settings, store, key, claims, reader)),
    }


def _told(claims: list[Claim], reader: Audience) -> list[Claim]:
    return [claim for claim in claims if audiences.sees(reader, claim.audience)]


def _show(known: dict[str, Any], kind: str, text: str, besides: list[dict[str, Any]]) -> None:
    if known["claims"]:
        click.echo(f"{kind} {text}")
        show_rows("Claims", known["claims"], json_=False, columns=_OF_CLAIMS, text="labels")
        if known["objects"]:
            show_rows("Published as", known["objects"], json_=False, columns=_OF_OBJECTS, text="collections")
    elif not besides:
        click.echo(f"{kind} {text}: nothing is known")
    for one in besides:
        click.echo(f"{text} is another hash of" if kind == "file" else f"{text} is the number of")
        _show(one, one["type"], one["value"], [])


def _around(store: Store, kind: str, text: str, reader: Audience) -> list[dict[str, Any]]:
    """What is known about the observables in which this one lies."""
    near = {observable_key(item.type, item.value): item for item in around(kind, text)}
    found = {key: told for key, about in store.claims(near).items() if (told := _told(about, reader))} if near else {}
    return [
        {**item._asdict(), "claims": [_claim_row(claim) for claim in found[key]]}
        for key, item in near.items()
        if key in found
    ]


def _show_around(near: list[dict[str, Any]]) -> None:
    click.echo("\nNot about it, but about what it lies in:")
    rows = [{**item, **claim} for item in near for claim in item["claims"]]
    show_rows("Around it", rows, json_=False, columns=_OF_NEARBY)


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


def _objects(
    settings: Settings, store: Store, key: bytes, claims: list[Claim], reader: Audience
) -> Iterator[dict[str, Any]]:
    sight = Sight(settings, store, system_clock)
    titles = {str(item.id): item.title for root in settings.api_roots for item in root.collections}
    for plan in plans(settings):
        if not audiences.sees(reader, plan.view.audience):
            continue
        for outlook in sight.look(plan, [key], {key: claims}):
            state = outlook.known.state
            if state is not None:
                yield {
                    "view": plan.view.name,
                    "id": id_text(*outlook.known.object),
                    "version": state.version,
                    "revoked": state.revoked,
                    "kept_out": {"": None, "drop": "dropped", "hold": "held"}[outlook.word.gate],
                    "ends": moment(outlook.word.ends),
                    "confidence": outlook.word.confidence,
                    "collections": [titles.get(name, name) for name in state.places],
                }


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option("--collection", "name", required=True, help="Its id, title, or ROOT/ALIAS.")
@click.option("--user", required=True, help="On whose behalf; the user's groups decide what may be posted where.")
@configured
@as_json
def publish(file: BinaryIO, name: str, user: str, config: Path | None, data: Path | None, json_: bool) -> None:
    """Post FILE to a collection, as a POST would.

    FILE is a STIX 2.1 bundle or a TAXII envelope, - for standard input. Prints one verdict an object. Submissions
    are worked off by the running hub, or here when none runs.
    """
    with opened(config, data) as (settings, store):
        root, item = find(settings, name)
        try:
            submission = _post(settings, store, root, item, user, file.read())
        except EnvelopeError as error:
            refuse(f"{file.name}: {error}")
    verdicts = submission.verdicts
    if json_:
        show_json({"id": submission.id, "status": submission.state, "verdicts": list(verdicts)})
    else:
        for verdict in verdicts:
            click.echo(f"{verdict['status']:8} {verdict['id']} {verdict['message']}")
    if any(verdict["status"] == "failure" for verdict in verdicts):
        sys.exit(FAILED)


def _post(settings: Settings, store: Store, root: ApiRoot, item: Collection, name: str, body: bytes) -> Submission:
    user = store.user(name)
    if user is None or user.disabled:
        raise Failure(f"there is no user {name!r} who may log in", NOT_FOUND)
    who = Caller(name=user.name, organisation=user.organisation, groups=frozenset(user.groups))
    if not Access(settings).rights(who, item).write:
        raise Failure(f"{name} may not post to {root.path}/{item.alias or item.id}", FAILED)
    submission = post(store, settings, root, item, who, body, system_clock(), ACTOR)
    if submission.state == "pending":
        Submissions(settings, store, system_clock).process()
        publisher = Publisher(settings, store, system_clock, owner())
        with suppress(NotNow):  # then the running hub publishes it
            publisher.publish_all()
    return store.submission(submission.id) or submission


@click.command()
@click.argument("collection")
@click.option("--format", "form", type=click.Choice(["bundle", "jsonl", "values"]), default="bundle", show_default=True)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write there in place of the terminal.")
@configured
def export(collection: str, form: str, output: Path | None, config: Path | None, data: Path | None) -> None:
    """Write all that COLLECTION holds.

    As a STIX bundle, one object a line, or the bare values of its live indicators.
    """
    with opened(config, data) as (settings, store):
        root, item = find(settings, collection)
        if item.kind == "submissions":
            raise Failure(f"{root.path}/{item.alias} has nothing to read", FAILED)
        if output is None:
            _export(store, str(item.id), form, sys.stdout.buffer)
            return
        part = output.with_name(output.name + ".part")
        try:
            with part.open("wb") as stream:
                _export(store, str(item.id), form, stream)
            part.replace(output)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise Failure(f"{output}: {error.strerror}; nothing was written", FAILED) from error


def _export(store: Store, collection: str, form: str, out: BinaryIO) -> None:
    bodies = _bodies(store, collection)
    if form == "jsonl":
        for body in bodies:
            out.write(body + b"\n")
    elif form == "values":
        present = stix_time(now())
        for body in bodies:
            obj = orjson.loads(body)
            if obj["type"] == "indicator" and not obj.get("revoked") and obj.get("valid_until", "9") > present:
                out.write(obj["name"].encode() + b"\n")
    else:
        _export_bundle(bodies, out)


def _export_bundle(bodies: Iterator[bytes], out: BinaryIO) -> None:
    out.write(b'{"type":"bundle","id":"bundle--%s"' % str(uuid.uuid4()).encode())
    before = b',"objects":['
    for body in bodies:
        out.write(before + body)
        before = b","
    out.write(b"]}\n" if before == b"," else b"}\n")


def _bodies(store: Store, collection: str) -> Iterator[bytes]:
    after = 0
    while True:
        page = store.bodies(collection, Selection(limit=_PAGE, after=after))
        yield from page.bodies
        if not page.more:
            return
        after = page.last
