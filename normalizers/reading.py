"""Reading documents: a format module turns one into claims and refusals, and says first whether it is whole.

A feed's ``format.kind`` names the module in :mod:`normalizers.formats`, which has one class ``Format``: its fields are
the options that a feed file may give, and it is a :class:`Reading`.
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
from normalizers.claims import Claim
from normalizers.corrections import recorded
from normalizers.familiar import Familiar
from normalizers.records import Record, Refusal, UnreadableDocument, Whole


class UnusableFormat(UnreadableDocument):
    """The feed's ``format`` names no format, or gives it options it does not have. The configuration must change."""

    def __init__(self, feed: str, problems: list[Problem]) -> None:
        said = "; ".join(f"{'.'.join(map(str, problem.loc))}: {problem.said}" for problem in problems)
        super().__init__(f"{feed}: {said}")
        #: with places within the feed
        self.problems = problems


class Reading(Protocol):
    """How one feed's documents are read."""

    #: whether rows may say themselves who may see them. Of a document with such rows nothing may be told to one
    #: audience that rows for another may have changed, its own date included.
    marks: ClassVar[bool]

    def read(self, document: Document, feed: Feed) -> Iterator[Claim | Record | Refusal | Whole]:
        """Every row as claims (most formats: one) or a refusal, in order. Claims are not rounded. Raises
        :class:`UnreadableDocument`, perhaps only at the end."""

    def check(self, document: Document, feed: Feed) -> Counter[Audience]:
        """Go over the whole document once and give its number of rows by who may see them. Raises
        :class:`UnreadableDocument`."""


class PassingReading(Reading, Protocol):
    """The reading of a format with a row a line, each of which says the same wherever it stands."""

    #: whether ``read`` takes a :class:`Familiar`
    passes: ClassVar[bool]

    def read(
        self, document: Document, feed: Feed, familiar: Familiar | None = None
    ) -> Iterator[Claim | Record | Refusal | Whole]:
        """As :meth:`Reading.read`, but for the rows that are ``familiar``."""


class Row(NamedTuple):
    """One row, and how many known ones were passed over before it."""

    passed: int
    #: None after the last row
    item: Claim | Record | Refusal | Whole | None
    #: of its text; b"" where it cannot be known again
    digest: bytes


def reading(feed: Feed) -> Reading:
    """How the feed's documents are read. Raises :class:`UnusableFormat`."""
    kind = feed.format["kind"]
    known = sorted(module.name for module in pkgutil.iter_modules(normalizers.formats.__path__))
    if kind not in known:
        said = f"expected one of {', '.join(known)}, got {given(kind)}"
        raise UnusableFormat(feed.id, [Problem(("format", "kind"), said)])
    module = import_module(f"normalizers.formats.{kind}")
    if feed.format.get("pass_on") and not feed.named:
        said = "what is passed on unchanged tells who said it, and the feed may not be named (named: false)"
        raise UnusableFormat(feed.id, [Problem(("format", "pass_on"), said)])
    if module.Format.marks and feed.batch:
        said = f"the rows of {kind} bear their own dates and markings, so leave it out"
        raise UnusableFormat(feed.id, [Problem(("batch",), said)])
    if module.Format.marks and feed.corrected:
        said = f"the rows of {kind} are known by ids of their own, so leave it out"
        raise UnusableFormat(feed.id, [Problem(("corrected",), said)])
    try:
        return cast(Reading, module.Format.model_validate(feed.format))
    except ValidationError as error:
        found = problems(error, module.Format, feed.format)
        raise UnusableFormat(feed.id, [Problem(("format", *loc), said) for loc, said in found]) from error


def read(document: Document, feed: Feed) -> Iterator[Claim | Record | Refusal]:
    """The rows of a document, read as its feed says; see :meth:`Reading.read`."""
    return (item for item in reading(feed).read(document, feed) if not isinstance(item, Whole))


def read_whole(document: Document, feed: Feed) -> Iterator[Claim | Record | Refusal | Whole]:
    """The rows of a document, and before those of a set what it says of the set; see :meth:`Reading.read`. A file
    that comes again corrected is a set."""
    how = reading(feed)
    return recorded(lambda: how.read(document, feed), document) if feed.corrected else how.read(document, feed)


def passes_rows(feed: Feed) -> bool:
    """Whether rows of the feed can be known before they are parsed; see :meth:`rows`. What a batch brings is sighted
    anew with each edition, so its rows are read, and a corrected file is known by all of them."""
    return bool(getattr(reading(feed), "passes", False)) and not feed.batch and not feed.corrected


def rows(document: Document, feed: Feed, familiar: Familiar | None) -> Iterator[Row]:
    """As :func:`read_whole`, row by row, but for those that are ``familiar``; None where none can be."""
    if familiar is None:
        for item in read_whole(document, feed):
            yield Row(0, item, b"")
        return
    told = 0
    for item in cast(PassingReading, reading(feed)).read(document, feed, familiar):
        passed = familiar.passed
        yield Row(passed - told, item, familiar.digest)
        told = passed
    yield Row(familiar.passed - told, None, b"")


def check(document: Document, feed: Feed) -> Counter[Audience]:
    """The document's number of rows, after a first pass over all of it; see :meth:`Reading.check`."""
    return reading(feed).check(document, feed)


def marks_rows(feed: Feed) -> bool:
    """Whether the feed's rows may say themselves who may see them; see :attr:`Reading.marks`."""
    return reading(feed).marks
