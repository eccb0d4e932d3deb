"""Shared collections: which objects are taken, and who may change them."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
import stix2

from normalizers.markings import IDS, companion
from taxii_server.stores.base import StoreBusy, StoreFull
from tests.taxii.hub import (
    AMBER,
    CLEAR,
    FINANCE,
    GREEN,
    RED,
    SHARED,
    STRICT,
    TestHub,
    address,
    indicator,
    malware,
    path_of,
    stix_id,
)

POST = path_of(SHARED, "objects/")


def one(hub: TestHub, obj: Any, who: str = "mika", collection: str = SHARED) -> tuple[str, str]:
    """What becomes of one object: success or failure, and the message."""
    answer = hub.post(path_of(collection, "objects/"), [obj], who)
    assert answer.status_code == 202, answer.text
    status = answer.json()
    assert status["status"] == "complete"
    assert status["total_count"] == 1
    (detail,) = status.get("successes", []) + status.get("failures", [])
    return ("success" if status["success_count"] else "failure"), detail.get("message", "")


def served(hub: TestHub, collection: str = SHARED, who: str = "mika") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (
        hub.get(path_of(collection, "objects/?match[version]=all&limit=1000"), who).json().get("objects", [])
    )
    return found


# -- markings


@pytest.mark.parametrize(
    ("marking", "collection", "taken"),
    [
        pytest.param(CLEAR, SHARED, True, id="CLEAR in a GREEN collection"),
        pytest.param(GREEN, SHARED, True, id="GREEN in a GREEN collection"),
        pytest.param(AMBER, SHARED, False, id="AMBER in a GREEN collection"),
        pytest.param(STRICT, SHARED, False, id="AMBER+STRICT in a GREEN collection"),
        pytest.param(RED, SHARED, False, id="RED in a GREEN collection"),
        pytest.param(CLEAR, FINANCE, True, id="CLEAR in an AMBER collection"),
        pytest.param(AMBER, FINANCE, True, id="AMBER in an AMBER collection"),
        pytest.param(STRICT, FINANCE, False, id="AMBER+STRICT in an AMBER collection"),
        pytest.param(RED, FINANCE, False, id="RED in an AMBER collection"),
        pytest.param(IDS["tlp1"]["green"], SHARED, True, id="GREEN of TLP 1"),
        pytest.param(IDS["tlp1"]["amber"], SHARED, False, id="AMBER of TLP 1"),
        pytest.param(IDS["tlp1"]["red"], SHARED, False, id="RED of TLP 1"),
        pytest.param(IDS["opencti"]["amber+strict"], FINANCE, False, id="AMBER+STRICT of OpenCTI"),
        pytest.param(stix_id("marking-definition", 5), SHARED, False, id="a marking that is no TLP"),
        pytest.param(None, SHARED, False, id="none"),
    ],
)
def test_marking_decides(hub: TestHub, marking: str | None, collection: str, taken: bool) -> None:
    """An object needs a TLP marking, of any dialect, that is within the collection's audience."""
    who = "ben" if collection == FINANCE else "mika"
    status, message = one(hub, indicator(1, marking=marking), who, collection)
    assert status == ("success" if taken else "failure"), message
    assert len(served(hub, collection, who)) == taken
    if not taken:
        assert message.startswith("object_marking_refs: ")


def test_several_markings(hub: TestHub) -> None:
    """One TLP beside other markings is fine, and so is the same TLP in two dialects; two TLPs are not."""
    other = stix_id("marking-definition", 5)
    assert one(hub, indicator(1, object_marking_refs=[other, GREEN]))[0] == "success"
    assert one(hub, indicator(2, object_marking_refs=[IDS["tlp1"]["green"], GREEN]))[0] == "success"
    assert one(hub, indicator(3, object_marking_refs=[CLEAR, GREEN])) == (
        "failure",
        "object_marking_refs: expected one TLP marking, got clear, green",
    )


def test_granular_markings_count(hub: TestHub) -> None:
    """A part that is for fewer than the collection's readers keeps the whole object out."""
    granular = [{"marking_ref": RED, "selectors": ["name"]}]
    status, message = one(hub, indicator(1, marking=GREEN, granular_markings=granular))
    assert status == "failure"
    assert "TLP:RED" in message
    fine = [{"marking_ref": CLEAR, "selectors": ["name"]}]
    assert one(hub, indicator(2, marking=GREEN, granular_markings=fine))[0] == "success"


