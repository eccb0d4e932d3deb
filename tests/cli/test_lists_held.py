"""``noroshi lists held``, ``release``, ``keep`` and ``undo``, on a hub whose publisher is another process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.instant import DAY
from tests.cli.published import found as _found
from tests.cli.published import hub_of, publish, run

CITIES = [f"www.city{number}.example" for number in range(5)]
LISTS: list[dict[str, Any]] = [
    {"id": "cities", "title": "Cities", "values": CITIES, "action": "hold"},
    {"id": "ours", "title": "Ours", "values": ["ours.example"], "action": "hold", "audience": "green"},
]


@pytest.fixture
def hub(tmp_path: Path) -> list[str]:
    """A hub that holds five values for all and one for members."""
    return hub_of(tmp_path, (*CITIES, "ours.example"), DAY, known_good=LISTS)


def test_what_is_held_comes_in_pages(hub: list[str]) -> None:
    """Every value once, whatever the size of a page; a page says where the next one begins."""
    found: list[str] = []
    after = ""
    while True:
        given = ("lists", "held", "--limit", "2", "--after", after)
        page = _found(hub, *given)
        found += [one["value"] for one in page["held"]]
        if page["next"] is None:
            break
        assert f"and more: --after {page['next']}" in run(hub, "lists", "held", "--limit", "2", "--after", after).stdout
        after = page["next"]
    assert sorted(found) == sorted([*CITIES, "ours.example"])
    (ours,) = _found(hub, "lists", "held", "ours")["held"]
    assert ours["lists"] == [{"list": "ours", "entry": "ours.example"}]
    assert (ours["families"], ours["sources"], ours["views"]) == (1, ["a"], ["green/combined/tlp2"])
    assert run(hub, "lists", "held", "none").exit_code == 5
    assert run(hub, "lists", "held", "--after", "xyz").exit_code == 2


def test_what_is_decided_acts_and_is_told(hub: list[str]) -> None:
    """The next step of the hub publishes what was released; look-ups and the audit log say who decided, and why."""
    given = ("lists", "release", "cities", "www[.]city0[.]example", CITIES[1], "--why", "both were broken into")
    assert run(hub, *given).stdout == "".join(f"domain {name}: released from cities\n" for name in CITIES[:2])
    assert run(hub, "lists", "keep", "cities", CITIES[2], "--why", "clean").exit_code == 0
    publish(Path(hub[1]))
    assert {one["value"] for one in _found(hub, "lists", "held", "cities")["held"]} == set(CITIES[3:])
    released, kept = (_found(hub, "lookup", name) for name in (CITIES[0], CITIES[2]))
    assert (released["known_good"][0]["decided"], released["known_good"][0]["why"]) == (
        "released",
        "both were broken into",
    )
    assert len(released["objects"][0]["collections"]) == 1
    assert kept["known_good"][0]["decided"] == "kept"
    assert [one["decided"] for one in _found(hub, "lists", "held", "--decided")] == ["kept", "released", "released"]
    audit = run(hub, "audit", "--json").stdout
    assert "release-listed" in audit
    assert "both were broken into" in audit
    assert (
        run(hub, "lists", "undo", "cities", CITIES[2], "--why", "again").stdout
        == f"domain {CITIES[2]}: as cities says\n"
    )
    assert CITIES[2] in {one["value"] for one in _found(hub, "lists", "held", "cities")["held"]}


def test_a_release_names_the_other_lists_that_hold_a_value(hub: list[str]) -> None:
    """With what each does, until it lets the value go too."""
    path = Path(hub[1])
    raw = yaml.safe_load(path.read_text())
    raw["known_good"].append({"id": "towns", "title": "Towns", "values": CITIES[3:], "action": "drop"})
    path.write_text(json.dumps(raw))
    given = ("lists", "release", "cities", *CITIES[2:4], "--why", "x")
    assert run(hub, *given).stdout == (
        f"domain {CITIES[2]}: released from cities\n"
        f"domain {CITIES[3]}: released from cities; held by others too: towns (drop)\n"
    )
    given = ("lists", "release", "towns", CITIES[3], "--why", "x")
    assert run(hub, *given).stdout == f"domain {CITIES[3]}: released from towns\n"


def test_what_no_list_holds_is_not_decided(hub: list[str]) -> None:
    """A typing error is said before anything is written."""
    assert run(hub, "lists", "release", "cities", "bad.example", "--why", "x").exit_code == 5
    assert run(hub, "lists", "release", "cities", "not a value", "--why", "x").exit_code == 2
    assert run(hub, "lists", "undo", "cities", CITIES[0], "--why", "x").exit_code == 5
    assert run(hub, "lists", "keep", "none", CITIES[0], "--why", "x").exit_code == 5
    assert _found(hub, "lists", "held", "--decided") == []


def test_others_are_told_nothing_of_a_private_lists_decisions(hub: list[str]) -> None:
    """What a look-up for all says is the same before and after; members are told what was decided, and not why."""
    before = _found(hub, "lookup", "ours.example", "--for", "clear")
    assert run(hub, "lists", "release", "ours", "ours.example", "--why", "our own").exit_code == 0
    publish(Path(hub[1]))
    assert _found(hub, "lookup", "ours.example", "--for", "clear") == before
    (told,) = _found(hub, "lookup", "ours.example", "--for", "green")["known_good"]
    assert (told["list"], told["decided"], told["why"]) == ("ours", "released", None)
