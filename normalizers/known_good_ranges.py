"""Networks of known-good lists as sorted ranges that do not overlap: one bisection tells who holds an address. Pure."""

from __future__ import annotations

import ipaddress
import socket
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

#: (IP version, first address, last address), addresses as numbers
Network = tuple[int, int, int]
_BITS = {4: 32, 6: 128}
#: A network broader than this is a stray entry: it would hold a large part of the Internet.
BROADEST = {4: 7, 6: 12}


class Segments(NamedTuple):
    """Where the lists that hold an address change: from ``starts[i]`` on it is those of ``masks[which[i]]``."""

    starts: list[bytes] | array[int]
    which: array[int]


class Ranges(NamedTuple):
    """The networks of all lists."""

    v4: Segments
    v6: Segments
    masks: tuple[int, ...]

    @classmethod
    def of(cls, networks: Iterable[tuple[Network, int]]) -> Ranges:
        """Join networks, each with the bit of the list that it is from."""
        masks: dict[int, int] = {0: 0}
        listed = list(networks)
        four = _segments([(first, last, bit) for (version, first, last), bit in listed if version == 4], masks)
        six = _segments([(first, last, bit) for (version, first, last), bit in listed if version == 6], masks)
        return cls(
            Segments(array("I", [start for start, _ in four]), array("H", [number for _, number in four])),
            Segments([start.to_bytes(16) for start, _ in six], array("H", [number for _, number in six])),
            tuple(masks),
        )

    def match(self, value: str) -> int:
        """The lists of which one network holds all of a canonical address or network."""
        version, first, last = _bounds(value)
        segments = self.v4 if version == 4 else self.v6
        if not len(segments.starts):
            return 0
        place = _place(segments, version, first)
        if place < 0:
            return 0
        found = self.masks[segments.which[place]]
        end = place if first == last else _place(segments, version, last)
        while found and place < end:
            place += 1
            found &= self.masks[segments.which[place]]
        return found

    def entry(self, value: str, bit: int) -> str:
        """What of a list holds it: a network, or the first and last address where several lie side by side."""
        try:
            version, first, _ = _bounds(value)
        except ValueError:
            return ""
        segments = self.v4 if version == 4 else self.v6
        place = _place(segments, version, first) if len(segments.starts) else -1
        if place < 0 or not self.masks[segments.which[place]] & bit:
            return ""
        low = high = place
        while low > 0 and self.masks[segments.which[low - 1]] & bit:
            low -= 1
        while high + 1 < len(segments.starts) and self.masks[segments.which[high]] & bit:
            high += 1
        return _shown(version, _number(segments.starts[low]), _number(segments.starts[high]) - 1)


def network_of(text: str) -> Network:
    """A list's entry. Raises ValueError for what is no network, or holds a large part of the Internet."""
    found = ipaddress.ip_network(text.strip(), strict=False)
    if found.version == 6 and found.prefixlen >= 96 and found.network_address.ipv4_mapped:
        mapped = found.network_address.ipv4_mapped
        found = ipaddress.ip_network(f"{mapped}/{found.prefixlen - 96}", strict=False)
    if found.prefixlen < BROADEST[found.version]:
        raise ValueError(f"expected a network of /{BROADEST[found.version]} or longer, got {text[:60]}")
    return found.version, int(found.network_address), int(found.broadcast_address)


def _segments(networks: list[tuple[int, int, int]], masks: dict[int, int]) -> list[tuple[int, int]]:
    """(start, number of the mask in ``masks``), sorted; the last one holds nothing."""
    begins: dict[int, list[int]] = {}
    ends: dict[int, list[int]] = {}
    for first, last, bit in networks:
        begins.setdefault(first, []).append(bit)
        ends.setdefault(last + 1, []).append(bit)
    open_: Counter[int] = Counter()
    mask, found = 0, list[tuple[int, int]]()
    for place in sorted(begins.keys() | ends.keys()):
        open_.update(begins.get(place, ()))
        open_.subtract(ends.get(place, ()))
        for bit in {*begins.get(place, ()), *ends.get(place, ())}:
            mask = mask | bit if open_[bit] > 0 else mask & ~bit
        if not found or found[-1][1] != masks.get(mask):
            found.append((place, masks.setdefault(mask, len(masks))))
    return found


def _bounds(value: str) -> Network:
    if "/" in value:
        network = ipaddress.ip_network(value)
        return network.version, int(network.network_address), int(network.broadcast_address)
    if ":" in value:
        number = int.from_bytes(_packed(socket.AF_INET6, value))
        return 6, number, number
    number = int.from_bytes(_packed(socket.AF_INET, value))
    return 4, number, number


def _packed(family: int, value: str) -> bytes:
    try:
        return socket.inet_pton(family, value)
    except OSError:
        raise ValueError(f"expected an IP address, got {value[:60]!r}") from None


def _place(segments: Segments, version: int, number: int) -> int:
    if version == 4:
        return bisect_right(segments.starts, number) - 1
    return bisect_right(segments.starts, number.to_bytes(16)) - 1


def _number(start: int | bytes) -> int:
    return start if isinstance(start, int) else int.from_bytes(start)


def _shown(version: int, first: int, last: int) -> str:
    make = ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address
    networks = list(ipaddress.summarize_address_range(make(first), make(last)))
    if len(networks) > 1:
        return f"{make(first)}-{make(last)}"
    return str(networks[0]).removesuffix(f"/{_BITS[version]}")
