"""Promise 5: accepted is durable. What got a 202 survives kill -9 of the processing at any instant, once in effect."""

from __future__ import annotations

import random
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import requests

from config.instant import system_clock
from config.loading import load
from taxii_server.credentials import make_token
from taxii_server.stores import open_store
from taxii_server.stores.base import Selection, User, Versions
from tests.hubs import PUBLIC, PUBLIC_SUBMISSIONS, settings
from tests.processes import BOUND, Process, serving, until, write_config

CLEAR = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"
HEADERS = {"Content-Type": "application/taxii+json;version=2.1", "Accept": "application/taxii+json;version=2.1"}


def _indicator(number: int) -> dict[str, Any]:
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--00000000-0000-4000-8000-{number:012d}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "pattern": f"[url:value = 'http://s{number}.example.com/']",
        "pattern_type": "stix",
        "valid_from": "2026-01-01T00:00:00Z",
        "valid_until": "2098-01-01T00:00:00Z",
        "indicator_types": ["malicious-activity"],
        "object_marking_refs": [CLEAR],
    }


def _recent(number: int) -> dict[str, Any]:
    from config.instant import stix_time

    now = stix_time(system_clock() // 1_000)
    return {**_indicator(number), "created": now, "modified": now, "valid_from": now}


def _survived(tmp_path: Path, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    config = write_config(tmp_path, settings(store="sqlite:hub.db").model_dump(mode="json"))
    store = open_store("sqlite:hub.db", tmp_path)
    store.save_user(User(name="bank", organisation="Bank", groups=("publishers",)))
    text, token = make_token("bank", now=system_clock() // 1_000)
    store.save_token(token)
    accepted: list[str] = []
    number = 0
    with serving(config, tmp_path, workers=2) as base, requests.Session() as session:
        session.headers.update({**HEADERS, "Authorization": f"Bearer {text}"})
        url = f"{base}/public/collections/{PUBLIC_SUBMISSIONS}/objects/"
        for _ in range(kills):
            worker = Process("work", "--config", str(config), "--data", str(tmp_path), folder=tmp_path)
            for _ in range(3):
                answer = session.post(url, json={"objects": [_recent(number), _recent(number + 1)]}, timeout=BOUND)
                assert answer.status_code == 202
                accepted.append(answer.json()["id"])
                number += 2
            threading.Event().wait(chance.uniform(0.3, 1.6))
            worker.kill()
        worker = Process("work", "--config", str(config), "--data", str(tmp_path), folder=tmp_path)
        try:
            until("all is worked off", lambda: not store.pending_submissions() and not store.dirty(1))
            statuses = [session.get(f"{base}/public/status/{name}/", timeout=BOUND).json() for name in accepted]
        finally:
            worker.kill()
    assert all(status["status"] == "complete" and status["success_count"] == 2 for status in statuses)
    every = store.page(
        PUBLIC, Selection(limit=10_000, types=frozenset(["indicator"]), versions=Versions(last=False, all=True))
    )
    store.close()
    assert len(every.entries) == number
    assert set(Counter(entry.uuid for entry in every.entries).values()) == {1}
    assert load(config).store == "sqlite:hub.db"


def test_promise_5_no_accepted_submission_is_lost_or_doubled_by_kills(tmp_path: Path) -> None:
    """Four kills of the processing at random instants: every object is published, in exactly one version."""
    _survived(tmp_path, kills=4, seed=5)


@pytest.mark.long
def test_promise_5_no_accepted_submission_is_lost_or_doubled_by_many_kills(tmp_path: Path) -> None:
    """The same with a hundred kills."""
    _survived(tmp_path, kills=100, seed=55)
