"""``noroshi feeds check`` and ``new``: a feed's file tried, and a first one made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from config.feeds import Feed
from config.loading import load_feed
from config.newfeed import feed_file
from config.problems import told
from config.transports import FileTransport
from config.yamlfile import read_yaml
from normalizers.claims import Claim
from normalizers.reading import UnusableFormat, reading
from taxii_server.cli.context import CONFIGURATION, FAILED, USAGE, Failure, as_json
from taxii_server.cli.newsources import fetched, find, is_url
from taxii_server.cli.tables import moment, plain, show_json
from taxii_server.trial import Trial, trial

_EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("check")
@click.argument("file", type=_EXISTING)
@click.option("--sample", type=_EXISTING, help="Read this document too.")
@click.option("--fetch", is_flag=True, help="Fetch what the publisher has now, and read that.")
@as_json
def check(file: Path, sample: Path | None, fetch: bool, json_: bool) -> None:
    """Check a feed FILE, and try it on a document.

    With --sample or --fetch: how many claims, how the first would look, what is refused and why, and which columns are
    not read. Nothing is stored.
    """
    if fetch and sample is not None:
        raise Failure("--fetch: give it or --sample, not both", USAGE)
    feed = load_feed(file)
    _check_format(feed, file)
    tried = feed if sample is None else feed.model_copy(update={"transport": _file(sample), "key": None})
    made = _try(tried, sample or file) if fetch or sample is not None else None
    if json_:
        show_json(_terms(feed) | (_shown(made) if made is not None else {}))
    else:
        _tell(feed, made)
    if made is not None and made.held:
        raise Failure(f"a run would be held: {made.held}", FAILED)


def _check_format(feed: Feed, file: Path) -> None:
    try:
        reading(feed)
    except UnusableFormat as error:
        raise Failure(told(read_yaml(file), error.problems), CONFIGURATION) from error


def _file(path: Path) -> FileTransport:
    return FileTransport(kind="file", path=str(path.resolve()))


def _try(feed: Feed, place: Path) -> Trial:
    with fetched(feed, str(place)) as documents:
        return trial(feed, documents)


def _terms(feed: Feed) -> dict[str, Any]:
    return {
        "feed": feed.id,
        "kind": feed.kind,
        "marking": feed.marking,
        "share": feed.share,
        "audience": feed.audience,
        "credit": feed.credit,
    }


def _shown(made: Trial) -> dict[str, Any]:
    columns = made.columns
    return {
        "rows": made.rows.total(),
        "claims": made.claims,
        "refused": dict(made.refused),
        "examples": made.examples,
        "held": made.held,
        "unread": columns.unread if columns else None,
        "empty": [name for name, share in columns.shares.items() if not share] if columns else None,
        "first": [_claim(claim) for claim in made.first],
    }


def _claim(claim: Claim) -> dict[str, Any]:
    return {
        "type": claim.type,
        "value": claim.value,
        "for": claim.audience,
        "confidence": claim.confidence,
        "first_seen": moment(claim.first_seen),
        "last_seen": moment(claim.last_seen),
        "ends": moment(claim.ends),
        "malware": list(claim.malware),
        "labels": list(claim.labels),
        "detail": json.loads(claim.detail) if claim.detail else {},
        "references": [list(filter(None, reference)) for reference in claim.references],
    }


def _tell(feed: Feed, made: Trial | None) -> None:
    click.echo(f"{feed.id}: sound; what it says is for {feed.audience} ({feed.marking}, share: {feed.share})")
    if made is None:
        return
    shown = _shown(made)
    click.echo(f"rows {shown['rows']}, claims {shown['claims']}, refused {made.refused.total()}")
    for reason, count in sorted(made.refused.items()):
        click.echo(f"  {count} {reason}")
    for line, message in made.examples:
        click.echo(f"  line {line}: {plain(message)}")
    for name, said in (("unread", "columns that are not read"), ("empty", "columns that are read and have nothing")):
        if shown[name]:
            click.echo(f"{said}: {plain(shown[name])}")
    for claim in shown["first"]:
        click.echo(f"{claim['type']} {plain(claim['value'])}")
        own = {name: claim[name] for name in ("confidence", "first_seen", "last_seen", "ends", "malware", "labels")}
        for name, told_so in (own | _legible(claim["detail"])).items():
            if told_so not in ([], None) and not isinstance(told_so, dict):
                click.echo(f"  {name.replace('_', ' ')}: {plain(told_so)}")


def _legible(detail: dict[str, Any]) -> dict[str, Any]:
    """A claim's detail for people: each hash under its own name, moments as dates."""
    told_so = {name: value for name, value in detail.items() if name != "hashes"}
    if isinstance(detail.get("published"), int):
        told_so["published"] = moment(detail["published"])
    return {**told_so, **detail.get("hashes", {})}


@click.command("new")
@click.argument("source")
@click.option("--id", "feed_id", help="The feed's id; by default made of where it is.")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file to write. It must not be there."
)
@click.option("--collection", help="Of a TAXII server with several: id or title of the one that is meant.")
def new(source: str, feed_id: str | None, output: Path | None, collection: str | None) -> None:
    """Guess how SOURCE can be read, and write a first feed file.

    SOURCE is a file, or a URL: of a document, of a MISP feed's manifest, of a TAXII 2.1 server or of a repository at
    GitHub. What stands in the file is for you to correct; who may see what it says is never guessed, so it is for
    operators alone.
    """
    found = find(source, collection)
    draft = found.draft
    text = feed_file(
        found.place,
        draft.format,
        rows=draft.rows,
        tried=draft.tried,
        good=draft.claims,
        feed_id=feed_id,
        about=found.about,
        transport=found.transport,
    )
    if output is None:
        click.echo(text, nl=False)
        return
    with output.open("x", encoding="utf-8") as stream:
        stream.write(text)
    kind, trying = draft.format["kind"], "--fetch" if is_url(source) else f"--sample {source}"
    click.echo(f"{output}: {kind}; correct it, and try it with `noroshi feeds check {output} {trying}`")
