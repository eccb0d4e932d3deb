"""This hub, started as in production: rights, limits, read counts and logs on, the embedded worker beside the web.

Reads and POST go to one shared collection, which is to the hub what a collection is to its peers: objects as posted.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import yaml

from benchmarks.environments import HERE, version_in
from benchmarks.objects import stix_objects
from benchmarks.processes import ServerProcess, free_port
from config.instant import parse_millis, system_clock
from config.loading import load
from config.settings import Settings
from taxii_server.credentials import hash_password, make_token
from taxii_server.stores import open_store
from taxii_server.stores.base import Publication, User

SHARED = "0b8e2a0e-4a39-4a4b-8d5e-6f0d5f3c9a11"
SUBMISSIONS = "5d5b9a26-7c0c-4b60-9c8c-0c1f6f0f7e22"
MERGED = "c3f0a5b4-52d1-4a53-9f6e-2d5b6f6b8d33"
_BATCH = 10_000


class Hub:
    """Group, user, password and token are the hub's own; the collection is for that group alone."""

    name = "noroshi"
    objects = inbox = f"/bench/collections/{SHARED}/objects/"
    distinct = True
    #: takes indicators, which become claims and are merged
    submissions = f"/bench/collections/{SUBMISSIONS}/objects/"

    def __init__(self) -> None:
        self.version = f"noroshi {importlib.metadata.version('noroshi')}, " + version_in(
            Path(sys.executable), "flask", "granian", "orjson"
        )
        self.logins: dict[str, dict[str, str]] = {}
        self._settings: Settings | None = None
        self._server: ServerProcess | None = None

    def start(self, folder: Path) -> None:
        """Start empty, with its files in ``folder``."""
        self.prepare(folder)
        self.serve(folder)

    def serve(self, folder: Path) -> None:
        """Start on what :meth:`prepare` or :meth:`take` found in ``folder``."""
        config, port = folder / "hub.yaml", free_port()
        command = [sys.executable, "-m", "taxii_server.cli", "up", "--config", config, "--port", str(port)]
        self._server = ServerProcess(command, port=port, folder=folder, env={"PYTHONPATH": str(HERE.parent)})
        self._server.wait_until_listening()

    def prepare(self, folder: Path) -> None:
        """Write its YAML file, and make the user and token."""
        (folder / "hub.yaml").write_text(yaml.safe_dump(settings()))
        self.take(folder)

    def take(self, folder: Path, objects: str | None = None) -> None:
        """Make the user and token in the hub of that folder, to read the collection at path ``objects``."""
        self._settings = load(folder / "hub.yaml")
        self.objects = objects or self.objects
        self._settings.data.mkdir(parents=True, exist_ok=True)
        store = open_store(self._settings.store, self._settings.data)
        now = system_clock() // 1_000
        password = "bench-password-0123"
        text, record = make_token("bench", now=now)
        user = User(
            name="bench", organisation="Bench", groups=("bench",), password=hash_password(password), created=now
        )
        store.save_user(user)
        store.save_token(record)
        store.close()
        word = base64.b64encode(f"bench:{password}".encode()).decode()
        self.logins = {"token": {"Authorization": f"Bearer {text}"}, "basic": {"Authorization": f"Basic {word}"}}

    def preload(self, count: int) -> None:
        """Publish the objects through the store, as a second process beside the server."""
        assert self._settings is not None
        store = open_store(self._settings.store, self._settings.data)
        for first in range(0, count, _BATCH):
            outcomes = store.publish(list(_publications(first, min(_BATCH, count - first))), system_clock())
            if set(outcomes) != {"published"}:
                raise RuntimeError(f"expected all to be published, got {set(outcomes)}")
        store.close()

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


def settings(*, collections: list[dict[str, object]] | None = None) -> dict[str, object]:
    """What the hub's YAML file says; by default one collection of each kind."""
    return {
        "hub": {"name": "bench", "title": "Benchmark", "namespace": "6b1c6f0e-2a4b-4c39-9d0b-1f2e3d4c5b6a"},
        "data": "data",
        "store": "sqlite:hub.db",
        "groups": {"bench": {"title": "Benchmark", "clearance": "green", "trusted": True}},
        "api_roots": [{"path": "bench", "title": "Benchmark", "collections": collections or _one_of_each()}],
    }


def merged(collection: str, title: str, **view: str) -> dict[str, object]:
    """A merged collection of TLP:GREEN and below."""
    shown = {"audience": "green", "scope": "combined", **view}
    return {"id": collection, "title": title, "kind": "merged", "view": shown, "read": ["bench"]}


def _one_of_each() -> list[dict[str, object]]:
    return [
        merged(MERGED, "merged"),
        {"id": SHARED, "title": "shared", "kind": "shared", "audience": "green", "read": ["bench"], "write": ["bench"]},
        {"id": SUBMISSIONS, "title": "submissions", "kind": "submissions", "write": ["bench"]},
    ]


def _publications(first: int, count: int) -> Iterator[Publication]:
    for item in stix_objects(first, count):
        yield Publication(
            scope=f"collection:{SHARED}",
            type=item.type,
            uuid=uuid.UUID(item.id[-36:]).bytes,
            version=item.version,
            created=item.version,
            body=item.body,
            digest=hashlib.blake2b(item.body, digest_size=16).digest(),
            collections=(SHARED,),
            not_before=parse_millis(item.version) * 1_000,
            owner="organisation Bench",
        )
