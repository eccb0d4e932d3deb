"""The application as a WSGI server's process loads it.

The hub's own server (:mod:`taxii_server.serve`) calls :func:`hub`. Any other may load
``taxii_server.wsgi:application()``, which finds what it needs in two environment variables: ``NOROSHI_CONFIG`` is the
hub's YAML file, ``NOROSHI_DATA``, if set, the directory of its own files.
"""

from __future__ import annotations

import atexit
import ctypes
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

#: mallopt(3): M_MMAP_THRESHOLD in bytes, M_ARENA_MAX
_MALLOC = {-3: 4 * 1024 * 1024, -8: 2}


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
    _stop_with_parent()
    _give_memory_back()
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


def _give_memory_back() -> None:
    """Have glibc give back what password checks (19 MB each) and large pages take for milliseconds.

    Left to itself it keeps such pieces for each thread: 150 MB in two processes, for good. Other C libraries have no
    mallopt and no need of it.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    for parameter, value in _MALLOC.items():
        mallopt(parameter, value)


def _stop_with_parent() -> None:
    """End this process, in good order, when the one that started it is gone: nobody else would."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return  # loaded by a server of another kind, which looks after its processes itself

    def look() -> None:
        if os.getppid() != parent.pid:
            os.kill(os.getpid(), signal.SIGTERM)

    keep_hearing(look)
