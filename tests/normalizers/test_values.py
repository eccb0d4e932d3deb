"""Canonical values: URLs, hosts, addresses, hashes and ids."""

from __future__ import annotations

import hashlib
import ipaddress

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from config.observables import TYPES
from normalizers.bad_value import BadValue
from normalizers.patterns import observable, pattern
from normalizers.refang import refang
from normalizers.values import algorithm, canonical, classify, cves_in, split_port

SHA256 = hashlib.sha256(b"noroshi").hexdigest()


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("http://example.com", "http://example.com/"),
        ("HTTP://EXAMPLE.com/Path?Q=A", "http://example.com/Path?Q=A"),
        ("https://example.com:443/a", "https://example.com/a"),
        ("http://example.com:80", "http://example.com/"),
        ("http://example.com:443/", "http://example.com:443/"),
        ("http://example.com:08080/", "http://example.com:8080/"),
        ("http://example.com:/", "http://example.com/"),
        ("http://example.com?x=1", "http://example.com/?x=1"),
        ("http://example.com/a#part", "http://example.com/a"),
        ("http://example.com#part", "http://example.com/"),
        ("http://example.com/%e3%81%82%2f", "http://example.com/%E3%81%82%2F"),
        ("http://example.com/ａ", "http://example.com/%EF%BD%81"),
        ("http://example.com/a​﻿", "http://example.com/a"),
        ("hxxps：／／evil［．］example／a", "https://evil.example/a"),
        ("hxtp://evil[.]example[/]a", "http://evil.example/a"),
        ("fxp://evil[.]example/a", "ftp://evil.example/a"),
        ("http://example.com/a/../b", "http://example.com/a/../b"),
        ("http://example.com./a", "http://example.com/a"),
        ("http://user:secret@example.com/", "http://user:secret@example.com/"),
        ("http://@example.com/", "http://example.com/"),
        ("http://good.example@bad.example/", "http://good.example@bad.example/"),
        ("http://203.0.113.7:81/", "http://203.0.113.7:81/"),
        ("http://203.0.113.007/", "http://203.0.113.7/"),
        ("http://[2001:DB8::0:1]:8080/a", "http://[2001:db8::1]:8080/a"),
        ("http://[::ffff:203.0.113.7]/", "http://203.0.113.7/"),
        ("https:example.com/a", "https://example.com/a"),
        ("https:/example.com/a", "https://example.com/a"),
        ("https:///example.com/a", "https://example.com/a"),
        ("ftp://example.com/pub", "ftp://example.com/pub"),
        ("hxxps://example[.]com/a", "https://example.com/a"),
        ("hXXp://example.com/", "http://example.com/"),
        ("h**p://example.com/", "http://example.com/"),
        ("https[:]//example[.]com/", "https://example.com/"),
        ("https[://]example(.)com/a[.]php", "https://example.com/a.php"),
        ("http://example.com/a?b[.]c", "http://example.com/a?b[.]c"),
        ("https://日本語.example/ログイン", "https://xn--wgv71a119e.example/%E3%83%AD%E3%82%B0%E3%82%A4%E3%83%B3"),
        ("https://XN--WGV71A119E.example/", "https://xn--wgv71a119e.example/"),
        ("https://i❤.example/", "https://xn--i-7iq.example/"),
        ("https://faß.example/", "https://xn--fa-hia.example/"),
        ("http://example。com/", "http://example.com/"),
        ("http://ｅｘａｍｐｌｅ．com/", "http://example.com/"),
        ("ｈｔｔｐ：//example.com/", "http://example.com/"),
        ("http://%65xample.com/", "http://example.com/"),
        ("  http://example.com/a b  ", "http://example.com/a%20b"),
        ("http://a_b-.example.com/", "http://a_b-.example.com/"),
    ],
)
def test_urls_have_one_spelling(given_text: str, expected: str) -> None:
    """Scheme, host, port, path and escapes of a URL come out canonical, path and query as they were."""
    assert canonical("url", given_text) == ("url", expected)


