"""``noroshi lookup`` by a name, and of the URLs at a host."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from config.instant import DAY, system_clock
from config.loading import load
from normalizers.claims import Claim, detail_text
from normalizers.names import technique
from taxii_server.cli.main import noroshi
from taxii_server.opening import open_hub
from taxii_server.stores.base import ClaimRow
from tests.hubs import settings
from tests.processes import write_config


@pytest.fixture
def hub(tmp_path: Path) -> list[str]:
    """A hub that knows values under several names."""
    path = write_config(tmp_path, {**settings().model_dump(mode="json"), "store": "sqlite:hub.db"})
    store = open_hub(load(path))
    said = [
        *(_claim("url", f"http://bad.example/{number}", number, malware=("Emotet",)) for number in range(5)),
        _claim("url", "http://bad.example/0", 0, "feed-b", malware=("Emotet",)),
        _claim("url", "https://bad.example:8443/x", 9, audience="green", malware=("Emotet",)),
        _claim("url", "http://other.example/?to=//bad.example/", 1),
        _claim("url", "http://[2001:db8::7]/a", 1),
        _claim("domain", "old.example", 40, malware=("Emotet",)),
        _claim("domain", "bad.example", 1, detail=detail_text({"actors": ["APT28"], "brands": ["amazon"]})),
        _claim("advisory", "https://x.example/1", 2, references=(technique("T1566.002"),), labels=("Operation Two",)),
    ]
    store.put_claims([ClaimRow(claim.key, claim) for claim in said])
    store.close()
    return ["--config", str(path)]


def _claim(kind: str, value: str, age: int, origin: str = "feed-a", audience: str = "clear", **more: Any) -> Claim:
    seen = system_clock() // 1_000 - age * DAY
    return Claim(kind, value, origin, origin, audience, seen, seen, seen, 30 * DAY, 50)._replace(**more)


def _lookup(hub: list[str], value: str, *options: str) -> Result:
    return CliRunner().invoke(noroshi, ["lookup", value, *options, *hub])


def _json(hub: list[str], value: str, *options: str) -> Any:
    return json.loads(_lookup(hub, value, "--json", *options).stdout)


def test_values_under_a_name_come_latest_first(hub: list[str]) -> None:
    """By an alias, with how many there are and are valid, each with its sources; a page of them says how many more."""
    found = _json(hub, "Heodo")
    assert found["means"] == [{"kind": "malware", "name": "Emotet"}]
    assert (found["total"], found["valid"], found["more"]) == (7, 6, 0)
    assert found["names"] == [{"kind": "malware", "name": "Emotet", "values": 7}]
    urls = [f"http://bad.example/{number}" for number in range(5)]
    assert [one["value"] for one in found["values"]] == [*urls, "https://bad.example:8443/x", "old.example"]
    assert (found["values"][0]["sources"], found["values"][0]["families"]) == (["feed-a", "feed-b"], 2)
    assert found["values"][0]["confidence"] == 75
    few = _json(hub, "Heodo", "--limit", "2")
    assert ([one["value"] for one in few["values"]], few["total"], few["more"]) == (urls[:2], 7, 5)
    assert "5 more; --limit shows more than 2" in _lookup(hub, "Heodo", "--limit", "2").stdout
    assert "7 values bear it, 6 of them are valid now (malware Emotet 7)" in _lookup(hub, "emotet").stdout


def test_readers_are_told_of_what_they_may_see(hub: list[str]) -> None:
    """Values and counts alike."""
    found = _json(hub, "Emotet", "--for", "clear")
    assert found["total"] == 6
    assert "https://bad.example:8443/x" not in {one["value"] for one in found["values"]}
    assert _json(hub, "bad.example", "--urls", "--for", "clear")["urls"]["total"] == 5


@pytest.mark.parametrize(
    ("text", "value", "named"),
    [
        ("Sofacy", "bad.example", "actor APT28"),
        ("アマゾン", "bad.example", "brand amazon"),
        ("T1566", "https://x.example/1", "technique T1566.002"),
        ("operation two", "https://x.example/1", "label Operation Two"),
    ],
)
def test_every_kind_of_name_is_found(hub: list[str], text: str, value: str, named: str) -> None:
    """Actors, brands in Japanese, techniques with those beneath, and a campaign by its source's word."""
    (found,) = _json(hub, text)["values"]
    assert (found["value"], found["named"]) == (value, [named])


