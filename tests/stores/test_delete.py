"""Taking objects out of a shared collection (TAXII 2.1 section 5.7)."""

from __future__ import annotations

import pytest

from taxii_server.stores.base import Store, Versions, version_key
from tests.stores.making import ALL, COLLECTION, FIRST, OTHER, VIEW, at, key_of, page, publication, told

NOW = 1_800_000_000_000_000


def exact(*versions: int) -> Versions:
    return Versions(last=False, exact=tuple(version_key(at(version)) for version in versions))


@pytest.fixture
def shared(store: Store) -> Store:
    """Object 1 in versions 1 to 4 (dates NOW to NOW + 3) and object 2, both in two collections."""
    both = (COLLECTION, OTHER)
    store.publish([publication(1, n, seen=n - 1 or None, collections=both, ends=50) for n in range(1, 5)], NOW)
    store.publish([publication(2, collections=both)], NOW)
    return store


def delete(store: Store, versions: Versions | None, number: int = 1) -> int:
    return store.delete(COLLECTION, VIEW, key_of(number), versions, NOW + 1_000)


def left(store: Store, versions: Versions = ALL) -> list[int]:
    ids = frozenset({key_of(1)})
    return [int(version[20:23]) for _, version in told(store, ids=ids, versions=versions)]


def test_all_versions_go(shared: Store) -> None:
    """Without versions the object leaves the collection, and its state stays, with no place there."""
    assert delete(shared, None) == 4
    assert told(shared, versions=ALL) == [(2, at(1))]
    assert shared.object_body(COLLECTION, key_of(1), VIEW) is None
    assert len(told(shared, OTHER, versions=ALL)) == 5
    state = shared.objects(VIEW, [key_of(1)])[key_of(1)]
    assert (state.version, state.places) == (at(4), {OTHER: NOW + 3})
    assert shared.counts() == {COLLECTION: 1, OTHER: 2}


@pytest.mark.parametrize(
    ("versions", "gone", "remaining"),
    [
        (Versions(), 1, [1, 2, 3]),
        (FIRST, 1, [2, 3, 4]),
        (exact(2, 3), 2, [1, 4]),
        (exact(3, 4), 2, [1, 2]),
        (Versions(first=True), 2, [2, 3]),
        (Versions(exact=exact(1).exact), 2, [2, 3]),
        (exact(9), 0, [1, 2, 3, 4]),
        (ALL, 4, []),
    ],
)
def test_some_versions_go(shared: Store, versions: Versions, gone: int, remaining: list[int]) -> None:
    """What is left has a latest and a first version; the latest, where it was not before, is added again."""
    assert delete(shared, versions) == gone
    assert left(shared) == remaining
    assert left(shared, Versions()) == remaining[-1:]
    assert left(shared, FIRST) == remaining[:1]
    dates = [entry.date_added for entry in page(shared, versions=ALL, ids=frozenset({key_of(1)})).entries]
    before = [NOW - 1 + version for version in remaining]
    if remaining and remaining[-1] != 4:
        before[-1] = NOW + 1_000
    assert dates == before
    place = shared.objects(VIEW, [key_of(1)])[key_of(1)].places.get(COLLECTION)
    assert place == (dates[-1] if remaining else None)
    assert shared.counts()[COLLECTION] == (2 if remaining else 1)


def test_what_became_the_latest_again_is_so_in_every_way(shared: Store) -> None:
    """It is served by id, leaves when its object has ended, and a later version supersedes it."""
    delete(shared, Versions())
    assert shared.object_body(COLLECTION, key_of(1), VIEW) == publication(1, 3).body
    assert shared.publish([publication(1, 5, seen=4, ends=50)], NOW) == ["published"]
    assert left(shared) == [1, 2, 3, 5]
    assert left(shared, Versions()) == [5]
    delete(shared, Versions())
    assert shared.retain(COLLECTION, ended_before=51, superseded_before=0) == (1, 0)
    assert told(shared, versions=ALL) == [(2, at(1))]


