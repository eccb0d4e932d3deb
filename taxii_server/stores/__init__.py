"""Where everything that must survive is kept: memory and SQLite behind the interface of ``base``."""

from __future__ import annotations

from pathlib import Path

from taxii_server.stores.base import Store, StoreUnusable
from taxii_server.stores.memory import MemoryStore


def open_store(address: str, data: Path) -> Store:
    """The store of that address: ``memory:``. Raises StoreUnusable."""
    if address == "memory:":
        return MemoryStore()
    raise StoreUnusable(f"expected a store address such as memory:, got {address!r}")
