"""Publishing: what is appended to a log, when it is refused, and what is remembered of an object."""

from __future__ import annotations

import pytest

from config.instant import Micros
from taxii_server.stores.base import Entry, ObjectState, Publication, Selection, Store, version_key
from tests.stores.making import (
    ALL,
    COLLECTION,
    FIRST,
    OTHER,
    VIEW,
    at,
    follow,
    key_of,
    page,
    publication,
    told,
    uuid_of,
)

NOW: Micros = 1_800_000_000_000_000


def put(store: Store, *publications: Publication, now: Micros = NOW) -> list[str]:
    return list(store.publish(publications, now))


def state(store: Store, number: int = 1, kind: str = "indicator", scope: str = VIEW) -> ObjectState:
    return store.objects(scope, [key_of(number, kind)])[key_of(number, kind)]


def dates(store: Store, collection: str = COLLECTION) -> list[Micros]:
    return [entry.date_added for entry in page(store, collection, versions=ALL).entries]


def test_a_published_version_is_served_as_it_is(store: Store) -> None:
    """The entry bears type, id, version and the very bytes."""
    assert put(store, publication(1, body=b"{ odd \xff bytes }")) == ["published"]
    assert page(store).entries == [Entry(NOW, "indicator", uuid_of(1), at(1), b"{ odd \xff bytes }")]


def test_what_is_remembered_of_an_object(store: Store) -> None:
    """objects() gives every field of the state, with the date of the entry in each collection."""
    put(
        store,
        publication(
            1,
            collections=(COLLECTION, OTHER),
            created=at(0),
            digest=b"d" * 16,
            key=b"k" * 16,
            generation=3,
            revoked=True,
            ends=77,
            owner="org",
        ),
    )
    assert state(store) == ObjectState(
        scope=VIEW,
        type="indicator",
        uuid=uuid_of(1),
        key=b"k" * 16,
        generation=3,
        created=at(0),
        version=at(1),
        digest=b"d" * 16,
        revoked=True,
        ends=77,
        owner="org",
        places={COLLECTION: NOW, OTHER: NOW},
    )
    assert store.objects(VIEW, [key_of(2), key_of(1, "report")]) == {}
    assert store.objects("another scope", [key_of(1)]) == {}


def test_many_objects_are_known_at_once(store: Store) -> None:
    """objects() answers for as many ids as are asked, and for no other."""
    put(store, *(publication(number) for number in range(2_500)))
    found = store.objects(VIEW, [key_of(number) for number in range(0, 5_000, 2)])
    assert found.keys() == {key_of(number) for number in range(0, 2_500, 2)}


def test_a_later_version_takes_the_place_of_the_latest(store: Store) -> None:
    """Readers of the latest see it alone, at its own date; the state is that of the later version."""
    put(store, publication(1, 1, ends=5), publication(2, 1))
    assert put(store, publication(1, 2, seen=1, ends=9, digest=b"e" * 16)) == ["published"]
    assert told(store) == [(2, at(1)), (1, at(2))]
    assert told(store, versions=ALL) == [(1, at(1)), (2, at(1)), (1, at(2))]
    assert (state(store).version, state(store).ends, state(store).digest) == (at(2), 9, b"e" * 16)
    assert state(store).places == {COLLECTION: NOW + 2}


@pytest.mark.parametrize("seen", [None, 1, 3])
def test_a_version_based_on_another_than_the_latest_is_a_conflict(store: Store, seen: int | None) -> None:
    """Nothing is done when ``expected`` is not the stored latest version."""
    put(store, publication(1, 2))
    before = state(store)
    assert put(store, publication(1, 4, seen=seen)) == ["conflict"]
    assert told(store, versions=ALL) == [(1, at(2))]
    assert state(store) == before
    assert store.last_date(COLLECTION) == NOW


def test_an_expected_version_of_an_unknown_object_is_a_conflict(store: Store) -> None:
    """Who saw a version of an object that is not stored saw another store."""
    assert put(store, publication(1, 2, seen=1)) == ["conflict"]
    assert (page(store).entries, store.objects(VIEW, [key_of(1)])) == ([], {})


def test_each_publication_counts_by_itself(store: Store) -> None:
    """A conflict among others stops none of them; entries keep the order of publications."""
    put(store, publication(2, 5))
    outcomes = put(store, publication(3), publication(2, 6), publication(1), publication(2, 7, seen=5))
    assert outcomes == ["published", "conflict", "published", "published"]
    assert told(store) == [(3, at(1)), (1, at(1)), (2, at(7))]


def test_several_versions_of_one_object_in_one_call(store: Store) -> None:
    """Each sees what those before it did."""
    outcomes = put(store, publication(1, 1), publication(1, 2, seen=1), publication(1, 2), publication(1, 3, seen=2))
    assert outcomes == ["published", "published", "unchanged", "published"]
    assert told(store) == [(1, at(3))]
    assert told(store, versions=ALL) == [(1, at(1)), (1, at(2)), (1, at(3))]
    assert store.counts() == {COLLECTION: 1}


