"""TAXII 2.1 section 5.5: adding objects. What becomes of each object in a shared collection is in test_shared.py."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest

from tests.taxii.hub import (
    FINANCE,
    GREEN,
    INBOX,
    MEMBERS_INBOX,
    MERGED,
    OPEN,
    SHARED,
    TAXII,
    UNKNOWN,
    TestHub,
    address,
    ids,
    indicator,
    path_of,
)

POST = path_of(SHARED, "objects/")
GOOD = orjson.dumps({"objects": [indicator(1, marking=GREEN)]})


def test_5_5_202_with_a_status_resource(hub: TestHub) -> None:
    """The answer is the status of what was posted, and the object is there, exactly as posted."""
    obj = indicator(1, marking=GREEN, description="狼煙", confidence=70)
    answer = hub.post(POST, [obj], "mika")
    assert answer.status_code == 202
    assert answer.headers["Content-Type"] == TAXII
    assert answer.json()["success_count"] == 1
    assert hub.get(POST, "mika").content == b'{"more":false,"objects":[' + orjson.dumps(obj) + b"]}"


@pytest.mark.parametrize(
    ("collection", "who", "code"),
    [
        pytest.param(SHARED, "mika", 202, id="member, shared"),
        pytest.param(SHARED, "ben", 403, id="may read, not write"),
        pytest.param(SHARED, "", 401, id="anonymous"),
        pytest.param(SHARED, "idle", 404, id="no rights at the root"),
        pytest.param(FINANCE, "mika", 404, id="hidden"),
        pytest.param(UNKNOWN, "mika", 404, id="unknown"),
        pytest.param(MERGED, "mika", 403, id="merged collections are the hub's alone"),
        pytest.param(OPEN, "", 403, id="merged and public, anonymous"),
        pytest.param(INBOX, "pub", 202, id="publisher, submissions"),
        pytest.param(INBOX, "mika", 404, id="submissions, of a group that is not trusted"),
        pytest.param(INBOX, "", 401, id="submissions, anonymous: a login could help"),
    ],
)
def test_5_5_codes(hub: TestHub, collection: str, who: str, code: int) -> None:
    """Writing takes the right to write."""
    path = path_of(collection, "objects/") if collection != UNKNOWN else f"/members/collections/{UNKNOWN}/objects/"
    assert hub.post(path, GOOD, who).status_code == code


def test_b_an_anonymous_writer_learns_nothing(hub: TestHub) -> None:
    """A write without a login is answered alike whether the collection exists or not (appendix B)."""
    hidden = hub.post(path_of(INBOX, "objects/"), GOOD)
    unknown = hub.post(f"/public/collections/{UNKNOWN}/objects/", GOOD)
    assert (hidden.status_code, hidden.text) == (unknown.status_code, unknown.text)


NOT_ENVELOPES = [
    pytest.param(b"", id="nothing"),
    pytest.param(b"{", id="cut off"),
    pytest.param(GOOD[:-1], id="last brace missing"),
    pytest.param(GOOD + b"x", id="something after it"),
    pytest.param(b"null", id="null"),
    pytest.param(b"5", id="a number"),
    pytest.param(b"[]", id="a list"),
    pytest.param(b'"objects"', id="a text"),
    pytest.param(b"{}", id="no objects"),
    pytest.param(b'{"objects":[]}', id="an empty list, which section 2 forbids"),
    pytest.param(b'{"objects":{}}', id="objects is an object"),
    pytest.param(b'{"objects":null}', id="objects is null"),
    pytest.param(orjson.dumps(indicator(1, marking=GREEN)), id="an object without its envelope"),
    pytest.param(b'{"objects":[NaN]}', id="NaN"),
    pytest.param(b'{"objects":[Infinity]}', id="Infinity"),
    pytest.param(b'{"objects":[1e999]}', id="a number too large"),
    pytest.param(b'{"objects":["\\ud800"]}', id="a lone surrogate"),
    pytest.param(b'{"objects":["\xff"]}', id="not UTF-8"),
    pytest.param('{"objects":["狼煙"]}'.encode("shift_jis"), id="Shift_JIS"),
    pytest.param('{"objects":["狼煙"]}'.encode("utf-16"), id="UTF-16"),
    pytest.param(b"\xef\xbb\xbf" + GOOD, id="a byte order mark"),
    pytest.param(b'{"objects":["\x00"]}', id="a raw NUL"),
    pytest.param(b'{"objects":[1],"objects":[2]}', id="a name twice"),
    pytest.param(b'{"objects":[{"id":1 , "\\u0069d" :2}]}', id="a name twice, once escaped"),
    pytest.param(b'{"objects":[{"a":{"b":1,"b":1}}]}', id="a name twice, deep down"),
    pytest.param(b'{"objects":[' + b"[" * 100 + b"]" * 100 + b"]}", id="lists a hundred deep"),
    pytest.param(b'{"a":' * 500 + b"1" + b"}" * 500, id="objects five hundred deep"),
    pytest.param(b"[" * 900_000, id="lists without end"),
    pytest.param(b"objects=1", id="a form"),
    pytest.param(b"<objects/>", id="XML"),
]


@pytest.mark.parametrize("body", NOT_ENVELOPES)
@pytest.mark.parametrize(("collection", "who"), [(SHARED, "mika"), (INBOX, "pub")], ids=["shared", "submissions"])
def test_5_5_422_for_what_is_no_envelope(hub: TestHub, collection: str, who: str, body: bytes) -> None:
    """What is malformed, or no I-JSON (RFC 7493), or no envelope, is a 422 that says why, and nothing is kept."""
    answer = hub.post(path_of(collection, "objects/"), body, who)
    assert answer.status_code == 422
    assert "expected" in answer.json()["description"]
    assert hub.store.pending_submissions() == []
    assert hub.store.audit_log() == []


def test_tolerance_a_bundle_by_mistake(hub: TestHub) -> None:
    """A bundle in place of an envelope is understood."""
    bundle = {"type": "bundle", "id": "bundle--1", "objects": [indicator(1, marking=GREEN)]}
    answer = hub.post(POST, orjson.dumps(bundle), "mika")
    assert (answer.status_code, answer.json()["success_count"]) == (202, 1)


def test_7_1_1_unknown_properties_of_the_envelope_are_ignored(hub: TestHub) -> None:
    """An envelope with more than it needs is read for its objects."""
    body = orjson.dumps({"objects": [indicator(1, marking=GREEN)], "more": False, "x_example_note": "for you"})
    assert hub.post(POST, body, "mika").status_code == 202


def test_an_escaped_colon_is_no_name(hub: TestHub) -> None:
    """What looks like a member's name inside a text does not count as one given twice."""
    tricky = indicator(1, marking=GREEN, description='say "id": twice, "id": here', name='a\\"b" :')
    answer = hub.post(POST, [tricky], "mika")
    assert answer.json()["success_count"] == 1
    assert hub.get(POST, "mika").json()["objects"] == [tricky]


