"""Canonical forms are equal exactly when a proxy or a firewall could not tell two values apart.

What a proxy sees of a URL is made here of its parts, without the code that is tested; each part is then written in some
of the ways in which people and programs write it.
"""

from __future__ import annotations

import ipaddress
from typing import NamedTuple
from urllib.parse import quote

from hypothesis import assume, given
from hypothesis import strategies as st

from normalizers.patterns import observable, pattern
from normalizers.values import canonical

_PORTS = {"http": 80, "https": 443, "ftp": 21}
_WIDE = {ord(char): chr(ord(char) + 0xFEE0) for char in "abcdefghijklmnopqrstuvwxyz0123456789-"}


class Request(NamedTuple):
    """What a client asks a proxy for."""

    scheme: str
    host: str
    port: int
    target: str


_LABELS = st.sampled_from(["a", "b", "a-b", "x1", "xn--r8jz45g", "_dmarc", "bank", "login"])
_HOSTS = st.one_of(
    st.lists(_LABELS, min_size=1, max_size=3).map(lambda labels: ".".join([*labels, "example"])),
    st.integers(1, 254).map(lambda last: f"203.0.113.{last}"),
    st.integers(0, 3).map(lambda last: f"[2001:db8::{last:x}]".replace("::0]", "::]")),
)
_TARGETS = st.text(st.sampled_from("aA1/.~%2fF?=&;+,日é-_:@"), max_size=8).filter(
    lambda text: "%" not in text.replace("%2f", "").replace("%2F", "").replace("%2", "")
)
_REQUESTS = st.builds(
    Request,
    st.sampled_from(sorted(_PORTS)),
    _HOSTS,
    st.sampled_from([80, 443, 21, 8080]),
    _TARGETS.filter(lambda text: not text.endswith("...")).map(
        lambda text: "/" + quote(text, safe="/.~%?=&;+,-_:@").replace("%2f", "%2F")
    ),
)


@st.composite
def _written(draw: st.DrawFn, request: Request) -> str:
    """The request's URL, written in some way."""
    scheme = draw(st.sampled_from([request.scheme, request.scheme.upper(), request.scheme.replace("tt", "xx")]))
    host = draw(_written_host(request.host))
    odd = draw(st.sampled_from(["", ":", f":{_PORTS[request.scheme]}", f":0{_PORTS[request.scheme]}"]))
    port = odd if request.port == _PORTS[request.scheme] else draw(st.sampled_from([":", ":0"])) + str(request.port)
    target = "" if request.target == "/" and draw(st.booleans()) else request.target
    target = target.replace("%E6%97%A5", draw(st.sampled_from(["日", "%E6%97%A5", "%e6%97%a5"])))
    slashes = draw(st.sampled_from(["://", "[:]//", "[://]", ":[//]", "［：］//"]))
    edge = draw(st.sampled_from(["", " ", "\u3000", "\ufeff", "\u200b", "\t"]))
    fragment = draw(st.sampled_from(["", "#", "#part"]))
    return f"{edge}{scheme}{slashes}{host}{port}{target}{fragment}{edge}"


@st.composite
def _written_host(draw: st.DrawFn, host: str) -> str:
    if host.startswith("["):
        address = ipaddress.ip_address(host[1:-1])
        return f"[{draw(st.sampled_from([address.exploded, address.compressed, address.exploded.upper()]))}]"
    dots = st.sampled_from([".", "[.]", "(.)", "［．］", "{dot}", "。", "｡", "[.", ".]", "(ドット)", "【.】"])
    first, *labels = host.split(".")
    for label in labels:
        first += draw(dots) + label
    if host[0].isdigit():
        return first
    changed = draw(st.sampled_from([first, first.upper().replace("(DOT)", "(dot)"), first.translate(_WIDE)]))
    changed = changed.replace("xn--r8jz45g", draw(st.sampled_from(["xn--r8jz45g", "例え"])))
    return draw(st.sampled_from(["", "\u00ad", "\u200b"])) + changed + draw(st.sampled_from(["", "."]))


@given(_REQUESTS, st.data())
def test_two_spellings_of_one_request_are_one_url(request: Request, data: st.DataObject) -> None:
    """However it is written, what a proxy could not tell apart is one value, and that is the request as it is sent."""
    value = canonical("url", data.draw(_written(request)))[1]
    port = "" if request.port == _PORTS[request.scheme] else f":{request.port}"
    assert value == f"{request.scheme}://{request.host}{port}{request.target}"


@given(_REQUESTS, _REQUESTS)
def test_two_requests_are_two_urls(one: Request, other: Request) -> None:
    """What a proxy could tell apart is two values."""
    values = [canonical("url", f"{item.scheme}://{item.host}:{item.port}{item.target}") for item in (one, other)]
    assert (values[0] == values[1]) == (one == other)


@given(st.ip_addresses(v=6).filter(lambda address: address.is_global), st.integers(16, 128), st.integers(16, 128))
def test_two_networks_are_one_exactly_when_they_hold_the_same_addresses(
    address: ipaddress.IPv6Address, one: int, other: int
) -> None:
    """Whatever address of it and whichever spelling a network is written with."""
    assume(address.ipv4_mapped is None)
    networks = [ipaddress.ip_network(f"{address}/{bits}", strict=False) for bits in (one, other)]
    assume(not any(_reserved(network) for network in networks))
    values = [canonical("cidr", f"{address.exploded}/{bits}") for bits in (one, other)]
    assert (values[0] == values[1]) == (networks[0] == networks[1])
    assert canonical("cidr", f"{networks[0].network_address}/{one}") == values[0]


def _reserved(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    special = ("::/127", "fc00::/7", "fe80::/9", "ff00::/8", "::ffff:0:0/96")
    return any(network.overlaps(ipaddress.ip_network(text)) for text in special)


_HEX = st.sampled_from([32, 40, 64, 128]).flatmap(
    lambda length: st.text("0123456789abcdef", min_size=length, max_size=length)
)


@given(_HEX, st.sampled_from([str.upper, str.lower, str.title]), st.sampled_from(["", ":", " ", "-"]))
def test_a_hash_is_its_bytes(digits: str, case: object, between: str) -> None:
    """Case, width and what stands between the bytes of a fingerprint make no difference."""
    assume(len(set(digits)) > 1)
    written = case(digits)  # type: ignore[operator]
    assert canonical("file", written) == canonical("file", written.translate(_WIDE)) == ("file", digits)
    if len(digits) < 128:
        pairs = between.join(digits[at : at + 2] for at in range(0, len(digits), 2))
        assert canonical("certificate", pairs) == ("certificate", digits)


@given(st.one_of(st.integers(1, 23_455), st.integers(23_457, 64_511), st.integers(65_536, 4_199_999_999)))
def test_an_as_number_is_its_number(number: int) -> None:
    """With and without AS, with zeros before it, and in two halves."""
    high, low = divmod(number, 65_536)
    written = [str(number), f"AS{number}", f"as{number:010}", f"ASN {number}", f"AS{high}.{low}"]
    assert {canonical("asn", text) for text in written} == {("asn", f"AS{number}")}


@given(_HOSTS.filter(lambda host: "[" not in host), st.text(st.sampled_from("a'\\/"), max_size=6))
def test_the_pattern_keeps_the_value(host: str, odd: str) -> None:
    """What is written into a STIX pattern is read out of it again, with quotes and backslashes."""
    found = canonical("url", f"http://u'@{host}/{odd}")
    assert observable(pattern(*found)) == found