def test_tlp_definitions_themselves(hub: TestHub) -> None:
    """The TLP marking-definitions are taken without a marking, from anybody, and only as they were published."""
    green = companion("green")
    assert green is not None
    assert one(hub, green)[0] == "success"
    assert one(hub, green, "nao")[0] == "success"
    assert one(hub, json.loads(stix2.TLP_GREEN.serialize()), "nao")[0] == "success"
    false = {**green, "name": "TLP:ANYTHING"}
    status, message = one(hub, false)
    assert status == "failure"
    assert "OASIS" in message
    assert one(hub, {**json.loads(stix2.TLP_GREEN.serialize()), "created": "2026-01-01T00:00:00.000Z"})[0] == "failure"


# -- validity


@pytest.mark.parametrize(
    ("obj", "named"),
    [
        pytest.param(5, "expected a STIX object", id="no object"),
        pytest.param({}, "type", id="empty"),
        pytest.param({"type": "indicator"}, "id", id="no id"),
        pytest.param(indicator(1, marking=GREEN, id="indicator--1"), "id", id="no UUID"),
        pytest.param(indicator(1, marking=GREEN, id=stix_id("malware", 1)), "id", id="another type's id"),
        pytest.param(indicator(1, marking=GREEN, spec_version="2.0"), "spec_version", id="STIX 2.0"),
        pytest.param(indicator(1, marking=GREEN, pattern="[oops"), "pattern", id="a broken pattern"),
        pytest.param(indicator(1, marking=GREEN, modified="2026-01-01T00:00:00.000Z"), "modified", id="before created"),
        pytest.param(indicator(1, marking=GREEN, modified="2099-01-01T00:00:00.000Z"), "modified", id="in the future"),
        pytest.param(indicator(1, marking=GREEN, created="1969-01-01T00:00:00.000Z"), "created", id="before 1970"),
        pytest.param(indicator(1, marking=GREEN, confidence=101), "confidence", id="out of range"),
        pytest.param(indicator(1, marking=GREEN, x_score=5), "x_score", id="a property of its own"),
        pytest.param(indicator(1, marking=GREEN, name=None), "name", id="null"),
        pytest.param(indicator(1, marking=GREEN, labels=[]), "labels", id="an empty list"),
        pytest.param(malware(1, is_family="yes"), "is_family", id="a text for a boolean"),
        pytest.param({**malware(1), "type": "x-malware", "id": stix_id("x-malware", 1)}, "x-malware", id="own type"),
        pytest.param({"type": "bundle", "id": "bundle--1", "objects": [malware(1)]}, "type", id="a bundle inside"),
        pytest.param(address(1, value=None), "value", id="an observable without its value"),
    ],
)
def test_invalid_objects_fail_by_themselves(hub: TestHub, obj: Any, named: str) -> None:
    """What is not valid STIX 2.1 fails with a message that names the property; the rest of the envelope is taken."""
    answer = hub.post(POST, [obj, indicator(2, marking=GREEN)], "mika").json()
    assert (answer["success_count"], answer["failure_count"]) == (1, 1)
    assert named in answer["failures"][0]["message"]
    assert [item["id"] for item in served(hub)] == [stix_id("indicator", 2)]


def test_every_kind_of_object_is_taken(hub: TestHub) -> None:
    """Observables, relationships, markings and objects of an extension's own type are as welcome as indicators."""
    statement = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": stix_id("marking-definition", 7),
        "created": "2026-01-05T00:00:00.000Z",
        "definition_type": "statement",
        "definition": {"statement": "Copyright"},
        "object_marking_refs": [GREEN],
    }
    link = {
        "type": "relationship",
        "spec_version": "2.1",
        "id": stix_id("relationship", 1),
        "created": "2026-01-05T00:00:00.000Z",
        "modified": "2026-01-05T00:00:00.000Z",
        "relationship_type": "indicates",
        "source_ref": stix_id("indicator", 1),
        "target_ref": stix_id("malware", 1),
        "object_marking_refs": [GREEN],
    }
    own = {
        "type": "my-kind",
        "spec_version": "2.1",
        "id": stix_id("my-kind", 1),
        "created": "2026-01-05T00:00:00.000Z",
        "modified": "2026-01-05T00:00:00.000Z",
        "object_marking_refs": [GREEN],
        "extensions": {stix_id("extension-definition", 3): {"extension_type": "new-sdo"}},
    }
    sent = [statement, link, own, malware(1), address(1), indicator(1, marking=GREEN)]
    answer = hub.post(POST, sent, "mika").json()
    assert answer["success_count"] == len(sent), answer
    assert served(hub) == sent


# -- ids and owners


