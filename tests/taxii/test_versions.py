"""TAXII 2.1 section 5.8: the versions of an object."""

from __future__ import annotations

import pytest

from tests.taxii.hub import INBOX, OPEN, TAXII, TestHub, indicator, path_of, stix_id

FIRST = stix_id("indicator", 1)


def versions(rest: str = "", object_id: str = FIRST) -> str:
    return path_of(OPEN, f"objects/{object_id}/versions/{rest}")


def day(number: int) -> str:
    return f"2026-02-0{number}T00:00:00.000Z"


def test_5_8_1_all_versions(library: TestHub) -> None:
    """A list of all version texts, in order of date_added, with the two headers (section 3.2)."""
    answer = library.get(versions())
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == TAXII
    assert answer.json() == {"more": False, "versions": [day(1), day(2), day(3)]}
    assert answer.headers["X-TAXII-Date-Added-First"] == "2026-03-01T00:00:00.000000Z"
    assert answer.headers["X-TAXII-Date-Added-Last"] == "2026-03-01T00:00:36.000000Z"


@pytest.mark.parametrize(
    ("query", "days"),
    [
        pytest.param("?limit=2", [1, 2], id="limit"),
        pytest.param("?added_after=2026-03-01T00:00:00Z", [2, 3], id="added_after is exclusive"),
        pytest.param("?match[spec_version]=2.1", [1, 2, 3], id="spec_version"),
        pytest.param("?match[spec_version]=2.0", [], id="another spec_version"),
        pytest.param("?match[version]=first", [1, 2, 3], id="match[version] is no filter here, and ignored"),
        pytest.param("?added_after=2030-01-01T00:00:00Z", [], id="nothing added since"),
    ],
)
def test_5_8_filters(library: TestHub, query: str, days: list[int]) -> None:
    """added_after, limit and match[spec_version] narrow the list; without any the key is left out."""
    answer = library.get(versions(query))
    assert answer.status_code == 200
    assert answer.json().get("versions", []) == [day(number) for number in days]
    assert ("versions" in answer.json()) == bool(days)


def test_errata_110_versions_offers_next(library: TestHub) -> None:
    """Following next gives every version once."""
    first = library.get(versions("?limit=2")).json()
    assert first["more"] is True
    assert library.get(versions(f"?next={first['next']}")).json() == {"more": False, "versions": [day(3)]}


def test_5_8_created_stands_for_modified(hub: TestHub) -> None:
    """An object without modified has its created as version."""
    marking = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": stix_id("marking-definition", 7),
        "created": "2026-01-05T00:00:00.000Z",
        "definition_type": "statement",
        "definition": {"statement": "Copyright"},
    }
    hub.publish(OPEN, marking, indicator(1))
    assert hub.get(versions(object_id=marking["id"])).json()["versions"] == ["2026-01-05T00:00:00.000Z"]


@pytest.mark.parametrize("object_id", [stix_id("indicator", 999), "nonsense"])
def test_5_8_unknown_object(library: TestHub, object_id: str) -> None:
    """An object that is not in the collection is a 404."""
    assert library.get(versions(object_id=object_id)).status_code == 404


def test_5_8_cannot_read(library: TestHub) -> None:
    """Versions are for those who may read."""
    assert library.get(path_of(INBOX, f"objects/{FIRST}/versions/"), "pub").status_code == 403
