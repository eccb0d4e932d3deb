"""``python -m tests.snapshots``: take every snapshot through the pipeline and say what became of it."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.snapshots.folder import options, snapshots
from tests.snapshots.pipeline import Hub
from tests.snapshots.report import Line, checked, table, unread

_PAGE = Path(__file__).parents[2] / "docs/feeds-report.md"
_TEXT = """\
# What real feeds become

Written by `make feeds-report` on {day}; do not edit. Each row is a snapshot of a real feed, taken through the whole
pipeline (collected, normalised, stored in SQLite, merged, published to one collection) by one hub that meets them in
the order of their days, its clock at that day. The snapshots are no part of this repository; NOROSHI_SHARED says where
they are.

- **records** = claims + refused + held, but for formats of which one record may say several things: how many more
  claims came of it stands in brackets.
- **claims** = repeated + known + from others + new: about an observable that an earlier record of the file is about;
  that the same feed knew from an earlier file; that only other feeds had said before; that nobody had said before.
- **over**: observables whose claims had ended by the day of the snapshot. They are kept and looked up, not published.
- **by lists**: observables that the known-good lists that ship keep back; in brackets, how many each list holds, be
  they kept back, made less sure or labelled.
- **objects** were published for the first time; **versions** are new ones of objects that were there.
- **validated**: of those, so many were held to `stix2.parse` and the OASIS validator, with the errors they found.
- Feeds named after a file are other forms of what a shipped feed offers, read by an entry in the tests and no code.
- To be merged and checked at all, what a feed's terms keep from subscribers is published here. An excerpt is not held
  for its few rows.

{table}

Duplicates in the collection after all of it (objects of one type about one observable): {duplicates}.

## Files that no feed reads

| file | why |
| --- | --- |
{unread}
"""


def main(words: Sequence[str] | None = None) -> int:
    """Print the report and write the page. 1 when a validator found an error, or an observable has two objects."""
    given = options("tests.snapshots", __doc__, words, validate=50)
    chosen = [item for item in snapshots() if given.only in item.file]
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        hub = Hub(Path(folder) / "data")
        for snapshot in chosen:
            if snapshot.feed is not None:
                became = hub.take(snapshot)
                lines.append(Line(became, checked(became.bodies, given.validate or None)))
                became.bodies.clear()
                print(f"{became.status:9} {snapshot.file}  {became.message}", file=sys.stderr, flush=True)
        duplicates = hub.duplicates()
        hub.close()
    text = _TEXT.format(
        day=datetime.now(UTC).date().isoformat(),
        table=table(lines),
        duplicates=duplicates,
        unread=unread([item for item in chosen if item.feed is None]),
    )
    print(text)
    if not given.only:
        _PAGE.write_text(text, encoding="utf-8")
    errors = [error for line in lines for error in line.checked.errors]
    print(*errors, sep="\n", file=sys.stderr)
    return 1 if errors or duplicates else 0


if __name__ == "__main__":
    sys.exit(main())
