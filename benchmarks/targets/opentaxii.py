"""OpenTAXII 0.9.3 on SQLite, the way its manual starts it: gunicorn, here with two workers of four threads."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import yaml

from benchmarks.environments import HERE, python_of, version_in
from benchmarks.processes import ServerProcess, free_port

_QUIET = ["--config", "python:opentaxii.http", "--no-control-socket"]


class OpenTaxii:
    """A private collection and an administrator with the bearer token that OpenTAXII gives."""

    name = "opentaxii"
    distinct = True

    def __init__(self) -> None:
        self._python = python_of("opentaxii")
        self.version = version_in(self._python, "opentaxii", "sqlalchemy", "flask", "gunicorn")
        self.objects = self.inbox = ""
        self.logins: dict[str, dict[str, str]] = {}
        self._config = Path()
        self._server: ServerProcess | None = None

    def start(self, folder: Path) -> None:
        """Start empty, with its files in ``folder``."""
        self._config = folder / "opentaxii.yml"
        port = free_port()
        self._config.write_text(yaml.safe_dump(_settings(folder, port)))
        made = json.loads(self._inside("create"))
        self.objects = self.inbox = f"/taxii2/{made['root']}/collections/{made['collection']}/objects/"
        self.logins = {"token": {"Authorization": f"Bearer {made['token']}"}}
        command = [self._python, "-m", "gunicorn", "benchmarks.served.opentaxii_app:app", *_QUIET]
        command += ["--workers", "2", "--threads", "4", "--timeout", "600", "--bind", f"127.0.0.1:{port}"]
        self._server = ServerProcess(command, port=port, folder=folder, env=self._env)
        self._server.wait_until_listening()

    def preload(self, count: int) -> None:
        """Write the objects through its own models, since its POST would take hours."""
        self._inside("fill", self.objects.split("/")[4], str(count))

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

    @property
    def _env(self) -> dict[str, str]:
        # SQLAlchemy 1.4 says at every start that 2.0 will differ
        return {
            "OPENTAXII_CONFIG": str(self._config),
            "PYTHONPATH": str(HERE.parent),
            "PYTHONWARNINGS": "ignore",
            "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
        }

    def _inside(self, *words: str) -> str:
        """Run served/opentaxii_data.py in its environment; the last line that it prints."""
        command = [str(self._python), str(HERE / "served" / "opentaxii_data.py"), *words]
        done = subprocess.run(command, env={**os.environ, **self._env}, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"opentaxii {words[0]}: {done.stderr[-2000:]}")
        return done.stdout.strip().rpartition("\n")[2]


def _settings(folder: Path, port: int) -> dict[str, object]:
    def stored(kind: str, file: str, **more: object) -> dict[str, object]:
        connection = f"sqlite:///{folder / file}"
        return {"class": kind, "parameters": {"db_connection": connection, "create_tables": True, **more}}

    secret = "only-for-this-benchmark-on-loopback-0123456789"
    return {
        "domain": f"127.0.0.1:{port}",
        "support_basic_auth": True,
        "auth_api": stored("opentaxii.auth.sqldb.SQLDatabaseAPI", "auth.db", secret=secret, token_ttl_secs=86_400),
        "taxii1": None,
        "taxii2": {
            "title": "bench",
            "public_discovery": False,
            "max_content_length": 1 << 30,
            "persistence_api": stored("opentaxii.persistence.sqldb.Taxii2SQLDatabaseAPI", "data.db"),
        },
        "logging": {"opentaxii": "info", "root": "info"},
    }
