"""A file is looked up by any of its hashes, from the feed's row to the command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from config.loading import load
from taxii_server.cli.main import noroshi
from taxii_server.ingest import Ingest
from taxii_server.stores import open_store
from tests.hubs import SteppingClock

NOW = 1_790_000_000_000
MD5, SHA1, SHA256, OTHER = "1f" * 16, "2e" * 20, "3d" * 32, "4c" * 32
FEED = {
    "id": "samples",
    "title": "Samples",
    "carries": "file hashes",
    "publisher": {"name": "Publisher", "country": "JP", "homepage": "https://publisher.example/"},
    "transport": {"kind": "file", "path": "samples.json"},
    "format": {"kind": "json", "fields": {"value": "md5", "type": "file", "hashes": {"SHA-1": "s1", "SHA-256": "s2"}}},
    "marking": "TLP:CLEAR",
    "share": "public",
    "reliability": 80,
    "kind": "log",
}


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    """A hub's file, after its one feed was collected."""
    rows = [{"md5": MD5, "s1": SHA1, "s2": SHA256}, {"md5": MD5, "s1": None, "s2": OTHER}]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "samples.json").write_text(json.dumps(rows))
    path = tmp_path / "hub.yaml"
    base = Path(__file__).parents[2] / "config" / "hub.yaml"
    path.write_text(yaml.safe_dump({"extends": str(base), "feeds": [FEED]}))
    settings = load(path)
    store = open_store(settings.store, settings.data)
    state = Ingest(settings, store, SteppingClock(NOW * 1_000), owner="me", environment={}).run(settings.feeds[0])
    store.close()
    assert (state.status, state.counts["claims"]) == ("ok", 2)
    return path


def _lookup(hub: Path, value: str, *options: str) -> Result:
    return CliRunner().invoke(noroshi, ["lookup", value, "--config", str(hub), *options])


def test_a_file_is_found_by_its_weaker_hashes(hub: Path) -> None:
    """By SHA-1 the one file that has it; by MD5 both that claim it, for files are never joined."""
    found = json.loads(_lookup(hub, SHA1, "--json").stdout)
    assert (found["value"], found["claims"]) == (SHA1, [])
    assert [file["value"] for file in found["files"]] == [SHA256]
    assert found["files"][0]["claims"][0]["origin"].startswith("samples")
    both = json.loads(_lookup(hub, MD5.upper(), "--json").stdout)
    assert {file["value"] for file in both["files"]} == {SHA256, OTHER}


def test_the_text_says_which_file_it_is(hub: Path) -> None:
    """A person reads that the hash given is another one of the file shown."""
    shown = _lookup(hub, SHA1)
    assert shown.exit_code == 0
    assert f"{SHA1} is another hash of\nfile {SHA256}" in shown.stdout
    assert "nothing is known" not in shown.stdout


def test_the_strongest_is_found_by_itself_and_others_not_at_all(hub: Path) -> None:
    """No detour by aliases where there are claims; exit code 5 where there is nothing."""
    found = json.loads(_lookup(hub, SHA256, "--json").stdout)
    assert len(found["claims"]) == 1
    assert "files" not in found
    assert _lookup(hub, "5b" * 16).exit_code == 5
