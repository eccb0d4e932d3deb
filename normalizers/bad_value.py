"""The error of a value that cannot be used, and how a value is shown in a message."""

from __future__ import annotations

import re

_SHOWN = 80
#: What may be somebody's: the name before an ``@``, and a visitor's address in a URL.
_PERSONAL = re.compile(r"[^\s/?=&;:@'\"]+(?=@|%40)|(?<=[?&;]ip=)[^&;#]+", re.IGNORECASE)


class BadValue(ValueError):
    """One value cannot be used: skip its row. The message says what was expected and what was given."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        #: a short stable word that refusals are counted under
        self.reason = reason


def shown(text: str) -> str:
    """At most 80 characters of ``text``, quoted, with everything unprintable escaped and personal data masked."""
    cut = _PERSONAL.sub("***", text[: 4 * _SHOWN])[:_SHOWN]
    safe = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in cut)
    return f"'{safe}'" + ("..." if len(text) > _SHOWN else "")
