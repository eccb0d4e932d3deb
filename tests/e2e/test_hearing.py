"""Signals in a process with many threads."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import BOUND

_STORM = Path(__file__).parent / "signal_storm.py"


@pytest.mark.skipif(sys.platform == "win32", reason="has no such signals")
def test_a_storm_of_signals_never_stops_the_thread_that_waits_for_them() -> None:
    """An event set in a handler, while the same thread is just leaving its wait, waits for itself for ever."""
    done = subprocess.run([sys.executable, _STORM], capture_output=True, timeout=BOUND, check=False)
    assert (done.returncode, done.stdout.decode().split()) == (0, ["heard", signal.SIGINT.name])