# ---------------------------------------------------------------- repetition


@pytest.mark.parametrize("seen", [None, 1, 2])
def test_a_repetition_is_no_conflict_and_adds_nothing(store: Store, seen: int | None) -> None:
    """Publishing can be done again after a crash: the version that is there is unchanged, whatever was expected."""
    put(store, publication(1, 1), publication(1, 2, seen=1))
    assert put(store, publication(1, 2, seen=seen)) == ["unchanged"]
    assert told(store, versions=ALL) == [(1, at(1)), (1, at(2))]


def test_a_repetition_is_completed(store: Store) -> None:
    """It enters those of its collections that lack it, and no other."""
    put(store, publication(1, 1, collections=(COLLECTION, OTHER)))
    put(store, publication(1, 2, seen=1))
    assert told(store, OTHER) == [(1, at(1))]
    assert put(store, publication(1, 2, seen=1, collections=(COLLECTION, OTHER)), now=NOW + 50) == ["published"]
    assert told(store, OTHER) == [(1, at(2))]
    assert told(store, OTHER, versions=ALL) == [(1, at(1)), (1, at(2))]
    assert told(store, versions=ALL) == [(1, at(1)), (1, at(2))]
    assert state(store).places == {COLLECTION: NOW + 1, OTHER: NOW + 50}


def test_the_same_instant_is_the_same_version(store: Store) -> None:
    """Versions are compared as instants, whatever number of fraction digits they are written with."""
    put(store, publication(1, "2026-01-01T00:00:00Z"))
    assert put(store, publication(1, "2026-01-01T00:00:00.000Z", seen="2026-01-01T00:00:00.0Z")) == ["unchanged"]
    assert put(store, publication(1, "2026-01-01T00:00:00.0001Z", seen="2026-01-01T00:00:00.00Z")) == ["published"]
    assert told(store) == [(1, "2026-01-01T00:00:00.0001Z")]


def test_a_collection_named_twice_gets_one_entry(store: Store) -> None:
    """``collections`` is a set in order."""
    assert put(store, publication(1, collections=(COLLECTION, COLLECTION))) == ["published"]
    assert len(page(store, versions=ALL).entries) == 1


def test_an_object_without_a_collection_is_remembered(store: Store) -> None:
    """A version that enters no collection still is the latest."""
    assert put(store, publication(1, collections=())) == ["unchanged"]
    assert (state(store).version, state(store).places) == (at(1), {})
    assert put(store, publication(1, 2, seen=1)) == ["published"]


# ---------------------------------------------------------------- versions that arrive late


def test_a_lower_version_that_arrives_later_is_superseded_from_the_start(store: Store) -> None:
    """It never shows as the latest, and the state stays that of the higher version."""
    put(store, publication(1, 5))
    before = state(store)
    assert put(store, publication(1, 3, seen=5)) == ["published"]
    assert told(store) == [(1, at(5))]
    assert told(store, versions=ALL) == [(1, at(5)), (1, at(3))]
    assert told(store, versions=FIRST) == [(1, at(3))]
    assert state(store) == before
    assert put(store, publication(1, 3, seen=5)) == ["unchanged"]
    assert put(store, publication(1, 4, seen=5)) == ["published"]
    assert told(store, versions=FIRST) == [(1, at(3))]
    assert put(store, publication(1, 2, seen=5)) == ["published"]
    assert told(store, versions=FIRST) == [(1, at(2))]


def test_what_is_latest_is_said_of_each_collection(store: Store) -> None:
    """Where only lower versions are, the highest of them is the latest."""
    put(store, publication(1, 5))
    assert put(store, publication(1, 3, seen=5, collections=(OTHER,))) == ["published"]
    assert told(store, OTHER) == [(1, at(3))]
    assert put(store, publication(1, 4, seen=5, collections=(OTHER,))) == ["published"]
    assert told(store, OTHER) == [(1, at(4))]
    assert told(store, OTHER, versions=ALL) == [(1, at(3)), (1, at(4))]
    assert store.object_body(OTHER, key_of(1), VIEW) == publication(1, 4).body
    assert put(store, publication(1, 6, seen=5, collections=(OTHER,))) == ["published"]
    assert (told(store, OTHER), told(store)) == ([(1, at(6))], [(1, at(5))])
    assert state(store).places == {COLLECTION: NOW, OTHER: NOW + 2}


# ---------------------------------------------------------------- dates


def test_dates_are_unique_and_rising_in_each_collection(store: Store) -> None:
    """A collection's dates owe nothing to another's."""
    put(store, *(publication(number, collections=(COLLECTION,)) for number in range(3)))
    put(store, *(publication(number, collections=(OTHER, COLLECTION)) for number in range(3, 5)))
    assert dates(store) == [NOW, NOW + 1, NOW + 2, NOW + 3, NOW + 4]
    assert dates(store, OTHER) == [NOW, NOW + 1]
    assert (store.last_date(COLLECTION), store.last_date(OTHER), store.last_date("none")) == (NOW + 4, NOW + 1, 0)


