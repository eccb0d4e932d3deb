"""A collection of another TAXII 2.1 server, page by page, going on from the last date added.

taxii2-client builds the requests and reads the resources; bytes, time and tries are bounded by :mod:`collectors.fetch`,
which stands in for its connection. The cursor::

    {"source": API root and collection as configured,   another one starts anew
     "collection": {id, title, can_read, can_write},
     "added_after": position that the present pages started from,
     "next": what the server gave to go on with,        absent when the last page was reached
     "last": largest date added so far,
     "pages": digests of the latest pages}              a page that comes again means that the server goes in circles
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any
from urllib.parse import urlencode

from taxii2client import v21
from taxii2client.exceptions import AccessError, TAXIIServiceException
from taxii2client.v21 import Collection as TaxiiCollection

from collectors.answers import beside
from collectors.document import Collected, Document
from collectors.errors import GiveUp, Unreadable
from collectors.fetch import Answer, Request, get
from collectors.keys import basic, key_of
from collectors.means import Means
from config.feeds import Feed
from config.instant import Micros, parse_micros, taxii_time
from config.transports import TaxiiTransport

_MEDIA_TYPES = {
    "2.1": ("application/taxii+json", "application/json"),
    "2.0": ("application/vnd.oasis.taxii+json", "application/vnd.oasis.stix+json", "application/json"),
}
_LAST_HEADER = "x-taxii-date-added-last"
_REMEMBERED_PAGES = 64
#: What a server may answer to a ``next`` that it has forgotten.
_FORGOTTEN = frozenset((400, 404, 410))


class Connection:
    """What taxii2-client asks for resources through; every answer is bounded, and the last one can be looked at."""

    def __init__(self, feed: Feed, transport: TaxiiTransport, key: str | None, means: Means) -> None:
        #: of TAXII; read by taxii2-client
        self.version = transport.version
        self._transport = transport
        self._means = means
        self._shown = f"{feed.id} at {transport.api_root}"
        self._headers = {"User-Agent": means.user_agent}
        if key is not None:
            self._headers["Authorization"] = basic(f"{transport.user}:{key}") if transport.user else f"Bearer {key}"
        #: statuses besides 200 that the caller wants to see for itself
        self.also: frozenset[int] = frozenset()
        #: the last answer, its body unpacked
        self.answer: Answer | None = None
        #: how many objects are in it; the resource is given without them
        self.objects = 0

    def get(self, url: str, headers: Mapping[str, str] | None = None, params: Mapping[str, Any] | None = None) -> Any:
        """The resource as parsed JSON, without its objects; an empty one where the status is one of ``also``. Raises
        :class:`CollectError`."""
        query = f"?{urlencode(params, doseq=True)}" if params else ""
        request = Request(
            url=url + query,
            shown=self._shown,
            headers={**(headers or {}), **self._headers},
            max_bytes=self._transport.max_bytes,
            timeout=self._transport.timeout,
            retries=self._transport.retries,
            also=self.also,
        )
        self.answer = answer = get(request, self._means)
        self.objects = 0
        if answer.status not in (200, 206):
            return {}
        media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type not in _MEDIA_TYPES[self.version]:
            expected = _MEDIA_TYPES[self.version][0]
            raise Unreadable(f"{self._shown}: expected {expected};version={self.version}, got {media_type[:60]!r}")
        said, self.objects = beside(answer.body, "objects", self._shown)
        return said

    def close(self) -> None:
        """Nothing is kept open between requests."""


def collect(feed: Feed, transport: TaxiiTransport, cursor: Mapping[str, Any], means: Means) -> Collected:
    """Fetch the next page. Raises :class:`CollectError`."""
    source = f"{transport.api_root} {transport.collection}"
    if cursor.get("source") != source:
        cursor = {"source": source}
    connection = Connection(feed, transport, key_of(feed, means.environment), means)
    with translated(f"{feed.id} at {transport.api_root}"):
        collection = collection_of(v21, transport, cursor, connection)
        envelope, start = _page(collection, connection, transport, cursor)
    answer = connection.answer
    if answer is None or not isinstance(envelope, dict) or not isinstance(envelope.get("objects", []), list):
        raise Unreadable(f"{feed.id} at {transport.api_root}: expected a TAXII envelope, got something else")
    page = _Page(feed.id, envelope, answer, start, empty=not connection.objects)
    position = page.position(cursor)
    position |= {"source": source, "collection": resource(collection)}
    if not connection.objects:
        return Collected(cursor=position, unchanged=True)
    now = means.now()
    document = Document(
        content=answer.body,
        name=f"{collection.id}.json",
        fetched=now,
        modified=min(now, page.last // 1_000) if page.last else None,
    )
    return Collected(documents=(document,), cursor=position, more=page.more)


class _Page:
    """One page, and where it leaves the reader."""

    def __init__(
        self, feed: str, envelope: Mapping[str, Any], answer: Answer, start: str | None, *, empty: bool
    ) -> None:
        self._feed = feed
        self._start = start
        self._next = envelope.get("next")
        self._digest = answer.body.sha256
        #: an empty page ends the run, whatever it claims: the rest may have been deleted meanwhile
        self.more = envelope.get("more") is True and not empty
        #: largest date added of the page; 0 when the server does not say
        self.last = micros(answer.headers.get(_LAST_HEADER))

    def position(self, cursor: Mapping[str, Any]) -> dict[str, Any]:
        """The cursor after this page. Raises :class:`Unreadable` when the server goes in circles."""
        before = micros(cursor.get("last"))
        last = max(before, self.last)
        reached = {"last": taxii_time(last), "added_after": taxii_time(last)} if last else {}
        if not self.more:
            return reached
        pages = [*cursor.get("pages", ()), self._digest][-_REMEMBERED_PAGES:]
        if self._digest in cursor.get("pages", ()) or (self.last and self.last < before):
            raise Unreadable(f"{self._feed}: expected the pages to go on, got one again that was there before")
        if isinstance(self._next, str) and self._next:
            started = {"added_after": self._start} if self._start else {}
            return {**reached, "added_after": None, **started, "next": self._next, "pages": pages}
        if last <= before:
            raise Unreadable(f"{self._feed}: expected next or a later X-TAXII-Date-Added-Last with more, got neither")
        return {**reached, "pages": pages}


def collection_of(
    version: ModuleType, transport: TaxiiTransport, cursor: Mapping[str, Any], connection: Connection
) -> Any:
    """The collection, of ``version`` of the client (:mod:`taxii2client.v20`, :mod:`taxii2client.v21`). It is asked for
    once; the cursor knows it then. Raises :class:`GiveUp`, and what the client raises."""
    root = transport.api_root.removesuffix("/") + "/collections/"
    known = cursor.get("collection")
    if known:
        return version.Collection(f"{root}{known['id']}/", conn=connection, collection_info=known)
    if _is_uuid(transport.collection):
        collection = version.Collection(f"{root}{transport.collection}/", conn=connection)
        collection.refresh()
        return collection
    api_root = version.ApiRoot(transport.api_root, conn=connection)
    api_root.refresh_collections()
    # An alias is a word of TAXII 2.1.
    found = [
        item for item in api_root.collections if transport.collection in (item.title, getattr(item, "alias", None))
    ]
    if len(found) != 1:
        raise GiveUp(f"{transport.api_root}: expected one collection called {transport.collection}, got {len(found)}")
    return found[0]


def _is_uuid(text: str) -> bool:
    """Whether it is a UUID, as ids of collections are."""
    with contextlib.suppress(ValueError):
        return str(uuid.UUID(text)) == text.lower()
    return False


def _page(
    collection: TaxiiCollection, connection: Connection, transport: TaxiiTransport, cursor: Mapping[str, Any]
) -> tuple[Any, str | None]:
    """The next page, and the ``added_after`` that it was asked for with."""
    start: str | None = cursor.get("added_after")
    if cursor.get("next"):
        connection.also = _FORGOTTEN
        envelope = collection.get_objects(limit=transport.page, added_after=start, next=cursor["next"])
        connection.also = frozenset()
        if connection.answer is not None and connection.answer.status == 200:
            return envelope, start
        start = cursor.get("last")
    return collection.get_objects(limit=transport.page, added_after=start), start


@contextlib.contextmanager
def translated(shown: str) -> Iterator[None]:
    """Errors of taxii2-client as ours."""
    try:
        yield
    except AccessError:
        raise GiveUp(f"{shown}: the collection may not be read with these rights") from None
    except (TAXIIServiceException, TypeError, KeyError, AttributeError) as error:
        raise Unreadable(f"{shown}: expected a TAXII resource, got another ({type(error).__name__})") from None


def resource(collection: Any) -> dict[str, Any]:
    """What is remembered of a collection."""
    return {
        "id": collection.id,
        "title": collection.title,
        "can_read": collection.can_read,
        "can_write": collection.can_write,
    }


def micros(text: object) -> Micros:
    """The instant that a text says, 0 where it is none."""
    try:
        return parse_micros(text) if isinstance(text, str) else 0
    except ValueError:
        return 0
