"""Where everything that must survive is kept: memory and SQLite behind the interface of ``base``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from config.instant import Micros
from taxii_server.stores import sqlite
from taxii_server.stores.base import AuditRecord, Returned, Store, StoreUnusable
from taxii_server.stores.memory import MemoryStore


def open_store(address: str, data: Path) -> Store:
    """The store of an address, ``sqlite:FILE`` or ``memory:``; a relative FILE is in the folder ``data``.

    A file that is not there is made. Raises StoreUnusable, and StoreBusy while a backup is being restored.
    """
    if address == "memory:":
        return MemoryStore()
    return sqlite.SqliteStore(_file(address, data))


def is_there(address: str, data: Path) -> bool:
    """Whether :func:`open_store` would open a store, and not make one."""
    return address == "memory:" or _file(address, data).is_file()


def restore(
    backup: Path,
    address: str,
    data: Path,
    now: Micros,
    expect: Mapping[str, str] | None = None,
    audit: AuditRecord | None = None,
    *,
    let_in: bool = False,
) -> Returned:
    """Put a backup in the place of the store of that address, which nobody may have open, whole or not at all.

    The replaced file stays beside it. ``expect`` are small texts, such as the hub's namespace, that the backup must not
    remember otherwise. ``audit`` is in the audit log of what is restored. No ``date_added`` of the replaced store, or
    before ``now``, is ever given again. A user or token of the backup may come in only where the replaced store lets it
    in too, unless ``let_in``; gives who may do less by that. Raises StoreUnusable when one of the two is not a hub's or
    the backup is damaged, StoreBusy while the store is open, StoreFull.
    """
    if address == "memory:":
        raise StoreUnusable("a memory: store keeps nothing, so nothing can be restored to it; sqlite:FILE can")
    return sqlite.restore(backup, _file(address, data), now, expect, audit, let_in=let_in)


def _file(address: str, data: Path) -> Path:
    kind, _, name = address.partition(":")
    if kind != "sqlite" or not name:
        raise StoreUnusable(f"expected a store address such as sqlite:hub.db or memory:, got {address!r}")
    return data / name
