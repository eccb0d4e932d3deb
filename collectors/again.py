"""Documents of several that could not be taken in: they are asked for again, whether they changed or not.

They stand apart: the cursor notes each by its place, and moves on past those that could not be taken in. Their places
stand in it beside::

    {..., "again": [place, ...]}          those that were tried last at the end; absent where there are none
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

#: Documents that one run asks for again. One that is broken for good costs its publisher no more than that.
_MOST = 20


def due(cursor: Mapping[str, Any]) -> list[str]:
    """The places of those that are to be asked for again by this run, the longest waiting first."""
    return list(cursor.get("again", ()))[:_MOST]


def waiting(cursor: Mapping[str, Any], noted: Collection[str], fetched: Collection[str]) -> dict[str, list[str]]:
    """The member of the next cursor: those that go on waiting, of those that are ``noted`` still and are not
    ``fetched`` now."""
    places = [place for place in cursor.get("again", ()) if place in noted and place not in fetched]
    return {"again": places} if places else {}


def put_off(cursor: Mapping[str, Any], places: Collection[str]) -> dict[str, Any]:
    """The cursor once these, which were fetched, could not be taken in."""
    again = [*cursor.get("again", ()), *places]
    return {**cursor, "again": again} if again else dict(cursor)
