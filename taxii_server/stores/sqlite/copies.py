"""Backing up while the hub runs, and putting a backup in the place of a store.

Beside the file of a store lies ``FILE.lock``. Whoever has the store open holds a shared lock on it (flock(2)), and a
restore an exclusive one: so neither can be opened into the other. The lock goes with its process.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from config.instant import Micros
from taxii_server.stores.base import AuditRecord, Returned, StoreBusy, StoreError, StoreFull, StoreUnusable
from taxii_server.stores.sqlite.audits import add_audit
from taxii_server.stores.sqlite.database import PATIENCE, Database, connect, meaning
from taxii_server.stores.sqlite.returning import NOBODY, Doors, doors, shut
from taxii_server.stores.sqlite.schema import APPLICATION_ID, SCRIPTS, prepare, version_of

#: pages copied at once; others may write in between and during it
_STEP = 1_024
_COMPANIONS = ("-wal", "-shm", "-journal")


class InUse:
    """A lock on a store's file, shared by all who have it open, or held by the one who replaces it."""

    def __init__(self, path: Path, *, alone: bool = False) -> None:
        """Raises StoreBusy when others stand against it, StoreUnusable when there is no such folder to be had."""
        lock = path.with_name(path.name + ".lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreUnusable(f"{lock}: {error.strerror}") from error
        try:
            fcntl.flock(self._file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            why = "the store is in use; stop the hub first" if alone else "a backup is being restored; try again"
            raise StoreBusy(f"{path}: {why}") from error

    def release(self) -> None:
        """Give the lock back. May be called more than once."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


# ---------------------------------------------------------------- backing up


def back_up(database: Database, target: Path, progress: Callable[[int, int], None] | None = None) -> None:
    """Write the store as it is at this moment to a new file, which appears when it is complete.

    Others go on writing; what they write meanwhile stays in the write-ahead log until the end. Raises StoreError when
    ``target`` is there already, and StoreFull.
    """
    if target.exists():
        raise StoreError(f"{target}: is there already, and a backup never replaces a file")
    with _refused(target), _beside(target) as part:
        with database.snapshot() as source:
            source.execute("SELECT 1 FROM sqlite_master").fetchall()  # from here on it is this instant's
            _copy(source, part, target, progress)
        _make_durable(part)
        os.link(part, target)  # unlike a rename it fails when somebody was first
        _make_durable(target.parent)


def _copy(source: sqlite3.Connection, part: Path, target: Path, progress: Callable[[int, int], None] | None) -> None:
    def step(_: int, remaining: int, total: int) -> None:
        if progress is not None:
            progress(total - remaining, total)

    try:
        with closing(sqlite3.connect(part, isolation_level=None)) as copy:
            copy.execute("PRAGMA synchronous = OFF")
            copy.execute("PRAGMA journal_mode = OFF")
            source.backup(copy, pages=_STEP, progress=step)
            # A backup is one file, and not one with a log beside it.
            copy.execute("PRAGMA journal_mode = DELETE")
            found = damage(copy)
            if found:
                raise StoreUnusable(f"{target}: not written, the store is damaged: {found}")
    except sqlite3.Error as error:
        raise meaning(error, target) from error


def damage(connection: sqlite3.Connection) -> str:
    """What SQLite finds wrong with a file when it reads all of it; "" for nothing."""
    found = [text for (text,) in connection.execute("PRAGMA quick_check(3)").fetchall()]
    return "" if found == ["ok"] else "; ".join(found)


# ---------------------------------------------------------------- restoring


def restore(
    backup: Path,
    path: Path,
    now: Micros,
    expect: Mapping[str, str] | None = None,
    audit: AuditRecord | None = None,
    *,
    let_in: bool = False,
) -> Returned:
    """Put a backup in the place of the store at ``path``, whole or not at all. The replaced file stays beside it.

    ``expect`` are small texts that the backup must not remember otherwise; ``audit`` is added to its audit log. No
    ``date_added`` that the replaced store gave is given again, even if the clock has stepped back since. Secrets are
    those of the backup. Who may come in is what the backup and the replaced store both say, or with ``let_in`` the
    backup alone; gives who may do less by that. Raises StoreBusy while the store is open, StoreUnusable when the backup
    or what it would replace is not a hub's, or the backup is damaged.
    """
    _check_header(backup)
    alone = InUse(path, alone=True)
    try:
        with _refused(path), _beside(path) as part:
            shutil.copyfile(backup, part)
            given, floor, replaced = _given_by(path, now)
            returned = _adapt(part, backup, given, floor, expect or {}, audit, None if let_in else replaced)
            _make_durable(part)
            for companion in _COMPANIONS:  # of a store so damaged that it could not be closed
                path.with_name(path.name + companion).unlink(missing_ok=True)
            with _kept(path, now):
                os.replace(part, path)
            _make_durable(path.parent)
            return returned
    finally:
        alone.release()


@contextmanager
def _kept(path: Path, now: Micros) -> Iterator[None]:
    """Keep the present file under another name, if the block replaces it."""
    kept = path.with_name(f"{path.name}.before-restore-{now}-{secrets.token_hex(2)}")
    if path.exists():
        os.link(path, kept)
    try:
        yield
    except BaseException:
        kept.unlink(missing_ok=True)
        raise


def _check_header(file: Path) -> None:
    """SQLite's file format, section 1.3: the magic text, and the application id at 68."""
    try:
        with file.open("rb") as stream:
            header = stream.read(100)
    except OSError as error:
        raise StoreUnusable(f"{file}: {error.strerror}") from error
    if header[:16] != b"SQLite format 3\0" or header[68:72] != APPLICATION_ID.to_bytes(4, "big"):
        raise StoreUnusable(f"{file}: expected the backup of a hub, got something else")


def _given_by(path: Path, now: Micros) -> tuple[dict[str, Micros], Micros, Doors]:
    """The last date of each collection that the store gave, a date that it gave none after as far as is known, and who
    may come in there."""
    if not path.exists():
        return {}, now, NOBODY
    written = max((file.stat().st_mtime_ns // 1_000 for file in _files(path)), default=now)
    try:
        with closing(connect(path, 0)) as connection:
            version_of(connection, path, len(SCRIPTS))
            # Writes back what is in the log, and fails when somebody has the file open who knows nothing of our lock.
            connection.execute("PRAGMA journal_mode = DELETE")
            return dict(connection.execute("SELECT name, last FROM collection").fetchall()), now, doors(connection)
    except sqlite3.Error as error:
        found = meaning(error, path)
        if isinstance(found, StoreBusy):
            raise StoreBusy(f"{path}: the store is in use by another program") from error
        if isinstance(found, StoreUnusable):
            return {}, max(now, written), NOBODY  # damaged, which may be just why it is replaced
        raise found from error


def _adapt(
    part: Path,
    backup: Path,
    given: dict[str, Micros],
    floor: Micros,
    expect: Mapping[str, str],
    audit: AuditRecord | None,
    replaced: Doors | None,
) -> Returned:
    """Check the copy of a backup, bring it to the present schema, and to dates that were not given yet."""
    prepare(part, PATIENCE)
    try:
        with closing(connect(part)) as connection:
            found = [text for (text,) in connection.execute("PRAGMA integrity_check(3)").fetchall()]
            if found != ["ok"]:
                raise StoreUnusable(f"{backup}: damaged: {'; '.join(found)}")
            remembered = dict(connection.execute("SELECT name, value FROM remembered").fetchall())
            for name, value in expect.items():
                if remembered.get(name, value) != value:
                    raise StoreUnusable(f"{backup}: expected a backup with the {name} {value}, got {remembered[name]}")
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(
                "INSERT INTO collection (name, last) VALUES (?, ?) "
                "ON CONFLICT (name) DO UPDATE SET last = max(last, excluded.last)",
                given.items(),
            )
            connection.execute("INSERT INTO restored (floor) VALUES (?)", (floor,))
            connection.execute("DELETE FROM lease")  # of processes that have ended
            returned = Returned() if replaced is None else shut(connection, replaced)
            add_audit(connection, audit)
            connection.execute("COMMIT")
            connection.execute("PRAGMA journal_mode = DELETE")
            return returned
    except sqlite3.Error as error:
        raise meaning(error, backup) from error


# ---------------------------------------------------------------- files


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """A new file in the same folder, that only its owner may read; gone at the end, unless renamed."""
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        yield part
    finally:
        for file in (part, *(part.with_name(part.name + companion) for companion in _COMPANIONS)):
            file.unlink(missing_ok=True)


@contextmanager
def _refused(path: Path) -> Iterator[None]:
    """What the file system refuses, in the store's words."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise StoreFull(f"{path}: no room to write; nothing was changed") from error
        raise StoreError(f"{path}: {error.strerror}") from error


def _make_durable(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _files(path: Path) -> Iterator[Path]:
    for companion in ("", *_COMPANIONS):
        file = path.with_name(path.name + companion)
        with suppress(FileNotFoundError):
            file.stat()
            yield file
