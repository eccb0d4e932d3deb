"""An API that answers page by page, perhaps only about what changed within given dates.

Which records an answer holds is told by two query parameters, where to begin and how many; how many there are in all,
the answer says. Without dates, every run begins at the first record. With dates it goes on from where the last whole
run ended. The cursor::

    {"source": URL and query as configured,     another one starts anew
     "until": end of the dates that were read whole,
     "window": [start, end] of those that are being read, in milliseconds; absent between runs
     "start": the next record of it}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC
from typing import Any
from urllib.parse import urlencode

from collectors.document import Collected, Document
from collectors.errors import Unreadable
from collectors.fetch import Request, get
from collectors.keys import PLACE, in_headers, key_of
from collectors.means import Means
from config.feeds import Feed
from config.instant import SECOND, Millis, to_datetime
from config.transports import PagedTransport, Window

#: Records of one run; a server that goes on for ever is at fault.
_MOST_RECORDS = 5_000_000


def collect(feed: Feed, transport: PagedTransport, cursor: Mapping[str, Any], means: Means) -> Collected:
    """Fetch the next page. Raises :class:`CollectError`. Waits first where a page was fetched right before."""
    source = f"{transport.url}?{urlencode(transport.query)}"
    known = dict(cursor) if cursor.get("source") == source else {"source": source}
    position = Position(transport, known, means.now())
    if position.goes_on:
        means.pacing.sleep(transport.pause / SECOND)
    answer = get(request(feed, transport, position.query, means), means)
    returned, total = counts(feed, transport, answer.body.read())
    # Where the number is missing, the format tells what is wrong.
    after, more = position.after(returned, total or 0)
    document = Document(content=answer.body, name=f"{feed.id}-{position.start}", fetched=means.now())
    return Collected(documents=(document,), cursor=after, more=more)


class Position:
    """Where a run stands: dates, and the next record within them."""

    def __init__(self, transport: PagedTransport, cursor: Mapping[str, Any], now: Millis) -> None:
        self._transport = transport
        self._cursor = cursor
        self._now = now
        self.start: int = cursor.get("start", transport.first)
        #: whether the last page was fetched a moment ago
        self.goes_on = "start" in cursor
        self.window: tuple[Millis, Millis] | None = None
        if transport.window is not None:
            begun = cursor.get("window")
            self.window = (begun[0], begun[1]) if begun else self._next(transport.window)

    def _next(self, dates: Window) -> tuple[Millis, Millis]:
        until = self._cursor.get("until")
        begin = self._now - dates.first if until is None else min(until, self._now) - dates.overlap
        return begin, min(begin + dates.longest, self._now)

    @property
    def query(self) -> dict[str, str]:
        """The parameters that ask for the page."""
        asked = {**self._transport.query, self._transport.start: str(self.start)}
        if self._transport.count:
            asked[self._transport.count] = str(self._transport.size)
        dates = self._transport.window
        if dates is not None and self.window is not None:
            for name, moment in zip((dates.begin, dates.end), self.window, strict=True):
                asked[name] = to_datetime(moment).astimezone(UTC).strftime(dates.form)
        return asked

    def after(self, returned: int, total: int) -> tuple[dict[str, Any], bool]:
        """The cursor after a page of so many of that many records, and whether there is more to be read at once."""
        done = self.start - self._transport.first + returned
        source = {"source": self._cursor["source"]}
        if returned > 0 and done < min(total, _MOST_RECORDS):
            until = {"until": self._cursor["until"]} if "until" in self._cursor else {}
            window = {"window": list(self.window)} if self.window else {}
            return {**source, **until, **window, "start": self.start + returned}, True
        if self.window is None:
            return source, False
        begin, reached = self.window
        # A window that is as long as may be ended before the present: what lies between is read at once.
        dates = self._transport.window
        more = dates is not None and reached - begin >= dates.longest
        return {**source, "until": reached, **({"start": self._transport.first} if more else {})}, more


def request(feed: Feed, transport: PagedTransport, query: Mapping[str, str], means: Means) -> Request:
    """What asks the API with these parameters. Raises :class:`CollectError` where a key is missing."""
    headers = transport.headers
    if transport.keyless and feed.key is not None and not means.environment.get(feed.key, "").strip():
        headers = {name: value for name, value in headers.items() if PLACE not in value}
        key = None
    else:
        key = key_of(feed, means.environment)
    return Request(
        url=f"{transport.url}?{urlencode(query)}",
        shown=f"{feed.id} at {transport.url}",
        headers={"User-Agent": means.user_agent, "Accept": "*/*", **in_headers(headers, key)},
        max_bytes=transport.max_bytes,
        timeout=transport.timeout,
        retries=transport.retries,
    )


def counts(feed: Feed, transport: PagedTransport, page: bytes) -> tuple[int, int | None]:
    """How many records an answer has, and how many there are: None where that stands there empty, as in errors of some.

    Raises :class:`Unreadable` where it does not stand there.
    """
    returned = _number(transport.returned, page, feed) or 0 if transport.returned else transport.size
    return returned, _number(transport.total, page, feed)


def _number(pattern: str, page: bytes, feed: Feed) -> int | None:
    found = re.search(pattern.encode(), page)
    if found is None:
        raise Unreadable(f"{feed.id}: expected a number in the answer where {pattern!r} finds it, got none")
    return int(found[1][:18]) if found[1].isdigit() else None
