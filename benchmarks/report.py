"""RESULTS.md: what was measured, on what, and what it says about the aims."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import aims, pipeline, stage, wrk
from benchmarks.cells import Cell, Cells, Key

HERE = Path(__file__).parent
ORDER = ["noroshi", "opentaxii", "medallion", "flask+sqlite", "bare WSGI", "bare SQLite"]
_WORKLOADS = [
    stage.SYNC,
    *(stage.empty(n) for n in stage.CONNECTIONS),
    *(stage.empty(n, "basic") for n in stage.CONNECTIONS),
    stage.BY_ID,
    stage.BY_TYPE,
    stage.LOAD,
    stage.LOAD_AS_SUBMISSION,
    stage.FIRST,
    stage.MIDDLE,
    stage.LAST,
    stage.MEMORY,
    stage.MAPPED,
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What is said about a run beside its figures."""

    started: datetime
    ended: datetime
    effort: str
    versions: list[str]
    #: reasons why something was left out
    skipped: list[str]
    load_before: float


def write(path: Path, cells: Cells, run: Run) -> None:
    """Write the report. NOTES.md, where the misses are explained, is taken in."""
    sizes = sorted({key.size for key in cells.of if key.target != pipeline.TARGET})
    compared = max((size for size in sizes if cells.median(stage.SYNC, size, aims.PEER) is not None), default=0)
    parts = [
        "# Benchmark results",
        _preface(run),
        "## Aims",
        _table(["aim", "wanted", "measured", "verdict"], aims.judge(cells, compared or max(sizes, default=0))),
        *(_size(cells, size) for size in sizes),
        pipeline.section(cells),
        _notes(cells),
        "## What ran",
        _machine(run),
    ]
    notes = HERE / "NOTES.md"
    if notes.exists():
        parts.append(notes.read_text().strip())
    path.write_text("\n\n".join(part for part in parts if part) + "\n")


def _preface(run: Run) -> str:
    lines = [
        "Written by `make bench`; do not edit. Client and servers share one machine, so absolute figures move from run",
        "to run: the ratios count. Each figure is the median of interleaved rounds.",
        "",
        "- **noroshi**: this hub, with rights, limits, read counts and logs on as in production.",
        "- **opentaxii**, **medallion**: the peers, each in its own environment.",
        "- **flask+sqlite**: the yardstick: the least Flask and SQLite on granian that answers the same requests,",
        "  without versions, rights, deletion, validation, counts or logs.",
        "- **bare WSGI**: granian with bytes made beforehand. **bare SQLite**: the yardstick's file, read without one.",
    ]
    return "\n".join([*lines, *(f"- Left out: {reason}" for reason in run.skipped)])


def _size(cells: Cells, size: int) -> str:
    targets = [name for name in ORDER if any(key.size == size and key.target == name for key in cells.of)]
    ratios = [name for name in (aims.PEER, aims.YARDSTICK) if name in targets and aims.HUB in targets]
    rows = [_row(cells, workload, size, targets, ratios) for workload in _WORKLOADS]
    heads = [f"{size:,} objects", "unit", *targets, *(f"noroshi / {name}" for name in ratios)]
    return f"## {size:,} objects\n\n" + _table(heads, [row for row in rows if row])


def _row(cells: Cells, workload: str, size: int, targets: Sequence[str], ratios: Sequence[str]) -> list[str]:
    found = [cells.of.get(Key(workload, size, name)) for name in targets]
    if not any(found):
        return []
    unit = stage.UNITS.get(workload, "requests/s")
    times = [cells.ratio(workload, size, aims.HUB, name) for name in ratios]
    return [workload, unit, *map(_figure, found), *("" if ratio is None else f"{ratio:.2f}" for ratio in times)]


def _figure(cell: Cell | None) -> str:
    if cell is None:
        return ""
    if cell.median is None:
        return "none [*]" if cell.notes else "none"
    value = cell.median
    shown = f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
    return shown + (" [*]" if cell.notes else "")


def _notes(cells: Cells) -> str:
    lines = [
        f"- {key.target}, {key.size:,} objects, {key.workload}: {note}"
        for key, cell in cells.of.items()
        for note in cell.notes
    ]
    return "## Said about single figures [*]\n\n" + "\n".join(lines) if lines else ""


def _machine(run: Run) -> str:
    lines = [
        *place(run.started, run.ended, run.load_before),
        f"- wrk {wrk.version()}",
        *(f"- {version}" for version in run.versions),
        f"- {run.effort}",
    ]
    return "\n".join(lines)


def place(started: datetime, ended: datetime, load_before: float) -> list[str]:
    """When and on what it ran."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return [
        f"- {started:%Y-%m-%d %H:%M} to {ended:%H:%M} UTC; load average before: {load_before:.2f}",
        f"- {_processor()}, {os.cpu_count()} cores, {memory:.0f} GB; Linux {platform.release()}",
        f"- Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}",
        f"- noroshi at commit {_commit()}",
    ]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _commit() -> str:
    command = ["git", "-C", str(HERE), "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:  # no git here
        return "unknown"
    return done.stdout.strip() or "unknown"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(heads)} |", f"| {' | '.join('---' for _ in heads)} |"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines)


def now() -> datetime:
    """The present, for the report."""
    return datetime.now(UTC)
