"""What a person decides about values that known-good lists hold: released or kept out, for good."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.instant import DAY
from taxii_server import decided, suppression
from taxii_server.decided import Observable, TooMany, Verdict
from taxii_server.heldback import HeldBack, HeldBacks
from taxii_server.jobs import Jobs
from taxii_server.stores.base import AuditRecord
from tests.hubs import MEMBERS, PUBLIC, Hub
from tests.ingest.test_known_good import Case, claim, indicators, listed, live

GOOD = ("domain", "good.example")


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """A hub that knows nothing yet."""
    return Case(tmp_path)


def decide(hub: Hub, verdict: Verdict | None, *values: Observable, name: str = "good", why: str = "seen") -> None:
    """As the command does, with the hub's next step of publishing."""
    audit = AuditRecord(hub.clock.now // 1_000, "ops", "decide", name, {"why": why})
    with hub.publisher.turns.turn():
        hub.publisher.sight.known_good.decide(name, values or [GOOD], verdict, why, audit)
    hub.publish()


def held(hub: Hub, name: str | None = None) -> list[HeldBack]:
    """What lists hold back in the hub."""
    now = hub.clock.now // 1_000
    return list(HeldBacks(hub.settings, hub.store, hub.publisher.sight, hub.publisher.plans, now).of(name))


def test_what_is_held_is_shown_with_who_says_it(case: Case) -> None:
    """By which list and entry, in which views, by how many sources, since when, and whether it is published."""
    case.said(claim())
    hub = case.start(listed(action="hold", values=["good.example", "other.example"]), listed("low", "lower"))
    hub.put([claim("other.example"), claim("other.example", origin="feed-b", family="feed-b"), claim("bad.example")])
    hub.publish()
    found = {item.value: item for item in held(hub)}
    assert found.keys() == {"good.example", "other.example"}
    other = found["other.example"]
    assert other.lists == (("good", "other.example"),)
    assert (other.origins, other.families, other.first_seen) == (("feed-a", "feed-b"), 2, claim().first_seen)
    assert other.views == ("clear/combined/tlp2", "green/combined/tlp2")
    assert (other.published, found["good.example"].published) == (False, True)
    assert held(hub, "low") == []
    hub.clock.now += 31 * DAY * 1_000
    assert held(hub) == []


def test_what_is_for_some_is_held_back_in_their_view_alone(case: Case) -> None:
    """A list that holds names the views where it does."""
    hub = case.start(listed(action="hold", audience="green"))
    hub.put([claim()])
    hub.publish()
    assert [(item.value, item.views) for item in held(hub)] == [("good.example", ("green/combined/tlp2",))]


@pytest.mark.parametrize("action", ["hold", "drop"])
def test_what_is_released_comes_for_good(case: Case, action: str) -> None:
    """Under its id, in each view where the list acts; other values of the list and later starts change nothing."""
    hub = case.start(listed(action=action))
    hub.put([claim(), claim("www.good.example")])
    hub.publish()
    decide(hub, "released")
    assert (live(hub), live(hub, MEMBERS)) == ({"good.example"}, {"good.example"})
    assert "ais-jp:known-good=good" not in indicators(hub)["good.example"].get("labels", ())
    log = hub.log(PUBLIC)
    assert case.start(listed(action=action)).log(PUBLIC) == log
    again = case.start(listed(action=action, values=["good.example", "more.example"]))
    assert again.log(PUBLIC) == log
    assert [item.value for item in held(again)] == (["www.good.example"] if action == "hold" else [])


def test_what_is_released_was_published_before(case: Case) -> None:
    """It comes back under the id that it had."""
    case.said(claim())
    before = indicators(case.start())["good.example"]
    hub = case.start(listed())
    assert live(hub) == set()
    hub.clock.now += 1_000
    decide(hub, "released")
    after = indicators(hub)["good.example"]
    assert (after["id"], after["valid_until"]) == (before["id"], before["valid_until"])


def test_what_is_kept_out_ends_and_is_held_back_no_more(case: Case) -> None:
    """What was published of it ends, and nobody has to decide again; undone, it is held back as before."""
    case.said(claim())
    hub = case.start(listed(action="hold"))
    assert [item.value for item in held(hub)] == ["good.example"]
    decide(hub, "kept")
    assert (live(hub), held(hub)) == (set(), [])
    hub.put([claim(origin="feed-b", family="feed-b")])
    hub.publish()
    assert live(case.start(listed(action="hold"))) == set()
    decide(hub, None)
    assert (live(hub), [item.value for item in held(hub)]) == (set(), ["good.example"])


def test_what_is_kept_out_stays_out_when_its_list_is_set_aside(case: Case) -> None:
    """A cap that lets a list's other values come does not undo what a person decided about one."""
    case.said(*(claim(f"n{number}.good.example") for number in range(150)), claim())
    hub = case.start(listed(action="label"))
    decide(hub, "kept")
    assert "good.example" not in live(hub)
    hub = case.start(listed(action="label", values=["good.example", "www.good.example"], cap={"hits": 10}))
    assert {item.list for item in hub.publisher.sight.known_good.aside()} == {"good"}
    found = indicators(hub)
    assert "good.example" not in live(hub)
    assert not any("known" in word for word in found["n1.good.example"].get("labels", ()))


def test_what_is_released_does_not_count_for_a_cap(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list does not hold what was released from it."""
    monkeypatch.setattr(suppression, "LEAST_HITS", 3)
    values = [claim(f"n{number}.good.example") for number in range(3)]
    case.said(*values)
    hub = case.start(listed(cap={"hits": 100, "share": 100}))
    decide(hub, "released", *((one.type, one.value) for one in values))
    hub = case.start(listed(values=["good.example", "x.example"], cap={"hits": 1}))
    assert hub.publisher.sight.known_good.aside() == []


def test_a_decision_is_written_with_its_audit_record_and_marks(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who, when and why, in one write; what is more than is remembered changes nothing and is not recorded."""
    hub = case.start(listed(action="hold"))
    decide(hub, "released", why="asked the city")
    (one,) = hub.publisher.sight.known_good.decisions.all()
    now = hub.clock.now // 1_000
    assert one == ("good", *GOOD, "released", now, "ops", "asked the city")
    assert hub.store.audit_log(1)[0].detail == {"why": "asked the city"}
    monkeypatch.setattr(decided, "MOST", 1)
    with pytest.raises(TooMany, match="`besides`"):
        decide(hub, "kept", ("domain", "www.good.example"))
    assert len(hub.store.audit_log(10)) == 1
    decide(hub, None)
    assert hub.publisher.sight.known_good.decisions.all() == []


def test_another_process_acts_on_a_decision(case: Case) -> None:
    """The running hub takes notice with its next step, whoever decided."""
    hub = case.start(listed(action="hold"))
    hub.put([claim()])
    hub.publish()
    other = Hub(case.store, case.clock, hub.settings)
    audit = AuditRecord(0, "ops", "decide", "good", {})
    with other.publisher.turns.turn():
        other.publisher.sight.known_good.decide("good", [GOOD], "released", "", audit)
    other.publisher.release()
    hub.publish()
    assert live(hub) == {"good.example"}
    Jobs(hub.publisher).relist()
    assert live(hub) == {"good.example"}
