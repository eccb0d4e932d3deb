"""STIX Cyber-observable Objects of observables, and that an indicator is based on one.

Such an object is a function of its id alone, and its id of the observable (STIX 2.1 section 2.9): the same bytes on
every hub, in every view and for ever.
"""

from __future__ import annotations

import re
import uuid
from typing import Any, NamedTuple

import idna
import orjson

from config.audience import Audience, marking_of
from normalizers.ids import id_text
from normalizers.markings import Dialect, marking_id
from normalizers.values import algorithm

#: STIX 2.1 section 2.9: of the UUIDv5 of every such object.
_NAMESPACE = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
_VALUES = {"url": "url", "domain": "domain-name", "ipv4": "ipv4-addr", "ipv6": "ipv6-addr", "email": "email-addr"}
_HASHED = {"file": "file", "certificate": "x509-certificate"}


#: RFC 3986, of the schemes that canonical URLs have: ASCII, escapes whole, brackets around an address alone.
_ANY = r"(?:[a-zA-Z0-9._~!$&'()*+,;=:@/{}-]|%[0-9a-fA-F]{{2}})*"
_URI = re.compile(
    r"[a-z]+://(?:(?:[a-zA-Z0-9._~!$&'()*+,;=:-]|%[0-9a-fA-F]{2})*@)?(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?"
    rf"(?:/{_ANY.format('')})?(?:\?{_ANY.format('?')})?"
)
#: What every checker takes for an address of mail.
_ADDRESS = re.compile(r"[a-zA-Z0-9]+(?:[._+-]+[a-zA-Z0-9]+)*@([a-z0-9.-]+)")
#: A label that needs no closer look.
_PLAIN_NAME = re.compile(r"(?:[a-z0-9]{1,63}\.)+[a-z][a-z0-9]{0,62}")


class Observable(NamedTuple):
    """The object of an observable."""

    type: str
    uuid: bytes
    body: bytes


def has_object(kind: str, value: str) -> bool:
    """Whether an observable has such an object. All have that an indicator is made of, but for what STIX calls none and
    the web all the same uses: URLs that are not of RFC 3986, names that are not of IDNA 2008 or have an underscore, and
    unusual addresses of mail (STIX 2.1 sections 6.4, 6.5 and 6.19)."""
    if kind == "url":
        return _URI.fullmatch(value) is not None
    if kind == "domain":
        return _is_host_name(value)
    if kind == "email":
        address = _ADDRESS.fullmatch(value)
        return address is not None and _is_host_name(address[1])
    return kind in _HASHED or kind in _VALUES or kind in ("asn", "cidr")


def _is_host_name(name: str) -> bool:
    if _PLAIN_NAME.fullmatch(name):
        return True
    try:
        idna.encode(name)
    except (idna.IDNAError, UnicodeError):
        return False
    return True


def observable_object(kind: str, value: str) -> Observable:
    """The object of a canonical value."""
    said: dict[str, Any]
    if kind in _HASHED:
        name, said = _HASHED[kind], {"hashes": {algorithm(value): value}}
    elif kind == "asn":
        name, said = "autonomous-system", {"number": int(value.removeprefix("AS"))}
    else:
        name, said = _VALUES.get(kind) or ("ipv6-addr" if ":" in value else "ipv4-addr"), {"value": value}
    # What makes the id is all that the object says, as canonical JSON (RFC 8785). It is one member: nothing to sort.
    made = uuid.uuid5(_NAMESPACE, orjson.dumps(said).decode())
    shown: dict[str, Any] = {"type": name, "spec_version": "2.1", "id": f"{name}--{made}", **said}
    return Observable(name, made.bytes, orjson.dumps(shown))


def based_on(indicator: bytes, observable: Observable, audience: Audience, dialect: Dialect) -> bytes:
    """Content of the relationship from an indicator to the object that it is based on, marked as the indicator is."""
    return orjson.dumps(
        {
            "relationship_type": "based-on",
            "source_ref": id_text("indicator", indicator),
            "target_ref": id_text(observable.type, observable.uuid),
            "object_marking_refs": [marking_id(marking_of(audience), dialect)],
        }
    )
