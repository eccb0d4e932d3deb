"""The report: a row for every snapshot, as a table in Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import orjson
import stix2
from stix2validator import ValidationOptions, validate_instance

from config.instant import Millis, to_datetime
from tests.snapshots.folder import Snapshot
from tests.snapshots.pipeline import Became

_OPTIONS = ValidationOptions(version="2.1", strict=False)


class Checked(NamedTuple):
    """What the validators said of the objects that one snapshot published."""

    objects: int
    errors: list[str]


class Line(NamedTuple):
    """One row of the report."""

    became: Became
    checked: Checked


def checked(bodies: Sequence[bytes], at_most: int | None) -> Checked:
    """Hold objects to stix2.parse and to the OASIS validator: all, or the first so many and the last."""
    chosen = bodies if at_most is None or len(bodies) <= at_most else [*bodies[: at_most - 1], bodies[-1]]
    return Checked(len(chosen), [error for body in chosen for error in _errors(body)])


def _errors(body: bytes) -> list[str]:
    obj = orjson.loads(body)
    try:
        stix2.parse(obj, allow_custom=False)
    except (stix2.exceptions.STIXError, ValueError) as error:
        return [f"{obj.get('id')}: {error}"]
    return [f"{obj['id']}: {error}" for error in validate_instance(obj, _OPTIONS).errors]


_COLUMNS: dict[str, Callable[[Line], str]] = {
    "file": lambda line: f"`{line.became.snapshot.file}`",
    "day": lambda line: _day(line.became.snapshot.date),
    "feed": lambda line: f"`{line.became.snapshot.feed.id}`" if line.became.snapshot.feed else "",
    "records": lambda line: f"{line.became.rows:,}",
    "claims": lambda line: f"{line.became.claims:,}" + (f" ({line.became.more} more)" if line.became.more else ""),
    "refused": lambda line: _counts(line.became.refused),
    "held": lambda line: f"{line.became.held:,}" if line.became.held else "",
    "repeated": lambda line: _number(line.became.within),
    "known": lambda line: _number(line.became.again),
    "from others": lambda line: _number(line.became.across),
    "new": lambda line: _number(line.became.new),
    "over": lambda line: _number(line.became.over),
    "by lists": lambda line: _number(line.became.suppressed) + _of(line.became.listed),
    "objects": lambda line: _counts(dict(line.became.objects)),
    "versions": lambda line: _number(line.became.versions),
    "validated": lambda line: f"{line.checked.objects:,}" + _errored(line.checked),
}


def table(lines: Sequence[Line]) -> str:
    """The rows and their sum, in Markdown."""
    rows = [[column(line) for column in _COLUMNS.values()] for line in lines]
    return "\n".join(_row(row) for row in [list(_COLUMNS), ["---"] * len(_COLUMNS), *rows, _sum(lines)])


def unread(snapshots: Sequence[Snapshot]) -> str:
    """The files that no feed reads, and why, in Markdown."""
    return "\n".join(f"| `{item.file}` | {item.why} |" for item in sorted(snapshots))


def _sum(lines: Sequence[Line]) -> list[str]:
    became = [line.became for line in lines]
    refused: Counter[str] = sum((Counter(item.refused) for item in became), Counter())
    objects: Counter[str] = sum((item.objects for item in became), Counter())
    listed: Counter[str] = sum((item.listed for item in became), Counter())
    more = sum(item.more for item in became)
    claims = f"{sum(item.claims for item in became):,}" + (f" ({more} more)" if more else "")
    numbers = {
        name: _number(sum(getattr(item, name) for item in became))
        for name in ("rows", "held", "within", "again", "across", "new", "over", "suppressed", "versions")
    }
    all_checked = Checked(
        sum(line.checked.objects for line in lines), [e for line in lines for e in line.checked.errors]
    )
    return [
        "together", "", "", numbers["rows"], claims, _counts(refused), numbers["held"], numbers["within"],
        numbers["again"], numbers["across"], numbers["new"], numbers["over"],
        numbers["suppressed"] + _of(listed), _counts(objects), numbers["versions"],
        f"{all_checked.objects:,}" + _errored(all_checked),
    ]  # fmt: skip


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _day(moment: Millis) -> str:
    return to_datetime(moment).date().isoformat()


def _number(count: int) -> str:
    return f"{count:,}" if count else ""


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(
        f"{count:,} {name}" for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )


def _of(listed: Counter[str]) -> str:
    return f" ({_counts(dict(listed))})" if listed else ""


def _errored(found: Checked) -> str:
    return f", {len(found.errors)} errors" if found.errors else ""
