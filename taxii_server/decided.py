"""What people decided about values that known-good lists hold: let go, or kept out, each for good."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import orjson

from config.instant import Millis
from taxii_server.stores.base import AuditRecord, Store

#: ``released``: the list does not hold the value; ``kept``: nothing about it comes wherever the list acts, whatever
#: else the list does and be it set aside
Verdict = Literal["released", "kept"]
#: (type, canonical value)
Observable = tuple[str, str]

#: Decisions that are remembered one by one. Whoever has more of them to take changes the list.
MOST = 10_000
_DECIDED = "lists/decided"


class TooMany(Exception):
    """More is decided than is remembered one by one."""


class Decision(NamedTuple):
    """What was decided about one value that one list holds."""

    list: str
    type: str
    value: str
    verdict: Verdict
    at: Millis
    by: str
    why: str


class Decisions:
    """The decisions of one hub, as they were when they were last looked at."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._text: str | None = None
        self._about: dict[Observable, dict[str, Decision]] = {}

    def refresh(self) -> None:
        """Take notice of what was decided elsewhere."""
        text = self._store.value(_DECIDED) or "[]"
        if text != self._text:
            self._text, self._about = text, {}
            for item in orjson.loads(text):
                decision = Decision(*item)
                self._about.setdefault((decision.type, decision.value), {})[decision.list] = decision

    def about(self, kind: str, value: str) -> dict[str, Decision]:
        """By list, what was decided about an observable; empty for nearly every one."""
        if self._text is None:
            self.refresh()
        return self._about.get((kind, value), {})

    def all(self) -> list[Decision]:
        """Every one at present, the latest first."""
        self.refresh()
        found = [decision for by_list in self._about.values() for decision in by_list.values()]
        return sorted(found, key=lambda decision: (-decision.at, decision))

    def decide(
        self, list_id: str, values: Sequence[Observable], verdict: Verdict | None, why: str, audit: AuditRecord
    ) -> None:
        """Remember what ``audit`` tells of: ``values`` are released or kept, or with None it is as if nobody had
        decided. Only within a turn of publishing, so that no two write at once. Raises :class:`TooMany`."""
        known = {(one.list, one.type, one.value): one for one in self.all()}
        for kind, value in values:
            known.pop((list_id, kind, value), None)
            if verdict is not None:
                known[list_id, kind, value] = Decision(list_id, kind, value, verdict, audit.at, audit.actor, why)
        if len(known) > MOST:
            raise TooMany(
                f"expected at most {MOST} decisions about single values, got more; name values under `besides` of the "
                "list, or change the list"
            )
        self._store.set_value(_DECIDED, _text(known.values()), audit)
        self.refresh()


def _text(decisions: Iterable[Decision]) -> str:
    return orjson.dumps([tuple(decision) for decision in sorted(decisions)]).decode()
