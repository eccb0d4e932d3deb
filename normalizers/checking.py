"""Whether an object that a stranger sent is valid STIX 2.1.

Nearly all that is sent are plain indicators, and vulnerabilities, so there is a quick check for those, which takes a
few microseconds where the stix2 library takes hundreds. It only ever says yes to what the library accepts (a property
test holds it to that); what it does not know is left to the library and to what :mod:`normalizers.strictness` adds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from config.instant import time_key
from normalizers.patterns import is_usual, is_valid

_ID = re.compile(r"([a-z0-9-]{3,250})--([0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})")
_TIME = re.compile(r"(?:19[789]\d|[2-9]\d{3})-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?Z", re.ASCII)
_URL = re.compile(
    r"https?://[A-Za-z0-9.-]+(?::\d{1,5})?(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*)?"
    r"(?:\?(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?"
)
_WORD = re.compile(r"[a-z0-9_-]{1,100}")
_SPECIAL_REFERENCE = re.compile(r"cve|capec|CVE-\d|CAPEC-\d")
#: Characters of a pattern of unusual shape, and of all of them in one envelope.
LONGEST_PATTERN = 10_000
PATTERNS_OF_AN_ENVELOPE = 500_000
#: cheaper than parsing the hours: what is left to check of a time once the pattern fits is its date and its ranges
_read_time = datetime.fromisoformat


class Scrutiny:
    """Checks the objects of one envelope, which may cost no more than so much.

    The grammar that patterns of unusual shape are held to takes some 50 microseconds a character, so an envelope full
    of long ones would keep a process busy for many minutes.
    """

    def __init__(self, characters: int = PATTERNS_OF_AN_ENVELOPE) -> None:
        """``characters``: of patterns that have to be looked at closer, at most."""
        self._characters = self._left = characters

    def problem(self, obj: Any) -> str | None:
        """None for a valid object; otherwise a message that names the property and says what was expected."""
        if not isinstance(obj, dict):
            return f"expected a STIX object, got {type(obj).__name__}"
        pattern = obj.get("pattern")
        too_long = self._too_long(pattern) if isinstance(pattern, str) and not is_usual(pattern) else None
        if too_long is not None:
            return too_long
        if is_plain(obj):
            return None
        # Imported when first needed: the library costs 20 MB, and few processes ever meet an unusual object.
        from normalizers.strictness import problem

        return problem(obj)

    def _too_long(self, pattern: str) -> str | None:
        if len(pattern) > LONGEST_PATTERN:
            return f"pattern: expected at most {LONGEST_PATTERN} characters, got {len(pattern)}"
        self._left -= len(pattern)
        if self._left < 0:
            return (
                f"pattern: expected at most {self._characters} characters of patterns of unusual shape in one "
                "envelope; post the rest in another"
            )
        return None


def is_id(text: str) -> bool:
    """Whether it is a STIX id in the one spelling that the hub takes."""
    return _ID.fullmatch(text) is not None


def key_of(stix_id: str) -> tuple[str, bytes]:
    """The type and the 16 bytes of the UUID of a valid STIX id."""
    kind, _, uuid = stix_id.rpartition("--")
    return kind, bytes.fromhex(uuid.replace("-", ""))


def is_plain(obj: dict[str, Any]) -> bool:
    """Whether this is a valid indicator or vulnerability of the usual shape. False says nothing: look closer."""
    kind = obj.get("type")
    if kind == "indicator":
        checks, needed = _INDICATOR, _OF_INDICATOR
    elif kind == "vulnerability":
        checks, needed = _VULNERABILITY, _OF_VULNERABILITY
    else:
        return False
    try:
        whole = all(checks[name](value) for name, value in obj.items()) and needed <= obj.keys()
        return whole and _in_order(obj)
    except (KeyError, TypeError):
        return False


def _in_order(obj: dict[str, Any]) -> bool:
    """Whether its times follow each other."""
    until = obj.get("valid_until")
    return time_key(obj["modified"]) >= time_key(obj["created"]) and (
        until is None or time_key(until) > time_key(obj["valid_from"])
    )


def _text(value: Any) -> bool:
    return type(value) is str


def _id(kind: str) -> Callable[[Any], bool]:
    def check(value: Any) -> bool:
        found = _ID.fullmatch(value)
        return found is not None and found[1] == kind

    return check


def _time(value: Any) -> bool:
    if _TIME.fullmatch(value) is None:
        return False
    try:
        _read_time(value[:19])
    except ValueError:
        return False
    return True


def _fine_time(value: Any) -> bool:
    return _time(value) and len(value) >= 24


def _list_of(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    def check_list(value: Any) -> bool:
        return type(value) is list and bool(value) and all(map(check, value))

    return check_list


def _reference(value: Any) -> bool:
    if type(value) is not dict or not _REFERENCE.issuperset(value) or not all(map(_text, value.values())):
        return False
    if len(value) < 2 or "source_name" not in value:
        return False
    if _SPECIAL_REFERENCE.match(value["source_name"]) or _SPECIAL_REFERENCE.match(value.get("external_id", "")):
        return False  # CVE and CAPEC references have rules of their own
    return "url" not in value or _URL.fullmatch(value["url"]) is not None


def _phase(value: Any) -> bool:
    return type(value) is dict and value.keys() == _PHASE and all(map(_text, value.values()))


_REFERENCE = frozenset(("source_name", "description", "url", "external_id"))
_PHASE = {"kill_chain_name", "phase_name"}

#: Every property of the usual shapes, and what its value has to be.
_COMMON: dict[str, Callable[[Any], bool]] = {
    "type": lambda value: True,
    "spec_version": lambda value: value == "2.1",
    "created_by_ref": _id("identity"),
    "created": _fine_time,
    "modified": _fine_time,
    "revoked": lambda value: type(value) is bool,
    "labels": _list_of(_text),
    "confidence": lambda value: type(value) is int and 0 <= value <= 100,
    "lang": lambda value: value in ("ja", "en"),
    "external_references": _list_of(_reference),
    "object_marking_refs": _list_of(_id("marking-definition")),
    "name": _text,
    "description": _text,
}
_INDICATOR: dict[str, Callable[[Any], bool]] = {
    **_COMMON,
    "id": _id("indicator"),
    "indicator_types": _list_of(lambda value: _WORD.fullmatch(value) is not None),
    "pattern": lambda value: type(value) is str and is_valid(value),
    "pattern_type": lambda value: value == "stix",
    "pattern_version": lambda value: value == "2.1",
    "valid_from": _time,
    "valid_until": _time,
    "kill_chain_phases": _list_of(_phase),
}
_VULNERABILITY: dict[str, Callable[[Any], bool]] = {**_COMMON, "id": _id("vulnerability")}
_ALWAYS = frozenset(("type", "spec_version", "id", "created", "modified"))
_OF_INDICATOR = _ALWAYS | {"pattern", "pattern_type", "valid_from"}
_OF_VULNERABILITY = _ALWAYS | {"name"}
