"""Promise 1, nothing is missed: several writing processes against a reader that follows dates."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from taxii_server.stores import open_store
from taxii_server.stores.base import Entry, Selection, Store, Versions
from tests.stores.making import ALL, COLLECTION, at, uuid_of
from tests.stores.running import line, running


def poll(store: Store, after: int, versions: Versions) -> tuple[list[Entry], int]:
    """Follow pages to the end, as a subscriber does; the new position."""
    found: list[Entry] = []
    while True:
        page = store.page(COLLECTION, Selection(3, after=after, versions=versions))
        found += page.entries
        if page.entries:
            after = page.entries[-1].date_added
        if not page.more:
            return found, after


def second(first: int, count: int, start: int) -> range:
    """Which objects of a writer's call at ``start`` it publishes in a second version; see processes.write."""
    return range(first + start, min(first + start + 7, first + count), 3)


@pytest.mark.parametrize("count", [210, pytest.param(5_000, marks=pytest.mark.long)])
def test_promise_1_every_entry_exactly_once_while_processes_write(tmp_path: Path, count: int) -> None:
    """Whoever polls with added_after set to the last date gets every version once with match[version]=all, and each
    object's latest version once it is the latest, though the writers' clocks are hours apart."""
    store = open_store("sqlite:hub.db", tmp_path)
    everything: list[Entry] = []
    latest: list[Entry] = []
    positions = [0, 0]
    firsts = [writer * 1_000_000 + writer for writer in range(4)]
    with ExitStack() as stack:
        writers = [stack.enter_context(running("write", tmp_path, first, count)) for first in firsts]
        assert [line(writer) for writer in writers] == ["ready"] * 4
        while True:
            # Looked at before reading: what was written until then must be in what is read now.
            ended = all(writer.poll() is not None for writer in writers)
            for place, (found, versions) in enumerate(((everything, ALL), (latest, Versions()))):
                entries, positions[place] = poll(store, positions[place], versions)
                found += entries
            if ended:
                break
        assert [writer.returncode for writer in writers] == [0] * 4

    numbers = [number for first in firsts for number in range(first, first + count)]
    again = [number for first in firsts for start in range(0, count, 7) for number in second(first, count, start)]
    expected = {(uuid_of(number), at(1)) for number in numbers} | {(uuid_of(number), at(2)) for number in again}
    assert Counter((entry.uuid, entry.version) for entry in everything) == dict.fromkeys(expected, 1)
    dates = [entry.date_added for entry in everything]
    assert dates == sorted(set(dates))

    seen = Counter((entry.uuid, entry.version) for entry in latest)
    assert set(seen.values()) == {1}
    final = {(uuid_of(number), at(1)) for number in numbers if number not in set(again)}
    assert final | {(uuid_of(number), at(2)) for number in again} <= seen.keys() <= expected
    store.close()
