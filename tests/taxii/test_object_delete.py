"""TAXII 2.1 section 5.7: deleting an object."""

from __future__ import annotations

import pytest

from normalizers.markings import companion
from tests.taxii.hub import (
    FINANCE,
    GREEN,
    INBOX,
    MERGED,
    OPEN,
    SHARED,
    TAXII,
    UNKNOWN,
    TestHub,
    ids,
    indicator,
    path_of,
    stix_id,
)

FIRST = stix_id("indicator", 1)
OBJECT = path_of(SHARED, f"objects/{FIRST}/")


@pytest.fixture
def shared(hub: TestHub) -> TestHub:
    """Three versions of one indicator, and another indicator, in a shared collection."""
    for day in (1, 2, 3):
        hub.post(path_of(SHARED, "objects/"), [indicator(1, day=day, marking=GREEN)], "mika")
    hub.post(path_of(SHARED, "objects/"), [indicator(2, marking=GREEN)], "mika")
    return hub


def days(hub: TestHub) -> list[str]:
    found = hub.get(OBJECT + "?match[version]=all", "mika")
    return [obj["modified"][8:10] for obj in found.json().get("objects", [])]


def test_5_7_200_without_a_body(shared: TestHub) -> None:
    """200, Content-Type as always, no body; afterwards the object is nowhere, and the others are."""
    answer = shared.delete(OBJECT, "mika")
    assert answer.status_code == 200
    assert answer.content == b""
    assert answer.headers["Content-Type"] == TAXII
    assert shared.get(OBJECT, "mika").status_code == 404
    assert shared.get(OBJECT + "versions/", "mika").status_code == 404
    for rest in ("objects/", "manifest/", "objects/?match[version]=all", f"objects/?match[id]={FIRST}"):
        assert FIRST not in ids(shared.get(path_of(SHARED, rest), "mika"))
    assert ids(shared.get(path_of(SHARED, "objects/"), "mika")) == [stix_id("indicator", 2)]


def test_5_7_what_is_deleted_is_not_found(shared: TestHub) -> None:
    """Deleting it again is a 404."""
    assert shared.delete(OBJECT, "mika").status_code == 200
    assert shared.delete(OBJECT, "mika").status_code == 404


@pytest.mark.parametrize(
    ("query", "left"),
    [
        pytest.param("", [], id="without match[version], all of it"),
        pytest.param("?match[version]=all", [], id="all"),
        pytest.param("?match[version]=last", ["01", "02"], id="last: the one before becomes the last"),
        pytest.param("?match[version]=first", ["02", "03"], id="first"),
        pytest.param("?match[version]=first,last", ["02"], id="first and last"),
        pytest.param("?match[version]=2026-02-02T00:00:00.000Z", ["01", "03"], id="one version"),
        pytest.param("?match[version]=2026-02-02T00:00:00Z,last", ["01"], id="a version and the last"),
        pytest.param("?match[spec_version]=2.1", [], id="its specification version"),
        pytest.param("?match[spec_version]=2.0,2.1", [], id="its specification version among others"),
        pytest.param("?match[type]=malware", [], id="match[type] is no filter here, and ignored"),
    ],
)
def test_5_7_match_limits_the_deletion(shared: TestHub, query: str, left: list[str]) -> None:
    """Only the versions that match go."""
    assert shared.delete(OBJECT + query, "mika").status_code == 200
    assert days(shared) == left


def test_promise_1_a_poller_is_given_what_became_the_latest(shared: TestHub) -> None:
    """Who has polled past the version before the deleted one is given it, once, and only then."""
    objects = path_of(SHARED, "objects/")
    last = shared.get(objects, "nao").headers["X-TAXII-Date-Added-Last"]
    shared.clock.move(60)
    assert shared.delete(OBJECT + "?match[version]=last", "mika").status_code == 200
    answer = shared.get(f"{objects}?added_after={last}", "nao")
    assert [obj["modified"][8:10] for obj in answer.json()["objects"]] == ["02"]
    assert answer.headers["X-TAXII-Date-Added-First"] == "2026-03-01T00:01:00.000000Z"
    (record,) = shared.get(f"{path_of(SHARED, 'manifest/')}?added_after={last}", "nao").json()["objects"]
    assert (record["date_added"], record["version"]) == ("2026-03-01T00:01:00.000000Z", "2026-02-02T00:00:00.000Z")
    last = answer.headers["X-TAXII-Date-Added-Last"]
    assert shared.delete(OBJECT + "?match[version]=first", "mika").status_code == 200
    assert shared.get(f"{objects}?added_after={last}", "nao").json() == {"more": False}


