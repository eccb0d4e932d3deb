"""medallion 3.0.0, OASIS's reference server, with its memory backend."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from benchmarks.environments import python_of, version_in
from benchmarks.objects import stix_objects
from benchmarks.processes import ServerProcess, free_port

COLLECTION = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"
_MEDIA = "application/stix+json;version=2.1"


class Medallion:
    """One gunicorn worker with eight threads: its memory is its store, so a second process would hold other data."""

    name = "medallion"
    objects = inbox = f"/bench/collections/{COLLECTION}/objects/"
    distinct = True
    #: it goes on with a request whose client has left, for minutes
    lingers = True

    def __init__(self) -> None:
        self._python = python_of("medallion")
        self.version = version_in(self._python, "medallion", "flask", "gunicorn")
        word = base64.b64encode(b"bench:bench-password").decode()
        self.logins = {"basic": {"Authorization": f"Basic {word}"}}
        self._folder = Path()
        self._server: ServerProcess | None = None

    def start(self, folder: Path) -> None:
        """Start empty, with its files in ``folder``."""
        self._folder = folder
        self._run(0)

    def preload(self, count: int) -> None:
        """Start anew with those objects in the file it reads at start."""
        self.stop()
        self._run(count)

    def _run(self, count: int) -> None:
        (self._folder / "data.json").write_text(json.dumps(_data(count)))
        config = self._folder / "config.json"
        config.write_text(json.dumps(_config(self._folder)))
        port = free_port()
        command = [
            self._python,
            "-m",
            "gunicorn",
            "--workers",
            "1",
            "--threads",
            "8",
            "--timeout",
            "600",
            "--no-control-socket",
        ]
        command += ["--bind", f"127.0.0.1:{port}", f"medallion:load_app('{config}')"]
        self._server = ServerProcess(command, port=port, folder=self._folder)
        self._server.wait_until_listening()

    def stop(self) -> None:
        """End its processes, whatever request they still work on."""
        if self._server is not None:
            self._server.stop(0.3)
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


def _config(folder: Path) -> dict[str, object]:
    backend = {"module": "medallion.backends.memory_backend", "module_class": "MemoryBackend"}
    return {
        "backend": {**backend, "filename": str(folder / "data.json")},
        "users": {"bench": "bench-password"},
        "taxii": {"max_page_size": 1000},
    }


def _data(count: int) -> dict[str, object]:
    objects, manifest = [], []
    for item in stix_objects(0, count):
        objects.append(json.loads(item.body))
        added = f"2026-02-01T{item.number // 3600:02d}:{item.number // 60 % 60:02d}:{item.number % 60:02d}.000000Z"
        manifest.append({"id": item.id, "date_added": added, "version": item.version, "media_type": _MEDIA})
    collection = {"id": COLLECTION, "title": "bench", "can_read": True, "can_write": True, "media_types": [_MEDIA]}
    information = {"title": "bench", "versions": ["application/taxii+json;version=2.1"], "max_content_length": 1 << 30}
    return {
        "/discovery": {"title": "bench", "api_roots": ["/bench/"]},
        "bench": {
            "information": information,
            "status": [],
            "collections": [{**collection, "objects": objects, "manifest": manifest}],
        },
    }
