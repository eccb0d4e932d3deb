"""``noroshi feeds``."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import click

from collectors import CollectError, collect
from config.audience import Audience
from config.feeds import Feed, FileTransport
from config.instant import system_clock
from config.loading import load_feed
from config.problems import told
from config.yamlfile import read_yaml
from normalizers.reading import UnusableFormat, check, read, reading
from normalizers.records import Refusal, UnreadableDocument
from taxii_server.cli.context import CONFIGURATION, FAILED, Failure, as_json, configured, now, opened
from taxii_server.cli.tables import moment, show_json, show_rows
from taxii_server.holds import Holds
from taxii_server.rhythm import silence
from taxii_server.stores.base import FeedState


@click.group()
def feeds() -> None:
    """What is collected, and how that goes."""


@feeds.command("list")
@configured
@as_json
def list_(config: Path | None, data: Path | None, json_: bool) -> None:
    """Show every feed and how its last run went."""
    with opened(config, data) as (settings, store):
        states = [(feed, store.feed_state(feed.id) or FeedState(feed=feed.id)) for feed in settings.feeds]
    columns = ["id", "state", "last_run", "next_run", "claims", "refused", "message"]
    rows = [_row(feed, state) for feed, state in states]
    if not json_:
        rows = [{**row, **{name: row["counts"].get(name) for name in ("claims", "refused")}} for row in rows]
    show_rows("Feeds", rows, json_=json_, columns=columns, text="message")


def _row(feed: Feed, state: FeedState) -> dict[str, Any]:
    quiet = silence(feed, state, now()) if feed.enabled else ""
    return {
        "id": feed.id,
        "title": feed.title,
        "enabled": feed.enabled,
        "share": feed.share,
        "marking": feed.marking,
        "audience": feed.audience,
        "state": state.status if feed.enabled else "off",
        "message": "; ".join(filter(None, [state.message, quiet])),
        "last_run": moment(state.last_run),
        "last_success": moment(state.last_success),
        "last_news": moment(state.changed),
        "next_run": moment(state.due),
        "failures": state.failures,
        "counts": state.counts,
        "refused": state.refused,
        "examples": [{"line": line, "reason": reason} for line, reason in state.examples],
    }


@feeds.command("check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--sample", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Read this document too.")
@as_json
def check_(file: Path, sample: Path | None, json_: bool) -> None:
    """Check a feed FILE, and try it on a document.

    With --sample: how many claims, and what is refused and why. Nothing is stored and nothing is fetched.
    """
    feed = load_feed(file)
    _check_format(feed, file)
    result: dict[str, Any] = {"feed": feed.id, "audience": feed.audience}
    if sample is not None:
        result |= _try(feed, sample)
    if json_:
        show_json(result)
        return
    click.echo(f"{feed.id}: sound; what it says is for {feed.audience}")
    if sample is not None:
        click.echo(f"rows {result['rows']}, claims {result['claims']}, refused {sum(result['refused'].values())}")
        for reason, count in sorted(result["refused"].items()):
            click.echo(f"  {count} {reason}")
        for line, message in result["examples"]:
            click.echo(f"  line {line}: {message}")
    if result.get("held"):
        raise Failure(f"a run would be held: {result['held']}", FAILED)


def _check_format(feed: Feed, file: Path) -> None:
    try:
        reading(feed)
    except UnusableFormat as error:
        raise Failure(told(read_yaml(file), error.problems), CONFIGURATION) from error


def _try(feed: Feed, sample: Path) -> dict[str, Any]:
    tried = feed.model_copy(update={"transport": FileTransport(kind="file", path=str(sample.resolve())), "key": None})
    refused: Counter[str] = Counter()
    refused_by: Counter[Audience] = Counter()
    rows: Counter[Audience] = Counter()
    examples: list[tuple[int, str]] = []
    claims = 0
    try:
        found = collect(tried, {}, clock=system_clock, data=Path.cwd(), environment=os.environ, contact="")
        for document in found.documents:
            rows.update(check(document, tried))
            for item in read(document, tried):
                if isinstance(item, Refusal):
                    refused[item.reason] += 1
                    refused_by[item.audience or tried.audience] += 1
                    examples.append((item.line, item.message))
                else:
                    claims += 1
            document.close()
    except (CollectError, UnreadableDocument) as error:
        raise Failure(f"{sample}: {error}", FAILED) from error
    holds = Holds(tried, rows, FeedState(feed=feed.id), partial=False, confirmed=False)
    for reader in rows:
        holds.taste(reader, rows, refused_by)
    return {
        "rows": rows.total(),
        "claims": claims,
        "refused": dict(refused),
        "examples": examples[:20],
        "held": holds.message,
    }
