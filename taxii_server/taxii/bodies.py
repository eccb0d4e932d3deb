"""Reading what is posted, from clients of any speed.

A process reads few bodies at once, fewer than it has threads, so that posting slowly keeps no reader from being served;
and none for ever. The server's stream can neither be read with a time limit nor be left alone before it has ended, so a
connection whose body is overdue is told from the others by what the kernel knows of it (Linux), and its receiving half
is shut: then the stream ends, and the client can still be told why.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from taxii_server.taxii.errors import TaxiiError

#: Bodies that a process reads at once; fewer than it has threads (taxii_server/serve.py).
AT_ONCE = 6
#: Seconds that one more waits for its turn. Those that are read take some milliseconds, unless they are slow.
TURN = 0.5
#: Seconds in which a body has to be there: 10 MB at 1.4 Mbit/s.
WITHIN = 60.0

_PIECE = 256 * 1024
#: Where struct tcp_info holds tcpi_last_data_sent, in milliseconds (linux/tcp.h).
_LAST_SENT = 44
#: Milliseconds by which the kernel's clock may be behind.
_COARSE = 20

_places = threading.BoundedSemaphore(AT_ONCE)
_readings: set[_Reading] = set()


class _Reading:
    """A body that is being read."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.since = time.monotonic()
        self.overdue = False


def read_body(environ: Mapping[str, Any], most: int) -> bytes:
    """The body of a WSGI request, of at most ``most`` bytes.

    A longer one is a 413: unread where its length is announced, and read no further than the limit where it comes in
    chunks. One that ends too early is a 400, one that takes too long a 408, and when too many are slow, a 503.
    """
    announced = environ.get("CONTENT_LENGTH") or None
    if announced is not None and not (announced.isascii() and announced.isdigit()):
        raise TaxiiError(400, f"Content-Length: expected a number of bytes, got {announced[:20]!r}")
    length = None if announced is None else int(announced)
    too_large = TaxiiError(413, f"expected a body of at most {most} bytes")
    if length is not None and length > most:
        raise too_large
    if length is None and not environ.get("wsgi.input_terminated"):
        return b""
    with _turn(environ.get("REMOTE_ADDR", "")) as reading:
        body = _read(environ["wsgi.input"], most + 1 if length is None else length)
    if reading.overdue and len(body) != length:
        raise TaxiiError(408, f"expected the whole body within {WITHIN:.0f} seconds")
    if length is not None and len(body) < length:
        raise TaxiiError(400, f"expected a body of {length} bytes, got {len(body)}")
    if len(body) > most:
        raise too_large
    return body


@contextmanager
def _turn(address: str) -> Iterator[_Reading]:
    if not _places.acquire(timeout=TURN):
        raise TaxiiError(503, "the hub is waiting for as many slow bodies as it can; please try again in a moment")
    reading = _Reading(address)
    _readings.add(reading)
    try:
        yield reading
    finally:
        _readings.discard(reading)
        _places.release()


def _read(stream: Any, most: int) -> bytes:
    """Up to that many bytes, in pieces: servers' streams differ in what one call gives."""
    pieces: list[bytes] = []
    left = most
    while left > 0 and (piece := stream.read(min(left, _PIECE))):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def end_overdue(within: float) -> None:
    """End the reading of bodies that did not come within so many seconds. To be called now and then."""
    now = time.monotonic()
    readings = list(_readings)
    for reading in readings:
        age = now - reading.since
        if age < within:
            continue
        for other in readings:
            # One of the same client's that began a little later may be taken for it.
            other.overdue = other.overdue or other.address == reading.address
        for connection in _unanswered(reading.address, age):
            with connection, suppress(OSError):
                connection.shutdown(socket.SHUT_RD)


def _unanswered(address: str, seconds: float) -> Iterator[socket.socket]:
    """Connections of this process from that address on which nothing was sent for so long, each as a socket to close.

    Those that wait for a next request are not among them: they were answered later, or closed since.
    """
    for entry in Path("/proc/self/fd").glob("*"):
        try:
            connection = socket.socket(fileno=os.dup(int(entry.name)))
        except OSError:
            continue  # no socket, or gone by now
        try:
            info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LAST_SENT + 4)
            silent = struct.unpack_from("I", info, _LAST_SENT)[0] + _COARSE >= seconds * 1_000
            if silent and connection.getpeername()[0] == address:
                yield connection
                continue
        except OSError:
            pass  # listening, closed, or of another kind
        connection.close()
