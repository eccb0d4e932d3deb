"""What an observable lies in: the networks that hold an address, the host of a URL. Pure, and few of each."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Literal, NamedTuple

from normalizers import urls
from normalizers.hosts import BROADEST


class Nearby(NamedTuple):
    """Another observable than the one in question, and how the two belong together."""

    relation: Literal["host", "network"]
    type: str
    value: str


def around(kind: str, value: str) -> list[Nearby]:
    """The host of a canonical URL, and the networks that hold an address, a network or such a host, narrowest first.

    112 at most: no network is kept that is broader than :data:`normalizers.hosts.BROADEST`.
    """
    if kind == "url":
        host = Nearby("host", *urls.host_of(value))
        return [host, *around(host.type, host.value)]
    return list(_networks(value)) if kind in ("ipv4", "ipv6", "cidr") else []


def _networks(value: str) -> Iterator[Nearby]:
    inner = ipaddress.ip_network(value)
    for length in range(inner.prefixlen - 1, BROADEST[inner.version] - 1, -1):
        yield Nearby("network", "cidr", str(inner.supernet(new_prefix=length)))
