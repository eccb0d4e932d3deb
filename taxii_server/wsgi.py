"""The application as a WSGI server's process loads it.

The hub's own server (:mod:`taxii_server.serve`) calls :func:`hub`. Any other may load
``taxii_server.wsgi:application()``, which finds what it needs in two environment variables: ``NOROSHI_CONFIG`` is the
hub's YAML file, ``NOROSHI_DATA``, if set, the directory of its own files.
"""

from __future__ import annotations

import atexit
import logging
import multiprocessing
import os
import signal
from pathlib import Path

from flask import Flask

from config.instant import system_clock
from config.loading import load
from config.yamlfile import SettingsError
from taxii_server import memory
from taxii_server.app import create_app
from taxii_server.hearing import keep_hearing
from taxii_server.jsonlog import configure_logging
from taxii_server.opening import open_hub
from taxii_server.taxii.bodies import WITHIN, end_overdue


def application() -> Flask:
    """The application of the hub that the environment names. Raises SettingsError, StoreError."""
    config = os.environ.get("NOROSHI_CONFIG")
    if not config:
        raise SettingsError("NOROSHI_CONFIG: expected the path of the hub's YAML file, got nothing")
    data = os.environ.get("NOROSHI_DATA")
    return hub(Path(config), Path(data) if data else None)


def hub(config: Path, data: Path | None = None) -> Flask:
    """The hub's application, its store open and its read counts being written. Logs go to standard error.

    ``data`` takes the place of the directory that the configuration names. Raises SettingsError, StoreError.
    """
    configure_logging(logging.getLevelNamesMapping().get(os.environ.get("NOROSHI_LOG", "INFO").upper(), logging.INFO))
    memory.lean()
    _look_after_itself()
    _take_no_headers_from_the_environment()
    settings = load(config)
    if data is not None:
        settings = settings.model_copy(update={"data": data})
    store = open_hub(settings)
    app = create_app(settings, store, clock=system_clock)
    reads = app.extensions["noroshi.reads"]
    reads.start()
    atexit.register(store.close)
    atexit.register(reads.close)
    return app


def _take_no_headers_from_the_environment() -> None:
    """Forget variables that are named like what WSGI names headers.

    Some servers, the hub's own among them, begin each request with the environment of their process:
    ``HTTP_AUTHORIZATION`` there would be the credentials of everybody who shows none.
    """
    for name in [name for name in os.environ if name.startswith(("HTTP_", "CONTENT_"))]:
        del os.environ[name]


def _look_after_itself() -> None:
    """Give memory back, end what is overdue, and stop in good order when the process that started this one is gone."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return  # loaded by a server of another kind, which looks after its processes itself
    # The word to stop comes from there, once: of three signals in one process (Ctrl-C twice, and the parent's) the last
    # would wait in granian for ever, and with it all of Python.
    os.setsid()
    told = False

    def look() -> None:
        nonlocal told
        memory.give_back()
        end_overdue(0 if told else WITHIN)
        if os.getppid() != parent.pid and not told:
            told = True
            os.kill(os.getpid(), signal.SIGTERM)

    keep_hearing(look)
