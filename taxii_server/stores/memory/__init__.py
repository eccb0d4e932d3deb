"""A store that lives in memory: for tests, and for trying things out. Whatever it holds ends with its process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from taxii_server.stores.base import StoreError
from taxii_server.stores.memory.claims import MemoryClaims
from taxii_server.stores.memory.desk import MemoryDesk
from taxii_server.stores.memory.logs import MemoryLogs


class MemoryStore(MemoryClaims, MemoryLogs, MemoryDesk):
    """The whole interface of :class:`taxii_server.stores.base.Store`, for the threads of one process."""

    def backup(self, target: Path, progress: Callable[[int, int], None] | None = None) -> None:
        """Raises StoreError: there is nothing that a file could be made of and read back from."""
        raise StoreError(f"{target}: a memory: store cannot be backed up; sqlite:FILE can")

    def damage(self) -> str:
        """There is no file that could be."""
        return ""

    def close(self) -> None:
        """Nothing is held outside the process, and what is in it stays readable."""
