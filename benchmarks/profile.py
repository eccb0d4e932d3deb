"""``python -m benchmarks.profile WHAT``: where the hub's time goes, for NOTES.md.

The hub's own application, or its pipeline, in this process under cProfile: no server, no sockets, a fresh SQLite store.
The profiler makes everything slower, function calls most of all: read shares, not times.
"""

from __future__ import annotations

import argparse
import cProfile
import logging
import pstats
import sys
import tempfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

from benchmarks import pipeline
from benchmarks.objects import envelope
from benchmarks.served.pipeline_run import run
from benchmarks.targets.base import headers
from benchmarks.targets.hub import Hub
from benchmarks.workloads import PAGE, by_id, by_type, empty_poll, first_page, looked_up
from config.instant import system_clock
from config.loading import load
from taxii_server.app import create_app
from taxii_server.jsonlog import configure_logging
from taxii_server.stores import open_store

_HELD = 20_000
_POSTED = 10


def main() -> None:
    """Profile one thing and print its functions by the time spent in themselves."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile", description=__doc__)
    parser.add_argument("what", choices=["sync", "poll", "basic", "id", "type", "post", "pipeline"])
    parser.add_argument("--rows", type=int, default=30, help="functions shown")
    given = parser.parse_args()
    profile = cProfile.Profile()
    with tempfile.TemporaryDirectory() as folder:
        work = _pipeline(Path(folder)) if given.what == "pipeline" else _requests(Path(folder), given.what)
        profile.enable()
        work()
        profile.disable()
    pstats.Stats(profile).strip_dirs().sort_stats("tottime").print_stats(given.rows)


def _pipeline(folder: Path) -> Callable[[], None]:
    pipeline.prepare(folder, pipeline.ALONE)
    return lambda: print(*run(folder, _HELD, 2), sep="\n")


def _requests(folder: Path, what: str) -> Callable[[], None]:
    hub = Hub()
    hub.prepare(folder)
    hub.preload(_HELD)
    settings = load(folder / "hub.yaml")
    _log_to(folder / "hub.log")
    app = create_app(settings, open_store(settings.store, settings.data), clock=system_clock)
    login = headers(hub, "basic" if what == "basic" else "token")

    def ask(path: str, body: bytes = b"") -> int:
        with app.request_context(_environ(path, login, body)):
            response = app.full_dispatch_request()
        if response.status_code not in (200, 202):
            raise RuntimeError(f"{path}: {response.status}")
        return len(response.get_data())

    ids = [by_id(hub, item) for item in looked_up(_HELD)]
    paths: dict[str, list[str]] = {
        "sync": [first_page(hub)] * 500,
        "poll": [empty_poll(hub)] * 5_000,
        "basic": [empty_poll(hub)] * 5_000,
        "id": ids * 5,
        "type": [by_type(hub)] * 500,
    }
    if what == "post":
        bodies = [envelope(_HELD + number * PAGE, PAGE) for number in range(_POSTED)]
        return lambda: print(sum(ask(hub.inbox, body) for body in bodies), "bytes answered")
    ask(paths[what][0])
    return lambda: print(sum(map(ask, paths[what])), "bytes answered")


def _log_to(path: Path) -> None:
    """Logs are written as in production, only not here."""
    shown, sys.stderr = sys.stderr, path.open("w", buffering=1)
    try:
        configure_logging(logging.INFO)
    finally:
        sys.stderr = shown


def _environ(path: str, login: dict[str, str], body: bytes) -> dict[str, Any]:
    url, _, query = path.partition("?")
    shown = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in login.items()}
    return {
        "REQUEST_METHOD": "POST" if body else "GET",
        "PATH_INFO": url,
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_TYPE": "application/taxii+json;version=2.1",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
        **shown,
    }


if __name__ == "__main__":
    main()
