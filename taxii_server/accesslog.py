"""The access log: one JSON line for each request, without credentials and without the query."""

from __future__ import annotations

import logging

from flask import Request, Response

_LOG = logging.getLogger("noroshi.access")


def write(request: Request, response: Response, user: str, collection: str, objects: int, seconds: float) -> None:
    """Log a request and what it was answered. ``user`` "" is somebody who did not log in."""
    if not _LOG.isEnabledFor(logging.INFO):
        return
    environ = request.environ
    fields: dict[str, object] = {
        "method": environ["REQUEST_METHOD"],
        "path": environ["PATH_INFO"],
        "status": response.status_code,
        "bytes": response.content_length or 0,
        "ms": round(seconds * 1_000, 2),
        "from": environ.get("REMOTE_ADDR", ""),
        "user": user,
        "agent": environ.get("HTTP_USER_AGENT", "")[:200],
    }
    if collection:
        fields["collection"] = collection
        fields["objects"] = objects
    _LOG.info("request", extra={"fields": fields})
