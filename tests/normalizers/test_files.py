"""A file's claim is about its strongest hash; the others ride in it."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import orjson
import pytest

from normalizers.claims import aliases, observable_key
from normalizers.folds import fold
from tests.normalizers.reading import Read, document, feed, read_all

MD5, SHA1, SHA256, SHA512 = "1f" * 16, "2e" * 20, "3d" * 32, "4c" * 64
NAMES = {MD5: "MD5", SHA1: "SHA-1", SHA256: "SHA-256", SHA512: "SHA-512"}
COLUMNS = {"SHA-256": "sha256", "SHA-1": "sha1", "MD5": "md5"}


def rows(*records: dict[str, Any], kind: str = "file", hashes: dict[str, str] | None = None) -> Read:
    fields = {"value": "v", "type": kind, "hashes": COLUMNS if hashes is None else hashes}
    form = {"kind": "json", "fields": fields}
    return read_all(document(json.dumps(records)), feed("openphish", format=form))


@pytest.mark.parametrize("order", list(permutations([MD5, SHA1, SHA256])))
def test_the_strongest_hash_of_a_row_is_the_value(order: tuple[str, ...]) -> None:
    """Whichever column holds it; the weaker ones are in the claim, by name."""
    value, *others = order
    columns = {NAMES[text]: f"c{number}" for number, text in enumerate(others)}
    read = rows({"v": value, **{f"c{number}": text for number, text in enumerate(others)}}, hashes=columns)
    assert read.values == [SHA256]
    assert orjson.loads(read.claims[0].detail)["hashes"] == {"MD5": MD5, "SHA-1": SHA1}
    assert set(aliases(read.claims[0])) == {observable_key("file", MD5), observable_key("file", SHA1)}


def test_a_row_whose_value_is_blank_has_its_other_hashes() -> None:
    """Then the strongest of those is the value."""
    read = rows({"v": None, "md5": MD5, "sha1": SHA1})
    assert read.values == [SHA1]
    assert orjson.loads(read.claims[0].detail)["hashes"] == {"MD5": MD5}


def test_a_file_with_one_hash_has_no_aliases() -> None:
    """Nor has anything that is no file."""
    assert [aliases(claim) for claim in rows({"v": SHA256}).claims] == [[]]
    assert [aliases(claim) for claim in rows({"v": "192.0.2.1", "md5": None}, kind="any").claims] == [[]]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        pytest.param({"v": MD5, "md5": "5b" * 16}, "two-hashes", id="two of one kind"),
        pytest.param({"v": SHA256, "sha1": MD5}, "bad-hash", id="a hash under another's name"),
        pytest.param({"v": SHA256, "sha1": "nonsense"}, "bad-hash", id="no hash"),
        pytest.param({"v": SHA256, "md5": "d41d8cd98f00b204e9800998ecf8427e"}, "empty-hash", id="of nothing"),
        pytest.param({"v": None}, "no-value", id="none at all"),
    ],
)
def test_a_row_that_contradicts_itself_is_refused(record: dict[str, Any], reason: str) -> None:
    """One wrong pairing would lead look-ups to another file."""
    assert rows(record).reasons == [reason]


def test_the_other_columns_are_of_files_alone() -> None:
    """A row about something else is read without them, and a blank one of another type is refused."""
    mapped = {"column": "t", "map": {"ip": "ip", "file": "file"}}
    read = rows({"v": "192.0.2.1", "t": "ip", "md5": MD5}, {"v": None, "t": "ip", "md5": MD5}, kind=mapped)  # type: ignore[arg-type]
    assert read.values == ["192.0.2.1"]
    assert read.reasons == ["no-value"]


def test_in_a_log_a_file_keeps_the_hashes_that_any_row_told() -> None:
    """And an address its ports, the twenty lowest, in whatever order the rows come."""
    one, other = (rows(record).claims[0] for record in ({"v": SHA256, "md5": MD5}, {"v": SHA256, "sha1": SHA1}))
    both = fold(fold(None, one, replace=False), other, replace=False)
    assert orjson.loads(both.detail)["hashes"] == {"MD5": MD5, "SHA-1": SHA1}
    form = {"kind": "json", "fields": {"value": "v", "type": "ip", "port": "p"}}
    text = json.dumps([{"v": "192.0.2.1", "p": port} for port in range(1, 60)])
    claims = read_all(document(text), feed("openphish", format=form)).claims
    for order in (claims, claims[::-1]):
        stored = None
        for claim in order:
            stored = fold(stored, claim, replace=False)
        assert stored is not None
        assert orjson.loads(stored.detail)["port"] == list(range(1, 21))
