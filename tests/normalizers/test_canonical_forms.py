"""Canonical forms are equal exactly when a proxy or a firewall could not tell two values apart.

What a proxy sees of a URL is made here of its parts, without the code that is tested; each part is then written in some
of the ways in which people and programs write it.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from typing import NamedTuple
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from normalizers.bad_value import BadValue
from normalizers.patterns import observable, pattern
from normalizers.values import canonical

_PORTS = {"http": 80, "https": 443, "ftp": 21}
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_ESCAPE = re.compile("%[0-9a-f]{2}", re.IGNORECASE)
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
        lambda text: "/" + _ESCAPE.sub(lambda found: found[0].upper(), quote(text, safe="/.~%?=&;+,-_:@"))
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


@given(st.lists(_LABELS, min_size=1, max_size=3), st.data())
def test_two_spellings_of_one_name_are_one_domain(labels: list[str], data: st.DataObject) -> None:
    """By itself as within a URL: letters of any case and width, dots of any kind, with a dot at the end or without."""
    name = ".".join([*labels, "example"])
    assert canonical("domain", data.draw(_written_host(name))) == ("domain", name)


_NAMES = st.lists(_LABELS, min_size=1, max_size=3).map(lambda labels: ".".join([*labels, "example"]))


@given(_NAMES, _NAMES)
def test_two_names_are_two_domains(one: str, other: str) -> None:
    """What a resolver is asked for differs exactly when they do."""
    assert (canonical("domain", one.upper()) == canonical("domain", f"{other}.")) == (one == other)


_DOCUMENTED = [ipaddress.ip_network(text) for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")]
_IPV4 = st.sampled_from(_DOCUMENTED).flatmap(lambda network: st.ip_addresses(v=4, network=network))


@given(_IPV4, st.sampled_from(["{}", "::ffff:{}", "[::FFFF:{}]", "{}/32"]), st.booleans(), st.booleans())
def test_two_spellings_of_one_ipv4_address_are_one(
    address: ipaddress.IPv4Address, form: str, wide: bool, defanged: bool
) -> None:
    """Mapped into IPv6, as a network of one, full-width, with dots defanged."""
    text = str(address).replace(".", "[.]") if defanged and form == "{}" else str(address)
    written = form.format(text.translate(_WIDE) if wide and form == "{}" else text)
    assert canonical("ip", written) == ("ipv4", str(address))


@given(_IPV4, _IPV4)
def test_two_ipv4_addresses_are_two(one: ipaddress.IPv4Address, other: ipaddress.IPv4Address) -> None:
    """What a firewall could tell apart is two values."""
    assert (canonical("ipv4", str(one)) == canonical("ipv4", str(other))) == (one == other)


_PARTS = st.text("aAbB1.+", min_size=1, max_size=5).filter(lambda text: ".." not in text and text.strip(".") == text)


@given(_PARTS, _PARTS, _NAMES, _NAMES, st.sampled_from(["{}@{}", "mailto:{}@{}", "{}[at]{}", "{}＠{}"]))
def test_two_addresses_of_mail_are_one_exactly_when_a_server_takes_them_for_one(
    one: str, other: str, here: str, there: str, form: str
) -> None:
    """The host has no case, what stands before it may have; ``mailto:`` and a defanged @ are no part of it."""
    found = canonical("email", form.format(one, here.upper()))
    assert found == ("email", f"{one}@{here}")
    assert (found == canonical("email", f"{other}@{there}")) == ((one, here) == (other, there))


_CVES = st.tuples(st.integers(1999, 2030), st.integers(0, 999_999).map(lambda number: f"{number:04}"))
_DASHED = st.sampled_from(["-", "‐", "‑", "–", "−", "－"])


@given(_CVES, _CVES, _DASHED, st.booleans())
def test_two_cves_are_one_exactly_when_year_and_number_are(
    one: tuple[int, str], other: tuple[int, str], dash: str, wide: bool
) -> None:
    """Whatever their case, width and dash."""
    written = dash.join(["cve", str(one[0]), one[1]])
    found = canonical("cve", written.translate(_WIDE) if wide else written)
    assert found == ("cve", f"CVE-{one[0]}-{one[1]}")
    assert (found == canonical("cve", f"CVE-{other[0]}-{other[1]}")) == (one == other)


_MD5S = st.text("0123456789abcdef", min_size=32, max_size=32).filter(lambda digits: len(set(digits)) > 1)


@given(_MD5S, st.integers(0, 31))
def test_two_fingerprints_are_one_exactly_when_their_digits_are(digits: str, at: int) -> None:
    """JA3: case and width make no difference, one other digit does."""
    assert canonical("ja3", digits.upper().translate(_WIDE)) == ("ja3", digits)
    changed = digits[:at] + ("0" if digits[at] != "0" else "1") + digits[at + 1 :]
    assume(len(set(changed)) > 1)
    assert canonical("ja3", changed) != canonical("ja3", digits)


@given(st.binary(min_size=20, max_size=20), st.integers(0, 159), st.sampled_from([str.lower, str.upper]))
def test_two_ethereum_wallets_are_one_exactly_when_their_bytes_are(account: bytes, bit: int, case: object) -> None:
    """Capitals are a checksum that clients need not look at; one other bit is another wallet."""
    found = canonical("wallet", "0x" + case(account.hex()))  # type: ignore[operator]
    assert found == ("wallet", f"0x{account.hex()}")
    other = (int.from_bytes(account) ^ 1 << bit).to_bytes(20)
    assert canonical("wallet", f"0x{other.hex()}") != found


@given(st.binary(min_size=20, max_size=20), st.integers(0, 200))
def test_a_base58_wallet_is_its_letters(account: bytes, place: int) -> None:
    """Case is part of it: whatever one letter is changed to, the checksum tells, or it is another value."""
    payload = b"\x00" + account
    payload += hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
    text, number = "", int.from_bytes(payload)
    while number:
        number, digit = divmod(number, 58)
        text = _BASE58[digit] + text
    text = "1" * (len(payload) - len(payload.lstrip(b"\x00"))) + text
    assert canonical("wallet", text) == ("wallet", text)
    at = place % len(text)
    swapped = text[:at] + text[at].swapcase() + text[at + 1 :]
    if swapped != text:
        with pytest.raises(BadValue):
            canonical("wallet", swapped)


@pytest.mark.parametrize("dot", ["\u2024", "\ufe52", "\u2027", "\u00b7", "\u30fb", "\u0702"])
@pytest.mark.parametrize("name", ["a{}example", "www.a{}example.jp", "{}a.example"])
def test_what_only_looks_like_a_dot_is_none(dot: str, name: str) -> None:
    """UTS-46 has four full stops. Others are refused, or are letters of the label they stand in, as to a browser."""
    try:
        found = canonical("domain", name.format(dot))
    except BadValue:
        return
    assert found[1].count(".") == name.count(".")
    assert "xn--" in found[1]
    assert canonical("url", f"http://{name.format(dot)}/")[1] == f"http://{found[1]}/"


@pytest.mark.parametrize("dot", ["\u2024", "\ufe52"])
def test_what_is_a_dot_in_some_spellings_alone_is_refused(dot: str) -> None:
    """Compatibility maps them to a full stop, which no label may hold."""
    with pytest.raises(BadValue):
        canonical("domain", f"www.a{dot}example.jp")
