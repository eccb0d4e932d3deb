"""How results are shown: JSON for scripts, lines with tabs into a pipe, and a table as wide as the terminal."""

from __future__ import annotations

from typing import Any

import click
import orjson
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from config.instant import DAY, HOUR, MINUTE, SECOND, Millis, stix_time, system_clock

_GAP = "  "
#: no column is cut below this, nor below its heading
_LEAST = 8
#: a column of free text is not worth having below this; it goes under its row
_LEAST_TEXT = 30
_INDENT = "    "
_UNITS = (("d", DAY), ("h", HOUR), ("m", MINUTE), ("s", SECOND))
_LONG_AGO = 100 * DAY
#: Feeds' words must not drive the terminal.
_CONTROLS = {code: None for code in (*range(32), *range(127, 160))}


class Moment(str):
    """An instant as text, to the second; on a terminal a table says how long ago it is."""

    at: Millis


def moment(value: Millis, text: str | None = None) -> Moment | None:
    """An instant, to the second or as ``text`` has it; none for 0."""
    if not value:
        return None
    shown = Moment(text or f"{stix_time(value)[:19]}Z")
    shown.at = value
    return shown


def show_json(value: Any) -> None:
    """Print JSON, indented, in UTF-8."""
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode())


def show_rows(
    title: str, rows: list[dict[str, Any]], *, json_: bool, columns: list[str], text: str | None = None
) -> None:
    """Print rows with the same keys: as JSON, all of them, or as a table of ``columns``."""
    if json_:
        show_json(rows)
    else:
        show_table(title, columns, [[row[name] for name in columns] for row in rows], text=text)


def show_table(title: str, columns: list[str], rows: list[list[Any]], *, text: str | None = None) -> None:
    """Print a table as wide as the terminal, or plain and uncut when it is no terminal.

    On a terminal the last column stays whole if it is ``text``, wrapped or under its row; others are cut, the first one
    last of all, marked by an ellipsis, and a column without any value is left out.
    """
    console = Console(highlight=False)
    headings = [name.replace("_", " ") for name in columns]
    if not console.is_terminal:
        for row in [headings, *([plain(cell) for cell in row] for row in rows)]:
            click.echo("\t".join(row))
        return
    click.secho(title, bold=True)
    if not rows:
        click.echo("none")
        return
    present = system_clock() // 1_000
    cells = [[_brief(cell, present) for cell in row] for row in rows]
    numeric = [any(_is_number(row[place]) for row in rows) for place in range(len(columns))]
    lines, cut = layout(headings, cells, console.width, numeric=numeric, text=text is not None)
    click.secho(lines[0], underline=True)
    for line in lines[1:]:
        click.echo(line)
    if cut:
        click.secho("… is cut here; --json has all of it", dim=True)


def layout(
    headings: list[str], rows: list[list[str]], width: int, *, numeric: list[bool], text: bool = False
) -> tuple[list[str], bool]:
    """The lines of a table, none wider than ``width`` if that can be, and whether something in it was cut."""
    columns = [
        (place, heading)
        for place, heading in enumerate(headings[:-1] if text else headings)
        if place == 0 or any(row[place] != "-" for row in rows)
    ]
    natural = [max(cell_len(heading), *(cell_len(row[place]) for row in rows)) for place, heading in columns]
    widths = _shrunk(natural, [cell_len(heading) for _, heading in columns], width)
    left = width - sum(widths) - len(_GAP) * len(widths)
    beside = text and left >= min(_LEAST_TEXT, max(cell_len(row[-1]) for row in rows))
    lines = [_line([heading for _, heading in columns], widths, [numeric[place] for place, _ in columns])]
    if beside:
        lines[0] += _GAP + headings[-1]
    for row in rows:
        line = _line([row[place] for place, _ in columns], widths, [numeric[place] for place, _ in columns])
        if not text or row[-1] == "-":
            lines.append(line)
        elif beside:
            lines += _beside(line, row[-1], left)
        else:
            lines += [line, *(_INDENT + part for part in _wrapped(f"{headings[-1]}: {row[-1]}", width - len(_INDENT)))]
    return [line.rstrip() for line in lines], widths != natural


def _shrunk(natural: list[int], headings: list[int], width: int) -> list[int]:
    """Widths that fit, taken from the widest columns, of equals the last; from the first only when no other can."""
    widths = list(natural)
    least = [max(_LEAST, heading) for heading in headings]
    while sum(widths) + len(_GAP) * (len(widths) - 1) > width:
        able = [place for place in range(1, len(widths)) if widths[place] > least[place]]
        if not able and widths[0] <= least[0]:
            break
        widths[max(able, key=lambda place: (widths[place], place), default=0)] -= 1
    return widths


def _line(cells: list[str], widths: list[int], numeric: list[bool]) -> str:
    shown = []
    for cell, width, number in zip(cells, widths, numeric, strict=True):
        size = cell_len(cell)
        if size > width:
            shown.append(set_cell_size(cell, width - 1) + "…")
        else:
            shown.append(" " * (width - size) + cell if number else cell + " " * (width - size))
    return _GAP.join(shown)


def _beside(line: str, text: str, width: int) -> list[str]:
    """A row with its free text wrapped beside it."""
    indent = " " * cell_len(line)
    return [(indent if number else line) + _GAP + part for number, part in enumerate(_wrapped(text, width))]


def _wrapped(text: str, width: int) -> list[str]:
    return [part.plain for part in Text(text).wrap(Console(width=width), max(_LEAST, width))]


def _is_number(cell: Any) -> bool:
    return isinstance(cell, int) and not isinstance(cell, bool)


def _brief(cell: Any, present: Millis) -> str:
    return age(cell.at, present) if isinstance(cell, Moment) else plain(cell)


def age(moment: Millis, present: Millis) -> str:
    """``5m ago`` or ``in 2h``, rounded down; the date of what is more than a hundred days off."""
    off = abs(present - moment)
    if off >= _LONG_AGO:
        return stix_time(moment)[:10]
    length = next((f"{off // size}{unit}" for unit, size in _UNITS if off >= size), "0s")
    return f"{length} ago" if moment <= present else f"in {length}"


def plain(cell: Any) -> str:
    """A cell as text, uncut."""
    if isinstance(cell, list | tuple):
        return plain(", ".join(map(str, cell)))
    if isinstance(cell, dict):
        return plain(", ".join(f"{name} {count}" for name, count in sorted(cell.items())))
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return "-" if cell in (None, "") else str(cell).translate(_CONTROLS)
