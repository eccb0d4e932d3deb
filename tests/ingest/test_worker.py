"""The loop: what it does when the store does not do what is asked."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from taxii_server.stores.sqlite import SqliteStore
from taxii_server.worker import Worker
from tests.hubs import SteppingClock, settings


class Rests(threading.Event):
    """Notes how long the loop would rest, lets the writer go at the first time, and stops it at the second."""

    def __init__(self, writer: sqlite3.Connection) -> None:
        super().__init__()
        self.seconds: list[float | None] = []
        self._writer = writer

    def wait(self, timeout: float | None = None) -> bool:
        """Do not wait."""
        self.seconds.append(timeout)
        if len(self.seconds) == 1:
            self._writer.rollback()
        else:
            self.set()
        return self.is_set()


def test_a_store_that_takes_nothing_is_tried_again_less_often(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """While it is locked, or its disk is full, the log does not fill up; when it takes writes, all is as before."""
    with closing(SqliteStore(tmp_path / "hub.db", patience=10)) as store:
        worker = Worker(settings(), store, SteppingClock(1_790_000_000_000_000), "me", {})
        writer = sqlite3.connect(tmp_path / "hub.db", isolation_level=None)
        writer.execute("BEGIN IMMEDIATE")
        rests = Rests(writer)
        worker.run(rests)
        writer.close()
    assert rests.seconds == [10.0, 0.5]
    assert "trying again" in caplog.text
