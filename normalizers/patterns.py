"""STIX patterns of one comparison: how observables are written, and how others' are read (STIX 2.1 section 9).

The canonical pattern is ``[ipv4-addr:value = '203.0.113.7']``: no blanks but one on each side of ``=``, hash names in
quotes where they hold a hyphen, and ``\\\\`` and ``\\'`` as the only escapes. Clients switch on its first characters.
"""

from __future__ import annotations

import re

from normalizers.bad_value import BadValue, shown
from normalizers.values import ALGORITHMS, algorithm, canonical

_LONGEST = 20_000
_PATHS = {
    "url": "url:value",
    "domain": "domain-name:value",
    "ipv4": "ipv4-addr:value",
    "ipv6": "ipv6-addr:value",
    "email": "email-addr:value",
}
_KINDS = {path: kind for kind, path in _PATHS.items()}
_KEYS = {"MD5": "MD5", "SHA-1": "'SHA-1'", "SHA-256": "'SHA-256'", "SHA-512": "'SHA-512'"}
_NAMES = {name.replace("-", "").lower(): name for name in ALGORITHMS}

_STRING = r"'((?:[^'\\]|\\['\\])*)'"
#: What the hub writes, and what most others do: enough to know that the pattern is valid.
_USUAL = re.compile(
    rf"\[(?:((?:url|domain-name|ipv[46]-addr|email-addr):value) = {_STRING}"
    r"|(file|x509-certificate):hashes\."
    r"((?:MD5|'MD5') = '[0-9a-fA-F]{32}|'SHA-1' = '[0-9a-fA-F]{40}|'SHA-256' = '[0-9a-fA-F]{64}"
    r"|'SHA-512' = '[0-9a-fA-F]{128})'"
    r"|autonomous-system:number = (0|[1-9][0-9]{0,9}))\]"
)
#: The same one comparison in every spelling that the grammar has, and in some that producers use in spite of it:
#: double quotes, and hash names in small letters or without their hyphen.
_ONE = re.compile(
    r"([a-z0-9-]+)\s*:\s*([a-z_]+)\s*(?:\.\s*([\"']?)([A-Za-z0-9_-]+)\3)?\s*"
    rf"(==?|ISSUBSET)\s*(?:{_STRING}|\"([^\"\\]*)\"|([0-9]{{1,10}}))",
)
#: As MISP's converter writes an address that traffic comes from or goes to.
_TRAFFIC = re.compile(
    r"\[network-traffic:(src|dst)_ref\.type = 'ipv([46])-addr' AND network-traffic:\1_ref\.value = " + _STRING + r"\]"
)
_SUPPORTED = "a URL, name, address, e-mail address, AS number, or the hash of a file or certificate"
#: More than anybody writes, and each further one makes the reading of one comparison slower by as many.
_BLANKS = re.compile(r"\s{100}")
_OPEN = re.compile(r"\s*[\[(]\s*")
_ESCAPED = re.compile(r"\\(['\\])")
_COMMENT = re.compile(r"/\*.*?\*/|//[^\r\n]*")


def pattern(kind: str, value: str) -> str:
    """The canonical pattern of a canonical value. Raises :class:`BadValue` for what no indicator is made of."""
    path = _PATHS.get(kind)
    if path is not None:
        return f"[{path} = '{_escaped(value)}']"
    if kind == "cidr":
        return f"[{'ipv6' if ':' in value else 'ipv4'}-addr:value = '{value}']"
    if kind == "file":
        return f"[file:hashes.{_KEYS[algorithm(value)]} = '{value}']"
    if kind == "certificate":
        return f"[x509-certificate:hashes.{_KEYS[algorithm(value)]} = '{value}']"
    if kind == "asn":
        return f"[autonomous-system:number = {value.removeprefix('AS')}]"
    raise BadValue("no-pattern", f"expected a type that has a pattern, got {shown(kind)}")


