"""The record of a write or a decision."""

from __future__ import annotations

from typing import Any, NamedTuple

from config.instant import Millis


class AuditRecord(NamedTuple):
    """One write or decision."""

    at: Millis
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]

    def counting(self, entries: int) -> AuditRecord:
        """The record as it is written, with how many entries were added or removed."""
        return self._replace(detail={**self.detail, "entries": entries})
