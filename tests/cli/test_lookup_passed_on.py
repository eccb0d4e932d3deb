"""A STIX object that is passed on is looked up by its id, or by its name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from config.instant import system_clock
from config.loading import load
from taxii_server.cli.main import noroshi
from taxii_server.ingest import Ingest
from taxii_server.publishing import Publisher
from taxii_server.stores import open_store
from tests.ingest.passing import actor, feed_of, id_of, identity, malware, uses

MALWARE, MAKER = malware()["id"], identity()["id"]


def group() -> dict[str, Any]:
    """Members alone may be told of it."""
    return actor("灯台", marking="green", aliases=["Fancy Bear"])


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    """A hub's file, after its one feed was collected: all but who made the malware."""
    folder = tmp_path / "data" / "stix"
    folder.mkdir(parents=True)
    (folder / "1.json").write_text(json.dumps([malware(), actor(), group(), uses(marking="green")]))
    path = tmp_path / "hub.yaml"
    base = Path(__file__).parents[2] / "config" / "hub.yaml"
    path.write_text(yaml.safe_dump({"extends": str(base), "feeds": [feed_of().model_dump(mode="json")]}))
    settings = load(path)
    store = open_store(settings.store, settings.data)
    Ingest(settings, store, system_clock, owner="me", environment={}).run(settings.feeds[0])
    Publisher(settings, store, system_clock, "me").publish_all()
    store.close()
    return path


def _lookup(hub: Path, value: str, *options: str) -> Result:
    return CliRunner().invoke(noroshi, ["lookup", value, "--config", str(hub), *options])


def test_an_object_that_waits_says_for_what(hub: Path) -> None:
    """It is in no collection, and what refers to it is shown beside it, as far as the reader may know."""
    found = json.loads(_lookup(hub, MALWARE.upper(), "--json").stdout)
    assert (found["type"], found["value"], len(found["claims"])) == ("stix-object", MALWARE, 1)
    assert {(item["kept_out"], *item["waits_for"], *item["collections"]) for item in found["objects"]} == {
        ("waiting", MAKER)
    }
    assert [item["value"] for item in found["referring"]] == [uses()["id"]]
    assert "referring" not in json.loads(_lookup(hub, MALWARE, "--json", "--for", "clear").stdout)


def test_an_object_that_is_published_says_where(hub: Path) -> None:
    """By the titles of collections, in each view."""
    found = json.loads(_lookup(hub, actor()["id"], "--json").stdout)
    assert all(item["collections"] and not item["waits_for"] and item["kept_out"] is None for item in found["objects"])
    shown = _lookup(hub, actor()["id"])
    assert (shown.exit_code, "Public - everything" in shown.stdout) == (0, True)
    waiting = _lookup(hub, MALWARE)
    assert MAKER in waiting.stdout
    assert f"{MALWARE} is referred to by\nstix-object {uses()['id']}" in waiting.stdout


def test_what_only_others_refer_to_is_found_as_such(hub: Path) -> None:
    """Nothing is known about the maker itself, but what names it is; of a stranger nothing is."""
    found = json.loads(_lookup(hub, MAKER, "--json").stdout)
    assert (found["claims"], [item["value"] for item in found["referring"]]) == ([], [MALWARE])
    assert _lookup(hub, id_of("tool", "nobody's")).exit_code == 5


@pytest.mark.parametrize(("name", "obj", "for_"), [
    ("LummaC2", malware(), "clear"), ("lumma", malware(), "clear"), ("GROUP", actor(), "clear"),
    ("sofacy", group(), "green"), ("灯台", group(), "green"),
])  # fmt: skip
def test_objects_are_found_by_name(hub: Path, name: str, obj: dict[str, Any], for_: str) -> None:
    """By their own name and aliases, in Japanese too, and by any known name of what these name; with whose word it is
    and whom it is for. Others are not told."""
    (row,) = json.loads(_lookup(hub, name, "--json").stdout)["values"]
    said = (row["type"], row["value"], row["named"], row["for"], row["sources"])
    (origin,) = {one["origin"] for one in json.loads(_lookup(hub, obj["id"], "--json").stdout)["claims"]}
    assert said == ("stix-object", obj["id"], [f"{obj['type']} {obj['name']}"], [for_], [origin])
    shown = _lookup(hub, name, "--for", "clear")
    assert (obj["id"] in shown.stdout, shown.exit_code) == ((True, 0) if for_ == "clear" else (False, 5))
