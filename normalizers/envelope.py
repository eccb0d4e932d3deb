"""Reading the envelope that somebody posted (TAXII 2.1 section 3.7): strictly I-JSON (RFC 7493), and bounded."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

#: Deepest nesting taken, the envelope itself included.
DEEPEST = 64
#: Most objects of one envelope: each has a verdict, which may be longer than the object.
MOST = 20_000

_NAME = re.compile(rb'"\s*:')


class EnvelopeError(ValueError):
    """The body is no envelope; the message says what was expected."""


def objects_of(body: bytes) -> list[Any]:
    """The objects of an envelope, or of a bundle that was posted in its place; never an empty list.

    Raises :class:`EnvelopeError` for what is no I-JSON (NaN, lone surrogates, names given twice), too deep, or no
    envelope. The objects themselves are not looked into.
    """
    try:
        envelope = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise EnvelopeError(f"expected an envelope in JSON, UTF-8: {error}") from error
    names = _names(envelope, DEEPEST)
    # Every name in the text is a match, so equal numbers mean that none was given twice and lost in reading.
    if len(_NAME.findall(body)) != names:
        _refuse_repetition(body)
    if not isinstance(envelope, dict):
        raise EnvelopeError("expected an envelope, a JSON object with a list of objects")
    objects = envelope.get("objects")
    if not isinstance(objects, list) or not objects:
        raise EnvelopeError("objects: expected a list of at least one STIX object")
    if len(objects) > MOST:
        raise EnvelopeError(f"objects: expected at most {MOST} objects in an envelope, got {len(objects)}")
    return objects


def _names(value: Any, depth: int) -> int:
    """How many members the objects in ``value`` have, all in all. Raises EnvelopeError below ``depth``."""
    if depth == 0:
        raise EnvelopeError(f"expected at most {DEEPEST} levels of nesting")
    if isinstance(value, dict):
        found = len(value)
        for item in value.values():
            if isinstance(item, (dict, list)):
                found += _names(item, depth - 1)
        return found
    found = 0
    if isinstance(value, list):
        for item in value:
            if isinstance(item, (dict, list)):
                found += _names(item, depth - 1)
    return found


def _refuse_repetition(body: bytes) -> None:
    json.loads(body, object_pairs_hook=_once)


def _once(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise EnvelopeError(f"expected every name once in an object, got {name[:60]!r} twice")
        seen.add(name)
