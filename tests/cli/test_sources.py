"""``noroshi sources``: what each source is worth."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from config.instant import DAY, HOUR, MINUTE, Millis, system_clock
from config.loading import load
from normalizers.claims import Claim
from normalizers.known_good import Listing, Matcher, compiled
from normalizers.merge import agreed
from taxii_server import worth as worths
from taxii_server.cli.main import noroshi
from taxii_server.opening import open_hub
from taxii_server.stores.base import ClaimRow
from taxii_server.stores.memory import MemoryStore
from taxii_server.worth import MEMBERS, OTHERS, Worth, worth
from tests.hubs import settings
from tests.processes import write_config

NOW = 1_790_000_000_000
NAMES = {"a": "a", "b": "b", "c": "c"}


def claim(value: str, origin: str, first: Millis = NOW, **other: Any) -> Claim:
    """What one source says about an address."""
    said = {"family": origin, "audience": "clear", "version": NOW, "last_seen": NOW, "life": DAY, "confidence": 50}
    return Claim(type="ipv4", value=value, origin=origin, first_seen=first, **{**said, **other})


def counted(*claims: Claim, names: dict[str, str] = NAMES) -> dict[str, Worth]:
    """What a store with these says."""
    store = MemoryStore()
    store.put_claims([ClaimRow(one.key, one) for one in claims])
    return worth(store, names, NOW)


def test_what_a_source_alone_says_is_unique() -> None:
    """And what others say too is in common with each of them."""
    found = counted(
        claim("192.0.2.1", "a"),
        *(claim("192.0.2.2", name) for name in "ab"),
        *(claim("192.0.2.3", name) for name in "abc"),
    )
    assert [(found[name].values, found[name].unique) for name in "abc"] == [(3, 1), (2, 0), (1, 0)]
    assert found["a"].overlap == {"b": 2, "c": 1}
    assert found["c"].overlap == {"a": 1, "b": 1}
    assert found["a"].types == {"ipv4": 3}


def test_only_what_stands_counts() -> None:
    """Neither what was withdrawn nor what is past its life; what an origin says to several audiences is one word."""
    found = counted(
        claim("192.0.2.1", "a", withdrawn=NOW - 1),
        claim("192.0.2.2", "a", last_seen=NOW - DAY),
        claim("192.0.2.3", "a"),
        claim("192.0.2.3", "a", audience="internal"),
        claim("192.0.2.1", "b"),
    )
    assert (found["a"].values, found["a"].unique) == (1, 1)
    assert (found["b"].values, found["b"].unique) == (1, 1)


def test_how_early_a_source_is() -> None:
    """The median of how much earlier it saw a value than the first of the others; negative when it was later."""
    found = counted(
        *(
            said
            for number, hours in enumerate((1, 2, 30, -4, -5), start=1)
            for said in (
                claim(f"192.0.2.{number}", "a", NOW - 99 * HOUR - hours * HOUR),
                claim(f"192.0.2.{number}", "b", NOW - 99 * HOUR),
                claim(f"192.0.2.{number}", "c", NOW),
            )
        )
    )
    assert (found["a"].shared, found["a"].first, found["a"].lead) == (5, 3, HOUR)
    assert (found["b"].first, found["b"].lead) == (2, -HOUR)
    assert (found["c"].first, found["c"].lead) == (0, -100 * HOUR)


def test_a_family_does_not_come_before_itself() -> None:
    """Two doors to one upstream have much in common, and are neither early nor late; together they are alone."""
    found = counted(
        claim("192.0.2.1", "a", NOW - HOUR, family="f"),
        claim("192.0.2.1", "b", family="f"),
    )
    assert (found["a"].unique, found["a"].of_family, found["a"].overlap) == (0, 1, {"b": 1})
    assert (found["a"].shared, found["a"].lead, found["a"].confidence) == (0, None, 0)


def test_what_a_loss_would_cost() -> None:
    """By how many points the confidence in what others say too would fall."""
    said = [claim("192.0.2.1", "a", confidence=60), claim("192.0.2.1", "b", confidence=30)]
    found = counted(*said)
    assert found["a"].confidence == agreed(said) - 30
    assert found["b"].confidence == agreed(said) - 60


def test_what_known_good_lists_hold_is_counted_for_whoever_says_it() -> None:
    """Once for a value, however many lists hold it; what no list holds is not counted."""
    ranges = Listing("ranges", frozenset({"ipv4"}), "all", (("cidr", ["198.51.100.0/24"]),))
    said = [claim("198.51.100.7", "a"), claim("198.51.100.7", "b"), claim("192.0.2.1", "a")]
    store = MemoryStore()
    store.put_claims([ClaimRow(one.key, one) for one in said])
    found = worth(store, NAMES, NOW, Matcher(compiled([ranges, ranges._replace(id="again")])))
    assert [found[name].known_good for name in "abc"] == [1, 1, 0]
    assert counted(*said)["a"].known_good == 0


def test_members_are_one_source_and_others_are_told_apart_while_they_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A member has another origin for each value, and none of them is shown."""
    monkeypatch.setattr(worths, "_MOST_OTHERS", 2)
    found = counted(
        *(claim(f"192.0.2.{number}", f"member:{number}") for number in range(50)),
        *(claim(f"198.51.100.{number}", f"feed-{number}@other.example") for number in range(50)),
    )
    assert found[MEMBERS].values == 50
    assert found[OTHERS].values == 48 + (found.keys() >= {MEMBERS})
    assert len(found) <= len(NAMES) + 4


