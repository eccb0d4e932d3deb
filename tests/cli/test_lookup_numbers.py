"""Vulnerabilities and advisories are looked up by a number of JVN, from the feeds' documents to the command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from config.loading import load, shipped
from config.samples import render
from taxii_server.cli.main import noroshi
from taxii_server.ingest import Ingest
from taxii_server.stores import open_store
from tests.hubs import SteppingClock

NOW = 1_790_000_000_000
FEEDS = {"ipa-alert-rss": "ipa-alert-rss.rdf", "jvn-ipedia-rss": "jvn-ipedia-rss.rdf", "nvd": "nvd.json"}


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    """A hub's file, after the samples of three feeds were collected."""
    (tmp_path / "data").mkdir()
    feeds = [{"use": name, "key": None, "transport": {"kind": "file", "path": file}} for name, file in FEEDS.items()]
    path = tmp_path / "hub.yaml"
    base = Path(__file__).parents[2] / "config" / "hub.yaml"
    path.write_text(yaml.safe_dump({"extends": str(base), "feeds": feeds}))
    settings = load(path)
    store = open_store(settings.store, settings.data)
    for feed in settings.feeds:
        text = (shipped("samples") / FEEDS[feed.id]).read_text(encoding="utf-8")
        (tmp_path / "data" / FEEDS[feed.id]).write_text(render(text, NOW), encoding="utf-8")
        state = Ingest(settings, store, SteppingClock(NOW * 1_000), owner="me", environment={}).run(feed)
        assert state.status == "ok", state.message
    store.close()
    return path


def _lookup(hub: Path, value: str, *options: str) -> Result:
    return CliRunner().invoke(noroshi, ["lookup", value, "--config", str(hub), *options])


@pytest.mark.parametrize("number", ["JVN#90000001", "jvn90000001", "ＪＶＮ＃90000001"])
def test_what_goes_by_a_number_is_found_by_it(hub: Path, number: str) -> None:
    """The CVE that the NVD gives it and the advisory of IPA, in whatever spelling it is asked for."""
    found = json.loads(_lookup(hub, number, "--json").stdout)
    assert (found["type"], found["value"], found["claims"]) == ("jvn", "JVN#90000001", [])
    page = "https://ipa.example.jp/security/security-alert/2099/alert9900.html"
    assert {item["value"] for item in found["numbered"]} == {"CVE-2099-10001", page}


def test_readers_find_what_they_may_know_to_go_by_it(hub: Path) -> None:
    """IPA's advisory is the members'; JVN#90000002 is told to the public by the NVD alone."""
    found = json.loads(_lookup(hub, "JVN#90000001", "--for", "clear", "--json").stdout)
    assert [item["value"] for item in found["numbered"]] == ["CVE-2099-10001"]


def test_the_text_says_what_goes_by_it(hub: Path) -> None:
    """A person reads whose number it is."""
    shown = _lookup(hub, "JVN#90000001")
    assert shown.exit_code == 0
    assert "JVN#90000001 is the number of\ncve CVE-2099-10001" in shown.stdout


def test_a_vulnerability_is_summed_up_before_its_tables(hub: Path) -> None:
    """What it is, how bad, since when exploited, which advisories tell of it and who says so, out of all sources."""
    shown = _lookup(hub, "CVE-2099-10001").stdout
    assert shown.index("CVSS 9.8 (version 3.0), 8.8 (version 3.1)") < shown.index("origin\t")
    assert "exploited since" in shown
    assert "advisories: JVNDB-2099-010001 (JVN iPedia (IPA), " in shown
    assert "said by ipa-alert-rss, jvn-ipedia-rss, nvd" in shown
    summary = json.loads(_lookup(hub, "CVE-2099-10001", "--json").stdout)["summary"]
    assert "FileBox" in summary["title"]["ja"]
    assert summary["jvn"] == ["JVN#90000001"]
    page = "https://ipa.example.jp/security/security-alert/2099/alert9900.html"
    assert [one["advisory"] for one in summary["advisories"]] == ["JVNDB-2099-010001", page]


def test_a_summary_tells_readers_what_they_may_know(hub: Path) -> None:
    """Without the members' advisory of IPA, and without its word in the advisory that it is joined with."""
    summary = json.loads(_lookup(hub, "CVE-2099-10001", "--for", "clear", "--json").stdout)["summary"]
    assert [one["advisory"] for one in summary["advisories"]] == ["JVNDB-2099-010001"]
    assert "ipa-alert-rss" not in summary["sources"]


def test_an_advisory_is_summed_up(hub: Path) -> None:
    """Who published it, when, and which vulnerabilities it is about: of IPA's, by the number of JVN that it names."""
    found = json.loads(_lookup(hub, "JVN#90000001", "--json").stdout)
    summary = next(item["summary"] for item in found["numbered"] if item["type"] == "advisory")
    assert (summary["publisher"], summary["cves"], summary["advisories"]) == ("IPA", ["CVE-2099-10001"], [])
    assert "about CVE-2099-10001" in _lookup(hub, "JVN#90000001").stdout


def test_an_advisory_is_found_by_its_id(hub: Path) -> None:
    """JVN iPedia's, in capitals or not; exit code 5 for a number that nobody named."""
    found = json.loads(_lookup(hub, "jvndb-2099-010001", "--json").stdout)
    assert (found["type"], found["value"]) == ("advisory", "JVNDB-2099-010001")
    assert found["claims"][0]["origin"] == "jvn-ipedia-rss"
    assert _lookup(hub, "JVN#12345678").exit_code == 5
