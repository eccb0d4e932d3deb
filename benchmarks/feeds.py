"""``python -m benchmarks.feeds``: feeds of real formats and any length, collected for the first time, unchanged, with a
hundredth changed, and ten of them that overlap by half; with the known-good lists that ship.

Each shape runs in a process of its own, on one core; times are of the processor, so that what else runs on the machine
counts for little. The report goes to FEEDS.md, or below .data where the size is not the full one.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from benchmarks import report
from benchmarks.environments import HERE
from benchmarks.shapes import OVERLAPPING, SHAPES, Shape
from benchmarks.targets import hub

FULL = 1_000_000
_COLLECTION = "9a7b1c2d-3e4f-4a5b-8c6d-7e8f9a0b1c2d"
Line = dict[str, Any]


def measure(folder: Path, shape: Shape, rows: int) -> Iterator[Line]:
    """Run one shape; gives a line for each collection. Raises RuntimeError when it fails."""
    home = folder / "feeds"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    shipped = yaml.safe_load((HERE.parent / "config/hub.yaml").read_text(encoding="utf-8"))
    told = hub.settings(collections=[hub.merged(_COLLECTION, "merged")])
    told |= {"feeds": shape.settings(), "known_good": shipped["known_good"]}
    (home / "hub.yaml").write_text(yaml.safe_dump(told))
    command = [sys.executable, "-m", "benchmarks.served.feeds_run", str(home), shape.name, str(rows)]
    env = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as child:
        for line in child.stdout or ():
            yield json.loads(line)
    shutil.rmtree(home)
    if child.returncode:
        raise RuntimeError(f"{shape.name} ended with exit code {child.returncode}")


def table(lines: Sequence[Line]) -> list[str]:
    """What each collection of one shape took."""
    heads = ["collection", "rows", "changed", "withdrawn", "rows/s", "us a row", "store: claims", "store: objects"]
    heads += ["rest of collecting", "rest of publishing", "memory, MB"]
    rows = [heads, ["---"] * len(heads), *(_cells(line) for line in lines)]
    return [f"| {' | '.join(row)} |" for row in rows]


def _cells(line: Line) -> list[str]:
    rows = line["rows"]
    collecting = line["seconds"] - line["publishing"] - line["claims"]
    publishing = line["publishing"] - line["objects"]
    micros = [line["seconds"], line["claims"], line["objects"], collecting, publishing]
    return [
        line["name"],
        f"{rows:,}",
        f"{line['kept']:,}",
        f"{line['withdrawn']:,}",
        f"{rows / line['seconds']:,.0f}",
        *(f"{part * 1e6 / rows:.1f}" for part in micros),
        f"{line['memory']:,.0f}",
    ]


def reading(line: Line) -> str:
    """Of the first collection: parsing and normalising by themselves."""
    parse, rest = (part * 1e6 / line["rows"] for part in (line["parse"], line["read"] - line["parse"]))
    return f"Of the first collection's collecting, in us a row: a pass that parses {parse:.1f}, normalising {rest:.1f}."


def main(words: Sequence[str] | None = None) -> int:
    """Run every shape, write the report and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.feeds", description=__doc__)
    parser.add_argument("--rows", type=int, default=FULL, help=f"rows of a document; by default {FULL:,}")
    parser.add_argument("--only", nargs="+", choices=list(SHAPES), default=list(SHAPES), help="leave out the others")
    given = parser.parse_args(words)
    folder = HERE / ".data"
    folder.mkdir(exist_ok=True)
    load, started = os.getloadavg()[0], report.now()
    text = [
        "# Feeds of a million rows",
        "",
        "Written by `make bench-feeds`; do not edit. One process on one core, SQLite,",
    ]
    text += [
        "one merged collection, the known-good lists that ship. Times are of the processor, in microseconds a row;"
    ]
    text += ["memory is the largest of the process without what SQLite maps.", ""]
    for shape in (SHAPES[name] for name in given.only):
        rows = given.rows // 10 if shape.name == OVERLAPPING else given.rows
        lines: list[Line] = []
        for line in measure(folder, shape, rows):
            lines.append(line)
            rate = line["rows"] / line["seconds"]
            print(f"{shape.name}, {line['name']}: {rate:,.0f} rows a second", file=sys.stderr, flush=True)
        text += [f"## {shape.title[0].upper()}{shape.title[1:]}", "", *table(lines), ""]
        text += [part for line in lines if "parse" in line for part in (reading(line), "")]
    text += [*report.place(started, report.now(), load), ""]
    whole = given.rows == FULL and given.only == list(SHAPES)
    out = HERE / "FEEDS.md" if whole else folder / "FEEDS.md"
    out.write_text("\n".join(text), encoding="utf-8")
    print(out.read_text(encoding="utf-8"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
