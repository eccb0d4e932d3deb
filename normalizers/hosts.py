"""Hosts: names and addresses in the one spelling the hub keeps.

A name is lower case A-labels without a trailing dot (UTS-46, RFC 5890); IPv4 is dotted decimal without leading zeros;
IPv6 is RFC 5952, and an IPv4-mapped one is the IPv4 address it stands for. What a browser would not reach, or would
reach somewhere else than another reader of the same text, is refused.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import struct
import unicodedata
from functools import lru_cache

import idna

from normalizers.bad_value import BadValue, shown

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_PLAIN_IPV4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")
_DOTTED = re.compile(r"[0-9]{1,11}(?:\.[0-9]{1,11}){3}")
#: Names as resolvers take them: underscores and edge hyphens occur and resolve. The last label begins with a letter,
#: which keeps every spelling of an address out (WHATWG URL, "ends in a number").
_PLAIN_NAME = re.compile(r"(?:[a-z0-9_-]{1,63}\.)+[a-z][a-z0-9-]{1,62}")
_LABEL = re.compile(r"[a-z0-9_-]{1,63}")
_LONGEST_LABEL = 63
_NUMERIC = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)")
#: Ideographic and half-width full stops, which IDNA takes as dots (RFC 3490 section 3.1) and NFKC leaves alone.
_DOTS = str.maketrans({"\u3002": ".", "\uff61": ".", "\uff0e": "."})
_LONGEST_NAME = 253
#: Longer text is no name in any spelling; punycode takes time by the square of its length.
_LONGEST_TEXT = 2_000
#: Marks of a name that was cut, or parts of which were left out before publication. A row of circles is Japanese for
#: what is not said.
REDACTED = re.compile(
    r"[*\u2026\u25cf\uff0a]|[\u25a0\u25a1\u25cb\u25ef\u3007]{2}|[\[<({](?:redacted|removed|snip)[\])}>]",
    re.IGNORECASE,
)
_MAPPED = bytes(10) + b"\xff\xff"
_GROUPS = struct.Struct("!8H")
_ZEROS = re.compile(r":0(?::0)+:")
#: A network broader than this is a mistake, or an attempt to have half the Internet blocked.
BROADEST = {4: 8, 6: 16}
#: What is somebody else's everywhere (IANA special-purpose registries, RFC 6890): this host, private and shared
#: networks, loopback, link-local, multicast, reserved. The networks for documentation are nobody's, and harmless.
_SPECIAL = {
    4: [
        ipaddress.ip_network(text)
        for text in (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
            "192.168.0.0/16", "224.0.0.0/3",
        )
    ],
    6: [ipaddress.ip_network(text) for text in ("::/127", "fc00::/7", "fe80::/9", "ff00::/8")],
}  # fmt: skip
#: How those begin: nearly every address is let by at a glance.
_BEGINS_SPECIAL = re.compile(r"(?:0|10|100|127|169|172|192|22[4-9]|2[34][0-9]|25[0-5])\.|::|f[cdef]")


def ipv4(text: str) -> str:
    """The canonical spelling of an IPv4 address. Raises :class:`BadValue`.

    Octets with leading zeros are taken where octal and decimal agree (``007``) and refused where they do not
    (``010`` is 8 to some readers and 10 to others).
    """
    if _PLAIN_IPV4.fullmatch(text):
        return text
    plain = text if text.isascii() else half(text)
    if _DOTTED.fullmatch(plain) is None:
        raise BadValue("bad-address", f"expected an IPv4 address, got {shown(text)}")
    octets = [_octet(part, text) for part in plain.split(".")]
    return ".".join(map(str, octets))


def _octet(part: str, whole: str) -> int:
    if len(part) > 1 and part[0] == "0" and ("8" in part or "9" in part or int(part, 8) != int(part)):
        raise BadValue("ambiguous-address", f"expected octets without leading zeros, got {shown(whole)}")
    if int(part) > 255:
        raise BadValue("bad-address", f"expected octets up to 255, got {shown(whole)}")
    return int(part)


@lru_cache(maxsize=8_192)
def address(text: str) -> tuple[str, str]:
    """``ipv4`` or ``ipv6`` and the canonical spelling of a public address. Raises :class:`BadValue`."""
    kind, canonical = _address(text)
    return kind, _public(canonical)


def half(text: str) -> str:
    """``text`` with full-width letters, digits and marks as ASCII ones, and every full stop of Japanese as a dot."""
    return unicodedata.normalize("NFKC", text.translate(_DOTS))


def _address(text: str) -> tuple[str, str]:
    if ":" not in text and "\uff1a" not in text:
        return "ipv4", ipv4(text)
    plain = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    plain = plain if plain.isascii() else half(plain)
    try:
        packed = socket.inet_pton(socket.AF_INET6, plain)
    except (OSError, ValueError):
        raise BadValue("bad-address", f"expected an IP address without a zone, got {shown(text)}") from None
    if packed.startswith(_MAPPED):
        return "ipv4", ".".join(map(str, packed[12:]))
    return "ipv6", _compressed(packed)


def _public(canonical: str) -> str:
    """An address or a network that means the same everywhere. Raises :class:`BadValue` for a special-purpose one."""
    if _BEGINS_SPECIAL.match(canonical):
        network = ipaddress.ip_network(canonical)
        if any(network.overlaps(special) for special in _SPECIAL[network.version]):
            raise BadValue("special-purpose", f"expected an address of the public Internet, got {canonical}")
    return canonical


def _compressed(packed: bytes) -> str:
    """RFC 5952: no leading zeros, and ``::`` for the longest, of equals the first, run of two or more zero groups."""
    groups = [f"{group:x}" for group in _GROUPS.unpack(packed)]
    whole = ":".join(groups)
    runs = _ZEROS.findall(f":{whole}:")
    if not runs:
        return whole
    longest = max(runs, key=len)
    head, _, tail = f":{whole}:".partition(longest)
    return f"{head[1:]}::{tail[:-1]}"


def network(text: str) -> tuple[str, str]:
    """``cidr`` and the network with its host bits zero, or the address when it is all of it. Raises BadValue."""
    given, slash, length = text.partition("/")
    if not slash or not length.isascii() or not length.isdigit() or len(length) > 3:
        raise BadValue("bad-network", f"expected a network such as 198.51.100.0/24, got {shown(text)}")
    kind, canonical = _address(given)
    bits = int(length)
    if kind == "ipv4" and ":" in given:
        bits -= 96  # an IPv4-mapped network: its prefix counts the 96 bits of ::ffff:
    whole = 32 if kind == "ipv4" else 128
    if not 0 <= bits <= whole:
        raise BadValue("bad-network", f"expected a prefix length of 0 to {whole}, got {shown(text)}")
    if bits == whole:
        return kind, _public(canonical)
    version = 4 if kind == "ipv4" else 6
    if bits < BROADEST[version]:
        raise BadValue("too-broad", f"expected a network of /{BROADEST[version]} or longer, got {shown(text)}")
    return "cidr", _public(str(ipaddress.ip_network(f"{canonical}/{bits}", strict=False)))


def is_plain(text: str) -> bool:
    """Whether it is a host name in its canonical spelling already, as nearly every one is."""
    return len(text) <= _LONGEST_NAME and _PLAIN_NAME.fullmatch(text) is not None and "xn--" not in text


def name(text: str) -> str:
    """The canonical spelling of a host name of two labels or more. Raises :class:`BadValue`."""
    return text if is_plain(text) else _name(text)


@lru_cache(maxsize=8_192)
def _name(text: str) -> str:
    if len(text) > _LONGEST_TEXT:
        raise BadValue("bad-host", f"expected at most {_LONGEST_NAME} characters, got {len(text)}: {shown(text)}")
    if REDACTED.search(text):
        raise BadValue("redacted", f"expected a whole host name, got {shown(text)}")
    try:
        mapped = idna.uts46_remap(text, std3_rules=False)
    except idna.IDNAError:
        raise BadValue("bad-host", f"expected a host name (UTS-46), got {shown(text)}") from None
    labels = mapped.removesuffix(".").split(".")
    canonical = ".".join([_a_label(label, text) for label in labels])
    if "xn--" in canonical and not _readable(canonical):
        raise BadValue("bad-host", f"expected letters of one direction (RFC 5893), got {shown(text)}")
    if len(labels) < 2:
        raise BadValue("single-label", f"expected a name with a dot in it, got {shown(text)}")
    if len(canonical) > _LONGEST_NAME:
        raise BadValue("bad-host", f"expected at most {_LONGEST_NAME} characters, got {len(canonical)}: {shown(text)}")
    if _PLAIN_NAME.fullmatch(canonical) is None:
        raise BadValue("bad-host", f"expected a name whose last label begins with a letter, got {shown(text)}")
    return canonical


def _a_label(label: str, whole: str) -> str:
    encoded = label if label.isascii() else _punycode(label, whole)
    if _LABEL.fullmatch(encoded) is None:
        raise BadValue("bad-host", f"expected labels of 1 to 63 letters, digits and hyphens, got {shown(whole)}")
    if encoded.startswith("xn--") and not _sound_a_label(encoded):
        raise BadValue("bad-host", f"expected a valid internationalised label, got {shown(whole)}")
    return encoded


def _punycode(label: str, whole: str) -> str:
    # UTS-46, not IDNA 2008 alone: browsers resolve names that IDNA 2008 bars, such as emoji, so phishing uses them.
    if len(label) > _LONGEST_LABEL or unicodedata.category(label[0]).startswith("M") or not _joined(label):
        raise BadValue("bad-host", f"expected labels that are valid by UTS-46, got {shown(whole)}")
    return "xn--" + label.encode("punycode").decode("ascii")


def _joined(label: str) -> bool:
    """Whether zero-width joiners stand only where a script needs them (RFC 5892 appendix A); elsewhere they hide."""
    if "\u200c" not in label and "\u200d" not in label:
        return True
    try:
        return all(idna.core.valid_contextj(label, at) for at, char in enumerate(label) if char in "\u200c\u200d")
    except (ValueError, idna.IDNAError):
        return False


def _readable(canonical: str) -> bool:
    """Whether a name with a label that is written from right to left can be read in one way only (RFC 5893)."""
    labels = [_unicode(label) if label.startswith("xn--") else label for label in canonical.split(".")]
    if not any(unicodedata.bidirectional(char) in ("R", "AL", "AN") for label in labels for char in label):
        return True
    try:
        return all(idna.core.check_bidi(label, check_ltr=True) for label in labels)
    except idna.IDNAError:
        return False


def _unicode(label: str) -> str:
    return label[4:].encode("ascii").decode("punycode")


def _sound_a_label(label: str) -> bool:
    try:
        unicode = _unicode(label)
        mapped = idna.uts46_remap(unicode, std3_rules=False)
    except (UnicodeError, idna.IDNAError, OverflowError):
        return False
    return (
        bool(unicode)
        and not unicode.isascii()
        and mapped == unicode
        and "." not in unicode
        and not unicodedata.category(unicode[0]).startswith("M")
        and _joined(unicode)
        and "xn--" + unicode.encode("punycode").decode("ascii") == label
    )


@lru_cache(maxsize=32_768)
def host(text: str) -> tuple[str, str]:
    """``domain``, ``ipv4`` or ``ipv6`` and the canonical host of a URL (IPv6 without brackets). Raises BadValue."""
    if _PLAIN_NAME.fullmatch(text) and len(text) <= _LONGEST_NAME and "xn--" not in text:
        return "domain", text
    if text.startswith("["):
        return address(text)
    plain = text if text.isascii() else text.translate(_DOTS)
    last = plain.removesuffix(".").rpartition(".")[2].lower()
    if not last.isascii():
        last = unicodedata.normalize("NFKC", last)
    if _NUMERIC.fullmatch(last):
        return "ipv4", _public(ipv4(plain.removesuffix(".")))
    return "domain", name(text)
