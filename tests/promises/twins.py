"""Twins: one hub lives through a history whole, the other without what the public may not see, under the same clock.

Everything runs as in production (the worker's loop, feeds that are read from files, the web application); what the
public can fetch of the two must be the same, byte for byte.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest

from config.audience import audience_of, sees, under_terms
from config.feeds import Feed
from config.instant import HOUR, Millis, stix_time, taxii_time
from config.settings import Settings
from normalizers import stix
from normalizers.claims import Claim
from normalizers.markings import marking_id
from taxii_server.access import Caller
from taxii_server.app import create_app
from taxii_server.posting import post
from taxii_server.stores.base import AuditRecord, ClaimRow, FeedState
from taxii_server.stores.memory import MemoryStore
from taxii_server.worker import Worker
from tests.hubs import MEMBERS, PUBLIC, PUBLIC_SUBMISSIONS, SHARED, SteppingClock, settings

NOW: Millis = 1_790_000_000_000
TAXII = "application/taxii+json;version=2.1"
MISSING = "00000000-0000-4000-8000-000000000000"


class Row(NamedTuple):
    """One indicator in a feed's document."""

    number: int
    #: clear, green, amber or red; "" bears none, and ``unknown`` one that nobody knows
    marking: str = "clear"
    #: hours before NOW
    age: int = 0
    #: good, revoked, or broken: a pattern that cannot be read
    state: str = "good"
    label: str = ""

    def object(self) -> dict[str, Any]:
        """As STIX 2.1."""
        modified = stix_time(NOW - self.age * HOUR)
        value = (
            f"'192.0.2.{self.number}'" if self.number < 256 else f"'198.51.{self.number // 256}.{self.number % 256}'"
        )
        obj: dict[str, Any] = {
            "type": "indicator",
            "spec_version": "2.1",
            "id": f"indicator--{uuid.uuid5(uuid.NAMESPACE_URL, f'{self.number} {self.marking}')}",
            "created": modified,
            "modified": modified,
            "valid_from": modified,
            "pattern": "nonsense" if self.state == "broken" else f"[ipv4-addr:value = {value}]",
            "pattern_type": "stix",
            "revoked": self.state == "revoked",
        }
        if self.label:
            obj["labels"] = [self.label]
        if self.marking == "unknown":
            obj["object_marking_refs"] = [f"marking-definition--{MISSING}"]
        elif self.marking:
            obj["object_marking_refs"] = [marking_id(self.marking)]  # type: ignore[arg-type]
        return obj


def feed_of(name: str = "feed-a", **changes: Any) -> Feed:
    """A feed of STIX documents, all the files of a folder of its name."""
    return Feed.model_validate(
        {
            "id": name,
            "title": name,
            "carries": "Addresses",
            "publisher": {"name": "Publisher", "country": "JP", "homepage": "https://publisher.example/"},
            "transport": {"kind": "file", "path": name, "pattern": "*.json"},
            "format": {"kind": "stix"},
            "marking": "TLP:CLEAR",
            "share": "public",
            "group": "finance",
            "reliability": 100,
            "kind": "list",
            "every": "1h",
            "life": {"ipv4": "7d"},
            **changes,
        }
    )


class _Store(MemoryStore):
    def secret(self, name: str) -> bytes:
        """The same for both twins, or every ``next`` would differ."""
        return hashlib.sha256(name.encode()).digest()


