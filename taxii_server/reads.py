"""Who reads what: counted in memory, written in batches, so that a read costs no write.

A crash loses the counts of a few seconds; nothing else hangs on them.
"""

from __future__ import annotations

import logging
import threading

from config.instant import Millis
from taxii_server.stores.base import ReadCount, Store, StoreError

_LOG = logging.getLogger("noroshi.reads")
#: Stands for a subscriber who did not log in.
ANONYMOUS_READER = "anonymous"


class ReadCounts:
    """The counts of one process that are not written yet."""

    def __init__(self, store: Store, *, every: float = 5.0) -> None:
        """``every``: seconds between two writes once :meth:`start` was called."""
        self._store = store
        self._every = every
        self._counts: dict[tuple[str, str], list[int]] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, subscriber: str, collection: str, objects: int, at: Millis, *, error: bool = False) -> None:
        """Count one request; ``subscriber`` "" is somebody who did not log in."""
        with self._lock:
            count = self._counts.setdefault((subscriber or ANONYMOUS_READER, collection), [0, 0, 0, 0])
            count[0] += 1
            count[1] += objects
            count[2] = max(count[2], at)
            count[3] += error

    def flush(self) -> None:
        """Write what was counted; what cannot be written now is kept for the next time."""
        with self._lock:
            counts, self._counts = self._counts, {}
        if not counts:
            return
        try:
            self._store.add_reads(
                [ReadCount(*names, n, objects, at, bad) for names, (n, objects, at, bad) in counts.items()]
            )
        except StoreError as error:
            _LOG.warning("read counts are kept in memory, the store did not take them: %s", error)
            self._put_back(counts)

    def start(self) -> None:
        """Write from now on by itself, in a thread of its own."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="read-counts", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop the thread and write the rest."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self.flush()

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            self.flush()

    def _put_back(self, counts: dict[tuple[str, str], list[int]]) -> None:
        with self._lock:
            for names, old in counts.items():
                new = self._counts.setdefault(names, [0, 0, 0, 0])
                new[0], new[1], new[2], new[3] = new[0] + old[0], new[1] + old[1], max(new[2], old[2]), new[3] + old[3]
