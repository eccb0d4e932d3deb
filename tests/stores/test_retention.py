"""Retention: entries of objects that ended, and superseded versions, leave; ids stay known."""

from __future__ import annotations

import pytest

from config.instant import DAY
from taxii_server.stores.base import Store, Versions, version_key
from tests.stores.making import ALL, COLLECTION, FIRST, OTHER, VIEW, at, key_of, publication, told

NOW = 1_800_000_000_000_000


def retain(store: Store, *, ended: int = 0, replaced: int = 0, limit: int = 1_000) -> tuple[int, int]:
    return store.retain(COLLECTION, ended_before=ended, superseded_before=replaced, limit=limit)


def test_entries_of_ended_objects_leave(store: Store) -> None:
    """Exactly those whose object ended before; one without an end stays for ever."""
    ends = [5 * DAY, 5 * DAY - 1, 0, 6 * DAY, 1]
    store.publish([publication(number, ends=end) for number, end in enumerate(ends)], NOW)
    assert retain(store, ended=5 * DAY) == (2, 0)
    assert [number for number, _ in told(store)] == [0, 2, 3]
    assert retain(store, ended=5 * DAY) == (0, 0)
    assert retain(store, ended=5 * DAY + 1) == (1, 0)
    assert retain(store, ended=1_000 * DAY) == (1, 0)
    assert store.counts() == {COLLECTION: 1}


def test_ids_stay_known(store: Store) -> None:
    """An object whose entry has left is remembered with all but its place, and can be published again."""
    store.publish([publication(1, 2, ends=5, key=b"k" * 16, revoked=True)], NOW)
    before = store.objects(VIEW, [key_of(1)])[key_of(1)]
    assert retain(store, ended=6) == (1, 0)
    assert store.objects(VIEW, [key_of(1)]) == {key_of(1): before._replace(places={})}
    assert store.object_body(COLLECTION, key_of(1), VIEW) is None
    assert store.publish([publication(1, 3, seen=2)], NOW) == ["published"]
    assert told(store) == [(1, at(3))]


def test_the_oldest_leave_first_and_never_more_than_the_limit(store: Store) -> None:
    """In order of the day that they ended on; calling again until nothing leaves takes all."""
    store.publish([publication(number, ends=(20 - number) * DAY) for number in range(10)], NOW)
    assert retain(store, ended=100 * DAY, limit=4) == (4, 0)
    assert [number for number, _ in told(store)] == [0, 1, 2, 3, 4, 5]
    assert [retain(store, ended=100 * DAY, limit=4) for _ in range(3)] == [(4, 0), (2, 0), (0, 0)]


def test_retention_is_of_one_collection(store: Store) -> None:
    """The same object stays elsewhere."""
    store.publish([publication(1, ends=5, collections=(COLLECTION, OTHER))], NOW)
    assert retain(store, ended=6) == (1, 0)
    assert (told(store), told(store, OTHER)) == ([], [(1, at(1))])
    assert store.objects(VIEW, [key_of(1)])[key_of(1)].places == {OTHER: NOW}
    assert retain(store, ended=6) == (0, 0)
    assert store.retain("nowhere", ended_before=6, superseded_before=6) == (0, 0)


def test_the_end_is_that_of_the_latest_version(store: Store) -> None:
    """A version with another end moves it, for collections too that it did not enter."""
    store.publish([publication(1, 1, ends=5, collections=(COLLECTION, OTHER)), publication(2, 1, ends=500)], NOW)
    store.publish([publication(1, 2, seen=1, ends=100, collections=(OTHER,)), publication(2, 2, seen=1, ends=7)], NOW)
    assert retain(store, ended=50) == (1, 0)
    assert told(store) == [(1, at(1))]
    assert retain(store, ended=101) == (1, 0)


def test_an_ended_object_leaves_with_all_its_versions(store: Store) -> None:
    """Nothing of it is left behind."""
    store.publish([publication(1, 1), publication(1, 2, seen=1, ends=5), publication(2)], NOW)
    assert retain(store, ended=6) == (1, 0)
    assert told(store, versions=ALL) == [(2, at(1))]
    assert retain(store, replaced=NOW * 2) == (0, 0)


def test_superseded_versions_leave(store: Store) -> None:
    """Exactly those that were replaced before, oldest first, whenever they were added."""
    store.publish([publication(1, 1), publication(2, 1), publication(3, 1)], NOW)
    store.publish([publication(2, 2, seen=1)], NOW + 100)
    store.publish([publication(1, 2, seen=1)], NOW + 200)
    store.publish([publication(1, 3, seen=2)], NOW + 300)
    assert retain(store, replaced=NOW + 100) == (0, 0)
    assert retain(store, replaced=NOW + 301, limit=1) == (0, 1)
    assert told(store, versions=ALL) == [(1, at(1)), (3, at(1)), (2, at(2)), (1, at(2)), (1, at(3))]
    assert retain(store, replaced=NOW + 201) == (0, 1)
    assert told(store, versions=ALL) == [(3, at(1)), (2, at(2)), (1, at(2)), (1, at(3))]
    assert retain(store, replaced=NOW + 301) == (0, 1)
    assert retain(store, replaced=NOW * 2) == (0, 0)
    assert told(store) == [(3, at(1)), (2, at(2)), (1, at(3))]
    assert store.counts() == {COLLECTION: 3}


def test_the_first_version_is_the_earliest_that_is_retained(store: Store) -> None:
    """When superseded versions leave, the next one is the first."""
    store.publish([publication(1, n, seen=n - 1 or None) for n in range(1, 4)], NOW)
    found = []
    for moment in (0, 2, 3):
        retain(store, replaced=NOW + moment)
        found.append(told(store, versions=FIRST))
    assert found == [[(1, at(1))], [(1, at(2))], [(1, at(3))]]


@pytest.mark.parametrize("versions", [FIRST, Versions(last=False, exact=(version_key(at(1)),)), ALL])
def test_what_arrived_late_is_retained_from_its_arrival(store: Store, versions: Versions) -> None:
    """A version that was superseded from the start counts as replaced when it was added."""
    store.publish([publication(1, 2)], NOW)
    store.publish([publication(1, 1, seen=2)], NOW + 500)
    assert retain(store, replaced=NOW + 500) == (0, 0)
    assert (1, at(1)) in told(store, versions=versions)
    assert retain(store, replaced=NOW + 501) == (0, 1)
    assert (1, at(1)) not in told(store, versions=versions)


def test_promise_1_dates_of_what_has_left_are_not_given_again(store: Store) -> None:
    """An emptied collection goes on where it was."""
    store.publish([publication(1, ends=5)], NOW)
    retain(store, ended=6)
    store.publish([publication(2)], NOW - 10)
    assert store.last_date(COLLECTION) == NOW + 1
