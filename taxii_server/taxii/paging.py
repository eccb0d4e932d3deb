"""What the four paged endpoints share: headers, ``more`` and ``next`` (TAXII 2.1 sections 3.2, 3.5 and 3.7)."""

from __future__ import annotations

from collections.abc import Sequence

from config.instant import Micros, taxii_time
from taxii_server.replies import Reply, reply
from taxii_server.stores.base import ObjectKey, Selection, Store, Versions
from taxii_server.taxii.nexts import Nexts, Place

#: Nothing matches. Never ``{}``, which some clients cannot decode, and without the empty list that the specification
#: forbids (section 2).
NOTHING = b'{"more":false}'


def page_reply(member: str, items: Sequence[bytes], following: str, first: Micros, last: Micros) -> Reply:
    """A page of JSON values under ``member``; ``following`` is the ``next`` of what comes after it, or "" at the end.

    ``first`` and ``last`` are the ``date_added`` of the first and the last of the items. An empty page has none, so it
    goes without the two headers.
    """
    if not items:
        return reply(NOTHING)
    head = f'{{"more":true,"next":"{following}","{member}":[' if following else f'{{"more":false,"{member}":['
    body = b"".join((head.encode(), b",".join(items), b"]}"))
    dates = (("X-TAXII-Date-Added-First", taxii_time(first)), ("X-TAXII-Date-Added-Last", taxii_time(last)))
    return reply(body, headers=dates)


def following(nexts: Nexts, place: Place, selection: Selection, more: bool, last: Micros) -> str:
    """The ``next`` of the page that ends at ``last``; "" when it is the last one."""
    return nexts.write(place, selection, last) if more else ""


def exists(store: Store, collection: str, key: ObjectKey) -> bool:
    """Whether any version of that object is in the collection."""
    every = Selection(limit=1, ids=frozenset((key,)), versions=Versions(last=False, all=True))
    return bool(store.page(collection, every).entries)
