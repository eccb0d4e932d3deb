"""What is for look-ups alone, JA3 fingerprints and wallets, and addresses with a port."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.observables import LOOK_UP
from normalizers.bad_value import BadValue
from normalizers.cells import Rows
from normalizers.claims import Claim
from normalizers.fields import Fields
from normalizers.meanings import meanings
from normalizers.merge import View, merge
from normalizers.patterns import pattern
from normalizers.sources import Source
from normalizers.values import canonical, split_port
from normalizers.wallets import _BASE32, _BASE58, _polymod
from tests.normalizers.reading import document, feed

MD5 = hashlib.md5(b"noroshi").hexdigest()


def base58(payload: bytes) -> str:
    """The payload with its checksum, as Bitcoin writes it."""
    whole = payload + hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
    number, text = int.from_bytes(whole), ""
    while number:
        number, digit = divmod(number, 58)
        text = _BASE58[digit] + text
    return "1" * (len(whole) - len(whole.lstrip(b"\0"))) + text


def bech32(prefix: str, values: list[int], sound: int) -> str:
    """The values with the checksum that leaves ``sound``."""
    data = "".join(_BASE32[value] for value in values)
    rest = _polymod(prefix, data + "q" * 6) ^ sound
    return f"{prefix}1{data}" + "".join(_BASE32[rest >> 5 * (5 - at) & 31] for at in range(6))


# ---------------------------------------------------------------- wallets


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"),
        (" 3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy ", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"),
        ("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
        (
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
        ),
        ("0x52908400098527886E0F7030069857D2E4169EE7", "0x52908400098527886e0f7030069857d2e4169ee7"),
        ("4" + "A" * 94, "4" + "A" * 94),
    ],
)
def test_addresses_of_wallets(text: str, value: str) -> None:
    """The examples of the specifications (BIP 173, BIP 350, EIP-55), and Monero's by its form."""
    assert canonical("wallet", text) == ("wallet", value)


@pytest.mark.parametrize(
    "text",
    [
        "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN3",
        "1bvbmseystwetqtfn5au4m4gfg7xjanvn2",
        "Bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",
        "0x52908400098527886e0f7030069857d2e4169ee",
        "5" + "A" * 94,
        "4" + "A" * 93,
        "example.com",
        "",
        "1" * 34,
    ],
)
def test_what_is_no_wallet(text: str) -> None:
    """A wrong checksum, mixed case where case must not mix, another length."""
    with pytest.raises(BadValue) as refused:
        canonical("wallet", text)
    assert refused.value.reason == "bad-wallet"


@given(st.binary(min_size=21, max_size=21))
def test_base58_is_held_to_its_checksum(payload: bytes) -> None:
    """Every sound address is its own canonical form, and none is one in another case."""
    address = base58(payload)
    assert canonical("wallet", address) == ("wallet", address)
    if address.swapcase() != address:
        with pytest.raises(BadValue):
            canonical("wallet", address.swapcase())


@given(
    st.sampled_from(("bc", "tb", "ltc")),
    st.lists(st.integers(0, 31), min_size=8, max_size=60),
    st.sampled_from((1, 0x2BC830A3)),
    st.data(),
)
def test_bech32_is_held_to_its_checksum(prefix: str, values: list[int], sound: int, data: st.DataObject) -> None:
    """In small letters or in capitals it is one; with one character changed it is none."""
    address = bech32(prefix, values, sound)
    assert canonical("wallet", address) == canonical("wallet", address.upper()) == ("wallet", address)
    at = data.draw(st.integers(len(prefix) + 1, len(address) - 1))
    other = data.draw(st.sampled_from([char for char in _BASE32 if char != address[at]]))
    with pytest.raises(BadValue):
        canonical("wallet", address[:at] + other + address[at + 1 :])


@given(st.binary(min_size=20, max_size=20).map(bytes.hex), st.integers(0, 2**40))
def test_ethereum_is_one_whatever_its_case(digits: str, seed: int) -> None:
    """The capitals are a checksum that clients need not look at."""
    mixed = "".join(char.upper() if seed >> at & 1 else char for at, char in enumerate(digits))
    assert canonical("wallet", f"0x{mixed}") == ("wallet", f"0x{digits}")


# ---------------------------------------------------------------- look-up only


@given(st.binary(min_size=16, max_size=16).map(bytes.hex).filter(lambda digits: len(set(digits)) > 1))
def test_ja3_fingerprints(digits: str) -> None:
    """Small letters, and a fixed point."""
    found = canonical("ja3", digits.upper())
    assert found == ("ja3", digits) == canonical(*found)


