"""One size of the collection: the targets side by side, every cell in turns, round after round.

Targets are measured interleaved, so that a slow minute of a shared machine falls on all of them: ratios count.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import limits
from benchmarks.cells import Cells, Key
from benchmarks.client import NoAnswer
from benchmarks.memory import Memory, Watch
from benchmarks.targets.base import Target, connect
from benchmarks.targets.yardsticks import FlaskSqlite
from benchmarks.workloads import (
    PAGE,
    Effort,
    Result,
    Synced,
    by_id,
    by_type,
    check_empty,
    check_object,
    check_sync,
    check_type,
    empty_poll,
    first_page,
    full_sync,
    load_of,
    looked_up,
    page_time,
    post,
    time_of,
)

CONNECTIONS = (1, 8, 32)
#: at most so many in a round of POST
_ENVELOPES = 30
SYNC, BY_ID, BY_TYPE = "full sync", "object by id", "filter by type"
LOAD, LOAD_AS_SUBMISSION = "load by POST", "load by POST, as submissions"
MEMORY, MAPPED = "memory under load", "mapped by SQLite"
FIRST, MIDDLE, LAST = "first page", "middle page", "last page"
UNITS = {
    SYNC: "objects/s",
    LOAD: "objects/s",
    LOAD_AS_SUBMISSION: "objects/s",
    MEMORY: "MB",
    MAPPED: "MB",
    FIRST: "ms",
    MIDDLE: "ms",
    LAST: "ms",
}
Say = Callable[[str], None]


def empty(connections: int, login: str = "") -> str:
    """Name of the empty poll's workload."""
    shown = f"{connections} connection{'s' if connections > 1 else ''}"
    return f"empty poll, {shown}" + (f", {login}" if login else "")


@dataclass(slots=True)
class _Cell:
    """One thing to measure again and again, after it was checked once."""

    key: Key
    check: Callable[[], None]
    measure: Callable[[], Result]


