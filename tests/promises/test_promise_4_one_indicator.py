"""Promise 4: one observable, one indicator; a version only for what a subscriber acts on."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from config.instant import DAY, HOUR
from normalizers.claims import Claim
from taxii_server.stores.memory import MemoryStore
from tests.hubs import MEMBERS, OWN, PUBLIC, Hub, SteppingClock
from tests.merge.strategies import NOW, claims

BASE = Claim("ipv4", "192.0.2.7", "feed-a", "feed-a", "clear", NOW, NOW, NOW, 7 * DAY, 50)


def _hub() -> Hub:
    return Hub(MemoryStore(), SteppingClock(NOW * 1_000))


@given(st.lists(st.lists(claims(), max_size=4), max_size=5))
def test_promise_4_an_observable_has_one_live_object_in_a_collection(batches: list[list[Claim]]) -> None:
    """Whatever claims come in whatever order, a collection holds at most one object that is not revoked for a value."""
    hub = _hub()
    for batch in batches:
        hub.put(batch)
        hub.publish()
    for collection in (PUBLIC, MEMBERS, OWN):
        found = [obj for obj in hub.objects(collection) if obj["type"] in ("indicator", "vulnerability", "report")]
        live = Counter(obj.get("pattern", obj["name"]) for obj in found if not obj.get("revoked"))
        assert all(count == 1 for count in live.values())
        ids = Counter(obj["id"] for obj in found)
        assert all(count == 1 for count in ids.values())


@given(st.lists(claims(), min_size=1, max_size=6))
def test_promise_4_the_same_claims_again_add_no_entry(batch: list[Claim]) -> None:
    """Claims that are known already publish nothing."""
    hub = _hub()
    hub.put(batch)
    hub.publish()
    before = {collection: hub.log(collection) for collection in (PUBLIC, MEMBERS, OWN)}
    hub.clock.now += 1_000_000
    hub.put(batch)
    assert hub.publish() == 0
    assert before == {collection: hub.log(collection) for collection in (PUBLIC, MEMBERS, OWN)}


def test_promise_4_a_real_change_is_a_new_version_under_the_same_id() -> None:
    """A second source raises the confidence: one new version, same id and created, later modified."""
    hub = _hub()
    hub.put([BASE])
    hub.publish()
    (first,) = hub.objects(PUBLIC, "indicator")
    hub.clock.now += HOUR * 1_000
    hub.put([BASE._replace(origin="feed-b", family="feed-b")])
    assert hub.publish() > 0
    (second,) = hub.objects(PUBLIC, "indicator")
    assert (second["id"], second["created"], second["pattern"]) == (first["id"], first["created"], first["pattern"])
    assert second["modified"] > first["modified"]
    assert (first["confidence"], second["confidence"]) == (50, 75)


def test_promise_4_passing_valid_until_makes_no_entry() -> None:
    """An indicator that merely ends is not published again."""
    hub = _hub()
    hub.put([BASE])
    hub.publish()
    before = hub.log(PUBLIC)
    hub.clock.now += 30 * DAY * 1_000
    hub.store.mark_dirty([BASE.key], "clear")
    assert hub.publish() == 0
    assert hub.log(PUBLIC) == before


def test_a_claim_that_is_over_on_arrival_is_kept_and_makes_no_entry() -> None:
    """What ended before it came is looked up, not published."""
    hub = _hub()
    old = BASE._replace(first_seen=NOW - 40 * DAY, last_seen=NOW - 40 * DAY, version=NOW - 40 * DAY)
    hub.put([old])
    assert hub.publish() == 0
    assert hub.store.claims([old.key]) == {old.key: [old]}


def test_a_withdrawn_value_ends_and_returns_under_the_same_id() -> None:
    """The last withdrawal sets valid_until; the value returns under its id, without a new generation."""
    hub = _hub()
    hub.put([BASE])
    hub.publish()
    (first,) = hub.objects(PUBLIC, "indicator")
    hub.clock.now += HOUR * 1_000
    gone = NOW + HOUR
    hub.put([BASE._replace(withdrawn=gone, version=gone)])
    hub.publish()
    (ended,) = hub.objects(PUBLIC, "indicator")
    assert ended["valid_until"] < first["valid_until"]
    assert "revoked" not in ended
    hub.clock.now += HOUR * 1_000
    hub.put([BASE._replace(version=gone + HOUR, last_seen=gone + HOUR)])
    hub.publish()
    (back,) = hub.objects(PUBLIC, "indicator")
    assert back["id"] == first["id"]
    assert back["valid_until"] > ended["valid_until"]


def test_a_vulnerability_without_claims_is_revoked_and_returns_as_the_next_generation() -> None:
    """STIX has no other end for vulnerabilities: revoked is final for an id, so the CVE returns under another."""
    hub = _hub()
    cve = BASE._replace(type="cve", value="CVE-2026-0001", life=365 * DAY)
    hub.put([cve])
    hub.publish()
    (first,) = hub.objects(PUBLIC, "vulnerability")
    hub.clock.now += HOUR * 1_000
    hub.put([cve._replace(withdrawn=NOW + HOUR, version=NOW + HOUR)])
    hub.publish()
    (revoked,) = hub.objects(PUBLIC, "vulnerability")
    assert revoked["id"] == first["id"]
    assert revoked["revoked"] is True
    hub.clock.now += HOUR * 1_000
    hub.put([cve._replace(version=NOW + 2 * HOUR)])
    hub.publish()
    found = hub.objects(PUBLIC, "vulnerability")
    assert [obj["id"] == first["id"] for obj in found] == [True, False]
    assert not found[1].get("revoked")


def test_a_claim_from_the_future_waits_outside_every_view() -> None:
    """Dated more than five minutes ahead, a claim is published when its time has come, and not before."""
    hub = _hub()
    ahead = NOW + HOUR
    hub.put([BASE._replace(version=ahead, first_seen=ahead, last_seen=ahead)])
    assert hub.publish() == 0
    hub.clock.now += (HOUR - 6 * 60_000) * 1_000
    assert hub.publish() == 0
    hub.clock.now += 2 * 60_000 * 1_000
    hub.publish()
    assert len(hub.objects(PUBLIC, "indicator")) == 1


def test_a_narrowed_collection_admits_whole_objects_and_keeps_what_entered() -> None:
    """What once entered is followed by every later version, even when it would not be admitted any more."""
    from tests.hubs import BLOCKING

    hub = _hub()
    hub.put([BASE])
    hub.publish()
    assert hub.objects(BLOCKING, "indicator") == []
    other = BASE._replace(origin="feed-b", family="feed-b")
    hub.clock.now += HOUR * 1_000
    hub.put([other])
    hub.publish()
    (entered,) = hub.objects(BLOCKING, "indicator")
    assert entered == hub.objects(PUBLIC, "indicator")[0]
    hub.clock.now += HOUR * 1_000
    hub.put([other._replace(withdrawn=NOW + 2 * HOUR, version=NOW + 2 * HOUR)])
    hub.publish()
    (followed,) = hub.objects(BLOCKING, "indicator")
    assert followed["confidence"] == 50