def test_promise_1_a_clock_that_steps_back_gives_no_date_again(store: Store) -> None:
    """Dates go on from the last one given, even when that entry has gone."""
    put(store, publication(1, scope="s"))
    store.delete(COLLECTION, "s", key_of(1), None, NOW)
    put(store, publication(2), now=NOW - 3_600_000_000)
    assert dates(store) == [NOW + 1]


def test_an_entry_is_never_dated_before_what_it_asks(store: Store) -> None:
    """``not_before`` pushes its date up, and so the dates after it; other collections do not feel it."""
    put(store, publication(1, not_before=NOW + 500), publication(2), publication(3, collections=(OTHER,)))
    assert dates(store) == [NOW + 500, NOW + 501]
    assert dates(store, OTHER) == [NOW]


def test_counts_are_of_the_latest_entries(store: Store) -> None:
    """Superseded versions do not count, whichever way they became so."""
    put(store, publication(1, 1), publication(2, 1), publication(3, 1, collections=(COLLECTION, OTHER)))
    put(store, publication(1, 3, seen=1), publication(2, 0, seen=1))
    assert store.counts() == {COLLECTION: 3, OTHER: 1}


def test_scopes_and_types_keep_equal_uuids_apart(store: Store) -> None:
    """One UUID under two types or in two scopes is two objects."""
    put(store, publication(1), publication(1, kind="report"), publication(1, scope="s", collections=(OTHER,)))
    assert len(page(store).entries) == 2
    assert state(store, scope="s").places == {OTHER: NOW}
    assert store.object_body(OTHER, key_of(1), VIEW) is None
    assert store.object_body(OTHER, key_of(1), "s") is not None


def test_the_bytes_of_the_latest_version_by_id(store: Store) -> None:
    """object_body() gives them, or None for what is not in that collection."""
    put(store, publication(1, 1), publication(1, 2, seen=1))
    assert store.object_body(COLLECTION, key_of(1), VIEW) == publication(1, 2).body
    for collection, key, scope in [
        (OTHER, key_of(1), VIEW),
        (COLLECTION, key_of(9), VIEW),
        (COLLECTION, key_of(1), "s"),
    ]:
        assert store.object_body(collection, key, scope) is None


def test_digests_are_renewed_without_an_entry(store: Store) -> None:
    """renew_digests() changes digests of known ids and nothing else."""
    put(store, publication(1), publication(1, kind="report"), publication(2), publication(1, scope="s"))
    before, log = state(store), page(store)
    store.renew_digests(VIEW, {key_of(1): b"n" * 16, key_of(7): b"n" * 16, key_of(7, "unknown"): b"n" * 16})
    assert state(store) == before._replace(digest=b"n" * 16)
    assert {item.digest for item in (state(store, 2), state(store, 1, "report"), state(store, scope="s"))} == {
        bytes(16)
    }
    assert page(store) == log
    store.renew_digests("unknown scope", {key_of(1): b"x" * 16})
    store.renew_digests(VIEW, {})
    assert state(store).digest == b"n" * 16


def test_publishing_nothing_changes_nothing(store: Store) -> None:
    """An empty call is no error."""
    assert store.publish([], NOW) == []
    assert store.counts() == {}


def test_a_state_that_was_given_is_the_callers_own(store: Store) -> None:
    """Changing it changes nothing in the store."""
    put(store, publication(1))
    state(store).places.clear()
    assert state(store).places == {COLLECTION: NOW}


def test_promise_4_the_same_batch_twice_adds_no_entry(store: Store) -> None:
    """One object, one entry: steps of ingest can be done again."""
    batch = [publication(number) for number in range(2_100)]
    assert set(put(store, *batch)) == {"published"}
    assert set(put(store, *batch, now=NOW + 1_000_000)) == {"unchanged"}
    assert len(follow(store, limit=1_000)) == 2_100


def test_version_keys_order_instants() -> None:
    """version_key() orders timestamps whatever number of digits they have."""
    rising = ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.0001Z", "2026-01-01T00:00:00.001Z", "2026-01-01T00:00:01Z"]
    assert sorted(reversed(rising), key=version_key) == rising


def test_a_page_gives_entries_and_bodies_alike(store: Store) -> None:
    """bodies() is page() with less."""
    put(store, *(publication(number) for number in range(5)))
    for selection in (Selection(3), Selection(9), Selection(2, after=NOW + 2), Selection(2, after=NOW + 9)):
        entries, more = store.page(COLLECTION, selection)
        bodies = store.bodies(COLLECTION, selection)
        assert bodies.bodies == [entry.body for entry in entries]
        assert bodies.more == more
        ends = (entries[0].date_added, entries[-1].date_added) if entries else (0, 0)
        assert (bodies.first, bodies.last) == ends
