"""What a tree of processes holds in memory, without the pages of the database files that it maps.

Pages shared between processes count once (proportional set size). Database pages are left out because the kernel
takes them back when it needs them.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import NamedTuple

from benchmarks.processes import tree


class Memory(NamedTuple):
    """Megabytes (of 1,000,000 bytes) of a whole tree."""

    #: proportional set size, without mapped files under the data folder
    resident: float
    #: anonymous pages alone, summed over the processes
    anonymous: float
    #: mapped files under the data folder
    mapped: float
    processes: int


def of_tree(pid: int, data: Path) -> Memory:
    """Now, of ``pid`` and its descendants. Processes that end meanwhile count for nothing."""
    members = tree(pid)
    sums = [_of_process(member, str(data.resolve())) for member in members]
    own, anonymous, mapped = (sum(column) / 1_000 * 1.024 for column in zip(*sums, strict=True))
    return Memory(own, anonymous, mapped, len(members))


def _of_process(pid: int, data: str) -> tuple[int, int, int]:
    try:
        lines = Path(f"/proc/{pid}/smaps").read_text().splitlines()
    except OSError:
        return 0, 0, 0
    own = anonymous = mapped = 0
    in_data = False
    for line in lines:
        name, _, rest = line.partition(" ")
        if not name.endswith(":"):
            in_data = f" {data}/" in line
        elif name == "Pss:":
            mapped, own = (mapped + _kib(rest), own) if in_data else (mapped, own + _kib(rest))
        elif name == "Anonymous:":
            anonymous += _kib(rest)
    return own, anonymous, mapped


def _kib(rest: str) -> int:
    return int(rest.split()[0])


class Watch:
    """Samples a tree until closed and keeps the largest sample; use it as a context, outside of what is timed."""

    def __init__(self, pid: int, data: Path, *, every: float = 0.5) -> None:
        self._pid, self._data, self._every = pid, data, every
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.peak = Memory(0.0, 0.0, 0.0, 0)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self.peak = max(self.peak, of_tree(self._pid, self._data))
            if self._over.wait(self._every):
                return
