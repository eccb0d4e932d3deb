"""Known-good lists, compiled: which of many lists hold a value, told in microseconds and kept in few megabytes. Pure.

A list has a number, the place of its bit in every mask. Names and exact values are 64-bit hashes in one sorted array,
networks are sorted ranges without overlap, substrings an index by their first characters: nothing is looped over.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import lru_cache
from hashlib import blake2b
from heapq import merge as merged
from itertools import chain, islice
from typing import Literal, NamedTuple

from normalizers import hosts, urls
from normalizers.bad_value import BadValue
from normalizers.known_good_ranges import Ranges, network_of
from normalizers.known_good_texts import Texts, UnsafePattern, expression, substring

Match = Literal["string", "hostname", "cidr", "substring", "regex"]
#: how far a name speaks for the names beneath it: not at all (but for its ``www``), up to hosts that many share, or
#: always
Reach = Literal["name", "owned", "all"]

#: Lists that one mask holds. The first bit is of the hosts that many share.
MOST_LISTS = 256
_SHARED = 1
#: Names below which a list's are kept as they are: most lists that act on URLs have few, and URLs are many.
FEW = 1_000
_WWW = "www."
_HOSTS = frozenset({"domain", "ipv4", "ipv6", "cidr"})


class Listing(NamedTuple):
    """A list to be compiled: ``parts`` are its values, each part by its own way of matching."""

    id: str
    #: observable types that it acts on; ``site`` is a URL that is a host and nothing else
    on: frozenset[str]
    reach: Reach
    parts: tuple[tuple[Match, Iterable[str]], ...]
    #: values that it does not hold, whatever its parts say
    besides: frozenset[str] = frozenset()
    #: labels that a name needs at the least: a single one would be a whole top-level domain
    least_labels: int = 2


class Held(NamedTuple):
    """What is known of a compiled list."""

    id: str
    on: frozenset[str]
    reach: Reach
    #: whether it has values that are compared whole
    exact: bool
    #: that can be matched
    entries: int
    #: that cannot: not readable, too broad, or an expression that could hang
    refused: int
    besides: frozenset[str]


class Hit(NamedTuple):
    """A list that holds a value, and by which of its entries."""

    id: str
    entry: str


class Compiled(NamedTuple):
    """The lists, in the form that is searched and kept in a file."""

    lists: tuple[Held, ...]
    #: names and exact values of lists that have few -> the lists that hold them
    few: dict[str, int]
    #: sorted hashes of the names and exact values of all others
    keys: array[int]
    #: by place in ``keys``: which of ``masks``
    which: array[int]
    masks: tuple[int, ...]
    ranges: Ranges
    texts: Texts


def compiled(listings: Iterable[Listing], shared: Iterable[str] = ()) -> Compiled:
    """Compile lists; ``shared`` are the names beneath which everybody may have one: no ``owned`` list reaches past."""
    keys: list[tuple[array[int], int]] = [(_hashes(_names(shared, 1, [])), _SHARED)]
    few: dict[str, int] = {}
    networks: list[tuple[tuple[int, int, int], int]] = []
    words: list[tuple[str, int]] = []
    patterns: list[tuple[str, int]] = []
    lists = []
    for number, listing in enumerate(listings, start=1):
        if number >= MOST_LISTS:
            raise ValueError(f"expected at most {MOST_LISTS - 1} known-good lists")
        bit, refused, count = 1 << number, list[str](), 0
        for match, values in listing.parts:
            if match in ("string", "hostname"):
                found = _names(values, listing.least_labels if match == "hostname" else 0, refused)
                first = list(islice(found, FEW))
                if len(first) < FEW:
                    few.update({name: few.get(name, 0) | bit for name in first})
                    count += len(set(first))
                else:
                    keys.append((_hashes(chain(first, found)), bit))
                    count += len(keys[-1][0])
                continue
            before = len(networks) + len(words) + len(patterns)
            for value in values:
                try:
                    if match == "cidr":
                        networks.append((network_of(value), bit))
                    elif match == "substring":
                        words.append((substring(value), bit))
                    else:
                        patterns.append((expression(value), bit))
                except (ValueError, UnsafePattern):
                    refused.append(value)
            count += len(networks) + len(words) + len(patterns) - before
        exact = any(match == "string" for match, _ in listing.parts)
        lists.append(Held(listing.id, listing.on, listing.reach, exact, count, len(refused), listing.besides))
    return Compiled(tuple(lists), few, *_joined(keys), Ranges.of(networks), Texts.of(words, patterns))


def _names(values: Iterable[str], least_labels: int, refused: list[str]) -> Iterator[str]:
    """Values as they are looked for: names in the hub's spelling without what stands for all beneath them."""
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


def _hashes(values: Iterable[str]) -> array[int]:
    return array("Q", sorted({_hash(value) for value in values}))


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


