"""What a TAXII 2.1 server offers: its API roots, and their collections."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urljoin

from collectors.errors import Unreadable
from collectors.means import Means
from collectors.taxii import Connection
from config.feeds import Feed
from config.transports import TaxiiTransport

_ACCEPT = {"Accept": "application/taxii+json;version=2.1"}
#: API roots that are asked, and collections of each.
_MOST_ROOTS, _MOST_COLLECTIONS = 20, 500


class Offered(NamedTuple):
    """A collection that may be read."""

    #: of the server, or of the API root
    server: str
    api_root: str
    id: str
    title: str


def offered(feed: Feed, transport: TaxiiTransport, means: Means) -> list[Offered]:
    """The collections that may be read without a name, of the server or API root at ``transport.api_root``.

    Raises :class:`CollectError`.
    """
    connection = Connection(feed, transport, None, means)
    url = transport.api_root
    said = connection.get(url, _ACCEPT)
    title = _text(said, "title")
    if isinstance(said, dict) and isinstance(said.get("api_roots"), list):
        roots = [urljoin(url, root) for root in said["api_roots"][:_MOST_ROOTS] if isinstance(root, str)]
    elif isinstance(said, dict) and "versions" in said:
        roots = [url]
    else:
        raise Unreadable(f"{feed.id} at {url}: expected the discovery or an API root of TAXII 2.1, got something else")
    return [found for root in roots for found in _collections(connection, title, root)]


def _collections(connection: Connection, server: str, root: str) -> Iterator[Offered]:
    root = f"{root.removesuffix('/')}/"
    said = connection.get(f"{root}collections/", _ACCEPT)
    given = said.get("collections", []) if isinstance(said, dict) else []
    for item in given[:_MOST_COLLECTIONS] if isinstance(given, list) else ():
        if isinstance(item, dict) and item.get("can_read") is True and _text(item, "id"):
            yield Offered(server, root, _text(item, "id"), _text(item, "title"))


def _text(said: Any, name: str) -> str:
    found = said.get(name) if isinstance(said, dict) else None
    return "".join(filter(str.isprintable, found))[:200] if isinstance(found, str) else ""
