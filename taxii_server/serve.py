"""Serving HTTP: granian, a WSGI server, in several processes that share a listening socket.

Measured beside gunicorn with threads, it answers more polls (docs/serving.md). Its processes are started afresh rather
than forked, so that they hold nothing of the process that starts them; when that one goes, however it goes, they stop.

The socket is bound once, by the hub, and handed to each process. Left to itself granian binds the port anew in every
process and shares it with whoever else wants it, so two hubs could be started on one port and each would get some of
the requests; and whatever took the port in between was told as a fault of the server's.
"""

from __future__ import annotations

import logging
import multiprocessing
import signal
import socket
import ssl
import sys
from functools import partial
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import Any

from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer

from taxii_server.hearing import hear, nothing

#: Requests that one process works on at once. More would only wait for each other: a request is a few hundred
#: microseconds of work in Python, and what it waits for besides is the disk, or a body that is slow to come.
THREADS = 8
#: Connections that one process has at once; further ones wait to be accepted.
WAITING = 256
#: Connections that may wait to be accepted.
BACKLOG = 1_024
#: Seconds that a process is given to finish what it works on before it is killed.
GRACE = 15
#: Milliseconds in which a client has to send its request's head.
HEAD_WITHIN = 15_000
#: Milliseconds after which a connection is cut whose client takes nothing of an answer (Linux, TCP_USER_TIMEOUT).
TAKEN_WITHIN = 60_000

# Through granian's logger to the program's own handlers, whatever those are.
_LOGS: dict[str, Any] = {
    "formatters": {},
    "handlers": {},
    "loggers": {"_granian": {"handlers": [], "propagate": True}},
}


class CannotListen(Exception):
    """The address cannot be listened on; the message says why."""


def serve(
    config: Path,
    data: Path,
    listener: socket.socket,
    *,
    workers: int,
    cert: Path | None = None,
    key: Path | None = None,
) -> None:
    """Serve the hub on a socket of :func:`listen` until SIGINT or SIGTERM; then finish what is being answered, return.

    Each of ``workers`` processes reads ``config`` by itself (:mod:`taxii_server.wsgi`). With ``cert`` and ``key``, PEM
    files, it speaks TLS 1.2 and 1.3. To be called in the main thread.
    """
    multiprocessing.set_start_method("spawn", force=True)
    server = _Server(
        "taxii_server.wsgi",
        listener,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=THREADS,
        backlog=BACKLOG,
        backpressure=WAITING,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEAD_WITHIN),
        ssl_cert=cert,
        ssl_key=key,
        ssl_protocol_min=SSLProtocols.tls12,
        respawn_failed_workers=True,
        workers_kill_timeout=GRACE,
        log_level=LogLevels.warning,
        log_dictconfig=_LOGS,
    )
    # A terminal that is closed is a Ctrl-C; granian would start its processes anew.
    closed = signal.getsignal(signal.SIGHUP)
    ends = {signal.SIGINT, signal.SIGTERM} | ({signal.SIGHUP} if closed is not signal.SIG_IGN else set())
    server.on_startup(lambda: signal.signal(signal.SIGHUP, nothing if signal.SIGHUP in ends else closed))
    hear(ends, server.end)
    # It takes more threads than processors for a mistake; ours wait for the disk, and their number is measured.
    logging.getLogger("_granian").addFilter(lambda record: "Python threads" not in record.getMessage())
    # Handed over, not set in the environment: other threads start programs with that at this very moment.
    server.serve(target_loader=partial(_application, config.resolve(), data.resolve()), wrap_loader=False)


class _Server(MPServer):
    """granian's server, on a socket that listens already."""

    _sfd: Any
    _shd: Any

    def __init__(self, target: str, listener: socket.socket, **settings: Any) -> None:
        host, port = listener.getsockname()[:2]
        super().__init__(target, address=host, port=port, **settings)
        self._listener = listener

    def end(self) -> None:
        """Finish what is being answered, and return from ``serve``. Not to be called in a signal's handler."""
        super().signal_handler_interrupt()  # type: ignore[no-untyped-call]

    def signal_handler_interrupt(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: granian sets an event here, which must not be done in a handler (:mod:`taxii_server.hearing`)."""

    def _init_shared_socket(self) -> None:
        number = self._listener.fileno()
        # Linux and FreeBSD begin to listen in each process, and so ask for the length of the queue again.
        queue = (BACKLOG,) if sys.platform.startswith(("linux", "freebsd")) else ()
        self._ssp, self._sfd = None, number
        self._shd = SocketHolder(number, False, *queue)  # type: ignore[call-arg]
        self._sso = _HandedOn(self._listener)


class _HandedOn:
    """The listening socket on its way into a process, where it keeps its number and belongs to granian alone.

    As a Python socket it would be closed there twice, the second time as whatever has its number by then.
    """

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener

    def __reduce__(self) -> tuple[type[int], tuple[int]]:
        return int, (DupFd(self._listener.fileno()).detach(),)

    def close(self) -> None:
        self._listener.close()


def _application(config: Path, data: Path) -> Any:
    """The application, in a process that serves; this one needs none of what it loads."""
    from config.yamlfile import SettingsError
    from taxii_server.stores.base import StoreError
    from taxii_server.wsgi import hub

    try:
        return hub(config, data)
    except (SettingsError, StoreError) as error:
        logging.getLogger("noroshi.serve").error("%s", error)
        sys.exit(1)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there, for this process and those that it is handed to alone.

    From here on clients may connect; they wait until a process serves. Raises :class:`CannotListen`.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise CannotListen(f"cannot listen on {host} port {port}: {error.strerror or error}") from error
    try:
        # Connections of the hub that ran there before, still closing, are no reason to wait.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # What connections take over from it:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, TAKEN_WITHIN)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise CannotListen(f"cannot listen on {host} port {port}: {error.strerror or error}") from error
    return listener


def check_certificate(cert: Path, key: Path) -> None:
    """Raises :class:`CannotListen` when these are no certificate chain and its private key."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as error:
        raise CannotListen(f"{cert} and {key} are not a certificate chain and its key in PEM: {error}") from error
