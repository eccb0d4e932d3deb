"""Promise 8: cost is flat. A page costs the same at the start, in the middle and at the end of a collection, whatever
its size, and an empty poll costs no scan.

Counted, and never timed: for SQLite in steps of its virtual machine (some ten for a row that is read), for the memory
store in lines of its code. Both are the same on every machine. First what the stores are asked, then what clients ask.
How long it takes, at a million entries, is measured by benchmarks/.
"""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from config.instant import taxii_time
from config.settings import Settings
from taxii_server.app import create_app
from taxii_server.stores.base import Publication, Selection, Store, Versions, version_key
from taxii_server.stores.memory import MemoryStore
from taxii_server.stores.sqlite import SqliteStore, settling
from tests.stores.making import ALL, COLLECTION, FIRST, VIEW, at, claim, key_of, page, publication, row

NOW = 1_800_000_000_000_000
DAY = 86_400_000
#: objects in the small and in the big store
SMALL, BIG = 600, 6_000


def fill(store: Store, count: int) -> None:
    """Of every ten objects two are reports; the first half of all got a second version; claims of a list for each."""
    for start in range(0, count, 600):
        batch = range(start, start + 600)
        store.publish([new(number, 1) for number in batch], NOW)
        store.put_claims([row(claim(str(number)), renew_at=number) for number in batch])
    assert set(store.publish([new(number, 2) for number in range(count // 2)], NOW)) == {"published"}
    store.clear_dirty(store.dirty(10 * count))


def new(number: int, version: int) -> Publication:
    """Version 1 or 2 of an object."""
    kind = "report" if number % 10 < 2 else "indicator"
    piece = number // 600
    seen = 1_000 + piece if version == 2 else None
    return publication(number, version * 1_000 + piece, seen=seen, kind=kind, ends=(number % 50) * DAY)


@pytest.fixture(scope="module", params=["sqlite", "memory"])
def stores(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Store]]:
    """A small store, and one ten times as big."""
    settling.SETTLE_AFTER, before = 500, settling.SETTLE_AFTER
    try:
        folder = tmp_path_factory.mktemp("flat")
        with (
            closing(_made(request.param, folder / "small.db")) as small,
            closing(_made(request.param, folder / "big.db")) as big,
        ):
            fill(small, SMALL)
            fill(big, BIG)
            yield small, big
    finally:
        settling.SETTLE_AFTER = before


def _made(kind: str, path: Path) -> Store:
    return SqliteStore(path) if kind == "sqlite" else MemoryStore()


def steps(store: Store, call: Callable[[], object]) -> int:
    """What a call costs, in steps to the nearest five or in lines of code."""
    call()  # names are looked up, and statements prepared, once
    return _steps(store, call) if isinstance(store, SqliteStore) else _lines(call)


def _steps(store: SqliteStore, call: Callable[[], object]) -> int:
    counted = 0

    def count() -> int:
        nonlocal counted
        counted += 5
        return 0

    # One thread alone uses the store, so the connection that is given back is the one that is taken next.
    with store._database.reading() as connection:
        connection.set_progress_handler(count, 5)
    try:
        call()
    finally:
        with store._database.reading() as connection:
            connection.set_progress_handler(None, 0)
    return counted


def _lines(call: Callable[[], object]) -> int:
    counted = 0

    def trace(frame: FrameType, event: str, argument: object) -> Callable[..., Any] | None:
        nonlocal counted
        if "/stores/" not in frame.f_code.co_filename:
            return None
        counted += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return counted


#: What the memory store, which is for tests and trials, looks for one by one.
ONE_BY_ONE = {"one version", "what is due", "nothing due", "nothing to retain"}


def but_one_by_one(store: Store, name: str) -> None:
    if isinstance(store, MemoryStore) and name in ONE_BY_ONE:
        pytest.skip("the memory store has no index for this")


def end(store: Store) -> int:
    return store.last_date(COLLECTION)


INDICATORS = frozenset({"indicator"})
LATER = Versions(last=False, exact=(version_key(at(2_000)),))

SELECTIONS = {
    "latest": Selection(100),
    "one type": Selection(100, types=INDICATORS),
    "all types": Selection(100, types=frozenset({"indicator", "report", "tool"})),
    "all versions": Selection(100, versions=ALL),
    "all versions of one type": Selection(100, types=INDICATORS, versions=ALL),
    "first versions": Selection(100, versions=FIRST),
    "first versions of one type": Selection(100, types=INDICATORS, versions=FIRST),
    "one version": Selection(100, versions=LATER),
}


@pytest.mark.parametrize("name", SELECTIONS)
def test_promise_8_a_page_costs_the_same_at_any_size(stores: tuple[Store, Store], name: str) -> None:
    """Ten times as many entries cost no more, and nothing is read that is not given."""
    but_one_by_one(stores[0], name)
    wanted = SELECTIONS[name]
    small, big = (steps(store, lambda store=store: store.page(COLLECTION, wanted)) for store in stores)  # type: ignore[misc]
    assert len(stores[1].page(COLLECTION, wanted).entries) == wanted.limit
    assert big <= small * 1.1 + 60
    assert big <= 60 * wanted.limit


@pytest.mark.parametrize("name", SELECTIONS)
def test_promise_8_a_page_costs_the_same_everywhere(stores: tuple[Store, Store], name: str) -> None:
    """At the start, in the middle and at the end of what matches."""
    but_one_by_one(stores[0], name)
    wanted = SELECTIONS[name]
    store = stores[1]
    everything = store.page(COLLECTION, Selection(10 * BIG, 0, wanted.types, None, wanted.versions)).entries
    starts = [0, everything[len(everything) // 2].date_added, everything[-102].date_added]
    costs = []
    for after in starts:
        here = Selection(wanted.limit, after, wanted.types, None, wanted.versions)
        assert len(store.page(COLLECTION, here).entries) == wanted.limit
        costs.append(steps(store, lambda here=here: store.page(COLLECTION, here)))  # type: ignore[misc]
    assert max(costs) <= min(costs) * 1.2 + 60


@pytest.mark.parametrize("name", SELECTIONS)
def test_promise_8_an_empty_poll_costs_no_scan(stores: tuple[Store, Store], name: str) -> None:
    """Some probes of an index, whatever the filter."""
    wanted = SELECTIONS[name]
    for store in stores:
        nothing = Selection(1_000, end(store), wanted.types, None, wanted.versions)
        assert store.page(COLLECTION, nothing) == ([], False)
        assert steps(store, lambda store=store, nothing=nothing: store.page(COLLECTION, nothing)) <= 350  # type: ignore[misc]


#: entries of one date, but for the last ten all indicators
OF_ONE_DATE = 100_000
ONE_DATE = (version_key(at(1_000)),)
AMONG_MANY = {
    "of a rare type": (Selection(100, types=frozenset({"report"}), versions=Versions(last=False, exact=ONE_DATE)), 10),
    "of any type": (Selection(100, versions=Versions(last=False, exact=ONE_DATE)), 100),
    "beside the first": (Selection(100, versions=Versions(last=False, first=True, exact=ONE_DATE)), 100),
    "of a rare type beside the first": (
        Selection(100, types=frozenset({"report"}), versions=Versions(last=False, first=True, exact=ONE_DATE)),
        11,
    ),
    "of two dates and a rare type": (
        Selection(
            100,
            types=frozenset({"report"}),
            versions=Versions(last=False, exact=(*ONE_DATE, version_key(at(2_000)))),
        ),
        11,
    ),
}


@pytest.fixture(scope="module")
def of_one_date(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteStore]:
    """A store with :data:`OF_ONE_DATE` entries of one date, ten of them reports, and one of a later date."""
    with closing(SqliteStore(tmp_path_factory.mktemp("date") / "hub.db")) as store:
        for start in range(0, OF_ONE_DATE, 5_000):
            batch = [publication(number, 1_000, body=b"{}") for number in range(start, start + 5_000)]
            if start == OF_ONE_DATE - 5_000:
                batch[-10:] = [new._replace(type="report") for new in batch[-10:]]
            store.publish(batch, NOW)
        store.publish([publication(OF_ONE_DATE, 2_000, kind="report")], NOW)
        yield store


@pytest.mark.parametrize(("wanted", "given"), AMONG_MANY.values(), ids=AMONG_MANY.keys())
def test_promise_8_one_date_is_not_searched(of_one_date: SqliteStore, wanted: Selection, given: int) -> None:
    """Of the many entries whose version has a date, none is read that is not given, from whatever place on."""
    store = of_one_date
    assert len(store.page(COLLECTION, wanted).entries) == given
    assert steps(store, lambda: store.page(COLLECTION, wanted)) <= 60 * given + 600
    nothing = Selection(100, end(store), wanted.types, None, wanted.versions)
    assert steps(store, lambda: store.page(COLLECTION, nothing)) <= 600


CALLS: dict[str, Callable[[Store], object]] = {
    "by id": lambda store: page(store, ids=frozenset({key_of(35)})),
    "versions of one": lambda store: page(store, ids=frozenset({key_of(35)}), versions=ALL),
    "body of one": lambda store: store.object_body(COLLECTION, key_of(35), VIEW),
    "states": lambda store: store.objects(VIEW, [key_of(number) for number in range(30)]),
    "counts": lambda store: store.counts(),
    "last date": lambda store: store.last_date(COLLECTION),
    "claims": lambda store: store.claims([claim(str(number)).key for number in range(30)]),
    "keys": lambda store: store.keys(limit=30),
    "keys of an origin": lambda store: store.origin_keys("feed-a", limit=30),
    "a list": lambda store: store.listed("feed-a", limit=30),
    "what is due": lambda store: store.listed("feed-a", limit=30, due=500),
    "nothing due": lambda store: store.listed("feed-a", due=-1),
    "nothing dirty": lambda store: store.dirty(100),
    "nothing waiting": lambda store: store.wake(1),
    "nothing to retain": lambda store: store.retain(COLLECTION, ended_before=1, superseded_before=1),
    "one repetition": lambda store: store.publish([new(35, 2)], NOW),
    "one known claim": lambda store: store.put_claims([row(claim("35"), renew_at=35)]),
}


@pytest.mark.parametrize("name", CALLS)
def test_promise_8_a_call_costs_the_same_at_any_size(stores: tuple[Store, Store], name: str) -> None:
    """Ten times as many objects and claims cost no more."""
    but_one_by_one(stores[0], name)
    call = CALLS[name]
    small, big = (steps(store, lambda store=store: call(store)) for store in stores)  # type: ignore[misc]
    assert big <= small * 1.2 + 60


# ---------------------------------------------------------------- what clients ask

HUB = {
    "hub": {"name": "hub.example", "title": "Test hub", "namespace": "4ab14efb-cfa6-4360-a72b-4899971aca94"},
    "store": "memory:",
    "groups": {},
    "api_roots": [
        {
            "path": "public",
            "title": "Public",
            "collections": [
                {
                    "id": COLLECTION,
                    "title": "Public",
                    "kind": "merged",
                    "view": {"audience": "clear"},
                    "read": ["anyone"],
                }
            ],
        }
    ],
}
ID = f"indicator--{uuid.UUID(bytes=key_of(35)[1])}"
LISTINGS = {
    "latest": "",
    "one type": "&match[type]=indicator",
    "all versions": "&match[version]=all",
    "first versions": "&match[version]=first",
    "last versions": "&match[version]=last",
    "one version": f"&match[version]={at(2_000)}",
}
RESOURCES = {
    "by id": f"objects/{ID}/",
    "by filter of ids": f"objects/?match[id]={ID}",
    "its versions": f"objects/{ID}/versions/",
}


def asked(store: Store, path: str) -> tuple[int, int]:
    """What answering a GET costs the store, and how many objects it gave."""
    client = create_app(Settings.model_validate(HUB), store, clock=lambda: 2 * NOW).test_client()
    answers = []

    def ask() -> None:
        url = f"/public/collections/{COLLECTION}/{path}"
        answers.append(client.get(url, headers={"Accept": "application/taxii+json;version=2.1"}))

    cost = steps(store, ask)
    assert cost
    assert answers[-1].status_code == 200
    found = answers[-1].get_json()
    return cost, len(found.get("objects", found.get("versions", ())))


@pytest.mark.parametrize("kind", ["objects", "manifest"])
@pytest.mark.parametrize("name", LISTINGS)
def test_promise_8_a_listing_costs_the_same_everywhere_and_nothing_when_empty(
    stores: tuple[Store, Store], name: str, kind: str
) -> None:
    """Objects and manifest, with each filter: at the start, in the middle and at the end, small or big; an empty poll
    reads no entry."""
    but_one_by_one(stores[0], name)
    selection = SELECTIONS["latest" if name == "last versions" else name]
    costs = []
    for store in stores:
        every = store.page(COLLECTION, Selection(10 * BIG, 0, selection.types, None, selection.versions)).entries
        for after in (every[0], every[len(every) // 2], every[-52]):
            since = taxii_time(after.date_added)
            cost, given = asked(store, f"{kind}/?limit=50&added_after={since}{LISTINGS[name]}")
            assert given == 50
            costs.append(cost)
        nothing = asked(store, f"{kind}/?added_after={taxii_time(end(store))}{LISTINGS[name]}")
        assert nothing[1] == 0
        assert nothing[0] <= 400
    assert max(costs) <= min(costs) * 1.2 + 100
    assert max(costs) <= 60 * 50 + 400


@pytest.mark.parametrize("name", RESOURCES)
def test_promise_8_a_resource_costs_the_same_at_any_size(stores: tuple[Store, Store], name: str) -> None:
    """An object by its id, and its versions."""
    small, big = (asked(store, RESOURCES[name])[0] for store in stores)
    assert big <= small * 1.2 + 60


# ---------------------------------------------------------------- writing


def change(store: SqliteStore, count: int) -> dict[str, int]:
    """What it costs to write into a store of ``count`` objects, and to take out of it."""
    fill(store, count)
    numbers, moments = iter(range(count, 2 * count)), iter(range(5_000, 9_000))
    latest = {number: at(1_000 + number // 600) for number in range(count - 20, count)}

    def add() -> None:
        store.publish([publication(next(numbers), ends=7) for _ in range(20)], NOW)

    def replace() -> None:
        batch = [new(number, 1)._replace(version=at(next(moments)), expected=seen) for number, seen in latest.items()]
        assert set(store.publish(batch, NOW)) == {"published"}
        latest.update({number: later.version for number, later in zip(latest, batch, strict=True)})

    def retain(ended: int, replaced: int) -> int:
        return steps(store, lambda: store.retain(COLLECTION, ended_before=ended, superseded_before=replaced, limit=20))

    return {
        "new": steps(store, add),
        "later": steps(store, replace),
        "ended": retain(50 * DAY, 0),
        "superseded": retain(0, 2 * NOW),
    }


def test_promise_8_writing_and_retaining_cost_the_same_at_any_size(tmp_path: Path) -> None:
    """New objects, later versions and retention, in stores of their own, since they change them."""
    with closing(SqliteStore(tmp_path / "small.db")) as small, closing(SqliteStore(tmp_path / "big.db")) as big:
        costs = change(small, SMALL), change(big, BIG)
    for what, cost in costs[1].items():
        assert cost <= costs[0][what] * 1.2 + 60, what