@given(st.lists(st.tuples(st.integers(0, 12), st.sampled_from("abc"), st.integers(0, 500)), max_size=40))
def test_the_sums_agree_with_a_plain_count(said: list[tuple[int, str, int]]) -> None:
    """Whatever the batches and the order: as counting with sets, and the median within its step."""
    claims = {(number, name): claim(f"192.0.2.{number}", name, NOW - ago * MINUTE) for number, name, ago in said}
    shuffled = list(claims.values())
    random.Random(1).shuffle(shuffled)
    found = counted(*shuffled)
    of = {name: {number for number, who in claims if who == name} for name in "abc"}
    for name, mine in of.items():
        others = [of[other] for other in "abc" if other != name]
        assert found[name].values == len(mine)
        assert found[name].unique == len(mine - set().union(*others))
        common = {who: len(mine & theirs) for who, theirs in of.items() if who != name}
        assert found[name].overlap == {who: count for who, count in common.items() if count}
        leads = sorted(
            min(claims[number, other].first_seen for other in "abc" if other != name and (number, other) in claims)
            - claims[number, name].first_seen
            for number in mine & set().union(*others)
        )
        assert found[name].shared == len(leads)
        if leads:
            middle, lead = leads[(len(leads) - 1) // 2], found[name].lead
            assert lead is not None
            assert abs(middle - lead) < HOUR


@pytest.fixture
def hub(tmp_path: Path) -> list[str]:
    """A hub that has two feeds, a member's claim, and a feed that is configured no more."""
    feed = {
        "title": "T", "carries": "c", "publisher": {"name": "P", "country": "JP", "homepage": "https://p.example/"},
        "transport": {"kind": "file", "path": "x"}, "format": {"kind": "text", "type": "ip"}, "marking": "TLP:CLEAR",
        "share": "public", "reliability": 100, "kind": "log",
    }  # fmt: skip
    raw = settings(feeds=[{**feed, "id": "feed-a"}, {**feed, "id": "hidden", "named": False}]).model_dump(mode="json")
    path = write_config(tmp_path, {**raw, "store": "sqlite:hub.db"})
    store = open_hub(load(path))
    from taxii_server.ingest import origin_of

    hidden = origin_of(load(path).feed("hidden"), load(path), store)[0]
    now = system_clock() // 1_000
    said = [
        claim("192.0.2.1", "feed-a@hub.example"),
        claim("192.0.2.2", "feed-a@hub.example"),
        claim("192.0.2.1", hidden),
        claim("192.0.2.9", "member:1"),
        claim("192.0.2.8", "gone"),
    ]
    store.put_claims([ClaimRow(one.key, one._replace(last_seen=now, first_seen=now)) for one in said])
    store.close()
    return ["--config", str(path)]


def test_the_command_names_feeds_as_the_configuration_does(hub: list[str]) -> None:
    """One that may not be named to readers has its id here, too: operators know."""
    done = CliRunner().invoke(noroshi, ["sources", "--json", *hub])
    rows = {row["source"]: row for row in json.loads(done.stdout)}
    assert {name: (row["values"], row["unique"]) for name, row in rows.items()} == {
        "feed-a": (2, 1),
        "hidden": (1, 0),
        MEMBERS: (1, 1),
        "gone": (1, 1),
    }
    assert rows["hidden"]["overlap"] == {"feed-a": 1}
    assert rows["feed-a"]["lost"] == {"values": 1, "confidence": 25}
    assert rows["feed-a"]["lead_seconds"] == 0


def test_tables(hub: list[str]) -> None:
    """One of the sources, one of what they have in common."""
    lines = CliRunner().invoke(noroshi, ["sources", *hub]).stdout.splitlines()
    assert lines[0].split("\t")[:3] == ["source", "values", "unique"]
    assert "feed-a\t2\t1\t1\t0 %\t0m\t25.0\t-\t-\thidden 1" in lines
    matrix = CliRunner().invoke(noroshi, ["sources", "--matrix", *hub]).stdout.splitlines()
    at = matrix[0].split("\t").index("hidden")
    assert next(line for line in matrix if line.startswith("feed-a")).split("\t")[at] == "1"
