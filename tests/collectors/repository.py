"""A repository as GitHub's API and its raw files show it, on a real server."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.collectors.server import Asked, Exchange, Server


def blob_id(content: bytes) -> str:
    """The id that git gives to a file."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class Repository:
    """A repository as its API and its raw files show it."""

    def __init__(self, server: Server) -> None:
        self.files: dict[str, bytes] = {}
        self.committed: dict[str, str] = {}
        #: entries of the tree that are no files
        self.others: list[dict[str, Any]] = []
        self.truncated = False
        #: answered in place of a file's content
        self.forged: dict[str, bytes] = {}
        self.server = server
        server.will(self.answer)

    @property
    def commit(self) -> str:
        return hashlib.sha1(repr(sorted(self.files.items())).encode()).hexdigest()

    def answer(self, asked: Asked, exchange: Exchange) -> None:
        """What GitHub says to one request."""
        path = unquote(urlsplit(asked.path).path)
        etag = f'"{self.commit}"'
        if path.startswith("/api/repos/o/r/commits/"):
            if asked.headers.get("if-none-match") == etag:
                exchange.answer(304, ETag=etag)
            else:
                exchange.answer(200, self.commit.encode(), ETag=etag)
        elif path == "/api/repos/o/r/commits":
            date = self.committed[asked.query["path"]]
            exchange.answer(200, json.dumps([{"commit": {"committer": {"date": date}}}]).encode())
        elif path == f"/api/repos/o/r/git/trees/{self.commit}":
            exchange.answer(200, json.dumps({"tree": self.tree(), "truncated": self.truncated}).encode())
        elif path.removeprefix(f"/raw/o/r/{self.commit}/") in self.files:
            name = path.removeprefix(f"/raw/o/r/{self.commit}/")
            exchange.answer(200, self.forged.get(name, self.files[name]))
        else:
            exchange.answer(404)

    def tree(self) -> list[dict[str, Any]]:
        """Its files, as the git trees API lists them."""
        files = [
            {"path": path, "mode": "100644", "type": "blob", "sha": blob_id(content), "size": len(content)}
            for path, content in self.files.items()
        ]
        return [*files, *self.others]

    def fetched(self) -> list[str]:
        """The files that were asked for since the last call, in order."""
        raw = [unquote(asked.path).split("/", 5)[5] for asked in self.server.asked if asked.path.startswith("/raw/")]
        self.server.asked.clear()
        return raw