class Matcher:
    """Tells which lists hold an observable."""

    def __init__(self, compiled: Compiled) -> None:
        self.lists = compiled.lists
        self._compiled = compiled
        self._number = {held.id: number for number, held in enumerate(compiled.lists, start=1)}
        bits = [(1 << number, held) for number, held in enumerate(compiled.lists, start=1)]
        self._on = {
            kind: sum(bit for bit, held in bits if kind in held.on)
            for kind in {kind for held in compiled.lists for kind in held.on}
        }
        self._reach = {
            reach: sum(bit for bit, held in bits if held.reach == reach) for reach in ("name", "owned", "all")
        }
        self._hashed = sum(bit for bit, _ in bits if any(mask & bit for mask in compiled.masks))
        self._exact = sum(bit for bit, held in bits if held.exact)
        self._besides = [(bit, held.besides) for bit, held in bits if held.besides]
        # Many names end alike, and URLs of one host come together.
        self._at = lru_cache(maxsize=16_384)(self._look_up)
        self._host = lru_cache(maxsize=8_192)(self._of_host)
        self.match = lru_cache(maxsize=8_192)(self._match)

    def bit(self, list_id: str) -> int:
        """The bit of a list; 0 for one that is not here."""
        number = self._number.get(list_id)
        return 0 if number is None else 1 << number

    def ids(self, mask: int) -> tuple[str, ...]:
        """The lists of a mask, in order of configuration."""
        return tuple(held.id for number, held in enumerate(self.lists, start=1) if mask >> number & 1)

    def _match(self, kind: str, value: str) -> int:
        """The lists that hold a canonical observable, as a mask; 0 for nearly every one."""
        acting = self._on.get(kind, 0)
        if kind == "url" and value.endswith("/") and value.count("/") == 3:
            acting |= self._on.get("site", 0)  # a URL at a popular host is not the host; this one is
        if not acting:
            return 0
        if kind == "url":
            found = self._host(*_host_of(value), acting & self._hashed)
        elif kind == "email":
            found = self._host("domain", value.rpartition("@")[2], acting & self._hashed)
        elif kind in _HOSTS:
            found = self._host(kind, value, acting & self._hashed)
        else:
            found = 0
        if self._exact & acting:
            found |= self._at(value)
        found = (found | self._compiled.texts.match(value, acting)) & acting
        if found and self._besides:
            found &= ~self._excepted(kind, value)
        return found

    def _of_host(self, kind: str, value: str, hashed: int) -> int:
        if kind != "domain":
            return self._compiled.ranges.match(value)
        if not hashed and not self._has_few(value):
            return 0
        found = self._at(value)
        reach, owned = self._reach["all"], self._reach["owned"]
        parent, www = value, value.startswith(_WWW)
        while parent:
            parent = parent.partition(".")[2]
            here = self._at(parent) if parent else 0
            if www:
                found |= here & self._reach["name"]
                www = False
            if here & _SHARED:
                owned = 0
            found |= here & (reach | owned)
        return found

    def _has_few(self, name: str) -> bool:
        few = self._compiled.few
        while name:
            if name in few:
                return True
            name = name.partition(".")[2]
        return False

    def _look_up(self, value: str) -> int:
        keys, key, few = self._compiled.keys, _hash(value), self._compiled.few.get(value, 0)
        place = bisect_left(keys, key)
        if place == len(keys) or keys[place] != key:
            return few
        return few | self._compiled.masks[self._compiled.which[place]]

    def _excepted(self, kind: str, value: str) -> int:
        host = _host_of(value)[1] if kind == "url" else value.rpartition("@")[2]
        names = {value, *_upwards(host)}
        return sum(bit for bit, besides in self._besides if not names.isdisjoint(besides))

    def entries(self, kind: str, value: str) -> list[Hit]:
        """Which lists hold an observable, and by which entry of theirs each; in order of configuration."""
        mask = self.match(kind, value)
        return [
            Hit(held.id, self._entry(kind, value, self.bit(held.id))) for held in self.lists if mask & self.bit(held.id)
        ]

    def _entry(self, kind: str, value: str, bit: int) -> str:
        host = _host_of(value)[1] if kind == "url" else value.rpartition("@")[2] if kind == "email" else value
        for name in (value, *_upwards(host)):
            if self._at(name) & bit:
                return name
        return self._compiled.ranges.entry(host, bit) or self._compiled.texts.entry(value, bit)


def _host_of(url: str) -> tuple[str, str]:
    """The host of a stored URL; nothing where it was canonical once and would be refused today."""
    try:
        return urls.host_of(url)
    except BadValue:
        return "domain", ""


def _upwards(name: str) -> Iterator[str]:
    while name:
        yield name
        name = name.partition(".")[2]


NOTHING = Matcher(compiled(()))
