"""``noroshi lookup``: what is said about a value, and apart from that about what the value lies in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from config.instant import DAY, system_clock
from config.loading import load
from normalizers.claims import Claim
from taxii_server.cli.main import noroshi
from taxii_server.opening import open_hub
from taxii_server.stores.base import ClaimRow
from tests.hubs import settings
from tests.processes import write_config


@pytest.fixture
def hub(tmp_path: Path) -> list[str]:
    """A hub that knows an address, two networks around it, a host and a URL."""
    path = write_config(tmp_path, {**settings().model_dump(mode="json"), "store": "sqlite:hub.db"})
    store = open_hub(load(path))
    said = [
        _claim("ipv4", "203.0.113.7", "feed-a"),
        _claim("cidr", "203.0.113.0/24", "feed-b"),
        _claim("cidr", "203.0.112.0/20", "feed-c"),
        _claim("cidr", "198.51.100.0/24", "feed-d"),
        _claim("domain", "bad.example", "feed-e", audience="internal"),
        _claim("url", "http://bad.example/a", "feed-f"),
        _claim("ja3", "51c64c77e60f3980eea90869b68c58a8", "feed-g"),
        _claim("certificate", "ab" * 19 + "cd", "feed-h"),
        _claim("wallet", "0x52908400098527886e0f7030069857d2e4169ee7", "feed-i"),
    ]
    store.put_claims([ClaimRow(claim.key, claim) for claim in said])
    store.close()
    return ["--config", str(path)]


def _claim(kind: str, value: str, origin: str, audience: str = "clear") -> Claim:
    now = system_clock() // 1_000
    return Claim(
        type=kind, value=value, origin=origin, family=origin, audience=audience, version=now, first_seen=now,
        last_seen=now, life=DAY, confidence=50,
    )  # fmt: skip


def _lookup(hub: list[str], value: str, *options: str) -> Result:
    return CliRunner().invoke(noroshi, ["lookup", value, *options, *hub])


@pytest.mark.parametrize(
    ("value", "exact", "near", "code"),
    [
        ("203.0.113[.]7", ["feed-a"], [("network", "203.0.113.0/24"), ("network", "203.0.112.0/20")], 0),
        ("203.0.113.9", [], [("network", "203.0.113.0/24"), ("network", "203.0.112.0/20")], 5),
        ("203.0.113.0/24", ["feed-b"], [("network", "203.0.112.0/20")], 0),
        ("hxxp://bad[.]example/a", ["feed-f"], [("host", "bad.example")], 0),
        ("http://bad.example/b", [], [("host", "bad.example")], 5),
        (
            "http://203.0.113.7/x",
            [],
            [("host", "203.0.113.7"), ("network", "203.0.113.0/24"), ("network", "203.0.112.0/20")],
            5,
        ),
        ("bad.example", ["feed-e"], [], 0),
        ("192.0.2.1", [], [], 5),
    ],
)
def test_what_lies_around_is_told_apart(
    hub: list[str], value: str, exact: list[str], near: list[tuple[str, str]], code: int
) -> None:
    """Claims about the value are one thing, about its networks and host another; the exit code is of the first."""
    done = _lookup(hub, value, "--json")
    found: dict[str, Any] = json.loads(done.stdout)
    assert [claim["origin"] for claim in found["claims"]] == exact
    assert [(item["relation"], item["value"]) for item in found["around"]] == near
    assert all(item["claims"] for item in found["around"])
    assert done.exit_code == code


def test_a_reader_cannot_mistake_the_one_for_the_other(hub: list[str]) -> None:
    """The sentence about the value comes first, then a line of its own before what is only around it."""
    before, _, after = _lookup(hub, "203.0.113.9").stdout.partition("Not about it, but about what it lies in:")
    assert before.strip() == "ipv4 203.0.113.9: nothing is known"
    assert "203.0.113.0/24\tnetwork\tfeed-b" in after
    before, _, after = _lookup(hub, "http://bad.example/a").stdout.partition("Not about it, but about what it lies in:")
    assert "feed-f" in before
    assert "feed-e" not in before
    assert "bad.example\thost\tfeed-e\tinternal" in after


def test_nothing_is_said_about_surroundings_that_are_unknown(hub: list[str]) -> None:
    """No empty heading."""
    assert _lookup(hub, "192.0.2.1").stdout == "ipv4 192.0.2.1: nothing is known\n"


def test_a_value_that_is_none_is_wrong_use(hub: list[str]) -> None:
    """What was given and what was expected, with exit code 2."""
    done = _lookup(hub, "not a value.")
    assert done.exit_code == 2
    assert "not a value." in done.output


@pytest.mark.parametrize(
    ("value", "kind", "origin"),
    [
        ("51C64C77E60F3980EEA90869B68C58A8", "ja3", "feed-g"),
        ("AB" * 19 + "CD", "certificate", "feed-h"),
        ("0x52908400098527886E0F7030069857D2E4169EE7", "wallet", "feed-i"),
    ],
)
def test_what_is_for_look_ups_alone_is_found(hub: list[str], value: str, kind: str, origin: str) -> None:
    """A hash is looked for as each thing that it may be; no object is made of a fingerprint or a wallet."""
    found = json.loads(_lookup(hub, value, "--json").output)
    assert (found["type"], [claim["origin"] for claim in found["claims"]]) == (kind, [origin])
    assert found["objects"] == []


def test_a_hash_of_which_nothing_is_known_is_a_files(hub: list[str]) -> None:
    """Exit code 5, and the likeliest reading."""
    result = _lookup(hub, "0cc175b9c0f1b6a831c399e269772661", "--json")
    assert (result.exit_code, json.loads(result.output)["type"]) == (5, "file")
