"""Wrong settings are told in sentences of our own: the file, the line, the key, what was given, what was expected."""

from __future__ import annotations

import copy
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel

import normalizers.formats
from config.loading import load, load_feed, shipped
from config.problems import PATTERNS
from config.settings import Settings
from config.yamlfile import SettingsError
from taxii_server.opening import check_feeds
from tests.docs.models import within

#: a small hub, with the line of each key for the table below
HUB = """\
hub:
  name: hub.example
  title: Hub
  namespace: 4ab14efb-cfa6-4360-a72b-4899971aca94
groups:
  members: {title: Members, clearance: green}
api_roots:
  - path: public
    title: Public
    collections:
      - id: eb8df4a3-323e-4a81-b4c5-93e278993f8c
        title: All
        kind: merged
        view: {audience: clear}
        read: [anyone]
feeds:
  - openphish
  - ./own.yaml
  - {use: ./own.yaml, id: third}
"""
FEED = """\
id: own
title: A list
carries: URLs
publisher: {name: P, country: JP, homepage: "https://p.example/"}
transport:
  kind: http
  url: https://p.example/list.txt
format:
  kind: text
  type: url
marking: TLP:CLEAR
share: public
reliability: 50
kind: log
"""
#: pydantic's words, and Python's, which nobody at a terminal should have to read
RAW = re.compile(
    r"[Ii]nput|[Vv]alue error|valid (?!UUID)|pydantic|NoneType|should (be|match|have)|\bstr\b|\bdict\b|\bint\b"
)


def _told(folder: Path, hub: str, feed: str = FEED) -> str:
    """What is said about these files, without the folder's name."""
    path = folder / "hub.yaml"
    path.write_text(hub)
    (folder / "own.yaml").write_text(feed)
    with pytest.raises(SettingsError) as error:
        check_feeds(load(path), path)
    return str(error.value).replace(f"{folder}/", "")


def test_the_files_of_the_table_are_sound(tmp_path: Path) -> None:
    """What is wrong below is what each row makes wrong."""
    (tmp_path / "hub.yaml").write_text(HUB)
    (tmp_path / "own.yaml").write_text(FEED)
    settings = load(tmp_path / "hub.yaml")
    check_feeds(settings, tmp_path / "hub.yaml")
    assert [feed.id for feed in settings.feeds] == ["openphish", "own", "third"]


