"""OASIS' reference server, medallion 3.0.0, in an environment of its own, on a loopback port."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.processes import free_port
from tests.taxii.hub import INBOX, MERGED, PASSWORD, SHARED

VERSION = "3.0.0"
_ROOT = Path(__file__).parents[2]
_HOME = _ROOT / ".cache" / f"medallion-{VERSION}"
_PATIENCE = 300


def python() -> Path:
    """The Python of medallion's environment, which is made at first use.

    Without a package index the tests that need it are skipped, and say so; where CI is set, that is a failure.
    """
    found = _HOME / "bin" / "python"
    if not (_HOME / "ready").exists():
        try:
            _run(sys.executable, "-m", "venv", "--clear", str(_HOME))
            _run(str(found), "-m", "pip", "install", "--quiet", f"medallion=={VERSION}")
        except (OSError, subprocess.SubprocessError) as error:
            _give_up(f"medallion {VERSION} could not be installed: {error}")
        (_HOME / "ready").touch()
    return found


def _run(*command: str) -> None:
    subprocess.run(command, check=True, timeout=_PATIENCE, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)


def _give_up(reason: str) -> None:
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(reason)
    pytest.skip(reason)


def _collection(number: str, title: str, *, read: bool, write: bool) -> dict[str, Any]:
    return {
        "id": number,
        "title": title,
        "can_read": read,
        "can_write": write,
        "media_types": ["application/stix+json;version=2.1"],
        "manifest": [],
        "objects": [],
    }


def _configuration(folder: Path) -> Path:
    """The same root, collections and user as the hub under test has."""
    data = {
        "/discovery": {
            "title": "Test hub",
            "description": "A hub for tests",
            "contact": "hub@hub.example",
            "default": "/public/",
            "api_roots": ["/public/", "/members/"],
        },
        "members": {
            "information": {
                "title": "Members",
                "versions": ["application/taxii+json;version=2.1"],
                "max_content_length": 2_000_000,
            },
            "status": [],
            "collections": [
                _collection(SHARED, "Members - shared", read=True, write=True),
                _collection(MERGED, "Members", read=True, write=False),
                _collection(INBOX, "Hidden", read=False, write=False),
            ],
        },
    }
    stored = folder / "data.json"
    stored.write_text(json.dumps(data))
    config = {
        "backend": {
            "module": "medallion.backends.memory_backend",
            "module_class": "MemoryBackend",
            "filename": str(stored),
        },
        "users": {"mika": PASSWORD},
        "taxii": {"max_page_size": 100},
    }
    written = folder / "medallion.json"
    written.write_text(json.dumps(config))
    return written


@contextmanager
def medallion(folder: Path) -> Iterator[str]:
    """A running medallion; gives its URL."""
    port = free_port()
    config = _configuration(folder)
    log = folder / "medallion.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [str(python()), "-m", "medallion.scripts.run", "--port", str(port), str(config)],
            stdout=stream,
            stderr=stream,
        )
    try:
        _wait(f"http://127.0.0.1:{port}/taxii2/", process, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(_PATIENCE)


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            requests.get(url, timeout=10)
        except requests.ConnectionError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        else:
            return
