"""Documents over HTTP(S), asked for only when they may have changed.

The cursor remembers for each URL what its publisher and its bytes said of its version::

    {"urls": {URL as configured: {"etag": ..., "modified": ..., "sha256": ...}},
     "again": [URL as configured]}            see :mod:`collectors.again`

A URL with ``{yyyy}`` and ``{mm}`` in it stands for one document a month, of the current month and those before it;
months that are not there (yet) are passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any
from urllib.parse import unquote, urlsplit

from collectors.again import due, waiting
from collectors.document import Collected, Document
from collectors.errors import GiveUp
from collectors.fetch import Answer, Request, get
from collectors.keys import PLACE, check_used, in_form, in_headers, in_url, key_of
from collectors.means import Means
from collectors.several import DAMAGED, Several
from collectors.unpacking import unpacked
from collectors.versions import conditions, version_of
from config.feeds import Feed
from config.instant import Millis, from_datetime, to_datetime
from config.transports import HttpTransport

_ABSENT = frozenset((404, 410))


def collect(feed: Feed, transport: HttpTransport, cursor: Mapping[str, Any], means: Means) -> Collected:
    """Fetch what changed since ``cursor``. Raises :class:`CollectError`.

    Of a full list that lies in several documents all are fetched each time: one alone would not be the list.
    """
    places = urls(transport, means.now())
    again = due(cursor)
    known = {place: version for place, version in cursor.get("urls", {}).items() if place not in again}
    whole, apart = (len(places) > 1 and feed.kind == kind for kind in ("list", "log"))
    publisher = _Publisher(feed, transport, {} if whole else known, means)
    with Several(DAMAGED if apart else ()) as several:
        for place in places:
            several.take(place, partial(publisher.document, place, alone=len(places) == 1))
        versions = {**publisher.versions, **{place: known.get(place, {}) for place in several.missing}}
        if not versions:
            raise GiveUp(f"{transport.url}: none of its {len(places)} documents is there")
    changed = [place for place in versions if versions[place].get("sha256") != known.get(place, {}).get("sha256")]
    several.keep(versions if whole and changed else changed)
    return Collected(
        documents=tuple(several.documents.values()),
        cursor={"urls": versions, **waiting(cursor, versions, [*several.missing, *changed])},
        unchanged=not changed and not several.missing,
        apart=apart,
        noted=len(versions),
        missing=several.missing,
    )


def urls(transport: HttpTransport, now: Millis) -> list[str]:
    """The URLs that a transport stands for at that time, the oldest month first; ``{key}`` is left in them."""
    if "{yyyy}" not in transport.url and "{mm}" not in transport.url:
        return [transport.url]
    today = to_datetime(now)
    last = today.year * 12 + today.month - 1
    months = [divmod(month, 12) for month in range(last - transport.months + 1, last + 1)]
    dated = [
        transport.url.replace("{yyyy}", f"{year:04d}").replace("{mm}", f"{month + 1:02d}") for year, month in months
    ]
    return list(dict.fromkeys(dated))  # without {mm} it is one a year


class _Publisher:
    """What one call asks for."""

    def __init__(self, feed: Feed, transport: HttpTransport, known: Mapping[str, Any], means: Means) -> None:
        """``known``: the version of each URL that is asked for only if it changed."""
        self._feed = feed
        self._transport = transport
        self._known = known
        self._means = means
        self._key = key_of(feed, means.environment)
        check_used(feed, transport.url, *transport.headers.values(), *transport.form.values())
        headers = {"User-Agent": means.user_agent, "Accept": "*/*"}
        self._headers = {**headers, **in_headers(transport.headers, self._key)}
        #: of each URL that is there: etag, modified, sha256, as far as known
        self.versions: dict[str, dict[str, str]] = {}

    def document(self, place: str, *, alone: bool) -> Document | None:
        """The document at a URL as configured; None where it has not changed, and, unless it stands ``alone``, where
        it is not there. Raises :class:`CollectError`."""
        before = self._known.get(place, {})
        answer = get(self._request(place, before, frozenset() if alone else _ABSENT), self._means)
        if answer.status in _ABSENT:
            return None
        version = version_of(answer.headers)
        if answer.status == 304:
            self.versions[place] = {**before, **version}
            return None
        body, name = unpacked(answer.body, _name(self._feed, place), self._transport.max_bytes)
        self.versions[place] = {**version, "sha256": body.sha256}
        now = self._means.now()
        return Document(content=body, name=name, fetched=now, modified=_last_modified(answer, now), place=place)

    def _request(self, place: str, before: Mapping[str, str], also: frozenset[int]) -> Request:
        return Request(
            url=in_url(place, self._key),
            shown=place,
            headers={**self._headers, **conditions(before)},
            max_bytes=self._transport.max_bytes,
            timeout=self._transport.timeout,
            retries=self._transport.retries,
            also=also,
            form=in_form(self._transport.form, self._key),
        )


def _last_modified(answer: Answer, now: Millis) -> Millis | None:
    try:
        return min(now, from_datetime(parsedate_to_datetime(answer.headers.get("last-modified", ""))))
    except (ValueError, OverflowError):
        return None


def _name(feed: Feed, place: str) -> str:
    name = unquote(urlsplit(place).path.rsplit("/", 1)[-1])
    return feed.id if not name or PLACE in name else name