UUID = "a UUID such as 4ab14efb-cfa6-4360-a72b-4899971aca94"
SHORT = "up to 61 of a-z, 0-9, . and -, beginning with a letter or digit"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("  title: Hub", "  titel: Hub", "hub.yaml:1: hub.title: is needed, and missing\n"
         "hub.yaml:3: hub.titel: unknown key; did you mean title?"),
        ("  title: Hub", "  title: 2026-11-01",
         "hub.yaml:3: hub.title: expected text, got 2026-11-01; put it in quotes"),
        ("  title: Hub", "  title: yes", "hub.yaml:3: hub.title: expected text, got true; put it in quotes"),
        ("  title: Hub", "  title: [Hub]", "hub.yaml:3: hub.title: expected text, got a list"),
        ("  title: Hub", "  title:", "hub.yaml:3: hub.title: expected text, got nothing"),
        ("hub.example", "My Hub", f"hub.yaml:2: hub.name: expected {SHORT}, got 'My Hub'"),
        ("namespace: 4ab1", "namespace: xab1", f"hub.yaml:4: hub.namespace: expected {UUID}, got "
         "'xab14efb-cfa6-4360-a72b-4899971aca94'"),
        ("namespace: 4ab14efb-cfa6-4360-a72b-4899971aca94", "namespace: 7",
         f"hub.yaml:4: hub.namespace: expected {UUID}, got 7"),
        ("groups:\n", "groups: [a]\nx:\n", "hub.yaml:5: groups: expected a mapping, got a list\n"
         "hub.yaml:6: x: unknown key; expected one of api_roots, collector_contact, data, default_root, feeds, groups, "
         "hub, known_good, password_cache, store, submissions_for, superseded_for, tolerated_skew"),
        ("title: Members, clear", "title: Members, trusted: perhaps, clear",
         "hub.yaml:6: groups.members.trusted: expected true or false, got 'perhaps'"),
        ("green", "grin", "hub.yaml:6: groups.members: expected an audience such as clear, green, amber:GROUP, "
         "amber+strict:GROUP or internal, got 'grin'"),
        ("api_roots:\n", "api_roots: []\nx:\n", "hub.yaml:7: api_roots: expected a list of 1 or more, got a list\n"
         "hub.yaml:8: x: unknown key; expected one of"),
        ("title: Public\n", "title: Public\n    max_page: 0\n",
         "hub.yaml:10: api_roots.0.max_page: expected 1 or more, got 0"),
        ("title: Public\n", "title: Public\n    max_page: many\n",
         "hub.yaml:10: api_roots.0.max_page: expected a whole number, got 'many'"),
        ("title: Public\n", "title: Public\n    max_page: 1.5\n",
         "hub.yaml:10: api_roots.0.max_page: expected a whole number, got 1.5"),
        ("kind: merged", "kind: merge", "hub.yaml:13: api_roots.0.collections.0.kind: expected 'merged', 'shared' or "
         "'submissions', got 'merge'"),
        ("read: [anyone]", "read: anyone",
         "hub.yaml:15: api_roots.0.collections.0.read: expected a list, got 'anyone'"),
        ("read: [anyone]", "read: [1]",
         "hub.yaml:15: api_roots.0.collections.0.read.0: expected text, got 1; put it in quotes"),
        ("eb8df4a3-323e-4a81", "eb8df4a3-323e-1a81", "hub.yaml:11: api_roots.0.collections.0: collection id: TAXII 2.1 "
         "section 2 asks for a version 4 UUID, got eb8df4a3-323e-1a81-b4c5-93e278993f8c"),
        ("read: [anyone]", "read: [strangers]", "hub.yaml:1: All: no group is called 'strangers'"),
        ("feeds:\n", "store: postgres:x\nfeeds:\n",
         "hub.yaml:16: store: expected sqlite:FILE or memory:, got 'postgres:x'"),
        ("feeds:\n", "data: [x]\nfeeds:\n", "hub.yaml:16: data: expected a path, got a list"),
        ("feeds:\n", "superseded_for: 7\nfeeds:\n", "hub.yaml:16: superseded_for: expected a length of time such as "
         "15m, 12h or 90d, got 7; did you mean 7d?"),
        ("feeds:\n", "superseded_for: {}\nfeeds:\n", "hub.yaml:16: superseded_for: expected a length of time such as "
         "15m, 12h or 90d, got a mapping"),
        ("feeds:\n", "5: x\nfeeds:\n", "hub.yaml:16: 5: expected keys that are text, got 5"),
        ("feeds:\n", "extends: base.yaml\nfeeds:\n",
         "hub.yaml:16: extends: expected a file, and there is none at base.yaml"),
        ("feeds:\n", "extends: [x]\nfeeds:\n", "hub.yaml:16: extends: expected a path, got a list"),
        ("feeds:\n", "feeds: openphish\nx:\n", "hub.yaml:16: feeds: expected a list, got 'openphish'"),
        ("- openphish", "- openphisch", "hub.yaml:16: feeds: no shipped feed is called 'openphisch'; expected one of"),
        ("- openphish", "- ./none.yaml", "hub.yaml:16: feeds: expected a file, and there is none at none.yaml"),
        ("- openphish", "- 7", "hub.yaml:16: feeds: expected names, paths or mappings, got 7"),
        ("- openphish", "- {}", "hub.yaml:17: feeds.0.id: is needed, and missing"),
        ("- openphish", "- {use: openphish, every: 2}", "hub.yaml:17: feeds.0.every: expected a length of time such as "
         "15m, 12h or 90d, got 2; did you mean 2d?"),
        ("- openphish", "- {use: openphish, transport: {kind: ftp}}",
         "hub.yaml:17: feeds.0.transport: expected a kind of 'http', 'file', 'taxii', 'github', 'misp', 'linked', "
         "'paged', got 'ftp'"),
        ("- openphish", "- {use: openphish, transport: {}}",
         "hub.yaml:17: feeds.0.transport: expected a mapping with a kind, got a mapping"),
        ("- openphish", "- {use: openphish, format: {kind: csv, fields: {value: v, type: [x]}}}",
         "hub.yaml:17: feeds.0.format.fields.type: expected text or a mapping, got a list"),
        ("\n", "\n  more: [\n", "hub.yaml:4: not readable as YAML: expected ',' or ']', but got ':'"),
        ("hub:", "hub: {}\nhub:", "hub.yaml:2: not readable as YAML: the key 'hub' is given twice in one mapping"),
        ("hub:", "? [a]\n: b\nhub:", "hub.yaml:1: not readable as YAML: a key is no text"),
        ("Hub", "H\x07b", "hub.yaml: not readable as YAML: expected UTF-8 without control characters"),
        ("Hub", "[" * 3_000, "hub.yaml: not readable as YAML: nested too deeply"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_hub_is_told(tmp_path: Path, old: str, new: str, said: str) -> None:
    """The file, the line, the key, what was given and what was expected, for every kind of mistake."""
    assert old in HUB
    told = _told(tmp_path, HUB.replace(old, new, 1))
    assert told.startswith(said)
    assert not RAW.search(told)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("id: own", "id: Own", "own.yaml:1: id: expected 2 to 60 of a-z, 0-9 and -, beginning with a letter or digit, "
         "got 'Own'"),
        ("country: JP", "country: Japan",
         "own.yaml:4: publisher.country: expected a country's code of two capitals, such as JP, got 'Japan'"),
        ("country: JP", "country: NO",
         "own.yaml:4: publisher.country: expected text, got false; put it in quotes"),
        ("url: https:", "url: ftp:", "own.yaml:7: transport.url: expected a URL that begins with http:// or https://, "
         "got 'ftp://p.example/list.txt'"),
        ("kind: http", "kind: http\n  retries: 99", "own.yaml:7: transport.retries: expected 10 or less, got 99"),
        ("kind: http", "kind: http\n  timeot: 9s", "own.yaml:7: transport.timeot: unknown key; did you mean timeout?"),
        ("TLP:CLEAR", "TLP:RED", "own.yaml:11: marking: expected 'TLP:CLEAR', 'TLP:GREEN', 'TLP:AMBER' or "
         "'TLP:AMBER+STRICT', got 'TLP:RED'"),
        ("reliability: 50", "reliability: high", "own.yaml:13: reliability: expected a whole number, got 'high'"),
        ("reliability: 50", "key: my key\nreliability: 50",
         "own.yaml:13: key: expected the name of an environment variable, of A-Z, 0-9 and _, got 'my key'"),
        ("reliability: 50", "expect: {refused: .nan}\nreliability: 50",
         "own.yaml:13: expect.refused: expected"),
        ("reliability: 50", "life: {url: 999d}\nreliability: 50", "own.yaml:1: life of url: at most 180d, got 999d"),
        ("  kind: text", "  kind: txt", "own.yaml:9: format.kind: expected one of asciidoc, csaf, csv"),
        ("  type: url", "  typ: url", "own.yaml:8: format.type: is needed, and missing\n"
         "own.yaml:10: format.typ: unknown key; did you mean type?"),
        ("  type: url", "  type: ja4", "own.yaml:10: format.type: expected one of "),
        ("  type: url", "  type: url\n  comments: '#'", "own.yaml:11: format.comments: expected a list, got '#'"),
        ("format:\n", "format: text\nx:\n", "own.yaml:8: format: expected a mapping, got 'text'"),
        ("id: own", "- id", "own.yaml:"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_feed_is_told_with_its_own_file(tmp_path: Path, old: str, new: str, said: str) -> None:
    """A mistake in a feed's file is told with that file's name and line, whichever hub names it."""
    assert old in FEED
    feed = FEED.replace(old, new, 1)
    told = _told(tmp_path, HUB, feed)
    assert told.startswith(said)
    assert not RAW.search(told)
    if "format." not in said:  # the format is looked at later
        with pytest.raises(SettingsError, match=re.escape(said)):
            load_feed(tmp_path / "own.yaml")


def test_a_replaced_key_is_told_with_the_file_that_replaces_it(tmp_path: Path) -> None:
    """Of a feed with `use:`, what the hub's file says is wrong there, and what the feed's file says is wrong there."""
    hub = HUB.replace("id: third", "id: third, share: everyone")
    told = _told(tmp_path, hub, FEED.replace("reliability: 50", "reliability: 500"))
    assert told == (
        "own.yaml:13: reliability: expected 100 or less, got 500\n"
        "hub.yaml:19: feeds.2.share: expected 'public', 'members' or 'internal', got 'everyone'\n"
        "own.yaml:13: reliability: expected 100 or less, got 500"
    )


def test_an_extended_file_is_told_with_its_own_name(tmp_path: Path) -> None:
    """What the other file says is wrong there; one that extends a third is refused."""
    (tmp_path / "base.yaml").write_text(HUB.replace("kind: merged", "kind: merge"))
    told = _told(tmp_path, "extends: base.yaml\nfeeds: []\n")
    assert told.startswith("base.yaml:13: api_roots.0.collections.0.kind: expected")
    (tmp_path / "base.yaml").write_text("extends: third.yaml\n" + HUB)
    assert _told(tmp_path, "extends: base.yaml\n").startswith("base.yaml:1: extends: expected none")


def test_many_problems_are_counted(tmp_path: Path) -> None:
    """A file that is wrong altogether does not fill the terminal."""
    told = _told(tmp_path, HUB + "".join(f"x{number}: 1\n" for number in range(50)))
    assert len(told.splitlines()) == 21
    assert told.endswith("and 30 more")


def test_every_pattern_has_its_words() -> None:
    """No regular expression is shown to anybody."""
    models: set[type[BaseModel]] = {Settings, *(model for _, model in within(Settings))}
    for module in pkgutil.iter_modules(normalizers.formats.__path__):
        form = importlib.import_module(f"normalizers.formats.{module.name}").Format
        models |= {form, *(model for _, model in within(form))}
    used = {
        getattr(rule, "pattern", None)
        for model in models
        for field in model.model_fields.values()
        for rule in field.metadata
    } - {None}
    assert used == PATTERNS.keys()


BASE = yaml.safe_load(shipped("hub.yaml").read_text(encoding="utf-8"))
BASE["feeds"] = [
    yaml.safe_load(shipped(f"feeds/{name}.yaml").read_text(encoding="utf-8"))
    for name in ("threatfox", "tweetfeed-taxii", "spamhaus-drop", "jvn-rss")
]
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 10**20)
    | st.floats(allow_nan=True)
    | st.dates()
    | st.text("a:{}\n日", max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=4), inner, max_size=3),
    max_leaves=5,
)


