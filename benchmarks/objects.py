"""The objects that every target holds: valid STIX 2.1, 720 bytes each, the same for the same number."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from typing import NamedTuple

from config.instant import stix_time

SIZE = 720  # bytes of one object's JSON
#: One in so many is a vulnerability, the rest are indicators: what the filter by type has to find.
VULNERABILITY_EVERY = 10
IDENTITY = "identity--3f1c1f4e-6a57-5d0e-9d3c-7b0a5a1c2d3e"
TLP_CLEAR = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"
EPOCH = 1_767_225_600_000  # 2026-01-01T00:00:00Z, milliseconds


class StixObject(NamedTuple):
    """One generated object."""

    number: int
    type: str
    id: str
    #: both ``created`` and ``modified``
    version: str
    body: bytes


def stix_object(number: int, kind: str = "") -> StixObject:
    """The object of that number, from 0; of its own kind unless another is asked for."""
    digest = hashlib.blake2b(number.to_bytes(8, "big"), digest_size=16).digest()
    kind = kind or ("indicator" if number % VULNERABILITY_EVERY else "vulnerability")
    stix_id = f"{kind}--{uuid.UUID(bytes=digest, version=5)}"
    version = stix_time(EPOCH + number * 10)
    head = (
        f'{{"type":"{kind}","spec_version":"2.1","id":"{stix_id}","created_by_ref":"{IDENTITY}","created":"{version}",'
        f'"modified":"{version}","object_marking_refs":["{TLP_CLEAR}"],"labels":["phishing","bench"],"confidence":75,'
        '"external_references":[{"source_name":"example","url":"https://feeds.example.com/'
        f'{number:08d}"}}],'
    )
    body = _indicator(number, version) if kind == "indicator" else f'"name":"CVE-2026-{number + 10_000}"'
    start = f'{head}{body},"description":"'
    return StixObject(number, kind, stix_id, version, f"{start}{'seen ' * 80}"[: SIZE - 2].encode() + b'"}')


def _indicator(number: int, version: str) -> str:
    return (
        f'"name":"url {number}","indicator_types":["malicious-activity"],"pattern":"[url:value = '
        f"'http://host-{number:08d}.example.com/login'"
        f']","pattern_type":"stix","valid_from":"{version}"'
    )


def stix_objects(first: int, count: int) -> Iterator[StixObject]:
    """``count`` objects in order of number."""
    return map(stix_object, range(first, first + count))


def envelope(first: int, count: int, kind: str = "") -> bytes:
    """A TAXII envelope of those objects, as it is posted."""
    bodies = (stix_object(number, kind).body for number in range(first, first + count))
    return b'{"objects":[' + b",".join(bodies) + b"]}"
