"""What every TAXII resource works with: the settings, the store, the rights, and the caller of this request."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request
from flask.globals import app_ctx

from config.instant import Clock
from config.roots import ApiRoot, Collection
from config.settings import Settings
from taxii_server.access import Access, Caller
from taxii_server.stores.base import Store
from taxii_server.taxii.nexts import Nexts


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One hub's TAXII service, shared by all requests of a process."""

    settings: Settings
    store: Store
    access: Access
    clock: Clock
    nexts: Nexts

    def readable(self, path: str, name: str) -> tuple[ApiRoot, Collection]:
        """The collection, for the caller to read. Raises :class:`taxii_server.access.Refused`."""
        return self.access.readable(caller(), path, name)


def caller() -> Caller:
    """Who sent this request; found out once, before any view runs."""
    found: Caller = app_ctx.g.caller
    return found


def note(collection: str, objects: int = 0) -> None:
    """Tell the log and the read counts which collection this request is about, and how many objects it was given."""
    asked = app_ctx.g
    asked.collection = collection
    asked.objects = objects


def query_string() -> str:
    """The raw query of this request."""
    raw: str = request.environ.get("QUERY_STRING", "")
    return raw
