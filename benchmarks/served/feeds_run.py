"""One hub process on one core: collect a feed again and again as it changes, publish, and print for each time how long
its parts took, as JSON.

``python -m benchmarks.served.feeds_run FOLDER SHAPE ROWS``, with the hub's file in FOLDER. Times are of the processor.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks import memory
from benchmarks.shapes import OVERLAPPING, SHAPES, Shape
from collectors.document import Body, Document
from config.feeds import Feed
from config.instant import system_clock
from config.loading import load
from normalizers.reading import check, read
from taxii_server.ingest import Ingest
from taxii_server.jobs import Jobs
from taxii_server.memory import seldom_collect
from taxii_server.publishing import Publisher
from taxii_server.stores import open_store
from taxii_server.stores.base import News

#: what the store does for claims, and for objects; the rest of it is leases, states and marks
_CLAIMS = frozenset({"claims", "put_claims", "listed", "rows_known", "know_rows", "forget_rows"})
_OBJECTS = frozenset({"objects", "publish"})
#: batches between two looks at the memory: a look costs milliseconds
_LOOK = 25


class Timed:
    """A store that adds up the processor's time of each of its methods."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.seconds: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        def timed(*given: Any, **named: Any) -> Any:
            start = time.process_time()
            try:
                return method(*given, **named)
            finally:
                self.seconds[name] += time.process_time() - start  # type: ignore[assignment]

        self.__dict__[name] = timed
        return timed


class Collecting:
    """The hub's own parts, joined as its worker joins them."""

    def __init__(self, folder: Path, shape: Shape) -> None:
        settings = load(folder / "hub.yaml")
        settings.data.mkdir(parents=True, exist_ok=True)
        self._data = settings.data
        self._shape = shape
        self._store = Timed(open_store(settings.store, settings.data))
        self._publisher = Publisher(settings, self._store, system_clock, "bench")
        self._ingest = Ingest(settings, self._store, system_clock, owner="bench", environment={}, between=self._between)
        self._feeds = settings.feeds
        self._publishing = 0.0
        self._peak = 0.0
        self._batches = 0
        seldom_collect()
        Jobs(self._publisher).settle()
        self._publisher.publish_all()

    def run(self, name: str, rows: range, *, feed: int = 0, parts: bool = False) -> dict[str, Any]:
        """Collect a feed whose document has these rows, and publish what changed. ``parts``: read it once more beside,
        to tell parsing from normalising."""
        collected = self._feeds[feed]
        path = self._data / collected.transport.path  # type: ignore[union-attr]
        with path.open("w", newline="") as stream:
            stream.writelines(self._shape.document(rows))
        self._store.seconds.clear()
        self._publishing = 0.0
        start = time.process_time()
        state = self._ingest.run(collected, confirmed=True)
        self._timed_publishing(None)
        seconds = time.process_time() - start
        if state.status != "ok" or state.refused:
            raise RuntimeError(f"{name}: {state.status} {state.message} {state.refused}")
        self._look()
        told = {
            "name": name,
            "rows": len(rows),
            "kept": state.counts["kept"],
            "withdrawn": state.counts["withdrawn"],
            "seconds": seconds,
            "publishing": self._publishing,
            "claims": sum(self._store.seconds[name] for name in _CLAIMS),
            "objects": sum(self._store.seconds[name] for name in _OBJECTS),
            "memory": self._peak,
        }
        return told | (self._reading(path, collected) if parts else {})

    def _reading(self, path: Path, feed: Feed) -> dict[str, float]:
        document = Document(content=Body.of(path.read_bytes()), name=path.name, fetched=system_clock() // 1_000)
        parse = _seconds(lambda: check(document, feed))
        return {"parse": parse, "read": _seconds(lambda: sum(1 for _ in read(document, feed)))}

    def _between(self, news: News | None) -> None:
        self._timed_publishing(news)
        self._batches += 1
        if self._batches % _LOOK == 0:
            self._look()

    def _timed_publishing(self, news: News | None) -> None:
        start = time.process_time()
        self._publisher.publish_all(news=news)
        self._publishing += time.process_time() - start

    def _look(self) -> None:
        self._peak = max(self._peak, memory.of_tree(os.getpid(), self._data).resident)


def _seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def run(folder: Path, shape: Shape, rows: int) -> Iterator[dict[str, Any]]:
    """Time after time."""
    hub = Collecting(folder, shape)
    if shape.name == OVERLAPPING:
        # Each feed's second half is the next one's first.
        for number in range(shape.feeds):
            start = number * rows // 2
            yield hub.run(f"feed {number + 1}", range(start, start + rows), feed=number)
        return
    few = max(1, rows // 100)
    others = iter([range(start, start + few) for start in range(2 * rows, 2 * rows + 3 * few, few)])
    if shape.kind == "log":  # whose document need not hold what it held before
        yield hub.run(f"{few:,} rows", next(others))
        yield hub.run(f"{few:,} others", next(others))
    yield hub.run("first collection", range(rows), parts=True)
    yield hub.run("unchanged but for one row", range(1, rows + 1))
    yield hub.run("unchanged but for one row, again", range(2, rows + 2))
    yield hub.run("1 % changed", range(2 + few, rows + 2 + few))
    if shape.kind == "log":
        yield hub.run(f"{few:,} others, after all these", next(others))


if __name__ == "__main__":
    # One core, before anything has started a thread.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    for line in run(Path(sys.argv[1]), SHAPES[sys.argv[2]], int(sys.argv[3])):
        print(json.dumps(line), flush=True)
