"""A MISP feed: a manifest that says of each event when it changed last, and a file for each event.

The manifest is asked for only if it changed; of a log, only the events that it says have changed are fetched, some at a
time, in order of their uuids: their times move with attributes that not all may see, and must not decide in which order
those are told that all see. Of a full list all are, as soon as one changed or left. The cursor::

    {"source": URL as configured,             another one starts anew
     "manifest": {"etag": ..., "modified": ..., "sha256": ...},
     "events": {uuid: timestamp of what was read},
     "left": {uuid: timestamp},               of the manifest, to be fetched next; absent when nothing is left
     "again": [uuid]}                         see :mod:`collectors.again`
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from collectors.again import due, waiting
from collectors.answers import members
from collectors.document import Body, Collected, Document
from collectors.errors import GiveUp, TryLater, Unreadable
from collectors.fetch import Answer, Request, get
from collectors.keys import check_used, in_headers, in_url, key_of
from collectors.means import Means
from collectors.several import DAMAGED, Several
from collectors.unpacking import unpacked
from collectors.versions import conditions, version_of
from config.feeds import Feed
from config.instant import SECOND
from config.transports import MispTransport

#: Events of a log that are fetched before what they say is taken in.
_PAGE = 25
#: Events of a full list, all of which are held at once.
_LONGEST_LIST = 1_000
#: Events of a log that are not too old: all of them stand in the cursor, which is written with each page.
_MOST_EVENTS = 20_000
_ABSENT = frozenset((404, 410))
#: It becomes a part of a URL, so nothing else may stand for one.
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def collect(feed: Feed, transport: MispTransport, cursor: Mapping[str, Any], means: Means) -> Collected:
    """Fetch the next events that changed since ``cursor``. Raises :class:`CollectError`."""
    key = key_of(feed, means.environment)
    check_used(feed, transport.url, *transport.headers.values())
    server = _Server(feed, transport, key, means)
    if cursor.get("source") != transport.url:
        cursor = {"source": transport.url}
    if not cursor.get("left"):
        cursor = _begun(server, cursor, whole=feed.kind == "list")
    page, left = (cursor["left"], {}) if feed.kind == "list" else _parted(cursor["left"])
    apart = feed.kind == "log"
    with Several(DAMAGED if apart else ()) as several:
        for uuid in page:
            several.take(uuid, partial(server.event, uuid))
    events = {**cursor["events"], **page}
    position = {"source": transport.url, "manifest": cursor["manifest"], "events": events}
    position |= {**waiting(cursor, events, page), **({"left": left} if left else {})}
    return Collected(
        documents=tuple(several.documents.values()),
        cursor=position,
        unchanged=not page,
        more=bool(left),
        apart=apart,
        noted=len(events),
        missing=several.missing,
    )


def _begun(server: _Server, cursor: Mapping[str, Any], *, whole: bool) -> dict[str, Any]:
    """The cursor of a run that begins: what it is to fetch is left."""
    known, again = cursor.get("events", {}), due(cursor)
    manifest, listed = server.manifest(cursor.get("manifest", {}))
    if listed is None:
        listed = known
    elif known and not listed:
        # Else a list that says nothing any more would be taken for one that has not changed.
        raise Unreadable(f"{server.shown_manifest}: expected events, of which {len(known)} were read, got none")
    every = whole and listed != known
    left = {uuid: at for uuid, at in listed.items() if every or uuid in again or known.get(uuid) != at}
    events = {uuid: at for uuid, at in known.items() if uuid in listed}
    return {**cursor, "manifest": manifest, "events": events, "left": left}


def _parted(left: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """The events to fetch next, and those after them."""
    order = sorted(left)
    return {uuid: left[uuid] for uuid in order[:_PAGE]}, {uuid: left[uuid] for uuid in order[_PAGE:]}


class _Server:
    """What one run asks for."""

    def __init__(self, feed: Feed, transport: MispTransport, key: str | None, means: Means) -> None:
        self._feed = feed
        self._transport = transport
        self._key = key
        self._means = means
        headers = {"User-Agent": means.user_agent, "Accept": "application/json"}
        self._headers = {**headers, **in_headers(transport.headers, key)}

    def manifest(self, before: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str] | None]:
        """What is known of the manifest's version, and its events by uuid with their times; None where it has not
        changed."""
        answer = self._get("manifest.json", conditions(before))
        version = version_of(answer.headers)
        if answer.status == 304:
            return {**before, **version}, None
        body = unpacked(answer.body, "manifest.json", self._transport.max_bytes)[0]
        version["sha256"] = body.sha256
        if body.sha256 == before.get("sha256"):
            body.close()
            return version, None
        return version, self._listed(body)

    def _listed(self, body: Body) -> dict[str, str]:
        with contextlib.closing(body):
            said = [(uuid.lower(), _time(uuid, entry)) for uuid, entry in members(body, self.shown_manifest)]
        times = {uuid: at for uuid, at in said if at is not None}
        if said and not times:
            raise Unreadable(f"{self.shown_manifest}: expected events by uuid with their timestamps, got none")
        oldest = self._means.now() - self._transport.age
        listed = {uuid: at for uuid, at in times.items() if int(at) * SECOND >= oldest}
        if self._feed.kind == "list" and len(listed) > _LONGEST_LIST:
            raise GiveUp(f"{self._feed.id}: expected at most {_LONGEST_LIST} events of a list, got {len(listed)}")
        if len(listed) > _MOST_EVENTS:
            raise GiveUp(
                f"{self._feed.id}: expected at most {_MOST_EVENTS} events that are not too old, got {len(listed)}; "
                "with a shorter age there are fewer"
            )
        return listed

    def event(self, uuid: str) -> Document:
        """The file of an event. Raises :class:`CollectError`."""
        name = f"{uuid}.json"
        answer = self._get(name, {}, _ABSENT)
        if answer.status in _ABSENT:
            said = f"{self._shown(name)}: its manifest names it, and it is not there"
            raise TryLater(said) if self._feed.kind == "list" else Unreadable(said)
        body, name = unpacked(answer.body, name, self._transport.max_bytes)
        return Document(content=body, name=name, fetched=self._means.now(), place=uuid)

    def _get(self, name: str, headers: Mapping[str, str], also: frozenset[int] = frozenset()) -> Answer:
        request = Request(
            url=in_url(f"{self._transport.url.rstrip('/')}/{name}", self._key),
            shown=self._shown(name),
            headers={**self._headers, **headers},
            max_bytes=self._transport.max_bytes,
            timeout=self._transport.timeout,
            retries=self._transport.retries,
            also=also,
        )
        return get(request, self._means)

    @property
    def shown_manifest(self) -> str:
        """Its URL as configured."""
        return self._shown("manifest.json")

    def _shown(self, name: str) -> str:
        return f"{self._transport.url.rstrip('/')}/{name}"


def _time(uuid: str, entry: Any) -> str | None:
    """When the manifest says that an event changed, in seconds; None where it says so of nothing that can be asked
    for. It is written as a number or as a text."""
    at = entry.get("timestamp") if isinstance(entry, dict) else None
    text = str(at) if isinstance(at, str | int) and not isinstance(at, bool) else ""
    return text if _UUID.fullmatch(uuid) and re.fullmatch(r"[0-9]{1,11}", text) else None
