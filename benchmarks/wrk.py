"""The load generator for many connections: Debian's wrk, one thread, keep-alive."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

MISSING = "wrk is not installed (Debian: apt-get install wrk)"
_CYCLE = """
local paths, number = {}, 0
for line in io.lines("%s") do paths[#paths + 1] = line end
request = function()
  number = number %% #paths + 1
  return wrk.format("GET", paths[number])
end
"""


class Load(NamedTuple):
    """What wrk saw."""

    #: answers per second
    rate: float
    answers: int
    #: answers other than 2xx or 3xx, and socket errors
    errors: int
    #: milliseconds
    median: float
    p99: float


def path() -> str | None:
    """Where wrk is, if it is installed."""
    return shutil.which("wrk")


def version() -> str:
    """Its version, or why there is none."""
    program = path()
    if program is None:
        return MISSING
    text = subprocess.run([program, "-v"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"wrk (?:debian/)?(\S+)", text)
    return found[1] if found else text.split("\n", 1)[0]


def run(
    port: int, paths: Sequence[str], headers: dict[str, str], *, connections: int, seconds: int, scratch: Path
) -> Load:
    """Ask for ``paths`` in turns, over so many connections, for so many seconds."""
    program = path()
    if program is None:
        raise RuntimeError(MISSING)
    command = [program, "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", f"{seconds + 5}s", "--latency"]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    if len(paths) > 1:
        (scratch / "paths.txt").write_text("\n".join(paths) + "\n")
        (scratch / "paths.lua").write_text(_CYCLE % (scratch / "paths.txt"))
        command += ["-s", str(scratch / "paths.lua")]
    command.append(f"http://127.0.0.1:{port}{paths[0]}")
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60)
    return read(done.stdout)


def read(text: str) -> Load:
    """The figures in wrk's report."""
    answers = re.search(r"(\d+) requests in", text)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    if answers is None or rate is None:
        raise ValueError(f"expected a report of wrk, got {text[:200]!r}")
    errors = sum(int(count) for count in re.findall(r"(?:connect|read|write|timeout|responses:) (\d+)", text))
    return Load(float(rate[1]), int(answers[1]), errors, _latency(text, "50%"), _latency(text, "99%"))


_UNITS = {"us": 0.001, "ms": 1.0, "s": 1_000.0, "m": 60_000.0}


def _latency(text: str, row: str) -> float:
    found = re.search(rf"^\s+{row}\s+([\d.]+)(us|ms|s|m)$", text, re.MULTILINE)
    return float(found[1]) * _UNITS[found[2]] if found else 0.0