class Stage:
    """Targets that hold the same objects."""

    def __init__(self, size: int, targets: Sequence[Target], *, effort: Effort, folder: Path, cells: Cells, say: Say):
        self._size, self._targets, self._effort, self._cells, self._say = size, targets, effort, cells, say
        self._folder = folder / str(size)
        self._synced: dict[str, Synced] = {}
        self._peaks: dict[str, Memory] = {}
        #: objects posted so far, to each target
        self._posted: Counter[str] = Counter()

    def run(self, rounds: int, *, posts: bool = True, pages: bool = False) -> None:
        """Start all, check all, measure all, stop all."""
        shutil.rmtree(self._folder, ignore_errors=True)
        try:
            for target in self._targets:
                self._fill(target)
            ready = [cell for target in self._targets for cell in self._reads(target) if self._checked(cell)]
            for number in range(1, rounds + 1):
                self._say(f"{self._size:,} objects, round {number} of {rounds}")
                self._round(ready, backwards=number % 2 == 0)
            for target in self._targets if pages else ():
                self._pages(target)
            for target in self._targets:
                self._memory(target, self._read_on)
            for _ in range(rounds if posts else 0):
                for target in self._targets:
                    self._posts(target)
            for target in self._targets if posts else ():
                self._memory(target, self._post_on)
            self._note_memory()
        finally:
            for target in self._targets:
                target.stop()
            shutil.rmtree(self._folder, ignore_errors=True)

    def _fill(self, target: Target) -> None:
        self._say(f"{self._size:,} objects into {target.name}")
        self._home(target).mkdir(parents=True)
        target.start(self._home(target))
        target.preload(self._size)

    def _home(self, target: Target) -> Path:
        return self._folder / target.name.replace(" ", "-")

    def _reads(self, target: Target) -> Iterator[_Cell]:
        size, patience, first = self._size, self._effort.patience, next(iter(target.logins))
        yield _Cell(
            Key(SYNC, size, target.name),
            lambda: self._synced.update({target.name: check_sync(target, size, patience)}),
            lambda: full_sync(target, self._synced[target.name], self._effort),
        )
        for login in target.logins:
            for connections in CONNECTIONS:
                yield _Cell(
                    Key(empty(connections, "" if login == first else login), size, target.name),
                    lambda login=login: check_empty(target, login, patience),  # type: ignore[misc]
                    lambda login=login, connections=connections: self._load(  # type: ignore[misc]
                        target, [empty_poll(target)], connections, login
                    ),
                )
        ids = [by_id(target, item) for item in looked_up(size)] if target.distinct else [by_id(target, looked_up(1)[0])]
        yield _Cell(
            Key(BY_ID, size, target.name),
            lambda: check_object(target, size, patience),
            lambda: self._load(target, ids, 8, first),
        )
        yield _Cell(
            Key(BY_TYPE, size, target.name),
            lambda: check_type(target, size, patience),
            lambda: self._load(target, [by_type(target)], 8, first),
        )

    def _load(self, target: Target, paths: Sequence[str], connections: int, login: str) -> Result:
        return load_of(target, paths, connections, self._effort, login, self._folder)

    def _checked(self, cell: _Cell) -> bool:
        try:
            cell.check()
        except NoAnswer:
            self._cells.add(cell.key, None, f"no answer in {self._effort.patience} s")
            self._rest(cell.key.target)
            return False
        return True

    def _round(self, ready: Sequence[_Cell], *, backwards: bool) -> None:
        # by workload, not by target: the cells to be compared stand next to each other in time
        for cell in sorted(ready, key=lambda cell: (cell.key.workload, cell.key.target), reverse=backwards):
            self._cells.add(cell.key, *cell.measure())
            self._rest(cell.key.target)
        for target in self._targets:
            if isinstance(target, FlaskSqlite):
                limits.measure(target.database, self._size, min(1, self._effort.seconds), self._cells)

    def _rest(self, name: str) -> None:
        """A target that goes on with what nobody waits for any more is started anew."""
        for target in self._targets:
            if target.name != name or not getattr(target, "lingers", False):
                continue
            if time_of(target, empty_poll(target), next(iter(target.logins)), 1.0) is None:
                target.preload(self._size)

    def _pages(self, target: Target) -> None:
        if not target.distinct or target.name not in self._synced:
            return
        checked = self._synced[target.name]
        link, wanted = connect(target), {FIRST: first_page(target), MIDDLE: checked.middle, LAST: checked.last}
        for turn in range(20 * self._effort.seconds):
            for name, path in wanted.items():
                spent = page_time(target, path, link)
                # the first turn warms whatever there is to warm
                self._cells.add(Key(name, self._size, target.name), spent if turn else None)

    def _memory(self, target: Target, work: Callable[[Target], None]) -> None:
        """Look at the target's memory while it works; nothing is timed meanwhile."""
        with Watch(target.pid, self._home(target)) as watch:
            work(target)
        self._peaks[target.name] = max(watch.peak, self._peaks.get(target.name, watch.peak))
        self._rest(target.name)

    def _read_on(self, target: Target) -> None:
        first = next(iter(target.logins))
        if target.name in self._synced:
            full_sync(target, self._synced[target.name], self._effort)
            self._load(target, [first_page(target)], 8, first)
        self._load(target, [empty_poll(target)], 32, first)

    def _note_memory(self) -> None:
        for name, peak in self._peaks.items():
            note = f"{peak.processes} processes; anonymous pages {peak.anonymous:,.0f} MB"
            self._cells.add(Key(MEMORY, self._size, name), peak.resident, note)
            self._cells.add(Key(MAPPED, self._size, name), peak.mapped)

    def _posts(self, target: Target) -> None:
        for workload, inbox, kind in _inboxes(target):
            self._say(f"{workload} into {target.name}")
            self._cells.add(Key(workload, self._size, target.name), *self._post(target, inbox, kind))
            self._rest(target.name)

    def _post_on(self, target: Target) -> None:
        for _, inbox, kind in _inboxes(target):
            self._post(target, inbox, kind)

    def _post(self, target: Target, inbox: str, kind: str) -> Result:
        first = self._size + self._posted[target.name]
        self._posted[target.name] += _ENVELOPES * PAGE
        return post(target, inbox, first, self._effort, most=_ENVELOPES, kind=kind)


def _inboxes(target: Target) -> list[tuple[str, str, str]]:
    """What may be posted where: workload, path, kind of the objects if only one is taken."""
    found = [(LOAD, target.inbox, ""), (LOAD_AS_SUBMISSION, getattr(target, "submissions", ""), "indicator")]
    return [item for item in found if item[1]]
