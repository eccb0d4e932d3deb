"""Small makers of what goes into a store."""

from __future__ import annotations

from typing import Any

from config.instant import stix_time
from normalizers.claims import Claim
from taxii_server.stores.base import LAST, ClaimRow, ObjectKey, Page, Publication, Selection, Store, Versions

VIEW = "clear/combined/tlp2"
COLLECTION = "7d1d7f3a-0f70-4a51-8d0e-3f3c5b6f9a01"
OTHER = "7d1d7f3a-0f70-4a51-8d0e-3f3c5b6f9a02"
ALL = Versions(last=False, all=True)
FIRST = Versions(last=False, first=True)


def claim(value: str = "a", origin: str = "feed-a", version: int = 1_000, **other: Any) -> Claim:
    """A claim about http://example.com/VALUE."""
    given = {"audience": "clear", "first_seen": 500, "last_seen": 900, "life": 604_800_000, "confidence": 75} | other
    return Claim(
        type="url", value=f"http://example.com/{value}", origin=origin, family=origin, version=version, **given
    )


def row(said: Claim, renew_at: int | None = None) -> ClaimRow:
    """The claim as it is written."""
    return ClaimRow(said.key, said, renew_at)


def uuid_of(number: int) -> bytes:
    """Sixteen bytes for an object."""
    return number.to_bytes(16, "big")


def key_of(number: int, kind: str = "indicator") -> ObjectKey:
    """The key of that object."""
    return kind, uuid_of(number)


def at(moment: int) -> str:
    """The STIX timestamp of a number of milliseconds: a version."""
    return stix_time(moment)


def publication(
    number: int, version: int | str = 1, *, seen: int | str | None = None, kind: str = "indicator", **other: Any
) -> Publication:
    """Version ``version`` of object ``number``, by somebody who saw ``seen`` as its latest."""
    name = at(version) if isinstance(version, int) else version
    given = {"scope": VIEW, "created": at(1), "collections": (COLLECTION,), "digest": bytes(16)} | other
    given.setdefault("body", f'{{"id":"{kind}--{number}","modified":"{name}"}}'.encode())
    expected = at(seen) if isinstance(seen, int) else seen
    return Publication(type=kind, uuid=uuid_of(number), version=name, expected=expected, **given)


def page(store: Store, collection: str = COLLECTION, *, limit: int = 1_000, **wanted: Any) -> Page:
    """One page."""
    return store.page(collection, Selection(limit, **wanted))


def told(store: Store, collection: str = COLLECTION, **wanted: Any) -> list[tuple[int, str]]:
    """Object number and version of every selected entry, in order of the log."""
    entries = page(store, collection, **wanted).entries
    return [(int.from_bytes(entry.uuid, "big"), entry.version) for entry in entries]


def follow(store: Store, collection: str = COLLECTION, limit: int = 3, versions: Versions = LAST) -> list[Any]:
    """Every entry, read in pages by their dates."""
    found: list[Any] = []
    after = 0
    while True:
        got = page(store, collection, limit=limit, after=after, versions=versions)
        found += got.entries
        if not got.more:
            return found
        after = got.entries[-1].date_added
