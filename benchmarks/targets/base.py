"""What a target offers: started on a free port, filled with the same objects, asked with the same requests."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from benchmarks.client import Connection

ACCEPT = "application/taxii+json;version=2.1"


class Target(Protocol):
    """A server that answers TAXII 2.1 for one collection."""

    #: as tables call it
    name: str
    #: name and version of what runs, with what it runs on
    version: str
    #: path of the collection's objects, ``/root/collections/ID/objects/``; known once started
    objects: str
    #: path that takes POST: the same collection, or one that may be written to; "" if it takes none
    inbox: str
    #: how the client shows who it is -> headers; the first is used where nothing else is said
    logins: dict[str, dict[str, str]]
    #: whether every page holds other objects: false for the limit that serves one page for all
    distinct: bool

    def start(self, folder: Path) -> None:
        """Start empty, with its files in ``folder``. Raises StartFailed."""

    def preload(self, count: int) -> None:
        """Put the objects 0 to ``count`` - 1 into the collection, the fastest way there is; not timed."""

    def stop(self) -> None:
        """End its processes."""

    @property
    def port(self) -> int:
        """Where it listens."""

    @property
    def pid(self) -> int:
        """Root of its tree of processes."""


def headers(target: Target, login: str | None = None) -> dict[str, str]:
    """What every request to the target bears."""
    chosen = next(iter(target.logins)) if login is None else login
    return {"Accept": ACCEPT, **target.logins[chosen]}


def connect(target: Target, login: str | None = None, *, timeout: float = 60.0) -> Connection:
    """A connection to it."""
    return Connection(target.port, headers(target, login), timeout=timeout)
