"""What may go wrong with a store, by what comes next."""

from __future__ import annotations


class StoreError(Exception):
    """The store could not do what was asked."""


class StoreBusy(StoreError):
    """Another writer held the store for too long. Trying again later is right."""


class StoreFull(StoreError):
    """There is no room to write. Nothing was changed."""


class StoreUnusable(StoreError):
    """The store cannot be opened: not a hub's, newer than this program, or damaged."""
