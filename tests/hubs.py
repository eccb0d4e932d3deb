"""Small hubs for tests: settings, a clock that tests move, and what a subscriber would be given."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

import orjson

from config.instant import Micros
from config.settings import Settings
from normalizers.claims import Claim, next_step
from taxii_server.publishing import Publisher
from taxii_server.stores.base import ClaimRow, Selection, Store

PUBLIC = "eb8df4a3-323e-4a81-b4c5-93e278993f8c"
BLOCKING = "2b67167b-f1c0-4d5c-8cdd-d50614309a73"
MEMBERS = "b999e714-830f-4a8f-bd81-7bcb41bb8d23"
OWN = "a9111682-6161-4f2d-b523-4faa4769cad4"
SHARED = "758c5fb8-da4e-43b2-bae3-d6173b380dca"
PUBLIC_SUBMISSIONS = "346dfa21-ff85-49ff-ad59-9c08504b64c2"
SUBMISSIONS = "beee821b-fb53-4f9b-b11e-6615ada47fdf"
NAMESPACE = uuid.UUID("4ab14efb-cfa6-4360-a72b-4899971aca94")


class SteppingClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, now: Micros) -> None:
        self.now = now

    def __call__(self) -> Micros:
        return self.now


def settings(**changes: Any) -> Settings:
    """Two API roots, public and members, with every kind of collection."""
    raw: dict[str, Any] = {
        "hub": {"name": "hub.example", "title": "Test hub", "namespace": str(NAMESPACE)},
        "store": "memory:",
        "groups": {
            "members": {"title": "Members", "clearance": "green"},
            "publishers": {"title": "Publishers", "clearance": "green", "trusted": True},
            "operators": {"title": "Operators", "clearance": "green", "operator": True},
        },
        "api_roots": [
            {
                "path": "public",
                "title": "Public",
                "collections": [
                    _merged(PUBLIC, "Public", "clear", "combined", ["anyone"]),
                    {
                        **_merged(BLOCKING, "Blocking", "clear", "combined", ["anyone"]),
                        "narrow": {"types": ["indicator"], "confidence": 70, "active": True},
                    },
                    {
                        "id": PUBLIC_SUBMISSIONS,
                        "alias": "submissions",
                        "title": "Public submissions",
                        "kind": "submissions",
                        "write": ["publishers"],
                    },
                ],
            },
            {
                "path": "members",
                "title": "Members",
                "collections": [
                    _merged(MEMBERS, "Members", "green", "combined", ["members", "publishers"]),
                    _merged(OWN, "Members own", "green", "own", ["members", "publishers"]),
                    {
                        "id": SHARED,
                        "title": "Shared",
                        "kind": "shared",
                        "audience": "green",
                        "read": ["members", "publishers"],
                        "write": ["members", "publishers"],
                    },
                    {
                        "id": SUBMISSIONS,
                        "alias": "submissions",
                        "title": "Members submissions",
                        "kind": "submissions",
                        "write": ["publishers"],
                    },
                ],
            },
        ],
        **changes,
    }
    return Settings.model_validate(raw)


def _merged(id_: str, title: str, audience: str, scope: str, read: list[str]) -> dict[str, Any]:
    return {
        "id": id_,
        "title": title,
        "kind": "merged",
        "view": {"audience": audience, "scope": scope},
        "read": read,
    }


class Hub:
    """A store with a publisher over it, fed with claims directly."""

    def __init__(self, store: Store, clock: SteppingClock, hub_settings: Settings | None = None) -> None:
        self.store = store
        self.clock = clock
        self.settings = hub_settings or settings()
        self.publisher = Publisher(self.settings, store, clock, owner="test")
        self.publisher.prepare()

    def put(self, claims: Iterable[Claim], *, listed: bool = False) -> None:
        """Write claims as ingest does."""
        self.store.put_claims(
            [
                ClaimRow(claim.key, claim, next_step(claim.last_seen, claim.life, claim.key) if listed else None)
                for claim in claims
            ]
        )

    def publish(self, batch: int = 2_000) -> int:
        """Publish all that is dirty."""
        return self.publisher.publish_all(batch)

    def log(self, collection: str) -> list[tuple[Micros, bytes]]:
        """Dates and bytes of all that a subscriber of the collection is given, in order."""
        found, after = [], 0
        while True:
            page = self.store.page(collection, Selection(limit=7, after=after))
            found += [(entry.date_added, entry.body) for entry in page.entries]
            if not page.more:
                return found
            after = page.entries[-1].date_added

    def objects(self, collection: str, kind: str | None = None) -> list[dict[str, Any]]:
        """The objects of the collection, of one type if named."""
        found = [orjson.loads(body) for _, body in self.log(collection)]
        return [obj for obj in found if kind is None or obj["type"] == kind]
