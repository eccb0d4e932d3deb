"""The process that keeps the hub's others running: web processes, and beside them the loop's.

It is a small one. The command line has read the configuration, opened the store and perhaps collected samples; it then
becomes this program, under the same process id, and what it had loaded for that is gone.
"""

from __future__ import annotations

import argparse
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import NoReturn

from taxii_server.jsonlog import configure_logging

_LOG = logging.getLogger("noroshi.supervise")
_GRACE = 20.0
_AGAIN = 2.0


def take_over(
    listener: socket.socket,
    config: Path,
    data: Path,
    *,
    workers: int,
    cert: Path | None,
    key: Path | None,
    loop: bool,
) -> NoReturn:
    """Become the process that serves on ``listener`` with ``workers`` processes, and with the loop's if ``loop``."""
    os.set_inheritable(listener.fileno(), True)
    command = [sys.executable, "-m", "taxii_server.supervise", "--listener", str(listener.fileno())]
    command += ["--config", str(config), "--data", str(data), "--workers", str(workers)]
    command += ["--cert", str(cert), "--key", str(key)] if cert is not None and key is not None else []
    command += ["--with-loop"] if loop else []
    sys.stdout.flush()
    os.execv(sys.executable, command)  # noqa: S606 - our own program


def main() -> None:
    """Serve as :func:`take_over` said."""
    # Here, and not above: Ctrl-C while it is loaded is to end in good order too.
    from taxii_server.serve import serve

    told = _told()
    configure_logging(logging.WARNING)
    os.set_inheritable(told.listener, False)
    with worker(told.config, told.data) if told.with_loop else nullcontext():
        listener = socket.socket(fileno=told.listener)
        serve(told.config, told.data, listener, workers=told.workers, cert=told.cert, key=told.key)


def _told() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="noroshi", description="Started by noroshi up and noroshi serve.")
    for name in ("--listener", "--workers"):
        parser.add_argument(name, type=int, required=True)
    for name in ("--config", "--data"):
        parser.add_argument(name, type=Path, required=True)
    for name in ("--cert", "--key"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--with-loop", action="store_true")
    return parser.parse_args()


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


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
