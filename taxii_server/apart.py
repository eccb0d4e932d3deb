"""Documents of one run that stand apart: what could not be taken in of them is put off and told, and costs the others
nothing.

It is asked for again by the next run. So one that is broken for a moment is read when it is whole, and one that is held
when it is right again, or when a person says that it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from collectors import Collected, Document
from collectors.again import put_off
from taxii_server.stores.base import FeedState

#: Documents that are named where several are held.
_NAMED = 3


class Apart:
    """Those of one run."""

    def __init__(self) -> None:
        #: place of each that is put off after the page that is being taken in -> None
        self._places: dict[str, None] = {}
        self._broken: list[str] = []
        self._held: list[str] = []
        self._odd: list[str] = []
        #: whether any was taken in
        self.taken = False

    @property
    def met(self) -> bool:
        """Whether there was any."""
        return bool(self.taken or self._broken or self._held)

    def broken(self, document: Document, why: str) -> None:
        """It cannot be read."""
        self._places[document.place] = None
        self._broken.append(why)

    def took(self, document: Document, state: FeedState) -> None:
        """It was taken in; ``state`` says how: it may be held, by some or by all."""
        said = f"{document.name}: {state.message}"
        if state.status == "held":
            self._places[document.place] = None
            self._held.append(said)
            return
        self.taken = True
        if state.message:
            self._odd.append(said)

    def cursor(self, collected: Collected) -> dict[str, Any]:
        """Where to go on after a page, now that it is known which of its documents were put off."""
        self._broken += collected.missing.values()
        position = put_off(collected.cursor, [*self._places, *collected.missing])
        self._places.clear()
        return position

    def told(self, position: Mapping[str, Any], noted: int) -> tuple[str, str, str]:
        """Status of the run, message and what is odd, at a ``position`` that notes so many documents."""
        left = len(position.get("again", ())) - len(self._held)
        out = [f"{left} of {noted} documents left out: {self._broken[0]}"] if self._broken else []
        odd = "; ".join([*out, *dict.fromkeys(self._odd[:_NAMED])])
        if self._held:
            more = [f"{len(self._held) - _NAMED} more are held"] if len(self._held) > _NAMED else []
            return "held", "; ".join([*self._held[:_NAMED], *more, *out]), odd
        if self._broken and not self.taken and left >= noted:
            return "failed", self._broken[0], odd
        return "ok" if self.taken else "unchanged", odd, odd
