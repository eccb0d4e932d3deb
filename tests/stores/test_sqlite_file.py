"""The SQLite file itself: whose it is, its versions, and who may open it."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import asdict
from pathlib import Path

import orjson
import pytest

from normalizers.claims import encode
from taxii_server.stores import open_store
from taxii_server.stores.base import Entry, FeedState, StoreError, StoreUnusable, User
from taxii_server.stores.memory import MemoryStore
from taxii_server.stores.sqlite import SqliteStore
from taxii_server.stores.sqlite.schema import APPLICATION_ID, SCRIPTS, prepare, scripts
from tests.stores.making import ALL, COLLECTION, VIEW, at, claim, key_of, page, publication, row, told, uuid_of
from tests.stores.running import line, running

VERSION_1 = Path(__file__).with_name("version_1.sql")


def raw(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.executescript(statement)


def version_1(path: Path) -> None:
    """A hub's file as the first version made it, with an object in two versions, a claim of a list, and a user."""
    raw(path, "PRAGMA page_size = 8192", "PRAGMA journal_mode = WAL", VERSION_1.read_text(encoding="utf-8"))
    said = claim()
    latest, old = publication(1, 2).body, publication(1, 1).body
    place = (1).to_bytes(4, "little") + (200).to_bytes(8, "little")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO word VALUES (1, ?), (2, 'indicator')", (VIEW,))
        connection.execute("INSERT INTO collection VALUES (1, ?, 200)", (COLLECTION,))
        connection.execute("INSERT INTO tally VALUES (1, 2, 1, 1)")
        state = (bytes(16), at(1), at(2), bytes(16), place)
        connection.execute("INSERT INTO object VALUES (1, 1, 2, ?, 1, ?, ?, ?, 0, 9, '', ?)", state)
        connection.execute("INSERT INTO object_settled VALUES (?, 1)", (uuid_of(1),))
        sql = "INSERT INTO entry VALUES (?, ?, 2, 1, ?, ?, ?, ?, ?, ?, ?)"
        connection.execute(sql, (2, 200, uuid_of(1), 0, 19700101000000002, 9, None, at(2), latest))
        connection.execute(sql, (3, 100, uuid_of(1), 1, 19700101000000001, 0, 200, at(1), old))
        connection.execute(
            "INSERT INTO claim VALUES (1, ?, ?, ?, ?)", (said.origin, said.audience, 1_000, encode(said))
        )
        connection.execute("INSERT INTO claim_recent VALUES (?, 1)", (said.key,))
        connection.execute("INSERT INTO listing_settled VALUES ('feed-a', ?, 'clear', 5)", (said.key,))
        connection.execute("INSERT INTO dirty (key, audience) VALUES (?, 'clear')", (said.key,))
        user = b'{"name":"u","organisation":"o","groups":["g"],"password":"","disabled":false,"created":0}'
        connection.execute("INSERT INTO person VALUES ('u', ?)", (user,))
        connection.execute("INSERT INTO secret VALUES ('s', ?)", (b"s" * 32,))


def check_version_1(path: Path) -> None:
    """All that version_1 put in is there, and can be gone on with."""
    said = claim()
    with closing(SqliteStore(path)) as store:
        assert page(store).entries == [Entry(200, "indicator", uuid_of(1), at(2), publication(1, 2).body)]
        assert told(store, versions=ALL) == [(1, at(1)), (1, at(2))]
        assert store.objects(VIEW, [key_of(1)])[key_of(1)].places == {COLLECTION: 200}
        assert store.claims([said.key]) == {said.key: [said]}
        assert [item.key for item in store.listed("feed-a", due=5)] == [said.key]
        assert [mark.key for mark in store.dirty(5)] == [said.key]
        assert store.user("u") == User(name="u", organisation="o", groups=("g",))
        assert store.secret("s") == b"s" * 32
        assert store.publish([publication(1, 3, seen=2)], 1) == ["published"]
        assert store.last_date(COLLECTION) == 201
        assert store.counts() == {COLLECTION: 1}


