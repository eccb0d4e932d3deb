"""Documents of one run that stand apart, and records that an API is asked for one by one: what could not be had, or not
be taken in, is put off and told, and costs the others nothing.

It is asked for again by the next run. So one that is broken for a moment is read when it is whole, and one that is held
when it is right again, or when a person says that it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from collectors import Collected, Document
from collectors.again import put_off
from taxii_server.stores.base import FeedState

#: Documents that are named where several are held.
_NAMED = 3
#: A feed that never had so many may have few of them any day.
_FEW = 20


class Apart:
    """Those of one run."""

    def __init__(self, feed: str) -> None:
        """``feed``: its id."""
        self._feed = feed
        #: place of each that is put off after the page that is being taken in -> None
        self._places: dict[str, None] = {}
        self._broken: list[str] = []
        self._held: list[str] = []
        self._odd: list[str] = []
        #: what is told of their number
        self._shrunk = ""
        #: whether any was taken in
        self.taken = False

    @property
    def met(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.taken or self._broken or self._held or self._shrunk)

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

    def cursor(self, collected: Collected, before: Mapping[str, Any], *, confirmed: bool) -> dict[str, Any]:
        """Where to go on after a page, now that it is known which of its documents were put off. Its member ``most`` is
        how many documents were ever noted, of a cursor ``before`` or now; ``confirmed``: as many as now are right."""
        self._broken += collected.missing.values()
        position = put_off(collected.cursor, [*self._places, *collected.missing])
        self._places.clear()
        if collected.apart:
            noted = collected.noted
            most = noted if confirmed else max(noted, before.get("most", 0))
            position["most"] = most
            few = most >= _FEW and noted * 10 <= most
            right = f"if that is right, run `noroshi collect {self._feed} --confirm`"
            self._shrunk = f"{noted} documents, where there were up to {most}; {right}" if few else ""
        return position

    def told(self, position: Mapping[str, Any], noted: int) -> tuple[str, str, str]:
        """Status of the run, message and what is odd, at a ``position`` that notes so many documents."""
        left = len(position.get("again", ())) - len(self._held)
        out = self._left_out(left, noted)
        shrunk = [self._shrunk] if self._shrunk else []
        odd = "; ".join([*shrunk, *out, *dict.fromkeys(self._odd[:_NAMED])])
        if self._held:
            more = [f"{len(self._held) - _NAMED} more are held"] if len(self._held) > _NAMED else []
            return "held", "; ".join([*self._held[:_NAMED], *more, *out]), odd
        if self._broken and not self.taken and left >= noted:
            return "failed", self._broken[0], odd
        return "ok" if self.taken else "unchanged", odd, odd

    def beside(self, state: FeedState, position: Mapping[str, Any], noted: int) -> FeedState:
        """The ``state`` at the end of a run by pages, with what was left out of them."""
        out = self._left_out(len(position.get("again", ())), noted)
        if not out:
            return state
        # Of pages nothing is odd but this.
        message = "; ".join([state.message, *out]) if state.status == "held" else out[0]
        return replace(state, message=message, odd=out[0])

    def _left_out(self, left: int, noted: int) -> list[str]:
        return [f"{left} of {noted} documents left out: {self._broken[0]}"] if self._broken else []