def test_an_exact_duplicate_is_a_success(hub: TestHub) -> None:
    """Posting the same again, by whomever and with its members in whatever order, changes nothing."""
    obj = indicator(1, marking=GREEN)
    assert one(hub, obj)[0] == "success"
    for who, again in (("mika", obj), ("nao", obj), ("mika", dict(reversed(obj.items())))):
        hub.clock.move(60)
        assert one(hub, again, who)[0] == "success"
    assert served(hub) == [obj]
    assert hub.get(path_of(SHARED, "manifest/"), "mika").json()["objects"][0]["date_added"] == (
        "2026-03-01T00:00:00.000000Z"
    )


def test_a_duplicate_of_an_older_version_is_a_success(hub: TestHub) -> None:
    """Versions that were superseded are known too."""
    for day in (1, 2):
        assert one(hub, indicator(1, marking=GREEN, day=day))[0] == "success"
    assert one(hub, indicator(1, marking=GREEN, day=1))[0] == "success"
    assert one(hub, indicator(1, marking=GREEN, day=1), "nao")[0] == "success"
    assert one(hub, indicator(1, marking=GREEN, day=1, name="other"))[0] == "failure"
    assert len(served(hub)) == 2


def test_the_same_version_with_other_content_fails(hub: TestHub) -> None:
    """One id and one modified are the same bytes for everybody, for ever: after a deletion too."""
    assert one(hub, indicator(1, marking=GREEN))[0] == "success"
    changed = indicator(1, marking=GREEN, name="other")
    status, message = one(hub, changed)
    assert status == "failure"
    assert message.startswith("modified: ")
    hub.delete(f"{POST}{changed['id']}/", "mika")
    assert one(hub, changed)[0] == "failure"
    assert one(hub, indicator(1, marking=GREEN))[0] == "success"
    assert len(served(hub)) == 1


@pytest.mark.parametrize("way", ["deleted", "past retention"])
def test_a_version_that_left_does_not_come_with_other_content(hub: TestHub, way: str) -> None:
    """One id and one modified are the same bytes for ever, for versions before the latest too."""
    for day in (1, 2, 3):
        one(hub, indicator(1, marking=GREEN, day=day))
    if way == "deleted":
        for day in (1, 2):
            url = f"{POST}{stix_id('indicator', 1)}/?match[version]=2026-02-0{day}T00:00:00.000Z"
            assert hub.delete(url, "mika").status_code == 200
    else:
        assert hub.store.retain(SHARED, ended_before=0, superseded_before=hub.clock() + 10) == (0, 2)
    for day in (1, 2):
        status, message = one(hub, indicator(1, marking=GREEN, day=day, name="other"))
        assert status == "failure"
        assert message.startswith(f"modified: 2026-02-0{day}T00:00:00.000Z is not later")
    assert one(hub, indicator(1, marking=GREEN, day=3))[0] == "success"
    assert one(hub, indicator(1, marking=GREEN, day=4))[0] == "success"
    assert [obj["modified"][8:10] for obj in served(hub)] == ["03", "04"]


@pytest.mark.parametrize(
    ("who", "taken"),
    [
        pytest.param("mika", True, id="whoever posted it"),
        pytest.param("minoru", True, id="a colleague"),
        pytest.param("nao", False, id="another member"),
        pytest.param("pub", False, id="a publisher"),
    ],
)
def test_a_new_version_is_for_the_organisation_that_posted_the_id(hub: TestHub, who: str, taken: bool) -> None:
    """Nobody else can change what somebody posted, after it was deleted either."""
    one(hub, indicator(1, marking=GREEN))
    newer = indicator(1, marking=GREEN, day=2)
    assert one(hub, newer, who)[0] == ("success" if taken else "failure")
    hub.delete(f"{POST}{newer['id']}/", "minoru")
    assert one(hub, indicator(1, marking=GREEN, day=3), who)[0] == ("success" if taken else "failure")


def test_somebody_else_cannot_bring_back_what_was_deleted(hub: TestHub) -> None:
    """A duplicate of an object that is no longer there is not another's to post."""
    obj = indicator(1, marking=GREEN)
    one(hub, obj)
    hub.delete(f"{POST}{obj['id']}/", "mika")
    assert one(hub, obj, "nao")[0] == "failure"
    assert served(hub) == []
    assert one(hub, obj, "minoru")[0] == "success"


def test_ids_are_each_collections_own(hub: TestHub) -> None:
    """The same id in another shared collection is another matter."""
    one(hub, indicator(1, marking=GREEN))
    assert one(hub, indicator(1, marking=AMBER), "ben", FINANCE)[0] == "success"


def test_created_never_changes(hub: TestHub) -> None:
    """Under one id, created is what it was in the first version."""
    one(hub, indicator(1, marking=GREEN))
    status, message = one(hub, indicator(1, marking=GREEN, day=2, created="2026-01-31T00:00:00.000Z"))
    assert status == "failure"
    assert message.startswith("created: ")
    assert one(hub, indicator(1, marking=GREEN, day=2, created="2026-02-01T00:00:00.0000Z"))[0] == "success"


