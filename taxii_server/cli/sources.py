"""``noroshi sources``: what each source is worth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from config.instant import DAY, HOUR, MINUTE, SECOND, Millis
from taxii_server import lists
from taxii_server.cli.context import as_json, configured, now, opened
from taxii_server.cli.tables import show_json, show_table
from taxii_server.ingest import origin_of
from taxii_server.worth import Worth, worth

_COLUMNS = [
    "source",
    "values",
    "unique",
    "shared",
    "first",
    "lead",
    "confidence_lost",
    "known_good",
    "ruled_false",
    "most_in_common",
]


@click.command()
@click.option("--matrix", is_flag=True, help="Show how many values each has in common with each other.")
@configured
@as_json
def sources(matrix: bool, config: Path | None, data: Path | None, json_: bool) -> None:
    """Show what each source is worth.

    Of what it says now: what nobody else says, what it has in common with whom, how early it is, and what would be lost
    without it. Goes over all that the hub knows.
    """
    with opened(config, data) as (settings, store):
        names = {origin_of(feed, settings, store)[0]: feed.id for feed in settings.feeds}
        found = worth(store, names, now(), lists.load(settings))
    rows = [_row(name, found[name]) for name in sorted(found, key=lambda name: (-found[name].unique, name))]
    if json_:
        show_json(rows)
    elif matrix:
        said = [row["source"] for row in rows]
        cells = [[row["source"], *(_common(row, name) for name in said)] for row in rows]
        show_table("Values in common", ["source", *said], cells)
    else:
        show_table("Sources", _COLUMNS, [_shown(row) for row in rows])


def _row(name: str, one: Worth) -> dict[str, Any]:
    return {
        "source": name,
        "values": one.values,
        "types": dict(one.types),
        "unique": one.unique,
        "unique_to_family": one.of_family,
        "known_good": one.known_good,
        "ruled_false": one.ruled_false,
        "overlap": dict(sorted(one.overlap.items())),
        "shared": one.shared,
        "first": one.first,
        "lead_seconds": None if one.lead is None else one.lead // SECOND,
        "lost": {"values": one.unique, "confidence": one.confidence},
    }


def _common(row: dict[str, Any], name: str) -> Any:
    return row["values"] if name == row["source"] else row["overlap"].get(name)


def _shown(row: dict[str, Any]) -> list[Any]:
    shared = row["values"] - row["unique"]
    most = sorted(row["overlap"].items(), key=lambda item: (-item[1], item[0]))[:3]
    return [
        row["source"],
        row["values"],
        row["unique"],
        row["shared"],
        f"{row['first'] * 100 // row['shared']} %" if row["shared"] else None,
        _length(row["lead_seconds"]),
        f"{row['lost']['confidence'] / shared:.1f}" if shared else None,
        row["known_good"] or None,
        row["ruled_false"] or None,
        ", ".join(f"{name} {count}" for name, count in most),
    ]


def _length(seconds: int | None) -> str | None:
    if seconds is None:
        return None
    length: Millis = abs(seconds) * SECOND
    size, unit = next(((size, unit) for unit, size in (("d", DAY), ("h", HOUR)) if length >= size), (MINUTE, "m"))
    return f"{'-' if seconds < 0 else ''}{length // size}{unit}"
