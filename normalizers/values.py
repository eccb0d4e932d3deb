"""Canonical values: one spelling per observable, so that feeds that mean the same thing meet.

Every function here either gives the canonical value or raises :class:`BadValue`; none guesses. Canonical values are
fixed points: ``canonical(*canonical(kind, text)) == canonical(kind, text)``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from config.observables import TYPES
from normalizers import hosts, urls, wallets
from normalizers.bad_value import BadValue, shown
from normalizers.refang import defanged, refang, tidy

#: STIX hash names, the one to prefer first.
ALGORITHMS = {"SHA-256": 64, "SHA-512": 128, "SHA-1": 40, "MD5": 32}

#: More than any value has, blanks around it included.
_LONGEST = 20_000
_BY_LENGTH = {length: name for name, length in ALGORITHMS.items()}
_HEX = re.compile(r"[0-9a-f]+")
#: Hashes of no bytes at all, which name every empty file in the world.
_OF_NOTHING = frozenset((
    "d41d8cd98f00b204e9800998ecf8427e",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81"
    "a538327af927da3e",
))  # fmt: skip
#: What stands between the bytes of a fingerprint.
_BETWEEN = re.compile(r"(?<=[0-9A-Fa-f]{2})[: -](?=[0-9A-Fa-f]{2})")
_LOCAL = re.compile(r"[^\s@\"<>()\[\],;:\\\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]{1,64}")
_ASN = re.compile(r"(?:ASN?\s{0,3})?([0-9]{1,10})", re.IGNORECASE)
#: RFC 5396: two halves of sixteen bits. Without AS before it, it is a fraction as well.
_ASDOT = re.compile(r"ASN?\s{0,3}([0-9]{1,5})\.([0-9]{1,5})", re.IGNORECASE)
#: Numbers that are not one network's: AS_TRANS, the last ones, and those for private use (RFC 6793, 7300, 6996).
_PRIVATE_ASN = (range(23_456, 23_457), range(64_512, 65_536), range(4_200_000_000, 2**32))
#: How a network begins, and what has digits for a form: read in any width of characters.
_NETWORK = re.compile(r"\[?[0-9a-fA-F.:]{2,60}\]?/")
_NUMBER = re.compile(r"(?:AS|CVE)?[0-9A-Fa-f.:\[\]-]+", re.IGNORECASE)
_CVE = re.compile(r"CVE-([0-9]{4})-(0[0-9]{3}|[1-9][0-9]{3,18})", re.IGNORECASE)
_CVES = re.compile(r"(?<![0-9A-Za-z])CVE-[0-9]{4}-(?:0[0-9]{3}|[1-9][0-9]{3,18})(?![0-9A-Za-z])", re.IGNORECASE)
_JVNS = re.compile(r"(?<![0-9A-Za-z])JVN(VU|TA|TR)?[# ]?([0-9]{6,8})(?![0-9A-Za-z])", re.IGNORECASE)
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"))
#: Japan Vulnerability Notes, which writes ``JVN#12345678`` in text and ``JVN12345678`` in URLs.
_JVN = re.compile(r"JVN(VU|TA|TR)?[# ]?([0-9]{6,8})", re.IGNORECASE)
_JVNDB = re.compile(r"JVNDB-([0-9]{4}-[0-9]{6})", re.IGNORECASE)
_STABLE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:#/-]{2,99}")


def canonical(kind: str, text: str) -> tuple[str, str]:
    """The observable type and canonical value of ``text``, which its source calls a ``kind``.

    ``kind`` is one of :data:`config.observables.TYPES`, or ``ip``, ``hash`` or ``any`` where the source says no more.
    The type returned may be another one: ``203.0.113.7/32`` is an ``ipv4``, ``::ffff:203.0.113.7`` too. Raises
    :class:`BadValue`, also for a kind the hub does not know.
    """
    read = _READERS.get(kind)
    if read is None:
        raise BadValue("unknown-type", f"expected a type such as {', '.join(TYPES)}, got {shown(kind)}")
    if len(text) > _LONGEST:
        raise BadValue("too-long", f"expected at most {_LONGEST} characters, got {len(text)}")
    return read(text)


def classify(text: str) -> tuple[str, str]:
    """As :func:`canonical`, for lists that mix types without saying so: the type is told by the form alone."""
    given = _plain(text)
    form = given if given.isascii() else hosts.half(given)
    if "://" in form:
        return "url", urls.url(given)
    if "@" in form:
        return _email(given)
    if "/" in form:
        return hosts.network(form) if _NETWORK.match(form) else ("url", urls.url(given))
    given = form if _NUMBER.fullmatch(form) else given
    if given.count(":") > 1:
        return hosts.address(given)
    if len(given) in _BY_LENGTH and _HEX.fullmatch(given.lower()):
        return _file(given)
    if _CVE.fullmatch(given):
        return _cve(given)
    if given[:2].upper() == "AS" and _ASN.fullmatch(given):
        return _asn(given)
    return _domain(given)


def split_port(text: str) -> tuple[str, int]:
    """Address and port of ``address:port``, parted at the last colon, brackets or not. Raises :class:`BadValue`.

    An IPv6 address without brackets is ambiguous; that there is a port has to be known from elsewhere.
    """
    address, colon, port = _narrow(text).rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or not 0 < int(port[:6]) < 65_536:
        raise BadValue("bad-port", f"expected address:port, got {shown(text)}")
    return address, int(port)


def algorithm(value: str) -> str:
    """The STIX name of the algorithm that gave a canonical hash; its length tells."""
    return _BY_LENGTH[len(value)]


def cves_in(text: str) -> list[str]:
    """The CVE ids that a text names, canonical and sorted, whatever width its characters have."""
    plain = unicodedata.normalize("NFKC", text).translate(_DASHES)
    return sorted({found.upper() for found in _CVES.findall(plain)})


def jvns_in(text: str) -> list[str]:
    """The numbers of JVN that a text names, as JVN prints them (``JVN#12345678``, ``JVNVU#12345678``), sorted.

    Read in each of their spellings: with the number sign of any width, without it as in JVN's URLs, in small letters.
    The numbers of JVN iPedia (``JVNDB-2026-000001``) are its own and none of these.
    """
    plain = unicodedata.normalize("NFKC", text)
    return sorted({f"JVN{kind.upper()}#{number}" for kind, number in _JVNS.findall(plain)})


def _url(text: str) -> tuple[str, str]:
    return "url", urls.url(text)


def _domain(text: str) -> tuple[str, str]:
    if hosts.is_plain(text):
        return "domain", text
    given = _plain(text)
    if hosts.REDACTED.search(given):
        raise BadValue("redacted", f"expected a whole name, got {shown(text)}")
    kind, value = hosts.host(given)
    if kind == "ipv6":
        raise BadValue("bad-host", f"expected a domain name, got {shown(text)}")
    return kind, value


def _ip(text: str) -> tuple[str, str]:
    try:
        return hosts.address(text)
    except BadValue:
        given = _narrow(text)
        return hosts.network(given) if "/" in given else hosts.address(given)


def _cidr(text: str) -> tuple[str, str]:
    return hosts.network(_narrow(text))


def _email(text: str) -> tuple[str, str]:
    given = _plain(text).replace("\uff20", "@")
    if given[:7].lower() == "mailto:":
        given = given[7:]
    local, _, place = given.rpartition("@")
    if hosts.REDACTED.search(given):
        raise BadValue("redacted", "expected a whole e-mail address, got one with parts left out")
    if _LOCAL.fullmatch(local) is None:
        raise BadValue("bad-email", "expected an e-mail address such as name@example.com")
    # The local part keeps its case: RFC 5321 section 2.3.11 leaves its meaning to the host alone.
    return "email", f"{unicodedata.normalize('NFC', local)}@{hosts.name(tidy(place))}"


def _file(text: str) -> tuple[str, str]:
    return "file", _hash(text)


def _hash(text: str) -> str:
    value = text if _HEX.fullmatch(text) else _narrow(text).lower()
    if len(value) not in _BY_LENGTH or _HEX.fullmatch(value) is None:
        raise BadValue("bad-hash", f"expected 32, 40, 64 or 128 hexadecimal digits, got {shown(text)}")
    if value in _OF_NOTHING or value.count(value[0]) == len(value):
        raise BadValue("empty-hash", f"expected the hash of some content, got that of none: {shown(text)}")
    return value


def _certificate(text: str) -> tuple[str, str]:
    value = _hash(_BETWEEN.sub("", _narrow(text)))
    if len(value) == ALGORITHMS["SHA-512"]:
        raise BadValue("bad-hash", f"expected an MD5, SHA-1 or SHA-256 fingerprint, got {shown(text)}")
    return "certificate", value


def _ja3(text: str) -> tuple[str, str]:
    value = _hash(text)
    if len(value) != ALGORITHMS["MD5"]:
        raise BadValue("bad-hash", f"expected a JA3 fingerprint of 32 hexadecimal digits, got {shown(text)}")
    return "ja3", value


def _wallet(text: str) -> tuple[str, str]:
    return "wallet", wallets.wallet(tidy(text))


def _asn(text: str) -> tuple[str, str]:
    given = _narrow(text)
    halves = _ASDOT.fullmatch(given)
    whole = _ASN.fullmatch(given)
    if halves is not None and max(int(halves[1]), int(halves[2])) < 65_536:
        number = int(halves[1]) * 65_536 + int(halves[2])
    else:
        number = int(whole[1]) if whole is not None else 0
    if not 0 < number < 2**32:
        raise BadValue("bad-asn", f"expected an AS number such as AS64500, got {shown(text)}")
    if any(number in private for private in _PRIVATE_ASN):
        raise BadValue("special-purpose", f"expected the number of one network, got AS{number}")
    return "asn", f"AS{number}"


def _cve(text: str) -> tuple[str, str]:
    given = _narrow(text).translate(_DASHES)
    found = _CVE.fullmatch(given)
    if found is None or int(found[1]) < 1999:
        raise BadValue("bad-cve", f"expected an id such as CVE-2026-12345, got {shown(text)}")
    return "cve", given.upper()


def _advisory(text: str) -> tuple[str, str]:
    given = tidy(text)
    if "://" in given:
        return "advisory", urls.page(given)
    given = given if given.isascii() else hosts.half(given).translate(_DASHES)
    note, entry = _JVN.fullmatch(given), _JVNDB.fullmatch(given)
    if note is not None:
        return "advisory", f"JVN{(note[1] or '').upper()}#{note[2]}"
    if entry is not None:
        return "advisory", f"JVNDB-{entry[1]}"
    if _STABLE_ID.fullmatch(given) is None:
        raise BadValue("bad-advisory", f"expected an advisory's URL or id, got {shown(text)}")
    return "advisory", given


def _plain(text: str) -> str:
    given = tidy(text)
    return refang(given) if defanged(given) else given


def _narrow(text: str) -> str:
    """As :func:`_plain`, for what is ASCII however it is written: addresses, numbers, hashes."""
    given = _plain(text)
    return given if given.isascii() else hosts.half(given)


_READERS: dict[str, Callable[[str], tuple[str, str]]] = {
    "url": _url,
    "domain": _domain,
    "ip": _ip,
    "ipv4": _ip,
    "ipv6": _ip,
    "cidr": _cidr,
    "email": _email,
    "file": _file,
    "hash": _file,
    "certificate": _certificate,
    "asn": _asn,
    "ja3": _ja3,
    "wallet": _wallet,
    "cve": _cve,
    "advisory": _advisory,
    "any": classify,
}
