"""What servers answer in JSON, of which no more is held at a time than one value, and none that would be large.

Each function raises :class:`Unreadable` for what is none, or too much; ``shown`` is what messages call the server.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from collectors.document import Body
from collectors.errors import Unreadable
from collectors.jsonparts import Parts
from collectors.jsonvalues import NotJson, TooMuch, decoded


def whole(body: Body, shown: str) -> Any:
    """All of an answer, whose body is closed."""
    content = body.read()
    body.close()
    with _readable(shown):
        return decoded(content)


def beside(body: Body, name: str, shown: str) -> tuple[Any, int]:
    """An answer with an empty list in place of the one that its member of that name is, and how many were in it. What
    is in it is for whoever reads the document."""
    with _readable(shown), body.open() as stream:
        parts = Parts(stream, name)
        listed = sum(1 for _ in parts.records())
        return parts.rest(), listed


def members(body: Body, shown: str) -> Iterator[tuple[str, Any]]:
    """The members of an answer that is an object, one by one, but for lists, which are passed over."""
    with _readable(shown), body.open() as stream:
        parts = Parts(stream)
        for name, text in parts.members():
            yield name, decoded(text)
    if not parts.found:
        raise Unreadable(f"{shown}: expected an object of JSON, got a list")


def member(body: Body, name: str, shown: str) -> Any:
    """What an answer says under a name; None where it says nothing there, or lists something."""
    with _readable(shown), body.open() as stream:
        said = [text for other, text in Parts(stream).members() if other == name]
        return decoded(said[-1]) if said else None


@contextlib.contextmanager
def _readable(shown: str) -> Iterator[None]:
    try:
        yield
    except NotJson:
        raise Unreadable(f"{shown}: expected JSON, got something else or a part of it") from None
    except TooMuch as error:
        raise Unreadable(f"{shown}: {error}") from None
