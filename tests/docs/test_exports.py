"""The tables in docs/exports.md are what the code does."""

from __future__ import annotations

import re

from taxii_server.exports.choosing import PRESETS, wanted
from taxii_server.exports.forms import FORMS
from tests.docs import pages

PAGE = "docs/exports.md"
FORMATS, QUERY, DEVICES = (
    pages.rows(next(item for item in pages.sections(PAGE) if item.title == title))
    for title in ("Exports: lists, rules and zones for devices that speak no TAXII", "What to ask for", "Presets")
)


def test_every_format_is_told() -> None:
    """And no other."""
    assert [name for row in FORMATS for name in pages.codes(row[0])] == list(FORMS)


def test_every_type_that_is_told_can_be_asked_for() -> None:
    """None is refused, and the groups stand for others that are told."""
    [types] = [pages.codes(row[1]) for row in QUERY if row[0] == "`type`"]
    single = [name for name in types if name not in ("ip", "hash")]
    assert wanted([("type", ",".join(types))]) == wanted([("type", ",".join(single))])


def test_presets_are_as_told() -> None:
    """The same types, and the same limit."""
    told = {}
    for (name,), types, most in ((pages.codes(row[0]), pages.codes(row[1]), row[2]) for row in DEVICES):
        asked = wanted([("type", ",".join(types)), ("limit", re.findall("[0-9]+", most)[0])])
        told[name] = asked
    assert told == {name: preset._replace(bare=False) for name, preset in PRESETS.items()}