@pytest.mark.parametrize(
    ("given_text", "reason"),
    [
        ("", "no-scheme"),
        ("example.com/a", "no-scheme"),
        ("htps://example.com/", "bad-scheme"),
        ("hhttps://example.com/", "bad-scheme"),
        ("javascript:alert(1)", "bad-scheme"),
        ("sftp:example.com", "bad-scheme"),
        ("http://", "bad-host"),
        ("http://:80/", "bad-host"),
        ("http://localhost/", "single-label"),
        ("http://a..example.com/", "bad-host"),
        ("http://example.c/", "bad-host"),
        ("http://good.example\\@bad.example/", "bad-host"),
        ("http://exa mple.com/", "bad-host"),
        ("http://ℂ℀.example/", "bad-host"),
        ("http://" + "a" * 64 + ".example/", "bad-host"),
        ("http://" + "a." * 130 + "example/", "bad-host"),
        ("http://xn--a.example/", "bad-host"),
        ("http://xn--0.example/", "bad-host"),
        ("http://*.example.com/", "redacted"),
        ("http://0x7f.1/", "bad-address"),
        ("http://3221226219/", "bad-address"),
        ("http://203.0.113.010/", "ambiguous-address"),
        ("http://203.0.113.08/", "ambiguous-address"),
        ("http://203.0.113.256/", "bad-address"),
        ("http://[2001:db8::1/", "bad-host"),
        ("http://[2001:db8::1%25eth0]/", "bad-address"),
        ("http://2001:db8::1/", "bad-address"),
        ("http://example.com:0/", "bad-port"),
        ("http://example.com:65536/", "bad-port"),
        ("http://example.com:٣/", "bad-port"),
        ("http://example.com/\x00", "control-character"),
        ("http://example.com/a\nb", "control-character"),
        ("http://example.com/\ud800", "control-character"),
        ('http://example.com/a","#phishing', "polluted"),
        ("http://example.com/<b>", "polluted"),
        ("http://example.com/?id=*", "redacted"),
        ("http://example.com/abc*", "redacted"),
        ("http://example.com/long…", "redacted"),
        ("http://www.●●●●.com/", "redacted"),
        ("http://example.com/[redacted]/x", "redacted"),
        ("http://example.com/" + "a" * 9_000, "too-long"),
        ("http://example.com/" + "日" * 2_000, "too-long"),
        ("http://example.com/a­b", "invisible-character"),
        ("http://example.com/?a=​b", "invisible-character"),
        ("http://example.com/g/zip/...", "redacted"),
        ("http://example.com/○○○/", "redacted"),
        ("http://example.com/?id=＊＊", "redacted"),
        ("http://example.com/long%E2%80%A6", "redacted"),
        ("http://a‍.example/", "bad-host"),
    ],
)
def test_urls_that_would_have_to_be_guessed_are_refused(given_text: str, reason: str) -> None:
    """What is no URL, or another one to another reader, costs its row and is counted under a stable word."""
    with pytest.raises(BadValue) as refused:
        canonical("url", given_text)
    assert refused.value.reason == reason
    assert "expected" in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "given_text", "expected"),
    [
        ("domain", "Example.COM.", ("domain", "example.com")),
        ("domain", "evil[.]example", ("domain", "evil.example")),
        ("domain", "evil (dot) example", ("domain", "evil.example")),
        ("domain", "_dmarc.example.com", ("domain", "_dmarc.example.com")),
        ("domain", "phish.example", ("domain", "phish.example")),
        ("domain", "203.0.113.7", ("ipv4", "203.0.113.7")),
        ("ip", "203[.]0[.]113[.]7", ("ipv4", "203.0.113.7")),
        ("ip", "２０３.０.１１３.７", ("ipv4", "203.0.113.7")),
        ("ipv4", "203.0.113.007", ("ipv4", "203.0.113.7")),
        ("ipv6", "2001:0DB8:0:0:1:0:0:1", ("ipv6", "2001:db8::1:0:0:1")),
        ("ipv6", "[2001:db8::1]", ("ipv6", "2001:db8::1")),
        ("ipv6", "::ffff:203.0.113.7", ("ipv4", "203.0.113.7")),
        ("ip", "198.51.100.0/24", ("cidr", "198.51.100.0/24")),
        ("cidr", "198.51.100.77/24", ("cidr", "198.51.100.0/24")),
        ("cidr", "203.0.113.7/32", ("ipv4", "203.0.113.7")),
        ("cidr", "2001:db8::7/128", ("ipv6", "2001:db8::7")),
        ("cidr", "2001:DB8::/32", ("cidr", "2001:db8::/32")),
        ("cidr", "::ffff:198.51.100.0/120", ("cidr", "198.51.100.0/24")),
        ("email", "Jane.Doe@Example.COM", ("email", "Jane.Doe@example.com")),
        ("email", "jane[at]example[.]com", ("email", "jane@example.com")),
        ("email", "mailto:jane@例え.example", ("email", "jane@xn--r8jz45g.example")),
        ("file", SHA256.upper(), ("file", SHA256)),
        ("hash", "AB" * 16 + " ", ("file", "ab" * 16)),
        ("certificate", ":".join(["AB"] * 20), ("certificate", "ab" * 20)),
        ("asn", "as64500", ("asn", "AS64500")),
        ("asn", "64500", ("asn", "AS64500")),
        ("cve", "cve-2026-12345", ("cve", "CVE-2026-12345")),
        ("cve", "ＣＶＥ－2026‐12345", ("cve", "CVE-2026-12345")),
        ("advisory", "https://Example.com/wr#2", ("advisory", "https://example.com/wr#2")),
        ("advisory", " JVN#12345678 ", ("advisory", "JVN#12345678")),
        ("advisory", "JVN12345678", ("advisory", "JVN#12345678")),
        ("advisory", "ＪＶＮＶＵ＃12345678", ("advisory", "JVNVU#12345678")),
        ("advisory", "jvndb‐2026－000123", ("advisory", "JVNDB-2026-000123")),
        ("domain", "evil[.example", ("domain", "evil.example")),
        ("domain", "\u202aevil.example\u202c\u200e", ("domain", "evil.example")),
        ("domain", "evil【．】example", ("domain", "evil.example")),
        ("domain", "evil［ドット］example", ("domain", "evil.example")),
        ("domain", "نامه‌ای.example", ("domain", "xn--mgba3gch31f060k.example")),
        ("ip", "２００１：ｄｂ８：：１", ("ipv6", "2001:db8::1")),
        ("ip", "203。0。113｡7", ("ipv4", "203.0.113.7")),
        ("any", "１９８．５１．１００．０／２４", ("cidr", "198.51.100.0/24")),
        ("any", "ＡＳ６４５００", ("asn", "AS64500")),
        ("email", "jane＠example.com", ("email", "jane@example.com")),
        ("file", "ａｂ" * 16, ("file", "ab" * 16)),
        ("certificate", "‎" + " ".join(["ab"] * 20), ("certificate", "ab" * 20)),
        ("asn", "AS1.10", ("asn", "AS65546")),
    ],
)
def test_other_types_have_one_spelling(kind: str, given_text: str, expected: tuple[str, str]) -> None:
    """Names, addresses, networks, hashes and ids come out canonical, under the type that they really have."""
    assert canonical(kind, given_text) == expected


