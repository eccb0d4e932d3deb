"""The way from a feed's document to entries that can be polled: collect, normalize, merge, publish; on one core."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from benchmarks.cells import Cells, Key
from benchmarks.environments import HERE
from benchmarks.targets import hub
from benchmarks.targets.base import connect
from benchmarks.workloads import Effort, check_sync, first_page, full_sync, page_time
from config.loading import shipped

TARGET = "feed pipeline"
#: rate of each part of the way to the largest size; the size is the number of indicators at its end
GROWTH = "one collection"
ALONE_AGAIN = "one collection again"
SAME_VIEW = "two collections of one view"
TWO_VIEWS = "two collections of two views"
COLLECT, PUBLISH, PEAK = "collecting", "publishing", "memory"
SYNC, BYTES, FIRST, LAST = "full sync", "bytes an object", "first page", "last page"
#: identities, markings and definitions that a merged collection ships
_COMPANIONS = 20
#: how often the cost of a second collection is measured
_TURNS = 3
#: what every run has
ALONE = [hub.merged(hub.MERGED, "merged")]
_SECOND = "f2a4c6e8-1b3d-4f5a-8c7e-9d0b2f4a6c44"


class Summary(NamedTuple):
    """The growth in three figures."""

    #: indicators in the end
    size: int
    #: indicators per second over the whole way
    rate: float
    #: rate of the last part against the first
    kept: float


def measure(
    folder: Path, indicators: int, parts: int, effort: Effort, cells: Cells, say: Callable[[str], None]
) -> None:
    """To ``indicators`` with one collection, in parts; and the first part with a second collection of either kind."""
    _run(GROWTH, ALONE, indicators, parts, folder, cells, say)
    say("pipeline: reading what it published")
    _read(folder / "pipeline", indicators, effort, cells)
    # in turns, so that a slow minute of the machine falls on all of them
    narrowed = {**hub.merged(_SECOND, "narrowed"), "narrow": {"types": ["indicator"]}}
    other_view = hub.merged(_SECOND, "own dialect", tlp="tlp1")
    kinds = {ALONE_AGAIN: ALONE, SAME_VIEW: [*ALONE, narrowed], TWO_VIEWS: [*ALONE, other_view]}
    for _ in range(_TURNS):
        for name, collections in kinds.items():
            _run(name, collections, indicators // parts, 1, folder, cells, say)
    shutil.rmtree(folder / "pipeline")


def _run(
    name: str,
    collections: list[dict[str, object]],
    indicators: int,
    parts: int,
    folder: Path,
    cells: Cells,
    say: Callable[[str], None],
) -> None:
    home = folder / "pipeline"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    prepare(home, collections)
    command = [sys.executable, "-m", "benchmarks.served.pipeline_run", str(home), str(indicators), str(parts)]
    env = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as child:
        for line in child.stdout or ():
            _keep(name, json.loads(line), indicators, indicators // parts, cells, say)
    if child.returncode:
        raise RuntimeError(f"the pipeline with {name} ended with exit code {child.returncode}")


def _read(home: Path, indicators: int, effort: Effort, cells: Cells) -> None:
    """Serve what was published, and page through it."""
    server = hub.Hub()
    server.take(home, f"/bench/collections/{hub.MERGED}/objects/")
    try:
        server.serve(home)
        checked = check_sync(server, indicators, effort.patience, more=_COMPANIONS)
        cells.add(Key(SYNC, indicators, TARGET), full_sync(server, checked, effort).value)
        cells.add(Key(BYTES, indicators, TARGET), checked.size / checked.objects)
        link = connect(server)
        # the very last page holds but the rest
        paths = {FIRST: first_page(server), LAST: checked.before_last}
        for _ in range(20 * effort.seconds):
            for name, path in paths.items():
                cells.add(Key(name, indicators, TARGET), page_time(server, path, link))
    finally:
        server.stop()


def prepare(folder: Path, collections: list[dict[str, object]]) -> None:
    """Write the hub's YAML file for benchmarks.served.pipeline_run."""
    known_good = [path.stem for path in sorted(shipped("lists").glob("*.yaml"))]
    told = {**hub.settings(collections=collections), "feeds": [_feed()], "known_good": known_good}
    (folder / "hub.yaml").write_text(yaml.safe_dump(told))


