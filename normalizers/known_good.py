"""Known-good lists, compiled: which of many lists hold a value, told in microseconds and kept in few megabytes. Pure.

A list has a number, the place of its bit in every mask. Names and exact values are 64-bit hashes in one sorted array,
networks are sorted ranges without overlap, substrings an index by their first characters: nothing is looped over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Literal, NamedTuple

from normalizers import urls
from normalizers.bad_value import BadValue
from normalizers.known_good_names import Names, part
from normalizers.known_good_ranges import Network, Ranges, network_of
from normalizers.known_good_texts import Texts, UnsafePattern, expression, substring

Match = Literal["string", "hostname", "cidr", "substring", "regex"]
#: how far a name speaks for the names beneath it: not at all (but for its ``www``), up to hosts that many share, or
#: always
Reach = Literal["name", "owned", "all"]

#: Lists that one mask holds. The first bit is of the hosts that many share.
MOST_LISTS = 256
_SHARED = 1
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
    names: Names
    ranges: Ranges
    texts: Texts


def compiled(listings: Iterable[Listing], shared: Iterable[str] = ()) -> Compiled:
    """Compile lists; ``shared`` are the names beneath which everybody may have one: no ``owned`` list reaches past."""
    names = [part(_SHARED, shared, 1, [])]
    networks: list[tuple[Network, int]] = []
    words: list[tuple[str, int]] = []
    patterns: list[tuple[str, int]] = []
    lists = []
    for number, listing in enumerate(listings, start=1):
        if number >= MOST_LISTS:
            raise ValueError(f"expected at most {MOST_LISTS - 1} known-good lists")
        bit, refused, count = 1 << number, list[str](), 0
        for match, values in listing.parts:
            if match in ("string", "hostname"):
                names.append(part(bit, values, listing.least_labels if match == "hostname" else 0, refused))
                count += names[-1].entries
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
    return Compiled(tuple(lists), Names.of(names), Ranges.of(networks), Texts.of(words, patterns))


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
        self._hashed = sum(bit for bit, _ in bits if any(mask & bit for mask in compiled.names.masks))
        self._exact = sum(bit for bit, held in bits if held.exact)
        self._besides = [(bit, held.besides) for bit, held in bits if held.besides]
        # Many names end alike, and URLs of one host come together.
        self._at = lru_cache(maxsize=16_384)(compiled.names.look_up)
        self._host = lru_cache(maxsize=8_192)(self._of_host)
        self.match = lru_cache(maxsize=8_192)(self._match)

    def bit(self, list_id: str) -> int:
        """The bit of a list; 0 for one that is not here."""
        number = self._number.get(list_id)
        return 0 if number is None else 1 << number

    def ids(self, mask: int) -> tuple[str, ...]:
        """The lists of a mask, in order of configuration."""
        return tuple(held.id for number, held in enumerate(self.lists, start=1) if mask >> number & 1)

    def on(self, kind: str) -> int:
        """The lists that may hold an observable of a type, as a mask."""
        return self._on.get(kind, 0) | (self._on.get("site", 0) if kind == "url" else 0)

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
        if not hashed and not self._compiled.names.has_few(value):
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
