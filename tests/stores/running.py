"""Starting the processes of the fault tests, and ending them by their number whatever happens."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


@contextmanager
def running(what: str, folder: Path, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """The process ``what`` of tests/stores/processes.py on the store in ``folder``; killed at the end."""
    command = [sys.executable, "-m", "tests.stores.processes", what, str(folder), *map(str, arguments)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def line(process: subprocess.Popen[str]) -> str:
    """The next line that it says. Fails when it ended instead."""
    assert process.stdout is not None
    said = process.stdout.readline()
    assert said, f"the process ended with {process.wait()} and said nothing"
    return said.strip()
