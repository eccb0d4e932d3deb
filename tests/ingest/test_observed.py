"""Collections whose indicators come with their observables: what goes with an indicator is there as long as it is."""

from __future__ import annotations

import json
import uuid
from contextlib import suppress
from typing import Any

import pytest
import stix2
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from config.instant import DAY, HOUR, MINUTE
from config.settings import Settings
from normalizers.bad_value import BadValue
from normalizers.claims import Claim
from normalizers.observables import has_object, observable_object
from normalizers.values import canonical
from taxii_server.jobs import Jobs
from taxii_server.stores.base import Selection, Store, Versions
from taxii_server.stores.memory import MemoryStore
from tests.hubs import MEMBERS, PUBLIC, Hub, SteppingClock, settings
from tests.promises.test_promise_6_valid import check

NOW = 1_790_000_000_000
FULL = "5f0f1c5e-3c36-4b63-9a52-0d9a5d1d1c11"
OTHER = "0a4d5a4e-2b4f-4b67-8f0e-5d2a3c1b9e22"
VALUES = {
    "ipv4": "203.0.113.7", "ipv6": "2001:db8::7", "cidr": "198.51.100.0/24", "domain": "a.example", "url": "http://a.example/a'%20?b=c?d",
    "email": "a@example.com", "file": "ab" * 32, "certificate": "cd" * 20, "asn": "AS64500",
}  # fmt: skip


def full(*ids: str, narrow: dict[str, Any] | None = None) -> Settings:
    """The hub of tests with collections that have observables, of the members' view."""
    given = settings().model_dump(mode="json")
    for number, id_ in enumerate(ids):
        given["api_roots"][1]["collections"].append({
            "id": id_, "title": f"Full {number}", "kind": "merged", "with_observables": True, "narrow": narrow or {},
            "view": {"audience": "green", "scope": "combined"}, "read": ["members"],
        })  # fmt: skip
    return Settings.model_validate(given)


def claim(value: str = "a.example", kind: str = "domain", *, at: int = 0, **said: Any) -> Claim:
    """A claim of that hour."""
    moment = NOW + at * HOUR
    given = {"origin": "feed", "family": "feed", "audience": "clear", "version": moment, **said}
    return Claim(kind, value, first_seen=NOW, last_seen=moment, life=7 * DAY, confidence=80, **given)


def references_resolve(hub: Hub, collection: str) -> None:
    """Every id that an object of the collection refers to is an object of it, the TLP 1 markings aside."""
    objects = hub.objects(collection)
    ids = {obj["id"] for obj in objects}
    for obj in objects:
        named = [*obj.get("object_marking_refs", ()), *obj.get("object_refs", ())]
        named += [obj[name] for name in ("created_by_ref", "source_ref", "target_ref") if name in obj]
        assert ids.issuperset(named), obj


@pytest.fixture
def hub(store: Store) -> Hub:
    return Hub(store, SteppingClock(NOW * 1_000), full(FULL))


def _said(hub: Hub, collection: str = FULL) -> list[str]:
    fixed = {"identity", "marking-definition", "extension-definition"}
    return [obj["type"] for obj in hub.objects(collection) if obj["type"] not in fixed]


def test_promise_6_every_observable_comes_with_its_object_and_a_relationship(hub: Hub) -> None:
    """In this order, valid for stix2 and the OASIS validator, with ids as STIX 2.1 makes them; the same view's other
    collection is as it was."""
    hub.put(claim(value, kind) for kind, value in VALUES.items())
    hub.publish()
    references_resolve(hub, FULL)
    seen: set[str] = set()
    for obj in hub.objects(FULL):
        check(obj)
        if obj["type"] == "relationship":
            assert obj["relationship_type"] == "based-on"
            assert {obj["source_ref"], obj["target_ref"]} <= seen
        seen.add(obj["id"])
    kinds = _said(hub)
    assert kinds.count("indicator") == kinds.count("relationship") == len(VALUES) == len(kinds) / 3
    assert "relationship" not in _said(hub, MEMBERS)
    assert hub.objects(MEMBERS, "indicator") == hub.objects(FULL, "indicator")
    for kind, value in VALUES.items():
        shown = json.loads(observable_object(kind, value).body)
        alike = stix2.parse({name: said for name, said in shown.items() if name != "id"})
        assert alike.id == shown["id"]


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40))
def test_ids_are_those_of_stix_2_1_whatever_the_value(value: str) -> None:
    """As stix2 makes them, by canonical JSON."""
    made = observable_object("url", value)
    assert stix2.v21.URL(value=value).id == f"url--{uuid.UUID(bytes=made.uuid)}"


