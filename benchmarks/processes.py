"""Servers as child processes: started on a free port of the loopback, stopped by their id."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path


class StartFailed(Exception):
    """A server did not start; the message ends with the tail of its log."""


_HELD: list[socket.socket] = []


def free_port() -> int:
    """A TCP port of 127.0.0.1 for a server to listen on, which nobody else is given as long as this process runs."""
    held = socket.socket()
    held.bind(("127.0.0.1", 0))
    # Bound, it keeps others off, clients' near ends too; with this, and not listening, it lets a server in.
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _HELD.append(held)
    port: int = held.getsockname()[1]
    return port


def tree(pid: int) -> list[int]:
    """A process and its descendants, parents first."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            children.setdefault(_parent_of(entry), []).append(int(entry.name))
    found, number = [pid], 0
    while number < len(found):
        found.extend(children.get(found[number], ()))
        number += 1
    return found


def _parent_of(entry: Path) -> int:
    try:
        # pid (name) state ppid ...; the name may hold anything, parentheses too
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return 0


class ServerProcess:
    """One server and its log."""

    def __init__(self, command: Sequence[object], *, port: int, folder: Path, env: Mapping[str, str] | None = None):
        self.port = port
        self._log = folder / f"server-{port}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [str(word) for word in command],
                cwd=folder,
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Id of the process at the root of the tree."""
        return self._process.pid

    def wait_until_listening(self, seconds: float = 60.0) -> None:
        """Wait for the port to take connections. Raises :class:`StartFailed`."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        self.stop()
        raise StartFailed(f"{self._log}: {self._log.read_text(errors='replace')[-2000:]}")

    def stop(self, seconds: float = 30.0) -> None:
        """End it and its descendants, kindly at first."""
        members = {pid: _born(pid) for pid in tree(self.pid)[1:]}
        _signal(self.pid, signal.SIGTERM)
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            _signal(self.pid, signal.SIGKILL)
            self._process.wait()
        for pid, born in members.items():
            # the same process still, not another that got its number
            if born and _born(pid) == born:
                _signal(pid, signal.SIGKILL)


def _born(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
