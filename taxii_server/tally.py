"""What became of the rows of one run, counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from normalizers.records import Refusal

_EXAMPLES = 20


@dataclass
class Tally:
    """What became of the rows of one run. ``rows == claims + refused + held`` always holds, but for rows that say
    several things (an advisory that names CVEs), which are counted under ``claims`` once for each."""

    rows: int = 0
    claims: int = 0
    #: rows that were not believed, because the document is not normal for those who may see them
    held: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    examples: list[tuple[int, str]] = field(default_factory=list)
    #: claims that are new or changed
    kept: int = 0
    withdrawn: int = 0
    renewed: int = 0
    #: rows among the claims that were dated ahead
    ahead: int = 0
    #: those among them that say of a STIX object that it may be passed on
    passed_on: int = 0
    #: whether the run ended before the feed's pages did
    more: bool = False

    def refuse(self, refusal: Refusal) -> None:
        """Count a refused row and keep it as an example while there are few."""
        self.refused[refusal.reason] += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append((refusal.line, f"{refusal.reason}: {refusal.message}"))

    def counts(self) -> dict[str, int]:
        """As shown by ``noroshi collect`` and ``noroshi feeds``."""
        return {
            "rows": self.rows,
            "claims": self.claims,
            "refused": self.refused.total(),
            "held": self.held,
            "kept": self.kept,
            "withdrawn": self.withdrawn,
            "renewed": self.renewed,
            "ahead": self.ahead,
            "passed_on": self.passed_on,
        }