def _feed() -> dict[str, Any]:
    """URLhaus as it ships, but from files, free to pass on, and a log that any number of rows may be new in."""
    transport = {"kind": "file", "path": "feed", "pattern": "*.csv"}
    return {"use": "urlhaus", "transport": transport, "share": "public", "key": None, "expect": {}}


def _keep(name: str, line: dict[str, float], whole: int, part: int, cells: Cells, say: Callable[[str], None]) -> None:
    if "memory" in line:
        cells.add(Key(f"{name}, {PEAK}", whole, TARGET), line["memory"])
        return
    size = int(line["size"])
    cells.add(Key(name, size, TARGET), part / line["seconds"])
    cells.add(Key(f"{name}, {COLLECT}", size, TARGET), part / line["collect"])
    cells.add(Key(f"{name}, {PUBLISH}", size, TARGET), part / line["publish"])
    say(f"pipeline, {name}: {size:,} indicators, {part / line['seconds']:,.0f} a second")


def summary(cells: Cells) -> Summary | None:
    """Of the growth, if it was measured."""
    rates = [(size, rate) for size in _sizes(cells) if (rate := cells.median(GROWTH, size, TARGET))]
    if not rates:
        return None
    before, seconds = 0, 0.0
    for size, rate in rates:
        before, seconds = size, seconds + (size - before) / rate
    return Summary(before, before / seconds, rates[-1][1] / rates[0][1])


def _sizes(cells: Cells) -> list[int]:
    return sorted(key.size for key in cells.of if (key.workload, key.target) == (GROWTH, TARGET))


def section(cells: Cells) -> str:
    """The chapter of the report."""
    sizes = _sizes(cells)
    found = summary(cells)
    if found is None:
        return ""
    lines = [
        "## Through the feed pipeline",
        "",
        "A feed in URLhaus's format, every row a new URL, into an empty hub on SQLite: collected, normalised, made a",
        "claim, merged, held against all known-good lists, published. One process on one core. Indicators per second",
        "of each part of the way, alone and",
        "in all:",
        "",
        "| indicators at the end | collecting | publishing | both |",
        "| --- | --- | --- | --- |",
        *(_part(cells, size) for size in sizes),
        f"| the whole way | | | {found.rate:,.0f} |",
        "",
        *_further(cells, sizes[0]),
    ]
    held = cells.median(f"{GROWTH}, {PEAK}", found.size, TARGET)
    lines.append(f"- memory of the process in the end, without what SQLite maps: {held or 0:,.0f} MB")
    return "\n".join([*lines, *_reading(cells, found.size)])


def _reading(cells: Cells, size: int) -> list[str]:
    rate, bytes_, first, last = (cells.median(name, size, TARGET) for name in (SYNC, BYTES, FIRST, LAST))
    if rate is None or not (bytes_ and first and last):
        return []
    return [
        f"- full sync of these merged indicators, {bytes_:,.0f} bytes each with contributions: {rate:,.0f} objects/s;",
        f"  a page near the end takes {last / first:.2f} times the first",
    ]


def _part(cells: Cells, size: int) -> str:
    names = (f"{GROWTH}, {COLLECT}", f"{GROWTH}, {PUBLISH}", GROWTH)
    return f"| {size:,} | " + " | ".join(f"{cells.median(name, size, TARGET) or 0:,.0f}" for name in names) + " |"


def _further(cells: Cells, size: int) -> list[str]:
    alone = cells.median(ALONE_AGAIN, size, TARGET)
    lines = [] if alone is None else [f"- to {size:,}, measured again beside the next two: {alone:,.0f} indicators/s"]
    for name in (SAME_VIEW, TWO_VIEWS):
        rate = cells.median(name, size, TARGET)
        if alone and rate:
            cost = 1e6 / rate - 1e6 / alone
            lines.append(f"- {name}: {rate:,.0f} indicators/s; the second collection costs {cost:,.0f} us an indicator")
    return lines
