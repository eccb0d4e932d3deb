"""Reading documents: a format module turns one into claims and refusals, and says first whether it is whole.

A feed's ``format.kind`` names the module in :mod:`normalizers.formats`, which has one class ``Format``: its fields are
the options that a feed file may give, and it is a :class:`Reading`. A bad value costs its row; an unreadable document
costs the run.
"""

from __future__ import annotations

import pkgutil
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from typing import ClassVar, NamedTuple, Protocol, cast

from pydantic import ValidationError

import normalizers.formats
from collectors.document import Document
from config.audience import Audience
from config.feeds import Feed
from config.problems import Problem, problems
from config.yamlfile import given
from normalizers.bad_value import BadValue
from normalizers.claims import Claim


class UnreadableDocument(Exception):
    """The document is not what the feed says it is, or only a part of it. Nothing of it may be used."""


class UnusableFormat(UnreadableDocument):
    """The feed's ``format`` names no format, or gives it options it does not have. The configuration must change."""

    def __init__(self, feed: str, problems: list[Problem]) -> None:
        said = "; ".join(f"{'.'.join(map(str, problem.loc))}: {problem.said}" for problem in problems)
        super().__init__(f"{feed}: {said}")
        #: with places within the feed
        self.problems = problems


class Refusal(NamedTuple):
    """One row that could not be used, and why. The message holds no key and no personal data."""

    #: line it begins on, from 1; in JSON and XML its place among the records
    line: int
    #: a short stable word to count it under
    reason: str
    message: str
    #: who may know of it, where the row says so itself; None where it is whoever may see what the feed says
    audience: Audience | None = None


class Record(NamedTuple):
    """A row that is known again by its name: a later version of it may say something else, or take it back."""

    #: such as a STIX id
    name: str
    #: what it says; ``version`` is its version, and ``withdrawn`` is set where it is taken back
    claim: Claim
    #: whether it was dated ahead, so that its dates are those of the fetch
    ahead: bool = False

    @property
    def audience(self) -> Audience:
        """Who may see it."""
        return self.claim.audience


class Reading(Protocol):
    """How one feed's documents are read."""

    #: whether rows may say themselves who may see them. Of a document with such rows nothing may be told to one
    #: audience that rows for another may have changed, its own date included.
    marks: ClassVar[bool]

    def read(self, document: Document, feed: Feed) -> Iterator[Claim | Record | Refusal]:
        """Every row as claims (most formats: one) or a refusal, in order. Claims are not rounded. Raises
        :class:`UnreadableDocument`, perhaps only at the end."""

    def check(self, document: Document, feed: Feed) -> Counter[Audience]:
        """Go over the whole document once and give its number of rows by who may see them. Raises
        :class:`UnreadableDocument`."""


def reading(feed: Feed) -> Reading:
    """How the feed's documents are read. Raises :class:`UnusableFormat`."""
    kind = feed.format["kind"]
    known = sorted(module.name for module in pkgutil.iter_modules(normalizers.formats.__path__))
    if kind not in known:
        said = f"expected one of {', '.join(known)}, got {given(kind)}"
        raise UnusableFormat(feed.id, [Problem(("format", "kind"), said)])
    module = import_module(f"normalizers.formats.{kind}")
    if module.Format.marks and feed.batch:
        said = f"the rows of {kind} bear their own dates and markings, so leave it out"
        raise UnusableFormat(feed.id, [Problem(("batch",), said)])
    try:
        return cast(Reading, module.Format.model_validate(feed.format))
    except ValidationError as error:
        found = problems(error, module.Format, feed.format)
        raise UnusableFormat(feed.id, [Problem(("format", *loc), said) for loc, said in found]) from error


def read(document: Document, feed: Feed) -> Iterator[Claim | Record | Refusal]:
    """Read a document as its feed says; see :meth:`Reading.read`."""
    return reading(feed).read(document, feed)


def check(document: Document, feed: Feed) -> Counter[Audience]:
    """The document's number of rows, after a first pass over all of it; see :meth:`Reading.check`."""
    return reading(feed).check(document, feed)


def marks_rows(feed: Feed) -> bool:
    """Whether the feed's rows may say themselves who may see them; see :attr:`Reading.marks`."""
    return reading(feed).marks


def refusal(line: int, error: BadValue, audience: Audience | None = None) -> Refusal:
    """The refusal of a row for a value in it."""
    return Refusal(line, error.reason, str(error), audience)