# -- length


def test_4_2_1_a_body_of_just_the_limit_is_read(hub: TestHub) -> None:
    """A request no larger than max_content_length is never a 413."""
    body = GOOD + b" " * (2_000_000 - len(GOOD))
    assert hub.post(POST, body, "mika").status_code == 202


def test_5_5_one_byte_more_is_413(hub: TestHub) -> None:
    """One byte more than max_content_length is too large."""
    answer = hub.post(POST, GOOD + b" " * (2_000_001 - len(GOOD)), "mika")
    assert answer.status_code == 413
    assert "2000000" in answer.json()["description"]


def test_5_5_the_limit_is_the_roots(hub: TestHub) -> None:
    """Each API root has a limit of its own."""
    body = GOOD + b" " * 1_500_000
    assert hub.post(path_of(INBOX, "objects/"), body, "pub").status_code == 413
    assert hub.post(path_of(MEMBERS_INBOX, "objects/"), body, "pub").status_code == 202


def test_5_5_413_in_chunks(hub: TestHub) -> None:
    """A body without an announced length is a 413 all the same."""
    assert hub.post(POST, iter([b" " * 100_000] * 21), "mika").status_code == 413


def test_5_5_chunks_are_put_together(hub: TestHub) -> None:
    """A body in chunks is as good as one with a length."""
    half = len(GOOD) // 2
    assert hub.post(POST, iter([GOOD[:half], GOOD[half:]]), "mika").json()["success_count"] == 1


