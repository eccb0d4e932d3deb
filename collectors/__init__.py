"""How documents are fetched: one module per transport, all conditional, bounded and retried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from collectors.document import Body, Collected, Document
from collectors.errors import CollectError, GiveUp, TooLarge, TryLater, Unreadable
from collectors.keys import secrets_of, spellings
from collectors.means import Means
from config.feeds import Feed
from config.transports import (
    FileTransport,
    GithubTransport,
    HttpTransport,
    LinkedTransport,
    MispTransport,
    PagedTransport,
)

__all__ = [
    "Body", "CollectError", "Collected", "Document", "GiveUp", "Means", "TooLarge", "TryLater", "Unreadable", "collect",
]  # fmt: skip


def collect(feed: Feed, cursor: Mapping[str, Any], means: Means) -> Collected:
    """Fetch what is new at a feed since ``cursor`` (empty at first).

    Raises :class:`CollectError`; then nothing was collected and the cursor is to stay where it is. The caller closes
    the documents.
    """
    collected = _collect(feed, cursor, means)
    secrets = spellings(secrets_of(feed, means.environment))
    if not secrets:
        return collected
    return replace(collected, documents=tuple(replace(item, secrets=secrets) for item in collected.documents))


def _collect(feed: Feed, cursor: Mapping[str, Any], means: Means) -> Collected:
    # Here, and not above: whatever reads a format imports this package, web processes too, and they have no use for
    # the libraries that fetch.
    from collectors import detailed, file, github, http, linked, misp, paged, taxii, taxii20

    transport = feed.transport
    if isinstance(transport, HttpTransport):
        return http.collect(feed, transport, cursor, means)
    if isinstance(transport, FileTransport):
        return file.collect(feed, transport, cursor, means)
    if isinstance(transport, GithubTransport):
        return github.collect(feed, transport, cursor, means)
    if isinstance(transport, MispTransport):
        return misp.collect(feed, transport, cursor, means)
    if isinstance(transport, LinkedTransport):
        return linked.collect(feed, transport, cursor, means)
    if isinstance(transport, PagedTransport) and transport.details is not None:
        return detailed.collect(feed, transport, transport.details, cursor, means)
    if isinstance(transport, PagedTransport):
        return paged.collect(feed, transport, cursor, means)
    if transport.version == "2.0":
        return taxii20.collect(feed, transport, cursor, means)
    return taxii.collect(feed, transport, cursor, means)
