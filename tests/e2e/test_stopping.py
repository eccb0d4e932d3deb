"""Stopping a whole hub under load: every process ends, however it is told, and no answer is cut in half."""

from __future__ import annotations

import base64
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from taxii_server.demo import PASSWORD
from tests.hubs import MEMBERS, SHARED
from tests.processes import Process, answers, free_port, until

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def _born(pid: int) -> str:
    """When a process started, which with its number names it; nothing once it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]


def _descendants(pid: int) -> dict[int, str]:
    found: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue
            if parent == pid:
                child = int(entry.name)
                found |= {child: _born(child), **_descendants(child)}
    return found


class _Readers:
    """Subscribers who read without a pause, and what they were given."""

    def __init__(self, base: str) -> None:
        self.whole = 0
        self.faults: list[str] = []
        self._url = f"{base}/members/collections/{MEMBERS}/objects/"
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._read) for _ in range(4)]
        for thread in self._threads:
            thread.start()

    def _read(self) -> None:
        with requests.Session() as session:
            session.auth = ("soc", PASSWORD)
            while not self._over.is_set():
                try:
                    answer = session.get(self._url, timeout=60)
                except requests.exceptions.ChunkedEncodingError as error:
                    self.faults.append(repr(error))  # it began, and did not end
                    return
                except requests.RequestException:
                    return  # nothing was begun
                if answer.status_code != 200 or not answer.json()["objects"]:
                    self.faults.append(f"{answer.status_code} {answer.text[:200]}")
                self.whole += 1

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()


def _post_without_end() -> bytes:
    word = base64.b64encode(f"analyst:{PASSWORD}".encode()).decode()
    lines = (
        f"POST /members/collections/{SHARED}/objects/ HTTP/1.1",
        "Host: hub",
        f"Authorization: Basic {word}",
        "Content-Type: application/taxii+json;version=2.1",
        "Content-Length: 1000",
    )
    return "\r\n".join((*lines, "", "{")).encode()


def _three_times_ctrl_c(process: Process) -> None:
    for _ in range(3):
        os.killpg(process.pid, signal.SIGINT)


@pytest.mark.parametrize(
    ("end", "code"),
    [
        pytest.param(lambda process: os.kill(process.pid, signal.SIGTERM), 0, id="SIGTERM"),
        pytest.param(_three_times_ctrl_c, 0, id="Ctrl-C, three times"),
        pytest.param(lambda process: os.kill(process.pid, signal.SIGKILL), -signal.SIGKILL, id="kill -9"),
    ],
)
def test_every_process_ends(tmp_path: Path, end: Callable[[Process], None], code: int) -> None:
    """With readers and a post that never ends, and when the first process is killed outright: none is left behind."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    process = Process("up", "--demo", "--data", str(tmp_path), "--port", str(port), folder=tmp_path, alone=True)
    try:
        until("the demonstration answers", lambda: answers(base) or not process.running())
        assert process.running(), process.output()
        readers = _Readers(base)
        with socket.create_connection(("127.0.0.1", port), timeout=60) as slow:
            slow.sendall(_post_without_end())
            until("readers were served", lambda: readers.whole > 20)
            processes = _descendants(process.pid)
            assert len(processes) >= 3
            end(process)
            assert process.wait() == code
            until("every process has ended", lambda: not any(_born(pid) == born for pid, born in processes.items()))
        readers.stop()
        assert not readers.faults
        assert "Traceback" not in process.output()
    finally:
        process.kill()
