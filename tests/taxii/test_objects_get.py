"""TAXII 2.1 section 5.4: getting the objects of a collection."""

from __future__ import annotations

import orjson
import pytest
import stix2

from tests.taxii.hub import INBOX, MERGED, OPEN, TAXII, TestHub, indicator, malware, numbers, path_of

OBJECTS = path_of(OPEN, "objects/")


def test_5_4_an_envelope_of_stored_bytes(library: TestHub) -> None:
    """The envelope holds the objects exactly as stored, in order of date_added, and says that there is no more."""
    answer = library.get(OBJECTS + "?match[type]=malware")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == TAXII
    bodies = b",".join(orjson.dumps(malware(number)) for number in (1, 2, 3))
    assert answer.content == b'{"more":false,"objects":[' + bodies + b"]}"


def test_5_4_the_oldest_come_first(library: TestHub) -> None:
    """Without added_after, a page holds the oldest that match (section 3.4), in ascending order (section 3.3)."""
    assert numbers(library.get(OBJECTS + "?limit=4")) == [3, 4, 5, 6]


def test_5_4_only_the_latest_versions(library: TestHub) -> None:
    """Without match[version], an object comes once, at the place of its latest version (section 3.4.1)."""
    answer = library.get(OBJECTS + "?limit=50")
    assert answer.json()["objects"][-2:] == [indicator(1, day=3), indicator(2, day=3)]
    assert numbers(answer).count(1) == 3  # the indicator, the malware, the address


def test_3_2_headers_are_of_this_response(library: TestHub) -> None:
    """First and Last are the date_added of the first and last object of the page, with six digits."""
    answer = library.get(OBJECTS + "?limit=3")
    assert answer.headers["X-TAXII-Date-Added-First"] == "2026-03-01T00:00:02.000000Z"
    assert answer.headers["X-TAXII-Date-Added-Last"] == "2026-03-01T00:00:04.000000Z"


def test_3_7_nothing_matches(library: TestHub) -> None:
    """200 with an envelope that has no objects; never {} and never an empty list."""
    answer = library.get(OBJECTS + "?match[type]=tool")
    assert (answer.status_code, answer.content) == (200, b'{"more":false}')


def test_5_4_an_empty_collection(hub: TestHub) -> None:
    """A collection that holds nothing answers as one in which nothing matches."""
    assert hub.get(OBJECTS).content == b'{"more":false}'


def test_3_4_the_default_page_and_the_largest(library: TestHub) -> None:
    """Without a limit the root's default holds; a larger one than the root's maximum is cut to it."""
    assert len(numbers(library.get(OBJECTS))) == 20
    assert len(numbers(library.get(OBJECTS + "?limit=1000&match[version]=all"))) == 38


def test_3_4_no_more_than_the_roots_maximum(hub: TestHub) -> None:
    """However much is asked for, a page holds the root's maximum, and says that there is more."""
    hub.publish(OPEN, *(indicator(number) for number in range(1, 53)))
    answer = hub.get(OBJECTS + "?limit=999999999999999999")
    assert len(numbers(answer)) == 50
    assert answer.json()["more"] is True


def test_3_4_everything_fits(hub: TestHub) -> None:
    """If as many match as the limit allows, all are returned and there is no more and no next."""
    hub.publish(OPEN, *(indicator(number) for number in range(1, 6)))
    found = hub.get(OBJECTS + "?limit=5").json()
    assert len(found["objects"]) == 5
    assert found["more"] is False
    assert "next" not in found


@pytest.mark.parametrize(
    ("collection", "who", "code"),
    [
        pytest.param(OPEN, "", 200, id="anyone may read"),
        pytest.param(OPEN, "idle", 200, id="anyone with an account too"),
        pytest.param(MERGED, "mika", 200, id="member"),
        pytest.param(MERGED, "", 401, id="anonymous at a root for members"),
        pytest.param(MERGED, "idle", 404, id="no rights"),
        pytest.param(INBOX, "pub", 403, id="can_read false, and visible for writing"),
        pytest.param(INBOX, "", 404, id="neither"),
    ],
)
def test_5_4_codes(library: TestHub, collection: str, who: str, code: int) -> None:
    """Reading takes the right to read."""
    assert library.get(path_of(collection, "objects/"), who).status_code == code


def test_promise_6_what_is_served_is_valid(library: TestHub) -> None:
    """Every object of the page passes stix2.parse without allow_custom."""
    for obj in library.get(OBJECTS + "?limit=50").json()["objects"]:
        stix2.parse(obj)


@pytest.mark.parametrize("path", ["/public/collections/{0}/objects", "/public/collections/all/objects/"])
def test_tolerance_paths(library: TestHub, path: str) -> None:
    """With and without the slash at the end, by id and by alias: the same answer, without a redirect."""
    answer = library.get(path.format(OPEN) + "?limit=2")
    assert answer.status_code == 200
    assert answer.content == library.get(OBJECTS + "?limit=2").content


def test_head_is_get_without_a_body(library: TestHub) -> None:
    """HEAD answers with the headers of GET, its length included, and nothing else."""
    got, head = library.get(OBJECTS + "?limit=2"), library.request("HEAD", OBJECTS + "?limit=2")
    assert head.status_code == 200
    assert head.content == b""
    assert {name: value for name, value in head.headers.items() if name != "Date"} == {
        name: value for name, value in got.headers.items() if name != "Date"
    }
