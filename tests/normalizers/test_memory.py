"""No JSON or XML document takes a process's memory, whatever it is made of; each is read by a process of its own.

The documents are those of ``python -m benchmarks.heavy``, which measures all of them.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]


def read(name: str, megabytes: int) -> tuple[int, str]:
    """The most megabytes that the process took, and what came of the document."""
    command = [sys.executable, "-m", "benchmarks.heavy", "--one", name, "--bytes", str(megabytes * 1_000_000)]
    ended = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=True)
    peak, _, said = ended.stdout.strip().partition(" ")
    return int(peak), said


@pytest.mark.parametrize("name", ["json: a list of records", "stix: a bundle", "nvd: records", "rss: items"])
def test_records_are_read_one_by_one(name: str) -> None:
    """Six megabytes of honest records leave the process nearly as small as it was, which a tree of them would not."""
    peak, said = read(name, 6)
    assert peak < 75
    assert "rows" in said


@pytest.mark.parametrize(
    "name",
    [
        "json: one record of small objects",
        "json: one record of many members",
        "csaf: one of small objects",
        "misp: one event of small objects",
        "otx: one pulse of small objects",
        "rss: one item of small elements",
        "rss: one tag without end",
    ],
)
def test_what_is_too_much_at_once_is_refused(name: str) -> None:
    """Twenty megabytes that would be many hundreds in memory: the message says what may be."""
    peak, said = read(name, 20)
    assert peak < 300
    assert "expected" in said
    assert "at most" in said
