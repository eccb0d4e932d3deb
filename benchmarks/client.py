"""A lean HTTP/1.1 client over one socket: it must cost far less than any server it measures.

A reply's body is left in one buffer that the next request overwrites; whoever wants to keep it copies it.
"""

from __future__ import annotations

import re
import socket
import time
from typing import NamedTuple

_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection:[ \t]*close", re.IGNORECASE)


class NoAnswer(Exception):
    """The server gave no whole answer within the time, or closed the connection."""


class Reply(NamedTuple):
    """One answer; ``body`` is valid until the next request on its connection."""

    status: int
    head: bytes
    body: memoryview

    def header(self, name: str) -> str | None:
        """A header's value, by name."""
        found = re.search(rb"\r\n" + re.escape(name.encode()) + rb":[ \t]*([^\r]*)", self.head, re.IGNORECASE)
        return found[1].decode("latin-1").strip() if found else None


class Connection:
    """One keep-alive connection to a server on this machine."""

    def __init__(self, port: int, headers: dict[str, str], *, timeout: float = 60.0) -> None:
        self._address = ("127.0.0.1", port)
        lines = {"Host": f"127.0.0.1:{port}", **headers}
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self._timeout = timeout
        self._buffer = bytearray(4 * 1024 * 1024)
        self._socket: socket.socket | None = None

    def get(self, path: str, *, timeout: float | None = None) -> Reply:
        """GET a path. Raises :class:`NoAnswer` when the answer is not whole within ``timeout`` seconds."""
        return self._exchange(f"GET {path} HTTP/1.1\r\n{self._headers}\r\n".encode(), timeout)

    def post(self, path: str, body: bytes, *, timeout: float | None = None) -> Reply:
        """POST an envelope."""
        head = (
            f"POST {path} HTTP/1.1\r\n{self._headers}Content-Type: application/taxii+json;version=2.1\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return self._exchange(head.encode() + body, timeout)

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _exchange(self, request: bytes, timeout: float | None) -> Reply:
        until = time.monotonic() + (self._timeout if timeout is None else timeout)
        try:
            link = self._socket or self._connect()
            link.settimeout(max(0.001, until - time.monotonic()))
            link.sendall(request)
            reply = self._read(link, until)
        except OSError as error:
            self.close()
            raise NoAnswer(str(error) or type(error).__name__) from error
        except NoAnswer:
            self.close()
            raise
        if _CLOSE.search(reply.head):
            self.close()
        return reply

    def _connect(self) -> socket.socket:
        self._socket = socket.create_connection(self._address, timeout=5)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._socket

    def _read(self, link: socket.socket, until: float) -> Reply:
        filled, end = 0, -1
        while end < 0:
            filled = self._more(link, filled, until)
            end = self._buffer.find(b"\r\n\r\n", 0, filled)
        head, start = bytes(self._buffer[:end]), end + 4
        status = _STATUS.match(head)
        if status is None:
            raise NoAnswer(f"expected an HTTP answer, got {head[:40]!r}")
        if _CHUNKED.search(head):
            body = self._chunks(link, start, filled, until)
        else:
            length = _LENGTH.search(head)
            if length is None:
                raise NoAnswer("expected a Content-Length or chunks")
            total = start + int(length[1])
            while filled < total:
                filled = self._more(link, filled, until)
            body = memoryview(self._buffer)[start:total]
        return Reply(int(status[1]), head, body)

    def _more(self, link: socket.socket, filled: int, until: float) -> int:
        if filled == len(self._buffer):
            self._buffer = self._buffer + bytearray(len(self._buffer))
        left = until - time.monotonic()
        if left <= 0:
            raise NoAnswer("no whole answer in time")
        link.settimeout(left)
        got = link.recv_into(memoryview(self._buffer)[filled:])
        if got == 0:
            raise NoAnswer("the server closed the connection")
        return filled + got

    def _chunks(self, link: socket.socket, start: int, filled: int, until: float) -> memoryview:
        pieces, at = list[bytes](), start
        while True:
            while (line := self._buffer.find(b"\r\n", at, filled)) < 0:
                filled = self._more(link, filled, until)
            size = int(bytes(self._buffer[at:line]).partition(b";")[0], 16)
            while filled < line + size + 4:
                filled = self._more(link, filled, until)
            if size == 0:
                return memoryview(b"".join(pieces))
            pieces.append(bytes(self._buffer[line + 2 : line + 2 + size]))
            at = line + size + 4
