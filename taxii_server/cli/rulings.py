"""``noroshi rulings``: what is ruled false or held, whatever sources say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from config import audience as audiences
from config.audience import CLEAR
from config.instant import DAY
from normalizers.bad_value import BadValue
from normalizers.claims import Claim, observable_key
from normalizers.meanings import meanings
from normalizers.rulings import Verdict, is_ruling, verdict_of
from normalizers.rulings import why as why_of
from taxii_server.cli.context import NOT_FOUND, WORDS, Failure, as_json, audit_of, configured, now, opened, refuse
from taxii_server.cli.context import why as why_option
from taxii_server.cli.tables import moment, show_rows
from taxii_server.rulings import Observable, Rulings, Terms
from taxii_server.stores.base import Store

#: What is shown of a ruling beside the value that it is about.
RULED = ["ruling", "for", "at", "until", "lifted", "why"]
#: How long a ruling holds where nothing else is said, and at most, in days.
_TERM, _LONGEST = 365, 3_650


@click.group()
def rulings() -> None:
    """Rule on values, whatever their sources say: false positives, and what is to wait."""


@rulings.command("list")
@click.option("--all", "whole", is_flag=True, help="Show those too that were lifted or whose term has ended.")
@configured
@as_json
def list_(whole: bool, config: Path | None, data: Path | None, json_: bool) -> None:
    """Show the rulings that stand."""
    with opened(config, data) as (settings, store):
        at = now()
        found = [one for one in Rulings(settings, store).all() if whole or one.ends > at]
    found.sort(key=lambda one: (-one.version, one.type, one.value, one.audience))
    show_rows("Rulings", [ruling_row(one) for one in found], json_=json_, columns=["type", "value", *RULED], text="why")


def ruling_row(claim: Claim) -> dict[str, Any]:
    """A ruling, as it is shown."""
    return {
        "type": claim.type,
        "value": claim.value,
        "ruling": verdict_of(claim),
        "for": claim.audience,
        "at": moment(claim.first_seen),
        "until": moment(claim.last_seen + claim.life),
        "lifted": moment(claim.withdrawn),
        "why": why_of(claim),
    }


def _deciding(command: Callable[..., None]) -> Callable[..., None]:
    """The options of a command that rules on values."""
    for parameter in (
        configured,
        why_option("for the audit log and for look-ups"),
        click.option("--days", type=click.IntRange(1, _LONGEST), default=_TERM, show_default=True,
                     help="Its term: what is seen within it is covered."),
        click.option("--for", "audience", default=CLEAR, show_default=True,
                     help="Who is told, such as green or amber:GROUP: it acts in their views alone."),
        click.argument("value", type=WORDS, nargs=-1, required=True),
    ):  # fmt: skip
        command = parameter(command)
    return command


@rulings.command()
@_deciding
def false(value: Sequence[str], audience: str, days: int, why: str, config: Path | None, data: Path | None) -> None:
    """Rule each VALUE a false positive: what is published about it is revoked, for those whom the ruling is for.

    It covers whatever sources say until it is lifted; then the value returns at once. When its term ends the value
    returns with the next sighting. What returns has another id. The running hub sees to that.
    """
    _rule("false-positive", value, audience, days, why, config, data)


@rulings.command()
@_deciding
def hold(value: Sequence[str], audience: str, days: int, why: str, config: Path | None, data: Path | None) -> None:
    """Hold each VALUE until it is ruled on or lifted: what is published stays as it is, and nothing new comes."""
    _rule("hold", value, audience, days, why, config, data)


def _rule(
    verdict: Verdict, values: Sequence[str], audience: str, days: int, why: str, config: Path | None, data: Path | None
) -> None:
    try:
        audiences.check(audience)
    except ValueError as error:
        refuse(f"--for: {error}")
    with opened(config, data) as (settings, store):
        meant = [_meant(store, value) for value in values]
        named = [" ".join(one) for one in meant]
        audit = audit_of(f"rule-{verdict}", named[0], values=named, audience=audience, days=days, why=why)
        try:
            Rulings(settings, store).rule(meant, Terms(verdict, audience, days * DAY, why), audit)
        except BadValue as error:
            refuse(str(error))
        known = store.claims([observable_key(*one) for one in meant])
        for one in meant:
            said = not all(map(is_ruling, known.get(observable_key(*one), ())))
            click.echo(f"{' '.join(one)}: {_SAID[verdict]} for {audience}{'' if said else '; nobody says it yet'}")


_SAID: dict[Verdict, str] = {"false-positive": "ruled a false positive", "hold": "held"}


@rulings.command()
@click.argument("value", type=WORDS, nargs=-1, required=True)
@click.option("--for", "audience", help="Lift the ruling for this audience alone.")
@why_option("for the audit log")
@configured
def lift(value: Sequence[str], audience: str | None, why: str, config: Path | None, data: Path | None) -> None:
    """Take back what was ruled on each VALUE: what its sources say counts again, at once.

    What was revoked returns under another id. The running hub sees to that.
    """
    with opened(config, data) as (settings, store):
        meant = [_meant(store, one) for one in value]
        named = [" ".join(one) for one in meant]
        audit = audit_of("lift-ruling", named[0], values=named, audience=audience, why=why)
        lifted = Rulings(settings, store).lift(meant, audience, audit)
    if not any(lifted.values()):
        raise Failure(f"nothing is ruled on {', '.join(value)}; `noroshi rulings list`", NOT_FOUND)
    for one, count in lifted.items():
        click.echo(f"{' '.join(one)}: {'as its sources say' if count else 'nothing was ruled on it'}")


def _meant(store: Store, value: str) -> Observable:
    """The first meaning of a text that anything is known about, else the likeliest."""
    try:
        read_as = meanings(value)
    except BadValue as error:
        refuse(f"{value}: {error}")
    if read_as[0][0] == "jvn":
        refuse(
            f"{value}: many may go by a number of JVN; `noroshi lookup {read_as[0][1]}` names them, so rule on those"
        )
    known = store.claims([observable_key(*one) for one in read_as])
    return next((one for one in read_as if observable_key(*one) in known), read_as[0])
