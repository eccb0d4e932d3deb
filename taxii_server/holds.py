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
from normalizers.columns import ENOUGH
from taxii_server.stores.base import FeedState

Counts = Mapping[Audience, int]

#: A log that never had so many rows may have few of them any day.
_FEW = 100
#: Of a list, no more values than this that are gone at once are never too many, whatever share of it they are.
_TINY = 10
#: How much larger the share of refused rows may become in a list: what is refused is not listed.
_RISE = 0.2


def seen_by(reader: Audience, counts: Counts) -> int:
    """How many of them that reader may see."""
    return sum(count for audience, count in counts.items() if sees(reader, audience))


class Holds:
    """What is held of one fetch, for whom and why."""

    def __init__(self, feed: Feed, rows: Counts, before: FeedState, *, partial: bool, confirmed: bool) -> None:
        """``rows`` of the documents by who may see them; ``before``: what is remembered of the last ones. ``partial``:
        more is to come. ``confirmed``: a person says that what is so unlike the last ones is right."""
        self._feed = feed
        self._rows = rows
        self._before = before
        self._confirmed = confirmed
        #: whether the documents can be told from the last ones
        self._compared = feed.steady and not partial and not confirmed
        #: whom there is something to tell, or was
        self._readers = {*rows, *before.listed} or {feed.audience}
        #: audience -> why it is told nothing
        self.why: dict[Audience, str] = {}
        #: what is told of documents that are taken in all the same: logs that say little, or much that is refused
        self.odd: list[str] = []
        for reader in sorted(self._readers):
            self._count(reader, partial)

    def _count(self, reader: Audience, partial: bool) -> None:
        expect, rows = self._feed.expect, seen_by(reader, self._rows)
        before = seen_by(reader, self._before.most)
        if rows < expect.min_rows and not partial:
            self.why[reader] = f"expected at least {expect.min_rows} rows (min_rows), got {rows}"
        elif expect.max_rows is not None and rows > expect.max_rows:
            self.why[reader] = f"expected at most {expect.max_rows} rows (max_rows), got {rows}"
        elif self._compared and 0 < before * expect.growth <= rows and rows > expect.few:
            self.why[reader] = f"the document grew from {before} to {rows} rows; {self._if_right}"
        else:
            self._size(reader, rows, "rows")

    @property
    def _if_right(self) -> str:
        return f"if that is right, run `noroshi collect {self._feed.id} --confirm`"

    def _size(self, reader: Audience, now: int, what: str) -> None:
        if not self._compared:
            return
        expect = self._feed.expect
        if self._feed.kind == "list":
            before = seen_by(reader, self._before.listed)
            if now < before * (1 - expect.shrink) and before - now > _TINY:
                self.why[reader] = f"the list shrank from {before} to {now} {what}; {self._if_right}"
            return
        # Of a log that may be empty, few rows tell nothing. Absence from a log means nothing, so it is not held.
        most = seen_by(reader, self._before.most) if expect.min_rows else 0
        if most >= _FEW and now * 10 <= most:
            self.odd.append(f"{now} {what}, where there were up to {most}; {self._if_right}")

    def edition(self, reader: Audience, before: int, now: int) -> None:
        """Judge an edition of a corrected file by its rows and those of the edition ``before``: what it says no more is
        to be taken back."""
        expect = self._feed.expect
        if self._confirmed:
            return
        if now < before * (1 - expect.shrink) and before - now > _TINY:
            self.why.setdefault(reader, f"the file shrank from {before} to {now} rows; {self._if_right}")
        elif 0 < before * expect.growth <= now and now > expect.few:
            self.why.setdefault(reader, f"the file grew from {before} to {now} rows; {self._if_right}")

    def taste(self, reader: Audience, rows: Counts, refused: Counts) -> None:
        """Judge by the first rows alone, before anything is written."""
        tasted, bad = seen_by(reader, rows), seen_by(reader, refused)
        if bad > tasted * self._feed.expect.refused:
            self.why.setdefault(reader, f"{bad} of the first {tasted} rows cannot be read as they should")

    def fill(self, missed: Mapping[Audience, str]) -> None:
        """Hold for those who miss a column; ``missed`` says what each does."""
        for reader in sorted(self._readers & missed.keys()):
            self.why.setdefault(reader, f"{missed[reader]}; {self._if_right}")

    def whole(self, refused: Counts, values: Counts) -> None:
        """Judge once all is read, and before anything is withdrawn for its absence from a list: rows that cannot be
        read, or say one thing again and again, do not make it whole. ``values`` are those that a list holds."""
        for reader in sorted(self._readers - self.why.keys()):
            rows, bad = seen_by(reader, self._rows), seen_by(reader, refused)
            if self._feed.kind == "list" and bad > rows * self._feed.expect.refused:
                self.why[reader] = f"{bad} of {rows} rows cannot be read as they should"
            elif not self._risen(reader, rows, bad) and self._feed.kind == "list":
                self._size(reader, seen_by(reader, values), "values")

    def _risen(self, reader: Audience, rows: int, bad: int) -> bool:
        """Whether much more is refused than was, though no more than may be."""
        were, was = seen_by(reader, self._before.rows), seen_by(reader, self._before.bad)
        if not self._compared or rows < ENOUGH or not were or bad / rows <= was / were + _RISE:
            return False
        said = f"{bad} of {rows} rows cannot be read, where {was} of {were} could not; {self._if_right}"
        if self._feed.kind == "list":
            self.why[reader] = said
        else:
            self.odd.append(said)
        return True

    @property
    def all(self) -> bool:
        """Whether nobody is told anything."""
        return self._readers <= self.why.keys()

    @property
    def message(self) -> str:
        """What is held and why, else what is odd; "" when nothing is. For operators alone."""
        if not self.why:
            return "; ".join(dict.fromkeys(self.odd))
        if self._readers == self.why.keys() and len(set(self.why.values())) == 1:
            return next(iter(self.why.values()))
        return "; ".join(f"for {reader}: {why}" for reader, why in self.why.items())
