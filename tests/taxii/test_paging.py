"""TAXII 2.1 sections 3.3 and 3.5: sorting, paging, and the next token."""

from __future__ import annotations

import base64

import orjson
import pytest
import requests

from tests.taxii.hub import GREEN, MERGED, OPEN, SHARED, TestHub, ids, indicator, numbers, path_of, stix_id

OBJECTS, MANIFEST = path_of(OPEN, "objects/"), path_of(OPEN, "manifest/")
FIRST = stix_id("indicator", 1)


def first_page(library: TestHub, query: str = "limit=5") -> str:
    token = library.get(f"{OBJECTS}?{query}").json()["next"]
    assert isinstance(token, str)
    return token


@pytest.mark.parametrize("limit", [1, 2, 7, 33, 34, 50])
@pytest.mark.parametrize("by", ["next", "added_after"])
def test_promise_1_paging_gives_everything_once(library: TestHub, limit: int, by: str) -> None:
    """By next and by the Last header alike, every object comes once, in order, and the last page says so."""
    seen: list[str] = []
    query = f"limit={limit}"
    while query:
        answer = library.get(f"{OBJECTS}?{query}")
        found = answer.json()
        assert 0 < len(found["objects"]) <= limit
        seen += ids(answer)
        assert ("next" in found) == found["more"]
        after = f"limit={limit}&added_after={answer.headers['X-TAXII-Date-Added-Last']}"
        query = (f"next={found['next']}" if by == "next" else after) if found["more"] else ""
    assert seen == ids(library.get(OBJECTS + "?limit=50"))


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        pytest.param("", [8, 9, 10, 11, 12], id="alone: filters and limit are its own"),
        pytest.param("&limit=5", [8, 9, 10, 11, 12], id="with the parameters it began with"),
        pytest.param("&limit=2", [8, 9], id="with another limit"),
        pytest.param("&limit=5&added_after=2026-03-01T00:00:30Z", [8, 9, 10, 11, 12], id="a later added_after"),
        pytest.param("&limit=5&added_after=2020-01-01T00:00:00Z", [8, 9, 10, 11, 12], id="an earlier added_after"),
        pytest.param("&match[type]=malware", [8, 9, 10, 11, 12], id="another filter"),
        pytest.param("&match[spec_version]=2.0", [8, 9, 10, 11, 12], id="a filter that selects nothing"),
        pytest.param("&limit=9999", [*list(range(8, 31)), 1, 2, 3, 1, 1, 2], id="a limit above the maximum"),
    ],
)
def test_next_wins(library: TestHub, more: str, expected: list[int]) -> None:
    """A next goes on where its page ended, whatever stands beside it; only the limit may change."""
    answer = library.get(f"{OBJECTS}?next={first_page(library)}{more}")
    assert answer.status_code == 200
    assert numbers(answer) == expected


@pytest.mark.parametrize(
    ("query", "rest"),
    [
        pytest.param("limit=1&match[type]=malware", [2, 3], id="types"),
        pytest.param(f"limit=1&match[id]={FIRST},{stix_id('malware', 2)}", [1], id="ids"),
        pytest.param(f"limit=1&match[version]=all&match[id]={FIRST}", [1, 1], id="versions"),
        pytest.param("limit=1&added_after=2026-03-01T00:00:35Z", [2], id="added_after"),
        pytest.param("limit=1&match[version]=2026-02-03T00:00:00Z", [2], id="an exact version"),
    ],
)
def test_next_holds_the_filters(library: TestHub, query: str, rest: list[int]) -> None:
    """Given alone, it still selects what the first request selected."""
    assert numbers(library.get(f"{OBJECTS}?limit=50&next={first_page(library, query)}")) == rest


def unsigned(token: str) -> str:
    return token.rpartition(".")[0]


def altered(token: str) -> str:
    """The same signature over another position."""
    payload, _, signature = token.rpartition(".")
    held = orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    held[4] -= 1
    return base64.urlsafe_b64encode(orjson.dumps(held)).decode().rstrip("=") + "." + signature


FORGERIES = [
    pytest.param(lambda token: "", id="empty"),
    pytest.param(lambda token: "5", id="an offset"),
    pytest.param(lambda token: token[:-1], id="cut"),
    pytest.param(lambda token: token + "A", id="longer"),
    pytest.param(unsigned, id="without a signature"),
    pytest.param(altered, id="altered"),
    pytest.param(lambda token: token.swapcase(), id="swapped"),
    pytest.param(lambda token: "." + token, id="another separator"),
    pytest.param(lambda token: "%00" + token, id="NUL"),
    pytest.param(lambda token: "%E7%8B%BC%E7%85%99", id="not ASCII"),
    pytest.param(lambda token: "A" * 3_000, id="long"),
]


@pytest.mark.parametrize("forge", FORGERIES)
@pytest.mark.parametrize("path", [OBJECTS, MANIFEST], ids=["objects", "manifest"])
def test_b_a_forged_next_is_400(library: TestHub, forge, path: str) -> None:  # type: ignore[no-untyped-def]
    """Nothing but what the server made goes (appendix B)."""
    answer = library.get(f"{path}?next={forge(first_page(library))}")
    assert answer.status_code == 400
    assert answer.json()["description"].startswith("next: expected")