def test_a_revocation_is_not_undone(shared: TestHub) -> None:
    """The version that revoked an object goes with all the others, or stays: none comes back to life."""
    gone = indicator(1, day=4, marking=GREEN, revoked=True)
    shared.post(path_of(SHARED, "objects/"), [gone], "mika")
    for query in ("last", "first,last", "2026-02-04T00:00:00Z"):
        answer = shared.delete(f"{OBJECT}?match[version]={query}", "mika")
        assert answer.status_code == 403
        assert "revocation" in answer.json()["description"]
    assert shared.delete(OBJECT + "?match[version]=first,2026-02-02T00:00:00Z,2026-02-03T00:00:00Z", "mika").ok
    assert shared.get(OBJECT, "nao").json()["objects"] == [gone]
    assert shared.delete(OBJECT + "?match[version]=last", "mika").status_code == 200
    assert shared.get(OBJECT, "nao").status_code == 404


@pytest.mark.parametrize(
    ("query", "code"),
    [
        pytest.param("?match[version]=2026-02-09T00:00:00.000Z", 404, id="a version there is not"),
        pytest.param("?match[spec_version]=2.0", 404, id="another specification version"),
        pytest.param("?match[version]=newest", 400, id="malformed"),
        pytest.param("?match[version]=last,last", 400, id="twice"),
        pytest.param("?match[version]=all,last", 400, id="all is for itself"),
        pytest.param("?match[spec_version]=x", 400, id="malformed spec_version"),
        pytest.param("?match[version]=last&match[version]=first", 400, id="the field twice"),
    ],
)
def test_5_7_what_matches_nothing_deletes_nothing(shared: TestHub, query: str, code: int) -> None:
    """Neither a mistake nor a filter without a match removes anything."""
    assert shared.delete(OBJECT + query, "mika").status_code == code
    assert days(shared) == ["01", "02", "03"]


@pytest.mark.parametrize(
    ("collection", "who", "code"),
    [
        pytest.param(SHARED, "mika", 200, id="true/true"),
        pytest.param(SHARED, "nao", 403, id="true/true, what another member posted"),
        pytest.param(SHARED, "ben", 403, id="true/false"),
        pytest.param(FINANCE, "mika", 404, id="false/false"),
        pytest.param(UNKNOWN, "mika", 404, id="unknown"),
        pytest.param(MERGED, "mika", 403, id="merged, readable"),
        pytest.param(OPEN, "", 403, id="merged and public, anonymous"),
        pytest.param(OPEN, "mika", 403, id="merged and public"),
        pytest.param(INBOX, "pub", 403, id="submissions, false/true"),
        pytest.param(INBOX, "mika", 404, id="submissions, false/false"),
        pytest.param(INBOX, "", 401, id="submissions, anonymous: a login could help"),
        pytest.param(SHARED, "", 401, id="below a root for members"),
        pytest.param(SHARED, "idle", 404, id="no rights at the root"),
    ],
)
def test_5_7_the_table_of_rights(shared: TestHub, collection: str, who: str, code: int) -> None:
    """can_read and can_write decide as the specification's table says."""
    path = f"/members/collections/{UNKNOWN}/" if collection == UNKNOWN else path_of(collection)
    assert shared.delete(f"{path}objects/{FIRST}/", who).status_code == code
    assert days(shared) == ([] if code == 200 else ["01", "02", "03"])


@pytest.mark.parametrize("object_id", ["nonsense", "indicator--1", stix_id("indicator", 77)])
def test_5_7_unknown_objects(shared: TestHub, object_id: str) -> None:
    """An object that is not there is a 404."""
    assert shared.delete(path_of(SHARED, f"objects/{object_id}/"), "mika").status_code == 404


def test_what_tlp_defines_is_nobodys(shared: TestHub) -> None:
    """A TLP marking-definition may be deleted by any member, whoever posted it: anybody may post it again."""
    green = companion("green")
    assert green is not None
    shared.post(path_of(SHARED, "objects/"), [green], "mika")
    assert shared.delete(path_of(SHARED, f"objects/{green['id']}/"), "nao").status_code == 200


def test_deletions_are_audited(shared: TestHub) -> None:
    """Who deleted what is in the audit log."""
    shared.delete(OBJECT, "mika")
    record = shared.store.audit_log()[0]
    assert (record.actor, record.action, record.subject) == ("mika", "object deleted", SHARED)
    assert record.detail["entries"] == 3
