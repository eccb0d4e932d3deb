"""``noroshi lookup`` by a name: what bears it, the latest first."""

from __future__ import annotations

from typing import Any

import click

from config.audience import Audience
from config.instant import Millis
from normalizers.merge import agreed
from normalizers.naming import Named, sought
from taxii_server.cli.tables import moment, show_rows
from taxii_server.naming import Bearer, bearing
from taxii_server.stores.base import Store

_COLUMNS = ["type", "value", "for", "confidence", "families", "sources", "first_seen", "last_seen", "ends", "named"]


def is_name(text: str) -> bool:
    """Whether it is a name that the hub itself knows."""
    return len(sought(text)) > 1


def found_by_name(store: Store, text: str, reader: Audience, *, now: Millis, limit: int) -> dict[str, Any]:
    """What ``reader`` may be told to bear a name, whichever of its names that is."""
    named = sought(text)
    found = bearing(store, named, reader, now=now, limit=limit)
    return {
        "name": text,
        "means": [one._asdict() for one in named if one.kind != "label"],
        "total": found.total,
        "valid": found.valid,
        "names": [{**one._asdict(), "values": count} for one, count in found.names.items()],
        "values": [_row(one, now) for one in found.shown],
        "more": found.total - len(found.shown),
    }


def _row(bearer: Bearer, now: Millis) -> dict[str, Any]:
    standing = [claim for claim in bearer.claims if not claim.withdrawn and claim.ends > now]
    return {
        "type": bearer.type,
        "value": bearer.value,
        "named": [_said(one) for one in bearer.named],
        "for": sorted({claim.audience for claim in bearer.claims}),
        "confidence": agreed(standing or bearer.claims),
        "families": len({claim.family for claim in bearer.claims}),
        "sources": sorted({claim.origin for claim in bearer.claims}),
        "first_seen": moment(min(claim.first_seen for claim in bearer.claims)),
        "last_seen": moment(max(claim.last_seen for claim in bearer.claims)),
        "ends": moment(max(claim.ends for claim in bearer.claims)),
    }


def _said(named: Named) -> str:
    return f"{named.kind} {named.name}"


def show_name(found: dict[str, Any], *, limit: int) -> None:
    """Print it for a person."""
    means = " and ".join(f"{one['kind']} {one['name']}" for one in found["means"])
    unknown = "no name that the hub knows" if not found["total"] else "a word that sources use"
    click.echo(f"{found['name']}: {means or unknown}")
    if not found["total"]:
        click.echo("nothing is known that bears this name")
        return
    names = ", ".join(f"{one['kind']} {one['name']} {one['values']}" for one in found["names"])
    click.echo(f"{found['total']} values bear it, {found['valid']} of them are valid now ({names})")
    show_rows("Values, the latest first", found["values"], json_=False, columns=_COLUMNS, text="named")
    if found["more"]:
        click.echo(f"{found['more']} more; --limit shows more than {limit}")