_TEXTS = st.text("abcxyz019._~!$&'()*+,;=:@/-%[]{}|\\^`?#<>\"äあ ", max_size=12)


@given(_TEXTS, st.sampled_from(["a.example", "_b.example:81", "[2001:db8::7]", "u:p%20@a-.example", "xn--r8jz45g.jp"]))
@hypothesis_settings(max_examples=400, deadline=None)
def test_promise_6_what_has_an_object_has_a_valid_one(text: str, host: str) -> None:
    """Whatever URLs, names and addresses of mail are canonical, the OASIS validator finds no error in their objects."""
    for kind, given_ in (
        ("url", f"http://{host}/{text}"),
        ("email", f"{text}@a.example"),
        ("domain", f"{text}.example"),
    ):
        with suppress(BadValue):
            kind, value = canonical(kind, given_)
            if has_object(kind, value):
                check(json.loads(observable_object(kind, value).body))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("domain", "_dmarc.a.example"),
        ("url", "http://a.example/ä"),
        ("url", "http://a.example/%"),
        ("email", "ä@a.example"),
    ],
)
def test_what_stix_has_no_object_for_comes_alone(hub: Hub, kind: str, value: str) -> None:
    """The indicator is there all the same."""
    hub.put([claim(value, kind)])
    hub.publish()
    assert _said(hub) == ["indicator"]


def test_promise_4_nothing_goes_again_when_only_the_end_moves(hub: Hub) -> None:
    """A sighting makes a version of the indicator, and none of what goes with it; nor does publishing once more."""
    hub.put([claim()])
    hub.publish()
    before = [entry for entry in hub.log(FULL) if b'"type":"indicator"' not in entry[1]]
    for at in (100, 200, 300):
        hub.clock.now = (NOW + at * HOUR) * 1_000
        hub.put([claim(at=at)])
        hub.publish()
        assert [entry for entry in hub.log(FULL) if b'"type":"indicator"' not in entry[1]] == before
        assert _said(hub).count("indicator") == 1
    page = hub.store.page(FULL, Selection(limit=100, versions=Versions(all=True)))
    assert sum(entry.type == "indicator" for entry in page.entries) == 4
    references_resolve(hub, FULL)


_STEPS = st.tuples(st.integers(1, 400), st.sampled_from("abc"), st.booleans(), st.sampled_from(["clear", "green"]))


@given(st.lists(_STEPS, min_size=1, max_size=14))
@hypothesis_settings(max_examples=150, deadline=None)
def test_promise_6_references_resolve_at_every_step_of_retention(steps: list[tuple[int, str, bool, str]]) -> None:
    """However sightings, withdrawals, markings and time come, nothing dangles, and in the end nothing is left."""
    hub = Hub(MemoryStore(), SteppingClock(NOW * 1_000), full(FULL))
    jobs, at = Jobs(hub.publisher), 0
    for hours, name, gone, audience in steps:
        at += hours
        hub.clock.now = (NOW + at * HOUR) * 1_000
        hub.put([claim(f"{name}.example", at=at, audience=audience, withdrawn=(NOW + at * HOUR) if gone else 0)])
        hub.publish()
        _retain_step_by_step(hub)
        references_resolve(hub, FULL)
    for _ in range(110):
        hub.clock.now += 24 * HOUR * 1_000
        _retain_step_by_step(hub)
        references_resolve(hub, FULL)
    jobs.retain()
    assert _said(hub) == []


def _retain_step_by_step(hub: Hub) -> None:
    """One object at a time: a reader may look in between."""
    before = hub.publisher.now() - 90 * DAY
    while sum(hub.store.retain(FULL, ended_before=before, superseded_before=0, limit=1)):
        references_resolve(hub, FULL)


