"""Names that ship are given when rows are read; with others than before, each feed is read anew, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from normalizers.names import Said, understood
from tests.hubs import PUBLIC
from tests.ingest.test_ingest import Runner, _feed

ROWS = {"value": "value", "type": "url", "malware": ["family"]}
OTHER = {"RedLine Stealer": "RedLine"}


def _otherwise(*words: object) -> Said:
    said = understood(*words)  # type: ignore[arg-type]
    return said._replace(malware=tuple(OTHER.get(name, name) for name in said.malware))


def _families(runner: Runner) -> dict[str, list[str]]:
    marked = "ais-jp:malware="
    return {
        obj["name"]: [label.removeprefix(marked) for label in obj["labels"] if label.startswith(marked)]
        for obj in runner.hub.objects(PUBLIC, "indicator")
    }


def test_promise_4_with_other_names_an_unchanged_list_is_read_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what is called otherwise now has a new version, and the run after that finds nothing to do."""
    runner = Runner(tmp_path, _feed(format={"kind": "csv", "fields": ROWS}))
    runner.write("value,family", "http://a.example/,redlinestealer", "http://b.example/,win.emotet")
    runner.run()
    assert _families(runner) == {"http://a.example/": ["RedLine Stealer"], "http://b.example/": ["Emotet"]}
    entries = len(runner.hub.log(PUBLIC))
    assert runner.run().status == "unchanged"

    monkeypatch.setattr("normalizers.sources.understood", _otherwise)
    monkeypatch.setattr("taxii_server.standing.names_version", lambda: "others")
    runner.wait(1_000)
    state = runner.run()
    assert (state.status, state.counts["kept"]) == ("ok", 1)
    assert _families(runner) == {"http://a.example/": ["RedLine"], "http://b.example/": ["Emotet"]}
    assert len(runner.hub.log(PUBLIC)) == entries  # its latest version in the place of the one before

    assert runner.run().status == "unchanged"


def test_in_a_log_the_old_name_stays_beside_the_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a log said, it said: its rows bear no ids by which an old one could be told anew."""
    runner = Runner(tmp_path, _feed(kind="log", format={"kind": "csv", "fields": ROWS}))
    runner.write("value,family", "http://a.example/,redlinestealer")
    runner.run()
    monkeypatch.setattr("normalizers.sources.understood", _otherwise)
    monkeypatch.setattr("taxii_server.standing.names_version", lambda: "others")
    runner.wait(1_000)
    runner.run()
    assert _families(runner) == {"http://a.example/": ["RedLine", "RedLine Stealer"]}
