"""One hub that meets every snapshot in turn: collected, stored, merged and published as a live hub does it.

The hub is a real one on SQLite, with its clock at the day of each snapshot. Two things differ from a live hub: what a
feed's terms keep from subscribers is published all the same, or half of the feeds would never be merged and checked;
and since many snapshots are excerpts, or editions of one list years apart, neither few rows nor a shrunken list hold
one.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from collectors.document import Body, Document
from config.feeds import Feed
from config.instant import Micros
from config.loading import load, shipped
from config.transports import FileTransport
from normalizers.claims import observable_key, scores
from normalizers.reading import read
from normalizers.records import Record, Refusal, UnreadableDocument
from taxii_server.ingest import Ingest
from taxii_server.publishing import Publisher
from taxii_server.stores import open_store
from taxii_server.stores.base import Entry, FeedState, Selection
from taxii_server.views import Outlook
from tests import hubs
from tests.snapshots.folder import FEEDS, Snapshot

_MERGED = frozenset({"indicator", "vulnerability", "report"})
_FOLDER = "snapshots"


@dataclass(kw_only=True)
class Became:
    """What became of one snapshot."""

    snapshot: Snapshot
    #: of the run: ok, held, failed; and what was said of it
    status: str = ""
    message: str = ""
    rows: int = 0
    claims: int = 0
    held: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    #: claims about an observable that an earlier row of the same file is about
    within: int = 0
    #: observables that the same feed knew from an earlier file
    again: int = 0
    #: observables that other feeds alone had said before
    across: int = 0
    #: observables that nobody had said before
    new: int = 0
    #: of the observables of this file, those whose claims were over on its day, or only score it: known, and not
    #: published
    over: int = 0
    #: known-good list -> those that it holds; and how many of them all are kept back for it
    listed: Counter[str] = field(default_factory=Counter)
    suppressed: int = 0
    #: those about which nothing is published for another reason
    silent: int = 0
    #: objects published for the first time, by STIX type
    objects: Counter[str] = field(default_factory=Counter)
    #: new versions of objects that were there
    versions: int = 0
    #: the latest bytes of what this file published
    bodies: list[bytes] = field(default_factory=list)

    @property
    def more(self) -> int:
        """Claims beyond one a row."""
        return self.claims + sum(self.refused.values()) + self.held - self.rows

    @property
    def distinct(self) -> int:
        """Observables that the file is about."""
        return self.claims - self.within


class Hub:
    """Takes in one snapshot after another."""

    def __init__(self, data: Path, **changes: Any) -> None:
        """With the known-good lists that ship; ``changes``: of its settings."""
        self._data = data
        (data / _FOLDER).mkdir(parents=True)
        lists = [item.model_dump() for item in load(shipped("hub.yaml")).known_good]
        settings = hubs.settings(data=str(data), store=f"sqlite:{data / 'hub.db'}", **{"known_good": lists, **changes})
        self._hub = settings.hub.name
        self._clock = hubs.SteppingClock(0)
        self._store = open_store(settings.store, settings.data)
        self._publisher = Publisher(settings, self._store, self._clock, owner="report")
        self._plan = next(plan for plan in self._publisher.plans if hubs.MEMBERS in plan.names)
        self._ingest = Ingest(settings, self._store, self._clock, owner="report", environment={})
        self.lists = settings.known_good
        #: what they do
        self.known_good = self._publisher.sight.known_good
        #: the view that the members' collection is made of
        self.view = self._plan.view.name
        self._after = 0
        self._ids: set[tuple[str, bytes]] = set()

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    def take(self, snapshot: Snapshot) -> Became:
        """Collect one snapshot, publish what it says, and tell what came of it."""
        assert snapshot.feed is not None
        feed = self._feed(snapshot.feed, snapshot)
        self._clock.now = max(self._clock.now, snapshot.date * 1_000)
        became = Became(snapshot=snapshot)
        keys = self._said(feed, snapshot, became)
        before = self._known(keys)
        origins = {key: {claim.origin for claim in claims} for key, claims in self._store.claims(keys).items()}
        state = self._ingest.run(feed, confirmed=True)
        self._publisher.publish_all()
        self._count(became, feed, state, keys, origins)
        self._published(became)
        after = self._known(keys)
        for look in self._publisher.sight.look(self._plan, keys, self._store.claims(keys)):
            became.listed.update(look.word.known_good)
        self._silent(became, keys.keys() - after.keys())
        if became.objects.total() != len(after.keys() - before.keys()):
            raise RuntimeError(
                f"{snapshot.file}: expected an object for each observable that is published for the first time"
            )
        return became

    def _silent(self, became: Became, keys: set[bytes]) -> None:
        now = self._clock() // 1_000
        about = self._store.claims(keys)
        over = {key for key, claims in about.items() if all(claim.ends <= now or scores(claim) for claim in claims)}
        kept = {look.key for look in self._publisher.sight.look(self._plan, keys - over, about) if look.word.gate}
        became.over, became.suppressed = len(over), len(kept)
        became.silent = len(keys - over - kept)

    def _feed(self, feed: Feed, snapshot: Snapshot) -> Feed:
        path = self._data / _FOLDER / Path(snapshot.file).name
        path.write_bytes((FEEDS / snapshot.file).read_bytes())
        os.utime(path, ns=(snapshot.date * 1_000_000,) * 2)
        return feed.model_copy(
            update={
                "transport": FileTransport(kind="file", path=f"{_FOLDER}/{path.name}"),
                "expect": feed.expect.model_copy(update={"min_rows": 0, "max_rows": None}),
                "share": "public",
            }
        )

    def _said(self, feed: Feed, snapshot: Snapshot, became: Became) -> dict[bytes, None]:
        """The observables that the file is about, read beside the pipeline, in order."""
        content = Body.of((FEEDS / snapshot.file).read_bytes())
        name = Path(snapshot.file).name
        document = Document(content=content, name=name, fetched=snapshot.date, modified=snapshot.date)
        keys: dict[bytes, None] = {}
        try:
            for item in read(document, feed):
                if not isinstance(item, Refusal):
                    claim = item.claim if isinstance(item, Record) else item
                    key = observable_key(claim.type, claim.value)
                    became.within += key in keys
                    keys[key] = None
        except UnreadableDocument:
            return {}
        return keys

    def _known(self, keys: dict[bytes, None]) -> dict[bytes, Outlook]:
        """What is published about these observables."""
        looks = self._publisher.sight.look(self._plan, keys, self._store.claims(keys))
        return {look.key: look for look in looks if look.known.state is not None and look.known.state.places}

    def _count(
        self, became: Became, feed: Feed, state: FeedState, keys: dict[bytes, None], origins: dict[bytes, set[str]]
    ) -> None:
        became.status, became.message = state.status, state.message
        became.rows, became.claims = state.counts.get("rows", 0), state.counts.get("claims", 0)
        became.held, became.refused = state.counts.get("held", 0), dict(state.refused)
        own = feed.id if shipped(f"feeds/{feed.id}.yaml").is_file() else f"{feed.id}@{self._hub}"
        for key in keys:
            said = origins.get(key, set())
            if own in said:
                became.again += 1
            elif said:
                became.across += 1
            else:
                became.new += 1

    def _published(self, became: Became) -> None:
        for kind, uuid, body in self._entries():
            if kind not in _MERGED:
                continue
            became.bodies.append(body)
            if (kind, uuid) in self._ids:
                became.versions += 1
            else:
                self._ids.add((kind, uuid))
                became.objects[kind] += 1

    def _entries(self) -> Iterator[tuple[str, bytes, bytes]]:
        """What the members' collection was given since the last time."""
        for entry in self._log(hubs.MEMBERS, self._after):
            self._after = entry.date_added
            yield entry.type, entry.uuid, entry.body

    def _log(self, collection: str, after: Micros = 0) -> Iterator[Entry]:
        while True:
            page = self._store.page(collection, Selection(limit=1_000, after=after))
            yield from page.entries
            if not page.more:
                return
            after = page.entries[-1].date_added

    def collections(self) -> dict[str, str]:
        """The merged collections: the id of each by its title."""
        return {item.title: str(item.id) for plan in self._publisher.plans for item in plan.collections}

    def bodies(self, collection: str = hubs.MEMBERS) -> Iterator[bytes]:
        """The latest bytes of what is merged in a collection."""
        return (entry.body for entry in self._log(collection) if entry.type in _MERGED)

    def duplicates(self) -> int:
        """Those of every merged collection."""
        return sum(duplicates(self.bodies(collection)) for collection in self.collections().values())


def duplicates(bodies: Iterable[bytes]) -> int:
    """Objects of one type that say the same about the same, beyond the first: one observable, one indicator."""
    seen = Counter(map(_what, bodies))
    return sum(count - 1 for count in seen.values())


def _what(body: bytes) -> str:
    obj = orjson.loads(body)
    what = obj.get("pattern") or obj["name"]
    return f"{obj['type']} {what if obj['type'] != 'report' else obj['id']}"
