"""``noroshi rulings`` and what look-ups say of them, on a hub whose publisher is another process."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.instant import DAY
from tests.cli.published import found, hub_of, publish, run

BAD = "www.bad.example"
WHY = "it is our own test page"


@pytest.fixture
def hub(tmp_path: Path) -> list[str]:
    """A hub that has published one domain."""
    return hub_of(tmp_path, [BAD], 30 * DAY)


def test_a_ruling_is_made_told_and_lifted(hub: list[str]) -> None:
    """By the value as people paste it; look-ups show it beside what sources say, and the revoked object."""
    made = run(hub, "rulings", "false", "www[.]bad[.]example", "--why", WHY)
    assert made.stdout == f"domain {BAD}: ruled a false positive for clear\n"
    publish(Path(hub[1]))
    (one,) = found(hub, "rulings", "list")
    assert (one["value"], one["ruling"], one["for"], one["lifted"], one["why"]) == (
        BAD, "false-positive", "clear", None, WHY,
    )  # fmt: skip
    known = found(hub, "lookup", BAD)
    assert ([one["origin"] for one in known["claims"]], known["rulings"]) == (["a"], [one])
    assert [(obj["revoked"], bool(obj["collections"])) for obj in known["objects"]] == [(True, True)] * 2
    assert WHY in run(hub, "lookup", BAD).stdout
    assert run(hub, "rulings", "lift", BAD, "--why", "moved").exit_code == 0
    publish(Path(hub[1]))
    assert found(hub, "rulings", "list") == []
    assert [bool(one["lifted"]) for one in found(hub, "rulings", "list", "--all")] == [True]
    assert [obj["revoked"] for obj in found(hub, "lookup", BAD)["objects"]] == [False] * 2


def test_every_decision_is_audited(hub: list[str]) -> None:
    """With what it was about, for whom, how long, and why."""
    run(hub, "rulings", "hold", BAD, "--for", "green", "--days", "7", "--why", WHY)
    run(hub, "rulings", "lift", BAD, "--why", "looked at")
    lifted, held = found(hub, "audit", "--limit", "2")
    assert (held["action"], held["detail"]) == (
        "rule-hold", {"values": [f"domain {BAD}"], "audience": "green", "days": 7, "why": WHY},
    )  # fmt: skip
    assert (lifted["action"], lifted["detail"]["why"]) == ("lift-ruling", "looked at")


def test_a_value_that_nobody_says_can_be_ruled_on(hub: list[str]) -> None:
    """It is said so, however often it is ruled on; a look-up finds the ruling."""
    for audience in ("green", "clear"):
        made = run(hub, "rulings", "false", "http://ours.example/", "--for", audience, "--why", WHY)
        assert made.stdout == f"url http://ours.example/: ruled a false positive for {audience}; nobody says it yet\n"
    assert found(hub, "lookup", "http://ours.example/")["rulings"][0]["why"] == WHY


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("false", "no value at all", "--why", WHY), "no value at all: "),
        (("false", "0" * 31 + "_", "--why", WHY), "expected"),
        (
            ("hold", "indicator--0f0f0f0f-0f0f-4f0f-8f0f-0f0f0f0f0f0f", "--why", WHY),
            "expected a type that is published",
        ),
        (("false", BAD, "--for", "everybody", "--why", WHY), "--for: expected an audience"),
        (("false", BAD), "--why"),
        (("false", BAD, "--why", " "), "expected text, got none"),
        (("false", "\udcff", "--why", WHY), "expected text in UTF-8, got '\\udcff'"),
        (("false", "JVN#90000001", "--why", WHY), "many may go by a number of JVN"),
        (("lift", BAD, "--why", WHY), f"nothing is ruled on {BAD}"),
    ],
)
def test_what_cannot_be_ruled_is_told(hub: list[str], arguments: tuple[str, ...], said: str) -> None:
    """And nothing is written."""
    result = run(hub, "rulings", *arguments)
    assert result.exit_code != 0
    assert said in result.output
    assert found(hub, "rulings", "list", "--all") == []
