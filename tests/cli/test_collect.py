"""``noroshi collect``: what it says that it published."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from config.instant import SECOND, system_clock
from config.settings import Settings
from taxii_server.cli.main import noroshi
from taxii_server.opening import open_hub
from tests.hubs import settings

FEED = {
    "id": "watched",
    "title": "Watched",
    "carries": "URLs",
    "publisher": {"name": "Publisher", "country": "JP", "homepage": "https://publisher.example/"},
    "format": {"kind": "text", "type": "url"},
    "marking": "TLP:CLEAR",
    "share": "public",
    "reliability": 100,
    "kind": "list",
}


def hub(tmp_path: Path) -> tuple[Path, Settings]:
    """A hub's file with a feed of three URLs, and its settings."""
    document = tmp_path / "urls.txt"
    document.write_text("".join(f"http://example.com/{number}\n" for number in range(3)))
    feed = {**FEED, "transport": {"kind": "file", "path": str(document)}}
    made = settings(feeds=[feed])
    raw = json.loads(made.model_dump_json(exclude_none=True))
    raw |= {"store": "sqlite:hub.db", "feeds": [feed], "data": str(tmp_path / "data")}
    path = tmp_path / "hub.yaml"
    path.write_text(json.dumps(raw))
    return path, Settings.model_validate({**raw, "data": tmp_path / "data"})


def collected(path: Path, *more: str) -> Any:
    """What the command prints."""
    done = CliRunner().invoke(noroshi, ["collect", *more, "--config", str(path)])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout) if "--json" in more else done.stdout


def test_it_counts_what_it_published(tmp_path: Path) -> None:
    """Where no hub runs that is all there is."""
    path, _ = hub(tmp_path)
    first = collected(path, "--json")
    assert (first["by_hub"], first["published"] >= 3) == (False, True)
    again = collected(path)
    assert again.rstrip().endswith("published 0 object versions")


def test_it_says_that_the_running_hub_publishes(tmp_path: Path) -> None:
    """Then its number is of what it published itself, and it says so."""
    path, made = hub(tmp_path)
    with closing(open_hub(made)) as store:
        now = system_clock() // 1_000
        assert store.lease("publisher", "the running hub", now=now, until=now + 100 * SECOND)
    said = collected(path)
    assert said.rstrip().endswith("published 0 object versions itself; the running hub publishes the rest")
    assert collected(path, "--json")["by_hub"] is True


def test_doctor_reports_a_feed_that_is_held_or_fails_again_and_again(tmp_path: Path) -> None:
    """What is held waits for a person; a failure or two may pass by itself."""
    path, _ = hub(tmp_path)
    collected(path)
    document = tmp_path / "urls.txt"
    assert _watched(path)["ok"]
    document.write_text("# nothing\n")
    CliRunner().invoke(noroshi, ["collect", "--config", str(path)])
    held = _watched(path)
    assert (held["ok"], "held: expected at least 1" in held["found"]) == (False, True)
    document.write_text("<!DOCTYPE html><html><body></body></html>")
    told = []
    for _ in range(4):
        CliRunner().invoke(noroshi, ["collect", "watched", "--force", "--config", str(path)])
        told.append(_watched(path))
    assert [one["ok"] for one in told] == [True, True, True, False]
    assert "failed: " in told[0]["found"]


def _watched(path: Path) -> Any:
    found = json.loads(CliRunner().invoke(noroshi, ["doctor", "--json", "--config", str(path)]).stdout)
    return next(one for one in found if one["what"] == "feed watched")
