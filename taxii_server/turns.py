"""Who publishes: one thread of one process at a time, by a lease in the store."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from config.instant import SECOND, Clock, Millis
from taxii_server.stores.base import Store

_LEASE = "publisher"
_LEASE_FOR: Millis = 30 * SECOND


class NotNow(Exception):
    """Another process publishes at present; what is dirty is in good hands."""


class Turns:
    """The turns of one process."""

    def __init__(self, store: Store, clock: Clock, owner: str) -> None:
        self._store = store
        self._clock = clock
        self._owner = owner
        # The lease keeps other processes out, this the other threads of our own.
        self._lock = threading.Lock()
        self._held = False

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One step of publishing, which no other thread or process does meanwhile. Raises :class:`NotNow`."""
        if not self._lock.acquire(blocking=False):
            raise NotNow("another thread is publishing")
        try:
            self.prolong()
            yield
        finally:
            self._lock.release()

    def prolong(self) -> None:
        """Take or prolong the lease, within a turn. Raises :class:`NotNow`."""
        now = self._clock() // 1_000
        if not self._store.lease(_LEASE, self._owner, now=now, until=now + _LEASE_FOR):
            raise NotNow("another process is publishing")
        self._held = True

    def release(self) -> None:
        """Let another process publish, unless another thread of this one is in the middle of a turn."""
        if self._lock.acquire(blocking=False):
            try:
                if self._held:
                    self._held = False
                    self._store.release(_LEASE, self._owner)
            finally:
                self._lock.release()
