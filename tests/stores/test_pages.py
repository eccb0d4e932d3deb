"""Reading a log: pages, filters by type, id and version (TAXII 2.1 sections 3.4 and 3.5)."""

from __future__ import annotations

from itertools import product

import pytest

from taxii_server.stores.base import Selection, Store, Versions, version_key
from tests.stores.making import ALL, COLLECTION, FIRST, OTHER, at, key_of, page, publication, told

NOW = 1_800_000_000_000_000


def exact(*versions: int) -> Versions:
    return Versions(last=False, exact=tuple(version_key(at(version)) for version in versions))


@pytest.fixture
def log(store: Store) -> Store:
    """Objects 1 to 4 of two types, in versions that arrived in this order:

    1@1 2@1 r3@1 1@2 4@2 r3@2 1@3, and of object 4 the earlier version 1 last of all.
    """
    kinds = {3: "report"}
    arrivals = [(1, 1, None), (2, 1, None), (3, 1, None), (1, 2, 1), (4, 2, None), (3, 2, 1), (1, 3, 2), (4, 1, 2)]
    publications = [
        publication(number, version, seen=seen, kind=kinds.get(number, "indicator"))
        for number, version, seen in arrivals
    ]
    assert set(store.publish(publications, NOW)) == {"published"}
    return store


def short(store: Store, **wanted: object) -> str:
    return " ".join(f"{number}@{int(version[20:23])}" for number, version in told(store, **wanted))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        (Versions(), "2@1 4@2 3@2 1@3"),
        (FIRST, "1@1 2@1 3@1 4@1"),
        (ALL, "1@1 2@1 3@1 1@2 4@2 3@2 1@3 4@1"),
        (exact(2), "1@2 4@2 3@2"),
        (exact(1, 3), "1@1 2@1 3@1 1@3 4@1"),
        (exact(9), ""),
        (Versions(first=True), "1@1 2@1 3@1 4@2 3@2 1@3 4@1"),
        (Versions(last=False, first=True, exact=exact(1, 2).exact), "1@1 2@1 3@1 1@2 4@2 3@2 4@1"),
        (Versions(exact=exact(2).exact), "2@1 1@2 4@2 3@2 1@3"),
        (Versions(last=False), ""),
    ],
)
def test_versions_are_selected_by_object(log: Store, versions: Versions, expected: str) -> None:
    """last, first, all and single versions, alone and together (TAXII 2.1 section 3.4.1), in order of the log."""
    assert short(log, versions=versions) == expected


@pytest.mark.parametrize(
    "versions", [Versions(), FIRST, ALL, exact(1), exact(1, 2), Versions(first=True, exact=exact(2).exact)]
)
@pytest.mark.parametrize("types", [None, {"indicator"}, {"report"}, {"indicator", "report"}, {"tool"}, set()])
@pytest.mark.parametrize("ids", [None, {1, 4}, {3}, {9}, set()])
def test_filters_are_joined(log: Store, versions: Versions, types: set[str] | None, ids: set[int] | None) -> None:
    """What passes every filter by itself, and nothing else, comes in order and can be read in pages of any size."""
    every = page(log, versions=versions).entries
    kinds = frozenset(types) if types is not None else None
    keys = (
        frozenset(key_of(number, "report" if number == 3 else "indicator") for number in ids)
        if ids is not None
        else None
    )
    expected = [
        entry
        for entry in every
        if (kinds is None or entry.type in kinds) and (keys is None or (entry.type, entry.uuid) in keys)
    ]
    for limit, start in product((1, 2, 100), range(-1, 9)):
        wanted = Selection(limit, after=NOW + start, types=kinds, ids=keys, versions=versions)
        rest = [entry for entry in expected if entry.date_added > NOW + start]
        assert log.page(COLLECTION, wanted) == (rest[:limit], len(rest) > limit)
        assert log.bodies(COLLECTION, wanted).bodies == [entry.body for entry in rest[:limit]]
        assert log.bodies(COLLECTION, wanted).more == (len(rest) > limit)


