"""A hub with feeds of STIX objects that are passed on, for tests."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from config.feeds import Feed
from config.instant import HOUR, stix_time
from config.settings import Settings
from normalizers.markings import marking_id
from normalizers.passing import references_of
from taxii_server.ingest import Ingest
from taxii_server.stores.base import FeedState, Selection, Store, Versions
from tests.hubs import MEMBERS, PUBLIC, Hub, SteppingClock, settings

NOW = 1_790_000_000_000
TYPES = ["identity", "malware", "threat-actor", "relationship", "note", "grouping"]
Objects = Iterable[dict[str, Any]]


def id_of(kind: str, name: str) -> str:
    """The id of the object of that name."""
    return f"{kind}--{uuid.uuid5(uuid.NAMESPACE_URL, f'{kind} {name}')}"


def stated(kind: str, name: str, /, at: int = 0, marking: str | None = "clear", **said: Any) -> dict[str, Any]:
    """A version of an object, of that many hours after 2026-09-21."""
    created, modified = stix_time(NOW - 100 * HOUR), stix_time(NOW - 90 * HOUR + at * HOUR)
    obj: dict[str, Any] = {
        "type": kind,
        "spec_version": "2.1",
        "id": id_of(kind, name),
        "created": created,
        "modified": modified,
    }
    if marking is not None:
        obj["object_marking_refs"] = [marking_id(marking)]  # type: ignore[arg-type]
    return obj | said


def identity(name: str = "maker", **said: Any) -> dict[str, Any]:
    """Who made others."""
    return stated("identity", name, **{"name": name, "identity_class": "organization", **said})


def malware(name: str = "lumma", **said: Any) -> dict[str, Any]:
    """A family that the maker names."""
    maker = {"created_by_ref": id_of("identity", "maker")}
    return stated("malware", name, **{"name": name, "is_family": True, **maker, **said})


def actor(name: str = "group", **said: Any) -> dict[str, Any]:
    """A threat actor that nobody claims to have made."""
    return stated("threat-actor", name, **{"name": name, "threat_actor_types": ["crime-syndicate"], **said})


def uses(name: str = "uses", **said: Any) -> dict[str, Any]:
    """That the actor uses the malware."""
    ends = {"source_ref": id_of("threat-actor", "group"), "target_ref": id_of("malware", "lumma")}
    return stated("relationship", name, **{"relationship_type": "uses", **ends, **said})


def note(name: str = "note", *, about: str | None = None, **said: Any) -> dict[str, Any]:
    """A note, by default about the relationship."""
    of = [about or id_of("relationship", "uses")]
    return stated("note", name, **{"content": name, "object_refs": of, **said})


ALL = (identity(), malware(), actor(), uses(), note())


class World:
    """A hub whose feeds are folders of bundles."""

    def __init__(self, folder: Path, store: Store, *feeds: Feed, changes: dict[str, Any] | None = None) -> None:
        self.folder = folder
        self.store = store
        self.feeds = {feed.id: feed for feed in feeds or (feed_of(),)}
        self.clock = SteppingClock(NOW * 1_000)
        self._changes = changes or {}
        self.hub = Hub(store, self.clock, self.settings())
        self.shipped = {obj["id"] for name in (PUBLIC, MEMBERS) for obj in self.hub.objects(name)}
        self._writes = 0

    def settings(self) -> Settings:
        """With the feeds as they are now."""
        feeds = [feed.model_dump() for feed in self.feeds.values()]
        return settings(feeds=feeds, **self._changes).model_copy(update={"data": self.folder})

    def ingest(self, feed: str = "stix", *, confirmed: bool = False) -> FeedState:
        """Collect a feed."""
        ingest = Ingest(self.settings(), self.store, self.clock, owner="me", environment={})
        return ingest.run(self.feeds[feed], confirmed=confirmed)

    def write(self, objects: Objects, name: str = "1.json", feed: str = "stix") -> None:
        """Put a bundle where the feed is read from."""
        path = self.folder / feed / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(orjson.dumps({"type": "bundle", "id": id_of("bundle", name), "objects": list(objects)}))
        self._writes += 1
        os.utime(path, ns=(self.clock.now * 1_000 + self._writes,) * 2)

    def run(self, feed: str = "stix", *, confirmed: bool = False) -> FeedState:
        """Collect a feed and publish."""
        state = self.ingest(feed, confirmed=confirmed)
        self.hub.publish()
        return state

    def say(self, objects: Objects, name: str = "1.json", feed: str = "stix") -> FeedState:
        """A bundle collected and published."""
        self.clock.now += 1_000_000
        self.write(objects, name, feed)
        return self.run(feed, confirmed=True)

    def wait(self, millis: int) -> None:
        """Let time pass, and what is due then be published."""
        self.clock.now += millis * 1_000
        self.hub.publish()

    def ids(self, collection: str) -> list[str]:
        """Of what a collection holds, in order, but for what every collection ships."""
        return [obj["id"] for obj in self.hub.objects(collection) if obj["id"] not in self.shipped]

    def resolve(self, collection: str) -> None:
        """Every reference of every version in the collection is to an object there."""
        ids = {obj["id"] for obj in self.hub.objects(collection)}
        entries = self.store.page(collection, Selection(limit=10_000, versions=Versions(all=True))).entries
        for entry in entries:
            obj = orjson.loads(entry.body)
            known = {reference for reference in references_of(obj) if not reference.startswith("extension-definition")}
            assert ids >= known, obj


def feed_of(name: str = "stix", **changes: Any) -> Feed:
    """A log of STIX objects that passes on."""
    return Feed.model_validate(
        {
            "id": name,
            "title": name,
            "carries": "Objects",
            "publisher": {"name": "Publisher", "country": "JP", "homepage": "https://publisher.example/"},
            "transport": {"kind": "file", "path": name, "pattern": "*.json"},
            "format": {"kind": "stix", "pass_on": TYPES},
            "marking": "TLP:CLEAR",
            "share": "public",
            "reliability": 100,
            "kind": "log",
            "every": "1h",
            "expect": {"min_rows": 0, "refused": 1, "shrink": 1},
            **changes,
        }
    )
