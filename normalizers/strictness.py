"""The thorough check of a STIX 2.1 object: the stix2 library, and the rules it is too kind about.

The library mends what it reads: it drops nulls and empty lists, turns numbers into texts, makes up ids and times that
are missing. What is shared as posted has to be right as posted, so whatever does not come out of it as it went in is
refused too.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

import stix2
from stix2.exceptions import (
    ExtraPropertiesError,
    InvalidValueError,
    MissingPropertiesError,
    STIXError,
    TLPMarkingDefinitionError,
)

from config.instant import parse_micros, time_key
from normalizers.spelling import misspelled

_ID = re.compile(r"[a-z][a-z0-9-]{2,249}--[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z", re.ASCII)
_NAME = re.compile(r"[a-z][a-z0-9_]{2,249}|id")
_LARGEST = 2**53 - 1
#: Names that the library would take for arguments of its own.
_NOT_PROPERTIES = frozenset(("custom_properties", "allow_custom", "interoperability", "self", "_valid_refs"))

_OBSERVABLES = frozenset(
    (
        "artifact",
        "autonomous-system",
        "directory",
        "domain-name",
        "email-addr",
        "email-message",
        "file",
        "ipv4-addr",
        "ipv6-addr",
        "mac-addr",
        "mutex",
        "network-traffic",
        "process",
        "software",
        "url",
        "user-account",
        "windows-registry-key",
        "x509-certificate",
    )
)
#: What any observable may have, and what does not make it one.
_COMMON = frozenset(("type", "spec_version", "id", "object_marking_refs", "granular_markings", "defanged"))
#: Observables whose id may be made of properties that are all optional, and those properties: without any of them the
#: UUID is of version 4 (STIX 2.1 section 2.9).
_CONTRIBUTING: dict[str, tuple[str, ...]] = {
    "artifact": ("hashes", "payload_bin"),
    "email-message": ("from_ref", "subject", "body"),
    "user-account": ("account_type", "user_id", "account_login"),
    "windows-registry-key": ("key", "values"),
    "x509-certificate": ("hashes", "serial_number"),
    "process": (),
}
#: first, then: times that follow each other, and whether they may be equal
_ORDER = (
    ("created", "modified", True),
    ("first_seen", "last_seen", True),
    ("first_observed", "last_observed", True),
    ("start", "end", True),
    ("start_time", "stop_time", False),
    ("valid_from", "valid_until", False),
)


class _Invalid(Exception):
    """The object is not valid; the message names the property."""


def problem(obj: dict[str, Any]) -> str | None:
    """What is wrong with an object, naming the property; None when it is valid STIX 2.1."""
    try:
        _common(obj)
        _members(obj, "")
        _rules(obj)
        _same(obj, _parsed(obj), "")
    except _Invalid as error:
        return str(error)
    return None


def _common(obj: dict[str, Any]) -> None:
    kind, stix_id = obj.get("type"), obj.get("id")
    if not isinstance(kind, str):
        raise _Invalid("type: expected the type of a STIX object")
    if kind == "bundle":
        raise _Invalid("type: expected an object, got a bundle; bundles do not nest")
    if not isinstance(stix_id, str) or not _ID.fullmatch(stix_id):
        raise _Invalid(f"id: expected {kind[:60]}--UUID in small letters, got {_shown(stix_id)}")
    if stix_id.rpartition("--")[0] != kind:
        raise _Invalid(f"id: expected it to begin with {kind[:60]}--, got {_shown(stix_id)}")
    observable = kind in _OBSERVABLES or "new-sco" in _extension_types(obj)
    if obj.get("spec_version", "2.1" if observable else None) != "2.1":
        raise _Invalid(f"spec_version: expected 2.1, got {_shown(obj.get('spec_version'))}")
    needed = () if observable else ("created",) if kind == "marking-definition" else ("created", "modified")
    for name in (*needed, *(("valid_from",) if kind == "indicator" else ())):
        if name not in obj:
            raise _Invalid(f"{name}: expected a timestamp, got none")


def _extension_types(obj: dict[str, Any]) -> set[Any]:
    extensions = obj.get("extensions")
    if not isinstance(extensions, dict):
        return set()
    kinds = (item.get("extension_type") for item in extensions.values() if isinstance(item, dict))
    return {kind for kind in kinds if isinstance(kind, str)}


def _members(value: Any, path: str) -> None:
    """What holds of every value in an object, however deep."""
    if value is None or value in ([], {}):
        raise _Invalid(f"{path}: expected a value, got {_shown(value)}; STIX leaves out what is empty")
    if isinstance(value, bool | str):
        return
    if isinstance(value, int) and abs(value) > _LARGEST:
        raise _Invalid(f"{path}: expected an integer within ±(2^53 - 1), got {value}")
    if isinstance(value, dict):
        for name, item in value.items():
            if name in _NOT_PROPERTIES:
                raise _Invalid(f"{_joined(path, name)}: not a property of STIX")
            _members(item, _joined(path, name))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            _members(item, f"{path}[{place}]")


def _rules(obj: dict[str, Any]) -> None:
    for name in obj:
        if not _NAME.fullmatch(name):
            raise _Invalid(f"{name[:60]}: expected a name of 3 to 250 small letters, digits and underscores")
    for name in ("created", "modified", "valid_from", "valid_until"):
        if name in obj:
            _check_time(name, obj[name], fine=name in ("created", "modified"))
    for first, then, equal in _ORDER:
        one, other = obj.get(first), obj.get(then)
        if isinstance(one, str) and isinstance(other, str) and not _follows(one, other, equal):
            raise _Invalid(f"{then}: expected {'no earlier than' if equal else 'later than'} {first}, got {other[:40]}")
    if "confidence" in obj and not (type(obj["confidence"]) is int and 0 <= obj["confidence"] <= 100):
        raise _Invalid(f"confidence: expected an integer from 0 to 100, got {_shown(obj['confidence'])}")
    if obj["type"] in _OBSERVABLES and _COMMON.issuperset(obj):
        raise _Invalid(f"{obj['type']}: expected at least one property of its own")
    for message in (*misspelled(obj), *_own_marking(obj), *_random_id(obj)):
        raise _Invalid(message)


def _check_time(name: str, value: Any, *, fine: bool) -> None:
    if not isinstance(value, str) or not _TIME.fullmatch(value) or (fine and len(value) < 24):
        digits = "at least three fraction digits" if fine else "Z at the end"
        raise _Invalid(f"{name}: expected a timestamp with {digits}, got {_shown(value)}")
    try:
        parse_micros(value)
    except ValueError as error:
        raise _Invalid(f"{name}: {error}") from error


def _follows(one: str, other: str, equal: bool) -> bool:
    first, then = time_key(one), time_key(other)
    return first < then or (equal and first == then)


def _own_marking(obj: dict[str, Any]) -> Iterator[str]:
    refs = obj.get("object_marking_refs", ())
    if obj["type"] == "marking-definition" and isinstance(refs, list) and obj["id"] in refs:
        yield "object_marking_refs: a marking-definition cannot mark itself"


def _random_id(obj: dict[str, Any]) -> Iterator[str]:
    names = _CONTRIBUTING.get(obj["type"])
    if names is None or any(name in obj for name in names):
        return
    if uuid.UUID(obj["id"].rpartition("--")[2]).version != 4:
        yield f"id: expected a version 4 UUID for {obj['type']} without {' or '.join(names) or 'a rule for its id'}"


def _parsed(obj: dict[str, Any]) -> dict[str, Any]:
    """The object as the library understands it. Raises :class:`_Invalid`."""
    try:
        found = stix2.parse(obj, allow_custom=False)
        if isinstance(found, dict):
            return found  # of a type that an extension defines: all that is known of it was checked above
        parsed: dict[str, Any] = json.loads(found.serialize(include_optional_defaults=True))
        return parsed
    except RecursionError as error:
        raise _Invalid("pattern: nested too deep") from error
    except InvalidValueError as error:
        # What fails inside the library for want of the right shape says nothing to whoever posted it.
        clear = error.__cause__ is None or isinstance(error.__cause__, ValueError | STIXError)
        reason = _short(error.reason) if clear else "expected a value of another type"
        raise _Invalid(f"{error.prop_name}: {reason}") from error
    except ExtraPropertiesError as error:
        raise _Invalid(f"{', '.join(error.properties)[:120]}: not a property of {obj['type']}") from error
    except MissingPropertiesError as error:
        raise _Invalid(f"{', '.join(error.properties)}: expected, and missing") from error
    except TLPMarkingDefinitionError as error:
        raise _Invalid("definition: not the TLP marking-definition that STIX 2.1 section 7.2.1.4 has") from error
    except (STIXError, ValueError) as error:
        raise _Invalid(f"{obj['type'][:60]}: {_short(str(error))}") from error
    except Exception as error:
        # The library trusts the shape of what it reads and fails in many ways where that is wrong.
        raise _Invalid(f"{obj['type'][:60]}: some property is not of the type that STIX 2.1 gives it") from error


def _same(posted: Any, parsed: Any, path: str) -> None:
    """Raises :class:`_Invalid` where the library read something else than what is there."""
    if isinstance(posted, dict) and isinstance(parsed, dict):
        for name, value in posted.items():
            if name not in parsed:
                raise _Invalid(f"{_joined(path, name)}: not a property here")
            _same(value, parsed[name], _joined(path, name))
    elif isinstance(posted, list) and isinstance(parsed, list) and len(posted) == len(parsed):
        for place, (one, other) in enumerate(zip(posted, parsed, strict=True)):
            _same(one, other, f"{path}[{place}]")
    elif not _equal(posted, parsed):
        raise _Invalid(f"{path}: expected {_shown(parsed)} or the like, got {_shown(posted)}")


def _equal(posted: Any, parsed: Any) -> bool:
    if type(posted) is int and type(parsed) is float:
        return posted == parsed
    if type(posted) is not type(parsed):
        return False
    if isinstance(posted, str) and posted != parsed:
        return bool(_TIME.fullmatch(posted) and _TIME.fullmatch(parsed)) and time_key(posted) == time_key(parsed)
    return bool(posted == parsed)


def _joined(path: str, name: str) -> str:
    return f"{path}.{name[:60]}" if path else name[:60]


def _shown(value: Any) -> str:
    text = repr(value) if value is not None else "nothing"
    return text if len(text) <= 80 else text[:77] + "..."


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 200 else text[:197] + "..."
