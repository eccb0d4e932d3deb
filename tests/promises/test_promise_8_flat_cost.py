"""Promise 8: cost is flat. Counted in steps of SQLite's virtual machine, which are the same on every machine.

How long the same takes, at a million entries, is measured by benchmarks/.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from taxii_server.stores.base import Publication, Selection, Versions
from taxii_server.stores.sqlite import SqliteStore

COLLECTION = "eb8df4a3-323e-4a81-b4c5-93e278993f8c"
NOW = 1_790_000_000_000_000


def _publications(start: int, count: int, version: int = 0) -> list[Publication]:
    text = f"2026-01-01T00:00:0{version}.000Z"
    return [
        Publication(
            scope="view",
            type="indicator" if number % 10 else "vulnerability",
            uuid=uuid.uuid5(uuid.NAMESPACE_URL, str(number)).bytes,
            version=text,
            created="2026-01-01T00:00:00.000Z",
            body=b'{"type":"indicator","name":"%0200d"}' % number,
            digest=b"%016d" % version,
            collections=(COLLECTION,),
            expected=f"2026-01-01T00:00:0{version - 1}.000Z" if version else None,
        )
        for number in range(start, start + count)
    ]


def _filled(path: Path, count: int) -> SqliteStore:
    store = SqliteStore(path)
    for start in range(0, count, 2_000):
        store.publish(_publications(start, min(2_000, count - start)), NOW)
    return store


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[int, SqliteStore]]:
    """Two collections, one ten times as long as the other."""
    folder = tmp_path_factory.mktemp("flat")
    found = {count: _filled(folder / f"{count}.db", count) for count in (2_000, 20_000)}
    yield found
    for store in found.values():
        store.close()


def steps(store: SqliteStore, action: Callable[[], Any]) -> int:
    """How many steps SQLite takes for ``action``, which uses one connection."""
    taken = 0

    def count() -> int:
        nonlocal taken
        taken += 1
        return 0

    action()  # statements are prepared by now
    with store._database.reading() as connection:
        connection.set_progress_handler(count, 1)
    action()
    with store._database.reading() as connection:
        connection.set_progress_handler(None, 0)
    assert taken
    return taken


SELECTIONS = {
    "all": Selection(limit=100),
    "type": Selection(limit=100, types=frozenset(["indicator"])),
    "types": Selection(limit=100, types=frozenset(["indicator", "vulnerability", "report"])),
    "every version": Selection(limit=100, versions=Versions(last=False, all=True)),
    "first version": Selection(limit=100, versions=Versions(last=False, first=True)),
    "exact version": Selection(limit=100, versions=Versions(last=False, exact=("2026-01-01T00:00:00",))),
}


@pytest.mark.parametrize("name", SELECTIONS)
def test_promise_8_a_page_costs_the_same_at_the_start_in_the_middle_and_at_the_end(
    stores: dict[int, SqliteStore], name: str
) -> None:
    """Whatever the filter, a page of a hundred costs the same anywhere, in a collection of any length."""
    costs = []
    for count, store in stores.items():
        for share in (0.0, 0.5, 0.8):
            selection = Selection(
                limit=100,
                after=NOW + int(count * share),
                types=SELECTIONS[name].types,
                versions=SELECTIONS[name].versions,
            )
            costs.append(steps(store, lambda store=store, chosen=selection: store.bodies(COLLECTION, chosen)))
    assert max(costs) <= 1.2 * min(costs)


def test_promise_8_an_empty_poll_costs_no_scan(stores: dict[int, SqliteStore]) -> None:
    """Nothing new costs a few dozen steps, at any length, with a type filter too."""
    for chosen in (None, frozenset(["indicator"])):
        poll = Selection(limit=1_000, after=NOW + 10**9, types=chosen)
        costs = [
            steps(store, lambda store=store, poll=poll: store.bodies(COLLECTION, poll)) for store in stores.values()
        ]
        assert costs[0] == costs[1] < 100


def test_promise_8_an_object_by_id_costs_the_same_at_any_length(stores: dict[int, SqliteStore]) -> None:
    """match[id] goes by the object, not through the log."""
    key = ("indicator", uuid.uuid5(uuid.NAMESPACE_URL, "1001").bytes)
    selection = Selection(limit=10, ids=frozenset([key]))
    costs = [steps(store, lambda store=store: store.bodies(COLLECTION, selection)) for store in stores.values()]
    assert max(costs) <= 1.2 * min(costs)


def test_promise_8_superseded_versions_do_not_slow_a_page_down(tmp_path: Path) -> None:
    """After every object has been published five times over, a page of latest versions costs what it did."""
    store = _filled(tmp_path / "versions.db", 1_000)
    page = Selection(limit=100)
    before = steps(store, lambda: store.bodies(COLLECTION, page))
    for version in range(1, 5):
        outcomes = store.publish(_publications(0, 1_000, version), NOW)
        assert set(outcomes) == {"published"}
    after = steps(store, lambda: store.bodies(COLLECTION, page))
    store.close()
    assert after <= 1.2 * before
