"""TAXII 2.1 section 4.1: server discovery."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.taxii.hub import HUB, TAXII, TestHub, new_hub


def test_4_1_1_discovery_describes_the_server(library: TestHub) -> None:
    """Title, description, contact, default and API roots are there, and the default is one of the roots."""
    answer = library.get("/taxii2/")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == TAXII
    assert answer.json() == {
        "title": "Test hub",
        "description": "A hub for tests",
        "contact": "hub@hub.example",
        "default": "/public/",
        "api_roots": ["/public/"],
    }


@pytest.mark.parametrize(
    ("who", "roots"),
    [
        pytest.param("", ["/public/"], id="anonymous"),
        pytest.param("mika", ["/public/", "/members/"], id="member"),
        pytest.param("pub", ["/public/", "/members/"], id="publisher"),
        pytest.param("idle", ["/public/"], id="somebody in no group"),
    ],
)
def test_4_1_1_api_roots_are_those_of_the_caller(library: TestHub, who: str, roots: list[str]) -> None:
    """Each caller is told of the API roots in which there is something for them."""
    assert library.get("/taxii2/", who).json()["api_roots"] == roots


def test_4_1_1_api_root_urls_are_relative_to_one_slash(library: TestHub) -> None:
    """A relative API root begins with one slash, ends in one, and has no query."""
    for url in library.get("/taxii2/", "mika").json()["api_roots"]:
        assert url.startswith("/")
        assert not url.startswith("//")
        assert url.endswith("/")
        assert "?" not in url


@pytest.fixture
def members_only() -> Iterator[TestHub]:
    """A hub whose one API root is for members."""
    with new_hub({"api_roots": [HUB["api_roots"][1]], "default_root": "members"}).listening() as hub:
        yield hub


def test_4_1_nothing_for_everybody_asks_for_a_login(members_only: TestHub) -> None:
    """Where nothing is public, somebody who has not logged in is asked to."""
    answer = members_only.get("/taxii2/")
    assert answer.status_code == 401
    assert "WWW-Authenticate" in answer.headers


def test_4_1_1_without_api_roots_the_keys_are_left_out(members_only: TestHub) -> None:
    """Somebody with an account and no rights gets the title, and no empty list (section 2)."""
    found = members_only.get("/taxii2/", "idle").json()
    assert "api_roots" not in found
    assert "default" not in found
    assert found["title"] == "Test hub"
