"""Ids of the objects that the hub makes, and of which STIX type those are.

They are UUIDv5 (RFC 9562 section 5.5) in the hub's own namespace, as STIX 2.1 section 2.9 leaves to the producer.
"""

from __future__ import annotations

import hashlib
import uuid
from functools import lru_cache

from config.observables import PASSED
from normalizers.patterns import pattern

#: observable type -> STIX object type of what is merged about it
OBJECT_TYPES = {"cve": "vulnerability", "advisory": "report"}
#: Types of what is said about objects, and not about a value that a known-good list could hold.
OF_OBJECTS = frozenset({*OBJECT_TYPES, PASSED})


def object_type(kind: str) -> str:
    """The STIX type of the object that is merged about an observable of this type."""
    return OBJECT_TYPES.get(kind, "indicator")


# Asked for twice in a row: for the id, and for the content.
pattern_of = lru_cache(maxsize=16_384)(pattern)


class Ids:
    """The hub's own ids."""

    def __init__(self, namespace: uuid.UUID) -> None:
        # begun once and copied: to begin one costs more than to hash a name
        self._begun = hashlib.sha1(namespace.bytes, usedforsecurity=False)

    def make(self, name: str) -> bytes:
        """The 16 bytes of the UUIDv5 of a name; names begin with the object's type, so no UUID repeats across types."""
        named = self._begun.copy()
        named.update(name.encode())
        value = bytearray(named.digest()[:16])
        # RFC 9562 section 4: the bits of version and variant
        value[6] = value[6] & 0x0F | 0x50
        value[8] = value[8] & 0x3F | 0x80
        return bytes(value)

    def merged(self, kind: str, value: str, view: str, generation: int) -> bytes:
        """The id of what a view says about an observable, in its ``generation`` (1 and up)."""
        subject = value if kind in OBJECT_TYPES else pattern_of(kind, value)
        return self.make(f"{object_type(kind)}|{subject}|{view}|{generation}")

    def publisher(self, name: str, view: str) -> bytes:
        """The id of a publisher's identity in a view: when it was first needed there is for that view alone."""
        return self.make(f"identity|publisher|{name}|{view}")


def id_text(kind: str, value: bytes) -> str:
    """``type--UUID``."""
    text = value.hex()
    return f"{kind}--{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
