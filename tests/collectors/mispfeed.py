"""A MISP feed as a web server has it: a manifest and a file for each event, which a test changes."""

from __future__ import annotations

import json
import uuid
from typing import Any

from tests.collectors.server import Asked, Exchange, Server

_NAMES = uuid.UUID("2f0f6a52-6c0b-4b0c-9d57-5d7a0d6f3f11")


def uuid_of(name: str) -> str:
    """The uuid of what a test calls by that name."""
    return str(uuid.uuid5(_NAMES, name))


def attribute(value: str, at: int, **said: Any) -> dict[str, Any]:
    """A domain of an event, changed at that second."""
    return {"uuid": uuid_of(value), "type": "domain", "value": value, "to_ids": True, "timestamp": str(at), **said}


class MispFeed:
    """Answers for the files, conditionally as web servers do."""

    def __init__(self, server: Server) -> None:
        self.server = server
        #: manifest.json
        self.manifest: dict[str, Any] = {}
        #: name of a file -> what it holds
        self.files: dict[str, bytes] = {}
        self.url = f"{server.base}/feed"
        server.will(self._answer)

    def put(self, name: str, at: int | str, *attributes: dict[str, Any], tags: tuple[str, ...] = ()) -> str:
        """An event of that name, changed at that second; gives its uuid."""
        event = {
            "uuid": uuid_of(name), "info": name, "timestamp": at, "Attribute": list(attributes),
            "Tag": [{"name": tag} for tag in tags],
        }  # fmt: skip
        self.manifest[uuid_of(name)] = {"info": name, "timestamp": at}
        self.files[f"{uuid_of(name)}.json"] = json.dumps({"Event": event}).encode()
        return uuid_of(name)

    def leave(self, name: str) -> None:
        """The event is there no more."""
        del self.manifest[uuid_of(name)], self.files[f"{uuid_of(name)}.json"]

    def asked(self) -> list[str]:
        """The files that were asked for since the last time."""
        asked = [one.path.rpartition("/")[2] for one in self.server.asked]
        self.server.asked.clear()
        return asked

    def _answer(self, asked: Asked, exchange: Exchange) -> None:
        content = self.files.get(asked.path.removeprefix("/feed/"))
        if asked.path == "/feed/manifest.json":
            content = self.files.get("manifest.json") or json.dumps(self.manifest).encode()
            if asked.headers.get("if-none-match") == self.etag(content):
                exchange.answer(304, ETag=self.etag(content))
                return
        if content is None:
            exchange.answer(404)
        else:
            exchange.answer(200, content, ETag=self.etag(content))

    @staticmethod
    def etag(content: bytes) -> str:
        """What stands for these bytes."""
        return f'"{uuid.uuid5(_NAMES, content.decode())}"'
