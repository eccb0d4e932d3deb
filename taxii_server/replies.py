"""Responses: bytes in one piece, with the headers that every response of the hub has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from flask import Response

#: On every response: what the hub says is for the caller alone, is data, and is shown inside nothing.
SAFETY = (
    ("Server", "noroshi"),
    ("Cache-Control", "private, no-store"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
)
_HSTS = ("Strict-Transport-Security", "max-age=31536000")


class Reply(Response):
    """A response that hands its body to the server as it is, not through an iterator."""

    default_mimetype = "application/taxii+json;version=2.1"
    safety: ClassVar[tuple[tuple[str, str], ...]] = SAFETY

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Send it (PEP 3333). A bodiless response keeps its Content-Type, as TAXII 2.1 section 3.1 asks."""
        headers = [*self.headers.to_wsgi_list(), *self.safety]
        if environ["wsgi.url_scheme"] == "https":
            headers.append(_HSTS)
        start_response(self.status, headers)
        if environ["REQUEST_METHOD"] == "HEAD" or not self.is_sequence:
            return [] if self.is_sequence else self.get_app_iter(environ)
        return self.response  # type: ignore[return-value] # a list of bytes, since is_sequence


class Streamed(Reply):
    """A response in pieces, which whoever asked may keep, and ask whether it is still so."""

    safety = tuple((name, "private, no-cache" if name == "Cache-Control" else value) for name, value in SAFETY)


def reply(body: bytes, status: int = 200, headers: Iterable[tuple[str, str]] = (), kind: str = "") -> Reply:
    """A response of these bytes; ``kind`` is a media type other than TAXII's."""
    return Reply(body, status, [("Content-Type", kind or Reply.default_mimetype), *headers])
