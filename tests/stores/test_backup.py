"""Backups: consistent while others write; restoring never gives a date again."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from taxii_server.stores import open_store, restore
from taxii_server.stores.base import (
    AuditRecord,
    Returned,
    Store,
    StoreBusy,
    StoreError,
    StoreFull,
    StoreUnusable,
    Token,
    User,
)
from taxii_server.stores.sqlite import copies
from tests.stores.making import ALL, COLLECTION, OTHER, VIEW, at, claim, key_of, page, publication, row, told
from tests.stores.running import line, running
from tests.stores.test_sqlite_file import check_version_1, raw, version_1

NOW = 1_800_000_000_000_000
HOUR = 3_600_000_000
ADDRESS = "sqlite:hub.db"


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A backup, and the store that it is of, which has gone on since: up to two hours after NOW."""
    with closing(open_store(ADDRESS, tmp_path)) as store:
        store.publish([publication(1), publication(2, ends=5)], NOW)
        store.put_claims([row(claim("saved"), 7)])
        store.save_user(User(name="saved", organisation="o", groups=()))
        store.secret("kept")
        store.set_value("kept", "this hub")
        store.lease("publisher", "a process that ran then", now=0, until=NOW)
        backup = tmp_path / "backup.db"
        store.backup(backup)
        store.publish([publication(1, 2, seen=1), publication(3, collections=(OTHER,))], NOW + 2 * HOUR)
        store.put_claims([row(claim("lost"))])
        store.secret("lost")
    return backup


def reopened(folder: Path) -> closing[Store]:
    return closing(open_store(ADDRESS, folder))


def leftovers(folder: Path) -> set[str]:
    found = {file.name for file in folder.iterdir()} - {"hub.db", "hub.db.lock", "backup.db"}
    return {name for name in found if not name.startswith("hub.db.before-restore-")}


# ---------------------------------------------------------------- backing up


def test_a_backup_is_of_one_instant_while_others_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds what was there up to one date, whole, and its making holds nobody up."""
    monkeypatch.setattr(copies, "_STEP", 50)
    with reopened(tmp_path) as store:
        store.publish([publication(number, body=b"x" * 1_500) for number in range(100, 3_000)], 1)
        seen: list[tuple[int, int]] = []

        def meanwhile(done: int, total: int) -> None:
            seen.append((done, total))
            # A writer goes on between the steps, and needs not wait for the end.
            store.publish([publication(10_000 + len(seen))], 1)

        with running("write", tmp_path, 1_000_000, 70) as writer:
            assert line(writer) == "ready"
            store.backup(tmp_path / "backup.db", meanwhile)
            assert line(writer) == "done"
        everything = page(store, versions=ALL, limit=100_000).entries
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == seen[-1][1] > 0
    assert len(seen) > 1
    with closing(sqlite3.connect(tmp_path / "backup.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    restore(tmp_path / "backup.db", "sqlite:copy.db", tmp_path, 1)
    with closing(open_store("sqlite:copy.db", tmp_path)) as copy:
        last = copy.last_date(COLLECTION)
        copied = page(copy, versions=ALL, limit=100_000).entries
        assert copied == [entry for entry in everything if entry.date_added <= last]
        assert copy.counts()[COLLECTION] == len(page(copy, limit=100_000).entries)
    assert len(everything) > len(copied) >= 2_900


def test_a_backup_is_one_private_file(saved: Path, tmp_path: Path) -> None:
    """Nothing lies beside it, and its owner alone may read it."""
    assert leftovers(tmp_path) == set()
    assert saved.stat().st_mode & 0o777 == 0o600


def test_a_backup_never_replaces_a_file(sqlite: Store, tmp_path: Path) -> None:
    """Not even an empty one; nothing is left behind."""
    target = tmp_path / "there"
    target.write_text("mine")
    with pytest.raises(StoreError, match="is there already"):
        sqlite.backup(target)
    assert target.read_text() == "mine"
    with pytest.raises(StoreError, match="No such file"):
        sqlite.backup(tmp_path / "no such folder" / "x")
    assert [file for file in tmp_path.iterdir() if file.name.endswith(".part")] == []


def test_a_backup_that_was_first_is_not_replaced(
    sqlite: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that appears while the backup is made stays as it is."""
    target = tmp_path / "there"
    with pytest.raises(StoreError, match="File exists"):
        sqlite.backup(target, lambda done, total: target.write_text("mine") and None)
    assert target.read_text() == "mine"


