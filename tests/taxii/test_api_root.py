"""TAXII 2.1 section 4.2: API root information."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from config.settings import Settings
from tests.taxii.hub import HUB, TAXII, TestHub


def test_4_2_1_the_root_describes_itself(library: TestHub) -> None:
    """Title, description, versions and max_content_length, each of its type."""
    answer = library.get("/public/")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == TAXII
    assert answer.json() == {
        "title": "Public",
        "description": "For everybody",
        "versions": [TAXII],
        "max_content_length": 1_000_000,
    }


@pytest.mark.parametrize(
    ("path", "who", "status"),
    [
        pytest.param("/members/", "mika", 200, id="member of the root"),
        pytest.param("/members/", "", 401, id="anonymous at a root for members is asked to log in"),
        pytest.param("/members/", "idle", 404, id="a root with nothing for the caller does not exist"),
        pytest.param("/nowhere/", "", 404, id="unknown root, anonymous"),
        pytest.param("/nowhere/", "mika", 404, id="unknown root, member"),
        pytest.param("/Public/", "", 404, id="paths are case-sensitive"),
    ],
)
def test_4_2_codes(library: TestHub, path: str, who: str, status: int) -> None:
    """A root is there for those who may use something in it."""
    assert library.get(path, who).status_code == status


@pytest.mark.parametrize("rest", ["collections/", "collections/all/", "collections/all/objects/", "status/x/", "nope/"])
def test_4_2_below_a_members_root_anonymous_callers_learn_nothing(library: TestHub, rest: str) -> None:
    """What exists and what does not look the same below a root that needs a login (appendix B)."""
    real = library.get("/members/" + rest)
    assert real.status_code == (404 if rest == "nope/" else 401)
    assert real.text == library.get("/members/" + rest.replace("all", "nothing")).text


@pytest.mark.parametrize("path", ["taxii2", "healthz", "metrics"])
def test_a_root_cannot_hide_behind_another_resource(path: str) -> None:
    """The paths of discovery, health and metrics are refused as API roots when the settings are read."""
    root = {**HUB["api_roots"][0], "path": path}
    with pytest.raises(ValidationError, match=path):
        Settings.model_validate({**HUB, "default_root": None, "api_roots": [root]})
