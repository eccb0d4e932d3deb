"""Guessing how JSON could be read: where its records lie, and what says how many they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

import orjson

from collectors.document import Document
from normalizers.columns import leaves
from normalizers.drafting import MOST_LINES, MOST_ROWS, fields_of
from normalizers.jsons import at
from normalizers.jsons import tree as held
from normalizers.records import UnreadableDocument
from normalizers.texts import lines


def tree(document: Document, zone: str) -> Iterator[dict[str, Any]]:
    """Options of the format ``json``; ``zone``: that of dates which say none. None where the document is not JSON, or
    too large to be held as a whole."""
    try:
        read = held(document)
    except UnreadableDocument:
        return
    for path, records in sorted(_record_lists(read), key=lambda found: -len(found[1]))[:3]:
        fields = fields_of([_flat(record) for record in records[:MOST_ROWS]], zone)
        if fields is None:
            continue
        form: dict[str, Any] = {"kind": "json", "fields": fields}
        if path:
            form["records"] = path
        if isinstance(read, dict):
            totals = [name for name, value in read.items() if type(value) is int and value == len(records) > 1]
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


def by_line(document: Document, zone: str) -> Iterator[dict[str, Any]]:
    """Options of the format ``jsonl``, as :func:`tree`."""
    records = []
    try:
        for line in islice((line for line in lines(document, "utf-8") if not line.isspace()), 1, MOST_LINES):
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
    fields = fields_of([_flat(record) for record in records if about is None or record is not odd[-1]], zone)
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
