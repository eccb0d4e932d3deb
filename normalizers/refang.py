"""Undo what people do to a value so that nobody clicks on it, and what copying does to it unseen."""

from __future__ import annotations

import re

#: What browsers drop and eyes miss: soft hyphen, zero-width characters, direction marks, word joiner, byte order mark.
_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_EDGES = " \t\r\n\f\v\u00a0\u3000"
_MARKS = re.compile(r"\Ah(?:xx|\*\*)ps?(?=\W)|[\[({](?:\.|dot|:?//|:(?://)?|@|at)[\])}]", re.IGNORECASE)
_SCHEME = re.compile(r"\Ah(?:xx|\*\*)p(s?)(?=\W)", re.IGNORECASE)
_DOT = re.compile(r"\s?[\[({](?:\.|dot)[\])}]\s?", re.IGNORECASE)
_COLON = re.compile(r"[\[({](:?//|:(?://)?)[\])}]")
_AT = re.compile(r"\s?[\[({](?:@|at)[\])}]\s?", re.IGNORECASE)


def tidy(text: str) -> str:
    """``text`` without invisible characters, and without white space (U+3000 too) at its ends."""
    if text.isascii():
        return text.strip(_EDGES)
    return _INVISIBLE.sub("", text).strip(_EDGES)


def defanged(text: str) -> bool:
    """Whether ``text`` bears a mark of defanging."""
    return _MARKS.search(text) is not None


def refang(text: str) -> str:
    """``text`` with hxxp, ``[.]``, ``(dot)``, ``[:]//``, ``[at]`` and the like put back."""
    while True:
        plain = _AT.sub("@", _COLON.sub(r"\1", _DOT.sub(".", _SCHEME.sub(r"http\1", text))))
        if plain == text:
            return plain
        text = plain
