"""The stores that every contract test runs against. A new store is one more line in STORES."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from taxii_server.stores import open_store
from taxii_server.stores.base import Store

#: name -> opens the store that lives in a folder, anew each time
STORES: dict[str, Callable[[Path], Store]] = {
    "memory": lambda folder: open_store("memory:", folder),
    "sqlite": lambda folder: open_store("sqlite:hub.db", folder),
}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Each store in turn, empty."""
    opened = STORES[request.param](tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Store]:
    """An empty SQLite store, in ``tmp_path/hub.db``."""
    opened = STORES["sqlite"](tmp_path)
    yield opened
    opened.close()
