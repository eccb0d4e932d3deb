"""Settings: a wrong file is refused with where, what was given and what was expected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from config.loading import load, load_feed, shipped
from config.yamlfile import SettingsError

HUB = shipped("hub.yaml")


def _load(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "hub.yaml"
    path.write_text(yaml.safe_dump({"extends": str(HUB), **change}))
    load(path)


@pytest.mark.parametrize("name", ["hub.yaml", "demo.yaml"])
def test_the_shipped_configurations_are_sound(name: str) -> None:
    """What ships can be loaded."""
    assert load(shipped(name)).feeds


@pytest.mark.parametrize("path", sorted(shipped("feeds").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_feed_is_sound_and_named_like_its_file(path: Path) -> None:
    """A feed file holds the feed of its name."""
    assert load_feed(path).id == path.stem


def _roots(**change: Any) -> dict[str, Any]:
    collection = {
        "id": "eb8df4a3-323e-4a81-b4c5-93e278993f8c",
        "title": "One",
        "kind": "merged",
        "view": {"audience": "green"},
        "read": ["members"],
        **change,
    }
    return {"api_roots": [{"path": "public", "title": "Public", "collections": [collection]}]}


def _shared(**change: Any) -> dict[str, Any]:
    return _roots(kind="shared", view=None, audience="green", **change)


def _two(**change: Any) -> dict[str, Any]:
    both = _roots(**change)
    (first,) = both["api_roots"][0]["collections"]
    second = {**first, "id": "758c5fb8-da4e-43b2-bae3-d6173b380dca", "title": "Two"}
    both["api_roots"][0]["collections"] = [first, second]
    return both


def test_whoever_writes_to_a_shared_collection_reads_it(tmp_path: Path) -> None:
    """All who write are among those who read, or everybody reads."""
    _load(tmp_path, _shared(read=["members", "publishers"], write=["publishers"], alias="one"))
    open_to_all = _roots(kind="shared", view=None, audience="clear", read=["anyone"], write=["members"])
    _load(tmp_path, open_to_all)
    _load(tmp_path, _shared(read=["members"], write=[]))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"colour": "red"}, "colour", id="unknown key"),
        pytest.param({"hub": {"name": "h", "title": "H", "namespace": "no"}}, "hub.namespace", id="no UUID"),
        pytest.param({"store": "postgres:x"}, "store", id="unknown store"),
        pytest.param({"feeds": ["no-such-feed"]}, "no-such-feed", id="unknown feed"),
        pytest.param({"feeds": "openphish"}, "expected a list", id="feeds no list"),
        pytest.param({"feeds": ["openphish", "openphish"]}, "given twice", id="feed twice"),
        pytest.param({"feeds": [{"use": "openphish", "life": {"url": "999d"}}]}, "at most", id="life too long"),
        pytest.param({"feeds": [{"use": "openphish", "marking": "TLP:RED"}]}, "marking", id="RED"),
        pytest.param({"feeds": [{"use": "openphish", "marking": "TLP:AMBER"}]}, "group", id="AMBER without group"),
        pytest.param({"feeds": [{"use": "openphish", "share": "everyone"}]}, "share", id="unknown terms"),
        pytest.param(_roots(read=["anyone"]), "anyone", id="GREEN for anyone"),
        pytest.param(_roots(read=["strangers"]), "strangers", id="unknown group"),
        pytest.param(_roots(write=["members"]), "nobody but the hub", id="writing to merged"),
        pytest.param(_roots(view=None), "has a view", id="merged without view"),
        pytest.param(_roots(view={"audience": "internal"}), "internal", id="internal in a collection"),
        pytest.param(_roots(view={"audience": "purple"}), "expected an audience", id="unknown audience"),
        pytest.param(_roots(id="eb8df4a3-323e-1a81-b4c5-93e278993f8c"), "version 4", id="UUID of version 1"),
        pytest.param(_roots(alias="eb8df4a3-323e-4a81-b4c5-93e278993f8c"), "no UUID", id="its id as an alias"),
        pytest.param(_roots(alias="758c5fb8-da4e-43b2-bae3-d6173b380dca"), "no UUID", id="another's id as an alias"),
        pytest.param(_roots(alias="758c5fb8da4e43b2bae3d6173b380dca"), "no UUID", id="a UUID without dashes"),
        pytest.param(_two(alias="one"), "alias in public 'one' is given twice", id="alias twice in a root"),
        pytest.param(_shared(read=["members"], write=["publishers"]), "'publishers' does not read", id="blind writers"),
        pytest.param(_shared(read=[], write=["members"]), "read by all who write", id="a drop box"),
        pytest.param(
            _shared(read=["members"], write=["members", "publishers"]), "'publishers' does not read", id="one of two"
        ),
        pytest.param({"default_root": "nowhere"}, "nowhere", id="unknown default root"),
        pytest.param({"superseded_for": "a while"}, "superseded_for", id="no length of time"),
        pytest.param({"superseded_for": 7}, "did you mean 7d", id="a bare number"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    """The message names the key and what was expected."""
    with pytest.raises(SettingsError) as error:
        _load(tmp_path, change)
    assert said in str(error.value)


def test_a_file_that_is_not_there_or_no_yaml_is_refused(tmp_path: Path) -> None:
    """A missing file and broken YAML are told apart, with the path."""
    with pytest.raises(SettingsError, match=r"nothing\.yaml: No such file"):
        load(tmp_path / "nothing.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_text("hub: [")
    with pytest.raises(SettingsError, match="not readable as YAML"):
        load(broken)


def test_a_key_given_twice_is_refused(tmp_path: Path) -> None:
    """Of two terms for one feed nobody knows which was meant."""
    path = tmp_path / "feed.yaml"
    path.write_text(shipped("feeds/openphish.yaml").read_text() + "\nshare: public\n")
    with pytest.raises(SettingsError, match="'share' is given twice"):
        load_feed(path)


def test_a_relative_data_directory_starts_at_the_file(tmp_path: Path) -> None:
    """data is resolved against the configuration file, not the current directory."""
    path = tmp_path / "hub.yaml"
    path.write_text(yaml.safe_dump({"extends": str(HUB), "data": "here"}))
    assert load(path).data == (tmp_path / "here").resolve()