class Twin:
    """One of the two."""

    def __init__(self, folder: Path, feeds: Iterable[Feed], *, restricted: bool) -> None:
        """``restricted``: whether it is told what the public may not see."""
        self.folder = folder
        self.restricted = restricted
        self.clock = SteppingClock(NOW * 1_000)
        self.store = _Store()
        self.feeds: dict[str, Feed] = {}
        self.documents: dict[tuple[str, str], list[Row] | bytes] = {}
        self.collections: list[dict[str, Any]] = []
        self.lists: list[dict[str, Any]] = []
        self._writes = 0
        self.configure(*feeds)

    def configure(
        self,
        *feeds: Feed,
        collections: list[dict[str, Any]] | None = None,
        lists: list[dict[str, Any]] | None = None,
    ) -> None:
        """Start anew with these feeds changed, with these public collections besides, and with these known-good lists,
        those that the public may not see only if it is told such things."""
        self.feeds |= {feed.id: feed for feed in feeds}
        self.collections = self.collections if collections is None else collections
        self.lists = self.lists if lists is None else lists
        known_good = [item for item in self.lists if self.restricted or sees("clear", item["audience"])]
        raw = settings(
            groups=_GROUPS, known_good=known_good, feeds=[feed.model_dump() for feed in self.feeds.values()]
        ).model_dump()
        raw["api_roots"][0]["collections"] = [*raw["api_roots"][0]["collections"], *self.collections]
        self.settings = Settings.model_validate(raw).model_copy(update={"data": self.folder})
        self.worker = Worker(self.settings, self.store, self.clock, "me", {})
        for feed in self.feeds.values():
            (self.folder / feed.id).mkdir(parents=True, exist_ok=True)
        for (feed_id, name), rows in list(self.documents.items()):
            if feed_id in {feed.id for feed in feeds}:
                self.write(feed_id, rows, name)  # who may see which of its rows is another question now

    # -- what happens to it

    def write(self, feed_id: str, rows: list[Row] | bytes | None, name: str = "1.json") -> None:
        """Put a document where the feed is read from, or take it away."""
        path = self.folder / feed_id / name
        self.documents.pop((feed_id, name), None)
        if rows is None:
            path.unlink(missing_ok=True)
            return
        self.documents[feed_id, name] = rows
        if isinstance(rows, bytes):
            body = rows
        else:
            feed = self.feeds[feed_id]
            shown = [row for row in rows if self.restricted or is_public(row, feed)]
            body = orjson.dumps({"type": "bundle", "objects": [row.object() for row in shown]})
        if not path.exists() or path.read_bytes() != body:
            path.write_bytes(body)
            self._writes += 1  # no two at one instant, or one might pass for the other
            moment = self.clock.now * 1_000 + self._writes
            os.utime(path, ns=(moment, moment))

    def wait(self, hours: float) -> None:
        """Let time pass, and let the hub do all that is due then."""
        self.clock.now += int(hours * HOUR * 1_000)
        self.worker.tick()

    def collect(self, feed_id: str = "feed-a", *, confirmed: bool = False) -> FeedState:
        """Run a feed, due or not."""
        state = self.worker.ingest.run(self.feeds[feed_id], confirmed=confirmed)
        self.worker.tick()
        return state

    def put(self, claims: list[Claim]) -> None:
        """Hold claims that came another way; those that the public may not see only if it is told such things."""
        told = [claim for claim in claims if self.restricted or sees("clear", claim.audience)]
        self.store.put_claims([ClaimRow(claim.key, claim) for claim in told])

    def post(self, rows: list[Row], collection: str = PUBLIC_SUBMISSIONS) -> None:
        """Take in what publishers post, another for each marking: what one says again for fewer is theirs alone to
        take back. A shared collection is for members, so it is told of only if such things are."""
        (root, item), *_ = (
            (root, item) for root in self.settings.api_roots for item in root.collections if str(item.id) == collection
        )
        for marking in dict.fromkeys(row.marking for row in rows):
            self.clock.now += 1  # or their order would be that of their ids, which are random
            if self.restricted or (collection != SHARED and marking == "clear"):
                body = orjson.dumps({"objects": [row.object() for row in rows if row.marking == marking]})
                who = Caller("pia", f"{marking} KK", frozenset(["publishers"]))
                post(self.store, self.settings, root, item, who, body, self.clock())

    def remake(self) -> None:
        """Start with code that makes other bytes than before."""
        self.store.set_value("making", "another")
        self.configure()
        self.worker.tick()

    def reissue(self, words: str) -> None:
        """Publish all anew, said in other words."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(stix, "_likewise", lambda *_: orjson.dumps({"description": words}))
            self.worker.jobs.reissue(AuditRecord(self.clock() // 1_000, "me", "reissued", "", {}))

    # -- what can be seen of it

    def served(self) -> list[tuple[str, int, list[tuple[str, str]], bytes]]:
        """Status, headers and bytes of all that anybody may ask for without saying who asks."""
        client = create_app(self.settings, self.store, clock=self.clock).test_client()
        found = []

        def get(path: str, method: str = "GET") -> bytes:
            answer = client.open(path, method=method, headers={"Accept": TAXII})
            found.append((f"{method} {path}", answer.status_code, sorted(answer.headers.items()), answer.data))
            return answer.data

        for path in _PLACES:
            get(path)
        names = [PUBLIC, *(str(item["id"]) for item in self.collections)]
        for name in [*names, str(self.settings.api_roots[0].collections[1].id), MEMBERS, MISSING]:
            for path in _paths(f"/public/collections/{name}/"):
                body = get(path)
                while path and (following := orjson.loads(body).get("next")):
                    body = get(f"{path}&next={following}")
        for obj in orjson.loads(get(f"/public/collections/{PUBLIC}/objects/")).get("objects", ()):
            for rest in ("", "?match[version]=all", "versions/"):
                get(f"/public/collections/{PUBLIC}/objects/{obj['id']}/{rest}")
        for name in [*names, MEMBERS, MISSING]:
            for rest in ("json", "txt?limit=2", "rpz"):
                get(f"/export/{name}.{rest}")
        get(f"/public/collections/{PUBLIC}/objects/", "POST")
        get(f"/public/collections/{PUBLIC}/objects/indicator--{MISSING}/", "DELETE")
        return found

    def states(self) -> dict[str, bool]:
        """Of the public collection: by name, whether it still stands."""
        client = create_app(self.settings, self.store, clock=self.clock).test_client()
        body = client.get(f"/public/collections/{PUBLIC}/objects/?limit=10000", headers={"Accept": TAXII}).data
        objects = orjson.loads(body).get("objects", ())
        now = stix_time(self.clock.now // 1_000)
        return {obj["name"]: obj["valid_until"] > now for obj in objects if obj["type"] == "indicator"}


_PLACES = (
    "/",
    "/taxii2/",
    "/public/",
    "/members/",
    "/public/collections/",
    "/members/collections/",
    f"/members/collections/{MEMBERS}/objects/",
    f"/public/status/{MISSING}/",
    "/healthz",
    "/metrics",
    "/nothing/",
)
_GROUPS = {
    "members": {"title": "Members", "clearance": "green"},
    "publishers": {"title": "Publishers", "clearance": "green", "trusted": True},
    "bankers": {"title": "Bankers", "clearance": "amber:finance"},
}


def _paths(collection: str) -> Iterator[str]:
    yield collection
    for kind in ("objects", "manifest"):
        for query in (
            "limit=3",
            "limit=2&match[version]=all",
            "limit=50&match[version]=first",
            "limit=50&match[type]=indicator",
            f"limit=50&added_after={taxii_time(NOW * 1_000 + 50 * HOUR * 1_000)}",
            "limit=0",
        ):
            yield f"{collection}{kind}/?{query}"


def is_public(row: Row, feed: Feed) -> bool:
    """Whether the public may see a row of that feed; in doubt not."""
    if row.marking in ("red", "unknown"):
        return False
    own = under_terms(audience_of(row.marking, feed.group), feed.share) if row.marking else feed.audience
    return sees("clear", own)


def twins(folder: Path, feeds: Iterable[Feed], live: Callable[[Twin], None]) -> tuple[Twin, Twin]:
    """Live through it with and without what the public may not see."""
    found = [Twin(folder / name, feeds, restricted=name == "with") for name in ("with", "without")]
    for twin in found:
        live(twin)
    return found[0], found[1]
