"""Substrings and expressions of known-good lists, bounded in what one value may cost. Pure.

An expression is taken only if no value can make it hang: the number of ways in which it can be tried at all is bounded
beforehand, from its own form.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, NamedTuple

#: A shorter substring would be in values that nobody meant.
SHORTEST = 4
#: Longer values are tried against no expression.
LONGEST_VALUE = 320
#: Ways in which an expression may be tried on one value.
MOST_WAYS = 1_000_000
_LONGEST_EXPRESSION = 500
_DELIMITED = re.compile(r"/(.*)/([a-z]*)", re.DOTALL)


class UnsafePattern(Exception):
    """The expression cannot be read, or some value could make it hang."""


class Texts(NamedTuple):
    """The substrings and expressions of all lists."""

    #: first characters -> substrings that begin so, each with its lists
    words: dict[str, tuple[tuple[str, int], ...]]
    patterns: tuple[tuple[re.Pattern[str], int], ...]
    #: the lists that have any
    lists: int

    @classmethod
    def of(cls, words: Iterable[tuple[str, int]], patterns: Iterable[tuple[str, int]]) -> Texts:
        """Join the substrings and expressions of lists, each with the bit of its list."""
        united: dict[str, int] = {}
        for word, bit in words:
            united[word] = united.get(word, 0) | bit
        index: dict[str, list[tuple[str, int]]] = {}
        for word, mask in sorted(united.items()):
            index.setdefault(word[:SHORTEST], []).append((word, mask))
        found = tuple((re.compile(text, re.IGNORECASE), bit) for text, bit in patterns)
        lists = 0
        for _, mask in (*united.items(), *found):
            lists |= mask
        return cls({begin: tuple(item) for begin, item in index.items()}, found, lists)

    def match(self, value: str, acting: int) -> int:
        """Those of the lists ``acting`` that hold the value."""
        if not self.lists & acting:
            return 0
        found = 0
        if self.words:
            text = value.lower()
            for place in range(len(text) - SHORTEST + 1):
                for word, mask in self.words.get(text[place : place + SHORTEST], ()):
                    if text.startswith(word, place):
                        found |= mask
        if len(value) <= LONGEST_VALUE:
            for pattern, bit in self.patterns:
                if bit & acting and not found & bit and pattern.search(value):
                    found |= bit
        return found

    def entry(self, value: str, bit: int) -> str:
        """The substring or expression of a list that holds the value; "" if none does."""
        text = value.lower()
        said = [word for words in self.words.values() for word, mask in words if mask & bit and word in text]
        said += [pattern.pattern for pattern, mask in self.patterns if mask & bit and pattern.search(value)]
        return said[0] if said else ""

    def listed(self) -> list[tuple[str, int]]:
        """Every substring with its lists."""
        return [item for words in self.words.values() for item in words]


def substring(text: str) -> str:
    """A substring in small letters. Raises ValueError for one that is too short to mean anything."""
    word = text.strip().lower()
    if len(word) < SHORTEST:
        raise ValueError(f"expected a substring of {SHORTEST} characters or more, got {text[:60]!r}")
    return word


def expression(text: str) -> str:
    """A regular expression of Python's, from one that may stand between slashes as MISP's do. Raises
    :class:`UnsafePattern`."""
    delimited = _DELIMITED.fullmatch(text.strip())
    inner = delimited[1] if delimited else text.strip()
    if len(inner) > _LONGEST_EXPRESSION:
        raise UnsafePattern(f"expected at most {_LONGEST_EXPRESSION} characters, got {len(inner)}")
    try:
        tree = parser.parse(inner, re.IGNORECASE)
        re.compile(inner, re.IGNORECASE)
    except (re.error, RecursionError, OverflowError) as error:
        raise UnsafePattern(f"expected a regular expression, got {inner[:60]!r}: {error}") from None
    starts = 1 if len(tree) and tree[0] == (codes.AT, codes.AT_BEGINNING) else LONGEST_VALUE
    ways = starts * _ways(tree)
    if ways > MOST_WAYS:
        raise UnsafePattern(f"expected at most {MOST_WAYS} ways to try it on a value, got {ways}: {inner[:60]!r}")
    return inner


def _ways(tree: Any) -> int:
    """At most so many ways lead through a sequence on one value; raises UnsafePattern for what has no such bound."""
    ways = 1
    for code, given in tree:
        if code in (codes.LITERAL, codes.NOT_LITERAL, codes.ANY, codes.IN, codes.AT):
            continue
        if code is codes.SUBPATTERN:
            ways *= _ways(given[3])
        elif code is codes.BRANCH:
            ways *= sum(_ways(branch) for branch in given[1])
        elif code in (codes.MAX_REPEAT, codes.MIN_REPEAT):
            least, most, inner = given
            most = min(int(most), LONGEST_VALUE)
            if least > LONGEST_VALUE:
                raise UnsafePattern(f"expected to repeat {LONGEST_VALUE} times at most")
            # What is repeated may be tried in each of its ways each time.
            once = _ways(inner)
            if once > 1 and most > 16:
                raise UnsafePattern("expected nothing repeated that may itself be read in several ways")
            ways *= once**most * (most - least + 1)
        else:
            raise UnsafePattern("expected no look-around, back-reference, condition or atomic group")
        if ways > MOST_WAYS:
            break
    return ways
