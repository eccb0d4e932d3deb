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
    """What known-good lists do in one view: those that its readers may see, and that are not set aside there."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self.rules = tuple(rules)
        self.mask = sum(rule.bit for rule in self.rules)
        self._effects: dict[int, Effect] = {}

    def effect(self, mask: int) -> Effect | None:
        """Of the lists in ``mask``; None if none of them acts here."""
        acting = mask & self.mask
        if not acting:
            return None
        found = self._effects.get(acting)
        if found is None:
            # As many as there are ways in which lists overlap: few.
            found = self._effects[acting] = _joined([rule for rule in self.rules if rule.bit & acting])
        return found

    def applied(self, word: Merged, mask: int) -> Merged:
        """The word as the view says it."""
        effect = self.effect(mask)
        if effect is None:
            return word
        confidence = min(word.confidence, effect.ceiling)
        return word._replace(confidence=confidence, known_good=effect.lists, gate=effect.gate)


def _joined(rules: list[Rule]) -> Effect:
    actions = {rule.action for rule in rules}
    gate: Literal["", "drop", "hold"] = "drop" if "drop" in actions else "hold" if "hold" in actions else ""
    ceiling = min((rule.ceiling for rule in rules if rule.action == "lower"), default=100)
    return Effect(gate, ceiling, tuple(sorted(rule.id for rule in rules)))
