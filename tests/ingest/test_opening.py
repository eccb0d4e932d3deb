"""Opening a store: it belongs to one hub, and its collections keep their audiences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from config.loading import load
from config.settings import Settings
from config.yamlfile import SettingsError
from taxii_server.opening import check_feeds, open_hub
from taxii_server.stores.base import StoreUnusable
from tests.hubs import settings
from tests.processes import write_config


def _settings(tmp_path: Path, change: Any = None) -> Settings:
    raw = settings(store="sqlite:hub.db").model_dump()
    if change:
        change(raw)
    return Settings.model_validate(raw).model_copy(update={"data": tmp_path / "data"})


def test_a_store_opens_again_for_the_same_hub_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    """The data directory is made for its owner alone."""
    for _ in range(2):
        open_hub(_settings(tmp_path)).close()
    assert (tmp_path / "data").stat().st_mode & 0o077 == 0


def test_a_store_of_another_hub_is_refused(tmp_path: Path) -> None:
    """Another namespace means other users, ids and claims."""
    open_hub(_settings(tmp_path)).close()

    def other(raw: dict[str, Any]) -> None:
        raw["hub"]["namespace"] = "11111111-1111-4111-8111-111111111111"

    with pytest.raises(StoreUnusable, match="of its own"):
        open_hub(_settings(tmp_path, other))


def test_promise_2_a_collection_cannot_be_given_to_another_audience(tmp_path: Path) -> None:
    """What lies in a members' log was let in for members; the same collection cannot become public."""
    open_hub(_settings(tmp_path)).close()

    def widened(raw: dict[str, Any]) -> None:
        raw["api_roots"][1]["collections"][0]["view"]["audience"] = "clear"
        raw["api_roots"][1]["collections"][0]["read"] = ["anyone"]

    with pytest.raises(StoreUnusable, match="new id"):
        open_hub(_settings(tmp_path, widened))


def test_a_format_that_cannot_be_used_is_refused_at_start(tmp_path: Path) -> None:
    """A typo in a feed's format is found before anything runs."""
    feed = {
        "id": "a-feed",
        "title": "A",
        "carries": "URLs",
        "publisher": {"name": "P", "country": "JP", "homepage": "https://p.example/"},
        "transport": {"kind": "file", "path": "x"},
        "format": {"kind": "text", "typo": "url"},
        "marking": "TLP:CLEAR",
        "share": "public",
        "reliability": 50,
        "kind": "list",
    }
    path = write_config(tmp_path, settings().model_dump(mode="json") | {"feeds": [feed]})
    with pytest.raises(SettingsError, match=r"hub\.yaml:\d+: feeds\.0\.format\.typo: unknown key; did you mean type"):
        check_feeds(load(path), path)
