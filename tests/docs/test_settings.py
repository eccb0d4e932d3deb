"""docs/settings.md and docs/adding-a-feed.md describe every field of every model, with its default."""

from __future__ import annotations

import importlib
import pkgutil
import re
from typing import get_args

import pytest
import yaml

import normalizers.formats
from config.entry import Entry
from config.feeds import Expectation, Feed, Publisher
from config.instant import DAY
from config.known_good import Cap, KnownGood
from config.observables import LIFE, PASSED, TYPES
from config.roots import ApiRoot, Collection, Narrowing, ViewEntry
from config.settings import Group, Hub, Settings
from config.transports import Transport
from normalizers.reading import reading
from normalizers.stix import THREATS
from normalizers.times import _DIRECTIVES as DIRECTIVES
from tests.docs import pages
from tests.docs.models import differences, within

SETTINGS = "docs/settings.md"
FEEDS = "docs/adding-a-feed.md"
FORMATS = {
    module.name: importlib.import_module(f"normalizers.formats.{module.name}").Format
    for module in pkgutil.iter_modules(normalizers.formats.__path__)
}
TRANSPORTS = {get_args(model.model_fields["kind"].annotation)[0]: model for model in get_args(get_args(Transport)[0])}


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("hub.yaml", Settings),
        ("hub", Hub),
        ("groups", Group),
        ("api_roots", ApiRoot),
        ("collections", Collection),
        ("view", ViewEntry),
        ("narrow", Narrowing),
    ],
)
def test_settings_are_described(name: str, model: type[Entry]) -> None:
    """Each field of the settings stands in the table of its model with its default and a sentence."""
    assert differences(SETTINGS, model, name) == []


LISTS = "docs/known-good.md"


@pytest.mark.parametrize(("name", "model"), [("known_good", KnownGood), ("cap", Cap)])
def test_lists_are_described(name: str, model: type[Entry]) -> None:
    """Each field of a known-good list stands in the table of its model."""
    assert differences(LISTS, model, name) == []


def test_no_model_of_the_settings_is_left_out() -> None:
    """The models above are all there are, but for those of feeds."""
    held = {model for name, model in within(Settings) if model is not Feed}
    of_feeds = {model for _, model in within(Feed)}
    assert held - of_feeds == {
        Hub,
        Group,
        ApiRoot,
        Collection,
        ViewEntry,
        Narrowing,
        KnownGood,
        Cap,
    }


@pytest.mark.parametrize(("name", "model"), [("feed", Feed), ("publisher", Publisher), ("expect", Expectation)])
def test_feeds_are_described(name: str, model: type[Entry]) -> None:
    """Each field of a feed stands in the table of its model."""
    assert differences(FEEDS, model, name) == []


@pytest.mark.parametrize("kind", TRANSPORTS)
def test_transports_are_described(kind: str) -> None:
    """Each option of a transport stands in its table."""
    assert differences(FEEDS, TRANSPORTS[kind], f"transport: {kind}") == []


@pytest.mark.parametrize("kind", FORMATS)
def test_formats_are_described(kind: str) -> None:
    """Each option of a format stands in its table, and so do those of what its options hold."""
    assert differences(FEEDS, FORMATS[kind], f"format: {kind}") == []
    for name, model in within(FORMATS[kind]):
        assert differences(FEEDS, model, name) == []


def test_no_format_is_described_that_is_not_there() -> None:
    """Headings name formats and transports that exist."""
    named = [code for section in pages.sections(FEEDS) for code in section.names]
    assert {code.removeprefix("format: ") for code in named if code.startswith("format: ")} == FORMATS.keys()
    assert {code.removeprefix("transport: ") for code in named if code.startswith("transport: ")} == TRANSPORTS.keys()


def test_lives_are_described() -> None:
    """The table of lives has every observable type with its default and its longest life."""
    section = next(item for item in pages.sections(FEEDS) if item.names == ("life",))
    shown = {pages.codes(row[0])[0]: (row[1], row[2]) for row in pages.rows(section)}
    assert shown == {kind: (f"{usual // DAY}d", f"{longest // DAY}d") for kind, (usual, longest) in LIFE.items()}
    assert shown.keys() == {*TYPES, PASSED}


def test_threats_are_described() -> None:
    """The table of threats has every word that a feed may use."""
    section = next(item for item in pages.sections(FEEDS) if item.names == ("threat",))
    assert {pages.codes(row[0])[0] for row in pages.rows(section)} == THREATS.keys()


def test_time_forms_are_described() -> None:
    """Every directive of a time form stands on the page."""
    assert all(name in "\n".join(pages.lines(FEEDS)) for name in DIRECTIVES if name != "%%")


EXAMPLES = [block for block in pages.blocks(FEEDS) if block.language == "yaml"]


@pytest.mark.parametrize("block", EXAMPLES, ids=lambda block: block.place)
def test_examples_of_feeds_are_sound(block: pages.Block) -> None:
    """Every YAML example is a feed, or a part of one that makes a feed with the rest of the first example."""
    whole = yaml.safe_load(EXAMPLES[0].text)
    given = yaml.safe_load(block.text)
    feed = Feed.model_validate(given if "id" in given else {**whole, **given})
    assert reading(feed) is not None


def test_every_format_and_transport_has_an_example() -> None:
    """The examples show each format and each transport once at least."""
    text = "\n".join(block.text for block in EXAMPLES)
    kinds = set(re.findall(r"kind: ([a-z]+)", text))
    assert FORMATS.keys() | TRANSPORTS.keys() <= kinds
