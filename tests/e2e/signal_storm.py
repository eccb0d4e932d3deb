"""A process that is told to stop over and over, by one that never rests, and waits for it each time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from taxii_server.hearing import hear

ROUNDS = 2_000
#: Ends with the process that it tells, or when that closes its standard input.
STORM = """
import os, select, signal, sys
while not select.select([sys.stdin], [], [], 0)[0]:
    os.kill(int(sys.argv[1]), signal.SIGINT)
"""


def main() -> None:
    told = threading.Event()
    hear([signal.SIGINT], told.set)
    with subprocess.Popen([sys.executable, "-c", STORM, str(os.getpid())], stdin=subprocess.PIPE) as storm:
        for _ in range(ROUNDS):
            told.wait()
            told.clear()
        assert storm.stdin is not None
        storm.stdin.close()
    sys.stdout.write(f"heard {signal.SIGINT.name}\n")


if __name__ == "__main__":
    main()
