"""Promise 2 in MISP events: attributes that some may not see change nothing for those who are told the others."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import orjson
import pytest

from config.instant import SECOND
from tests.promises.twins import NOW, Twin, feed_of, twins

AT = NOW // SECOND - 7_200
AMBER = {"Tag": [{"name": "tlp:amber"}]}
MD5, SHA1, SHA256 = "ab" * 16, "ab" * 20, "ab" * 32
Attributes = list[dict[str, Any]]


def _attribute(number: int, kind: str, value: str, **said: Any) -> dict[str, Any]:
    name = str(uuid.UUID(int=number + (4 << 76) + (8 << 60)))
    return {"uuid": name, "type": kind, "value": value, "to_ids": True, "timestamp": str(AT), **said}


def _shown(attributes: Attributes, twin: Twin) -> Attributes:
    return [one for one in attributes if twin.restricted or "Tag" not in one]


def _event(at: int, attributes: Attributes, hashes: Attributes, twin: Twin) -> bytes:
    shown = _shown(hashes, twin)
    event = {
        "uuid": "22222222-2222-4222-8222-222222222222",
        "timestamp": str(AT + at),
        "Attribute": _shown(attributes, twin),
        "Object": [{"name": "file", "Attribute": shown}] if shown else [],
    }
    return orjson.dumps({"Event": event})


def _undated(number: int, value: str) -> dict[str, Any]:
    said = _attribute(number, "domain", value)
    del said["timestamp"]
    return said


_A, _B, _C = (_attribute(number, "domain", f"{number}.example") for number in (1, 2, 3))
#: what an event says at first and then: its attributes, and the hashes of a file
CASES: dict[str, list[tuple[Attributes, Attributes]]] = {
    "one without a time of its own": [([_A, _undated(2, "undated.example"), {**_C, **AMBER}], [])],
    "a hash that is marked for fewer": [
        ([], [_attribute(1, "md5", MD5), _attribute(2, "sha1", SHA1), _attribute(3, "sha256", SHA256, **AMBER)])
    ],
    "another hash of a kind that is marked for fewer": [
        ([], [_attribute(1, "md5", MD5), _attribute(2, "sha1", SHA1), _attribute(3, "sha1", "cd" * 20, **AMBER)])
    ],
    "what becomes public between others": [
        ([{**_A, **AMBER}, {**_C, **AMBER}], []),
        ([_A, _B, _C, _attribute(4, "domain", "4.example", **AMBER)], []),
    ],
}


@pytest.mark.parametrize("history", CASES.values(), ids=CASES.keys())
def test_promise_2_attributes_for_fewer_change_nothing_for_the_public(
    tmp_path: Path, history: list[tuple[Attributes, Attributes]]
) -> None:
    """Whether an attribute is believed, what file it is of, and where it stands in the log."""

    def live(twin: Twin) -> None:
        for at, (attributes, hashes) in enumerate(history):
            twin.write("feed-a", _event(at, attributes, hashes, twin))
            twin.wait(2)

    feed = feed_of(kind="log", format={"kind": "misp"}, expect={"refused": 1, "min_rows": 0})
    with_, without = twins(tmp_path, [feed], live)
    assert with_.states()
    assert with_.served() == without.served()
