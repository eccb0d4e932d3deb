"""``noroshi lists held``, ``release``, ``keep`` and ``undo``: what lists hold back, and what a person decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import click

from config.audience import INTERNAL
from config.instant import system_clock
from config.known_good import KnownGood
from config.settings import Settings
from normalizers.bad_value import BadValue
from normalizers.meanings import meanings
from taxii_server.cli.context import (
    NOT_FOUND,
    WORDS,
    Failure,
    as_json,
    audit_of,
    configured,
    now,
    opened,
    owner,
    patiently,
    refuse,
)
from taxii_server.cli.context import why as why_option
from taxii_server.cli.tables import moment, show_json, show_rows
from taxii_server.decided import Decision, Observable, TooMany, Verdict
from taxii_server.heldback import HeldBack, HeldBacks, listed_meaning
from taxii_server.suppression import Suppression
from taxii_server.turns import Turns
from taxii_server.views import Sight, plans

_OF_HELD = ["type", "value", "lists", "families", "sources", "first_seen", "last_seen", "published", "views"]
_OF_DECIDED = ["type", "value", "list", "decided", "at", "by", "why"]


def named(settings: Settings, name: str) -> KnownGood:
    """The known-good list of that name. Raises Failure."""
    for item in settings.known_good:
        if item.id == name:
            return item
    raise Failure(f"no known-good list is called {name!r}; `noroshi lists list` shows them", NOT_FOUND)


@click.command()
@click.argument("name", metavar="[LIST]", required=False)
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="Values to show, at most.")
@click.option("--after", default="", help="Go on after this place, which the page before ended with.")
@click.option("--decided", is_flag=True, help="Show what was decided about single values instead.")
@configured
@as_json
def held(
    name: str | None, limit: int, after: str, decided: bool, config: Path | None, data: Path | None, json_: bool
) -> None:
    """Show what known-good lists hold back for you to decide, or one LIST: by which entry, who says it, since when.

    Goes over all that is known. Let a value go with `lists release`, keep it out with `lists keep`.
    """
    try:
        place = bytes.fromhex(after)
    except ValueError:
        refuse(f"--after: expected what the page before ended with, got {after!r}")
    with opened(config, data) as (settings, store):
        if name is not None:
            named(settings, name)
        if decided:
            found = [one for one in Suppression(settings, store).decisions.all() if name in (None, one.list)]
            _show_decided(found, json_=json_)
            return
        finder = HeldBacks(settings, store, Sight(settings, store, system_clock), plans(settings), now())
        page = list(islice(finder.of(name, after=place), limit + 1))
    following = page[limit - 1].key.hex() if len(page) > limit else None
    rows = [_row(item) for item in page[:limit]]
    if json_:
        show_json({"held": rows, "next": following})
        return
    for row in rows:
        row["lists"] = [f"{one['list']} ({one['entry']})" for one in row["lists"]]
    show_rows("Held back", rows, json_=False, columns=_OF_HELD, text="views")
    if following:
        click.echo(f"and more: --after {following}")


def _row(item: HeldBack) -> dict[str, Any]:
    return {
        "type": item.type,
        "value": item.value,
        "lists": [{"list": name, "entry": entry} for name, entry in item.lists],
        "families": item.families,
        "sources": list(item.origins),
        "first_seen": moment(item.first_seen),
        "last_seen": moment(item.last_seen),
        "published": item.published,
        "views": list(item.views),
    }


def _show_decided(found: Sequence[Decision], *, json_: bool) -> None:
    rows = [
        {"type": one.type, "value": one.value, "list": one.list, "decided": one.verdict, "at": moment(one.at),
         "by": one.by, "why": one.why}
        for one in found
    ]  # fmt: skip
    show_rows("Decided", rows, json_=json_, columns=_OF_DECIDED, text="why")


def _deciding(command: Callable[..., None]) -> click.Command:
    """A command that decides about values of a list."""
    for parameter in (
        configured,
        why_option("for the audit log"),
        click.argument("value", type=WORDS, nargs=-1, required=True),
        click.argument("name", metavar="LIST"),
    ):
        command = parameter(command)
    return click.command()(command)


@_deciding
def release(name: str, value: Sequence[str], why: str, config: Path | None, data: Path | None) -> None:
    """Let each VALUE go that LIST keeps back or makes unsure: for good, the list does not hold it.

    It comes back under the id that it had, wherever the list acts and no other list holds it. The running hub sees to
    that.
    """
    _decide(name, value, "released", why, config, data)


@_deciding
def keep(name: str, value: Sequence[str], why: str, config: Path | None, data: Path | None) -> None:
    """Keep out each VALUE that LIST holds: for good, wherever the list acts, and where it is set aside too.

    What is published of it ends. The running hub sees to that.
    """
    _decide(name, value, "kept", why, config, data)


@_deciding
def undo(name: str, value: Sequence[str], why: str, config: Path | None, data: Path | None) -> None:
    """Take back what was decided about each VALUE of LIST: the list acts on it as on any other."""
    _decide(name, value, None, why, config, data)


def _decide(
    name: str, values: Sequence[str], verdict: Verdict | None, why: str, config: Path | None, data: Path | None
) -> None:
    with opened(config, data) as (settings, store):
        item = named(settings, name)
        known_good = Suppression(settings, store)
        meant = [_meant(known_good, item, value, undoing=verdict is None) for value in values]
        audit = audit_of(
            {"released": "release-listed", "kept": "keep-listed", None: "undo-listed"}[verdict],
            item.id,
            values=[" ".join(one) for one in meant],
            why=why,
        )
        turns = Turns(store, system_clock, owner())
        try:
            patiently(lambda: _in_turn(turns, lambda: known_good.decide(item.id, meant, verdict, why, audit)))
        except TooMany as error:
            raise Failure(str(error)) from None
        finally:
            turns.release()
        for kind, value in meant:
            others = _others(known_good, kind, value) if verdict == "released" else ""
            click.echo(f"{kind} {value}: {_SAID[verdict].format(item.id)}{others}")


_SAID = {"released": "released from {}", "kept": "kept out by {}", None: "as {} says"}


def _others(known_good: Suppression, kind: str, value: str) -> str:
    """What else acts on what was released: nobody should wait for what another list keeps out."""
    acting = known_good.told(kind, value, INTERNAL)
    left = [
        f"{one['list']} ({'keep' if one['decided'] == 'kept' else one['action']})"
        for one in acting
        if one["decided"] != "released"
    ]
    return f"; held by others too: {', '.join(left)}" if left else ""


def _in_turn(turns: Turns, step: Callable[[], None]) -> None:
    with turns.turn():
        step()


def _meant(known_good: Suppression, item: KnownGood, value: str, *, undoing: bool) -> Observable:
    try:
        read_as = meanings(value)
    except BadValue as error:
        refuse(f"{value}: {error}")
    decided = next((one for one in read_as if undoing and item.id in known_good.decisions.about(*one)), None)
    found = decided or listed_meaning(known_good, item.id, read_as)
    if found is None:
        raise Failure(f"{item.id} does not hold {value}; `noroshi lookup {value}` says which lists do", NOT_FOUND)
    if undoing and decided is None:
        raise Failure(f"nothing was decided about {value} of {item.id}; `noroshi lists held --decided`", NOT_FOUND)
    return found
