"""What the hub asks of a store: one small interface, whatever is behind it.

Every call is atomic or can be made again with the same arguments to the same end; none spans documents in a way that
needs a transaction of the caller's. A call that takes ``audit`` writes that record in the same step: neither is there
without the other, and where nothing changes there is no record. Instants are whole numbers: ``Micros`` for
``date_added``, ``Millis`` elsewhere. A store may be used by many threads and, but for the memory store, by many
processes at once.

Words: a *scope* is where object ids are unique: a view's name for merged objects, ``collection:<uuid>`` for those of a
shared collection. A *collection* is named by its UUID text. An *object key* is (type, 16 bytes of its UUID).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from taxii_server.stores.base.audit import AuditRecord
from taxii_server.stores.base.claims import Alias, ClaimRow, ClaimStore, Found, Listed, Mark, News, Told
from taxii_server.stores.base.desk import DeskStore, FeedState, ReadCount, Returned, Submission, Token, User
from taxii_server.stores.base.errors import StoreBusy, StoreError, StoreFull, StoreUnusable
from taxii_server.stores.base.logs import (
    LAST,
    BodiesPage,
    Entry,
    LogStore,
    ObjectKey,
    ObjectState,
    Outcome,
    Page,
    Publication,
    Selection,
    Versions,
    version_key,
)

__all__ = [
    "LAST",
    "Alias",
    "AuditRecord",
    "BodiesPage",
    "ClaimRow",
    "Entry",
    "FeedState",
    "Found",
    "Listed",
    "Mark",
    "News",
    "ObjectKey",
    "ObjectState",
    "Outcome",
    "Page",
    "Publication",
    "ReadCount",
    "Returned",
    "Selection",
    "Store",
    "StoreBusy",
    "StoreError",
    "StoreFull",
    "StoreUnusable",
    "Submission",
    "Token",
    "Told",
    "User",
    "Versions",
    "version_key",
]


class Store(ClaimStore, LogStore, DeskStore, Protocol):
    """The whole interface. The contract tests in tests/stores say in executable form what is said here."""

    def backup(self, target: Path, progress: Callable[[int, int], None] | None = None) -> None:
        """Write a consistent copy to a new file while others read and write. ``progress(done, total)``."""

    def damage(self) -> str:
        """What is wrong with what the store is kept in, "" when nothing is found. Reads all of it."""

    def close(self) -> None:
        """Release what this process holds."""
