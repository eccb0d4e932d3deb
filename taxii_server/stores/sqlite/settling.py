"""The move of recent index rows into the settled tables; see schema_1.sql."""

from __future__ import annotations

import sqlite3
from typing import Literal

#: Rows that a recent table takes before it moves. More make the move cheaper for each row, and each batch dearer.
SETTLE_AFTER = 65_536

Index = Literal["claim", "object"]

_MOVES: dict[Index, tuple[str, ...]] = {
    "claim": (
        "INSERT INTO claim_settled SELECT key, id FROM claim_recent ORDER BY key, id",
        "DELETE FROM claim_recent",
    ),
    "object": (
        "INSERT INTO object_settled SELECT uuid, id FROM object_recent ORDER BY uuid, id",
        "DELETE FROM object_recent",
    ),
}


def settle(connection: sqlite3.Connection, index: Index, added: int) -> None:
    """Count rows that a recent table took in this transaction, and move it when it is full."""
    if not added:
        return
    ((pending,),) = connection.execute(
        "UPDATE settling SET pending = pending + ? WHERE name = ? RETURNING pending", (added, index)
    ).fetchall()
    if pending >= SETTLE_AFTER:
        for statement in _MOVES[index]:
            connection.execute(statement)
        connection.execute("UPDATE settling SET pending = 0 WHERE name = ?", (index,))