def test_promise_1_what_became_the_latest_again_is_given_to_who_has_read_on(shared: Store) -> None:
    """Its date is past all that were given, whatever the clock says, and never given twice."""
    last = shared.last_date(COLLECTION)
    assert shared.delete(COLLECTION, VIEW, key_of(1), Versions(), NOW - 1_000) == 1
    assert told(shared, after=last) == [(1, at(3))]
    assert shared.last_date(COLLECTION) == last + 1
    assert shared.delete(COLLECTION, VIEW, key_of(1), exact(1), NOW) == 1
    assert shared.last_date(COLLECTION) == last + 1
    assert shared.publish([publication(3)], NOW) == ["published"]
    assert told(shared, after=last + 1) == [(3, at(1))]


@pytest.fixture
def owned(store: Store) -> Store:
    """Object 1 in versions 2, 4 and 6, posted by somebody."""
    mine = {"owner": "organisation A", "ends": 50}
    store.publish([publication(1, n, seen=n - 2 or None, **mine) for n in (2, 4, 6)], NOW)
    return store


def come(store: Store, version: int, **other: object) -> str:
    new = publication(1, version, seen=6, owner="organisation A", **other)
    return store.publish([new], NOW)[0]


@pytest.mark.parametrize("way", ["deleted", "superseded too long", "ended"])
def test_what_departed_does_not_come_again(owned: Store, way: str) -> None:
    """A version that left, or one before it, could come with other content; the latest is known by its digest."""
    if way == "deleted":
        assert owned.delete(COLLECTION, VIEW, key_of(1), exact(4), NOW) == 1
    elif way == "superseded too long":
        assert owned.retain(COLLECTION, ended_before=0, superseded_before=NOW + 3) == (0, 2)
    else:
        assert owned.retain(COLLECTION, ended_before=60, superseded_before=0) == (1, 0)
    held = left(owned)
    assert come(owned, 2) == ("unchanged" if 2 in held else "departed")
    assert [come(owned, version) for version in (1, 3, 4)] == ["departed"] * 3
    assert left(owned) == held
    assert come(owned, 5) == ("departed" if way == "ended" else "published")
    assert come(owned, 6) == ("published" if way == "ended" else "unchanged")
    assert come(owned, 7) == "published"


def test_what_departed_is_each_objects_own(owned: Store) -> None:
    """Nothing is remembered of what nobody owns, nor of another object."""
    owned.publish([publication(2, n, seen=n - 1 or None, owner="organisation A") for n in (1, 2, 3)], NOW)
    owned.publish([publication(3, n, seen=n - 1 or None) for n in (1, 2, 3)], NOW)
    for number in (1, 3):
        assert owned.delete(COLLECTION, VIEW, key_of(number), None, NOW)
    assert owned.publish([publication(2, 1, seen=3, owner="organisation A")], NOW) == ["unchanged"]
    assert owned.publish([publication(3, 1, seen=3)], NOW) == ["published"]


def test_what_was_deleted_can_come_back(shared: Store) -> None:
    """The id is known as it was, so its latest version is a repetition, and it gets a date of its own."""
    delete(shared, None)
    assert shared.publish([publication(1, 3, seen=3)], NOW) == ["conflict"]
    assert shared.publish([publication(1, 4, seen=3)], NOW) == ["published"]
    entries = page(shared, ids=frozenset({key_of(1)})).entries
    assert [(entry.version, entry.date_added) for entry in entries] == [(at(4), NOW + 5)]


def test_a_lower_version_comes_back_where_none_is_left(shared: Store) -> None:
    """A version below the latest ever known is the latest of a collection that holds none of its object."""
    delete(shared, None)
    assert shared.publish([publication(1, 2, seen=4)], NOW) == ["published"]
    assert left(shared, Versions()) == [2]
    assert shared.publish([publication(1, 3, seen=4), publication(1, 1, seen=4)], NOW) == ["published"] * 2
    assert (left(shared), left(shared, Versions()), left(shared, FIRST)) == ([2, 3, 1], [3], [1])


def test_what_is_not_there_is_not_deleted(shared: Store) -> None:
    """An unknown id, type, scope or collection gives 0."""
    for collection, scope, key in [
        (COLLECTION, VIEW, key_of(3)),
        (COLLECTION, VIEW, key_of(1, "report")),
        (COLLECTION, "another", key_of(1)),
        ("nowhere", VIEW, key_of(1)),
    ]:
        assert shared.delete(collection, scope, key, None, NOW) == 0
    delete(shared, None)
    assert delete(shared, None) == 0
    assert len(told(shared, OTHER, versions=ALL)) == 5
