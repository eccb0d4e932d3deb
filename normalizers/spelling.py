"""How STIX 2.1 wants certain values written, where the stix2 library takes any text."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from typing import Any

import idna

from normalizers.references import SPECIAL

_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Z][a-z]{3})?(?:-(?:[A-Z]{2}|\d{3}))?")
_URI = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9._~:/?@!$&'()*+,;=-]|\[[0-9A-Fa-f:.]+\]|%[0-9A-Fa-f]{2})+(?:#[!-~]*)?"
)
_MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}")
_MEDIA_TYPE = re.compile(r"(?:application|audio|font|image|message|model|multipart|text|video)/[a-zA-Z0-9.+_-]+")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)")
_WORDS = re.compile(r"[a-z0-9-]+")
_SHORT_HIVE = re.compile(r"(?:HKLM|HKCC|HKCR|HKCU|HKU)\b", re.IGNORECASE)
_SPECIAL_FORMS = {"cve": "CVE-YYYY-NNNN", "capec": "CAPEC-NNN"}
_CHARACTER_SET = re.compile(r"[a-zA-Z0-9/.+_:-]{2,250}")


def is_uri(text: str) -> bool:
    """Whether it is a URI with a scheme, in ASCII (RFC 3986)."""
    return _URI.fullmatch(text) is not None


def is_language(text: str) -> bool:
    """Whether it looks like a language code (RFC 5646): language, script, region."""
    return _LANGUAGE.fullmatch(text) is not None


def misspelled(obj: dict[str, Any]) -> Iterator[str]:
    """A message for each value of an object that is not written as STIX 2.1 says, naming the property."""
    for name, check, expected in _RULES.get(obj["type"], ()):
        value = obj.get(name)
        if isinstance(value, str) and not check(value):
            yield f"{name}: expected {expected}, got {value[:60]!r}"
    if isinstance(obj.get("lang"), str) and not is_language(obj["lang"]):
        yield f"lang: expected a language code of RFC 5646, got {obj['lang'][:60]!r}"
    yield from _references(obj.get("external_references"))
    if obj["type"] == "language-content":
        yield from _translations(obj.get("contents"))


def _references(listed: Any) -> Iterator[str]:
    for place, item in enumerate(listed if isinstance(listed, list) else ()):
        if not isinstance(item, dict):
            continue
        where = f"external_references[{place}]"
        # A line end after it is overlooked by the expressions that the OASIS validator has for these.
        name, external = (str(item.get(key, "")).removesuffix("\n") for key in ("source_name", "external_id"))
        if name in SPECIAL and not SPECIAL[name].fullmatch(external):
            yield f"{where}.external_id: expected {_SPECIAL_FORMS[name]}, got {external[:60]!r}"
        elif name not in SPECIAL and any(form.fullmatch(external) for form in SPECIAL.values()):
            yield f"{where}.source_name: expected cve or capec with {external}, got {name[:60]!r}"
        if "url" in item and not (isinstance(item["url"], str) and is_uri(item["url"])):
            yield f"{where}.url: expected a URI, got {str(item['url'])[:60]!r}"


def _translations(contents: Any) -> Iterator[str]:
    for code, translated in contents.items() if isinstance(contents, dict) else ():
        if not is_language(code):
            yield f"contents: expected language codes of RFC 5646, got {code[:60]!r}"
        if not isinstance(translated, dict):
            yield f"contents.{code[:60]}: expected texts by property, got {type(translated).__name__}"


def _is_ipv4(text: str) -> bool:
    return _parses(ipaddress.IPv4Interface, text)


def _is_ipv6(text: str) -> bool:
    return "%" not in text and _parses(ipaddress.IPv6Interface, text)


def _is_domain(text: str) -> bool:
    return _parses(idna.encode, text)


def _parses(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True


#: type -> (property, whether a text is well written, what is expected)
_RULES: dict[str, tuple[tuple[str, Callable[[str], bool], str], ...]] = {
    "url": (("value", is_uri, "a URL of RFC 3986"),),
    "ipv4-addr": (("value", _is_ipv4, "an IPv4 address or network"),),
    "ipv6-addr": (("value", _is_ipv6, "an IPv6 address or network"),),
    "mac-addr": (("value", lambda text: bool(_MAC.fullmatch(text)), "six pairs of small hexadecimal digits"),),
    "email-addr": (("value", lambda text: "@" in text, "an e-mail address"),),
    "domain-name": (("value", _is_domain, "a domain name"),),
    "artifact": (
        ("mime_type", lambda text: bool(_MEDIA_TYPE.fullmatch(text)), "a media type such as text/plain"),
        ("url", is_uri, "a URL of RFC 3986"),
        ("payload_bin", lambda text: bool(_BASE64.fullmatch(text)), "base64 of RFC 4648"),
    ),
    "directory": (("path_enc", lambda text: bool(_CHARACTER_SET.fullmatch(text)), "a character set"),),
    "file": (("name_enc", lambda text: bool(_CHARACTER_SET.fullmatch(text)), "a character set"),),
    "relationship": (
        ("relationship_type", lambda text: bool(_WORDS.fullmatch(text)), "small letters, digits and hyphens"),
    ),
    "windows-registry-key": (("key", lambda text: not _SHORT_HIVE.match(text), "the full name of the hive"),),
}