def test_a_backup_that_finds_no_room_leaves_nothing(sqlite: Store, tmp_path: Path) -> None:
    """StoreFull, and the half of it is removed."""
    sqlite.publish([publication(number, body=b"x" * 1_500) for number in range(1_000)], 1)
    with running("backup", tmp_path, 500_000) as process:
        assert line(process) == "full"
    assert [file for file in tmp_path.iterdir() if "backup" in file.name] == []


def test_what_lives_in_memory_has_no_backup(tmp_path: Path) -> None:
    """The error says so, and what has."""
    with pytest.raises(StoreError, match="sqlite:FILE can"):
        open_store("memory:", tmp_path).backup(tmp_path / "x")
    with pytest.raises(StoreUnusable, match="sqlite:FILE can"):
        restore(tmp_path / "x", "memory:", tmp_path, NOW)


# ---------------------------------------------------------------- restoring


def test_a_restored_store_is_what_the_backup_holds(saved: Path, tmp_path: Path) -> None:
    """Claims, lists, logs, people and secrets are the backup's; leases of processes of then are not."""
    with reopened(tmp_path) as store:
        kept = store.secret("kept"), store.secret("lost")
    restore(saved, ADDRESS, tmp_path, NOW)
    with reopened(tmp_path) as store:
        assert told(store, versions=ALL) == [(1, at(1)), (2, at(1))]
        assert store.keys() == [claim("saved").key]
        assert len(store.listed("feed-a")) == 1
        assert [user.name for user in store.users()] == ["saved"]
        assert (store.secret("kept") == kept[0], store.secret("lost") == kept[1]) == (True, False)
        assert store.lease("publisher", "me", now=0, until=1)
        assert store.object_body(COLLECTION, key_of(1), VIEW) == publication(1, 1).body
    assert leftovers(tmp_path) == set()


