"""What can go wrong while collecting, named for what comes next.

    CollectError
    +-- TryLater      it may pass by itself: the same call, later
    +-- GiveUp        somebody has to change something first: configuration, a key, an address
    +-- TooLarge      more bytes than the feed may have; nothing of it is used
    +-- Unreadable    what came is damaged: a broken archive, a page that repeats

Messages name the URL as configured, ``{key}`` and all, never as requested. Low-level errors hold the URL as requested,
so they are not kept as causes.
"""

from __future__ import annotations

from config.instant import Millis


class CollectError(Exception):
    """A feed could not be collected. Nothing changed; the cursor stays where it was."""


class TryLater(CollectError):
    """The publisher or the way there is out of order at present."""

    def __init__(self, message: str, retry_after: Millis | None = None) -> None:
        super().__init__(message)
        #: how long the publisher asks to be left alone, in milliseconds; None when it does not say
        self.retry_after = retry_after


class GiveUp(CollectError):
    """Trying again is no use until somebody changes the configuration, or the publisher its server."""


class TooLarge(CollectError):
    """The document has more bytes, packed or unpacked, than the feed may have."""


class Unreadable(CollectError):
    """Bytes came, but they are no whole document."""
