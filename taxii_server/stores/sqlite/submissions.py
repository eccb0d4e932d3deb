"""Submissions in SQLite."""

from __future__ import annotations

from typing import Any

import orjson

from config.instant import Micros
from taxii_server.stores.base import AuditRecord, Submission
from taxii_server.stores.sqlite.audits import add_audit
from taxii_server.stores.sqlite.database import Database

_COLUMNS = "id, root, collection, user, organisation, received, state, original, verdicts, body"
_ADD = f"""
    INSERT INTO submission ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO NOTHING
"""  # noqa: S608
_SAVE = f"""
    INSERT INTO submission ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET root = excluded.root, collection = excluded.collection, user = excluded.user,
        organisation = excluded.organisation, received = excluded.received, state = excluded.state,
        original = excluded.original, verdicts = excluded.verdicts, body = excluded.body
"""  # noqa: S608
_READ = f"SELECT {_COLUMNS} FROM submission"  # noqa: S608
_DROP = """
    UPDATE submission SET original = 0, verdicts = '[]', body = x''
    WHERE state = 'complete' AND original AND received < ?
"""


class SqliteSubmissions:
    """The part of the store that keeps what publishers posted."""

    _database: Database

    def add_submission(self, submission: Submission, audit: AuditRecord | None = None) -> None:
        """See :class:`taxii_server.stores.base.Store`, as for all methods here."""
        with self._database.writing() as connection:
            if connection.execute(_ADD, _row(submission)).rowcount:
                add_audit(connection, audit)

    def submission(self, submission_id: str) -> Submission | None:
        for row in self._database.rows(f"{_READ} WHERE id = ?", (submission_id,)):
            return _submission(row)
        return None

    def pending_submissions(self, limit: int = 100) -> list[Submission]:
        sql = f"{_READ} WHERE state = 'pending' ORDER BY received, id LIMIT ?"
        return [_submission(row) for row in self._database.rows(sql, (limit,))]

    def count_pending(self) -> int:
        count: int = self._database.rows("SELECT count(*) FROM submission WHERE state = 'pending'")[0][0]
        return count

    def save_submission(self, submission: Submission) -> None:
        self._database.write(_SAVE, _row(submission))

    def retain_submissions(self, received_before: Micros) -> int:
        return self._database.write(_DROP, (received_before,))


def _row(submission: Submission) -> tuple[Any, ...]:
    return (
        submission.id,
        submission.root,
        submission.collection,
        submission.user,
        submission.organisation,
        submission.received,
        submission.state,
        bool(submission.body or submission.verdicts),
        orjson.dumps(submission.verdicts),
        submission.body,
    )


def _submission(row: Any) -> Submission:
    id_, root, collection, user, organisation, received, state, _, verdicts, body = row
    return Submission(
        id=id_,
        root=root,
        collection=collection,
        user=user,
        organisation=organisation,
        received=received,
        body=bytes(body),
        state=state,
        verdicts=tuple(orjson.loads(verdicts)),
    )
