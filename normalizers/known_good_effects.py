"""What known-good lists make of a merged word in one view. Pure.

``drop``: it is in no collection, and what was published ends. ``hold``: what is published stays as it is, and nothing
new comes. ``lower``: its confidence is bounded. ``label``: it is published as it is. Of several lists the strictest
counts, and each is named in a label.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from normalizers.merge import Merged

Action = Literal["drop", "hold", "lower", "label"]


class Rule(NamedTuple):
    """What one list does in a view."""

    id: str
    #: of the list in the matcher's masks
    bit: int
    action: Action
    #: highest confidence that ``lower`` leaves
    ceiling: int


class Effect(NamedTuple):
    """What the lists that hold an observable do to it together."""

    gate: Literal["", "drop", "hold"]
    ceiling: int
    lists: tuple[str, ...]


class Policy:
    """What known-good lists do in one view, of those that its readers may see.

    ``resting`` are the rules of lists that are set aside there: they do nothing, but for what a person kept out.
    """

    def __init__(self, rules: Iterable[Rule] = (), resting: Iterable[Rule] = ()) -> None:
        self.rules = tuple(rules)
        self._all = (*self.rules, *resting)
        self._acting = sum(rule.bit for rule in self.rules)
        #: of lists that may have anything to say here
        self.mask = sum(rule.bit for rule in self._all)
        self._effects: dict[tuple[int, int], Effect] = {}

    def effect(self, mask: int, kept: int = 0) -> Effect | None:
        """Of the lists in ``mask``; None if none of them acts here. ``kept``: those for which a person says that this
        value is kept out."""
        kept &= mask & self.mask
        acting = mask & self._acting | kept
        if not acting:
            return None
        found = self._effects.get((acting, kept))
        if found is None:
            # As many as there are ways in which lists overlap: few.
            rules = [rule._replace(action="drop") if rule.bit & kept else rule for rule in self._all]
            found = self._effects[acting, kept] = _joined([rule for rule in rules if rule.bit & acting])
        return found

    def applied(self, word: Merged, mask: int, kept: int = 0) -> Merged:
        """The word as the view says it; see :meth:`effect`."""
        effect = self.effect(mask, kept)
        if effect is None:
            return word
        confidence = min(word.confidence, effect.ceiling)
        return word._replace(confidence=confidence, known_good=effect.lists, gate=effect.gate or word.gate)


def _joined(rules: list[Rule]) -> Effect:
    actions = {rule.action for rule in rules}
    gate: Literal["", "drop", "hold"] = "drop" if "drop" in actions else "hold" if "hold" in actions else ""
    ceiling = min((rule.ceiling for rule in rules if rule.action == "lower"), default=100)
    return Effect(gate, ceiling, tuple(sorted(rule.id for rule in rules)))
