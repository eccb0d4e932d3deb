"""The audit log: a record and what it records are written in one step, so neither is there without the other."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from taxii_server.stores import open_store
from taxii_server.stores.base import AuditRecord, Store, StoreError, Submission, Token, User
from taxii_server.stores.sqlite import SqliteStore
from tests.stores.making import ALL, COLLECTION, VIEW, claim, key_of, publication, row, told
from tests.stores.running import line, running

NOW = 1_800_000_000_000_000
RECORD = AuditRecord(NOW // 1_000, "somebody", "decided", "something", {"why": "so"})
COUNTED = RECORD._replace(detail={"why": "so", "entries": 1})
SUBMISSION = Submission(id="1", root="r", collection="c", user="u", organisation="o", received=1, body=b"{}")

Call = Callable[[Store], object]
#: what is decided -> the call, whether it has been done, the table that it writes to, and its record
DECISIONS: dict[str, tuple[Call, Callable[[Store], bool], str, AuditRecord]] = {
    "a user": (
        lambda store: store.save_user(User(name="u", organisation="o", groups=()), RECORD),
        lambda store: store.user("u") is not None,
        "person",
        RECORD,
    ),
    "a token": (
        lambda store: store.save_token(Token(id="t", user="u", digest=b"d" * 32), RECORD),
        lambda store: store.tokens() != [],
        "token",
        RECORD,
    ),
    "a submission": (
        lambda store: store.add_submission(SUBMISSION, RECORD),
        lambda store: store.submission("1") is not None,
        "submission",
        RECORD,
    ),
    "a value": (
        lambda store: store.set_value("terms/feed", "clear", RECORD),
        lambda store: store.value("terms/feed") is not None,
        "remembered",
        RECORD,
    ),
    "a ruling": (
        lambda store: store.put_claims([row(claim())], audit=RECORD),
        lambda store: store.claims([claim().key]) != {},
        "claim",
        RECORD,
    ),
    "a publication": (
        lambda store: store.publish([publication(2)], NOW, RECORD),
        lambda store: (2, publication(2).version) in told(store),
        "entry",
        COUNTED,
    ),
    "a deletion": (
        lambda store: store.delete(COLLECTION, VIEW, key_of(1), None, NOW, RECORD),
        lambda store: (1, publication(1).version) not in told(store, versions=ALL),
        "entry",
        COUNTED,
    ),
}
each_decision = pytest.mark.parametrize(("decide", "done", "table", "record"), DECISIONS.values(), ids=DECISIONS.keys())


@each_decision
def test_what_is_decided_is_recorded(
    store: Store, decide: Call, done: Callable[[Store], bool], table: str, record: AuditRecord
) -> None:
    """One record for one decision, with how many entries it was where it is about entries."""
    store.publish([publication(1)], NOW)
    assert not done(store)
    decide(store)
    assert done(store)
    assert store.audit_log() == [record]


def test_what_changes_nothing_is_not_recorded(store: Store) -> None:
    """A repetition, a conflict, and what is not there to be deleted."""
    store.publish([publication(1)], NOW)
    store.add_submission(SUBMISSION)
    assert store.publish([publication(1)], NOW, RECORD) == ["unchanged"]
    assert store.publish([publication(1, 3, seen=2)], NOW, RECORD) == ["conflict"]
    assert store.publish([], NOW, RECORD) == []
    assert store.delete(COLLECTION, VIEW, key_of(9), None, NOW, RECORD) == 0
    assert store.delete("nowhere", VIEW, key_of(1), None, NOW, RECORD) == 0
    store.add_submission(SUBMISSION, RECORD)
    store.put_claims([row(claim())])
    assert store.put_claims([row(claim())], audit=RECORD) == 0
    assert store.audit_log() == []
    assert store.publish([publication(1), publication(5), publication(6)], NOW, RECORD).count("published") == 2
    assert [record.detail["entries"] for record in store.audit_log()] == [2]


@each_decision
@pytest.mark.parametrize("broken", ["audit", "the decision"])
def test_neither_is_there_without_the_other(
    tmp_path: Path,
    decide: Call,
    done: Callable[[Store], bool],
    table: str,
    record: AuditRecord,
    broken: str,
) -> None:
    """Where the one cannot be written, the other is undone; afterwards both can be."""
    where = "audit" if broken == "audit" else table
    with closing(SqliteStore(tmp_path / "hub.db")) as store:
        store.publish([publication(1)], NOW)
        for what in ("INSERT", "UPDATE", "DELETE"):
            _sql(store, f"CREATE TRIGGER no_{what} AFTER {what} ON {where} BEGIN SELECT raise(ABORT, 'broken'); END")
        with pytest.raises(StoreError, match="broken"):
            decide(store)
        assert not done(store)
        assert store.audit_log() == []
        for what in ("INSERT", "UPDATE", "DELETE"):
            _sql(store, f"DROP TRIGGER no_{what}")
        decide(store)
        assert done(store)
        assert store.audit_log() == [record]


def _sql(store: SqliteStore, statement: str) -> None:
    with store._database.writing() as connection:
        connection.execute(statement)


@pytest.mark.parametrize("rounds", [6, pytest.param(60, marks=pytest.mark.long)])
def test_kill_9_leaves_no_decision_without_its_record(tmp_path: Path, rounds: int) -> None:
    """Whenever the writer is killed, the log tells exactly what is in the store."""
    chance = random.Random(8)
    for number in range(rounds):
        with running("decide", tmp_path, number * 1_000_000) as writer:
            assert line(writer) == "ready"
            for _ in range(chance.randint(1, 12)):
                line(writer)
            writer.send_signal(signal.SIGKILL)
            writer.communicate()
        with closing(open_store("sqlite:hub.db", tmp_path)) as store:
            _check_log(store)


def _check_log(store: Store) -> None:
    log = store.audit_log(1_000_000)
    said = {action: {int(item.subject) for item in log if item.action == action} for action in {r.action for r in log}}
    assert sum(map(len, said.values())) == len(log)
    assert {int(user.name) for user in store.users()} == said["user"]
    assert {int(item.id) for item in store.pending_submissions(1_000_000)} == said["submission"]
    there = {number for number, _ in told(store, limit=1_000_000)}
    assert {number for number in there if number % 2 == 0} == said["publish"] - said["delete"]
    assert {number - 1 for number in there if number % 2} == said["publish"]
