"""Real hubs in processes of their own, on free ports of the loopback address, ended by process id."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import yaml

#: seconds that anything may take at most; nothing depends on how long it really takes
BOUND = 60.0
NOROSHI = [sys.executable, "-m", "taxii_server.cli"]


_NUMBERS = itertools.count(1)
_HELD: list[socket.socket] = []


def free_port() -> int:
    """A port to listen on, which nobody else is given as long as this process runs.

    A port that was merely free a moment ago may by now be the near end of some client's connection.
    """
    held = socket.socket()
    held.bind(("127.0.0.1", 0))
    # Bound, it keeps others off; with this, and not listening, it lets in a server that asks for this very port.
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _HELD.append(held)
    port: int = held.getsockname()[1]
    return port


def environment(**extra: str) -> dict[str, str]:
    """The environment of a process of the hub's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NOROSHI_")}
    return {**kept, "PYTHONUNBUFFERED": "1", **extra}


def write_config(folder: Path, settings: dict[str, Any]) -> Path:
    """A hub's YAML file."""
    path = folder / "hub.yaml"
    path.write_text(yaml.safe_dump(settings, allow_unicode=True))
    return path


class Process:
    """One process, with what it wrote."""

    def __init__(self, *arguments: str, folder: Path, alone: bool = False, **extra: str) -> None:
        """``alone`` is in a group of its own, so that a test can send it what a terminal sends."""
        self.log = folder / f"{arguments[0]}-{next(_NUMBERS)}.log"
        with self.log.open("wb") as out:
            self._process = subprocess.Popen(
                [*NOROSHI, *arguments],
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                env=environment(**extra),
                start_new_session=alone,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def running(self) -> bool:
        return self._process.poll() is None

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal and wait; gives the exit code."""
        if self.running():
            self._process.send_signal(number)
        return self._process.wait(BOUND)

    def wait(self) -> int:
        """Wait until it ends by itself; gives the exit code."""
        return self._process.wait(BOUND)

    def kill(self) -> None:
        """``kill -9``."""
        if self.running():
            self._process.kill()
        self._process.wait(BOUND)


def until(what: str, true: Any) -> Any:
    """Wait until ``true()`` is, and give it; fails after the bound."""
    never = threading.Event()
    for _ in range(int(BOUND / 0.05)):
        found = true()
        if found:
            return found
        never.wait(0.05)
    raise AssertionError(f"{what}: not within {BOUND} s")


def answers(base: str) -> bool:
    """Whether a hub answers there."""
    try:
        return requests.get(f"{base}/healthz", timeout=5).status_code == 200
    except requests.RequestException:
        return False


@contextmanager
def serving(config: Path, data: Path, *, workers: int = 2) -> Iterator[str]:
    """``noroshi serve`` in several processes; gives its base URL."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    process = Process(
        "serve", "--config", str(config), "--data", str(data), "--port", str(port), "--workers", str(workers),
        folder=data,
    )  # fmt: skip
    try:
        until(f"{base} answers", lambda: answers(base) or not process.running())
        assert process.running(), process.output()
        yield base
    finally:
        code = process.stop()
    assert code == 0, process.output()


def run(*arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run one command of the hub's to its end."""
    return subprocess.run(
        [*NOROSHI, *arguments], capture_output=True, text=True, env=environment(**extra), timeout=BOUND, check=False
    )
