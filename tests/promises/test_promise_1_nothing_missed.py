"""Promise 1: nothing is missed. Several writers, several server processes, and readers that page and poll over HTTP."""

from __future__ import annotations

import multiprocessing
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from config.instant import DAY, system_clock
from config.loading import load
from normalizers.claims import Claim
from taxii_server.publishing import Publisher
from taxii_server.stores import open_store
from taxii_server.stores.base import ClaimRow
from taxii_server.turns import NotNow
from tests.hubs import PUBLIC, settings
from tests.processes import BOUND, serving, write_config

WRITERS = 3


def _write(config: Path, data: Path, writer: int, values: int) -> None:
    """A process that claims values of its own, a few at a time, and publishes when it may."""
    hub_settings = load(config)
    store = open_store(hub_settings.store, data)
    publisher = Publisher(hub_settings, store, system_clock, owner=f"writer {writer}")
    for number in range(values):
        now = system_clock() // 1_000
        value = f"http://w{writer}.example.com/{number}"
        claim = Claim("url", value, "feed-a", "feed-a", "clear", now, now, now, 7 * DAY, 50)
        store.put_claims([ClaimRow(claim.key, claim)])
        try:
            publisher.publish_some()
        except NotNow:
            continue  # another writer publishes it
        finally:
            publisher.release()
    while True:
        try:
            publisher.publish_all()
            break
        except NotNow:
            continue
    publisher.release()
    store.close()


def _by_next(page: requests.Response) -> dict[str, Any]:
    return {"next": page.json()["next"]} if page.json().get("more") else _by_date(page)


def _by_date(page: requests.Response) -> dict[str, Any]:
    return {"added_after": page.headers["X-TAXII-Date-Added-Last"]}


class Reader(threading.Thread):
    """Follows a collection from before the first write until it has been told to stop and sees nothing new."""

    def __init__(
        self, url: str, onwards: Callable[[requests.Response], dict[str, Any]], finished: threading.Event
    ) -> None:
        super().__init__(daemon=True)
        self.url, self.onwards, self.finished = url, onwards, finished
        self.seen: list[tuple[str, str]] = []
        self.problem = ""

    def run(self) -> None:
        place: dict[str, Any] = {}
        with requests.Session() as session:
            while True:
                last_round = self.finished.is_set()
                page = session.get(self.url, params={"limit": 7, **place}, timeout=BOUND)
                if page.status_code != 200:
                    self.problem = f"{page.status_code} {page.text}"
                    return
                objects = page.json().get("objects", [])
                self.seen += [(obj["id"], obj.get("modified", obj["created"])) for obj in objects]
                if objects:
                    place = self.onwards(page)
                elif last_round:
                    return


def _watched(tmp_path: Path, values: int) -> None:
    raw = settings(store="sqlite:hub.db").model_dump(mode="json")
    config = write_config(tmp_path, raw)
    hub_settings = load(config)
    store = open_store(hub_settings.store, tmp_path)
    publisher = Publisher(hub_settings, store, system_clock, owner="first")
    publisher.prepare()
    publisher.release()
    with serving(config, tmp_path, workers=3) as base:
        url = f"{base}/public/collections/{PUBLIC}/objects/"
        finished = threading.Event()
        readers = [Reader(url, onwards, finished) for onwards in (_by_next, _by_date)]
        for reader in readers:
            reader.start()
        context = multiprocessing.get_context("spawn")
        writers = [context.Process(target=_write, args=(config, tmp_path, n, values)) for n in range(WRITERS)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join(BOUND * 5)
            assert writer.exitcode == 0
        finished.set()
        for reader in readers:
            reader.join(BOUND)
            assert not reader.is_alive()
            assert not reader.problem
        every = requests.get(url, params={"limit": 10_000}, timeout=BOUND).json()["objects"]
    store.close()
    expected = {(obj["id"], obj.get("modified", obj["created"])) for obj in every}
    assert len([obj for obj in every if obj["type"] == "indicator"]) == WRITERS * values
    for reader in readers:
        counts = Counter(reader.seen)
        assert set(counts) == expected
        assert set(counts.values()) == {1}


def test_promise_1_readers_over_http_see_every_entry_exactly_once(tmp_path: Path) -> None:
    """Three writer processes, three server processes, one reader that follows next and one that polls by date."""
    _watched(tmp_path, 60)


@pytest.mark.long
def test_promise_1_readers_over_http_see_every_entry_exactly_once_at_length(tmp_path: Path) -> None:
    """The same with two thousand values from each writer."""
    _watched(tmp_path, 2_000)