def test_revoked_is_final(hub: TestHub) -> None:
    """After a revocation there is no later version; what came before it may still arrive."""
    one(hub, indicator(1, marking=GREEN))
    assert one(hub, indicator(1, marking=GREEN, day=5, revoked=True))[0] == "success"
    status, message = one(hub, indicator(1, marking=GREEN, day=6))
    assert status == "failure"
    assert "revoked" in message
    assert one(hub, indicator(1, marking=GREEN, day=3))[0] == "success"
    assert hub.get(POST, "mika").json()["objects"][0]["revoked"] is True


def test_versions_of_one_object_in_one_envelope(hub: TestHub) -> None:
    """Several versions of an object may come together, in any order, the same one twice."""
    sent = [indicator(1, marking=GREEN, day=day) for day in (2, 1, 3, 3)]
    answer = hub.post(POST, [*sent, indicator(1, marking=GREEN, day=3, name="other")], "mika").json()
    assert (answer["success_count"], answer["failure_count"]) == (4, 1)
    assert [obj["modified"][8:10] for obj in served(hub)] == ["02", "01", "03"]
    assert hub.get(POST, "mika").json()["objects"] == [sent[2]]


def test_an_observable_has_the_version_of_its_arrival(hub: TestHub) -> None:
    """Without created and modified, other content is a later version, and the same content is none."""
    first, second = address(1, object_marking_refs=[GREEN]), address(1, object_marking_refs=[GREEN], defanged=False)
    for obj in (first, first, second, second):
        assert one(hub, obj)[0] == "success"
    assert served(hub) == [first, second]
    found = hub.get(f"{POST}{first['id']}/versions/", "mika").json()["versions"]
    assert found == ["2026-03-01T00:00:00.000Z", "2026-03-01T00:00:00.001Z"]
    assert one(hub, address(1, object_marking_refs=[GREEN], defanged=True), "nao")[0] == "failure"


def test_stored_exactly_as_posted(hub: TestHub) -> None:
    """Names in their order, texts in their characters, times with their digits, numbers with their values."""
    text = (
        '{{"name":"\\u72fc\\ud83d\\ude00 \\u0000","type":"indicator","pattern":"[url:value = \'http://example.com/\']",'
        '"spec_version":"2.1","pattern_type":"stix","id":"{}","created":"2026-02-01T00:00:00.000000Z",'
        '"modified":"2026-02-01T00:00:00.123456Z","valid_from":"2026-02-01T00:00:00Z","confidence":0,'
        '"object_marking_refs":["{}"]}}'
    ).format(stix_id("indicator", 1), GREEN)
    answer = hub.post(POST, b'{"objects":[' + text.encode() + b"]}", "mika").json()
    assert answer["success_count"] == 1, answer
    body = hub.get(POST, "mika").content
    assert body == b'{"more":false,"objects":[' + orjson.dumps(orjson.loads(text)) + b"]}"
    assert list(json.loads(body)["objects"][0]) == list(json.loads(text))


# -- the store says no


@pytest.mark.parametrize(("error", "code"), [(StoreBusy("locked"), 503), (StoreFull("disk"), 507)])
def test_a_store_that_cannot_write(hub: TestHub, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int) -> None:
    """A store that is busy or full is an honest error, and posting again later succeeds."""

    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(hub.store, "publish", refuse)
    answer = hub.post(POST, [indicator(1, marking=GREEN)], "mika")
    assert answer.status_code == code
    assert answer.json()["http_status"] == str(code)
    assert ("Retry-After" in answer.headers) == (code == 503)
    assert str(error) not in answer.text
    monkeypatch.undo()
    assert one(hub, indicator(1, marking=GREEN))[0] == "success"


def test_writers_of_one_object_at_once(hub: TestHub) -> None:
    """Many that post the same id at the same time get one winner for each version and no error."""
    from concurrent.futures import ThreadPoolExecutor

    def post(number: int) -> dict[str, Any]:
        import requests

        obj = indicator(1, marking=GREEN, day=1 + number % 4)
        found: dict[str, Any] = requests.post(
            hub.url + POST,
            data=orjson.dumps({"objects": [obj]}),
            headers={"Authorization": f"Bearer {hub.tokens['mika']}", "Content-Type": "application/json"},
            timeout=30,
        ).json()
        return found

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(post, range(32)))
    assert all(answer["success_count"] == 1 for answer in answers)
    assert sorted(obj["modified"][8:10] for obj in served(hub)) == ["01", "02", "03", "04"]