def test_malware_is_found_by_its_name_in_japanese(hub: list[str]) -> None:
    """In whatever width it is written."""
    for name in ("エモテット", "ｴﾓﾃｯﾄ"):
        assert _json(hub, name)["means"] == [{"kind": "malware", "name": "Emotet"}]
        assert _json(hub, name)["total"] == 7


def test_a_name_that_nothing_bears(hub: list[str]) -> None:
    """One that is known is said to be known; what could be a name, in Japanese too, is one that nothing bears. What is
    written as a value and is none is wrong use.
    """
    shown = _lookup(hub, "RedLineStealer")
    assert (shown.exit_code, shown.stdout) == (
        5,
        "RedLineStealer: malware RedLine Stealer\nnothing is known that bears this name\n",
    )
    for unknown in ("nobody says this", "誰も言わない"):
        assert (_lookup(hub, unknown).exit_code, _lookup(hub, unknown).stdout) == (
            5,
            f"{unknown}: no name that the hub knows\nnothing is known that bears this name\n",
        )
    assert _lookup(hub, "198.51.100.999").exit_code == 2
    assert _lookup(hub, "nobody says this", "--name").exit_code == 5
    assert _lookup(hub, "other.example").exit_code == 5


def test_a_value_comes_before_a_name_unless_it_is_asked_for(hub: list[str]) -> None:
    """What could be a host is one, if anything is known of it."""
    assert _json(hub, "bad.example")["type"] == "domain"
    assert _json(hub, "bad.example", "--name")["total"] == 0


def test_the_urls_at_a_host_are_named_when_asked_for(hub: list[str]) -> None:
    """At any port, the latest first, and none that merely mentions the host."""
    found = _json(hub, "bad[.]example", "--urls")["urls"]
    assert [one["value"] for one in found["values"]] == [
        *(f"http://bad.example/{number}" for number in range(5)),
        "https://bad.example:8443/x",
    ]
    assert [claim["origin"] for claim in found["values"][0]["claims"]] == ["feed-a", "feed-b"]
    shown = _lookup(hub, "bad.example", "--urls", "--limit", "1").stdout
    assert "about 6 URLs at it" in shown
    assert "about 1 URL at it" in _lookup(hub, "2001:db8::7", "--urls").stdout
    assert "No URLs at it are known" in _lookup(hub, "old.example", "--urls").stdout
    assert "5 more; --limit shows more than 1" in shown
    assert _json(hub, "2001:db8::7", "--urls")["urls"]["total"] == 1
    assert "urls" not in _json(hub, "bad.example")


def test_long_tables_are_cut_and_say_so(hub: list[str], tmp_path: Path) -> None:
    """The latest claims, and how many more there are; all of them when asked for, and in JSON."""
    store = open_hub(load(Path(hub[1])))
    said = [_claim("ipv4", "203.0.113.9", number, f"feed-{number:02}") for number in range(13)]
    store.put_claims([ClaimRow(claim.key, claim) for claim in said])
    store.close()
    shown = _lookup(hub, "203.0.113.9").stdout
    assert "feed-09" in shown
    assert "feed-10" not in shown
    assert "3 more, --all" in shown
    whole = _lookup(hub, "203.0.113.9", "--all").stdout
    assert "feed-12" in whole
    assert "--all" not in whole
    assert len(_json(hub, "203.0.113.9")["claims"]) == 13