def test_retention_takes_what_goes_with_an_indicator_too(hub: Hub) -> None:
    """On both stores: the relationship first, then the indicator, then the observable, each at an end that moved."""
    hub.put([claim()])
    hub.publish()
    hub.clock.now = (NOW + 200 * HOUR) * 1_000
    hub.put([claim(at=200)])
    hub.publish()
    left = ["relationship", "indicator", "domain-name"]
    (indicator,) = hub.objects(FULL, "indicator")
    ends = hub.store.objects("green/combined/tlp2", [("indicator", uuid.UUID(indicator["id"][11:]).bytes)])
    (state,) = ends.values()
    for day in (-1, 0, 1):
        while sum(hub.store.retain(FULL, ended_before=state.ends + day * DAY, superseded_before=0)):
            pass
        assert sorted(set(_said(hub))) == sorted(left)
        while sum(hub.store.retain(FULL, ended_before=state.ends + day * DAY + MINUTE, superseded_before=0)):
            pass
        left.pop(0)
        assert sorted(set(_said(hub))) == sorted(left)
        references_resolve(hub, FULL)


def test_what_comes_back_after_retention_comes_whole(hub: Hub) -> None:
    """The indicator under its id, and what goes with it."""
    hub.put([claim()])
    hub.publish()
    hub.clock.now = (NOW + 200 * 24 * HOUR) * 1_000
    Jobs(hub.publisher).retain()
    assert _said(hub) == []
    hub.put([claim(at=200 * 24)])
    hub.publish()
    assert sorted(_said(hub)) == ["domain-name", "indicator", "relationship"]
    references_resolve(hub, FULL)


def test_a_relationship_is_marked_as_its_indicator(hub: Hub) -> None:
    """A change of marking is a version of both."""
    green = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
    hub.put([claim()])
    hub.publish()
    hub.clock.now += HOUR * 1_000
    hub.put([claim(at=1, audience="green", origin="other", family="other")])
    hub.publish()
    (relationship,), (indicator,) = hub.objects(FULL, "relationship"), hub.objects(FULL, "indicator")
    assert relationship["object_marking_refs"] == indicator["object_marking_refs"] == [green]


def test_a_collection_with_observables_that_is_new_is_filled(store: Store) -> None:
    """Once, and so is another of the same view; the first has nothing that it had before again but relationships."""
    hub = Hub(store, SteppingClock(NOW * 1_000))
    hub.put(claim(value, kind) for kind, value in VALUES.items())
    hub.publish()
    for ids in ([FULL], [FULL, OTHER]):
        hub = Hub(store, hub.clock, full(*ids))
        Jobs(hub.publisher).settle()
        for id_ in ids:
            kinds = _said(hub, id_)
            assert kinds.count("indicator") == kinds.count("relationship") == len(VALUES) == len(kinds) / 3
            references_resolve(hub, id_)
    before = hub.log(FULL)
    Jobs(hub.publisher).settle()
    hub.publish()
    assert hub.log(FULL) == before


def test_only_what_the_collection_admits(store: Store) -> None:
    """What it does not admit comes without observable, and vulnerabilities have none."""
    hub = Hub(store, SteppingClock(NOW * 1_000), full(FULL, narrow={"observables": ["domain", "cve"]}))
    hub.put([claim(), claim("203.0.113.7", "ipv4"), claim("CVE-2026-0001", "cve")])
    hub.publish()
    assert sorted(_said(hub)) == ["domain-name", "indicator", "relationship", "vulnerability"]


def test_promise_2_a_public_collection_with_observables_knows_nothing_of_others() -> None:
    """What is said for members changes no byte of it."""
    logs = []
    for others in ([], [claim(audience="green", origin="other"), claim("b.example", audience="green", at=-1)]):
        given = settings().model_dump(mode="json")
        given["api_roots"][0]["collections"][0]["with_observables"] = True
        hub = Hub(MemoryStore(), SteppingClock(NOW * 1_000), Settings.model_validate(given))
        hub.put(others)
        hub.put([claim(), claim("c.example")])
        hub.publish()
        hub.clock.now += 1_000_000
        hub.put([claim(at=100, origin="other", audience="green"), claim(at=200)] if others else [claim(at=200)])
        hub.clock.now += 300 * HOUR * 1_000
        hub.publish()
        logs.append(hub.log(PUBLIC))
    assert logs[0] == logs[1]
    assert b"based-on" in logs[0][-1][1] or any(b"based-on" in body for _, body in logs[0])
