"""Small forms in which an object's row and its entries hold what would take tables of their own."""

from __future__ import annotations

import re
import struct
from functools import lru_cache
from itertools import starmap

from config.instant import Micros
from taxii_server.stores.base import version_key

#: number of a collection -> date_added of the object's latest entry there. Negative where that entry is of an older
#: version than the object's latest, which did not go into this collection, or was deleted from it.
Places = dict[int, Micros]

_PLACE = struct.Struct("<Iq")
_NO_DIGIT = re.compile("[^0-9]+")


def pack(places: Places) -> bytes:
    """The places as they stand in ``object.places``."""
    if len(places) == 1:
        return _PLACE.pack(*next(iter(places.items())))  # of nearly all objects
    return b"".join(starmap(_PLACE.pack, places.items()))


def unpack(packed: bytes) -> Places:
    """The places that :func:`pack` gave."""
    return dict(_PLACE.iter_unpack(packed))


def latest_log(collection: int) -> int:
    """The log with the latest version of every object of a collection."""
    return 2 * collection


def superseded_log(collection: int) -> int:
    """The log with the superseded versions."""
    return 2 * collection + 1


@lru_cache(maxsize=4_096)
def moment(version: str) -> int:
    """A number equal for versions of equal :func:`version_key`, and rising with time: YYYYMMDDHHMMSSmmm.

    Versions that differ by less than a millisecond share one.
    """
    return int(_NO_DIGIT.sub("", version_key(version))[:17].ljust(17, "0"))
