"""The loop's process beside the web processes: started, watched, and stopped with them."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LOG = logging.getLogger("noroshi.supervise")
_GRACE = 20.0
_AGAIN = 2.0


@contextmanager
def worker(config: Path, data: Path) -> Iterator[None]:
    """Keep ``noroshi work`` running as long as the block runs."""
    stop = threading.Event()
    keeper = threading.Thread(target=_keep, args=(_command(config, data), stop), name="worker-keeper")
    keeper.start()
    try:
        yield
    finally:
        stop.set()
        keeper.join()


def _command(config: Path, data: Path) -> list[str]:
    return [
        sys.executable, "-m", "taxii_server.cli", "work",
        "--config", str(config), "--data", str(data), "--with-parent",
    ]  # fmt: skip


def _keep(command: list[str], stop: threading.Event) -> None:
    while not stop.is_set():
        # A pipe that only this process holds: when it is gone, however it went, the child reads the end of it.
        child = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603 - our own program
        while not stop.wait(0.2) and child.poll() is None:
            pass
        if child.poll() is None:
            _end(child)
            return
        _LOG.error("the collecting process ended with code %s; starting another", child.returncode)
        stop.wait(_AGAIN)


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(_GRACE)
    except subprocess.TimeoutExpired:
        _LOG.error("the collecting process did not stop in %s s; killed, nothing is lost", _GRACE)
        child.kill()
        child.wait()


def stop_with_parent(stop: threading.Event) -> None:
    """Set ``stop`` when standard input ends."""

    def wait() -> None:
        # Not through sys.stdin, whose lock a thread must not hold while the interpreter ends.
        while os.read(0, 4_096):
            pass
        stop.set()

    threading.Thread(target=wait, name="parent-watch", daemon=True).start()
