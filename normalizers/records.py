"""What comes of reading a document: records and refusals beside claims, or that it cannot be used.

A bad value costs its row; an unreadable document costs the run.
"""

from __future__ import annotations

from typing import NamedTuple

from config.audience import Audience
from config.instant import Millis
from normalizers.bad_value import BadValue
from normalizers.claims import Claim


class UnreadableDocument(Exception):
    """The document is not what the feed says it is, or only a part of it. Nothing of it may be used."""


class Refusal(NamedTuple):
    """One row that could not be used, and why. The message holds no key and no personal data."""

    #: line it begins on, from 1; in JSON and XML its place among the records
    line: int
    #: a short stable word to count it under
    reason: str
    message: str
    #: who may know of it, where the row says so itself; None where it is whoever may see what the feed says
    audience: Audience | None = None
    #: of a record whose source says it no more, or not to us: what an earlier version said is taken back with it
    takes_back: TakenBack | None = None


class TakenBack(NamedTuple):
    """A record that its source says no more."""

    name: str
    #: the version that says so
    version: Millis
    #: as :attr:`Record.edition`
    edition: str = ""


class Record(NamedTuple):
    """A row that is known again by its name: a later version of it may say something else, or take it back."""

    #: such as a STIX id
    name: str
    #: what it says; ``version`` is its version, and ``withdrawn`` is set where it is taken back
    claim: Claim
    #: whether its dates are not its own: it has none, or was dated ahead, so that they are those of its reading
    undated: bool = False
    #: where a record can change without its version, what it was read from: of the same version, what is read from
    #: another edition takes the place of what was known. "" where that cannot be
    edition: str = ""

    @property
    def audience(self) -> Audience:
        """Who may see it."""
        return self.claim.audience


class Whole(NamedTuple):
    """No row, but what a document says of its rows: that these are all the records of a set. What the set held before,
    and holds no more, is taken back, in a log too."""

    #: of the set, such as the uuid of a MISP event
    name: str
    #: names of its records, those included that are refused
    records: tuple[str, ...]
    #: as :attr:`Record.edition`
    edition: str = ""
    #: of the set, where an older one may be read after a later one; that says nothing of what the set holds. 0 where
    #: the set read last counts
    version: Millis = 0


def refusal(line: int, error: BadValue, audience: Audience | None = None) -> Refusal:
    """The refusal of a row for a value in it."""
    return Refusal(line, error.reason, str(error), audience)
