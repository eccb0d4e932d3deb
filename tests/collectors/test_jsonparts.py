"""JSON documents read part by part say what they say when they are read whole."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.jsonparts import Parts
from collectors.jsonvalues import NotJson, decoded

_LETTERS = st.text(alphabet='ab"\\{}[],: \n\u3042\U0001f600', max_size=6)
_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), _LETTERS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_LETTERS, inner, max_size=4)),
    max_leaves=20,
)
_CHUNKS = st.sampled_from([1, 2, 3, 7, 64, 100_000])
_INDENTS = st.sampled_from([None, 0, 1])
_BREAKS = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.integers(0, 3),
        st.sampled_from(
            [b"", b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"1", b"NaN", b"\xff", b" ", b"x", b"\0"]
        ),
    ),
    min_size=1,
    max_size=2,
)


def read(text: bytes, *places: str, members: bool = False, chunk: int = 1_000) -> tuple[list[Any], Any, bool]:
    """The records as they are decoded, the rest, and whether there was a list."""
    parts = Parts(io.BytesIO(text), *places, members=members, chunk=chunk)
    records = [decoded(record) for record in parts.records()]
    return records, parts.rest(), parts.found


def whole(text: bytes) -> Any:
    """The document as it is read whole; raises NotJson."""
    return decoded(text)


@given(records=st.lists(_VALUES, max_size=6), around=st.dictionaries(_LETTERS, _VALUES), chunk=_CHUNKS, indent=_INDENTS)
def test_records_and_rest_are_what_the_document_says(
    records: list[Any], around: dict[str, Any], chunk: int, indent: int | None
) -> None:
    """However it is cut into chunks and written."""
    around = {name: value for name, value in around.items() if name != "data"}
    document = {**around, "data": {"x": 1, "items": records, **around}, "last": around}
    text = json.dumps(document, indent=indent, ensure_ascii=False).encode()
    expected = whole(text)
    found = expected["data"].pop("items")
    assert read(text, "data.items", chunk=chunk) == (
        found,
        {**expected, "data": {**expected["data"], "items": []}},
        True,
    )


@given(value=_VALUES, chunk=_CHUNKS, indent=_INDENTS)
def test_a_document_without_a_list_is_rest(value: Any, chunk: int, indent: int | None) -> None:
    """All of it, whatever lies where a list was expected."""
    text = b"\xef\xbb\xbf" + json.dumps({"data": {"items": {"a": value}}}, indent=indent).encode()
    assert read(text, "data.items", chunk=chunk) == ([], whole(text[3:]), False)
    text = json.dumps({"other": value}).encode()
    assert read(text, "data.items", "", chunk=chunk) == ([], whole(text), False)


@given(value=_VALUES, chunk=_CHUNKS)
def test_the_document_itself_may_be_the_list(value: Any, chunk: int) -> None:
    """Beside a list at a path."""
    text = json.dumps(value).encode()
    records, rest, found = read(text, "", "results", chunk=chunk)
    expected = whole(text)
    if isinstance(expected, list):
        assert (records, rest, found) == (expected, [], True)
    else:
        assert (records, rest, found) == ([], expected, False)


@given(value=st.dictionaries(_LETTERS, _VALUES, max_size=5), chunk=_CHUNKS)
def test_members_may_be_records(value: dict[str, Any], chunk: int) -> None:
    """Or lists of them; an object with any other member is no list."""
    text = json.dumps({"data": value}).encode()
    records, rest, found = read(text, "data", members=True, chunk=chunk)
    members = whole(text)["data"].values()
    assert found == all(isinstance(member, list | dict) for member in members)
    if found:
        assert records == [one for member in members for one in (member if isinstance(member, list) else [member])]
        assert rest == {"data": {}}


@given(records=st.lists(_VALUES, max_size=3), breaks=_BREAKS, chunk=_CHUNKS)
def test_a_broken_document_is_broken_in_parts(
    records: list[Any], breaks: list[tuple[float, int, bytes]], chunk: int
) -> None:
    """What cannot be read whole raises NotJson, and what can be says the same, whatever was cut out or put in."""
    text = json.dumps({"total": 3, "items": records, "last": {"a": [1, "x"]}}, ensure_ascii=False).encode()
    for place, length, piece in breaks:
        at = int(place * len(text))
        text = text[:at] + piece + text[at + length :]
    try:
        expected = whole(text)
    except NotJson:
        with pytest.raises(NotJson):
            read(text, "items", chunk=chunk)
        return
    records, rest, found = read(text, "items", chunk=chunk)
    if found:
        assert records == expected["items"]
        assert rest == {**expected, "items": []}
    else:
        assert (records, rest) == ([], expected)


@given(content=st.one_of(st.binary(max_size=60), st.text(alphabet='[]{}",:\\ 1a', max_size=60).map(str.encode)))
def test_nonsense_is_read_as_it_is_whole(content: bytes) -> None:
    """Any bytes at all are JSON to both or to none."""
    try:
        expected = whole(content)
    except NotJson:
        with pytest.raises(NotJson):
            read(content, "", chunk=3)
        return
    records, rest, found = read(content, "", chunk=3)
    assert (records if found else rest) == expected


@given(document=st.dictionaries(_LETTERS, _VALUES, max_size=6), chunk=_CHUNKS, indent=_INDENTS)
def test_members_are_those_of_the_object_but_for_lists(
    document: dict[str, Any], chunk: int, indent: int | None
) -> None:
    """However it is cut into chunks and written."""
    text = json.dumps(document, indent=indent, ensure_ascii=False).encode()
    parts = Parts(io.BytesIO(text), chunk=chunk)
    found = [(name, decoded(member)) for name, member in parts.members()]
    assert found == [(name, value) for name, value in whole(text).items() if not isinstance(value, list)]
    assert parts.found


@given(listed=st.lists(_VALUES, max_size=4), chunk=_CHUNKS)
def test_a_list_has_no_members(listed: list[Any], chunk: int) -> None:
    """It is read to its end all the same: one that is cut off, or goes on, is none."""
    text = json.dumps(listed).encode()
    parts = Parts(io.BytesIO(text), chunk=chunk)
    assert (list(parts.members()), parts.found) == ([], False)
    for broken in (text[:-1], text + b"]", b"1", b"<html>"):
        with pytest.raises(NotJson):
            list(Parts(io.BytesIO(broken), chunk=chunk).members())
