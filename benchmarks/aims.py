"""What the benchmark is to show, and how far each aim is met."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from benchmarks import pipeline, stage
from benchmarks.cells import Cells

HUB, PEER, YARDSTICK = "noroshi", "opentaxii", "flask+sqlite"
PAGES_AT = 1_000_000


class Aim(NamedTuple):
    """One line of the table."""

    text: str
    #: as it is written in the table
    wanted: str
    measured: str
    verdict: str


def judge(cells: Cells, size: int) -> list[Aim]:
    """All aims; those that compare with the peer are judged at ``size`` objects."""
    return [*_reads(cells, size), *_poll_aims(cells, size), *_rest(cells, size), *_pipeline(cells)]


def _reads(cells: Cells, size: int) -> Iterator[Aim]:
    yield _at_least(f"full sync in pages of 1,000, {size:,} entries, against opentaxii", 20, cells, stage.SYNC, size)
    mine = cells.ratio(stage.SYNC, size, HUB, YARDSTICK)
    counts = cells.ratio(stage.SYNC, size, YARDSTICK, PEER)
    text = f"full sync, {size:,} entries, against the least Flask + SQLite"
    if counts is not None and counts < 20:
        yield Aim(
            text, "0.67 times", _times(mine), f"does not count: the yardstick itself is {counts:.1f} times opentaxii"
        )
    else:
        yield Aim(text, "0.67 times", _times(mine), _verdict(mine, 2 / 3))


def _poll_aims(cells: Cells, size: int) -> Iterator[Aim]:
    theirs = cells.median(stage.empty(32), size, PEER)
    for login, workload in (("token", stage.empty(32)), ("Basic", stage.empty(32, "basic"))):
        mine = cells.median(workload, size, HUB)
        ratio = mine / theirs if mine is not None and theirs else None
        text = f"empty poll with rights checked ({login}), 32 connections, {size:,} entries, against opentaxii's token"
        yield Aim(text, "15 times", _times(ratio), _verdict(ratio, 15))


def _rest(cells: Cells, size: int) -> Iterator[Aim]:
    yield _at_least(f"object by id, {size:,} entries, against opentaxii", 15, cells, stage.BY_ID, size)
    yield _at_least(f"filter by type, {size:,} entries, against opentaxii", 15, cells, stage.BY_TYPE, size)
    yield _at_least(f"load by POST, {size:,} entries, against opentaxii", 15, cells, stage.LOAD, size)
    held = PAGES_AT if cells.median(stage.LAST, PAGES_AT, HUB) is not None else size
    first, last = cells.median(stage.FIRST, held, HUB), cells.median(stage.LAST, held, HUB)
    yield _at_most(f"last page of {held:,} entries against the first", 1.2, last / first if first and last else None)
    memory = max((cells.median(stage.MEMORY, at, HUB) or 0 for at in (size, PAGES_AT)), default=0) or None
    shown = "not measured" if memory is None else f"{memory:,.0f} MB"
    text = "memory of the whole process tree without what SQLite maps"
    yield Aim(text, "at most 300 MB", shown, _verdict(memory, 300, most=True))


def _pipeline(cells: Cells) -> Iterator[Aim]:
    found = pipeline.summary(cells)
    text = "load through the feed pipeline, one core, empty hub, one collection"
    for wanted, what in ((20_000, "aim"), (10_000, "the very least")):
        shown = "not measured" if found is None else f"{found.rate:,.0f} indicators/s"
        yield Aim(f"{text} ({what})", f"{wanted:,} indicators/s", shown, _verdict(found and found.rate, wanted))
    kept = found and found.kept
    text = f"speed kept on the way to {found.size if found else 1_000_000:,} (last tenth against the first)"
    yield Aim(text, "0.5 times", _times(kept), _verdict(kept, 0.5))


def _at_least(text: str, wanted: float, cells: Cells, workload: str, size: int) -> Aim:
    ratio = cells.ratio(workload, size, HUB, PEER)
    return Aim(text, f"{wanted:g} times", _times(ratio), _verdict(ratio, wanted))


def _at_most(text: str, wanted: float, value: float | None) -> Aim:
    return Aim(text, f"at most {wanted:g} times", _times(value), _verdict(value, wanted, most=True))


def _times(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.2f} times" if value < 10 else f"{value:.0f} times"


def _verdict(value: float | None, wanted: float, *, most: bool = False) -> str:
    if value is None:
        return "not measured"
    share = value / wanted
    better: Callable[[float], bool] = (lambda s: s <= 1) if most else (lambda s: s >= 1)
    if better(share):
        return "met"
    return f"missed: {share - 1:.0%} over" if most else f"missed by {1 - share:.0%}"
