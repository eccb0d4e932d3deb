"""FIRST's EPSS: how likely each CVE is to be exploited within thirty days, in CSV with its date in a comment.

Scores move a little every day, and a subscriber acts on none of that: a score is told as the step that it has reached.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from datetime import UTC
from typing import ClassVar, Literal

from collectors.document import Document
from config.audience import Audience
from config.entry import Entry
from config.feeds import Feed
from config.instant import Millis
from normalizers.bad_value import BadValue, shown
from normalizers.claims import SCORE, Claim, detail_text
from normalizers.records import Refusal, UnreadableDocument, refusal
from normalizers.sources import Source
from normalizers.texts import check_encoding, lines
from normalizers.times import time_reader
from normalizers.values import canonical

#: What a score is rounded down to.
STEPS = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9)
_DATE = re.compile(r"score_date:([0-9TZ:.+-]{10,40})")
_HEADER = ["cve", "epss", "percentile"]
_time = time_reader("iso", UTC)
_DETAILS = {step: detail_text({"threat": SCORE, "epss": step}) for step in STEPS}


class Format(Entry):
    """The scores of one day, one CVE a row."""

    marks: ClassVar[bool] = False
    kind: Literal["epss"]

    def read(self, document: Document, feed: Feed) -> Iterator[Claim | Refusal]:
        """See :class:`normalizers.reading.Reading`."""
        dated, rows = _table(document)
        source = Source(feed, document, dated)
        for number, row in rows:
            try:
                if len(row) < len(_HEADER):
                    raise BadValue("columns", f"expected {len(_HEADER)} columns, got {len(row)}")
                kind, cve = canonical("cve", row[0])
                yield source.claim(kind, cve, last_seen=dated, changed=dated, detail=_DETAILS[_step(row[1])])
            except BadValue as error:
                yield refusal(number, error)

    def check(self, document: Document, feed: Feed) -> Counter[Audience]:
        """See :class:`normalizers.reading.Reading`."""
        check_encoding(document, "utf-8", "CSV")
        _, rows = _table(document)
        return Counter({feed.audience: sum(1 for _ in rows)})


def _table(document: Document) -> tuple[Millis, Iterator[tuple[int, list[str]]]]:
    """The date, and the rows with their lines. Raises :class:`UnreadableDocument`, perhaps only at the end."""
    text = lines(document, "utf-8")
    dated = _DATE.search(next(text, ""))
    header = next(text, "").strip().split(",")
    if dated is None or header != _HEADER:
        raise UnreadableDocument(
            f"{document.name}: expected a comment with score_date, then the columns {','.join(_HEADER)}"
        )
    try:
        moment = _time(dated[1])
    except BadValue as error:
        raise UnreadableDocument(f"{document.name}: score_date: {error}") from None
    return moment, ((number, line.strip().split(",")) for number, line in enumerate(text, start=3) if line.strip())


def _step(text: str) -> float:
    try:
        score = float(text)
    except ValueError:
        score = -1.0
    if not 0 <= score <= 1:
        raise BadValue("bad-score", f"expected a score from 0 to 1, got {shown(text)}")
    return STEPS[bisect_right(STEPS, score) - 1]