@pytest.mark.parametrize(
    ("kind", "given_text", "reason"),
    [
        ("domain", "2001:db8::1", "bad-host"),
        ("domain", "[2001:db8::1]", "bad-host"),
        ("domain", "www", "single-label"),
        ("domain", "*.example.com", "redacted"),
        ("ip", "203.0.113", "bad-address"),
        ("ip", "fe80::1%eth0", "bad-address"),
        ("cidr", "198.51.100.0", "bad-network"),
        ("cidr", "198.51.100.0/33", "bad-network"),
        ("cidr", "198.51.100.0/x", "bad-network"),
        ("ip", "0.0.0.0", "special-purpose"),
        ("ip", "10.1.2.3", "special-purpose"),
        ("ip", "100.127.255.255", "special-purpose"),
        ("ip", "127.0.0.1", "special-purpose"),
        ("ip", "169.254.169.254", "special-purpose"),
        ("ip", "172.31.0.1", "special-purpose"),
        ("ip", "192.168.0.1", "special-purpose"),
        ("ip", "224.0.0.251", "special-purpose"),
        ("ip", "255.255.255.255", "special-purpose"),
        ("ip", "::1", "special-purpose"),
        ("ip", "fe80::1", "special-purpose"),
        ("ip", "fd00::1", "special-purpose"),
        ("ip", "ff02::fb", "special-purpose"),
        ("ip", "::ffff:10.0.0.1", "special-purpose"),
        ("any", "192.168.0.0/16", "special-purpose"),
        ("cidr", "172.0.0.0/8", "special-purpose"),
        ("cidr", "::ffff:10.0.0.0/104", "special-purpose"),
        ("url", "http://0x7f.1/", "bad-address"),
        ("url", "http://192.168.0.1:8080/a", "special-purpose"),
        ("url", "http://[::1]/", "special-purpose"),
        ("domain", "10.0.0.1", "special-purpose"),
        ("cidr", "0.0.0.0/0", "too-broad"),
        ("cidr", "::/3", "too-broad"),
        ("cidr", "::ffff:0:0/90", "bad-network"),
        ("email", "no at sign", "bad-email"),
        ("email", "two words@example.com", "bad-email"),
        ("file", "xyz", "bad-hash"),
        ("file", "d41d8cd98f00b204e9800998ecf8427e", "empty-hash"),
        ("file", hashlib.sha1(b"").hexdigest(), "empty-hash"),
        ("file", hashlib.sha256(b"").hexdigest(), "empty-hash"),
        ("file", hashlib.sha512(b"").hexdigest(), "empty-hash"),
        ("file", "0" * 64, "empty-hash"),
        ("certificate", "ab" * 64, "bad-hash"),
        ("asn", "AS0", "bad-asn"),
        ("asn", "4294967296", "bad-asn"),
        ("asn", "1.10", "bad-asn"),
        ("asn", "AS1.65536", "bad-asn"),
        ("asn", "AS23456", "special-purpose"),
        ("asn", "AS64512", "special-purpose"),
        ("asn", "AS65535", "special-purpose"),
        ("asn", "AS4200000000", "special-purpose"),
        ("domain", "pay‍pal.example", "bad-host"),
        ("domain", "xn--paypal-rf0c.example", "bad-host"),
        ("domain", "aא.example", "bad-host"),
        ("domain", "[redacted].bad[.]example", "redacted"),
        ("domain", "○○.example", "redacted"),
        ("domain", "é" * 3_000, "bad-host"),
        ("domain", "[" * 9_000 + "." + "]" * 9_000, "bad-address"),
        ("domain", "a" * 30_000, "too-long"),
        ("any", "example.com/a", "no-scheme"),
        ("email", "***@example.com", "redacted"),
        ("email", "[redacted]@example.com", "redacted"),
        ("cve", "CVE-1998-0001", "bad-cve"),
        ("cve", "CVE-2026-1", "bad-cve"),
        ("advisory", "two words", "bad-advisory"),
        ("ja4", "ab" * 16, "unknown-type"),
        ("ja3", "ab" * 20, "bad-hash"),
        ("ja3", "d41d8cd98f00b204e9800998ecf8427e", "empty-hash"),
        ("wallet", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN3", "bad-wallet"),
        ("wallet", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", "bad-wallet"),
        ("wallet", "0x52908400098527886E0F7030069857D2E4169EE", "bad-wallet"),
    ],
)
def test_other_values_that_cannot_be_used_are_refused(kind: str, given_text: str, reason: str) -> None:
    """Each kind of bad value has its own stable word."""
    with pytest.raises(BadValue) as refused:
        canonical(kind, given_text)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("http://example.com", "url"),
        ("hxxp://example[.]com/a", "url"),
        ("example.com", "domain"),
        ("203.0.113.7", "ipv4"),
        ("2001:db8::1", "ipv6"),
        ("198.51.100.0/24", "cidr"),
        ("jane@example.com", "email"),
        (SHA256, "file"),
        ("CVE-2026-12345", "cve"),
        ("AS64500", "asn"),
    ],
)
def test_lists_without_types_are_told_by_form(given_text: str, expected: str) -> None:
    """A mixed list's values get the type that their form has."""
    assert classify(given_text)[0] == expected