def test_a_restore_brings_its_record_along(saved: Path, tmp_path: Path) -> None:
    """It is in the file before that takes the store's place, so nobody ever finds the one without the other."""
    record = AuditRecord(NOW // 1_000, "somebody", "restore", "backup.db", {})
    with pytest.raises(StoreUnusable, match="expected a backup with"):
        restore(saved, ADDRESS, tmp_path, NOW, {"kept": "of another hub"}, record)
    with reopened(tmp_path) as store:
        assert store.audit_log() == []
    restore(saved, ADDRESS, tmp_path, NOW, audit=record)
    with reopened(tmp_path) as store:
        assert store.audit_log() == [record]


def _token(name: str, user: str = "mika", **other: Any) -> Token:
    return Token(id=name, user=user, digest=hashlib.sha256(f"{name} {user}".encode()).digest(), **other)


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """A backup, and a store in which some were shut out since, and others came."""
    with closing(open_store(ADDRESS, tmp_path)) as store:
        for name in ("mika", "nao", "pia"):
            store.save_user(User(name=name, organisation="o", groups=("members", "publishers"), password="old"))
        for token in (_token("kept"), _token("lost"), _token("gone", revoked=True), _token("other")):
            store.save_token(token)
        store.backup(tmp_path / "backup.db")
        store.save_user(User(name="nao", organisation="o", groups=("members", "operators"), password="new"))
        store.save_user(User(name="pia", organisation="o", groups=("members", "publishers"), disabled=True))
        store.save_user(User(name="late", organisation="o", groups=()))
        for token in (_token("lost", revoked=True), _token("gone"), _token("other", "pia"), _token("late")):
            store.save_token(token)
    return tmp_path / "backup.db"


def test_a_restore_lets_in_nobody_who_was_shut_out_since(people: Path, tmp_path: Path) -> None:
    """Revoked and disabled stays so, on either side; rights are those that both give; a later password holds."""
    returned = restore(people, ADDRESS, tmp_path, NOW)
    assert returned == Returned(("nao", "pia"), ("lost", "other"), ("late",), ("late",))
    with reopened(tmp_path) as store:
        users = {user.name: user for user in store.users()}
        assert [name for name, user in users.items() if not user.disabled] == ["mika", "nao"]
        assert (users["mika"].groups, users["mika"].password) == (("members", "publishers"), "old")
        assert (users["nao"].groups, users["nao"].password) == (("members",), "new")
        assert [token.id for token in store.tokens() if not token.revoked] == ["kept"]


@pytest.mark.parametrize("replaced", ["none", "damaged", "new"])
def test_a_restore_lets_in_nobody_where_nothing_is_known(people: Path, tmp_path: Path, replaced: str) -> None:
    """On a new machine, or in the place of a damaged store: until somebody says that whoever the backup lets in may."""
    place = tmp_path / "elsewhere"
    place.mkdir()
    if replaced == "damaged":
        (place / "hub.db").write_bytes((tmp_path / "hub.db").read_bytes()[:100] + b"x" * 50_000)
    elif replaced == "new":
        open_store(ADDRESS, place).close()
    returned = restore(people, ADDRESS, place, NOW)
    assert returned == Returned(("mika", "nao", "pia"), ("kept", "lost", "other"))
    with reopened(place) as store:
        assert all(user.disabled for user in store.users())
        assert all(token.revoked for token in store.tokens())
    assert restore(people, ADDRESS, place, NOW, let_in=True) == Returned()
    with reopened(place) as store:
        assert not any(user.disabled for user in store.users())
        assert {token.id for token in store.tokens() if not token.revoked} == {"kept", "lost", "other"}


@pytest.mark.parametrize("clock", [NOW - 100 * HOUR, NOW + HOUR, NOW + 100 * HOUR])
def test_promise_1_a_restored_store_gives_no_date_again(saved: Path, tmp_path: Path, clock: int) -> None:
    """Whatever the clock says: dates go on after those of the backup, of the replaced store, and the present, for
    collections too that the backup has never heard of."""
    restore(saved, ADDRESS, tmp_path, clock)
    with reopened(tmp_path) as store:
        store.publish([publication(9, collections=(COLLECTION, OTHER, "new"))], clock - 5 * HOUR)
        given = {name: page(store, name).entries[-1].date_added for name in (COLLECTION, OTHER, "new")}
    assert given[COLLECTION] > max(NOW + 2 * HOUR, clock)
    assert given[OTHER] > max(NOW + 2 * HOUR, clock)
    assert given["new"] > clock


def test_promise_1_a_second_restore_remembers_the_first(saved: Path, tmp_path: Path) -> None:
    """Dates given between two restores of one backup are not given again either."""
    restore(saved, ADDRESS, tmp_path, NOW)
    with reopened(tmp_path) as store:
        store.publish([publication(9)], NOW + 50 * HOUR)
    restore(saved, ADDRESS, tmp_path, NOW)
    with reopened(tmp_path) as store:
        store.publish([publication(9)], NOW)
        assert store.last_date(COLLECTION) > NOW + 50 * HOUR


def test_a_backup_is_restored_where_no_store_was(saved: Path, tmp_path: Path) -> None:
    """On a new machine."""
    restore(saved, ADDRESS, tmp_path / "new", NOW)
    with reopened(tmp_path / "new") as store:
        assert told(store) == [(1, at(1)), (2, at(1))]


def test_a_store_in_use_is_not_replaced(saved: Path, tmp_path: Path) -> None:
    """Neither by this process nor by another, though it be idle; and it goes on."""
    with reopened(tmp_path) as store:
        with pytest.raises(StoreBusy, match="in use; stop the hub first"):
            restore(saved, ADDRESS, tmp_path, NOW)
        assert len(store.keys()) == 2
    with running("open", tmp_path) as process:
        line(process)
        with pytest.raises(StoreBusy, match="in use"):
            restore(saved, ADDRESS, tmp_path, NOW)
    with closing(sqlite3.connect(tmp_path / "hub.db")) as stranger:
        stranger.execute("SELECT 1 FROM sqlite_master").fetchall()
        with pytest.raises(StoreBusy, match="in use by another program"):
            restore(saved, ADDRESS, tmp_path, NOW)
    assert leftovers(tmp_path) <= {"hub.db-wal", "hub.db-shm"}


def test_nobody_opens_a_store_while_it_is_replaced(saved: Path, tmp_path: Path) -> None:
    """They are told to try again."""
    alone = copies.InUse(tmp_path / "hub.db", alone=True)
    with pytest.raises(StoreBusy, match="being restored"):
        open_store(ADDRESS, tmp_path)
    alone.release()
    open_store(ADDRESS, tmp_path).close()


def _damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[20_000:60_000] = os.urandom(40_000)
    path.write_bytes(content)


@pytest.mark.parametrize("spoil", [_damage, lambda path: path.write_bytes(b"text" * 100), Path.unlink])
def test_a_backup_that_cannot_be_used_changes_nothing(saved: Path, tmp_path: Path, spoil: object) -> None:
    """Damaged, not a hub's, or not there: the store is as it was."""
    spoil(saved)  # type: ignore[operator]
    with pytest.raises(StoreUnusable, match=r"backup\.db"):
        restore(saved, ADDRESS, tmp_path, NOW)
    with reopened(tmp_path) as store:
        assert len(store.keys()) == 2
    assert leftovers(tmp_path) == set()
    assert not list(tmp_path.glob("*.before-restore-*"))


def test_a_file_of_another_program_is_not_replaced(saved: Path, tmp_path: Path) -> None:
    """Whatever the address says."""
    raw(tmp_path / "theirs.db", "CREATE TABLE theirs (x)")
    with pytest.raises(StoreUnusable, match="one of another program"):
        restore(saved, "sqlite:theirs.db", tmp_path, NOW)


def test_a_damaged_store_is_replaced(saved: Path, tmp_path: Path) -> None:
    """Which may be why. Its dates cannot be read any more; it gave none after it was last written."""
    path = tmp_path / "hub.db"
    path.write_bytes(path.read_bytes()[:100] + b"\xff" * 50_000)
    (tmp_path / "hub.db-wal").write_bytes(b"torn")
    written = NOW + 500 * HOUR
    os.utime(path, ns=(written * 1_000, written * 1_000))
    restore(saved, ADDRESS, tmp_path, 0)
    with reopened(tmp_path) as store:
        store.publish([publication(9)], 0)
        assert store.last_date(COLLECTION) > written
        assert len(store.keys()) == 1


def test_an_interrupted_restore_leaves_the_old_store(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new file takes the old one's place in one step, at the very end."""

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(copies.os, "replace", refuse)
    with pytest.raises(StoreFull):
        restore(saved, ADDRESS, tmp_path, NOW)
    with reopened(tmp_path) as store:
        assert len(store.keys()) == 2
    assert leftovers(tmp_path) == set()
    assert not list(tmp_path.glob("*.before-restore-*"))


def test_the_replaced_store_stays_beside_and_another_hubs_backup_is_refused(saved: Path, tmp_path: Path) -> None:
    """What was there can be gone back to; a backup that remembers another namespace replaces nothing."""
    with reopened(tmp_path) as store:
        store.set_value("namespace", "this hub")
    restore(saved, ADDRESS, tmp_path, NOW, {"namespace": "any"})  # it remembers none
    (kept,) = tmp_path.glob("hub.db.before-restore-*")
    restore(kept, ADDRESS, tmp_path, NOW + 1, {"namespace": "this hub"})
    with reopened(tmp_path) as store:
        assert store.value("namespace") == "this hub"
    with pytest.raises(StoreUnusable, match="namespace"):
        restore(kept, ADDRESS, tmp_path, NOW + 2, {"namespace": "another hub"})


def test_a_backup_of_the_first_version_can_be_restored(tmp_path: Path) -> None:
    """It comes to the present schema on its way."""
    version_1(tmp_path / "backup.db")
    restore(tmp_path / "backup.db", ADDRESS, tmp_path, 0, let_in=True)
    check_version_1(tmp_path / "hub.db")
