"""A collection of a TAXII 2.0 server, range by range, going on from the last date added.

Within a run the ranges are of what was added after one date; what comes meanwhile comes at the end. The cursor::

    {"source": API root and collection as configured,   another one starts anew
     "collection": {id, title, can_read, can_write},
     "added_after": what the present ranges are of,     absent at first
     "start": the first object of the next range,       absent between runs
     "last": largest date added so far}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from taxii2client import v20

from collectors.document import Collected, Document
from collectors.errors import Unreadable
from collectors.keys import key_of
from collectors.means import Means
from collectors.taxii import Connection, collection_of, micros, resource, translated
from config.feeds import Feed
from config.instant import taxii_time
from config.transports import TaxiiTransport

_LAST_HEADER = "x-taxii-date-added-last"
_RANGE = re.compile(r"items[ =]\s*([0-9]{1,12})-([0-9]{1,12})/([0-9]{1,12}|\*)", re.IGNORECASE)
#: What servers answer where nothing was added, or nothing is left: some say so with 404 (medallion), some with 416.
_NOTHING = frozenset((404, 416))


def collect(feed: Feed, transport: TaxiiTransport, cursor: Mapping[str, Any], means: Means) -> Collected:
    """Fetch the next range. Raises :class:`CollectError`."""
    source, shown = f"{transport.api_root} {transport.collection}", f"{feed.id} at {transport.api_root}"
    known: dict[str, Any] = dict(cursor) if cursor.get("source") == source else {"source": source}
    connection = Connection(feed, transport, key_of(feed, means.environment), means)
    start = int(known.pop("start", 0))
    with translated(shown):
        collection = collection_of(v20, transport, known, connection)
        # The collection is there, so that nothing is found means that there is nothing.
        connection.also = _NOTHING
        after = {"added_after": known["added_after"]} if known.get("added_after") else {}
        bundle = collection.get_objects(start=start, per_request=transport.page, **after)
    answer = connection.answer
    if answer is None or not isinstance(bundle, dict) or not isinstance(bundle.get("objects", []), list):
        raise Unreadable(f"{shown}: expected a STIX 2.0 bundle, got something else")
    last = max(micros(known.get("last")), micros(answer.headers.get(_LAST_HEADER)))
    known |= {"collection": resource(collection), **({"last": taxii_time(last)} if last else {})}
    following = _following(answer.headers.get("content-range", ""), start, shown) if connection.objects else None
    if following is not None:
        known["start"] = following
    elif last:
        known["added_after"] = known["last"]
    if not connection.objects:
        return Collected(cursor=known, unchanged=True)
    document = Document(content=answer.body, name=f"{collection.id}.json", fetched=means.now())
    return Collected(documents=(document,), cursor=known, more=following is not None)


def _following(said: str, start: int, shown: str) -> int | None:
    """Where the range after this one begins; None where it was the last. A server that says nothing sent all."""
    found = _RANGE.fullmatch(said.strip())
    if found is None:
        return None
    end, total = int(found[2]), found[3]
    if int(found[1]) != start or end < start:
        raise Unreadable(f"{shown}: expected the range of objects from {start}, got another")
    return end + 1 if total == "*" or end + 1 < int(total) else None
