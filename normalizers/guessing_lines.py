"""Guessing how records of several lines could be read: each line begins with a word that says what it is about."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from normalizers.drafting import MOST_ROWS, fields_of, is_date

#: Words that a record's lines begin with.
_MOST_WORDS = 12
_PART = re.compile(r"\d{4}[-/]\d\d[-/]\d\d[ T]\d\d:\d\d(?::\d\d)?|\S+")


def forms(rows: Sequence[str], said: dict[str, str], zone: str) -> Iterator[dict[str, Any]]:
    """Options of the format ``lines``, for the word that is followed by values and most else. ``rows``: lines of a
    document that are no comments; ``said``: its encoding, where that is not UTF-8."""
    by_word: defaultdict[str, list[str]] = defaultdict(list)
    for row in rows:
        word, _, rest = row.strip().partition(" ")
        if rest:
            by_word[word].append(rest.strip())
            if len(by_word) > _MOST_WORDS:
                return
    if len(by_word) < 2 or sum(map(len, by_word.values())) * 10 < len(rows) * 9:
        return
    found = [_form(word, rests, zone) for word, rests in by_word.items() if len(rests) > 1]
    best = max(filter(None, found), key=lambda form: len(form["fields"]), default=None)
    if best is not None:
        yield {"kind": "lines", **said, **best}


def _form(word: str, rests: list[str], zone: str) -> dict[str, Any] | None:
    """Row and columns of the lines that begin with that word, if they are of one form and have values."""
    table = [_PART.findall(rest) for rest in rests[:MOST_ROWS]]
    width = len(table[0])
    if width > 9 or any(len(parts) != width for parts in table):
        return None
    columns = list(zip(*table, strict=True))
    names = [f"seen_{number}" if is_date(column) else f"part_{number}" for number, column in enumerate(columns, 1)]
    fields = fields_of([dict(zip(names, parts, strict=True)) for parts in table], zone)
    if fields is None:
        return None
    forms = [r"\S+ \S+" if all(" " in part for part in column) else r"\S+" for column in columns]
    parts = [f"(?P<{name}>{form})" for name, form in zip(names, forms, strict=True)]
    return {"row": " ".join((re.escape(word), *parts)), "others": "pass", "fields": fields}
