"""TAXII 2.1 section 5.6: getting an object by its id."""

from __future__ import annotations

import pytest

from tests.taxii.hub import INBOX, MERGED, OPEN, TestHub, indicator, path_of, stix_id

FIRST = stix_id("indicator", 1)


def one(rest: str) -> str:
    return path_of(OPEN, f"objects/{rest}")


@pytest.mark.parametrize(
    ("rest", "days"),
    [
        pytest.param(f"{FIRST}/", [3], id="the latest version"),
        pytest.param(FIRST, [3], id="without the slash"),
        pytest.param(f"{FIRST.upper().replace('INDICATOR', 'indicator')}/", [3], id="a UUID in capitals"),
        pytest.param(f"{FIRST}/?match[version]=last", [3], id="last"),
        pytest.param(f"{FIRST}/?match[version]=first", [1], id="first"),
        pytest.param(f"{FIRST}/?match[version]=all", [1, 2, 3], id="all, in order of date_added"),
        pytest.param(f"{FIRST}/?match[version]=first,last", [1, 3], id="first and last"),
        pytest.param(f"{FIRST}/?match[version]=2026-02-02T00:00:00.000Z", [2], id="exactly one version"),
        pytest.param(f"{FIRST}/?match[version]=2026-02-02T00:00:00Z,last", [2, 3], id="a version and the last"),
        pytest.param(f"{FIRST}/?match[spec_version]=2.1", [3], id="the specification version there is"),
        pytest.param(f"{FIRST}/?match[version]=2026-02-09T00:00:00.000Z", [], id="a version there is not"),
        pytest.param(f"{FIRST}/?match[spec_version]=2.0", [], id="another specification version"),
        pytest.param(f"{FIRST}/?added_after=2030-01-01T00:00:00Z", [], id="nothing added since"),
        pytest.param(f"{FIRST}/?match[type]=malware", [3], id="match[type] is no filter here, and ignored"),
    ],
)
def test_5_6_versions_of_an_object(library: TestHub, rest: str, days: list[int]) -> None:
    """Like Get Objects with match[id]; an object whose versions are all filtered out is an empty envelope."""
    answer = library.get(one(rest))
    assert answer.status_code == 200
    found = answer.json()
    assert found["more"] is False
    assert found.get("objects", []) == [indicator(1, day=day) for day in days]
    assert ("X-TAXII-Date-Added-Last" in answer.headers) == bool(days)


@pytest.mark.parametrize(
    ("rest", "who", "code"),
    [
        pytest.param(stix_id("indicator", 999), "", 404, id="unknown object"),
        pytest.param(stix_id("indicator", 101), "mika", 404, id="an object of another collection"),
        pytest.param("nonsense", "", 404, id="no STIX id"),
        pytest.param("indicator--1", "", 404, id="no UUID"),
        pytest.param(f"{FIRST}/?match[version]=nonsense", "", 400, id="malformed filter"),
        pytest.param(stix_id("indicator", 999) + "/?match[spec_version]=2.0", "", 404, id="unknown, and filtered"),
    ],
)
def test_5_6_codes(library: TestHub, rest: str, who: str, code: int) -> None:
    """An object that is not in the collection is a 404."""
    assert library.get(one(rest), who).status_code == code


def test_5_6_rights(library: TestHub) -> None:
    """Reading an object takes the right to read its collection."""
    path = path_of(MERGED, f"objects/{stix_id('indicator', 101)}/")
    assert library.get(path, "mika").status_code == 200
    assert library.get(path, "").status_code == 401
    assert library.get(path, "idle").status_code == 404
    assert library.get(path_of(INBOX, f"objects/{FIRST}/"), "pub").status_code == 403


def test_5_6_pages_of_versions(library: TestHub) -> None:
    """limit and next page through the versions of one object."""
    answer = library.get(one(f"{FIRST}/?match[version]=all&limit=2")).json()
    assert answer["more"] is True
    rest = library.get(one(f"{FIRST}/?next={answer['next']}")).json()
    assert rest == {"more": False, "objects": [indicator(1, day=3)]}
