"""Guessing how a document could be read: a first draft of a feed's ``format``, for a person to correct.

What is guessed is tried: a draft that reads no more than half of the rows is none. Nothing here decides anything about
a feed that is configured.
"""

from __future__ import annotations

import csv
import io
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from itertools import islice
from typing import Any, NamedTuple

import orjson
from pydantic import ValidationError

import normalizers.formats
from collectors.document import Document
from config.feeds import Feed, Publisher
from config.transports import FileTransport
from normalizers.bad_value import BadValue
from normalizers.claims import Claim
from normalizers.columns import leaves
from normalizers.drafting import careful, fields_of, kind_of
from normalizers.jsons import at
from normalizers.reading import UnusableFormat, check, read
from normalizers.records import Record, UnreadableDocument
from normalizers.texts import lines, refuse_html, whole
from normalizers.values import classify

#: rows that are looked at, and of a text lines
_ROWS, _LINES = 500, 2_000
_PROSE = "prose"
_ENCODINGS = ("utf-8", "iso-2022-jp", "shift_jis", "euc-jp", "iso-8859-1")
#: delimiter -> how a feed's file says it
_DELIMITERS: dict[str, dict[str, str]] = {
    ",": {}, "\t": {"delimiter": "tab"}, ";": {"delimiter": ";"}, "|": {"delimiter": "|"},
}  # fmt: skip
_COMMENTS = ("#", ";", "//")
_JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
_STAMP = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d")


class Draft(NamedTuple):
    """How a document could be read."""

    format: dict[str, Any]
    #: rows that the document has
    rows: int
    #: of so many that were tried, how many gave a claim
    tried: int
    claims: int


def guess(document: Document) -> Draft:
    """The draft that makes most of the document. Raises :class:`UnreadableDocument` when none makes anything of it."""
    refuse_html(document, "a document")
    # What is made for such documents knows what of them is not meant; what is general would read that as well.
    for forms in (_known(document), _general(document), _prose()):
        found = [tried for form in forms if (tried := _tried(document, form)) is not None]
        if found:
            return max(found, key=lambda draft: draft.claims)
    raise UnreadableDocument(
        f"{document.name}: expected a list of values, CSV, JSON, JSON lines or one of {', '.join(_named())}, "
        "and recognised none"
    )


def _known(document: Document) -> Iterator[dict[str, Any]]:
    japanese = _is_japanese(document)
    for name in (name for name in _named() if name != _PROSE):
        spoken = "language" in import_module(f"normalizers.formats.{name}").Format.model_fields
        yield {"kind": name, "language": "en"} if spoken and not japanese else {"kind": name}


def _prose() -> Iterator[dict[str, Any]]:
    """What finds values in any text at all comes last."""
    yield {"kind": _PROSE}


def _general(document: Document) -> Iterator[dict[str, Any]]:
    start = _head(document).lstrip("\ufeff \t\r\n")[:1]
    if start in ("{", "["):
        yield from _json(document)
        yield from _json_lines(document)
    elif start != "<":
        yield from _texts(document)


def _zone(document: Document) -> str:
    """Of dates that say none: Japan's, where the document is in Japanese."""
    return "JST" if _is_japanese(document) else "UTC"


def _is_japanese(document: Document) -> bool:
    return _JAPANESE.search(_head(document)) is not None


def _named() -> list[str]:
    """The formats that need nothing but their name."""
    found = []
    for module in pkgutil.iter_modules(normalizers.formats.__path__):
        try:
            import_module(f"normalizers.formats.{module.name}").Format.model_validate({"kind": module.name})
        except ValidationError:
            continue
        found.append(module.name)
    return found


def _tried(document: Document, form: dict[str, Any]) -> Draft | None:
    """The draft, if it reads more than half of the first rows."""
    feed = sketch(form)
    try:
        rows = check(document, feed).total()
        items = list(islice(read(document, feed), _ROWS))
    except (UnreadableDocument, UnusableFormat, ValueError):
        return None
    good = sum(isinstance(item, Claim | Record) for item in items)
    return Draft(form, rows, len(items), good) if good * 2 > len(items) else None


def sketch(form: dict[str, Any], **more: Any) -> Feed:
    """A feed of that format about which nothing else is known; what it says is for the operators alone."""
    said = {
        "id": "draft",
        "title": "Draft",
        "carries": "what is to be said",
        "publisher": Publisher(name="Unknown", country="ZZ", homepage="https://publisher.example/"),
        "transport": FileTransport(kind="file", path="draft"),
        "marking": "TLP:GREEN",
        "share": "internal",
        "reliability": 50,
        "kind": "log",
    }
    return Feed.model_validate({**said, "format": form, **more})


def _head(document: Document) -> str:
    with document.open() as stream:
        return stream.read(64 * 1024).decode("utf-8", "replace")


def _json(document: Document) -> Iterator[dict[str, Any]]:
    zone = _zone(document)
    try:
        tree = orjson.loads(whole(document))
    except (orjson.JSONDecodeError, RecursionError):
        return
    for path, records in sorted(_record_lists(tree), key=lambda found: -len(found[1]))[:3]:
        fields = fields_of([_flat(record) for record in records[:_ROWS]], zone)
        if fields is None:
            continue
        form: dict[str, Any] = {"kind": "json", "fields": fields}
        if path:
            form["records"] = path
        if isinstance(tree, dict):
            totals = [name for name, value in tree.items() if type(value) is int and value == len(records) > 1]
            form |= {"total": totals[0]} if totals else {}
        yield form


