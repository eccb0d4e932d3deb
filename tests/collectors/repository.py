"""A repository as GitHub's API and its raw files show it, on a real server."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path
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


class GitFolder:
    """A repository of git's own, without a working tree."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        git(folder, "init", "-q", "--bare")
        git(folder, "config", "uploadpack.allowFilter", "true")

    def take(self, stream: bytes) -> None:
        """Commits in the form of git-fast-import."""
        git(self.folder, "fast-import", "--quiet", "--force", given=stream)
        git(self.folder, "gc", "-q")

    @property
    def commit(self) -> str:
        """What the branch ``main`` is at."""
        return git(self.folder, "rev-parse", "refs/heads/main").decode().strip()

    def files(self) -> dict[str, bytes]:
        """Those of the branch, with what they hold."""
        names = git(self.folder, "ls-tree", "-rz", "--name-only", "refs/heads/main").decode().split("\0")[:-1]
        return {name: git(self.folder, "show", f"refs/heads/main:{name}") for name in names}

    def packed(self, question: bytes, protocol: str = "version=2") -> bytes:
        """What git answers by its own protocol."""
        return git(self.folder, "upload-pack", "--stateless-rpc", ".", given=question, GIT_PROTOCOL=protocol)

    def changed(self, path: str) -> int:
        """When git says that a file was last changed, in milliseconds."""
        return int(git(self.folder, "log", "-1", "--format=%ct", "refs/heads/main", "--", path)) * 1_000


class History(Repository):
    """A repository whose commits are git's, and its answers by git's own protocol."""

    def __init__(self, server: Server, git: GitFolder) -> None:
        self.git = git
        super().__init__(server)
        self.files = git.files()

    @property
    def commit(self) -> str:
        return self.git.commit

    def answer(self, asked: Asked, exchange: Exchange) -> None:
        """As GitHub: a pack is for those alone who say that they are git."""
        if asked.path == "/git/o/r.git/git-upload-pack" and asked.headers["user-agent"].startswith("git/"):
            exchange.answer(200, self.git.packed(asked.body, asked.headers["git-protocol"]))
        else:
            super().answer(asked, exchange)


def git(folder: Path, *arguments: str, given: bytes = b"", **environment: str) -> bytes:
    """What git prints."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    away = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    return subprocess.run(
        ["git", *arguments],
        cwd=folder,
        input=given,
        stdout=subprocess.PIPE,
        check=True,
        env={**clean, **away, **environment},
    ).stdout
