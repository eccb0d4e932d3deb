"""Every format there is, given documents that are damaged, hostile or nonsense.

Formats are found where readers find them, so a new one is tested as soon as it is there. That time grows with the
length and no faster is measured by ``python -m benchmarks.blowup``.
"""

from __future__ import annotations

import contextlib
import json
import pkgutil
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import normalizers.formats
from config.feeds import Feed
from config.loading import load_feed, shipped
from config.samples import render
from normalizers.claims import Claim
from normalizers.reading import check, read
from normalizers.records import Record, Refusal, UnreadableDocument
from normalizers.values import canonical
from tests.normalizers.reading import NOW, document, feed
from tests.normalizers.test_vulnerabilities import csaf

KINDS = sorted(module.name for module in pkgutil.iter_modules(normalizers.formats.__path__))
#: Of formats that no shipped feed uses: options and a document.
_OWN: dict[str, tuple[dict[str, Any], str]] = {"csaf": ({}, json.dumps([csaf(), csaf("JVNDB-2099-000002")]))}
#: What breaks parsers when it turns up in the wrong place.
_PIECES = [
    b'"', b",", b"\n", b"\r", b"\0", b"{", b"}", b"[", b"]", b"null", b"true", b"1e999", b"-1", b"<", b">", b"</",
    b"<!--", b"<![CDATA[", b"&", b"&#0;", b"&x;", b"\\", b"\\ud800", b"'", b"NaN", b"\xff", b"\xef\xbb\xbf", b"\t",
    b"\xe3\x80\x80", b"|", b"#", b":", b"@", b"%", b"[.]", b"hxxp://", b"\xef\xbc\x8e", b"9999-99-99", b"[[[[[[",
    b"a" * 300,
]  # fmt: skip
_BOMB = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d SYSTEM "file:///etc/passwd">]>'
)


@cache
def case(kind: str) -> tuple[Feed, bytes]:
    """A feed of this format and a document of its real form."""
    for path in sorted(shipped("feeds").glob("*.yaml")):
        one = load_feed(path)
        found = sorted(shipped("samples").glob(f"{one.id}[.-]*"))
        if one.format["kind"] == kind and found:
            return one, render(found[0].read_bytes().decode(), NOW).encode()
    options, text = _OWN[kind]
    return feed("openphish", format={"kind": kind, **options}), text.encode()


def rows(content: bytes, source: Feed) -> list[Claim | Record | Refusal]:
    """What the document gives; nothing where it is unreadable. Any other error is a failure."""
    with contextlib.suppress(UnreadableDocument):
        check(document(content, "202510.csv"), source)
        return list(read(document(content, "202510.csv"), source))
    return []


def sound(found: list[Claim | Record | Refusal]) -> None:
    """Claims are canonical and dated; refusals have a word, and messages an end."""
    for one in found:
        if isinstance(one, Refusal):
            assert one.reason
            assert len(one.message) < 500
            continue
        claim = one.claim if isinstance(one, Record) else one
        assert claim.first_seen <= claim.last_seen
        assert 0 <= claim.confidence <= 100
        assert canonical(claim.type, claim.value) == (claim.type, claim.value)


_EDITS = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 40), st.one_of(st.binary(max_size=6), st.sampled_from(_PIECES))),
    min_size=1,
    max_size=5,
)
_FEW = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("kind", KINDS)
def test_a_format_reads_its_own_document(kind: str) -> None:
    """What is damaged below is readable before."""
    source, content = case(kind)
    found = rows(content, source)
    assert found
    sound(found)


@pytest.mark.parametrize("kind", KINDS)
@_FEW
@given(edits=_EDITS)
def test_a_damaged_document_raises_only_the_declared_error(kind: str, edits: list[tuple[float, int, bytes]]) -> None:
    """With bytes cut out and put in anywhere."""
    source, content = case(kind)
    for place, length, piece in edits:
        at = int(place * len(content))
        content = content[:at] + piece + content[at + length :]
    sound(rows(content, source))


@pytest.mark.parametrize("kind", KINDS)
@_FEW
@given(content=st.one_of(st.binary(max_size=300), st.lists(st.sampled_from(_PIECES), max_size=60).map(b"".join)))
def test_nonsense_raises_only_the_declared_error(kind: str, content: bytes) -> None:
    """Any bytes at all."""
    sound(rows(content, case(kind)[0]))


_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.just("http://a.example/")),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)


def _places(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The place of everything in a JSON document, a few of each list."""
    found = [path]
    if isinstance(tree, dict):
        for name, inner in tree.items():
            found += _places(inner, (*path, name))
    elif isinstance(tree, list):
        for at, inner in enumerate(tree[:4]):
            found += _places(inner, (*path, at))
    return found


def _replaced(tree: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    copy = dict(tree) if isinstance(tree, dict) else list(tree)
    copy[path[0]] = _replaced(tree[path[0]], path[1:], value)
    return copy


@pytest.mark.parametrize("kind", [kind for kind in KINDS if case(kind)[1].lstrip()[:1] in (b"{", b"[")])
@_FEW
@given(data=st.data())
def test_json_of_another_shape_raises_only_the_declared_error(kind: str, data: st.DataObject) -> None:
    """A value of another type wherever one stands."""
    source, content = case(kind)
    lines = content.splitlines() if kind == "jsonl" else [content]
    tree = json.loads(lines[0])
    changed = _replaced(tree, data.draw(st.sampled_from(_places(tree))), data.draw(_JSON))
    sound(rows(b"\n".join([json.dumps(changed).encode(), *lines[1:]]), source))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("piece", ["&c;", "&d;"])
def test_no_format_expands_entities(kind: str, piece: str) -> None:
    """A document that declares entities, nested or of a file of this machine, is unreadable or has them as they are."""
    source, content = case(kind)
    text = content.decode()
    declared = text.partition("?>")[2] if text.startswith("<?xml") else text
    hostile = _BOMB + declared.replace("http", piece + "http").replace("<title>", f"<title>{piece}")
    found = rows(hostile.encode(), source)
    assert not any("aaaaaaaaaaaaaaaaaaaa" in f"{one}" or "root:" in f"{one}" for one in found)
    if text.startswith("<?xml"):
        assert found == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ('{"a":', "}"), ("<a>", "</a>"), ("(", ")")])
def test_no_depth_is_too_deep(kind: str, opened: str, closed: str) -> None:
    """Brackets and elements a hundred thousand deep cost the run or the row, and not the process."""
    deep = opened * 100_000 + "1" * (opened != "<a>") + closed * 100_000
    sound(rows(deep.encode(), case(kind)[0]))
