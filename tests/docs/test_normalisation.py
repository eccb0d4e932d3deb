"""The examples in docs/normalisation.md are what the code does."""

from __future__ import annotations

import re

import pytest

from config.observables import TYPES
from normalizers.bad_value import BadValue
from normalizers.patterns import observable, pattern
from normalizers.values import canonical
from tests.docs import pages

PAGE = "docs/normalisation.md"
_SECTION = "Canonical rules"
_BECOMES = re.compile(r"`([^`]+)` → `([^`]+)`")
_REFUSED = re.compile(r"`([^`]+)` is refused")
_STAYS = re.compile(r"`([^`]+)`")

EXAMPLES = [
    (row[0], given, expected)
    for section in pages.sections(PAGE)
    if section.title == _SECTION
    for row in pages.rows(section)
    for given, expected in [
        *_BECOMES.findall(row[2]),
        *((text, "") for text in _REFUSED.findall(row[2])),
        *((text, text) for text in _STAYS.findall(row[2]) if _STAYS.fullmatch(row[2])),
    ]
]


def _kind(cell: str) -> str:
    """The type that an example is read as: that of its row, or where the row is about several, the one of its form."""
    named = pages.codes(cell)
    return named[0] if len(named) == 1 else "any"


def test_every_type_has_its_rules() -> None:
    """Each observable type, and ip:port, stands in the first column of a row."""
    named = {
        code
        for section in pages.sections(PAGE)
        if section.title == _SECTION
        for row in pages.rows(section)
        for code in pages.codes(row[0])
    }
    assert named == {*TYPES, "ip:port"}


def test_there_are_examples_of_each_outcome() -> None:
    """The search for examples finds them, of what becomes something else and of what is refused."""
    assert len(EXAMPLES) > 40
    assert {bool(expected) for _, _, expected in EXAMPLES} == {True, False}


@pytest.mark.parametrize(("cell", "given", "expected"), EXAMPLES)
def test_an_example_holds(cell: str, given: str, expected: str) -> None:
    """A value becomes what the page says, or is refused as it says."""
    kind = _kind(cell)
    if not expected:
        with pytest.raises(BadValue):
            canonical(kind, given)
    else:
        assert canonical(kind, given)[1] == expected


def test_patterns_are_written_as_shown() -> None:
    """Each whole pattern on the page is the canonical one of its value."""
    section = next(item for item in pages.sections(PAGE) if item.title == "Patterns")
    shown = [code for row in pages.rows(section) for code in pages.codes(row[1]) if "…" not in code]
    assert len(shown) >= 6
    assert [pattern(*observable(text)) for text in shown] == shown
