"""``noroshi collect``: feeds collected now, and how that went."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
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
        publishing = _Publishing(settings, store)
        try:
            states = _collect(settings, store, chosen, publishing, confirm, force)
            publishing.publish()
        finally:
            publishing.publisher.release()
    _show_collected(states, publishing, json_)
    if any(state.status in ("failed", "held") for state in states):
        sys.exit(FAILED)


class _Publishing:
    """What this command publishes of what it collects. A running hub publishes it too, whoever comes first."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self.publisher = Publisher(settings, store, system_clock, owner())
        #: object versions that this command published
        self.versions = 0
        #: whether the running hub was met at it, and so published some of what was collected here, or will
        self.hub = False
        #: whether the hub's long jobs are done, or another process does them
        self._settled = False
        with self._unless_the_hub():
            Jobs(self.publisher).settle()
            self._settled = True

    def between(self, news: News | None) -> None:
        """Publish what is there so far, once it is known that nobody else is at it."""
        if self._settled:
            self.publish(news)

    def publish(self, news: News | None = None) -> None:
        """Publish what is there."""
        with self._unless_the_hub():
            self.versions += self.publisher.publish_all(news=news)

    @contextmanager
    def _unless_the_hub(self) -> Iterator[None]:
        try:
            yield
        except NotNow:
            self.hub = True


def _chosen(settings: Settings, names: tuple[str, ...]) -> list[str]:
    known = {item.id for item in settings.feeds}
    for name in names:
        if name not in known:
            raise Failure(f"no feed is called {name!r}; `noroshi feeds list` shows them", NOT_FOUND)
    return list(names) or [item.id for item in settings.feeds if item.enabled]


def _collect(
    settings: Settings, store: Store, names: list[str], publishing: _Publishing, confirm: bool, force: bool
) -> list[FeedState]:
    """Run the feeds, and publish meanwhile; gives their states."""
    states = []
    with progress_bar(TextColumn("{task.description}"), TextColumn("{task.completed} claims")) as progress:
        tasks: dict[str, Any] = {}

        def shown(name: str, claims: int) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(name, total=None)
            progress.update(tasks[name], completed=claims)

        ingest = Ingest(
            settings,
            store,
            system_clock,
            owner=owner(),
            environment=os.environ,
            progress=shown,
            between=publishing.between,
        )
        for name in names:
            states.append(_run(ingest, settings.feed(name), confirm, force))
    return states


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


def _show_collected(states: list[FeedState], publishing: _Publishing, json_: bool) -> None:
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
        show_json({"published": publishing.versions, "by_hub": publishing.hub, "feeds": rows})
        return
    columns = ["feed", "state", "rows", "claims", "refused", "kept", "withdrawn", "renewed", "why"]
    show_table("Collected", columns, [_collected_row(state) for state in states], text="why")
    click.echo(
        f"published {publishing.versions} object versions"
        + (" itself; the running hub publishes the rest" if publishing.hub else "")
    )


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