@pytest.mark.parametrize("kind", sorted(LOOK_UP))
@pytest.mark.parametrize("own", [False, True])
def test_no_view_says_anything_about_what_is_for_look_ups(kind: str, own: bool) -> None:
    """Whatever the audience: nothing is merged, and there is no pattern to publish."""
    claim = Claim(kind, "value", "a", "a", "clear", 1, 1, 1, 10, 90)
    assert merge([claim, claim._replace(origin="b", family="b")], View("v", "clear", own, "tlp2")) is None
    with pytest.raises(BadValue, match="a type that has a pattern"):
        pattern(kind, "value")


@pytest.mark.parametrize(
    ("value", "kinds"),
    [
        (MD5, ["file", "certificate", "ja3"]),
        ("ab" * 19 + "cd", ["file", "certificate"]),
        ("AB:" * 19 + "CD", ["certificate"]),
        ("ab" * 63 + "cd", ["file"]),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", ["wallet"]),
        ("0x52908400098527886E0F7030069857D2E4169EE7", ["wallet"]),
        ("cve-2026-12345", ["cve"]),
        ("203.0.113.7", ["ipv4"]),
    ],
)
def test_what_a_bare_value_may_be(value: str, kinds: list[str]) -> None:
    """A hash is of a file first; what is nothing else may be a wallet."""
    assert [kind for kind, _ in meanings(value)] == kinds


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("203.0.113.7:443", ("ipv4", "203.0.113.7")),
        ("203[.]0[.]113[.]7[:]443", ("ipv4", "203.0.113.7")),
        ("[2001:db8::6]:53", ("ipv6", "2001:db8::6")),
        ("2001:db8::6:53", ("ipv6", "2001:db8::6:53")),
        ("c2.example:8080", ("domain", "c2.example")),
        ("http://c2.example:8080", ("url", "http://c2.example:8080/")),
    ],
)
def test_a_host_with_a_port_is_the_host(value: str, meant: tuple[str, str]) -> None:
    """As logs have it. An IPv6 address without brackets is one, whatever it ends with."""
    assert meanings(value) == [meant]


@pytest.mark.parametrize("value", ["203.0.113.7:0", "203.0.113.7:65536", "203.0.113.7:", "10.0.0.1:443", "a:443"])
def test_what_is_no_port_or_no_host(value: str) -> None:
    """Nothing is cut off."""
    with pytest.raises(BadValue):
        meanings(value)


def test_what_a_bare_value_cannot_be() -> None:
    """The error is that of the likeliest reading."""
    with pytest.raises(BadValue, match="a name with a dot"):
        meanings("nothing")


# ---------------------------------------------------------------- address and port


def ip_port(text: str) -> tuple[str, str, str]:
    """Type, value and detail of a row whose feed says that it is an address and a port."""
    rows = Rows(Fields(value="v", type="ip:port"), Source(feed("threatfox"), document("")), document(""))
    claim = rows.claim((text,))
    return claim.type, claim.value, claim.detail


@given(st.ip_addresses(network="203.0.113.0/24") | st.ip_addresses(network="2001:db8::/32"), st.integers(1, 65_535))
def test_q_u6_an_address_and_its_port_are_parted_at_the_last_colon(address: object, port: int) -> None:
    """With brackets around an IPv6 address and without: the claim is about the address, the port rides along."""
    kind, value = canonical("ip", str(address))
    for text in {f"{value}:{port}", f"[{value}]:{port}" if ":" in value else f"{value}:{port}"}:
        assert split_port(text)[1] == port
        assert ip_port(text) == (kind, value, f'{{"port":[{port}],"threat":"malware"}}')


def test_q_u6_without_a_word_of_the_feed_there_is_no_port() -> None:
    """Whether what follows the last colon is a port cannot be seen: read as any type, the whole is an address."""
    assert canonical("any", "2001:db8::5:4066") == ("ipv6", "2001:db8::5:4066")
    assert ip_port("2001:db8::5:4066")[1] == "2001:db8::5"


@pytest.mark.parametrize("text", ["2001:db8::5:70000", "203.0.113.7", "203.0.113.7:", "203.0.113.7:0", "203.0.113.7:x"])
def test_q_u6_a_port_that_is_none_is_refused(text: str) -> None:
    """From 1 to 65535, in digits."""
    with pytest.raises(BadValue) as refused:
        ip_port(text)
    assert refused.value.reason == "bad-port"
