"""The examples in docs/normalisation.md are what the code does."""

from __future__ import annotations

import re

import pytest

from normalizers.bad_value import BadValue
from normalizers.patterns import observable, pattern
from normalizers.values import canonical
from tests.docs import pages

PAGE = "docs/normalisation.md"
KINDS = {"Hosts": "domain", "Addresses and networks": "ip", "URLs": "url"}
_BECOMES = re.compile(r"`([^`]+)` → `([^`]+)`")
_REFUSED = re.compile(r"`([^`]+)` is refused")

EXAMPLES = [
    (KINDS[section.title], given, expected)
    for section in pages.sections(PAGE)
    if section.title in KINDS
    for row in pages.rows(section)
    for given, expected in [
        *_BECOMES.findall(row[1]),
        *((text, "") for text in _REFUSED.findall(row[1])),
    ]
]


def test_there_are_examples_of_each_kind() -> None:
    """The search for examples finds them, of what becomes something else and of what is refused."""
    assert {(kind, bool(expected)) for kind, _, expected in EXAMPLES} == {
        (kind, outcome) for kind in KINDS.values() for outcome in (True, False)
    }


@pytest.mark.parametrize(("kind", "given", "expected"), EXAMPLES)
def test_an_example_holds(kind: str, given: str, expected: str) -> None:
    """A value becomes what the page says, or is refused as it says."""
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
