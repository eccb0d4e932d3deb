"""``python -m benchmarks``: the same work on the hub, on medallion 3.0.0 and opentaxii 0.9.3, and on the yardsticks.

Everything listens on the loopback, on free ports, and is ended by its process id. Nothing is asserted about times. The
usual run takes about half an hour on two cores; the first one also makes the peers' environments, in .envs. It needs
nothing else of the machine: what is running beside it falls on all targets in turns, and makes them slower.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import pipeline, report, wrk
from benchmarks.cells import Cells
from benchmarks.stage import Stage
from benchmarks.targets.base import Target
from benchmarks.targets.hub import Hub
from benchmarks.targets.medallion import Medallion
from benchmarks.targets.opentaxii import OpenTaxii
from benchmarks.targets.yardsticks import BareWsgi, FlaskSqlite
from benchmarks.workloads import Effort

HERE = Path(__file__).parent
MAKERS: dict[str, Callable[[], Target]] = {
    "noroshi": Hub,
    "opentaxii": OpenTaxii,
    "medallion": Medallion,
    "flask+sqlite": FlaskSqlite,
    "bare-wsgi": BareWsgi,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is done."""

    effort: Effort
    rounds: int
    #: sizes at which everybody is compared; the bare server is measured at the last
    compared: tuple[int, ...]
    #: sizes for medallion
    medallion: tuple[int, ...]
    #: the size for the hub and the yardstick alone; 0 for none
    large: int
    #: indicators through the pipeline, and in how many parts
    pipeline: int
    parts: int


QUICK = Plan(
    effort=Effort(seconds=1, patience=4),
    rounds=1,
    compared=(1_000,),
    medallion=(20,),
    large=0,
    pipeline=5_000,
    parts=5,
)
USUAL = Plan(
    effort=Effort(seconds=3, patience=30),
    rounds=3,
    compared=(1_000, 10_000, 100_000),
    medallion=(1_000, 10_000),
    large=1_000_000,
    pipeline=1_000_000,
    parts=10,
)
FULL = Plan(
    effort=Effort(seconds=10, patience=60),
    rounds=5,
    compared=USUAL.compared,
    medallion=USUAL.medallion,
    large=USUAL.large,
    pipeline=USUAL.pipeline,
    parts=USUAL.parts,
)


@dataclass(slots=True)
class Bench:
    """One run."""

    plan: Plan
    folder: Path
    chosen: frozenset[str]
    cells: Cells = field(default_factory=Cells)
    skipped: list[str] = field(default_factory=list)
    #: what broke; the rest is measured all the same
    failed: list[str] = field(default_factory=list)
    _made: dict[str, Target | None] = field(default_factory=dict)

    def run(self) -> None:
        """All the stages."""
        if wrk.path() is None:
            self.skipped.append(f"every figure of more than one request at a time: {wrk.MISSING}")
        for size in self.plan.compared:
            names = ["noroshi", "opentaxii", "flask+sqlite"]
            self._stage(size, names + ["bare-wsgi"] * (size == self.plan.compared[-1]), rounds=self.plan.rounds)
        for size in self.plan.medallion:
            self._stage(size, ["medallion"], rounds=1)
        if self.plan.large:
            self._stage(self.plan.large, ["noroshi", "flask+sqlite"], rounds=self.plan.rounds, large=True)
        if "pipeline" in self.chosen:
            self._guarded(
                "feed pipeline",
                lambda: pipeline.measure(
                    self.folder, self.plan.pipeline, self.plan.parts, self.plan.effort, self.cells, say
                ),
            )

    def _stage(self, size: int, names: Sequence[str], *, rounds: int, large: bool = False) -> None:
        targets = [target for name in names if (target := self._target(name)) is not None]
        if targets:
            stage = Stage(size, targets, effort=self.plan.effort, folder=self.folder, cells=self.cells, say=say)
            pages = large or not self.plan.large
            self._guarded(f"{size:,} objects", lambda: stage.run(rounds, posts=not large, pages=pages))

    def _guarded(self, name: str, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:
            traceback.print_exc()
            self.failed.append(f"{name}: {type(error).__name__}: {error}")

    def _target(self, name: str) -> Target | None:
        if name not in self.chosen:
            return None
        if name not in self._made:
            say(f"environment of {name}")
            try:
                self._made[name] = MAKERS[name]()
            except Exception as error:  # a peer that cannot be installed must not cost the rest
                self._made[name] = None
                self.skipped.append(f"{name}: {error}")
        return self._made[name]

    @property
    def versions(self) -> list[str]:
        """Of what took part."""
        return [f"{target.name}: {target.version}" for target in self._made.values() if target is not None]


_STARTED = time.monotonic()


def say(what: str) -> None:
    """One line of progress."""
    print(f"{time.monotonic() - _STARTED:7.1f} s  {what}", file=sys.stderr, flush=True)


def main(words: Sequence[str] | None = None) -> int:
    """Run, write the report and print it. 1 when a part of it broke."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument(
        "--quick", action="store_true", help="see in two minutes that everything runs; figures mean nothing"
    )
    amount.add_argument("--full", action="store_true", help="longer rounds, and more of them")
    parser.add_argument("--only", nargs="+", choices=[*MAKERS, "pipeline"], help="leave out everything else")
    parser.add_argument(
        "--out", type=Path, help="where the report goes (RESULTS.md; with --quick or --only .data/RESULTS.md)"
    )
    given = parser.parse_args(words)
    chosen = frozenset(given.only or [*MAKERS, "pipeline"])
    plan = QUICK if given.quick else FULL if given.full else USUAL
    folder = HERE / ".data"
    partial = given.quick or given.only
    out = given.out or (folder / "RESULTS.md" if partial else HERE / "RESULTS.md")
    folder.mkdir(exist_ok=True)
    load, started = os.getloadavg()[0], report.now()
    bench = Bench(plan, folder, chosen)
    try:
        bench.run()
    finally:
        (folder / "cells.json").write_text(json.dumps(bench.cells.as_json(), indent=1))
    run = report.Run(
        started=started,
        ended=report.now(),
        effort=f"{plan.rounds} rounds of {plan.effort.seconds} s a cell; the slow get up to {plan.effort.patience} s",
        versions=bench.versions,
        skipped=[*bench.skipped, *(f"broken: {what}" for what in bench.failed)],
        load_before=load,
    )
    report.write(out, bench.cells, run)
    print(out.read_text())
    return 1 if bench.failed else 0


if __name__ == "__main__":
    sys.exit(main())
