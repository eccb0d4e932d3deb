"""What an observable lies in is named exactly, in the spelling under which claims are kept."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from normalizers.around import Nearby, around
from normalizers.values import canonical


@pytest.mark.parametrize(
    ("url", "kind", "host"),
    [
        ("http://www.bad.example/a?b=http://other.example/", "domain", "www.bad.example"),
        ("https://user:pass@bad.example:8443/", "domain", "bad.example"),
        ("http://good.example@bad.example/", "domain", "bad.example"),
    ],
)
def test_a_url_lies_on_its_host(url: str, kind: str, host: str) -> None:
    """The host is what a browser would go to, and a name lies in no network."""
    assert around("url", url) == [Nearby("host", kind, host)]


def test_a_url_on_an_address_lies_in_the_networks_of_that_address() -> None:
    """The host comes first, then what holds it, the narrowest first."""
    found = around("url", "http://203.0.113.7:81/x")
    assert found[:3] == [
        Nearby("host", "ipv4", "203.0.113.7"),
        Nearby("network", "cidr", "203.0.113.6/31"),
        Nearby("network", "cidr", "203.0.113.4/30"),
    ]
    assert found[-1] == Nearby("network", "cidr", "203.0.0.0/8")
    found = around("url", "http://[2001:db8::1]:8080/a")
    assert found[0] == Nearby("host", "ipv6", "2001:db8::1")
    assert len(found) == 1 + 112


@given(
    st.sampled_from(["203.0.113.0/24", "2001:db8::/32"]).flatmap(lambda network: st.ip_addresses(network=network)),
    st.integers(0, 128),
)
def test_networks_hold_the_address_and_are_spelt_as_claims_are(address: object, length: int) -> None:
    """Each network holds the value, is strictly broader, and is its own canonical spelling."""
    kind, text = value = canonical("ip", str(address))
    whole = 32 if kind == "ipv4" else 128
    if (8 if whole == 32 else 16) <= length < whole:
        value = canonical("cidr", f"{text}/{length}")
    inner = ipaddress.ip_network(value[1])
    found = around(*value)
    assert len(found) == inner.prefixlen - (8 if inner.version == 4 else 16)
    for item in found:
        assert canonical("cidr", item.value) == (item.type, item.value)
        assert inner.subnet_of(ipaddress.ip_network(item.value))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "value"),
    [("domain", "www.bad.example"), ("email", "a@bad.example"), ("cve", "CVE-2026-0001"), ("asn", "64496")],
)
def test_other_types_lie_in_nothing(kind: str, value: str) -> None:
    """Only what is certain is named."""
    assert around(kind, value) == []
