"""Manners: how often a publisher is asked, when it is left alone, and by how many at a time."""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit

from config.feeds import Feed
from config.instant import MINUTE, Clock, Millis, stix_time
from config.transports import FileTransport
from taxii_server.stores.base import FeedState, Store

#: The lease of a host is taken again for each page; one document takes minutes at most.
_LEASE_FOR: Millis = 5 * MINUTE


class FeedBusy(Exception):
    """Another process runs this feed at present."""


class HostBusy(FeedBusy):
    """Something else of this hub is asking the same host at present."""


class TooSoon(Exception):
    """The publisher does not want to be asked yet."""

    def __init__(self, message: str, until: Millis) -> None:
        super().__init__(message)
        self.until = until


def check_time(feed: Feed, state: FeedState, now: Millis) -> None:
    """Raise :class:`TooSoon` while the feed's publisher asked to be left alone, or allows no further fetch.

    A fetch that was in what is now the future was before the clock stepped back, and counts no more.
    """
    if isinstance(feed.transport, FileTransport) or state.asked > now:
        return
    if now < state.not_before:
        raise TooSoon(f"its publisher asked to be left alone until {_shown(state.not_before)}", state.not_before)
    allowed = state.asked + (feed.at_least or 0)
    if state.asked and now < allowed:
        every = f"{(feed.at_least or 0) // MINUTE} minutes"
        raise TooSoon(f"its publisher allows one fetch in {every}; the next at {_shown(allowed)}", allowed)


def spread(hub: str, feed: Feed) -> Millis:
    """What is added to a feed's interval, up to a tenth of it, so that feeds do not go on starting at one instant, nor
    hubs at one publisher: always the same for one feed of one hub."""
    digest = hashlib.blake2b(f"{hub} {feed.id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % (feed.every // 10 + 1)


def hosts(feed: Feed) -> tuple[str, ...]:
    """The hosts, with their ports, that a feed's transport names; none for files."""
    said = [
        value for _, value in feed.transport if isinstance(value, str) and value.startswith(("http://", "https://"))
    ]
    return tuple(sorted({urlsplit(url).netloc.rpartition("@")[2].lower() for url in said}))


class Door:
    """One feed's turn at its hosts: each is asked by one feed at a time, whatever processes run."""

    def __init__(self, store: Store, clock: Clock, owner: str, feed: Feed) -> None:
        self._store = store
        self._clock = clock
        # Feeds of one process keep each other out as well.
        self._owner = f"{owner} {feed.id}"
        self._hosts = hosts(feed)

    def enter(self) -> None:
        """Take the turn, or prolong it. Raises :class:`HostBusy`, and then has none."""
        now = self._clock() // 1_000
        for host in self._hosts:
            if not self._store.lease(f"host/{host}", self._owner, now=now, until=now + _LEASE_FOR):
                self.leave()
                raise HostBusy(f"{host} is being asked for another feed")

    def leave(self) -> None:
        """Give it back."""
        for host in self._hosts:
            self._store.release(f"host/{host}", self._owner)


def _shown(moment: Millis) -> str:
    return f"{stix_time(moment)[:19]}Z"
