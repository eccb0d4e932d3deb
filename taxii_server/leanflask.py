"""Flask without what the hub does not use: sessions, coroutines, host names. Together they cost a quarter of a poll."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, Request
from flask.sessions import SessionInterface
from werkzeug.routing import MapAdapter

from taxii_server.replies import Reply


class LeanFlask(Flask):
    """Flask for views that are plain functions, known by their path alone, answered by :class:`Reply`."""

    response_class = Reply

    def __init__(self, name: str) -> None:
        super().__init__(name, static_folder=None)
        self.session_interface = _NoSessions()
        # Paths are answered as they are: with and without a slash at the end, never by a redirect.
        self.url_map.strict_slashes = False
        self.url_map.merge_slashes = False

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself: no view of the hub is a coroutine."""
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Match by method and path, whatever host the request was sent to: the hub makes no absolute URLs."""
        if request is None:
            return None
        environ = request.environ
        # WSGI hands over bytes as if they were Latin-1 (PEP 3333).
        path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
        return MapAdapter(
            self.url_map,
            server_name="",
            script_name="/",
            subdomain="",
            url_scheme=environ["wsgi.url_scheme"],
            path_info="/" + path.lstrip("/"),
            default_method=environ["REQUEST_METHOD"],
        )


class _NoSessions(SessionInterface):
    """The hub knows callers by what each request shows; there are no sessions to open or save."""

    def open_session(self, app: Flask, request: Request) -> Any:
        return _NO_SESSION

    def is_null_session(self, obj: object) -> bool:
        return True


_NO_SESSION: dict[str, Any] = {}
