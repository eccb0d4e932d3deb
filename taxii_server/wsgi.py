"""The application as a WSGI server's process loads it: everything it needs to know is in two environment variables.

``NOROSHI_CONFIG`` is the hub's YAML file, ``NOROSHI_DATA``, if set, the directory of its own files. Any WSGI server may
load ``taxii_server.wsgi:application()``; the hub's own is in :mod:`taxii_server.serve`.
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
from config.settings import SettingsError, load
from taxii_server.app import create_app
from taxii_server.hearing import keep_hearing
from taxii_server.jsonlog import configure_logging
from taxii_server.opening import open_hub


def application() -> Flask:
    """The hub's application, its store open and its read counts being written. Logs go to standard error."""
    configure_logging(logging.getLevelNamesMapping().get(os.environ.get("NOROSHI_LOG", "INFO").upper(), logging.INFO))
    _stop_with_parent()
    config = os.environ.get("NOROSHI_CONFIG")
    if not config:
        raise SettingsError("NOROSHI_CONFIG: expected the path of the hub's YAML file, got nothing")
    settings = load(Path(config))
    data = os.environ.get("NOROSHI_DATA")
    if data:
        settings = settings.model_copy(update={"data": Path(data)})
    store = open_hub(settings)
    app = create_app(settings, store, clock=system_clock)
    reads = app.extensions["noroshi.reads"]
    reads.start()
    atexit.register(store.close)
    atexit.register(reads.close)
    return app


def _stop_with_parent() -> None:
    """End this process, in good order, when the one that started it is gone: nobody else would."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return  # loaded by a server of another kind, which looks after its processes itself

    def look() -> None:
        if os.getppid() != parent.pid:
            os.kill(os.getpid(), signal.SIGTERM)

    keep_hearing(look)
