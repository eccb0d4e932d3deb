"""Guessing how lines could be read: as a table with a delimiter, or as values alone."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

from collectors.document import Document
from normalizers import guessing_lines
from normalizers.bad_value import BadValue
from normalizers.drafting import MOST_LINES, MOST_ROWS, careful, fields_of, is_date, kind_of, zone_of
from normalizers.records import UnreadableDocument
from normalizers.texts import lines
from normalizers.values import classify

_ENCODINGS = ("utf-8", "iso-2022-jp", "shift_jis", "euc-jp", "iso-8859-1")
#: delimiter -> how a feed's file says it
_DELIMITERS: dict[str, dict[str, str]] = {
    ",": {}, "\t": {"delimiter": "tab"}, ";": {"delimiter": ";"}, "|": {"delimiter": "|"},
}  # fmt: skip
_COMMENTS = ("#", ";", "//")
_DATED = re.compile(r"\d{1,4}[-/:.]\d{1,2}[-/:.]\d{1,4}")
#: What says of a number near it that it counts rows.
_COUNTED = re.compile(
    r"\b(?:entries|rows|lines|records|items|count|total|number of|"
    r"addresses|ips|domains|hosts|hashes|urls|samples|indicators|iocs)\b|件",
    re.IGNORECASE,
)
_NEAR = 20
_STAMP = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d")


def forms(document: Document) -> Iterator[dict[str, Any]]:
    """Options of the formats ``csv`` and ``text``, the likelier first. None where the document is no text."""
    encoding, text = decoded(document)
    if encoding is None:
        return
    said = {} if encoding == "utf-8" else {"encoding": encoding}
    given = [line for line in text if line.strip()]
    comments = [mark for mark in _COMMENTS if any(line.startswith(mark) for line in given)]
    rows = [line.rstrip("\r\n") for line in given if not line.startswith(tuple(comments) or ("\0",))]
    if not rows:
        return
    zone = zone_of("".join(text))
    notes = [line for line in given if comments and line.startswith(tuple(comments))]
    mark = comments[0] if comments else ""
    tables = [
        {"kind": "csv", **said, **delimiter, "comment": mark, **table}
        for between, delimiter in _DELIMITERS.items()
        for table in _tables(rows, notes, between, mark, zone)
    ]
    # Of lines of cells, a URL may take the rest of its line for a part of itself; a row of names tells the two apart.
    yield from (table for table in tables if table.get("header") != "none")
    yield from _lists(rows, said)
    yield from (table for table in tables if table.get("header") == "none")
    yield from guessing_lines.forms(rows, said, zone)


def _lists(rows: list[str], said: dict[str, str]) -> Iterator[dict[str, Any]]:
    """The values alone, or with remarks after them."""
    for remark in ("", ";", "#"):
        values = [row.partition(remark)[0].strip() if remark else row.strip() for row in rows[:MOST_ROWS]]
        kind = _kind(values)
        if kind:
            form: dict[str, Any] = {"kind": "text", "type": kind, **said, **careful(kind)}
            yield {**form, "remark": remark} if remark else form
            return


def decoded(document: Document) -> tuple[str | None, list[str]]:
    """The encoding in which a document's first lines are text, if there is one, and those lines."""
    for encoding in _ENCODINGS:
        try:
            return encoding, list(islice(lines(document, encoding), MOST_LINES))
        except UnreadableDocument:
            continue
    return None, []


def _kind(values: list[str]) -> str:
    """What a text's values are, "" when most are none."""
    found = Counter(kind for value in values if (kind := kind_of(value)))
    if found.total() * 2 <= len(values):
        return ""
    if found.keys() <= {"ipv4", "ipv6"} and len(found) == 2:
        return "ip"
    return next(iter(found)) if len(found) == 1 else "any" if "ip:port" not in found else "ip:port"


def _tables(rows: list[str], notes: list[str], delimiter: str, mark: str, zone: str) -> Iterator[dict[str, Any]]:
    """The rest of a CSV format's options, where the rows are a table."""
    try:
        spaced = sum(delimiter + " " in row for row in rows) * 2 > len(rows)
        cells = list(csv.reader(rows[:MOST_LINES], delimiter=delimiter, skipinitialspace=spaced, strict=True))
    except csv.Error:
        return
    width = Counter(map(len, cells)).most_common(1)[0][0]
    table = [row for row in cells if len(row) == width]
    if width < 2 or len(table) * 2 <= len(cells):
        return
    more: dict[str, Any] = {"skip_spaces": True} if spaced else {}
    if not mark and len(cells[0]) != width and (title := _title(rows)):
        more["comment"] = title
    told = next((names for note in reversed(notes) if len(names := _names(note, mark, delimiter)) == width), None)
    if told is not None:
        names, more["header"] = told, "comment"
    elif _is_header(table[0]):
        names, table = [name.strip() for name in table[0]], table[1:]
    else:
        columns = enumerate(zip(*table, strict=True), start=1)
        names = [f"seen_{number}" if is_date(column) else f"column_{number}" for number, column in columns]
        more |= {"header": "none", "columns": names}
    fields = fields_of([dict(zip(names, row, strict=True)) for row in table[:MOST_ROWS]], zone)
    if fields is None or len(set(names)) < len(names):
        return
    yield {**more, **_ends(notes, len(table), len(rows)), "fields": fields}
    yield {**more, "fields": fields}


def _title(rows: list[str]) -> str:
    """How the first row begins, up to what may be another tomorrow, if no other begins so: a line above the header
    that says what the table is, which can be passed over like a comment."""
    start = re.split(r"\d", rows[0], maxsplit=1)[0].rstrip()
    return start if len(start) > 2 and not any(row.startswith(start) for row in rows[1:]) else ""


def _names(note: str, mark: str, delimiter: str) -> list[str]:
    text = io.StringIO(note.strip().removeprefix(mark).strip())
    try:
        return [cell.strip() for cell in next(csv.reader(text, delimiter=delimiter, skipinitialspace=True))]
    except (csv.Error, StopIteration):
        return []


def _is_header(cells: list[str]) -> bool:
    """Whether a row names columns: words, each another, and no values."""
    said = [cell.strip() for cell in cells]
    return all(said) and len(set(said)) == len(said) and not any(map(_says, said))


def _says(cell: str) -> bool:
    try:
        classify(cell)
    except BadValue:
        return cell.isdigit() or _STAMP.search(cell) is not None
    return True


def _ends(notes: list[str], *counts: int) -> dict[str, str]:
    """Patterns for what the comments say of the document."""
    found = {}
    for note in notes:
        # The parts of a date are no numbers of rows; as long as they were, so that places stay.
        text = _DATED.sub(lambda date: " " * len(date[0]), note.rstrip("\r\n"))
        for count in counts:
            said = re.search(rf"(?<!\d){count}(?!\d)", text)
            # A number alone may be anything, such as the version of a licence.
            if said and count > 1 and "total" not in found and _COUNTED.search(_near(text, said)):
                found["total"] = f"{_literal(text[max(0, said.start() - _NEAR) : said.start()])}(\\d+)"
    return found


def _literal(text: str) -> str:
    """A pattern for that text, as plain to read as it can be."""
    return re.sub(r"[][.^$*+?{}\\|()]", r"\\\g<0>", text)


def _near(text: str, said: re.Match[str]) -> str:
    return text[max(0, said.start() - _NEAR) : said.end() + _NEAR]
