"""Promise 5, accepted is durable: kill -9 in mid-write, full disks, locked databases."""

from __future__ import annotations

import random
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from taxii_server.stores import open_store
from taxii_server.stores.base import FeedState, Selection, Store, StoreBusy, StoreFull, Submission, User
from taxii_server.stores.sqlite import SqliteStore
from tests.stores.making import ALL, COLLECTION, VIEW, at, claim, key_of, publication, row, told
from tests.stores.running import line, running

_ROUND = 1_000_000


def sound(folder: Path) -> None:
    """Every table agrees with its indexes."""
    with closing(sqlite3.connect(folder / "hub.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.parametrize("rounds", [6, pytest.param(60, marks=pytest.mark.long)])
def test_promise_5_nothing_accepted_is_lost_by_kill_9(tmp_path: Path, rounds: int) -> None:
    """Whatever a writer was told is accepted is there after it is killed at any instant, and nothing is half done."""
    chance = random.Random(5)
    accepted: list[int] = []
    for number in range(rounds):
        with running("crash", tmp_path, number * _ROUND) as writer:
            assert line(writer) == "ready"
            accepted += [int(line(writer)) for _ in range(chance.randint(1, 12))]
            writer.send_signal(signal.SIGKILL)
            rest, _ = writer.communicate()
            accepted += [int(said) for said in rest.split()]
        sound(tmp_path)
        with closing(open_store("sqlite:hub.db", tmp_path)) as store:
            check_accepted(store, accepted)
            check_whole(store, [start for start in accepted if start >= number * _ROUND])


def check_accepted(store: Store, accepted: list[int]) -> None:
    """Each accepted step, with all that belongs to it."""
    listed = {item.key for item in store.listed("feed-a", limit=1_000_000)}
    for first in accepted:
        said = [claim(str(number), version=number) for number in range(first, first + 5)]
        assert store.claims([item.key for item in said]) == {item.key: [item] for item in said}
        assert {item.key for item in said} <= listed
        posted = store.submission(str(first))
        assert posted is not None
        assert (posted.body, posted.state) == (b"x" * 500, "pending")
        ids = frozenset(key_of(number) for number in range(first, first + 5))
        assert set(told(store, ids=ids)) == {
            (first, at(2)),
            *((number, at(1)) for number in range(first + 1, first + 5)),
        }
        assert len(told(store, "other", ids=ids)) == 5


def check_whole(store: Store, accepted: list[int]) -> None:
    """Of the step in which the writer was killed: each call was done or was not."""
    first = max(accepted) + 5
    keys = [claim(str(number)).key for number in range(first, first + 5)]
    ids = frozenset(key_of(number) for number in range(first, first + 5))
    claims, entries = store.claims(keys), told(store, ids=ids, versions=ALL)
    assert len(claims) in (0, 5)
    assert len(entries) in ((0, 5, 6) if claims else (0,))
    assert len(told(store, "other", ids=ids)) == min(len(entries), 5)
    every = store.page(COLLECTION, Selection(10_000_000)).entries
    assert store.counts()[COLLECTION] == len(every)
    dates = [entry.date_added for entry in store.page(COLLECTION, Selection(10_000_000, versions=ALL)).entries]
    assert dates == sorted(set(dates))
    assert store.last_date(COLLECTION) == dates[-1]
    for entry in every[-50:]:
        assert store.object_body(COLLECTION, (entry.type, entry.uuid), VIEW) == entry.body


def test_promise_5_work_goes_on_after_a_kill(tmp_path: Path) -> None:
    """A killed writer holds nobody up, and its mark is still there to be worked off."""
    with running("crash", tmp_path, 0) as writer:
        assert line(writer) == "ready"
        line(writer)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        with closing(open_store("sqlite:hub.db", tmp_path)) as store:
            assert len(store.dirty(5)) == 5
            assert store.pending_submissions(1)[0].id == "0"
            assert store.publish([publication(999)], 1) == ["published"]


# ---------------------------------------------------------------- no room


@pytest.mark.parametrize(("room", "fits"), [(400_000, 0), (3_000_000, 100)])
def test_a_full_disk_is_said_and_nothing_is_half_done(tmp_path: Path, room: int, fits: int) -> None:
    """StoreFull leaves the store as it was before the call; it can be read, and written once there is room."""
    with running("fill", tmp_path, room) as process:
        published, counted = line(process).split()
    assert published == counted
    assert int(published) >= fits
    sound(tmp_path)
    with closing(open_store("sqlite:hub.db", tmp_path)) as store:
        assert len(told(store, limit=100_000)) == int(published)
        assert store.publish([publication(1_000_000)], 1) == ["published"]


def test_what_finds_no_room_changes_nothing(tmp_path: Path) -> None:
    """Each writing call raises StoreFull and is undone, and readers see what was there before."""
    with closing(SqliteStore(tmp_path / "hub.db")) as store:
        store.publish([publication(1, 1)], 1)
        store.put_claims([row(claim("before"))])
        with store._database.writing() as connection:
            ((pages,),) = connection.execute("PRAGMA page_count").fetchall()
            connection.execute(f"PRAGMA max_page_count = {pages}")
        big = "x" * 500_000
        with pytest.raises(StoreFull, match="no room"):
            store.publish([publication(1, 2, seen=1), publication(2, body=big.encode())], 1)
        with pytest.raises(StoreFull):
            store.put_claims([row(claim("after")), row(claim("big", detail=big))])
        with pytest.raises(StoreFull):
            store.add_submission(
                Submission(id="1", root="r", collection="c", user="u", organisation="o", received=1, body=big.encode())
            )
        assert told(store, versions=ALL) == [(1, at(1))]
        assert store.keys() == [claim("before").key]
        assert store.submission("1") is None
        assert store.last_date(COLLECTION) == 1
        with store._database.writing() as connection:
            connection.execute("PRAGMA max_page_count = 1000000")
        assert store.publish([publication(1, 2, seen=1)], 1) == ["published"]


# ---------------------------------------------------------------- locked


def test_a_locked_database_is_said_in_time(tmp_path: Path) -> None:
    """A writer that has waited long enough raises StoreBusy; readers are not held up, and see nothing unfinished."""
    with closing(SqliteStore(tmp_path / "hub.db", patience=50)) as store:
        store.publish([publication(1)], 1)
        with running("hold", tmp_path) as holder:
            assert line(holder) == "ready"
            for call in (
                lambda: store.publish([publication(2)], 1),
                lambda: store.put_claims([row(claim())]),
                lambda: store.save_user(User(name="u", organisation="o", groups=())),
                lambda: store.mark_dirty([b"k"], "clear"),
                lambda: store.retain(COLLECTION, ended_before=1, superseded_before=1),
            ):
                with pytest.raises(StoreBusy, match="another writer"):
                    call()
            assert told(store) == [(1, at(1))]
            assert store.value("held") is None
            assert store.users() == []
            holder.communicate("go on\n")
        assert store.value("held") == "yes"
        assert store.publish([publication(2)], 1) == ["published"]


def test_promise_5_a_power_cut_cannot_take_back_what_was_accepted(tmp_path: Path) -> None:
    """Commits are synced to the disk: SQLite's synchronous is FULL (2) in write-ahead mode, on each connection."""
    with closing(SqliteStore(tmp_path / "hub.db")) as store:
        for transaction in (store._database.reading, store._database.writing, store._database.snapshot):
            with transaction() as connection:
                assert connection.execute("PRAGMA synchronous").fetchall() == [(2,)]
                assert connection.execute("PRAGMA journal_mode").fetchall() == [("wal",)]


def test_promise_5_only_what_is_said_again_waits_for_the_next_sync(tmp_path: Path) -> None:
    """Claims, known rows, cleared marks and leases are synced with what comes after them; all else at its commit."""
    said = Submission(id="1", root="r", collection=COLLECTION, user="u", organisation="o", received=1, body=b"{}")
    synced: dict[str, bool] = {}
    with closing(SqliteStore(tmp_path / "hub.db")) as store:
        for name, call in {
            "put_claims": lambda: store.put_claims([row(claim())]),
            "clear_dirty": lambda: store.clear_dirty(store.dirty(1)),
            "know_rows": lambda: store.know_rows("f", "word", b"rows"),
            "forget_rows": lambda: store.forget_rows("f"),
            "lease": lambda: store.lease("l", "me", now=0, until=1),
            "release": lambda: store.release("l", "me"),
            "publish": lambda: store.publish([publication(1)], 1),
            "add_submission": lambda: store.add_submission(said),
            "save_submission": lambda: store.save_submission(said),
            "save_feed_state": lambda: store.save_feed_state(FeedState(feed="f")),
            "mark_dirty": lambda: store.mark_dirty([b"k"], "clear"),
            "set_value": lambda: store.set_value("k", "v"),
            "save_user": lambda: store.save_user(User(name="a", organisation="o", groups=())),
        }.items():
            synced[name] = _was_synced(store, call)
    said_again = {"put_claims", "know_rows", "forget_rows", "clear_dirty", "lease", "release"}
    assert {name for name, was in synced.items() if not was} == said_again


def _was_synced(store: SqliteStore, call: Callable[[], object]) -> bool:
    """Whether the transaction of a call was committed under ``synchronous = FULL``."""
    statements: list[str] = []
    with store._database.reading() as connection:
        connection.set_trace_callback(statements.append)
    call()
    with store._database.reading() as connection:
        connection.set_trace_callback(None)
        assert connection.execute("PRAGMA synchronous").fetchall() == [(2,)]
    assert "COMMIT" in statements
    return "PRAGMA synchronous = NORMAL" not in statements
