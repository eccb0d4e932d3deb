"""What tests of collecting run on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from taxii_server.stores.base import Store
from taxii_server.stores.memory import MemoryStore
from taxii_server.stores.sqlite import SqliteStore


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A new store of each kind."""
    if request.param == "memory":
        yield MemoryStore()
        return
    opened = SqliteStore(tmp_path / "hub.db")
    yield opened
    opened.close()