def _record_lists(tree: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Where records lie: lists of objects, and objects whose members are all records or lists of them."""
    if isinstance(tree, list):
        if tree and all(isinstance(item, dict) for item in tree):
            yield path, tree
        return
    if not isinstance(tree, dict):
        return
    members = list(tree.values())
    if len(members) > 1 and all(isinstance(member, list | dict) for member in members):
        several = [item for member in members for item in (member if isinstance(member, list) else [member])]
        if all(isinstance(item, dict) for item in several):
            yield path, several
    for name, member in tree.items():
        if depth < 3 and "." not in name:
            yield from _record_lists(member, f"{path}.{name}" if path else name, depth + 1)


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in leaves(record) if at(record, name) is value}


def _json_lines(document: Document) -> Iterator[dict[str, Any]]:
    records = []
    try:
        for line in islice((line for line in lines(document, "utf-8") if not line.isspace()), 1, _LINES):
            records.append(orjson.loads(line))
        first = orjson.loads(next(lines(document, "utf-8")))
    except (UnreadableDocument, orjson.JSONDecodeError, RecursionError, StopIteration):
        return
    records.insert(0, first)
    if not all(isinstance(record, dict) for record in records):
        return
    shapes = Counter(frozenset(record) for record in records)
    odd = [record for record in records if shapes[frozenset(record)] == 1 and len(records) > 2]
    about = _about(odd[-1], len(records) - 1) if len(odd) == 1 else None
    fields = fields_of([_flat(record) for record in records if about is None or record is not odd[-1]], _zone(document))
    if fields is not None:
        yield {"kind": "jsonl", "fields": fields, **({"metadata": about} if about else {})}


def _about(record: dict[str, Any], count: int) -> dict[str, Any] | None:
    """The line that speaks of the document, if it is one: it gives the number of the others."""
    total = [name for name, value in record.items() if type(value) is int and value == count]
    words = {name: value for name, value in record.items() if isinstance(value, str) and len(value) < 20}
    if not total or not words:
        return None
    where = dict([next(((name, value) for name, value in words.items() if name == "type"), next(iter(words.items())))])
    return {"where": where, "total": total[0]}


def _texts(document: Document) -> Iterator[dict[str, Any]]:
    encoding, text = _decoded(document)
    if encoding is None:
        return
    said = {} if encoding == "utf-8" else {"encoding": encoding}
    given = [line for line in text if line.strip()]
    comments = [mark for mark in _COMMENTS if any(line.startswith(mark) for line in given)]
    rows = [line.rstrip("\r\n") for line in given if not line.startswith(tuple(comments) or ("\0",))]
    if not rows:
        return
    zone = "JST" if any(_JAPANESE.search(line) for line in text) else "UTC"
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


def _lists(rows: list[str], said: dict[str, str]) -> Iterator[dict[str, Any]]:
    """The values alone, or with remarks after them."""
    for remark in ("", ";", "#"):
        values = [row.partition(remark)[0].strip() if remark else row.strip() for row in rows[:_ROWS]]
        kind = _kind(values)
        if kind:
            form: dict[str, Any] = {"kind": "text", "type": kind, **said, **careful(kind)}
            yield {**form, "remark": remark} if remark else form
            return


def _decoded(document: Document) -> tuple[str | None, list[str]]:
    for encoding in _ENCODINGS:
        try:
            return encoding, list(islice(lines(document, encoding), _LINES))
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
        cells = list(csv.reader(rows[:_LINES], delimiter=delimiter, skipinitialspace=spaced, strict=True))
    except csv.Error:
        return
    width = Counter(map(len, cells)).most_common(1)[0][0]
    table = [row for row in cells if len(row) == width]
    if width < 2 or len(table) * 2 <= len(cells):
        return
    more: dict[str, Any] = {"skip_spaces": True} if spaced else {}
    told = next((names for note in reversed(notes) if len(names := _names(note, mark, delimiter)) == width), None)
    if told is not None:
        names, more["header"] = told, "comment"
    elif _is_header(table[0]):
        names, table = [name.strip() for name in table[0]], table[1:]
    else:
        names = [f"column_{number}" for number in range(1, width + 1)]
        more |= {"header": "none", "columns": names}
    fields = fields_of([dict(zip(names, row, strict=True)) for row in table[:_ROWS]], zone)
    if fields is None or len(set(names)) < len(names):
        return
    yield {**more, **_ends(notes, len(table), len(rows)), "fields": fields}
    yield {**more, "fields": fields}


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
        text = note.rstrip("\r\n")
        for count in counts:
            said = re.search(rf"(?<!\d){count}(?!\d)", text)
            if said and count > 1 and "total" not in found:
                found["total"] = f"{_literal(text[max(0, said.start() - 20) : said.start()])}(\\d+)"
    return found


def _literal(text: str) -> str:
    """A pattern for that text, as plain to read as it can be."""
    return re.sub(r"[][.^$*+?{}\\|()]", r"\\\g<0>", text)
