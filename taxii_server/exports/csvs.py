"""CSV (RFC 4180): a line for each indicator, under a line of names."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from taxii_server.exports.choosing import Wanted
from taxii_server.exports.rows import About, Rows

NAMES = ("type", "value", "confidence", "valid_from", "valid_until", "malware", "labels", "id")
#: What spreadsheets take for the beginning of a formula; Japanese ones take wide characters too.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def write(rows: Rows, asked: Wanted, about: About) -> Iterator[bytes]:
    """The table. Members of lists are parted by ``|``. What a spreadsheet would run has a ``'`` before it."""
    yield _line(NAMES)
    for row, _ in rows:
        malware, labels = "|".join(row.malware), "|".join(row.labels)
        yield _line(
            (row.type, row.value, str(row.confidence), row.valid_from, row.valid_until, malware, labels, row.id)
        )


def _line(cells: tuple[str, ...]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerow([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells])
    return out.getvalue().encode()