def test_5_5_the_refusal_comes_before_the_body(hub: TestHub) -> None:
    """Neither the rights nor the media type nor the length need the body to be read."""
    big = b" " * 3_000_000
    assert hub.post(POST, big, "ben").status_code == 403
    assert hub.post(POST, big, "mika", headers={"Content-Type": "text/plain"}).status_code == 415


# -- submissions


def test_promise_5_accepted_is_durable(hub: TestHub) -> None:
    """After 202 the envelope is in the store as it was posted."""
    body = orjson.dumps({"objects": [indicator(1), address(2)]}, option=orjson.OPT_INDENT_2)
    posted = hub.post(path_of(INBOX, "objects/"), body, "pub").json()
    (kept,) = hub.store.pending_submissions()
    assert kept.id == posted["id"]
    assert kept.body == body
    assert (kept.root, kept.collection, kept.user, kept.organisation) == ("public", INBOX, "pub", "Press KK")
    assert [item["status"] for item in kept.verdicts] == ["pending", "pending"]


def test_5_5_every_object_is_pending_whatever_it_is(hub: TestHub) -> None:
    """Verdicts are for later: each object of a submission has one, in order, even what is no object."""
    odd: list[Any] = [indicator(1), 5, None, {}, {"id": 7}, {"id": "x", "modified": 3}, "text", [1]]
    posted = hub.post(path_of(INBOX, "objects/"), odd, "pub").json()
    assert posted["pending_count"] == len(odd)
    assert [item["id"] for item in posted["pendings"]] == [
        indicator(1)["id"],
        "objects[1]",
        "objects[2]",
        "objects[3]",
        "objects[4]",
        "x",
        "objects[6]",
        "objects[7]",
    ]
    assert all(isinstance(item["version"], str) for item in posted["pendings"])


def test_5_5_can_read_false_gives_nothing_back(hub: TestHub) -> None:
    """What is posted to a submissions collection is not read from it, by its publisher either."""
    hub.post(path_of(INBOX, "objects/"), [indicator(1)], "pub")
    for rest in ("objects/", "manifest/", f"objects/{indicator(1)['id']}/"):
        assert hub.get(path_of(INBOX, rest), "pub").status_code == 403


def test_writes_are_audited(hub: TestHub) -> None:
    """Who posted what where, with what end, is in the audit log."""
    answer = hub.post(POST, [indicator(1, marking=GREEN), indicator(2, marking=None)], "mika").json()
    posted, published = hub.store.audit_log()
    who = {"status": answer["id"], "user": "mika", "organisation": "Mochi KK"}
    assert posted[1:] == ("mika", "objects posted", SHARED, {**who, "success": 1, "failure": 1})
    assert published[1:] == ("mika", "objects shared", SHARED, {**who, "entries": 1})
    hub.post(path_of(INBOX, "objects/"), [indicator(1)], "pub")
    (record,) = hub.store.audit_log(1)
    assert (record.actor, record.action, record.detail["pending"]) == ("pub", "objects posted", 1)


def test_ten_thousand_objects_with_three_bad_ones(hub: TestHub) -> None:
    """The three fail, each with its reason, and the rest is there."""
    many = [indicator(number, marking=GREEN, name="n") for number in range(10_000)]
    many[5] = {**many[5], "pattern": "[nonsense"}
    many[500] = {**many[500], "object_marking_refs": []}
    many[9_999] = {**many[9_999], "modified": "yesterday"}
    body = json.dumps({"objects": many})
    settings = hub.settings.model_copy(
        update={
            "api_roots": tuple(
                root.model_copy(update={"max_content_length": 10_000_000}) for root in hub.settings.api_roots
            )
        }
    )
    with TestHub(hub.store, hub.clock, settings).listening() as large:
        answer = large.post(POST, body.encode(), "mika")
        assert answer.status_code == 202
        status = answer.json()
        assert (status["total_count"], status["success_count"], status["failure_count"]) == (10_000, 9_997, 3)
        assert [item["message"].partition(":")[0] for item in status["failures"]] == [
            "pattern",
            "object_marking_refs",
            "modified",
        ]
        assert len(ids(large.get(POST + "?limit=10000", "mika"))) == 9_997
