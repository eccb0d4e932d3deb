"""One value of JSON, decoded; but not before it is sure that it will not take too much memory."""

from __future__ import annotations

from typing import Any

import orjson

#: The longest value that is held at a time, and the most memory that it may take as a tree, in bytes.
LONGEST, HEAVIEST = 32 * 1024 * 1024, 160 * 1024 * 1024
#: Up to this length no value is heavy.
_LIGHT = 1024 * 1024


class NotJson(ValueError):
    """It is no JSON (RFC 8259) in UTF-8, or a part of it; the message says where."""


class TooMuch(ValueError):
    """One value is more than may be held at a time; the message says what was given and what is expected."""


def decoded(text: bytes) -> Any:
    """The value of a JSON text. Raises :class:`NotJson` and :class:`TooMuch`."""
    if len(text) > _LIGHT and weight(text) > HEAVIEST:
        raise TooMuch(
            f"expected one value to take at most {HEAVIEST} bytes of memory, got {len(text)} bytes of text that may "
            f"take {weight(text)}"
        )
    try:
        return orjson.loads(text)
    except (orjson.JSONDecodeError, RecursionError) as error:
        raise NotJson(str(error)) from None


def weight(text: bytes) -> int:
    """The most bytes of memory that reading a JSON text may take; of plain records some eight times its length."""
    # A letter beyond ASCII makes every letter of its string wider.
    letters = len(text) if text.isascii() and rb"\u" not in text else 4 * len(text)
    return letters + 140 * text.count(b"{") + 90 * text.count(b"[") + 80 * text.count(b":") + 90 * text.count(b",")
