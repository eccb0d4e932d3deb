"""``noroshi collect``: feeds collected now, and how that went."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
from rich.progress import TextColumn

from config.feeds import Feed
from config.instant import system_clock
from config.settings import Settings
from taxii_server import memory
from taxii_server.cli.context import (
    FAILED,
    NOT_FOUND,
    Failure,
    as_json,
    audit_of,
    configured,
    opened,
    owner,
    progress_bar,
    refuse,
)
from taxii_server.cli.tables import plain, show_json, show_table
from taxii_server.ingest import FeedBusy, HostBusy, Ingest, TooSoon
from taxii_server.jobs import Jobs
from taxii_server.publishing import Publisher
from taxii_server.stores.base import FeedState, News, Store
from taxii_server.turns import NotNow

#: how often, and after how many seconds, a host is asked for that another process is asking
_TRIES, _WAIT = 120, 0.5


@click.command()
@click.argument("feed", nargs=-1)
@click.option("--confirm", is_flag=True, help="What is unlike the last document is right: take it in.")
@click.option("--force", is_flag=True, help="Ask a publisher even where it does not want to be asked yet.")
@configured
@as_json
def collect(
    feed: tuple[str, ...], confirm: bool, force: bool, config: Path | None, data: Path | None, json_: bool
) -> None:
    """Collect FEEDs now, and publish what is new.

    Due or not; all that are enabled by default. Prints for each what became of its rows. Exit code 1 when one could
    not be collected.
    """
    if confirm and not feed:
        refuse("--confirm: name the feed whose document is right")
    if force and not feed:
        refuse("--force: name the feed whose publisher is to be asked")
    memory.seldom_collect()
    with opened(config, data, must_exist=False) as (settings, store):
        chosen = _chosen(settings, feed)
        if confirm:
            store.audit(audit_of("confirm a document", " ".join(chosen)))
        if force:
            store.audit(audit_of("force a collection", " ".join(chosen)))
        publisher = Publisher(settings, store, system_clock, owner())
        published: int | None = None
        with suppress(NotNow):  # then the running hub publishes what is collected here
            Jobs(publisher).settle()
            published = 0
        try:
            states, soon = _collect(settings, store, chosen, None if published is None else publisher, confirm, force)
            with suppress(NotNow):
                published = soon + publisher.publish_all()
        finally:
            publisher.release()
    _show_collected(states, published, json_)
    if any(state.status in ("failed", "held") for state in states):
        sys.exit(FAILED)


def _chosen(settings: Settings, names: tuple[str, ...]) -> list[str]:
    known = {item.id for item in settings.feeds}
    for name in names:
        if name not in known:
            raise Failure(f"no feed is called {name!r}; `noroshi feeds list` shows them", NOT_FOUND)
    return list(names) or [item.id for item in settings.feeds if item.enabled]


def _collect(
    settings: Settings, store: Store, names: list[str], publisher: Publisher | None, confirm: bool, force: bool
) -> tuple[list[FeedState], int]:
    """Run the feeds; gives their states and how many object versions were published meanwhile."""
    states = []
    published = 0

    def between(news: News | None) -> None:
        nonlocal published
        if publisher is not None:
            with suppress(NotNow):
                published += publisher.publish_all(news=news)

    with progress_bar(TextColumn("{task.description}"), TextColumn("{task.completed} claims")) as progress:
        tasks: dict[str, Any] = {}

        def shown(name: str, claims: int) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(name, total=None)
            progress.update(tasks[name], completed=claims)

        ingest = Ingest(
            settings, store, system_clock, owner=owner(), environment=os.environ, progress=shown, between=between
        )
        for name in names:
            states.append(_run(ingest, settings.feed(name), confirm, force))
    return states, published


def _run(ingest: Ingest, feed: Feed, confirm: bool, force: bool) -> FeedState:
    """Run a feed, after waiting a minute at most for its host."""
    busy = ""
    for _ in range(_TRIES):
        try:
            return ingest.run(feed, confirmed=confirm, forced=force)
        except HostBusy as error:
            busy = str(error)
            time.sleep(_WAIT)
        except FeedBusy as error:
            return FeedState(feed=feed.id, status="failed", message=str(error))
        except TooSoon as error:
            return FeedState(feed=feed.id, status="waiting", message=f"{error}; --force asks now")
    return FeedState(feed=feed.id, status="failed", message=busy)


def _show_collected(states: list[FeedState], published: int | None, json_: bool) -> None:
    rows = [
        {
            "feed": state.feed,
            "state": state.status,
            "message": state.message,
            "counts": state.counts,
            "refused": state.refused,
            "examples": [{"line": line, "reason": reason} for line, reason in state.examples],
        }
        for state in states
    ]
    if json_:
        show_json({"published": published, "feeds": rows})
        return
    columns = ["feed", "state", "rows", "claims", "refused", "kept", "withdrawn", "renewed", "why"]
    show_table("Collected", columns, [_collected_row(state) for state in states], text="why")
    click.echo("published by the running hub" if published is None else f"published {published} object versions")


def _collected_row(state: FeedState) -> list[Any]:
    same = state.status == "unchanged"
    counts = [0 if same else state.counts.get(name) for name in ("rows", "claims", "refused", "kept")]
    moved = [None if same else state.counts.get(name) or None for name in ("withdrawn", "renewed")]
    reasons = {} if same else state.refused
    return [
        state.feed,
        state.status,
        *counts,
        *moved,
        "; ".join(filter(None, [state.message, plain(reasons) if reasons else ""])),
    ]
