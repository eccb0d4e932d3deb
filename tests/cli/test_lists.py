"""``noroshi lists``, and what look-ups and ``doctor`` say of known-good lists."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from config.instant import DAY, system_clock
from config.loading import load
from normalizers.claims import Claim
from taxii_server.cli.main import noroshi, run
from taxii_server.jobs import Jobs
from taxii_server.opening import open_hub
from taxii_server.publishing import Publisher
from taxii_server.stores.base import ClaimRow
from taxii_server.surveying import Surveying
from tests.hubs import settings
from tests.processes import write_config

LISTS: list[dict[str, Any]] = [
    {"id": "good", "title": "Good names", "values": ["good.example"], "action": "drop"},
    {
        "id": "ours",
        "title": "Ours",
        "values": ["192.0.2.0/24"],
        "match": "cidr",
        "audience": "green",
        "action": "lower",
    },
    {"id": "stray", "title": "Stray", "values": ["bad.example"], "action": "drop"},
]


@pytest.fixture
def hub(tmp_path: Path) -> list[str]:
    """A hub with a list for all, one for members, and one with a stray entry; all of it published."""
    path = write_config(tmp_path, {**settings().model_dump(mode="json"), "store": "sqlite:hub.db", "known_good": LISTS})
    made = load(path)
    store = open_hub(made)
    publisher = Publisher(made, store, system_clock, "test")
    values = ["x.good.example", *(f"n{number}.bad.example" for number in range(120))]
    said = [*(_claim("domain", value) for value in values), _claim("ipv4", "192.0.2.7")]
    store.put_claims([ClaimRow(claim.key, claim) for claim in said])
    Jobs(publisher).settle()
    publisher.publish_all()
    surveying = Surveying(publisher)
    while surveying.step():
        pass
    store.close()
    return ["--config", str(path)]


def _claim(kind: str, value: str) -> Claim:
    now = system_clock() // 1_000
    return Claim(kind, value, "feed-a", "feed-a", "clear", now, now, now, DAY, 50)


def _run(hub: list[str], *arguments: str) -> Result:
    return CliRunner().invoke(noroshi, [*arguments, *hub])


def _json(hub: list[str], *arguments: str) -> Any:
    return json.loads(_run(hub, *arguments, "--json").stdout)


def test_lists_are_shown_with_what_they_do(hub: list[str]) -> None:
    """Who may know of a list, what it does, its entries, how often it acted, and where it is set aside."""
    good, ours, stray = _json(hub, "lists", "list")
    assert (good["action"], good["for"], good["entries"], good["aside"]) == ("drop", "clear", 1, [])
    assert good["counts"] == {"clear/combined/tlp2": 1, "green/combined/tlp2": 1}
    assert ours["counts"] == {"green/combined/tlp2": 1}
    assert (ours["elsewhere"], good["elsewhere"]) == ({"clear/combined/tlp2": 1}, {})
    assert ours["counted"]
    assert good["counted"] is None
    assert {one["view"] for one in stray["aside"]} == {"clear/combined/tlp2", "green/combined/tlp2"}
    assert stray["aside"][0]["hits"] == 120
    assert "set aside in clear/combined/tlp2 (120 of 122)" in _run(hub, "lists", "list").stdout


def test_a_list_that_no_view_may_know_of_says_so(hub: list[str]) -> None:
    """A list for a group without a collection of its own acts nowhere, which its owner would not notice otherwise."""
    path = Path(hub[1])
    raw = yaml.safe_load(path.read_text())
    raw["groups"]["finance"] = {"title": "Finance", "clearance": "amber:finance"}
    raw["known_good"][1]["audience"] = "amber:finance"
    path.write_text(yaml.safe_dump(raw))
    good, ours, _ = _json(hub, "lists", "list")
    assert (ours["views"], good["views"]) == ([], ["clear/combined/tlp2", "green/combined/tlp2", "green/own/tlp2"])
    assert ours["elsewhere"] == {"clear/combined/tlp2": 1}
    assert "acts nowhere: no collection has a view for amber:finance" in _run(hub, "lists", "list").stdout


def test_an_owner_is_told_where_else_a_value_is_said(hub: list[str]) -> None:
    """A members' list acts in the members' view, and its owner learns that the public is told of the value."""
    (found,) = _json(hub, "lists", "show", "ours")["values"]
    assert found == {
        "type": "ipv4",
        "value": "192.0.2.7",
        "entry": "192.0.2.0/24",
        "acts_in": ["green/combined/tlp2"],
        "elsewhere": ["clear/combined/tlp2"],
    }
    assert _json(hub, "lists", "show", "stray", "--limit", "5")["more"] is True
    assert _run(hub, "lists", "show", "nothing").exit_code == 5


def test_a_look_up_names_list_and_entry(hub: list[str]) -> None:
    """To the operator the list by name; to others a list that is not theirs is policy, and its entry is not told."""
    assert _json(hub, "lookup", "x.good.example")["known_good"] == [
        {"list": "good", "entry": "good.example", "action": "drop", "for": "clear", "decided": None, "why": None}
    ]
    assert _json(hub, "lookup", "192.0.2.7", "--for", "green")["known_good"][0]["list"] == "ours"
    public = _json(hub, "lookup", "192.0.2.7", "--for", "clear")
    assert public["known_good"] == [dict.fromkeys(public["known_good"][0]) | {"list": "policy"}]
    assert [obj["view"] for obj in public["objects"]] == ["clear/combined/tlp2"]
    assert "ours" not in json.dumps(public)
    assert "good.example" in _run(hub, "lookup", "x.good.example").stdout
    assert _json(hub, "lookup", "other.example")["known_good"] == []
    assert _run(hub, "lookup", "192.0.2.7", "--for", "everybody").exit_code == 2


def test_feeds_are_shown_with_what_is_set_aside(hub: list[str]) -> None:
    """Whoever looks at feeds alone learns that a list acts no more, beside the table that scripts read."""
    shown = _run(hub, "feeds", "list")
    assert "known-good list stray is set aside in clear/combined/tlp2: it held 120 of 122" in shown.stderr
    assert "stray" not in shown.stdout
    assert isinstance(_json(hub, "feeds", "list"), list)


def test_doctor_reports_a_list_that_is_set_aside_until_a_person_confirms_it(hub: list[str]) -> None:
    """And the decision is recorded."""
    before = {found["what"]: found for found in _json(hub, "doctor")}
    assert not before["known-good list stray"]["ok"]
    assert (
        _run(hub, "lists", "confirm", "stray").stdout
        == "stray acts again in clear/combined/tlp2, green/combined/tlp2\n"
    )
    after = {found["what"]: found for found in _json(hub, "doctor")}
    assert after["known-good lists"]["ok"]
    assert "confirm-list" in _run(hub, "audit").stdout


def test_a_list_that_is_not_there_is_said_before_anything_is_done(
    hub: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every command ends with exit code 3 and a sentence."""
    path = Path(hub[1])
    path.write_text(path.read_text().replace("values:\n  - good.example", "file: gone.txt"), encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["noroshi", "doctor", *hub])
    with pytest.raises(SystemExit) as ended:
        run()
    assert ended.value.code == 3
    assert "known-good list good: expected a file, and there is none at" in capsys.readouterr().err


def test_before_a_hub_counted_nothing_is_said(tmp_path: Path) -> None:
    """Not that there is nothing elsewhere."""
    made = {**settings().model_dump(mode="json"), "store": "sqlite:hub.db", "known_good": LISTS}
    path = write_config(tmp_path, made)
    open_hub(load(path)).close()
    hub = ["--config", str(path)]
    assert [one["elsewhere"] for one in _json(hub, "lists", "list")] == [{}, None, {}]
    assert "not counted" in _run(hub, "lists", "list").stdout