@pytest.mark.parametrize(
    ("path", "who"),
    [
        pytest.param(MANIFEST, "", id="another endpoint"),
        pytest.param(path_of(OPEN, f"objects/{FIRST}/"), "", id="an object"),
        pytest.param(path_of(OPEN, f"objects/{FIRST}/versions/"), "", id="versions"),
        pytest.param(path_of(MERGED, "objects/"), "mika", id="another collection"),
    ],
)
def test_b_a_foreign_next_is_400(library: TestHub, path: str, who: str) -> None:
    """A next is for the resource that gave it."""
    assert library.get(f"{path}?next={first_page(library)}", who).status_code == 400


def test_b_an_objects_next_is_not_another_objects(library: TestHub) -> None:
    """A next that pages one object's versions is no use for another object."""
    path = path_of(OPEN, f"objects/{FIRST}/")
    token = library.get(path + "?match[version]=all&limit=1").json()["next"]
    assert library.get(f"{path}?next={token}").status_code == 200
    assert library.get(f"{path_of(OPEN, 'objects/' + stix_id('indicator', 2))}/?next={token}").status_code == 400


def test_b_next_grants_nothing(library: TestHub) -> None:
    """Whoever brings a next needs the right to read."""
    path = path_of(MERGED, "objects/")
    token = library.get(path + "?limit=1", "mika").json()["next"]
    assert library.get(f"{path}?next={token}", "ben").status_code == 200
    assert library.get(f"{path}?next={token}", "idle").status_code == 404
    assert library.get(f"{path}?next={token}").status_code == 401


def test_next_works_in_any_process(hub: TestHub) -> None:
    """Another process with the same store takes it: nothing is remembered between requests."""
    from tests.taxii.hub import TestHub as Hub

    hub.publish(OPEN, *(indicator(number) for number in range(1, 4)))
    token = hub.get(OBJECTS + "?limit=2").json()["next"]
    with Hub(hub.store, hub.clock, hub.settings).listening() as other:
        assert numbers(other.get(f"{OBJECTS}?next={token}")) == [3]


def test_next_of_another_hub_is_400(hub: TestHub, library: TestHub) -> None:
    """Every hub signs with a secret of its own."""
    assert hub.get(f"{OBJECTS}?next={first_page(library)}").status_code == 400


def test_paging_while_others_write(hub: TestHub) -> None:
    """What is added between two pages comes on a later one; what gets a new version comes once, as that."""
    hub.publish(OPEN, *(indicator(number) for number in range(1, 5)))
    first = hub.get(OBJECTS + "?limit=2")
    hub.publish(OPEN, indicator(3, day=2), indicator(5))
    second = hub.get(f"{OBJECTS}?next={first.json()['next']}&limit=10")
    assert numbers(first) == [1, 2]
    assert numbers(second) == [4, 3, 5]
    assert second.json()["more"] is False


def test_3_5_the_rest_was_deleted(hub: TestHub) -> None:
    """A next whose remaining objects are gone gives an empty page that says there is no more."""
    path = path_of(SHARED, "objects/")
    hub.post(path, [indicator(number, marking=GREEN) for number in (1, 2)], "mika")
    token = hub.get(path + "?limit=1", "mika").json()["next"]
    hub.delete(f"{path}{stix_id('indicator', 2)}/", "mika")
    assert hub.get(f"{path}?next={token}", "mika").json() == {"more": False}


def test_modified_never_passes_date_added(hub: TestHub) -> None:
    """Clients that take the newest modified for the next added_after miss nothing: date_added is pushed up to it."""
    path = path_of(SHARED, "objects/")
    soon = "2026-03-01T00:04:00.000Z"  # four minutes ahead of the hub's clock, within the tolerated skew
    hub.post(path, [indicator(1, marking=GREEN, modified=soon)], "mika")
    hub.post(path, [indicator(2, marking=GREEN)], "mika")
    assert numbers(hub.get(f"{path}?added_after={soon}", "mika")) == [1, 2]


def _dates(answer: requests.Response) -> list[str]:
    return [record["date_added"] for record in answer.json()["objects"]]


def test_3_3_date_added_is_unique_and_rising(hub: TestHub) -> None:
    """However many objects come in one envelope, no two share a date_added."""
    hub.post(path_of(SHARED, "objects/"), [indicator(number, marking=GREEN) for number in range(1, 100)], "mika")
    dates = _dates(hub.get(path_of(SHARED, "manifest/?limit=1000"), "mika"))
    assert dates == sorted(set(dates))
    assert len(dates) == 99


def test_promise_1_every_next_can_be_asked_for(library: TestHub) -> None:
    """The longest query that begins a listing and the next that its page gives fit into one request together; a longer
    one is told so at once, and not half way."""
    wanted = [FIRST, stix_id("indicator", 2), *(stix_id("indicator", 10_000 + number) for number in range(414))]
    query = f"limit=1&match[id]={','.join(wanted)}"
    assert 19_900 < len(query) <= 20_000
    token = first_page(library, query)
    assert len(f"{OBJECTS}?{query}&next={token}") < 65_000
    assert numbers(library.get(f"{OBJECTS}?{query}&next={token}")) == [2]
    refused = library.get(f"{OBJECTS}?{query},{stix_id('indicator', 9_000)},{stix_id('indicator', 9_001)}")
    assert refused.status_code == 400
    assert "in parts" in refused.json()["description"]
