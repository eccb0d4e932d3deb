"""Files of a public GitHub repository that match a pattern; only those whose content changed are fetched.

The branch is asked for its commit, with If-None-Match; a new commit's tree is listed, and each file is fetched as it
stands in that commit and compared with the id that the tree gives it. When a file was last changed is one question of
the API; of many files, where there is no key, it is read out of the repository's history. The cursor::

    {"source": repository, branch and patterns as configured,   others start anew
     "blobs": {path: id of the content that was read},
     "commit": the last one that was read whole,                absent where files are left for the next page
     "etag": of the answer that named it,
     "again": [path]}                         see :mod:`collectors.again`
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from collectors.again import due, waiting
from collectors.answers import whole
from collectors.document import Body, Collected, Document
from collectors.errors import GiveUp, TooLarge, TryLater, Unreadable
from collectors.fetch import Answer, Request, get
from collectors.keys import key_of
from collectors.means import Means
from collectors.paths import path_date, path_pattern
from collectors.several import DAMAGED, Several
from collectors.unpacking import unpacked
from collectors.versions import version_of
from config.feeds import Feed
from config.instant import HOUR, SECOND, Millis, parse_millis
from config.transports import GithubTransport

_LARGEST_TREE = 64 * 1024 * 1024
_LARGEST_WORD = 64 * 1024
_CHUNK = 256 * 1024
_LARGEST_HISTORY = 32 * 1024 * 1024
#: Files of a log that one page has.
_PAGE = 100
#: Files whose dates are asked of the API, which allows sixty questions in an hour to those who have no key.
_FEW = 5
_SHA = re.compile(r"[0-9a-f]{40}")
_FILE_MODES = frozenset(("100644", "100755"))
_JSON = {"Accept": "application/vnd.github+json"}
#: GitHub counts by the hour.
_LONGEST_REST: Millis = HOUR


class _Blob(NamedTuple):
    sha: str
    size: int


def collect(feed: Feed, transport: GithubTransport, cursor: Mapping[str, Any], means: Means) -> Collected:
    """Fetch what changed since ``cursor``; of a full list all files as soon as one changed or went away.

    Raises :class:`CollectError`.
    """
    source = " ".join((f"{transport.repository}@{transport.ref}", *transport.files))
    if cursor.get("source") != source:
        cursor = {"source": source}
    hub = _Hub(feed, transport, key_of(feed, means.environment), means)
    commit, etag = hub.commit(cursor)
    again = due(cursor) if "commit" in cursor else []  # once a run, and not with each of its pages
    if commit == cursor.get("commit") and not again:
        return Collected(cursor={**cursor, "etag": etag}, unchanged=True)
    blobs = hub.tree(commit)
    known = {path: sha for path, sha in cursor.get("blobs", {}).items() if path not in again}
    wanted, left = _parted(feed, transport, blobs, known)
    apart = feed.kind == "log"
    with Several(DAMAGED if apart else ()) as several:
        for path in wanted:
            several.take(path, partial(hub.document, commit, path, blobs[path]))
        documents = hub.dated(list(several.documents.values()), commit)
    read = {path: blob.sha for path, blob in blobs.items() if path not in left}
    position = {"source": source, "blobs": {path: known[path] for path in left & known.keys()} | read}
    position |= waiting(cursor, blobs, wanted)
    return Collected(
        documents=tuple(documents),
        cursor=position if left else {**position, "commit": commit, "etag": etag},
        unchanged=not wanted,
        more=bool(left),
        apart=apart,
        noted=len(read),
        missing=several.missing,
    )


def _parted(
    feed: Feed, transport: GithubTransport, blobs: Mapping[str, _Blob], known: Mapping[str, str]
) -> tuple[list[str], frozenset[str]]:
    """The files to fetch next, in order of their paths, and those after them; of a full list all at once, as soon as
    one changed or is gone."""
    changed = [path for path in sorted(blobs) if known.get(path) != blobs[path].sha]
    if feed.kind == "list":
        return sorted(blobs) if changed or known.keys() - blobs.keys() else [], frozenset()
    return changed[:_PAGE], frozenset(changed[_PAGE:])


def listing(feed: Feed, transport: GithubTransport, means: Means) -> dict[str, int]:
    """The files that match as they stand now, and their sizes in bytes. Raises :class:`CollectError`."""
    hub = _Hub(feed, transport, key_of(feed, means.environment), means)
    commit, _ = hub.commit({})
    return {path: blob.size for path, blob in hub.tree(commit).items()}


class _Hub:
    """What one run asks GitHub for."""

    def __init__(self, feed: Feed, transport: GithubTransport, key: str | None, means: Means) -> None:
        self._feed = feed
        self._transport = transport
        self._means = means
        self._shown = f"{feed.id} at github:{transport.repository}"
        self._repository = f"{transport.api.rstrip('/')}/repos/{transport.repository}"
        self._headers = {"User-Agent": means.user_agent}
        self._bare = key is None
        if key is not None:
            self._headers["Authorization"] = f"Bearer {key}"

    def commit(self, cursor: Mapping[str, Any]) -> tuple[str, str]:
        """The commit that the branch is at, and the ETag of the answer; the cursor's own when nothing changed."""
        url = f"{self._repository}/commits/{quote(self._transport.ref)}"
        headers = {"Accept": "application/vnd.github.sha"}
        if cursor.get("etag") and cursor.get("commit"):
            headers["If-None-Match"] = cursor["etag"]
        answer = self._ask(url, _LARGEST_WORD, headers)
        if answer.status == 304:
            return cursor["commit"], cursor["etag"]
        said = answer.body.read().decode("ascii", "replace").strip()
        if _SHA.fullmatch(said) is None:
            raise Unreadable(f"{self._shown}: expected the id of a commit, got something else")
        return said, version_of(answer.headers).get("etag", "")

    def tree(self, commit: str) -> dict[str, _Blob]:
        """The files that match, by path. Raises :class:`CollectError` where there are none or too many."""
        answer = self._ask(f"{self._repository}/git/trees/{commit}?recursive=1", _LARGEST_TREE, _JSON)
        listing = whole(answer.body, self._shown)
        if not isinstance(listing, dict) or not isinstance(listing.get("tree"), list):
            raise Unreadable(f"{self._shown}: expected the tree of a commit, got something else")
        if listing.get("truncated"):
            raise GiveUp(f"{self._shown}: the repository has more files than GitHub lists at once")
        patterns = [path_pattern(glob) for glob in self._transport.files]
        found = {
            item["path"]: _Blob(item["sha"], item.get("size") or 0)
            for item in listing["tree"]
            if _is_file(item) and any(pattern.fullmatch(item["path"]) for pattern in patterns)
        }
        if not found:
            raise TryLater(f"{self._shown}: no file matches {', '.join(self._transport.files)}")
        if len(found) > self._transport.max_files:
            raise GiveUp(f"{self._shown}: expected at most {self._transport.max_files} files, got {len(found)}")
        return found

    def document(self, commit: str, path: str, blob: _Blob) -> Document:
        """A file as it stands in the commit. Raises :class:`CollectError`."""
        largest = self._transport.max_bytes
        if blob.size > largest:
            raise TooLarge(f"{self._shown}: {path}: expected at most {largest} bytes, got {blob.size}")
        raw = f"{self._transport.raw.rstrip('/')}/{self._transport.repository}/{commit}/{quote(path)}"
        answer = self._ask(raw, largest, {"Accept": "*/*"})
        if _blob_id(answer.body) != blob.sha:
            answer.body.close()
            raise TryLater(f"{self._shown}: {path}: expected the content that the commit names, got another")
        body, name = unpacked(answer.body, path, largest)
        return Document(content=body, name=name, fetched=self._means.now(), place=path)

    def dated(self, documents: Sequence[Document], commit: str) -> list[Document]:
        """The files with the time of their last change, as far as the feed's file says where to look for that. Raises
        :class:`CollectError`."""
        places = [document.place for document in documents]
        changed: Mapping[str, Millis | None] = {}
        if self._transport.dates == "path":
            changed = {place: path_date(place) for place in places}
        elif self._transport.dates == "commit":
            by_history = self._bare and len(places) > _FEW
            changed = self._by_history(commit, places) if by_history else self._one_by_one(commit, places)
        dated = ((document, changed.get(document.place)) for document in documents)
        return [replace(one, modified=min(one.fetched, at)) if at else one for one, at in dated]

    def _one_by_one(self, commit: str, paths: Sequence[str]) -> dict[str, Millis]:
        return {path: self._committed(commit, path) for path in paths}

    def _by_history(self, commit: str, paths: Sequence[str]) -> dict[str, Millis]:
        """As :meth:`_one_by_one`, at once, and no question of the API."""
        # Here, because few need it, and it takes a while to load.
        from collectors import githistory

        url = f"{self._transport.git.rstrip('/')}/{self._transport.repository}.git/git-upload-pack"
        # GitHub lets nobody else have a pack than who begins so.
        headers = {**githistory.HEADERS, "User-Agent": f"git/2.0 {self._means.user_agent}"}
        try:
            answer = self._ask(url, _LARGEST_HISTORY, headers, posted=githistory.question(commit))
            content = answer.body.read()
            answer.body.close()
            return githistory.last_changed(content, commit, paths, _LARGEST_HISTORY)
        except TooLarge:
            raise GiveUp(
                f"{self._shown}: its history comes to more than {_LARGEST_HISTORY} bytes; "
                "with a key GitHub is asked for the date of each file"
            ) from None
        except ValueError as error:
            raise Unreadable(f"{self._shown}: its history: {error}") from None

    def _committed(self, commit: str, path: str) -> Millis:
        """When the file was last changed, by the commits that changed it."""
        query = urlencode({"sha": commit, "path": path, "per_page": 1})
        commits = whole(self._ask(f"{self._repository}/commits?{query}", _LARGEST_TREE, _JSON).body, self._shown)
        try:
            return parse_millis(commits[0]["commit"]["committer"]["date"])
        except (LookupError, TypeError, ValueError, AttributeError):
            raise Unreadable(f"{self._shown}: {path}: expected the commit that last changed it, got none") from None

    def _ask(self, url: str, max_bytes: int, headers: Mapping[str, str], posted: bytes = b"") -> Answer:
        request = Request(
            url=url,
            shown=self._shown,
            headers={**self._headers, **headers},
            max_bytes=max_bytes,
            timeout=self._transport.timeout,
            retries=self._transport.retries,
            also=frozenset((403, 429)),
            posted=posted,
        )
        answer = get(request, self._means)
        if answer.status in request.also:
            raise self._refused(answer)
        return answer

    def _refused(self, answer: Answer) -> TryLater | GiveUp:
        """GitHub answers 403 or 429 when too much was asked for within the hour, and says until when."""
        said = answer.headers
        if answer.status == 429 or said.get("x-ratelimit-remaining") == "0" or "retry-after" in said:
            return TryLater(f"{self._shown}: asked too often for this hour", self._rest(said))
        return GiveUp(f"{self._shown}: answered {answer.status}, so the key or the rights are wrong")

    def _rest(self, said: Mapping[str, str]) -> Millis | None:
        wait, reset = said.get("retry-after", ""), said.get("x-ratelimit-reset", "")
        if wait.isascii() and wait.isdigit():
            return min(int(wait[:9]) * SECOND, _LONGEST_REST)
        if reset.isascii() and reset.isdigit():
            return max(0, min(int(reset[:12]) * SECOND - self._means.now(), _LONGEST_REST))
        return None


def _is_file(item: Any) -> bool:
    return (
        isinstance(item, dict)
        and item.get("mode") in _FILE_MODES  # no symbolic link, no submodule
        and isinstance(item.get("path"), str)
        and item["path"].isprintable()  # it stands in messages, and a terminal would obey what is not
        and isinstance(item.get("sha"), str)
        and isinstance(item.get("size") or 0, int)
    )


def _blob_id(body: Body) -> str:
    """The id that git gives to the content."""
    digest = hashlib.sha1(f"blob {body.size}\0".encode(), usedforsecurity=False)
    with body.open() as stream:
        while data := stream.read(_CHUNK):
            digest.update(data)
    return digest.hexdigest()
