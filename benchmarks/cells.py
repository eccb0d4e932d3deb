"""What was measured: one cell for each target, size and workload, with a value for every round."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Key(NamedTuple):
    """Where a cell stands in the tables."""

    workload: str
    #: objects in the collection
    size: int
    target: str


@dataclass(slots=True)
class Cell:
    """The values of one key, in the workload's unit, and what has to be said about them."""

    values: list[float] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def median(self) -> float | None:
        """The middle of the rounds; None when nothing could be measured."""
        return statistics.median(self.values) if self.values else None


class Cells:
    """All the cells of a run."""

    def __init__(self) -> None:
        self.of: dict[Key, Cell] = {}

    def add(self, key: Key, value: float | None, *notes: str) -> None:
        """One round's value, or None and the reason in a note. The same note is kept once."""
        cell = self.of.setdefault(key, Cell())
        if value is not None:
            cell.values.append(value)
        cell.notes.extend(note for note in notes if note and note not in cell.notes)

    def median(self, workload: str, size: int, target: str) -> float | None:
        """The median of a cell; None when there is none."""
        cell = self.of.get(Key(workload, size, target))
        return cell.median if cell else None

    def ratio(self, workload: str, size: int, target: str, other: str) -> float | None:
        """How many times ``other``'s median ``target``'s is."""
        mine, theirs = self.median(workload, size, target), self.median(workload, size, other)
        return mine / theirs if mine is not None and theirs else None

    def as_json(self) -> list[dict[str, Any]]:
        """Everything, for keeping."""
        return [{**key._asdict(), "values": cell.values, "notes": cell.notes} for key, cell in self.of.items()]

    @classmethod
    def from_json(cls, rows: Iterable[dict[str, Any]]) -> Cells:
        """What :meth:`as_json` gave."""
        cells = cls()
        for row in rows:
            key = Key(row["workload"], row["size"], row["target"])
            cells.of[key] = Cell(list(row["values"]), list(row["notes"]))
        return cells
