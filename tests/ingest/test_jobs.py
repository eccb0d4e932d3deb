"""The long jobs: filling a new collection, a change of how objects are made, reissue, retention."""

from __future__ import annotations

from typing import Any

import pytest

from config.instant import DAY, HOUR, stix_time
from normalizers.claims import Claim
from taxii_server import jobs as jobs_module
from taxii_server.jobs import Jobs
from taxii_server.publishing import Publisher
from taxii_server.stores.base import AuditRecord, Selection
from taxii_server.stores.memory import MemoryStore
from tests.hubs import MEMBERS, PUBLIC, Hub, SteppingClock, settings

NOW = 1_790_000_000_000
LATER = "11111111-2222-4333-8444-555555555555"
AUDIT = AuditRecord(NOW, "somebody", "reissue", "hub", {})
THIRD = "11111111-2222-4333-8444-666666666666"


def _claims(count: int) -> list[Claim]:
    return [
        Claim("ipv4", f"192.0.2.{number}", "feed-a", "feed-a", "clear", NOW, NOW, NOW, 7 * DAY, 40 + 10 * (number % 5))
        for number in range(count)
    ]


def _hub(count: int = 20) -> Hub:
    hub = Hub(MemoryStore(), SteppingClock(NOW * 1_000))
    Jobs(hub.publisher).settle()
    hub.put(_claims(count))
    hub.publish()
    return hub


def _with_another_collection(hub: Hub, **narrow: Any) -> Hub:
    raw = settings().model_dump()
    raw["api_roots"][0]["collections"] = [
        *raw["api_roots"][0]["collections"],
        {
            "id": LATER,
            "title": "Later",
            "kind": "merged",
            "view": {"audience": "clear"},
            "narrow": narrow,
            "read": ["anyone"],
        },
    ]
    hub.clock.now += HOUR * 1_000
    return Hub(hub.store, hub.clock, type(settings()).model_validate(raw))


def test_a_new_collection_is_filled_with_the_very_objects_of_its_view() -> None:
    """A collection added later holds the same ids, versions and bytes, with dates of its own."""
    hub = _with_another_collection(_hub())
    Jobs(hub.publisher).settle()
    old = {body for _, body in hub.log(PUBLIC)}
    new = {body for _, body in hub.log(LATER)}
    assert new == old
    assert min(date for date, _ in hub.log(LATER)) >= hub.clock.now
    before = hub.log(LATER)
    Jobs(hub.publisher).settle()
    assert hub.log(LATER) == before


def test_a_collection_that_returns_is_filled_with_what_it_missed() -> None:
    """Taken out of the configuration and put back, it holds again all that its view does."""
    hub = _with_another_collection(_hub())
    Jobs(hub.publisher).settle()
    without = Hub(hub.store, hub.clock)
    Jobs(without.publisher).settle()
    now = hub.clock.now // 1_000
    without.put([Claim("ipv4", "198.51.100.1", "feed-a", "feed-a", "clear", now, now, now, 7 * DAY, 50)])
    without.publish()
    back = _with_another_collection(without)
    Jobs(back.publisher).settle()
    assert {body for _, body in back.log(LATER)} == {body for _, body in back.log(PUBLIC)}


def test_a_new_view_is_filled_too() -> None:
    """A collection of a view that nothing was published for yet holds what is live, under ids of its own."""
    hub = _hub()
    raw = settings().model_dump()
    tlp1 = {"audience": "clear", "tlp": "tlp1"}
    new = {"id": LATER, "title": "Later", "kind": "merged", "view": tlp1, "read": ["anyone"]}
    raw["api_roots"][0]["collections"] = [*raw["api_roots"][0]["collections"], new]
    wider = Hub(hub.store, hub.clock, type(settings()).model_validate(raw))
    Jobs(wider.publisher).settle()
    assert {obj["name"] for obj in wider.objects(LATER, "indicator")} == {
        obj["name"] for obj in wider.objects(PUBLIC, "indicator")
    }


