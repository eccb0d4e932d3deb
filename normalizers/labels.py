"""Labels: a source's own words, cleaned, and bounded in length and number."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from normalizers.personal import names_somebody

#: Characters of one label.
LONGEST = 100
#: Labels that one row may give, and malware families. A claim has twice as many at most, whatever its rows.
MOST = 50
#: Longest text that is remembered. A feed may send any number of any length; the memory is for those that come often.
_REMEMBERED = 200
_SPACE = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
#: Begins the labels that the hub makes out of what clients would otherwise not see. A label that came from a hub loses
#: it, or a feed could speak in the hub's own name.
PREFIX = "ais-jp:"
#: Begins those of them that name a malware family.
MALWARE = f"{PREFIX}malware="
#: Member of a claim's detail -> begins the labels that name what is in it.
NAMED = {"actors": f"{PREFIX}actor=", "brands": f"{PREFIX}brand=", "targets": f"{PREFIX}target="}
#: Begins those that name a technique of ATT&CK.
TECHNIQUE = f"{PREFIX}technique="


def plain(text: str, longest: int) -> str:
    """One line of at most so many characters: without control characters and surplus blanks."""
    return _SPACE.sub(" ", text).strip()[:longest].rstrip()


def label_of(text: str) -> str:
    """A source's own word as a label: without ``#``, control characters and surplus blanks; "" when nothing is left, or
    when there is somebody's e-mail address in it."""
    return _label_of(text) if len(text) <= _REMEMBERED else _label_of.__wrapped__(text)


@lru_cache(maxsize=16_384)
def _label_of(text: str) -> str:
    word = _SPACE.sub(" ", text).strip().lstrip("#").strip()
    while word.lower().startswith(PREFIX):
        word = word[len(PREFIX) :].strip()
    return "" if names_somebody(word) else word[:LONGEST].rstrip()


def labels_in(text: str, separator: str) -> tuple[str, ...]:
    """The labels that a list such as ``elf,Mozi`` holds, sorted."""
    return (_labels_in if len(text) <= _REMEMBERED else _labels_in.__wrapped__)(text, separator)


@lru_cache(maxsize=16_384)
def _labels_in(text: str, separator: str) -> tuple[str, ...]:
    return tuple(sorted({label for label in map(label_of, text.split(separator)) if label}))


def bounded(words: Iterable[str]) -> list[str]:
    """The first :data:`MOST` of a row's words in their order as texts, each once."""
    return sorted(set(words))[:MOST]
