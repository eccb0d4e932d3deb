"""What is usual in the columns of a feed, for each of those who may see rows of it.

A column that is read, and has nothing all at once, may have another name now. How much tells that depends on how the
feed comes. A document that is all there is is compared with the one before. Of what comes page by page, or a few rows
at a time, rows count, over pages and runs. Files that stand each for itself, and may be written by hand, are compared
with others only in what they all have.

All of it is a function of the rows that one audience may see, in their order, wherever a page ends and however often
one is read again: it decides what is held (promise 2).
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, field
from typing import Any, Literal

from config.audience import Audience, rank, sees
from normalizers.columns import ENOUGH, Columns, Row, Survey

#: What is remembered of a feed, by who may see it, as JSON.
Remembered = Mapping[str, Any]
#: How the documents come: each all that there is, some rows of many, or files that stand each for itself.
Coming = Literal["whole", "rows", "files"]
#: Columns that are missed, each with what was usual.
Gone = dict[str, str]

#: A column that had something in so many of a hundred rows is missed when it has nothing.
_FIRM = 50
#: So many times the longest that a column ever had nothing is too long.
_TIMES = 3
#: After so many rows those before count for half.
_MANY = 1_000
#: The latest rows: they do not count again.
_RECENT = 256


@dataclass(slots=True)
class _Column:
    """What one column had, row by row."""

    filled: int = 0
    empty: int = 0
    #: rows in which it had nothing since it last had something; they are not among the empty ones yet
    gap: int = 0
    #: the longest gap that ended, of long ago for less
    longest: int = 0

    def take(self, has: bool) -> None:
        """Count a row."""
        if not has:
            self.gap += 1
            return
        if self.gap:
            if self.filled:  # else it was not there yet, and nobody missed it
                self.empty, self.longest = self.empty + self.gap, max(self.longest, self.gap)
            self.gap = 0
        self.filled += 1
        if self.filled + self.empty >= _MANY:
            self.filled, self.empty, self.longest = self.filled // 2, self.empty // 2, self.longest // 2

    @property
    def share(self) -> int:
        """Of a hundred rows, how many had something, while any had; 0 when there were too few to say."""
        rows = self.filled + self.empty
        return self.filled * 100 // rows if rows >= ENOUGH else 0

    @property
    def gone(self) -> bool:
        """Whether it has had nothing for too long."""
        return self.share >= _FIRM and self.gap >= max(ENOUGH, _TIMES * self.longest)

    def accept(self) -> None:
        """That it has nothing any more is right."""
        if self.gone:
            self.filled, self.empty, self.gap, self.longest = 0, 0, 0, self.gap


@dataclass
class Usual:
    """What one audience has seen."""

    columns: dict[str, _Column] = field(default_factory=dict)
    #: digests of the latest rows, in their order
    recent: dict[str, None] = field(default_factory=dict)
    #: digests of some files, as many as are enough: the smallest ones, whatever their order
    files: list[str] = field(default_factory=list)
    #: columns that some file had in less than half of its rows
    lacking: list[str] = field(default_factory=list)

    @classmethod
    def remembered(cls, told: Mapping[str, Any]) -> Usual:
        """From what was remembered."""
        columns = {name: _Column(*counts) for name, counts in told.get("columns", {}).items()}
        recent = dict.fromkeys(told.get("recent", ()))
        return cls(columns, recent, list(told.get("files", ())), list(told.get("lacking", ())))

    @classmethod
    def of(cls, document: Columns) -> Usual:
        """Of a document that is all that there is."""
        filled, rows = document.filled, document.rows
        columns = {name: _Column(filled[name], len(rows) - filled[name]) for name in document.read}
        return cls(columns, dict.fromkeys(row.digest for row in rows[-_RECENT:]))

    def told(self) -> dict[str, Any]:
        """As it is remembered."""
        columns = {name: list(astuple(one)) for name, one in self.columns.items()}
        told = {"columns": columns, "recent": list(self.recent), "files": self.files, "lacking": self.lacking}
        return {name: what for name, what in told.items() if what}

    def take(self, row: Row, read: tuple[str, ...]) -> None:
        """Count a row, unless it was among the latest."""
        if row.digest in self.recent:
            return
        self.recent[row.digest] = None
        if len(self.recent) > _RECENT:
            del self.recent[next(iter(self.recent))]
        columns, filled = self.columns, row.filled
        for name in read:
            if name not in columns:
                columns[name] = _Column()
            columns[name].take(name in filled)

    def take_file(self, file: Columns) -> None:
        """Remember a file; to do so again changes nothing."""
        said = "".join(row.digest for row in file.rows)
        digest = hashlib.blake2b(said.encode(), digest_size=8).hexdigest()
        self.files = sorted({*self.files, digest})[:ENOUGH]
        self.lacking = sorted({*self.lacking, *(name for name, share in file.shares.items() if share < _FIRM)})


class Comparison:
    """The columns of one fetch beside what is usual."""

    def __init__(
        self, found: Survey, coming: Coming, usual: Remembered, settled: Remembered, *, listed: bool, confirmed: bool
    ) -> None:
        """``usual`` is what is remembered by now, ``settled`` what was when the run began: the files of one run are not
        compared with each other, or a first run would stop where they changed years ago. ``listed``: of a list few
        rows tell nothing, for they stay the same. ``confirmed``: a person says that it is right."""
        self._found = found
        self._coming = coming
        self._before = {reader: Usual.remembered(told) for reader, told in usual.items()}
        self._settled = {reader: Usual.remembered(told) for reader, told in settled.items()}
        self._listed = listed
        self._after: dict[Audience, Usual] = {}
        #: audience -> what it misses, and why
        self.missed: dict[Audience, str] = {}
        for reader in sorted({*usual, *found.audiences}):
            self._compare(reader, confirmed)

    def _compare(self, reader: Audience, confirmed: bool) -> None:
        seen = self._found.seen_by(reader)
        if not seen.rows:
            return
        gone = self._gone(reader, seen)
        if confirmed and reader in self._after:
            for column in self._after[reader].columns.values():
                column.accept()
        elif gone:
            other = f"; columns that are not read: {', '.join(seen.unread[:20])}" if seen.unread else ""
            said = ", ".join(f"{name} ({usual})" for name, usual in gone.items())
            self.missed[reader] = f"expected something in column {said}, got nothing{other}"

    def _gone(self, reader: Audience, seen: Columns) -> Gone:
        """What is missed; what is usual then is noted."""
        before = _of(self._before, reader)
        if self._coming == "files":
            return self._gone_in_file(reader, seen, before)
        if self._coming == "rows":
            return self._gone_in_rows(reader, seen, before)
        if seen.telling:
            return self._gone_in_whole(reader, seen, before)
        filled = seen.filled
        gone = self._gone_in_rows(reader, seen, before) if not self._listed else {}
        return {name: said for name, said in gone.items() if not filled[name]}

    def _gone_in_whole(self, reader: Audience, seen: Columns, before: Usual | None) -> Gone:
        self._after[reader] = Usual.of(seen)
        filled = seen.filled
        known = before.columns.items() if before is not None else ()
        shares = {name: column.share for name, column in known if name in seen.read and not filled[name]}
        return {name: f"in {share} % of the rows before" for name, share in shares.items() if share >= _FIRM}

    def _gone_in_rows(self, reader: Audience, seen: Columns, before: Usual | None) -> Gone:
        after = self._after[reader] = copy.deepcopy(before) or Usual()
        for row in seen.rows:
            after.take(row, seen.read)
        columns = {name: after.columns[name] for name in seen.read if name in after.columns}
        return {
            name: f"in {column.share} % of the rows before the last {column.gap}"
            for name, column in columns.items()
            if column.gone
        }

    def _gone_in_file(self, reader: Audience, seen: Columns, before: Usual | None) -> Gone:
        after = self._after[reader] = copy.deepcopy(before) or Usual()
        after.take_file(seen)
        settled, filled = _of(self._settled, reader), seen.filled
        if settled is None or len(settled.files) < ENOUGH or not seen.telling:
            return {}
        gone = (name for name in seen.read if name not in settled.lacking and not filled[name])
        return dict.fromkeys(gone, "in each of the files before")

    def usual(self, held: Iterable[Audience]) -> dict[Audience, dict[str, Any]]:
        """What is usual from now on, but for those for whom the documents are ``held`` or who miss something: as it
        was."""
        kept = {*held, *self.missed}
        after = self._before | {reader: usual for reader, usual in self._after.items() if reader not in kept}
        return {reader: usual.told() for reader, usual in sorted(after.items())}


def _of(usual: Mapping[Audience, Usual], reader: Audience) -> Usual | None:
    """What is usual for somebody: who is told something of their own for the first time has seen what those saw who see
    less."""
    known = [audience for audience in usual if sees(reader, audience)]
    return usual[max(known, key=rank)] if known else None


def remembered(columns: Mapping[str, Any], own: Audience) -> Remembered:
    """What a store holds of a feed's columns. An older one holds the shares of a hundred rows, all of them for the
    feed's ``own`` audience."""
    if any(isinstance(share, int) for share in columns.values()):
        shares = {name: [share, 100 - share, 0, 0] for name, share in columns.items()}
        return {own: {"columns": shares}}
    return columns
