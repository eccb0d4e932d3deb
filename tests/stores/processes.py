"""What the processes of the fault tests run. They speak by lines on standard output.

python -m tests.stores.processes WHAT FOLDER ...
"""

from __future__ import annotations

import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from config.instant import system_clock
from taxii_server.stores import open_store
from taxii_server.stores.base import AuditRecord, Store, StoreBusy, StoreFull, Submission, User
from taxii_server.stores.sqlite import settling
from tests.stores.making import COLLECTION, VIEW, claim, key_of, publication, row


def say(*words: object) -> None:
    print(*words, flush=True)


def patiently(step: Callable[[], object]) -> None:
    """Busy means: try again later."""
    while True:
        try:
            step()
            return
        except StoreBusy:
            continue


def write(store: Store, first: str, count: str) -> None:
    """Publish ``count`` objects in calls of few, some of them in a second version, from a clock that jumps about."""
    settling.SETTLE_AFTER = 50
    say("ready")
    numbers = list(range(int(first), int(first) + int(count)))
    for start in range(0, len(numbers), 7):
        piece = numbers[start : start + 7]
        # Every writer's clock is wrong in another way.
        now = system_clock() + (int(first) % 5 - 2) * 3_600_000_000
        patiently(lambda piece=piece, now=now: store.publish([publication(n) for n in piece], now))  # type: ignore[misc]
        again = [publication(number, 2, seen=1) for number in piece[::3]]
        patiently(lambda again=again, now=now: store.publish(again, now))  # type: ignore[misc]
    say("done")


def crash(store: Store, first: str) -> None:
    """Write for ever, and say what was accepted, until killed."""
    settling.SETTLE_AFTER = 20
    number = int(first)
    say("ready")
    while True:
        batch = range(number, number + 5)
        said = [row(claim(str(each), version=each), renew_at=each) for each in batch]
        store.put_claims(said)
        store.publish([publication(each, collections=(COLLECTION, "other")) for each in batch], system_clock())
        store.publish([publication(number, 2, seen=1)], system_clock())
        store.add_submission(
            Submission(
                id=str(number), root="r", collection="c", user="u", organisation="o", received=number, body=b"x" * 500
            )
        )
        say(number)
        number += 5


def decide(store: Store, first: str) -> None:
    """Make decisions for ever, each with its record, until killed."""
    number = int(first)
    say("ready")
    while True:
        name = str(number)
        store.save_user(User(name=name, organisation="o", groups=()), audit_of("user", name))
        store.publish([publication(number), publication(number + 1)], system_clock(), audit_of("publish", name))
        store.delete(COLLECTION, VIEW, key_of(number), None, system_clock(), audit_of("delete", name))
        posted = Submission(
            id=name, root="r", collection="c", user="u", organisation="o", received=number, body=b"x" * 500
        )
        store.add_submission(posted, audit_of("submission", name))
        say(number)
        number += 2


def audit_of(action: str, subject: str) -> AuditRecord:
    return AuditRecord(1, "somebody", action, subject, {})


def fill(store: Store, room: str) -> None:
    """Write until there is no more room than ``room`` bytes to a file; then show that the store still answers."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(room), int(room)))
    number = 0
    while True:
        try:
            store.publish([publication(number + each, body=b"x" * 2_000) for each in range(100)], 1)
        except StoreFull:
            break
        number += 100
    say(number, store.counts().get(COLLECTION, 0))


def backup(store: Store, room: str) -> None:
    """Back up where there is no more room than ``room`` bytes to a file."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(room), int(room)))
    try:
        store.backup(Path(sys.argv[2]) / "backup.db")
    except StoreFull:
        say("full")


def hold(store: Store) -> None:
    """Hold the write lock until a line comes in."""
    with store._database.writing() as connection:  # type: ignore[attr-defined]
        connection.execute("INSERT INTO remembered VALUES ('held', 'yes')")
        say("ready")
        sys.stdin.readline()


def open_only(store: Store) -> None:
    """Open the store, use it once, and hold it open until a line comes in."""
    say(store.secret("x").hex())
    sys.stdin.readline()


if __name__ == "__main__":
    _, what, folder, *rest = sys.argv
    opened = open_store("sqlite:hub.db", Path(folder))
    steps: dict[str, Callable[..., None]] = {
        "write": write,
        "crash": crash,
        "decide": decide,
        "fill": fill,
        "backup": backup,
        "hold": hold,
        "open": open_only,
    }
    steps[what](opened, *rest)
    opened.close()
