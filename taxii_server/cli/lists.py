"""``noroshi lists``: what known-good lists hold, do and hit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from config import audience as audiences
from config.instant import system_clock
from config.known_good import KnownGood
from config.settings import Settings
from normalizers.claims import Claim
from normalizers.known_good import Held
from normalizers.merge import View
from taxii_server.cli import heldback
from taxii_server.cli.context import as_json, audit_of, configured, opened
from taxii_server.cli.heldback import named
from taxii_server.cli.tables import moment, show_json, show_rows
from taxii_server.heldback import listed
from taxii_server.stores.base import Store
from taxii_server.suppression import Aside, Suppression
from taxii_server.surveying import Survey, may_be_told, surveyed
from taxii_server.views import Plan, Sight, plans

_COLUMNS = ["id", "for", "action", "entries", "hits", "elsewhere", "state"]
_OF_VALUES = ["type", "value", "entry", "acts_in", "elsewhere"]


@click.group()
def lists() -> None:
    """What is known to be good, and what that does."""


@lists.command("list")
@configured
@as_json
def list_(config: Path | None, data: Path | None, json_: bool) -> None:
    """Show every known-good list: what it does, how many entries it has, how often it acted.

    HITS counts how often something that came to be published was held by the list, in the view where that was most.
    ELSEWHERE is how many values the list holds that are said where it may not act, in the view where that is most; the
    running hub counts them once in an hour.
    """
    with opened(config, data) as (settings, store):
        known_good = Suppression(settings, store)
        hits, aside = known_good.hits(), known_good.aside()
        held = {item.id: item for item in known_good.matcher.lists}
        views = [plan.view for plan in plans(settings)]
        survey = surveyed(store)
        rows = [
            _row(item, held[item.id], hits, aside, views) | _elsewhere(item, views, survey)
            for item in settings.known_good
        ]
    if not json_:
        rows = [{**row, **_in_table(row)} for row in rows]
    show_rows("Known-good lists", rows, json_=json_, columns=_COLUMNS, text="state")


def _row(
    item: KnownGood, held: Held, hits: dict[str, dict[str, int]], aside: list[Aside], views: list[View]
) -> dict[str, Any]:
    return {
        "id": item.id,
        "title": item.title,
        "for": item.audience,
        "action": item.action,
        "ceiling": item.ceiling if item.action == "lower" else None,
        "types": sorted(held.on),
        "entries": held.entries,
        "passed_over": held.refused,
        "views": [view.name for view in views if Suppression.acts(item, view)],
        "counts": {view: counts[item.id] for view, counts in hits.items() if item.id in counts},
        "aside": [
            {"view": one.view, "since": moment(one.since), "hits": one.hits, "seen": one.seen}
            for one in aside
            if one.list == item.id
        ],
    }


def _elsewhere(item: KnownGood, views: list[View], survey: Survey | None) -> dict[str, Any]:
    if not any(may_be_told(item, view) for view in views):
        return {"elsewhere": {}, "counted": None}
    if survey is None:
        return {"elsewhere": None, "counted": None}
    return {"elsewhere": survey.counts.get(item.id, {}), "counted": moment(survey.started)}


def _in_table(row: dict[str, Any]) -> dict[str, Any]:
    elsewhere = "not counted" if row["elsewhere"] is None else max(row["elsewhere"].values(), default=0)
    return {"hits": max(row["counts"].values(), default=0), "elsewhere": elsewhere, "state": _state(row)}


def _state(row: dict[str, Any]) -> str:
    if not row["views"]:
        return f"acts nowhere: no collection has a view for {row['for']}"
    if not row["aside"]:
        return "acts"
    return "set aside in " + ", ".join(f"{one['view']} ({one['hits']} of {one['seen']})" for one in row["aside"])


@lists.command("show")
@click.argument("name", metavar="LIST")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="Values to show, at most.")
@configured
@as_json
def show(name: str, limit: int, config: Path | None, data: Path | None, json_: bool) -> None:
    """Show what the hub knows that LIST holds, and in which views it acts on it.

    Goes over all that is known. ELSEWHERE are the views that say it too, and may not know of the list.
    """
    with opened(config, data) as (settings, store):
        item = named(settings, name)
        found = []
        for row in _held_by(settings, store, item):
            found.append(row)
            if len(found) > limit:
                break
    more = len(found) > limit
    if json_:
        show_json({"list": item.id, "for": item.audience, "values": found[:limit], "more": more})
        return
    show_rows(item.title, found[:limit], json_=False, columns=_OF_VALUES)
    if more:
        click.echo(f"and more; --limit shows more than {limit}")


def _held_by(settings: Settings, store: Store, item: KnownGood) -> Iterator[dict[str, Any]]:
    sight = Sight(settings, store, system_clock)
    matcher, bit = sight.known_good.matcher, sight.known_good.matcher.bit(item.id)
    here = plans(settings)
    for keys in listed(store, sight.known_good, bit):
        for key, about in sorted(store.claims(keys).items()):
            kind, value = about[0].type, about[0].value
            entry = next(hit.entry for hit in matcher.entries(kind, value) if hit.id == item.id)
            said = _said_in(sight, here, key, about)
            acts = [plan.view.name for plan in said if sight.known_good.acts(item, plan.view)]
            elsewhere = [plan.view.name for plan in said if plan.view.name not in acts]
            yield {"type": kind, "value": value, "entry": entry, "acts_in": acts, "elsewhere": elsewhere}


def _said_in(sight: Sight, here: list[Plan], key: bytes, about: list[Claim]) -> list[Plan]:
    """The views that have something to say about an observable."""
    visible = [plan for plan in here if any(audiences.sees(plan.view.audience, claim.audience) for claim in about)]
    return [plan for plan in visible if sight.look(plan, [key], {key: about})]


@lists.command()
@click.argument("name", metavar="LIST")
@configured
def confirm(name: str, config: Path | None, data: Path | None) -> None:
    """Say that LIST is right in what it holds now, however much that is.

    Where it was set aside it acts again, and its cap counts no more until its content changes. The running hub sees
    to what that calls for.
    """
    with opened(config, data) as (settings, store):
        item = named(settings, name)
        known_good = Suppression(settings, store)
        views = [one.view for one in known_good.aside() if one.list == item.id]
        known_good.confirm(item.id, audit_of("confirm-list", item.id, views=views))
    click.echo(f"{item.id} acts again in {', '.join(views)}" if views else f"{item.id} was set aside nowhere")


for command in (heldback.held, heldback.release, heldback.keep, heldback.undo):
    lists.add_command(command)
