"""``python -m benchmarks.known_good``: what the known-good lists that ship cost, and MISP's million sites besides.

To compile them, to load them compiled, to hold them, and to match a million values of each kind, every one new to the
caches. One core, and its time alone, whatever else the machine does.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import memory
from config.known_good import KnownGood
from config.loading import load, shipped
from config.settings import Settings
from normalizers.known_good import Matcher
from taxii_server import lists

_KINDS: dict[str, Callable[[int], tuple[str, str]]] = {
    "url": lambda n: ("url", f"http://host-{n:08d}.example.com/login"),
    "domain": lambda n: ("domain", f"host-{n:08d}.bad-{n % 1_000}.example"),
    "ipv4": lambda n: ("ipv4", f"{n * 7919 % 223 + 1}.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"),
    "file": lambda n: ("file", f"{n:064x}"),
}
_TRANCO = {
    "id": "tranco",
    "title": "A million sites",
    "warninglists": ["tranco"],
    "types": ["domain"],
    "action": "label",
}


def main() -> None:
    """Measure in a process of its own, with and without a million sites."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.known_good", description=__doc__)
    parser.add_argument("--values", type=int, default=1_000_000, help="of each kind")
    parser.add_argument("--inner", choices=["shipped", "tranco"], help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inner:
        for line in _measured(_settings(given.data, tranco=given.inner == "tranco"), given.values):
            print(line)
        return
    with tempfile.TemporaryDirectory() as folder:
        for what in ("shipped", "tranco"):
            for turn in ("compiled now", "kept compiled"):
                print(f"## {what}, {turn}", flush=True)
                inner = ["--inner", what, "--data", folder, "--values", str(given.values)]
                subprocess.run([sys.executable, "-m", "benchmarks.known_good", *inner], check=True)


def _settings(data: Path, *, tranco: bool) -> Settings:
    found = load(shipped("hub.yaml"))
    more = (KnownGood.model_validate(_TRANCO),) if tranco else ()
    return found.model_copy(update={"data": data, "known_good": (*found.known_good, *more)})


def _measured(settings: Settings, values: int) -> Iterator[str]:
    before, start = memory.of_tree(os.getpid(), settings.data).resident, time.process_time()
    matcher = lists.load(settings)
    held = memory.of_tree(os.getpid(), settings.data).resident - before
    entries = sum(item.entries for item in matcher.lists)
    yield f"{entries:,} entries ready after {time.process_time() - start:.2f} s; {held:,.0f} MB more than before"
    yield from (_matching(matcher, kind, make, values) for kind, make in _KINDS.items())


def _matching(matcher: Matcher, kind: str, make: Callable[[int], tuple[str, str]], values: int) -> str:
    made = [make(number) for number in range(values)]
    start = time.process_time()
    hits = sum(1 for one in made if matcher.match(*one))
    took = time.process_time() - start
    return f"{values:,} of {kind}: {took:.1f} s, {took / values * 1e6:.1f} us each, {hits:,} held"


if __name__ == "__main__":
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    main()
