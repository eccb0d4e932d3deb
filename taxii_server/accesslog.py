"""The access log: one JSON line for each request, without credentials and without the query."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from flask import Response

_LOG = logging.getLogger("noroshi.access")


def write(
    environ: Mapping[str, Any], response: Response, user: str, collection: str, objects: int, seconds: float
) -> None:
    """Log a WSGI request and what it was answered. ``user`` "" is somebody who did not log in."""
    if not _LOG.isEnabledFor(logging.INFO):
        return
    fields: dict[str, object] = {
        "method": environ["REQUEST_METHOD"],
        "path": environ["PATH_INFO"],
        "status": response.status_code,
        "bytes": int(response.headers.get("Content-Length", 0)),
        "ms": round(seconds * 1_000, 2),
        "from": environ.get("REMOTE_ADDR", ""),
        "user": user,
        "agent": environ.get("HTTP_USER_AGENT", "")[:200],
    }
    if collection:
        fields["collection"] = collection
        fields["objects"] = objects
    # Not _LOG.info: it would look up which line of this file it was called from.
    _LOG.handle(_LOG.makeRecord(_LOG.name, logging.INFO, "", 0, "request", (), None, None, {"fields": fields}))
