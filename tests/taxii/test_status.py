"""TAXII 2.1 section 4.3: status of what was posted."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from tests.taxii.hub import GREEN, INBOX, RED, SHARED, TAXII, TestHub, address, indicator, path_of

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def test_4_3_1_a_complete_status(hub: TestHub) -> None:
    """Counts add up, each object has id, version and, when it failed, a message; empty lists are left out."""
    good, bad = indicator(1, marking=GREEN), indicator(2, marking=RED)
    posted = hub.post(path_of(SHARED, "objects/"), [good, bad, address(3, object_marking_refs=[GREEN])], "mika")
    assert posted.status_code == 202
    answer = hub.get(f"/members/status/{posted.json()['id']}/", "mika")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == TAXII
    status = answer.json()
    assert status == posted.json()
    assert status["status"] == "complete"
    assert (status["total_count"], status["success_count"], status["failure_count"], status["pending_count"]) == (
        3,
        2,
        1,
        0,
    )
    assert "pendings" not in status
    assert TIMESTAMP.fullmatch(status["request_timestamp"])
    assert status["successes"][0] == {"id": good["id"], "version": good["modified"]}
    assert status["failures"][0]["id"] == bad["id"]
    assert "TLP:RED" in status["failures"][0]["message"]
    # An observable has neither modified nor created: its version is when it came, as the manifest says too.
    manifest = hub.get(path_of(SHARED, "manifest/"), "mika").json()["objects"]
    assert status["successes"][1]["version"] == manifest[1]["version"] == "2026-03-01T00:00:00.000Z"


def test_4_3_1_a_pending_status(hub: TestHub) -> None:
    """A submission that nobody has processed is pending, with every object of it."""
    posted = hub.post(path_of(INBOX, "objects/"), [indicator(1), indicator(2)], "pub").json()
    assert posted["status"] == "pending"
    assert (posted["total_count"], posted["pending_count"]) == (2, 2)
    assert len(posted["pendings"]) == 2
    assert "successes" not in posted
    assert "failures" not in posted


def test_4_3_the_status_follows_the_submission(hub: TestHub) -> None:
    """Once it is processed, the same resource is complete, and then changes no more."""
    status_id = hub.post(path_of(INBOX, "objects/"), [indicator(1)], "pub").json()["id"]
    kept = hub.store.submission(status_id)
    assert kept is not None
    done = tuple({**verdict, "status": "success", "message": "accepted"} for verdict in kept.verdicts)
    hub.store.save_submission(replace(kept, state="complete", verdicts=done))
    found = hub.get(f"/public/status/{status_id}/", "pub").json()
    assert (found["status"], found["success_count"], found["pending_count"]) == ("complete", 1, 0)
    assert found["successes"][0]["message"] == "accepted"


@pytest.mark.parametrize(
    ("path", "who", "code"),
    [
        pytest.param("/members/status/{id}/", "mika", 200, id="who posted it"),
        pytest.param("/members/status/{id}", "mika", 200, id="without the slash"),
        pytest.param("/members/status/{ID}/", "mika", 200, id="in capitals"),
        pytest.param("/members/status/{id}/", "minoru", 404, id="a colleague"),
        pytest.param("/members/status/{id}/", "nao", 404, id="another member"),
        pytest.param("/members/status/{id}/", "ops", 404, id="an operator"),
        pytest.param("/members/status/{id}/", "", 401, id="anonymous"),
        pytest.param("/public/status/{id}/", "mika", 404, id="under another root"),
        pytest.param("/members/status/00000000-0000-4000-8000-000000000000/", "mika", 404, id="unknown id"),
        pytest.param("/members/status/x/", "mika", 404, id="no id"),
    ],
)
def test_promise_7_a_status_is_for_whoever_posted_it(hub: TestHub, path: str, who: str, code: int) -> None:
    """Nobody else may know that it exists."""
    status_id = hub.post(path_of(SHARED, "objects/"), [indicator(1, marking=GREEN)], "mika").json()["id"]
    assert hub.get(path.format(id=status_id, ID=status_id.upper()), who).status_code == code


def test_4_3_a_status_that_has_left_is_404(hub: TestHub) -> None:
    """When retention has dropped the verdicts, there is no status any more."""
    status_id = hub.post(path_of(INBOX, "objects/"), [indicator(1)], "pub").json()["id"]
    kept = hub.store.submission(status_id)
    assert kept is not None
    hub.store.save_submission(replace(kept, state="complete"))
    assert hub.store.retain_submissions(hub.clock() + 1) == 1
    assert hub.get(f"/public/status/{status_id}/", "pub").status_code == 404
