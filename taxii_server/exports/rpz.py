"""A response policy zone for DNS servers (draft-vixie-dnsop-dns-rpz-00): names and addresses that are not resolved."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from config.instant import SECOND
from taxii_server.exports.choosing import Wanted
from taxii_server.exports.rows import About, Row, Rows

#: Longest name of a trigger: a whole name has 253 characters, and the zone's own name takes some.
_LONGEST = 190
_TTL = 300
#: begins the last label of a trigger that is no name, such as ``rpz-ip``
_OTHER = "rpz-"


def write(rows: Rows, asked: Wanted, about: About) -> Iterator[bytes]:
    """The zone, its names relative to whatever it is loaded as. A name that is asked for, and one that has a listed
    address, are answered as if they did not exist. Names below a listed one are left alone: nobody said that they
    are bad. What is no name or address, names too long to stand in a zone, and names that a server would take for a
    trigger of another kind, such as for all addresses, are left out."""
    serial = max(about.present, about.latest) // SECOND
    yield f"$TTL {_TTL}\n@ SOA localhost. root.localhost. {serial} 3600 600 604800 {_TTL}\n@ NS localhost.\n".encode()
    for row, _ in rows:
        name = _trigger(row)
        if name and len(name) <= _LONGEST:
            yield f"{name} CNAME .\n".encode()


def _trigger(row: Row) -> str:
    if row.type == "domain":
        return "" if row.value.rpartition(".")[2].startswith(_OTHER) else row.value
    if row.type in ("ipv4", "ipv6", "cidr"):
        network = ipaddress.ip_network(row.value)
        return f"{network.prefixlen}.{_reversed(network.network_address)}.rpz-ip"
    return ""


def _reversed(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    if isinstance(address, ipaddress.IPv4Address):
        return ".".join(reversed(str(address).split(".")))
    # The longest run of zeros is ``zz``; a single zero is written out.
    before, gap, after = str(address).partition("::")
    words = [*reversed(_words(after)), *(["zz"] if gap else []), *reversed(_words(before))]
    return ".".join(words)


def _words(text: str) -> list[str]:
    return text.split(":") if text else []
