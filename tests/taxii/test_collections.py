"""TAXII 2.1 sections 5.1 and 5.2: the collections of an API root, and one of them."""

from __future__ import annotations

import uuid

import pytest

from tests.taxii.hub import (
    FINANCE,
    INBOX,
    MEMBERS_INBOX,
    MERGED,
    OPEN,
    SHARED,
    TAXII,
    UNKNOWN,
    TestHub,
    path_of,
)

RO, WO, RW = (True, False), (False, True), (True, True)


@pytest.mark.parametrize(
    ("root", "who", "expected"),
    [
        pytest.param("public", "", {OPEN: RO}, id="anonymous reads what anyone may"),
        pytest.param("public", "mika", {OPEN: RO}, id="submissions are for trusted groups alone"),
        pytest.param("public", "pub", {OPEN: RO, INBOX: WO}, id="publisher"),
        pytest.param("members", "mika", {MERGED: RO, SHARED: RW}, id="member"),
        pytest.param("members", "pub", {MERGED: RO, SHARED: RW, MEMBERS_INBOX: WO}, id="publisher of members"),
        pytest.param("members", "ben", {MERGED: RO, SHARED: RO, FINANCE: RW}, id="banker"),
    ],
)
def test_5_1_collections_are_those_of_the_caller(
    library: TestHub, root: str, who: str, expected: dict[str, tuple[bool, bool]]
) -> None:
    """Only what the caller may read or write is listed, and can_read and can_write are true to it (5.2.1)."""
    answer = library.get(f"/{root}/collections/", who)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == TAXII
    found = {item["id"]: (item["can_read"], item["can_write"]) for item in answer.json()["collections"]}
    assert found == expected


def test_3_3_the_order_is_that_of_the_ids(library: TestHub) -> None:
    """Collections come in order of id, every time."""
    listed = [item["id"] for item in library.get("/members/collections/", "mika").json()["collections"]]
    assert listed == sorted(listed)


def test_5_2_1_a_collection_resource(library: TestHub) -> None:
    """All properties, each of its type, the same by id as in the list."""
    found = library.get(path_of(OPEN)).json()
    assert found == {
        "id": OPEN,
        "title": "Public",
        "description": "What everybody may have",
        "alias": "all",
        "can_read": True,
        "can_write": False,
        "media_types": ["application/stix+json;version=2.1"],
    }
    assert uuid.UUID(found["id"]).version == 4
    assert found in library.get("/public/collections/").json()["collections"]


def test_5_2_1_optional_properties_are_left_out(library: TestHub) -> None:
    """What the configuration does not say is not there, rather than null or empty."""
    assert "description" not in library.get(path_of(MERGED), "mika").json()


@pytest.mark.parametrize("name", [OPEN, OPEN.upper(), "all"])
def test_5_2_1_the_alias_stands_for_the_id(library: TestHub, name: str) -> None:
    """Id, in any case, and alias name the same collection in the path."""
    assert library.get(f"/public/collections/{name}/").json()["id"] == OPEN
    assert library.get(f"/public/collections/{name}/objects/?limit=1").status_code == 200


def test_5_2_1_an_alias_belongs_to_its_root(library: TestHub) -> None:
    """The same alias in two roots names two collections, and a root's ids are no use in another."""
    assert library.get("/members/collections/all/", "mika").json()["id"] == MERGED
    assert library.get(f"/public/collections/{MERGED}/", "mika").status_code == 404


@pytest.mark.parametrize(
    ("collection", "who", "status"),
    [
        pytest.param(OPEN, "", 200, id="anyone"),
        pytest.param(INBOX, "pub", 200, id="write only is visible"),
        pytest.param(INBOX, "", 404, id="hidden from anonymous"),
        pytest.param(INBOX, "mika", 404, id="hidden from a group that is not trusted"),
        pytest.param(FINANCE, "mika", 404, id="hidden from members of other groups"),
        pytest.param(MERGED, "", 401, id="below a root for members"),
        pytest.param(MERGED, "idle", 404, id="below a root with nothing for the caller"),
    ],
)
def test_5_2_codes(library: TestHub, collection: str, who: str, status: int) -> None:
    """A collection exists for those who may read or write it."""
    assert library.get(path_of(collection), who).status_code == status


def test_b_hidden_and_unknown_look_the_same(library: TestHub) -> None:
    """Nothing in the answer tells a collection that is not for the caller from one that is not there."""
    hidden = library.get(path_of(FINANCE), "mika")
    unknown = library.get(f"/members/collections/{UNKNOWN}/", "mika")
    assert (hidden.status_code, hidden.text) == (unknown.status_code, unknown.text)
