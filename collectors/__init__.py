"""How documents are fetched: one module per transport, all conditional, bounded and retried."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from collectors.document import Body, Collected, Document
from collectors.errors import CollectError, GiveUp, TooLarge, TryLater, Unreadable
from config.feeds import Feed
from config.instant import Clock
from config.transports import (
    FileTransport,
    GithubTransport,
    HttpTransport,
    LinkedTransport,
    MispTransport,
    PagedTransport,
)

__all__ = [
    "Body", "CollectError", "Collected", "Document", "GiveUp", "TooLarge", "TryLater", "Unreadable", "collect",
]  # fmt: skip


def collect(
    feed: Feed, cursor: Mapping[str, Any], *, clock: Clock, data: Path, environment: Mapping[str, str], contact: str
) -> Collected:
    """Fetch what is new at a feed since ``cursor`` (empty at first).

    ``data`` is where relative file paths start, ``environment`` holds the feed's secret, ``contact`` goes into
    User-Agent. Raises :class:`CollectError`; then nothing was collected and the cursor is to stay where it is. The
    caller closes the documents.
    """
    # Here, and not above: whatever reads a format imports this package, web processes too, and they have no use for
    # the libraries that fetch.
    from collectors import file, github, http, linked, misp, paged, taxii, taxii20

    transport = feed.transport
    if isinstance(transport, HttpTransport):
        return http.collect(feed, transport, cursor, clock=clock, environment=environment, contact=contact)
    if isinstance(transport, FileTransport):
        return file.collect(feed, transport, cursor, clock=clock, data=data)
    if isinstance(transport, GithubTransport):
        return github.collect(feed, transport, cursor, clock=clock, environment=environment, contact=contact)
    if isinstance(transport, MispTransport):
        return misp.collect(feed, transport, cursor, clock=clock, environment=environment, contact=contact)
    if isinstance(transport, LinkedTransport):
        return linked.collect(feed, transport, cursor, clock=clock, environment=environment, contact=contact)
    if isinstance(transport, PagedTransport):
        return paged.collect(feed, transport, cursor, clock=clock, environment=environment, contact=contact)
    if transport.version == "2.0":
        return taxii20.collect(feed, transport, cursor, clock=clock, environment=environment, contact=contact)
    return taxii.collect(feed, transport, cursor, clock=clock, environment=environment, contact=contact)
