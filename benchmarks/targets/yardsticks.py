"""The yardsticks: the least Flask and SQLite on granian, and granian with bytes made beforehand."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.environments import HERE, version_in
from benchmarks.objects import stix_objects
from benchmarks.processes import ServerProcess, free_port
from benchmarks.served import entries

_BATCH = 10_000
_GRANIAN = ["--interface", "wsgi", "--http", "1", "--no-ws", "--workers", "2", "--blocking-threads", "1"]


class _OnGranian:
    """A WSGI application of this package under granian, two workers."""

    application = ""
    objects = "/bench/collections/one/objects/"

    def __init__(self) -> None:
        self._server: ServerProcess | None = None
        self.logins: dict[str, dict[str, str]] = {"none": {}}

    def _serve(self, folder: Path, env: dict[str, str]) -> None:
        port = free_port()
        command = [sys.executable, "-m", "granian", *_GRANIAN, "--host", "127.0.0.1", "--port", str(port)]
        env = {**env, "PYTHONPATH": str(HERE.parent)}
        self._server = ServerProcess([*command, self.application], port=port, folder=folder, env=env)
        self._server.wait_until_listening()

    def stop(self) -> None:
        """End its processes."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        return self._server.port

    @property
    def pid(self) -> int:
        """Root of its tree of processes."""
        assert self._server is not None
        return self._server.pid


class FlaskSqlite(_OnGranian):
    """No versions, no rights, no deletion, no validation, no counts, no log."""

    name = "flask+sqlite"
    application = "benchmarks.served.flask_sqlite:app"
    inbox = _OnGranian.objects
    distinct = True

    def __init__(self) -> None:
        super().__init__()
        self.version = version_in(Path(sys.executable), "flask", "granian")
        self.database = Path()

    def start(self, folder: Path) -> None:
        """Start empty, with its files in ``folder``."""
        self.database = folder / "entries.db"
        entries.connect(self.database).close()
        self._serve(folder, {"BENCH_DATABASE": str(self.database)})

    def preload(self, count: int) -> None:
        """Write the objects into its file."""
        connection = entries.connect(self.database)
        for first in range(0, count, _BATCH):
            entries.fill(connection, stix_objects(first, min(_BATCH, count - first)))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()


class BareWsgi(_OnGranian):
    """Answers every page with the same bytes; takes no POST."""

    name = "bare WSGI"
    application = "benchmarks.served.bare_wsgi:app"
    inbox = ""
    distinct = False

    def __init__(self) -> None:
        super().__init__()
        self.version = version_in(Path(sys.executable), "granian")
        self._folder = Path()

    def start(self, folder: Path) -> None:
        """Nothing yet: it has to know how many pages to give."""
        self._folder = folder

    def preload(self, count: int) -> None:
        """Start with as many pages as ``count`` objects fill."""
        self._serve(self._folder, {"BENCH_PAGES": str(max(1, count // 1_000))})
