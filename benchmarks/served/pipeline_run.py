"""One hub process on one core: collect a growing feed, publish, and print for each part how long that took, as JSON.

``python -m benchmarks.served.pipeline_run FOLDER INDICATORS PARTS``, with the hub's YAML file in FOLDER. The feed is a
log in URLhaus's format: one file a part, each row a URL never seen before.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import memory
from config.instant import system_clock, taxii_time
from config.loading import load
from taxii_server.ingest import Ingest
from taxii_server.jobs import Jobs
from taxii_server.memory import seldom_collect
from taxii_server.publishing import Publisher
from taxii_server.stores import open_store
from taxii_server.stores.base import News

FEED, FORMAT_FOLDER = "urlhaus", "feed"
_HEAD = "# id,dateadded,url,url_status,last_online,threat,tags,urlhaus_link,reporter\r\n"


class Pipeline:
    """The hub's own parts, joined as its worker joins them."""

    def __init__(self, folder: Path) -> None:
        settings = load(folder / "hub.yaml")
        settings.data.mkdir(parents=True, exist_ok=True)
        self._data = settings.data
        (settings.data / FORMAT_FOLDER).mkdir()
        self._store = open_store(settings.store, settings.data)
        self._publisher = Publisher(settings, self._store, system_clock, "bench")
        self._ingest = Ingest(
            settings, self._store, system_clock, owner="bench", environment={}, between=self._publish_some
        )
        self._publishing = 0.0
        seldom_collect()
        self._feed = settings.feed(FEED)
        self._collections = [str(item.id) for root in settings.api_roots for item in root.collections]
        Jobs(self._publisher).settle()
        self._before = self._store.counts()

    def part(self, first: int, count: int) -> dict[str, float]:
        """Take in that many new rows, and publish what they say. Raises RuntimeError when any of it is lost."""
        day = taxii_time(system_clock())[:10]
        (self._data / FORMAT_FOLDER / f"{first:09d}.csv").write_text(
            _HEAD + "".join(_row(number, day) for number in range(first, first + count)), newline=""
        )
        self._publishing = 0.0
        start = time.perf_counter()
        state = self._ingest.run(self._feed)
        between = time.perf_counter()
        self._publisher.publish_all()
        end = time.perf_counter()
        self._publishing += end - between
        self._check(state.counts, state.refused, state.message, first, count)
        return {
            "size": first + count,
            "seconds": end - start,
            "collect": end - start - self._publishing,
            "publish": self._publishing,
        }

    def _publish_some(self, news: News | None) -> None:
        """Between two batches, as the hub's worker does."""
        start = time.perf_counter()
        self._publisher.publish_all(news=news)
        self._publishing += time.perf_counter() - start

    def _check(self, counts: dict[str, int], refused: dict[str, int], message: str, first: int, count: int) -> None:
        if counts.get("kept") != count or refused:
            raise RuntimeError(f"expected {count} new claims, got {counts}, refused {refused}, {message}")
        held = self._store.counts()
        for name in self._collections:
            entries = held[name] - self._before.get(name, 0)
            if entries != first + count:
                raise RuntimeError(f"{name}: expected {first + count} entries, got {entries}")

    def close(self) -> dict[str, float]:
        """What the process held, in the end."""
        held = memory.of_tree(os.getpid(), self._data)
        self._publisher.release()
        self._store.close()
        return {"memory": held.resident}


def _row(number: int, day: str) -> str:
    return (
        f'"{number}","{day} 00:00:00","http://host-{number:08d}.example.com/login","online","{day} 00:00:00",'
        f'"malware_download","exe,bench","https://urlhaus.example.org/url/{number}/","bench"\r\n'
    )


def run(folder: Path, indicators: int, parts: int) -> Iterator[dict[str, float]]:
    """Part after part."""
    pipeline = Pipeline(folder)
    size = indicators // parts
    for number in range(parts):
        yield pipeline.part(number * size, size)
    yield pipeline.close()


if __name__ == "__main__":
    # One core, before anything has started a thread.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    for line in run(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])):
        print(json.dumps(line), flush=True)