def test_ports_are_parted_at_the_last_colon() -> None:
    """address:port is parted for IPv4 and for IPv6 with and without brackets, and a bad port is refused."""
    assert split_port("203.0.113.7:443") == ("203.0.113.7", 443)
    assert split_port("2001:db8::1:40669") == ("2001:db8::1", 40669)
    assert split_port("[2001:db8::1]:443") == ("[2001:db8::1]", 443)
    for bad in ("203.0.113.7", "203.0.113.7:", "203.0.113.7:0", "203.0.113.7:70000", "203.0.113.7:x"):
        with pytest.raises(BadValue):
            split_port(bad)


def test_cves_are_found_whatever_stands_around_them() -> None:
    """Full-width brackets and letters, several ids, and ids that only look like one."""
    assert cves_in("脆弱性（CVE-2026-1281、ＣＶＥ－２０２６－1340）等 (cve-2025-20393)") == [
        "CVE-2025-20393",
        "CVE-2026-1281",
        "CVE-2026-1340",
    ]
    assert cves_in("XCVE-2026-1281 CVE-2026-12 APSB25-119") == []


def test_algorithms_are_told_by_length() -> None:
    """A canonical hash says by its length what made it."""
    assert [algorithm("a" * n) for n in (32, 40, 64, 128)] == ["MD5", "SHA-1", "SHA-256", "SHA-512"]


