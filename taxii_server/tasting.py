"""Tasting: the first rows are read before any of them is written, to see whether the document is as it should be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from config.audience import Audience, sees
from normalizers.claims import Claim
from normalizers.reading import Row
from normalizers.records import Refusal, Whole
from taxii_server.holds import Holds, seen_by

_TASTE = 1_000


class Tasting:
    """Lets the rows of one document through once those who may see them have a taste of it."""

    def __init__(self, holds: Holds, audience: Audience) -> None:
        """``audience`` of rows that do not say it themselves."""
        self._holds = holds
        self._own = audience
        self._rows: Counter[Audience] = Counter()
        self._waiting: dict[Audience, list[Row]] = {}
        self._tasted: set[Audience] = set()
        #: rows that were refused, by who may know of them
        self.refused: Counter[Audience] = Counter()

    def rows(self, given: Iterable[Row]) -> Iterator[Row]:
        """All of them: refusals at once, the others when what their audience may see has been tasted. Known rows come
        by themselves, in order."""
        own, tasted, counts = self._own, self._tasted, self._rows
        for row in given:
            passed, item, _ = row
            if isinstance(item, Claim) and not passed and (audience := item.audience) in tasted:
                counts[audience] += 1
                yield row  # as below, for what nearly every row is
                continue
            if isinstance(item, Whole):
                yield row  # speaks of those that come after it, and is none itself
                continue
            reader = (item.audience if item is not None else None) or own
            if reader not in tasted:
                self._waiting.setdefault(reader, [])
            if passed:
                yield from self._known(reader, row)
                row = row._replace(passed=0)
            if isinstance(item, Refusal):
                self.refused[reader] += 1
                yield row
            elif item is None:
                continue
            elif reader in tasted:
                counts[reader] += 1
                yield row
                continue
            else:
                self._waiting[reader].append(row)
            yield from self._count(reader, 1)
        for reader, rows in self._waiting.items():
            self._holds.taste(reader, self._rows, self.refused)
            yield from rows

    def _known(self, reader: Audience, row: Row) -> Iterator[Row]:
        # Where rows may be known, all are for one audience.
        first = min(row.passed, max(0, _TASTE - self._rows[reader]))
        yield from self._count(reader, first)
        self._rows[reader] += row.passed - first
        known = Row(row.passed, None, b"")
        if reader in self._tasted:
            yield known
        else:
            self._waiting[reader].append(known)

    def _count(self, reader: Audience, number: int) -> Iterator[Row]:
        """Count rows, and let those go that now have been tasted."""
        self._rows[reader] += number
        ready = [who for who in self._waiting if sees(who, reader) and seen_by(who, self._rows) >= _TASTE]
        for who in ready:
            self._tasted.add(who)
            self._holds.taste(who, self._rows, self.refused)
            yield from self._waiting.pop(who)
