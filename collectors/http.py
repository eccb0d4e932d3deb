"""Documents over HTTP(S), asked for only when they may have changed.

The cursor remembers for each URL what its publisher and its bytes said of its version::

    {"urls": {URL as configured: {"etag": ..., "modified": ..., "sha256": ...}},
     "again": [URL as configured]}            see :mod:`collectors.again`

A URL with ``{yyyy}`` and ``{mm}`` in it stands for one document a month, of the current month and those before it;
months that are not there (yet) are passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from collectors.again import due, waiting
from collectors.document import Collected, Document
from collectors.errors import GiveUp, TooLarge, Unreadable
from collectors.fetch import Answer, Request, get
from collectors.keys import PLACE, check_used, in_form, in_headers, in_url, key_of
from collectors.means import Means
from collectors.unpacking import unpacked
from collectors.versions import conditions, version_of
from config.feeds import Feed
from config.instant import Millis, from_datetime, to_datetime
from config.transports import HttpTransport

_ABSENT = frozenset((404, 410))


class _Fetched(NamedTuple):
    place: str
    #: etag, modified, sha256, as far as known
    version: dict[str, str]
    #: None when the publisher says that it has not changed, or where it could not be taken
    document: Document | None
    #: why it could not be taken, where other documents stand beside it
    missing: str = ""


def collect(feed: Feed, transport: HttpTransport, cursor: Mapping[str, Any], means: Means) -> Collected:
    """Fetch what changed since ``cursor``. Raises :class:`CollectError`.

    Of a full list that lies in several documents all are fetched each time: one alone would not be the list.
    """
    key = key_of(feed, means.environment)
    check_used(feed, transport.url, *transport.headers.values(), *transport.form.values())
    headers = {"User-Agent": means.user_agent, "Accept": "*/*", **in_headers(transport.headers, key)}
    places = urls(transport, means.now())
    again = due(cursor)
    known: Mapping[str, Any] = {
        place: version for place, version in cursor.get("urls", {}).items() if place not in again
    }
    whole = feed.kind == "list" and len(places) > 1
    apart = feed.kind == "log" and len(places) > 1
    with ExitStack() as undo:
        fetched = []
        for place in places:
            before = known.get(place, {})
            request = Request(
                url=in_url(place, key),
                shown=place,
                headers={**headers, **({} if whole else conditions(before))},
                max_bytes=transport.max_bytes,
                timeout=transport.timeout,
                retries=transport.retries,
                also=_ABSENT if len(places) > 1 else frozenset(),
                form=in_form(transport.form, key),
            )
            item = _fetch(feed, request, before, means, apart=apart)
            if item is not None and item.document is not None:
                undo.callback(item.document.close)
            if item is not None:
                fetched.append(item)
        if not fetched:
            raise GiveUp(f"{transport.url}: none of its {len(places)} documents is there")
        undo.pop_all()
    return _collected(fetched, known, cursor, whole=whole, apart=apart)


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


def _fetch(feed: Feed, request: Request, before: Mapping[str, str], means: Means, *, apart: bool) -> _Fetched | None:
    try:
        return _fetched(feed, request, before, means)
    except (TooLarge, Unreadable) as error:
        if not apart:
            raise
        return _Fetched(request.shown, dict(before), None, str(error))


def _fetched(feed: Feed, request: Request, before: Mapping[str, str], means: Means) -> _Fetched | None:
    answer = get(request, means)
    if answer.status in _ABSENT:
        return None
    version = version_of(answer.headers)
    if answer.status == 304:
        return _Fetched(request.shown, {**before, **version}, None)
    now = means.now()
    body, name = unpacked(answer.body, _name(feed, request.shown), request.max_bytes)
    document = Document(
        content=body,
        name=name,
        fetched=now,
        modified=_last_modified(answer, now),
        place=request.shown,
    )
    return _Fetched(request.shown, {**version, "sha256": body.sha256}, document)


def _collected(
    fetched: list[_Fetched], known: Mapping[str, Any], cursor: Mapping[str, Any], *, whole: bool, apart: bool
) -> Collected:
    changed = [item for item in fetched if item.version.get("sha256") != known.get(item.place, {}).get("sha256")]
    kept = fetched if whole and changed else changed
    for item in fetched:
        if item not in kept and item.document is not None:
            item.document.close()
    versions = {item.place: item.version for item in fetched}
    missing = {item.place: item.missing for item in fetched if item.missing}
    return Collected(
        documents=tuple(item.document for item in kept if item.document is not None),
        cursor={"urls": versions, **waiting(cursor, versions, [*missing, *(item.place for item in changed)])},
        unchanged=not kept and not missing,
        apart=apart,
        noted=len(fetched),
        missing=missing,
    )


def _last_modified(answer: Answer, now: Millis) -> Millis | None:
    try:
        return min(now, from_datetime(parsedate_to_datetime(answer.headers.get("last-modified", ""))))
    except (ValueError, OverflowError):
        return None


def _name(feed: Feed, place: str) -> str:
    name = unquote(urlsplit(place).path.rsplit("/", 1)[-1])
    return feed.id if not name or PLACE in name else name