def test_refang_leaves_plain_text_alone() -> None:
    """Only marks of defanging are undone."""
    assert refang("https://example.com/hxxp[x]") == "https://example.com/hxxp[x]"
    assert refang("hxxps[:]//a[.]example(.)com") == "https://a.example.com"


def test_messages_mask_what_may_be_somebodys() -> None:
    """A refusal shows neither who was written to nor who visited, and at most 80 characters."""
    for text in ("http://bad..example/?to=jane.doe@example.com", "http://bad..example/?a=b&ip=2001:db8::1"):
        with pytest.raises(BadValue) as refused:
            canonical("url", text)
        assert "jane" not in str(refused.value)
        assert "2001" not in str(refused.value)
    with pytest.raises(BadValue) as refused:
        canonical("url", "x" * 70 + "jane.doe.with.a.long.name@example.com")
    assert "jane" not in str(refused.value)


_WEIRD = st.lists(
    st.sampled_from(
        [
            *'htpsxX:/.[]()@#?%*-_019abcn= \\"<;&+',
            *"\u00ad\u3000\u200b\ufeff。．é日…●ßİK％：／\u200d\ud800\x00\n\u2028",
            *("xn--", "http://", "[.]", "(dot)", "[at]", "hxxp", "%2e", "::", "ffff:", "1.2.3.4", "AS", "CVE-2020-"),
        ]
    ),
    max_size=24,
).map("".join)
_TEXTS = st.one_of(
    _WEIRD,
    st.text(max_size=20),
    _WEIRD.map(lambda text: f"http://a.example{text}"),
    _WEIRD.map(lambda text: f"http://{text}.example/"),
    _WEIRD.map(lambda text: f"http://{text}@a.example/{text}"),
    st.ip_addresses().map(str),
    st.binary(min_size=16, max_size=16).map(bytes.hex),
)


@given(st.sampled_from((*TYPES, "any", "ip", "hash")), _TEXTS)
@example("url", "http://a.example%ffff:")
@example("url", "http://a.example/x \u00ad#")
@example("domain", "xn--a-ecp.ru")
def test_canonical_is_idempotent_and_raises_only_bad_values(kind: str, text: str) -> None:
    """Canonical values are fixed points, and no text whatever raises anything but BadValue."""
    try:
        found, value = canonical(kind, text)
    except BadValue as error:
        refused = error
    else:
        assert found in TYPES
        assert canonical(found, value) == (found, value)
        return
    assert refused.reason
    assert len(str(refused)) < 400


@given(st.sampled_from((*TYPES, "any")), _TEXTS)
def test_canonical_values_survive_their_pattern(kind: str, text: str) -> None:
    """What has a pattern is read back from it unchanged."""
    try:
        found, value = canonical(kind, text)
        written = pattern(found, value)
    except BadValue:
        return
    assert observable(written) == (found, value)


@given(st.ip_addresses(v=6))
def test_ipv6_is_written_as_rfc_5952_says(address: ipaddress.IPv6Address) -> None:
    """Every IPv6 address, in full and in short, has the spelling of the standard library."""
    expected = ("ipv4", str(address.ipv4_mapped)) if address.ipv4_mapped else ("ipv6", address.compressed)
    assume(_is_public(address))
    assert canonical("ip", address.exploded) == expected
    assert canonical("ip", str(address)) == expected


@given(st.from_regex(r"(?:[a-z0-9]{1,12}\.){1,3}[a-z]{2,6}", fullmatch=True), st.sampled_from(["", ":8080", ":80"]))
def test_the_fast_road_and_the_slow_one_agree(host: str, port: str) -> None:
    """A plain URL gives the same as the same URL with something that takes the slow road."""
    plain = f"http://{host}{port}/a?b=c"
    assert canonical("url", plain) == canonical("url", f"\u200b{plain}")
    assert canonical("domain", host) == canonical("domain", f"{host.upper()}.")


@given(st.ip_addresses())
def test_no_address_of_the_public_internet_is_taken_for_a_special_one(address: ipaddress.IPv4Address) -> None:
    """What the standard library calls global is taken, but for multicast."""
    assume(_is_public(address))
    assert canonical("ip", str(address))


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    plain = getattr(address, "ipv4_mapped", None) or address
    return bool(plain.is_global and not plain.is_multicast and not getattr(plain, "is_site_local", False))