def test_a_collection_that_returns_serves_no_version_of_before() -> None:
    """What was withdrawn while a collection was out of the configuration is withdrawn there when it returns."""
    hub = _with_another_collection(_hub(3))
    Jobs(hub.publisher).settle()
    without = Hub(hub.store, hub.clock)
    Jobs(without.publisher).settle()
    now = hub.clock.now // 1_000
    without.put([claim._replace(withdrawn=now, version=now) for claim in _claims(3)])
    without.publish()
    back = _with_another_collection(without)
    Jobs(back.publisher).settle()
    assert {obj["id"]: obj for obj in back.objects(LATER, "indicator")} == {
        obj["id"]: obj for obj in back.objects(PUBLIC, "indicator")
    }


def test_a_new_narrowed_collection_is_filled_with_what_it_admits() -> None:
    """Filling goes by the same admission as publishing."""
    hub = _with_another_collection(_hub(), types=["indicator"], confidence=70)
    Jobs(hub.publisher).settle()
    found = hub.objects(LATER, "indicator")
    assert found
    assert {obj["confidence"] for obj in found} == {70, 80}


def test_a_change_of_making_renews_the_digests_without_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    """After an upgrade that makes other bytes nothing is published, until an object changes or is reissued."""
    hub = _hub()
    before = hub.log(PUBLIC)
    from normalizers import stix

    monkeypatch.setattr(stix, "_likewise", lambda *_: b'{"description":"Said otherwise."}')
    monkeypatch.setattr(jobs_module, "MAKING", "another")
    hub.clock.now += HOUR * 1_000
    Jobs(hub.publisher).settle()
    assert hub.log(PUBLIC) == before
    hub.store.mark_dirty([claim.key for claim in _claims(20)], "clear")
    assert hub.publish() == 0
    reissued = Jobs(hub.publisher).reissue(AUDIT)
    assert reissued == 2 * 20  # in the public view and in that of members
    assert [record.detail["entries"] for record in hub.store.audit_log()] == [20, 20]
    assert {obj["description"] for obj in hub.objects(PUBLIC, "indicator")} == {"Said otherwise."}
    assert Jobs(hub.publisher).reissue(AUDIT) == 0
    assert len(hub.store.audit_log()) == 2


