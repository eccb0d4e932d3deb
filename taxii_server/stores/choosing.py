"""What publishing and filtering by version mean, for every store: pure, and of one object at a time."""

from __future__ import annotations

from collections.abc import Sequence

from config.instant import DAY, Micros, Millis
from taxii_server.stores.base import Publication, Versions, version_key

#: one entry of an object in a collection: its version key, and its date_added
Held = tuple[str, Micros]


def conflicts(publication: Publication, latest: str | None) -> bool:
    """Whether the caller of ``publish`` saw another latest version than the stored one, and it is no repetition."""
    if latest is None:
        return publication.expected is not None
    if publication.expected == latest:
        return False
    known = version_key(latest)
    if version_key(publication.version) == known:
        return False
    return publication.expected is None or version_key(publication.expected) != known


def chosen(held: Sequence[Held], versions: Versions) -> set[Micros]:
    """Which of an object's entries in one collection, sorted, are wanted: their dates."""
    if versions.all or not held:
        return {date for _, date in held}
    wanted = {date for key, date in held if key in versions.exact}
    if versions.last:
        wanted.add(held[-1][1])
    if versions.first:
        wanted.add(held[0][1])
    return wanted


def day_of(ends: Millis) -> int:
    """The day on which an object ends: retention goes by it, so that its index grows at few places."""
    return ends // DAY
