"""Patterns of one comparison (STIX 2.1 section 9)."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stix2patterns.validator import run_validator

from normalizers.bad_value import BadValue
from normalizers.patterns import _USUAL, is_valid, observable, pattern
from normalizers.values import canonical

MD5, SHA1, SHA256, SHA512 = "ab" * 16, "ab" * 20, "ab" * 32, "ab" * 64


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("ipv4", "203.0.113.7", "[ipv4-addr:value = '203.0.113.7']"),
        ("ipv6", "2001:db8::1", "[ipv6-addr:value = '2001:db8::1']"),
        ("cidr", "198.51.100.0/24", "[ipv4-addr:value = '198.51.100.0/24']"),
        ("cidr", "2001:db8::/32", "[ipv6-addr:value = '2001:db8::/32']"),
        ("domain", "example.com", "[domain-name:value = 'example.com']"),
        ("url", "http://example.com/it's\\", r"[url:value = 'http://example.com/it\'s\\']"),
        ("email", "jane@example.com", "[email-addr:value = 'jane@example.com']"),
        ("file", MD5, f"[file:hashes.MD5 = '{MD5}']"),
        ("file", SHA1, f"[file:hashes.'SHA-1' = '{SHA1}']"),
        ("file", SHA256, f"[file:hashes.'SHA-256' = '{SHA256}']"),
        ("file", SHA512, f"[file:hashes.'SHA-512' = '{SHA512}']"),
        ("certificate", SHA1, f"[x509-certificate:hashes.'SHA-1' = '{SHA1}']"),
        ("asn", "AS64500", "[autonomous-system:number = 64500]"),
    ],
)
def test_canonical_patterns(kind: str, value: str, expected: str) -> None:
    """Every type has one pattern, which the OASIS grammar takes and which reads back as the same value."""
    assert pattern(kind, value) == expected
    assert run_validator(expected, "2.1") == []
    assert is_valid(expected)
    assert observable(expected) == (kind, value)


@pytest.mark.parametrize("kind", ["cve", "advisory", "nonsense"])
def test_what_no_indicator_is_made_of_has_no_pattern(kind: str) -> None:
    """Vulnerabilities and advisories are other objects."""
    with pytest.raises(BadValue) as refused:
        pattern(kind, "CVE-2026-12345")
    assert refused.value.reason == "no-pattern"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[ipv4-addr:value='203.0.113.7']", ("ipv4", "203.0.113.7")),
        ("  [ ipv4-addr:value  =\t'203.0.113.7' ]  ", ("ipv4", "203.0.113.7")),
        ("[ipv4-addr:value == '203.0.113.7']", ("ipv4", "203.0.113.7")),
        ("([ipv4-addr:value = '203.0.113.7'])", ("ipv4", "203.0.113.7")),
        ("[(ipv4-addr:value = '203.0.113.7')]", ("ipv4", "203.0.113.7")),
        ("/* seen today */ [ipv4-addr:value = '203.0.113.7']", ("ipv4", "203.0.113.7")),
        ("[ipv4-addr:value = '203.0.113.0/24']", ("cidr", "203.0.113.0/24")),
        ("[ipv4-addr:value ISSUBSET '203.0.113.7/24']", ("cidr", "203.0.113.0/24")),
        ("[ipv6-addr:value ISSUBSET '2001:db8::/32']", ("cidr", "2001:db8::/32")),
        ("[domain-name:value = 'EXAMPLE.com.']", ("domain", "example.com")),
        (r"[url:value = 'http://example.com/it\'s']", ("url", "http://example.com/it's")),
        ("[url:value = 'http://example.com//x']", ("url", "http://example.com//x")),
        (f"[file:hashes.'MD5' = '{MD5}']", ("file", MD5)),
        (f"[file:hashes.MD5 = '{MD5.upper()}']", ("file", MD5)),
        (f"[file:hashes.\"SHA-256\" = '{SHA256}']", ("file", SHA256)),
        (f"[file:hashes.sha256 = '{SHA256}']", ("file", SHA256)),
        (f"[file:hashes.SHA256 = '{SHA256}']", ("file", SHA256)),
        (f"[file:hashes.'sha-1' = '{SHA1}']", ("file", SHA1)),
        (f"[file:hashes.'SHA-256' = \"{SHA256}\"]", ("file", SHA256)),
        (f"[x509-certificate:hashes.'SHA-256' = '{SHA256}']", ("certificate", SHA256)),
        ("[autonomous-system:number=64500]", ("asn", "AS64500")),
    ],
)
def test_other_spellings_of_one_comparison_are_read(text: str, expected: tuple[str, str]) -> None:
    """Spacing, brackets, quotes and names of hashes differ between producers, and mean the same."""
    assert observable(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not-one-comparison"),
        ("ipv4-addr:value", "not-one-comparison"),
        ("[domain-name:value = 'a.example' AND ipv4-addr:value = '203.0.113.7']", "not-one-comparison"),
        ("[url:value = 'http://a.example/'] FOLLOWEDBY [url:value = 'http://b.example/']", "not-one-comparison"),
        ("[url:value = 'http://a.example/'] WITHIN 5 SECONDS", "not-one-comparison"),
        ("[url:value IN ('http://a.example/')]", "not-one-comparison"),
        ("[url:value LIKE 'http://%']", "not-one-comparison"),
        ("[NOT url:value = 'http://a.example/']", "not-one-comparison"),
        ("[url:value != 'http://a.example/']", "not-one-comparison"),
        ("[" * 10_000, "not-one-comparison"),
        ("[file:name = 'a.exe']", "unsupported-pattern"),
        ("[file:hashes = 'a.exe']", "unsupported-pattern"),
        ("[url:value ISSUBSET 'http://a.example/']", "unsupported-pattern"),
        ("[ipv4-addr:value = 7]", "unsupported-pattern"),
        ("[url:value.x = 'http://a.example/']", "unsupported-pattern"),
        ("[file:hashes.SSDEEP = '3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C']", "unsupported-hash"),
        (f"[file:hashes.MD5 = '{SHA256}']", "bad-hash"),
        (f"[file:hashes.'SHA-256' = '{MD5}']", "bad-hash"),
        ("[ipv4-addr:value = '203.0.113.999']", "bad-address"),
        ("[domain-name:value = 'nothing']", "single-label"),
        ("[url:value = '" + "a" * 30_000 + "']", "too-long"),
    ],
)
def test_patterns_that_say_something_else_are_refused(text: str, reason: str) -> None:
    """Only one equality about something the hub knows becomes an observable."""
    with pytest.raises(BadValue) as refused:
        observable(text)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("[domain-name:value = 'a.example' AND ipv4-addr:value = '203.0.113.7']", True),
        ("[url:value = 'http://a.example/'] FOLLOWEDBY [url:value = 'http://b.example/'] WITHIN 5 SECONDS", True),
        ("[file:name LIKE 'a%']", True),
        ("", False),
        ("   ", False),
        ("[", False),
        ("url:value = 'x'", False),
        ("[url:value = 'x']]", False),
        ("[url:value = 'it's']", False),
        (f"[file:hashes.MD5 = '{SHA256}']", False),
        (f"[file:hashes.\"SHA-256\" = '{SHA256}']", False),
        ("(" * 4_000 + "[url:value = 'x']" + ")" * 4_000, False),
        ("[url:value = '" + "a" * 30_000 + "']", False),
    ],
)
def test_validity(text: str, valid: bool) -> None:
    """Any valid pattern is valid, however complex; broken, endless and absurdly nested ones are not."""
    assert is_valid(text) is valid


_STRINGS = st.text(
    st.one_of(st.sampled_from("'\\\"[]()=\n\t\x00 /*日\u00a0"), st.characters(codec="utf-8")), max_size=20
)
_PATHS = st.sampled_from(
    ["url:value", "ipv4-addr:value", "file:hashes.MD5", "file:hashes.'SHA-256'", "x509-certificate:hashes.'SHA-1'"]
)
_HEX = st.sampled_from([MD5, SHA1, SHA256, SHA256.upper(), "xyz", ""])


@given(
    _PATHS,
    st.one_of(_STRINGS, _HEX),
    st.sampled_from(["[{0} = '{1}']", "[{0}='{1}']", "[{0} = {1}]", " [{0} = '{1}']"]),
)
def test_the_fast_check_never_takes_what_stix2_patterns_refuses(path: str, value: str, form: str) -> None:
    """is_valid may be faster than the OASIS validator, but not more generous."""
    text = form.format(path, value)
    if _USUAL.fullmatch(text):
        assert run_validator(text, "2.1") == []
    assert is_valid(text) in (True, False)


@given(st.one_of(_STRINGS, st.tuples(_PATHS, _STRINGS).map(lambda pair: f"[{pair[0]} = '{pair[1]}']")))
def test_reading_raises_only_bad_values(text: str) -> None:
    """No pattern whatever raises anything but BadValue."""
    with contextlib.suppress(BadValue):
        kind, value = observable(text)
        assert canonical(kind, value) == (kind, value)