def test_an_interrupted_job_goes_on_where_it_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job over all observables remembers how far it came."""
    hub = _hub()
    monkeypatch.setattr(jobs_module, "_STEP", 5)
    seen: list[int] = []

    class Stop(Exception):
        pass

    def interrupt(done: int) -> None:
        seen.append(done)
        if done >= 10:
            raise Stop

    with pytest.raises(Stop):
        Jobs(hub.publisher).reissue(AUDIT, interrupt)
    Jobs(hub.publisher).reissue(AUDIT, seen.append)
    assert seen == [5, 10, 5, 10, 15]


def test_reissue_says_nothing_that_was_taken_back_while_it_paused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow reissue beside a running hub: what that publishes meanwhile is not written over with older claims."""
    hub = _hub(1)
    (claim,) = _claims(1)
    from normalizers import stix

    monkeypatch.setattr(stix, "_likewise", lambda *_: b'{"description":"Said otherwise."}')
    hub.clock.now += HOUR * 1_000
    paused: list[int] = []

    def pause(count: int) -> None:
        paused.append(count)
        now = hub.clock.now // 1_000
        hub.put([claim._replace(withdrawn=now, version=now)])
        assert hub.publish() > 0  # nobody has to wait for the end of a pause

    Jobs(Publisher(hub.settings, hub.store, hub.clock, owner="slow")).reissue(AUDIT, pause=pause)
    assert paused == [1]
    ended = stix_time(hub.clock.now // 1_000)
    for collection in (PUBLIC, MEMBERS):
        assert [obj["valid_until"] for obj in hub.objects(collection, "indicator")] == [ended]


def test_a_job_that_was_interrupted_does_not_pass_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fill that stopped half way does not count for a collection that was added since."""
    monkeypatch.setattr(jobs_module, "_STEP", 5)
    hub = _with_another_collection(_hub())

    class Stop(Exception):
        pass

    def interrupt(done: int) -> None:
        if done >= 15:
            raise Stop

    with pytest.raises(Stop):
        Jobs(hub.publisher).settle(interrupt)
    raw = hub.settings.model_dump()
    third = {**raw["api_roots"][0]["collections"][-1], "id": THIRD, "title": "Third"}
    raw["api_roots"][0]["collections"] = [*raw["api_roots"][0]["collections"], third]
    both = Hub(hub.store, hub.clock, type(settings()).model_validate(raw))
    Jobs(both.publisher).settle()
    assert {body for _, body in both.log(THIRD)} == {body for _, body in both.log(PUBLIC)}


def test_a_claim_from_the_future_is_outside_the_long_jobs_too() -> None:
    """Reissue serves nothing of a claim whose time has not come, and the claim is published when it has."""
    hub = _hub(1)
    (claim,) = _claims(1)
    ahead = hub.clock.now // 1_000 + DAY
    hub.put([claim._replace(origin="feed-b", family="feed-b", confidence=90, version=ahead, last_seen=ahead)])
    hub.publish()
    Jobs(hub.publisher).reissue(AUDIT)
    (obj,) = hub.objects(PUBLIC, "indicator")
    assert obj["confidence"] == claim.confidence
    hub.clock.now += 2 * DAY * 1_000
    hub.publish()
    (later,) = hub.objects(PUBLIC, "indicator")
    assert later["confidence"] > claim.confidence


def test_the_hubs_identity_is_one_object_in_every_view() -> None:
    """Its created and modified are the same wherever it is served, also in a view that is added later."""
    hub = _with_another_collection(_hub())
    Jobs(hub.publisher).settle()
    bodies = set()
    for collection in (PUBLIC, MEMBERS, LATER):
        bodies |= {body for _, body in hub.log(collection) if hub.publisher.sight.creator.encode() in body[:120]}
    identities = {body for body in bodies if b'"type":"identity"' in body[:30]}
    assert len(identities) == 1


def test_retention_takes_out_what_ended_long_ago_and_never_an_id() -> None:
    """Entries leave 90 days after their indicator ended; the id, created and generation stay known."""
    hub = _hub(3)
    (first, *_) = hub.objects(PUBLIC, "indicator")
    hub.clock.now += (7 + 89) * DAY * 1_000
    Jobs(hub.publisher).retain()
    assert len(hub.objects(PUBLIC, "indicator")) == 3
    hub.clock.now += 3 * DAY * 1_000
    Jobs(hub.publisher).retain()
    assert hub.objects(PUBLIC, "indicator") == []
    assert hub.objects(PUBLIC, "identity")
    back = _claims(3)[int(first["name"].rpartition(".")[2])]
    now = hub.clock.now // 1_000
    hub.put([back._replace(version=now, last_seen=now)])
    hub.publish()
    (again,) = hub.objects(PUBLIC, "indicator")
    assert (again["id"], again["created"]) == (first["id"], first["created"])
    assert again["modified"] > first["modified"]


def test_superseded_versions_leave_after_a_week() -> None:
    """match[version]=all gives older versions for seven days."""
    from taxii_server.stores.base import Versions

    hub = _hub(1)
    hub.clock.now += HOUR * 1_000
    (claim,) = _claims(1)
    hub.put([claim._replace(confidence=90, version=NOW + HOUR)])
    hub.publish()
    every = Selection(limit=100, versions=Versions(all=True), types=frozenset(["indicator"]))
    assert len(hub.store.page(PUBLIC, every).entries) == 2
    hub.clock.now += 8 * DAY * 1_000
    Jobs(hub.publisher).retain()
    assert len(hub.store.page(PUBLIC, every).entries) == 1
