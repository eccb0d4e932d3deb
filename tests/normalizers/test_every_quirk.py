"""Every quirk that real feeds were found to have is tested by name, somewhere under tests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

#: Time, identity and duplicates, URLs and hosts, personal data, CSV and text, XML and JSON: the ids under which the
#: quirks of real feeds were written down.
QUIRKS = (
    *(f"t{number}" for number in range(1, 8)),
    *(f"i{number}" for number in range(1, 9)),
    *(f"u{number}" for number in range(1, 10)),
    "pii",
    *(f"c{number}" for number in range(1, 16)),
    *(f"x{number}" for number in range(1, 11)),
)

_TESTS = Path(__file__).parents[1]
_NAMED = re.compile(r"^def test_q_([a-z]+[0-9]*)_", re.MULTILINE)
NAMED = {name for path in _TESTS.rglob("test_*.py") for name in _NAMED.findall(path.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("quirk", QUIRKS)
def test_a_quirk_has_a_test(quirk: str) -> None:
    """A function whose name begins with its id."""
    assert quirk in NAMED


def test_no_test_is_named_after_a_quirk_that_is_none() -> None:
    """A slip in a name would hide that a quirk has no test."""
    assert set(QUIRKS) >= NAMED
