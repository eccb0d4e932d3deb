"""``noroshi feeds``: how the hub's feeds go, and files of new ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from config.feeds import Feed
from taxii_server.cli import feedfiles
from taxii_server.cli.context import as_json, configured, now, opened
from taxii_server.cli.tables import moment, show_rows
from taxii_server.rhythm import silence
from taxii_server.stores.base import FeedState
from taxii_server.suppression import Suppression


@click.group()
def feeds() -> None:
    """What is collected, and how that goes."""


@feeds.command("list")
@configured
@as_json
def list_(config: Path | None, data: Path | None, json_: bool) -> None:
    """Show every feed and how its last run went, and known-good lists that are set aside."""
    with opened(config, data) as (settings, store):
        states = [(feed, store.feed_state(feed.id) or FeedState(feed=feed.id)) for feed in settings.feeds]
        aside = Suppression(settings, store).aside()
    columns = ["id", "state", "last_run", "next_run", "claims", "refused", "message"]
    rows = [_row(feed, state) for feed, state in states]
    if not json_:
        rows = [{**row, **{name: row["counts"].get(name) for name in ("claims", "refused")}} for row in rows]
    show_rows("Feeds", rows, json_=json_, columns=columns, text="message")
    for item in () if json_ else aside:
        # Beside the table, which a script may read.
        click.echo(
            f"known-good list {item.list} is set aside in {item.view}: it held {item.hits} of {item.seen}; "
            f"`noroshi lists show {item.list}` says which",
            err=True,
        )


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


feeds.add_command(feedfiles.check)
feeds.add_command(feedfiles.new)
