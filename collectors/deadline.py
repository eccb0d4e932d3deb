"""An end for a whole HTTP exchange, which requests does not have: its timeouts start anew with every byte."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from types import TracebackType
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class Deadline:
    """Shuts down the watched sockets when ``seconds`` have passed, which ends whatever waits on them."""

    def __init__(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        #: whether the time is over
        self.passed = False

    def watch(self, sock: socket.socket) -> None:
        """End this socket too when the time is over; at once if it is."""
        with self._lock:
            self._sockets.append(sock)
            if self.passed:
                _shut(sock)

    def _end(self) -> None:
        with self._lock:
            self.passed = True
            for sock in self._sockets:
                _shut(sock)

    def __enter__(self) -> Deadline:
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._timer.cancel()
        self._timer.join()


def _shut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def session(deadline: Deadline) -> requests.Session:
    """A session whose connections end with the deadline. It follows proxies as set, and no ``.netrc``."""

    class Connection(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            deadline.watch(self.sock)

    class SecureConnection(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            deadline.watch(self.sock)

    class Pool(HTTPConnectionPool):
        ConnectionCls = Connection

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = SecureConnection

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, **kwargs)
            self.poolmanager.pool_classes_by_scheme = {"http": Pool, "https": SecurePool}

        def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
            manager = super().proxy_manager_for(*args, **kwargs)
            manager.pool_classes_by_scheme = {"http": Pool, "https": SecurePool}
            return manager

    log = logging.getLogger("urllib3.connectionpool")
    if _unheard not in log.filters:
        log.addFilter(_unheard)
    made = requests.Session()
    made.auth = _unchanged  # or requests would look the host up in .netrc
    made.mount("http://", Adapter(max_retries=0))
    made.mount("https://", Adapter(max_retries=0))
    return made


def _unheard(record: logging.LogRecord) -> bool:
    """No record: urllib3 logs URLs as requested, and some publishers want their key in the URL."""
    return False


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
