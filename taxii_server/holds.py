"""Holds: for whom a document is not what is normal for its feed, so that nothing of it is believed.

Rows may bear markings of their own. Each audience is judged by the rows that it may see and by nothing else, as if the
document held no others: were they counted too, what one may not see would decide what one is told (promise 2). So a
document may be taken in for one audience and be held for another.

What is decided for a whole document at once depends on no row: whether it was fetched, how large it is, and whether it
can be read at all. A document that is no JSON has no rows yet, and so none that anybody may not see.
"""

from __future__ import annotations

from collections.abc import Mapping

from config.audience import Audience, sees
from config.feeds import Feed

Counts = Mapping[Audience, int]


def seen_by(reader: Audience, counts: Counts) -> int:
    """How many of them that reader may see."""
    return sum(count for audience, count in counts.items() if sees(reader, audience))


class Holds:
    """What is held of one fetch, for whom and why."""

    def __init__(self, feed: Feed, rows: Counts, listed: Counts, *, partial: bool, confirmed: bool) -> None:
        """``rows`` of the documents, and the values ``listed`` in the last ones, by who may see them. ``partial``: more
        is to come. ``confirmed``: a person says that a list which shrank is right."""
        self._feed = feed
        self._rows = rows
        self._listed = listed
        self._confirmed = confirmed
        #: whom there is something to tell, or was
        self._readers = {*rows, *listed} or {feed.audience}
        #: audience -> why it is told nothing
        self.why: dict[Audience, str] = {}
        for reader in sorted(self._readers):
            self._count(reader, partial)

    def _count(self, reader: Audience, partial: bool) -> None:
        expect, rows = self._feed.expect, seen_by(reader, self._rows)
        if rows < expect.min_rows and not partial:
            self.why[reader] = f"expected at least {expect.min_rows} rows, got {rows}"
        elif expect.max_rows is not None and rows > expect.max_rows:
            self.why[reader] = f"expected at most {expect.max_rows} rows, got {rows}"
        else:
            self._size(reader, rows, "rows")

    def _size(self, reader: Audience, now: int, what: str) -> None:
        before = seen_by(reader, self._listed)
        if self._feed.kind == "list" and not self._confirmed and now < before * (1 - self._feed.expect.shrink):
            self.why[reader] = (
                f"the list shrank from {before} to {now} {what}; "
                f"if that is right, run `noroshi collect {self._feed.id} --confirm`"
            )

    def taste(self, reader: Audience, rows: Counts, refused: Counts) -> None:
        """Judge by the first rows alone, before anything is written."""
        tasted, bad = seen_by(reader, rows), seen_by(reader, refused)
        if bad > tasted * self._feed.expect.refused:
            self.why.setdefault(reader, f"{bad} of the first {tasted} rows cannot be read as they should")

    def whole(self, refused: Counts, values: Counts) -> None:
        """Judge a list once it is read, before anything is withdrawn for its absence: rows that cannot be read, or say
        one thing again and again, do not make it whole. ``values`` are those that it lists."""
        for reader in sorted(self._readers - self.why.keys()):
            rows, bad = seen_by(reader, self._rows), seen_by(reader, refused)
            if bad > rows * self._feed.expect.refused:
                self.why[reader] = f"{bad} of {rows} rows cannot be read as they should"
            else:
                self._size(reader, seen_by(reader, values), "values")

    @property
    def all(self) -> bool:
        """Whether nobody is told anything."""
        return self._readers <= self.why.keys()

    @property
    def message(self) -> str:
        """What is held and why, "" when nothing is. For operators alone."""
        if self._readers == self.why.keys() and len(set(self.why.values())) == 1:
            return next(iter(self.why.values()))
        return "; ".join(f"for {reader}: {why}" for reader, why in self.why.items())
