"""Submissions become claims, one verdict an object."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from config.instant import DAY, HOUR, stix_time
from taxii_server.access import Caller
from taxii_server.posting import post
from taxii_server.stores.base import Submission
from taxii_server.stores.memory import MemoryStore
from taxii_server.submissions import Submissions
from tests.hubs import MEMBERS, PUBLIC, PUBLIC_SUBMISSIONS, Hub, SteppingClock

NOW = 1_790_000_000_000 // HOUR * HOUR
TLP = {
    "clear": "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
    "white": "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9",
    "green": "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    "red": "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
    "other": "marking-definition--11111111-1111-4111-8111-111111111111",
}


def indicator(**changes: Any) -> dict[str, Any]:
    """An indicator as a publisher posts it."""
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": "indicator--11111111-1111-4111-8111-111111111111",
        "created": stix_time(NOW),
        "modified": stix_time(NOW),
        "pattern": "[ipv4-addr:value = '192.0.2.9']",
        "pattern_type": "stix",
        "valid_from": stix_time(NOW),
        "indicator_types": ["malicious-activity"],
        "object_marking_refs": [TLP["clear"]],
        **changes,
    }


class Door:
    """A hub that takes submissions in the public root."""

    def __init__(self) -> None:
        self.hub = Hub(MemoryStore(), SteppingClock((NOW + HOUR // 2) * 1_000))

    def post(self, *objects: Any, organisation: str = "Bank") -> Submission:
        root = self.hub.settings.api_roots[0]
        collection = next(item for item in root.collections if str(item.id) == PUBLIC_SUBMISSIONS)
        who = Caller(name="user", organisation=organisation, groups=frozenset(["publishers"]))
        body = orjson.dumps({"objects": list(objects)})
        sent = post(self.hub.store, self.hub.settings, root, collection, who, body, self.hub.clock())
        Submissions(self.hub.settings, self.hub.store, self.hub.clock).process()
        self.hub.publish()
        found = self.hub.store.submission(sent.id)
        assert found is not None
        assert found.state == "complete"
        return found

    def live(self, collection: str = PUBLIC) -> dict[str, dict[str, Any]]:
        now = stix_time(self.hub.clock.now // 1_000)
        found = self.hub.objects(collection, "indicator")
        return {obj["name"]: obj for obj in found if obj["valid_until"] > now}


@pytest.fixture
def door() -> Door:
    return Door()


class OneAtATime(MemoryStore):
    """A store that gives out one pending submission at a time, as each may be as long as a body may be."""

    def pending_submissions(self, limit: int = 100) -> list[Submission]:
        assert limit == 1
        return super().pending_submissions(limit)


def test_what_waits_is_read_one_at_a_time() -> None:
    """However many submissions wait, one is in memory; a turn ends at its limit, the next takes the rest."""
    store = OneAtATime()
    hub = Hub(store, SteppingClock(NOW * 1_000))
    for number in range(5):
        waiting = Submission(
            id=str(number), root="public", collection=PUBLIC_SUBMISSIONS, user="user", organisation="Bank",
            received=number, body=orjson.dumps({"objects": [indicator()]}), state="pending",
            verdicts=({"id": "x", "version": "v", "message": "", "status": "pending"},),
        )  # fmt: skip
        store.add_submission(waiting)
    submissions = Submissions(hub.settings, store, hub.clock)
    assert [submissions.process(3), submissions.process(3), submissions.process(3)] == [3, 2, 0]
    assert store.count_pending() == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"object_marking_refs": []}, "object_marking_refs", id="empty markings"),
        pytest.param({"object_marking_refs": [TLP["red"]]}, "RED", id="RED"),
        pytest.param({"object_marking_refs": [TLP["other"]]}, "does not know", id="unknown marking"),
        pytest.param({"object_marking_refs": [TLP["clear"], TLP["green"]]}, "exactly one", id="two markings"),
        pytest.param(
            {"pattern": "[ipv4-addr:value = '192.0.2.9' AND url:value = 'http://a.example/']"}, "pattern", id="AND"
        ),
        pytest.param({"pattern": "[process:name = 'x']"}, "pattern", id="no observable of the hub's"),
        pytest.param(
            {"granular_markings": [{"marking_ref": TLP["green"], "selectors": ["pattern"]}]},
            "exactly one",
            id="a part that fewer may see",
        ),
        pytest.param({"pattern": "nonsense"}, "pattern", id="no pattern"),
        pytest.param({"pattern": "rule x { }", "pattern_type": "yara"}, "pattern_type", id="YARA"),
        pytest.param({"indicator_types": ["benign"]}, "indicator_types", id="benign"),
        pytest.param({"spec_version": "2.0"}, "spec_version", id="STIX 2.0"),
        pytest.param({"valid_until": "2020-01-01T00:00:00Z"}, "valid_until", id="ends before it begins"),
    ],
)
def test_a_bad_object_is_refused_by_field_and_rejects_nothing_else(
    door: Door, changes: dict[str, Any], said: str
) -> None:
    """The verdict names the field; the good object beside it is published."""
    bad = indicator(**changes)
    good = indicator(id="indicator--22222222-2222-4222-8222-222222222222", pattern="[ipv4-addr:value = '192.0.2.10']")
    submission = door.post(bad, good)
    assert [verdict["status"] for verdict in submission.verdicts] == ["failure", "success"]
    assert said in submission.verdicts[0]["message"]
    assert set(door.live()) == {"192.0.2.10"}


def test_objects_of_other_types_are_refused_and_context_is_read(door: Door) -> None:
    """Only indicators become claims; identities and markings are taken for context."""
    identity = {
        "type": "identity",
        "spec_version": "2.1",
        "id": "identity--11111111-1111-4111-8111-111111111111",
        "created": stix_time(NOW),
        "modified": stix_time(NOW),
        "name": "Bank",
    }
    malware = {
        "type": "malware",
        "spec_version": "2.1",
        "id": "malware--11111111-1111-4111-8111-111111111111",
        "created": stix_time(NOW),
        "modified": stix_time(NOW),
        "name": "X",
        "is_family": True,
    }
    submission = door.post(identity, malware, 17, "text", None, indicator())
    assert [verdict["status"] for verdict in submission.verdicts] == ["success", *["failure"] * 4, "success"]


def test_ten_thousand_objects_with_three_bad_ones(door: Door) -> None:
    """Each object has its verdict: 9,997 are taken, three are refused, and all 9,997 are published."""
    objects = [
        indicator(
            id=f"indicator--11111111-1111-4111-8111-{number:012d}",
            pattern=f"[url:value = 'http://example.com/{number}']",
        )
        for number in range(10_000)
    ]
    for number in (0, 5_000, 9_999):
        objects[number]["object_marking_refs"] = [TLP["red"]]
    submission = door.post(*objects)
    statuses = [verdict["status"] for verdict in submission.verdicts]
    assert (statuses.count("success"), statuses.count("failure")) == (9_997, 3)
    assert len(door.live()) == 9_997


def test_the_same_again_changes_nothing(door: Door) -> None:
    """Posting the same again, in the same or another envelope, publishes no version."""
    door.post(indicator())
    before = door.hub.log(PUBLIC)
    door.hub.clock.now += DAY * 1_000
    door.post(indicator(), indicator())
    assert door.hub.log(PUBLIC) == before


def test_promise_5_working_an_envelope_off_again_changes_nothing(door: Door) -> None:
    """After a crash before its verdicts were written, an envelope about one value twice finds itself done."""
    sent = door.post(indicator(confidence=10), indicator(confidence=90, modified=stix_time(NOW + 1)))
    before = door.hub.log(PUBLIC)
    door.hub.store.save_submission(
        replace(sent, state="pending", verdicts=tuple({**v, "status": "pending"} for v in sent.verdicts))
    )
    Submissions(door.hub.settings, door.hub.store, door.hub.clock).process()
    assert door.hub.publish() == 0
    assert door.hub.log(PUBLIC) == before


def test_revoking_withdraws(door: Door) -> None:
    """An indicator that its organisation revokes ends, even within the hour."""
    door.post(indicator())
    assert set(door.live()) == {"192.0.2.9"}
    door.hub.clock.now += 60_000_000
    door.post(indicator(modified=stix_time(NOW + 60_000), revoked=True))
    assert door.live() == {}


def test_another_organisation_cannot_withdraw_it(door: Door) -> None:
    """A revocation by somebody else is a claim of their own and ends nothing."""
    door.post(indicator())
    door.hub.clock.now += DAY * 1_000
    door.post(indicator(modified=stix_time(NOW + DAY), revoked=True), organisation="Power")
    assert set(door.live()) == {"192.0.2.9"}


def test_marking_it_narrower_takes_it_from_the_wider(door: Door) -> None:
    """Posted GREEN after it was CLEAR, a value leaves the public and stands for members."""
    door.post(indicator())
    assert set(door.live(PUBLIC)) == {"192.0.2.9"}
    door.hub.clock.now += DAY * 1_000
    door.post(indicator(modified=stix_time(NOW + DAY), object_marking_refs=[TLP["green"]]))
    assert door.live(PUBLIC) == {}
    assert set(door.live(MEMBERS)) == {"192.0.2.9"}


def test_an_older_version_that_comes_late_loses(door: Door) -> None:
    """The latest version wins, whichever way it came."""
    door.hub.clock.now += DAY * 1_000
    door.post(indicator(modified=stix_time(NOW + DAY), confidence=90))
    door.post(indicator(modified=stix_time(NOW), confidence=10))
    assert door.live()["192.0.2.9"]["confidence"] == 90


def test_an_older_version_within_the_hour_does_not_undo_a_withdrawal(door: Door) -> None:
    """A tool that posts its bundle again brings nothing back, and its publisher is told why."""
    door.post(indicator(modified=stix_time(NOW + 60_000)))
    door.post(indicator(modified=stix_time(NOW + 120_000), revoked=True))
    again = door.post(indicator(modified=stix_time(NOW + 60_000)))
    assert door.live() == {}
    assert "newer" in again.verdicts[0]["message"]


def test_promise_7_times_are_shown_to_the_hour(door: Door) -> None:
    """No minute that a publisher wrote is served, though versions within the hour are told apart."""
    door.post(indicator(modified=stix_time(NOW + 754_321), valid_from=stix_time(NOW + 123_456)))
    served = b"".join(body for _, body in door.hub.log(PUBLIC)).decode()
    assert stix_time(NOW + 754_321)[:16] not in served
    assert stix_time(NOW + 123_456)[:16] not in served


def test_tlp_1_white_is_clear_and_agreement_raises_confidence(door: Door) -> None:
    """TLP 1 ids are understood; a second organisation is a second opinion."""
    door.post(indicator(object_marking_refs=[TLP["white"]], confidence=50))
    door.post(indicator(confidence=50), organisation="Power")
    obj = door.live()["192.0.2.9"]
    assert obj["confidence"] == 75
    assert obj["object_marking_refs"] == [TLP["clear"]]


def test_what_ended_before_it_came_is_kept_and_not_published(door: Door) -> None:
    """The verdict says so."""
    door.hub.clock.now += 400 * DAY * 1_000
    submission = door.post(indicator())
    assert "not published" in submission.verdicts[0]["message"]
    assert door.live() == {}
