"""``noroshi collections``, ``publish`` and ``export``: what collections hold, and what goes into them."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import click

from config.instant import system_clock, taxii_time
from config.roots import ApiRoot, Collection
from config.settings import Settings
from normalizers.envelope import EnvelopeError
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
from taxii_server.exports.choosing import BadQuery, wanted
from taxii_server.exports.forms import FORMS
from taxii_server.exports.making import Exported
from taxii_server.posting import post
from taxii_server.publishing import Publisher
from taxii_server.stores.base import Store, Submission
from taxii_server.submissions import Submissions
from taxii_server.turns import NotNow


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
@click.option("--format", "form", type=click.Choice(list(FORMS)), default="json", show_default=True)
@click.option("--type", "types", help="Indicators of these types alone, with commas between.")
@click.option("--confidence", help="Indicators of at least this confidence.")
@click.option("--limit", help="At most so many, the surest.")
@click.option("--preset", help="What a device takes: its types, and how many of them.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write there in place of the terminal.")
@configured
def export(
    collection: str,
    form: str,
    types: str | None,
    confidence: str | None,
    limit: str | None,
    preset: str | None,
    output: Path | None,
    config: Path | None,
    data: Path | None,
) -> None:
    """Write what COLLECTION holds.

    As a STIX bundle (json) or one object a line (jsonl), whole where nothing is left out; or its live indicators: bare
    values (txt), CSV, rules for Suricata (rules), a zone for DNS servers (rpz), or for Zeek (intel).
    """
    given = {"type": types, "confidence": confidence, "limit": limit, "preset": preset}
    try:
        asked = wanted((name, value) for name, value in given.items() if value is not None)
    except BadQuery as error:
        refuse(f"--{error}")
    with opened(config, data) as (settings, store):
        root, item = find(settings, collection)
        if item.kind == "submissions":
            raise Failure(f"{root.path}/{item.alias} has nothing to read", FAILED)
        made = Exported(store, settings.hub.title, item, form, asked, now())
        if output is None:
            sys.stdout.buffer.writelines(made.content())
            return
        part = output.with_name(output.name + ".part")
        try:
            with part.open("wb") as stream:
                stream.writelines(made.content())
            part.replace(output)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise Failure(f"{output}: {error.strerror}; nothing was written", FAILED) from error
