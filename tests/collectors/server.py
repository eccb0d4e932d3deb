"""A real HTTP server on the loopback address whose answers a test writes, down to the bytes."""

from __future__ import annotations

import contextlib
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit


class Asked(NamedTuple):
    """A request as it arrived."""

    path: str
    #: names in small letters
    headers: dict[str, str]
    method: str = "GET"
    body: bytes = b""

    @property
    def query(self) -> dict[str, str]:
        """The last value of each parameter."""
        return {name: values[-1] for name, values in parse_qs(urlsplit(self.path).query).items()}


class Exchange:
    """One connection, as the test's answer sees it."""

    def __init__(self, handler: socketserver.StreamRequestHandler, stopping: threading.Event) -> None:
        self._handler = handler
        self._stopping = stopping

    def send(self, data: bytes) -> bool:
        """Send bytes; gives whether the client is still there."""
        try:
            self._handler.wfile.write(data)
            self._handler.wfile.flush()
        except OSError:
            return False
        return not self._stopping.is_set()

    def wait(self, seconds: float = 30) -> bool:
        """Do nothing for so long; gives whether the test is over."""
        return self._stopping.wait(seconds)

    def answer(self, status: int = 200, body: bytes = b"", **headers: str) -> None:
        """Send a whole answer. ``Content_Type`` stands for Content-Type."""
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


Answer = Callable[[Asked, Exchange], None]


class Server:
    """Answers with the functions that a test gives, one after the other, the last one again and again."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[Asked] = []
        self._answers: list[Answer] = []
        self._stopping = threading.Event()
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                outer._handle(self)

        class Listener(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                """A client that went away is what some tests are about."""

        self._listener = Listener(("127.0.0.1", 0), Handler)
        self._scheme = "https" if tls else "http"
        if tls:
            self._listener.socket = tls.wrap_socket(self._listener.socket, server_side=True)
        self._thread = threading.Thread(target=self._listener.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def base(self) -> str:
        """Its URL, without a slash at the end."""
        return f"{self._scheme}://127.0.0.1:{self._listener.server_address[1]}"

    def will(self, *answers: Answer) -> None:
        """What it is to answer from now on."""
        self._answers = list(answers)

    def _handle(self, handler: socketserver.StreamRequestHandler) -> None:
        first = handler.rfile.readline(65_536).decode("latin-1").split(" ")
        if len(first) < 2:
            return
        headers = {}
        while (line := handler.rfile.readline(65_536).decode("latin-1").strip()) != "":
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        asked = Asked(first[1], headers, first[0], handler.rfile.read(int(headers.get("content-length", 0))))
        self.asked.append(asked)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        answer(asked, Exchange(handler, self._stopping))

    @contextlib.contextmanager
    def running(self) -> Iterator[Server]:
        """While the block runs."""
        self._thread.start()
        try:
            yield self
        finally:
            self._stopping.set()
            self._listener.shutdown()
            self._listener.server_close()
            self._thread.join()


def says(body: bytes | str, status: int = 200, **headers: str) -> Answer:
    """An answer that is always this one."""
    content = body.encode() if isinstance(body, str) else body
    return lambda asked, exchange: exchange.answer(status, content, **headers)