def test_promise_1_following_pages_gives_every_entry_once(store: Store) -> None:
    """Whatever the size of pages, going on after the last date gives the whole log."""
    store.publish([publication(number) for number in range(25)], NOW)
    for limit in (1, 4, 5, 24, 25, 26):
        found: list[bytes] = []
        after, more = 0, True
        while more:
            entries, more = page(store, limit=limit, after=after)
            assert len(entries) <= limit
            assert entries or not more
            found += [entry.uuid for entry in entries]
            after = entries[-1].date_added if entries else after
        assert found == [key_of(number)[1] for number in range(25)]


def test_after_is_exclusive(store: Store) -> None:
    """What was added at ``after`` itself is not given again (TAXII 2.1 section 3.4)."""
    store.publish([publication(1), publication(2)], NOW)
    assert told(store, after=NOW) == [(2, at(1))]
    assert told(store, after=NOW + 1) == []
    assert told(store, after=NOW - 1) == [(1, at(1)), (2, at(1))]


def test_an_unknown_collection_is_empty(store: Store) -> None:
    """There is no error, and no collection comes into being by asking."""
    for wanted in (Selection(1), Selection(1, types=frozenset({"x"})), Selection(1, ids=frozenset({key_of(1)}))):
        assert store.page("nowhere", wanted) == ([], False)
        assert store.bodies("nowhere", wanted) == ([], 0, 0, False)
    assert store.counts() == {}


def test_ids_do_not_reach_into_another_collection(store: Store) -> None:
    """An id gives what that collection holds of it."""
    store.publish([publication(1), publication(2, collections=(OTHER,))], NOW)
    assert told(store, ids=frozenset({key_of(1), key_of(2)})) == [(1, at(1))]


def test_many_types_and_many_ids(store: Store) -> None:
    """A filter may list more types and ids than a database takes terms."""
    kinds = [f"x-kind-{number}" for number in range(300)]
    batch = [publication(number, kind=kind) for number, kind in enumerate(kinds)]
    later = [publication(number, 2, seen=1, kind=kind) for number, kind in enumerate(kinds)]
    store.publish(batch, NOW)
    store.publish(later[:150], NOW)
    wanted = frozenset(kinds[:290])
    assert [number for number, _ in told(store, types=wanted, limit=20)] == list(range(150, 170))
    assert len(told(store, types=wanted)) == 290
    assert [number for number, _ in told(store, versions=FIRST, limit=300)] == list(range(300))
    ids = frozenset(key_of(number, kind) for number, kind in enumerate(kinds))
    assert len(told(store, ids=ids)) == 300


def test_versions_that_differ_below_the_millisecond(store: Store) -> None:
    """A single version is asked by its exact instant, however it was written."""
    versions = [
        "2026-01-01T00:00:00.0001Z",
        "2026-01-01T00:00:00.00010000Z",
        "2026-01-01T00:00:00.0002Z",
        "2026-01-01T00:00:00Z",
    ]
    store.publish([publication(number, version) for number, version in enumerate(versions)], NOW)

    def found(version: str) -> list[int]:
        wanted = Versions(last=False, exact=(version_key(version),))
        return [number for number, _ in told(store, versions=wanted)]

    assert found("2026-01-01T00:00:00.000100Z") == [0, 1]
    assert found("2026-01-01T00:00:00.0002Z") == [2]
    assert found("2026-01-01T00:00:00.000Z") == [3]


def test_a_version_that_is_no_timestamp(store: Store) -> None:
    """What has neither modified nor created is versioned by whatever the hub says; it is served like the rest."""
    store.publish([publication(1, "one"), publication(2, "")], NOW)
    assert told(store) == [(1, "one"), (2, "")]
    assert told(store, versions=Versions(last=False, exact=("one",))) == [(1, "one")]
