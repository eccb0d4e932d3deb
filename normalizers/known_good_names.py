"""Names and exact values of known-good lists as sorted hashes, and those of short lists as they are. Pure."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from heapq import merge as merged
from itertools import chain, islice
from typing import NamedTuple

from normalizers import hosts
from normalizers.bad_value import BadValue

#: Names below which a list's are kept as they are: most lists that act on URLs have few, and URLs are many.
FEW = 1_000


class Names(NamedTuple):
    """The names and exact values of all lists."""

    #: of lists that have few -> the lists that hold them
    few: dict[str, int]
    #: sorted hashes of those of all others
    keys: array[int]
    #: by place in ``keys``: which of ``masks``
    which: array[int]
    masks: tuple[int, ...]

    @classmethod
    def of(cls, parts: Iterable[Part]) -> Names:
        """Join the parts of lists."""
        few: dict[str, int] = {}
        hashed: list[tuple[array[int], int]] = []
        for part in parts:
            few.update({name: few.get(name, 0) | part.bit for name in part.few})
            hashed.append((part.keys, part.bit))
        return cls(few, *_joined(hashed))

    def look_up(self, value: str) -> int:
        """The lists that hold exactly this, in small letters."""
        keys, key, few = self.keys, _hash(value), self.few.get(value, 0)
        place = bisect_left(keys, key)
        if place == len(keys) or keys[place] != key:
            return few
        return few | self.masks[self.which[place]]

    def has_few(self, name: str) -> bool:
        """Whether a list that has few holds a name, or one above it: told without a hash."""
        few = self.few
        while name:
            if name in few:
                return True
            name = name.partition(".")[2]
        return False


class Part(NamedTuple):
    """Values of one list."""

    bit: int
    few: frozenset[str]
    #: sorted hashes, where they are not few
    keys: array[int]

    @property
    def entries(self) -> int:
        """How many there are."""
        return len(self.few) + len(self.keys)


def part(bit: int, values: Iterable[str], least_labels: int, refused: list[str]) -> Part:
    """The values of a list in the hub's spelling. With ``least_labels`` they are names, and what stands for all beneath
    them is left out; those that cannot be matched are added to ``refused``."""
    found = _names(values, least_labels, refused)
    first = list(islice(found, FEW))
    if len(first) < FEW:
        return Part(bit, frozenset(first), array("Q"))
    return Part(bit, frozenset(), array("Q", sorted({_hash(value) for value in chain(first, found)})))


def _names(values: Iterable[str], least_labels: int, refused: list[str]) -> Iterator[str]:
    for value in values:
        text = value.strip().lower()
        if least_labels:
            text = text.removeprefix("*").removeprefix(".").removesuffix(".")
            if text.count(".") + 1 < least_labels or not text or "/" in text:
                refused.append(value)
                continue
            if "." in text and (not text.isascii() or "xn--" in text):
                try:
                    text = hosts.name(text)
                except BadValue:
                    refused.append(value)
                    continue
        yield text


def _hash(value: str) -> int:
    return int.from_bytes(blake2b(value.encode(errors="replace"), digest_size=8).digest(), "big")


def _joined(parts: list[tuple[array[int], int]]) -> tuple[array[int], array[int], tuple[int, ...]]:
    keys, which, masks = array("Q"), array("H"), dict[int, int]()
    last, mask = -1, 0
    for key, bit in merged(*(_with(found, bit) for found, bit in parts)):
        if key != last and last >= 0:
            keys.append(last)
            which.append(masks.setdefault(mask, len(masks)))
            mask = 0
        last, mask = key, mask | bit
    if last >= 0:
        keys.append(last)
        which.append(masks.setdefault(mask, len(masks)))
    return keys, which, tuple(masks)


def _with(found: array[int], bit: int) -> Iterator[tuple[int, int]]:
    return ((key, bit) for key in found)
