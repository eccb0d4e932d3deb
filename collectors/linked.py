"""A JSON API whose answers name the next page by its URL, perhaps only what changed since the last run. The cursor::

{"source": URL as configured,               another one starts anew
 "since": when the last whole run began, in milliseconds,
 "begun": when the present one did,         absent between runs
 "next": the URL to go on with,
 "pages": digests of the URLs so far}       a URL that comes again means that the server goes in circles
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from collectors.answers import member
from collectors.document import Body, Collected, Document
from collectors.errors import GiveUp, Unreadable
from collectors.fetch import Request, get
from collectors.keys import check_used, in_headers, key_of
from collectors.means import Means
from config.feeds import Feed
from config.instant import HOUR, SECOND, Millis, to_datetime
from config.transports import LinkedTransport

#: A server that names further pages for ever is at fault.
_MOST_PAGES = 10_000
_LONGEST_LINK = 4_000
#: A run that began longer ago, and cannot go on where it was told to, begins anew.
_STUCK: Millis = HOUR


def collect(feed: Feed, transport: LinkedTransport, cursor: Mapping[str, Any], means: Means) -> Collected:
    """Fetch the next page. Raises :class:`CollectError`. Waits first where a page was fetched right before."""
    key = key_of(feed, means.environment)
    check_used(feed, *transport.headers.values())
    now = means.now()

    def page(known: Mapping[str, Any], url: str) -> Collected:
        request = _request(feed, transport, url, key, means)
        return _collected(feed, transport, known, request, get(request, means).body, now)

    known: dict[str, Any] = dict(cursor) if cursor.get("source") == transport.url else {"source": transport.url}
    if "next" in known:
        means.pacing.sleep(transport.pause / SECOND)
        try:
            return page(known, known["next"])
        except (GiveUp, Unreadable):
            # What it was to go on at may be there no more, and would be asked for ever. The run before this one has
            # said so, and a server that goes in circles must not be kept busy by this one.
            if now - known["begun"] < _STUCK:
                raise
    known = {name: value for name, value in known.items() if name in ("source", "since")} | {"begun": now, "pages": []}
    return page(known, _first(transport, known.get("since")))


def _request(feed: Feed, transport: LinkedTransport, url: str, key: str | None, means: Means) -> Request:
    headers = {"User-Agent": means.user_agent, "Accept": "application/json"}
    return Request(
        url=url,
        shown=f"{feed.id} at {transport.url}",
        headers={**headers, **in_headers(transport.headers, key)},
        max_bytes=transport.max_bytes,
        timeout=transport.timeout,
        retries=transport.retries,
    )


def _collected(
    feed: Feed, transport: LinkedTransport, known: Mapping[str, Any], request: Request, body: Body, now: Millis
) -> Collected:
    """What a page is, and where to go on."""
    following = _next(transport, request, body)
    document = Document(content=body, name=feed.id, fetched=now)
    if following is None:
        position = {"source": transport.url, "since": known["begun"]}
        return Collected(documents=(document,), cursor=position)
    pages = [*known["pages"], hashlib.sha256(request.url.encode()).hexdigest()[:16]]
    if hashlib.sha256(following.encode()).hexdigest()[:16] in pages or len(pages) > _MOST_PAGES:
        raise Unreadable(f"{request.shown}: expected the pages to go on, got one again that was there before")
    return Collected(documents=(document,), cursor={**known, "next": following, "pages": pages}, more=True)


def _first(transport: LinkedTransport, since: int | None) -> str:
    if transport.since is None or since is None:
        return transport.url
    # What was entered late, or by a clock that differs, is asked for once more.
    asked = to_datetime(since - transport.overlap).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{transport.url}{'&' if '?' in transport.url else '?'}{urlencode({transport.since: asked})}"


def _next(transport: LinkedTransport, request: Request, body: Body) -> str | None:
    """The URL that an answer goes on at, on the same server alone: the key goes with it. None at the last page."""
    following = member(body, transport.next, request.shown)
    if following in (None, "", False):
        return None
    if not isinstance(following, str) or len(following) > _LONGEST_LINK:
        raise Unreadable(f"{request.shown}: expected the URL of the next page in {transport.next}, got something else")
    try:
        target = urljoin(request.url, following)
        old, new = urlsplit(transport.url), urlsplit(target)
        same = (old.scheme, old.hostname, old.port, old.username) == (new.scheme, new.hostname, new.port, new.username)
    except ValueError:
        same = False
    if not same or not target.isascii() or any(char <= " " for char in target):
        raise Unreadable(f"{request.shown}: expected the next page on the same server, got it elsewhere")
    return target