def observable(text: str) -> tuple[str, str]:
    """The type and canonical value that a pattern of one comparison is about.

    Any spacing, brackets and quoting of one equality is read, and ISSUBSET of a network. Raises :class:`BadValue`.
    """
    if _BLANKS.search(text):
        raise BadValue("not-one-comparison", "expected one comparison without long runs of blanks")
    usual = _USUAL.fullmatch(text) if len(text) <= _LONGEST else None
    if usual is None:
        return _read(text)
    path, value, owner, hashed, number = usual.groups()
    if path is not None:
        return canonical(_KINDS[path], _unescaped(value))
    if owner is not None:
        key, _, digest = hashed.partition(" = '")
        return _hashed(owner, key.strip("'"), digest)
    return canonical("asn", number)


def observable_of_2_0(text: str) -> tuple[str, str]:
    """As :func:`observable`, of a STIX 2.0 pattern: there an address is often written as that of traffic, in two
    comparisons that say one thing."""
    traffic = _TRAFFIC.fullmatch(text.strip()) if len(text) <= _LONGEST else None
    if traffic is None:
        return observable(text)
    _, version, value = traffic.groups()
    kind, address = canonical("ip", _unescaped(value))
    if (":" in address) != (version == "6"):
        raise BadValue("bad-address", f"expected an address of IPv{version}, got {shown(value)}")
    return kind, address


def is_usual(text: str) -> bool:
    """Whether it is a pattern as nearly all are: one comparison, valid at a glance."""
    return len(text) <= _LONGEST and _USUAL.fullmatch(text) is not None


def is_valid(text: str) -> bool:
    """Whether ``text`` is a valid STIX 2.1 pattern, of any number of comparisons."""
    if len(text) > _LONGEST:
        return False
    if is_usual(text):
        return True
    # Seldom needed, and 3 MB in each process that has it.
    from stix2patterns.validator import run_validator

    try:
        return not run_validator(text, "2.1")
    except Exception:  # the validator trips over some input, such as a blank pattern or a thousand brackets
        return False


def _read(text: str) -> tuple[str, str]:
    if len(text) > _LONGEST:
        raise BadValue("too-long", f"expected a pattern of at most {_LONGEST} characters, got {len(text)}")
    found = _ONE.fullmatch(_bare(text))
    if found is None:
        raise BadValue("not-one-comparison", f"expected a pattern of one equality comparison, got {shown(text)}")
    owner, step, _, key, operator, single, double, number = found.groups()
    value = _unescaped(single) if single is not None else (double if double is not None else number)
    path = f"{owner}:{step}"
    if operator == "ISSUBSET":
        if path in ("ipv4-addr:value", "ipv6-addr:value") and key is None and number is None:
            return canonical("cidr", value if "/" in value else f"{value}/{'128' if ':' in value else '32'}")
    elif path in _KINDS and key is None and number is None:
        return canonical(_KINDS[path], value)
    elif path == "autonomous-system:number" and key is None:
        return canonical("asn", value)
    elif step == "hashes" and owner in ("file", "x509-certificate") and key and number is None:
        return _hashed(owner, key, value)
    raise BadValue("unsupported-pattern", f"expected a pattern about {_SUPPORTED}, got {shown(text)}")


def _bare(text: str) -> str:
    """The comparison without the brackets and blanks around it, and without comments outside its string."""
    head, quote, tail = text.partition("'")
    bare = f"{_COMMENT.sub(' ', head)}{quote}{tail}".strip()
    while (opened := _OPEN.match(bare)) and bare[-1:] == ("]" if "[" in opened[0] else ")"):
        bare = bare[opened.end() : -1].strip()
    return bare


def _hashed(owner: str, key: str, value: str) -> tuple[str, str]:
    name = _NAMES.get(key.replace("-", "").lower())
    if name is None:
        raise BadValue("unsupported-hash", f"expected a hash of {', '.join(ALGORITHMS)}, got {shown(key)}")
    kind, digest = canonical("certificate" if owner == "x509-certificate" else "file", value)
    if algorithm(digest) != name:
        raise BadValue("bad-hash", f"expected {ALGORITHMS[name]} hexadecimal digits for {name}, got {shown(value)}")
    return kind, digest


def _escaped(value: str) -> str:
    if "'" in value or "\\" in value:
        return value.replace("\\", "\\\\").replace("'", "\\'")
    return value


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(r"\1", text) if "\\" in text else text