def _ways(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield (*way, key)
            yield from _ways(value[key], (*way, key))


WAYS = sorted(_ways(BASE), key=repr)


@example(changes=[(("api_roots", 1, "collections", 4, "audience"), "set", ":")])
@given(
    changes=st.lists(st.tuples(st.sampled_from(WAYS), st.sampled_from(["set", "drop", "add"]), ANYTHING), min_size=1)
)
def test_no_raw_words_reach_anybody(tmp_path_factory: pytest.TempPathFactory, changes: list[Any]) -> None:
    """Whatever is put in whatever place, the settings are taken or refused in our words, each with its line."""
    raw = copy.deepcopy(BASE)
    for way, what, value in changes:
        _change(raw, way, what, value)
    path = tmp_path_factory.mktemp("hub") / "hub.yaml"
    path.write_text(yaml.safe_dump(raw, allow_unicode=True))
    try:
        check_feeds(load(path), path)
    except SettingsError as error:
        told = str(error)
        assert not RAW.search(re.sub(r"'[^']*'", "", told)), told
        assert "another value" not in told, told
        assert "another text" not in told, told
        assert all(line.startswith((f"{path}:", "and ")) for line in told.splitlines()), told


def _change(raw: Any, way: tuple[Any, ...], what: str, value: Any) -> None:
    for part in way[:-1]:
        try:
            raw = raw[part]
        except (KeyError, IndexError, TypeError):
            return
    if isinstance(raw, list) and isinstance(way[-1], int) and way[-1] < len(raw):
        raw[way[-1]] = value
    elif isinstance(raw, dict) and what == "drop":
        raw.pop(way[-1], None)
    elif isinstance(raw, dict):
        raw["other" if what == "add" else way[-1]] = value