def tables(path: Path) -> dict[str, str]:
    """What the file is made of, without comments and blanks."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    bare = {name: "\n".join(part.split("--")[0] for part in sql.splitlines()) for name, sql in rows}
    return {name: "".join(sql.split()) for name, sql in bare.items()}


# ---------------------------------------------------------------- versions


def test_a_version_1_file_can_be_used(tmp_path: Path) -> None:
    """Files of the first version are opened by this program, whatever version it has itself."""
    version_1(tmp_path / "hub.db")
    check_version_1(tmp_path / "hub.db")


def test_what_a_feed_listed_in_an_older_file_is_counted_anew(tmp_path: Path) -> None:
    """It was one number; now it is known for each audience, and until it is, no list has shrunk."""
    path = tmp_path / "hub.db"
    version_1(path)
    with closing(sqlite3.connect(path)) as connection:
        body = orjson.dumps({**asdict(FeedState(feed="old", failures=2)), "listed": 500})
        connection.execute("INSERT INTO feed VALUES ('old', ?)", (body,))
        connection.commit()
    with closing(SqliteStore(path)) as store:
        assert store.feed_state("old") == FeedState(feed="old", failures=2, listed={})


def test_the_first_script_makes_what_it_always_made(tmp_path: Path) -> None:
    """A script that has been released is never changed: files that it made would be left behind."""
    prepare(tmp_path / "now.db", 1_000, scripts()[:1])
    version_1(tmp_path / "then.db")
    assert tables(tmp_path / "now.db") == tables(tmp_path / "then.db")


def test_a_file_is_migrated_step_by_step(tmp_path: Path) -> None:
    """Each script is run once, in order, whichever version the file has, and what was in it stays."""
    path = tmp_path / "hub.db"
    version_1(path)
    two = "CREATE TABLE steps (number INTEGER); INSERT INTO steps VALUES (2);"
    three = "INSERT INTO steps VALUES (3);\n-- a comment; with a semicolon\nINSERT INTO steps VALUES (33);"
    known = scripts()
    for steps in ([*known, two], [*known, two, three], [*known, two, three]):
        prepare(path, 1_000, steps)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT number FROM steps").fetchall() == [(2,), (3,), (33,)]
        assert connection.execute("PRAGMA user_version").fetchall() == [(len(SCRIPTS) + 2,)]
        connection.execute(f"PRAGMA user_version = {len(SCRIPTS)}")
    check_version_1(path)


def test_what_another_process_added_since_is_not_taken_for_absent(tmp_path: Path) -> None:
    """Who publishes has just asked what is there; an object that came in between is in the way of a first version."""
    path = tmp_path / "hub.db"
    with closing(SqliteStore(path)) as one, closing(SqliteStore(path)) as other:
        assert one.publish([publication(9, 1)], 1) == ["published"]
        assert one.objects(VIEW, [key_of(1), key_of(2)]) == {}
        assert other.publish([publication(1, 1)], 1) == ["published"]
        assert one.publish([publication(1, 2), publication(2, 1)], 1) == ["conflict", "published"]
        assert one.objects(VIEW, [key_of(3)]) == {}
        assert one.publish([publication(3, 1), publication(1, 3, seen=1)], 1) == ["published", "published"]


def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    """All steps are one transaction."""
    path = tmp_path / "hub.db"
    version_1(path)
    with pytest.raises(StoreError, match="no such table"):
        prepare(path, 1_000, [*scripts()[:1], "CREATE TABLE more (x);", "INSERT INTO nowhere VALUES (1);"])
    assert "more" not in tables(path)
    check_version_1(path)


def test_several_processes_open_a_fresh_file_at_once(tmp_path: Path) -> None:
    """It is made once, and all of them use it."""
    with ExitStack() as stack:
        processes = [stack.enter_context(running("open", tmp_path)) for _ in range(4)]
        assert len({line(process) for process in processes}) == 1
        for process in processes:
            process.communicate("go on\n")
            assert process.returncode == 0


# ---------------------------------------------------------------- what is not a hub's


def _newer(path: Path) -> None:
    raw(path, f"PRAGMA application_id = {APPLICATION_ID}", "PRAGMA user_version = 999", "CREATE TABLE x (y)")


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: raw(path, "CREATE TABLE theirs (x)"), "one of another program"),
        (lambda path: raw(path, "PRAGMA application_id = 7"), "one of another program"),
        (lambda path: raw(path, "PRAGMA user_version = 1"), "one of another program"),
        (lambda path: path.write_bytes(b"not a database at all, but a text of some length" * 30), "got something else"),
        (_newer, "version 999, and this program knows those up to"),
        (Path.mkdir, "unable to open"),
    ],
)
def test_a_file_that_is_not_ours_is_refused_and_left_alone(
    tmp_path: Path, make: Callable[[Path], None], why: str
) -> None:
    """StoreUnusable says what was found; not a byte of it changes."""
    path = tmp_path / "hub.db"
    make(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(StoreUnusable, match=why):
        open_store("sqlite:hub.db", tmp_path)
    assert (path.read_bytes() if path.is_file() else None) == before


def test_a_damaged_file_is_said(tmp_path: Path) -> None:
    """What SQLite finds malformed is StoreUnusable, whenever it is found."""
    with closing(open_store("sqlite:hub.db", tmp_path)) as store:
        store.publish([publication(number) for number in range(500)], 1)
    path = tmp_path / "hub.db"
    content = bytearray(path.read_bytes())
    content[8_192:] = b"\xff" * (len(content) - 8_192)
    path.write_bytes(content)
    with pytest.raises(StoreUnusable, match="malformed"), closing(open_store("sqlite:hub.db", tmp_path)) as store:
        told(store)


def test_an_empty_file_is_a_fresh_one(tmp_path: Path) -> None:
    """As a process leaves it that was stopped between making it and filling it."""
    (tmp_path / "hub.db").touch()
    with closing(open_store("sqlite:hub.db", tmp_path)) as store:
        assert store.keys() == []


def test_others_on_the_machine_cannot_read_it(tmp_path: Path) -> None:
    """It holds password hashes and secrets: its owner alone may read it, and what lies beside it."""
    with closing(open_store("sqlite:hub.db", tmp_path)) as store:
        store.secret("x")
        modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
    assert modes == dict.fromkeys(["hub.db", "hub.db-wal", "hub.db-shm", "hub.db.lock"], 0o600)


# ---------------------------------------------------------------- addresses


def test_stores_are_opened_by_address(tmp_path: Path) -> None:
    """A relative file is in the data folder, which is made; an absolute one is where it says."""
    assert isinstance(open_store("memory:", tmp_path), MemoryStore)
    for address, file in (("sqlite:a/b.db", tmp_path / "data/a/b.db"), (f"sqlite:{tmp_path}/c.db", tmp_path / "c.db")):
        with closing(open_store(address, tmp_path / "data")) as store:
            assert isinstance(store, SqliteStore)
        assert file.is_file()


@pytest.mark.parametrize("address", ["", "sqlite", "sqlite:", "mongodb://x", "memory"])
def test_an_unknown_address_is_refused(tmp_path: Path, address: str) -> None:
    """The error says what was given and what is expected."""
    with pytest.raises(StoreUnusable, match=r"expected a store address such as sqlite:hub\.db"):
        open_store(address, tmp_path)


# ---------------------------------------------------------------- threads and forks


def test_many_threads_use_one_store(tmp_path: Path) -> None:
    """Each call is its own transaction, whichever thread it comes from."""
    with closing(open_store("sqlite:hub.db", tmp_path)) as store:
        failures: list[BaseException] = []

        def work(first: int) -> None:
            try:
                for number in range(first, first + 20):
                    store.publish([publication(number)], 1)
                    store.put_claims([row(claim(str(number)))])
                    assert (number, at(1)) in told(store)
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work, args=(first,)) for first in range(0, 120, 20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert len(told(store)) == 120
        assert len(store.keys()) == 120


def test_a_forked_process_has_connections_of_its_own(tmp_path: Path) -> None:
    """A store that was open when its process forked serves both sides."""
    with closing(open_store("sqlite:hub.db", tmp_path)) as store:
        store.publish([publication(1)], 1)
        child = os.fork()
        if child == 0:
            failed = 1
            try:
                failed = store.publish([publication(2)], 1) != ["published"]
                store.close()
            finally:
                os._exit(failed)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert store.publish([publication(3)], 1) == ["published"]
        assert [number for number, _ in told(store)] == [1, 2, 3]


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    """Closing twice is no error; anything else then is."""
    store = open_store("sqlite:hub.db", tmp_path)
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.keys()
