"""The limit of the server: bytes made beforehand, no framework, no store. How many pages a sync has: BENCH_PAGES."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

from benchmarks.objects import VULNERABILITY_EVERY, envelope, stix_object, stix_objects

PAGES = int(os.environ["BENCH_PAGES"])
PAGE = envelope(0, 1_000)[1:]
OF_TYPE = b'{"objects":[%s]}' % b",".join(
    item.body for item in stix_objects(0, 1_000 * VULNERABILITY_EVERY) if item.type == "vulnerability"
)
ONE = b'{"objects":[%s]}' % stix_object(1).body
DATES = [
    ("X-TAXII-Date-Added-First", "2026-02-01T00:00:00.000000Z"),
    ("X-TAXII-Date-Added-Last", "2026-02-01T00:00:01.000000Z"),
]


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer by the shape of the query alone."""
    body = _body(environ["PATH_INFO"], environ["QUERY_STRING"])
    media = ("Content-Type", "application/taxii+json;version=2.1")
    start_response("200 OK", [media, ("Content-Length", str(len(body))), *DATES])
    return [body]


def _body(path: str, query: str) -> bytes:
    if not path.endswith("/objects/"):
        return ONE
    if "added_after" in query:
        return b"{}"
    if "match" in query:
        return OF_TYPE
    page = int(query.partition("next=")[2] or 1)
    return (b'{"more":true,"next":"%d",' % (page + 1) if page < PAGES else b"{") + PAGE
