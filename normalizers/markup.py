"""HTML in a feed's texts, as plain text."""

from __future__ import annotations

import html as references
import re

#: No element's tag is longer; what is, is text with an angle bracket in it.
_TAG = re.compile(r"<[/!?a-zA-Z][^<>]{0,2000}>")
_UNSHOWN = re.compile(r"<(script|style)\b[^<>]{0,2000}>[^<]{0,20000}</\1>", re.IGNORECASE)
#: More digits than Python makes a number of.
_ENDLESS = re.compile("&#[0-9]{1000,};?")
#: Longer descriptions are cut before they are looked at.
_LONGEST = 100_000


def unescape(text: str) -> str:
    """The text with its character references resolved, as HTML says; one to a number of endless digits is to none."""
    return references.unescape(_ENDLESS.sub("\ufffd", text))


def plain(html: str) -> str:
    """The text of an HTML fragment: without tags, references resolved, blanks as one. Text without markup stays."""
    shown = _TAG.sub(" ", _UNSHOWN.sub(" ", html[:_LONGEST]))
    return " ".join(unescape(shown).split())
