"""Guessing how lists in XML and reports in AsciiDoc could be read: where their values lie, and what they are called."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import islice
from typing import Any
from xml.etree.ElementTree import Element  # its type; the parser is defusedxml's

from collectors.document import Document
from normalizers.drafting import MOST_LINES, MOST_ROWS, fields_of, kind_of, names_malware
from normalizers.records import UnreadableDocument
from normalizers.texts import lines
from normalizers.xmls import parsed

#: How deep below the root lists are looked for, and columns below a record.
_DEEP, _COLUMNS_DEEP = 4, 2
_HEADING = re.compile(r"(={1,6}) +(\S.*)")
_ITEM = re.compile(r"(?:\*{1,5}|-) +`\+{0,2}([^`+]+)\+{0,2}`")
_QUOTED = re.compile(r"`\+{0,2}([^`+]{1,4000})\+{0,2}`")
_TABLE = re.compile(r"\|={3,}")


def xml(document: Document, zone: str) -> Iterator[dict[str, Any]]:
    """Options of the format ``xml``, that of the longest list first. ``zone``: that of dates which say none."""
    try:
        root = parsed(document)
    except UnreadableDocument:
        return
    for path, records in sorted(_lists(root), key=lambda found: -len(found[1]))[:3]:
        rows = [dict(_cells(record)) for record in records[:MOST_ROWS]]
        fields = fields_of(rows, zone)
        if fields is not None:
            fields.pop("optional", None)  # of XML, a column that is missing is an empty one
            yield {"kind": "xml", "records": path, "fields": fields}


def _lists(parent: Element, path: str = "") -> Iterator[tuple[str, list[Element]]]:
    """Elements of one name beside each other that have elements in them, and where they are."""
    by_name: defaultdict[str, list[Element]] = defaultdict(list)
    for child in parent:
        if _plain(child):
            by_name[child.tag].append(child)
    for name, found in by_name.items():
        place = f"{path}{name}"
        if all(len(child) > 0 for child in found) and any(_cells(found[0])):
            yield place, found
        if len(found) == 1 and place.count("/") + 1 < _DEEP:
            yield from _lists(found[0], f"{place}/")


def _cells(record: Element, path: str = "") -> Iterator[tuple[str, str]]:
    """The texts in a record by the path of their element, as the format finds them: the first of each."""
    firsts: dict[str, Element] = {}
    for child in record:
        if _plain(child):
            firsts.setdefault(child.tag, child)
    for name, child in firsts.items():
        place = f"{path}{name}"
        if not len(child):
            yield place, (child.text or "").strip()
        elif place.count("/") + 1 < _COLUMNS_DEEP:
            yield from _cells(child, f"{place}/")


def _plain(element: Element) -> bool:
    # A comment has a function for its tag, and a name with a namespace does not go into a path.
    return isinstance(element.tag, str) and re.fullmatch(r"[\w.-]+", element.tag) is not None


def asciidoc(document: Document) -> Iterator[dict[str, Any]]:
    """Options of the format ``asciidoc``, for a report with values in tables or lists."""
    try:
        given = [line.strip() for line in islice(lines(document, "utf-8"), MOST_LINES)]
    except UnreadableDocument:
        return
    if not any(_HEADING.fullmatch(line) for line in given):
        return
    kinds = {heading: _kind(cells) for heading, cells in _tables(given).items()}
    form = {
        "columns": {heading: kind for heading, kind in kinds.items() if kind},
        "sections": {title: kind for title, items in _sections(given).items() if (kind := _kind(items))},
        "labels": [heading for heading, kind in kinds.items() if not kind and names_malware(heading)],
    }
    if form["columns"] or form["sections"]:
        yield {"kind": "asciidoc", **{name: said for name, said in form.items() if said}}


def _tables(given: list[str]) -> dict[str, list[str]]:
    """What stands in the columns of all tables, by their headings."""
    columns: defaultdict[str, list[str]] = defaultdict(list)
    head: list[str] | None = None
    inside = False
    for line in given:
        if _TABLE.fullmatch(line):
            inside, head = not inside, None
        elif inside and line.startswith("|"):
            cells = [cell.strip() for cell in line.removeprefix("|").removesuffix("|").split("|")]
            if head is None:
                head = cells
                continue
            for name, cell in zip(head, cells, strict=False):
                quoted = _QUOTED.search(cell)
                columns[name].append(quoted[1] if quoted else cell)
    return {name: cells for name, cells in columns.items() if name}


def _sections(given: list[str]) -> dict[str, list[str]]:
    """What stands in the lists of each section in backquotes, by its title."""
    sections: defaultdict[str, list[str]] = defaultdict(list)
    title = ""
    for line in given:
        heading = _HEADING.fullmatch(line)
        item = _ITEM.match(line)
        if heading is not None:
            title = heading[2] if len(heading[1]) > 1 else ""
        elif item is not None and title:
            sections[title].append(item[1])
    return sections


def _kind(values: list[str]) -> str:
    """What most of them are, "" where most are nothing."""
    found = Counter(kind.replace("ip:port", "ip") for value in values if (kind := kind_of(value)))
    if found.total() * 2 <= len(values):
        return ""
    if len(found) == 1:
        return next(iter(found))
    return "ip" if found.keys() <= {"ipv4", "ipv6", "ip"} else "any"
