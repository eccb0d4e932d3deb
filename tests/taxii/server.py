"""The hub's own server in several processes, as subscribers meet it: a configuration file, a SQLite store, a port."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import yaml

from config.instant import system_clock
from config.loading import load
from taxii_server.credentials import hash_password, make_token
from taxii_server.stores import open_store
from taxii_server.stores.base import Store, User
from tests.processes import free_port
from tests.taxii.hub import HUB, PASSWORD, PEOPLE

_ROOT = Path(__file__).parents[2]
_RUN = """
import sys
from pathlib import Path
from config.loading import load
from taxii_server.serve import listen, serve
config, port, workers, cert, key = sys.argv[1:]
config = Path(config)
tls = {"cert": Path(cert), "key": Path(key)} if cert else {}
serve(config, load(config).data, listen("127.0.0.1", int(port)), workers=int(workers), **tls)
"""
#: Seconds that anything here may take on a busy machine; nothing waits so long when all is well.
PATIENCE = 60


class Served:
    """A running server and its store."""

    def __init__(self, folder: Path, workers: int = 2, tls: tuple[Path, Path] | None = None) -> None:
        self.config = folder / "hub.yaml"
        self.log = folder / "log"
        self.config.write_text(yaml.safe_dump({**HUB, "store": "sqlite:hub.db", "data": "data"}))
        self.settings = load(self.config)
        self.settings.data.mkdir(exist_ok=True)
        self.store: Store = open_store(self.settings.store, self.settings.data)
        self.tokens: dict[str, str] = {}
        hashed = hash_password(PASSWORD)
        for name, (organisation, groups) in PEOPLE.items():
            self.store.save_user(User(name=name, organisation=organisation, groups=groups, password=hashed))
            self.tokens[name], token = make_token(name, now=system_clock() // 1_000)
            self.store.save_token(token)
        self._workers = workers
        self.port = free_port()
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        arguments = [str(self.config), str(self.port), str(workers), *(map(str, tls or ("", "")))]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _RUN, *arguments],
                cwd=_ROOT,
                env={**os.environ, "PYTHONPATH": str(_ROOT)},
                stdout=log,
                stderr=log,
                # A group of its own, so that a test can send it what a terminal sends.
                start_new_session=True,
            )

    def wait(self) -> None:
        """Until it listens, and all its processes are there."""
        deadline = time.monotonic() + PATIENCE
        while not self.listens() or (sys.platform == "linux" and len(self.workers()) < self._workers):
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE).close()
        except ConnectionRefusedError:
            return False
        return True

    def gone(self) -> None:
        """Until nobody listens any more."""
        deadline = time.monotonic() + PATIENCE
        while self.listens():
            assert time.monotonic() < deadline, "still listening"
            time.sleep(0.05)

    def workers(self) -> list[int]:
        """The web processes."""
        found = []
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                try:
                    parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                    command = (folder / "cmdline").read_bytes()
                except (OSError, IndexError):
                    continue
                if parent == self.process.pid and b"spawn_main" in command:
                    found.append(int(folder.name))
        return found

    def request(self, method: str, path: str, who: str = "", **given: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.tokens[who]}"} if who else {}
        return requests.request(
            method, self.url + path, headers={**headers, **given.pop("headers", {})}, timeout=PATIENCE, **given
        )

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.store.close()


@contextmanager
def served(folder: Path, workers: int = 2, tls: tuple[Path, Path] | None = None) -> Iterator[Served]:
    """A server that runs as long as the block does."""
    server = Served(folder, workers, tls)
    try:
        server.wait()
        yield server
    finally:
        server.end()
