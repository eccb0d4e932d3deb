"""A hub for tests: settings with two API roots, a store in memory, a clock that tests move, and HTTP over a socket."""

from __future__ import annotations

import base64
import hashlib
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import requests
from werkzeug.serving import make_server

from config.instant import Micros, parse_micros, stix_time
from config.settings import Settings
from normalizers.checking import key_of
from taxii_server.app import create_app
from taxii_server.credentials import hash_password, make_token
from taxii_server.stores.base import Publication, Store, User
from taxii_server.stores.memory import MemoryStore

TAXII = "application/taxii+json;version=2.1"
START = "2026-03-01T00:00:00.000000Z"
CLEAR = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"
GREEN = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
AMBER = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"
STRICT = "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"
RED = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"

OPEN = "7d1d7f3a-0f70-4a51-8d0e-3f3c5b6f9a01"
INBOX = "7d1d7f3a-0f70-4a51-8d0e-3f3c5b6f9a02"
MERGED = "9f4b2f60-7c7d-4c55-9a51-1f2d3c4b5a01"
SHARED = "9f4b2f60-7c7d-4c55-9a51-1f2d3c4b5a02"
FINANCE = "9f4b2f60-7c7d-4c55-9a51-1f2d3c4b5a03"
MEMBERS_INBOX = "9f4b2f60-7c7d-4c55-9a51-1f2d3c4b5a04"
UNKNOWN = "00000000-0000-4000-8000-000000000000"

#: collection id -> (path of its root, alias)
PLACES = {
    OPEN: ("public", "all"),
    INBOX: ("public", "submissions"),
    MERGED: ("members", "all"),
    SHARED: ("members", "shared"),
    FINANCE: ("members", "finance"),
    MEMBERS_INBOX: ("members", "submissions"),
}

HUB: dict[str, Any] = {
    "hub": {
        "name": "hub.example",
        "title": "Test hub",
        "namespace": "5d0f2f8e-3a43-4a0e-8d7a-6f1a0c1b2d3e",
        "description": "A hub for tests",
        "contact": "hub@hub.example",
    },
    "store": "memory:",
    "default_root": "public",
    "groups": {
        "members": {"title": "Members", "clearance": "green"},
        "publishers": {"title": "Publishers", "clearance": "green", "trusted": True},
        "bankers": {"title": "Finance", "clearance": "amber:finance"},
        "operators": {"title": "Operators", "clearance": "green", "operator": True},
    },
    "api_roots": [
        {
            "path": "public",
            "title": "Public",
            "description": "For everybody",
            "default_page": 20,
            "max_page": 50,
            "max_content_length": 1_000_000,
            "collections": [
                {
                    "id": OPEN,
                    "title": "Public",
                    "alias": "all",
                    "description": "What everybody may have",
                    "kind": "merged",
                    "view": {"audience": "clear"},
                    "read": ["anyone"],
                },
                {
                    "id": INBOX,
                    "title": "Public - submissions",
                    "alias": "submissions",
                    "kind": "submissions",
                    "write": ["publishers", "members"],
                },
            ],
        },
        {
            "path": "members",
            "title": "Members",
            "group": "finance",
            "max_content_length": 2_000_000,
            "collections": [
                {
                    "id": MERGED,
                    "title": "Members",
                    "alias": "all",
                    "kind": "merged",
                    "view": {"audience": "green"},
                    "read": ["members", "publishers", "bankers"],
                },
                {
                    "id": SHARED,
                    "title": "Members - shared",
                    "alias": "shared",
                    "kind": "shared",
                    "audience": "green",
                    "read": ["members", "publishers", "bankers"],
                    "write": ["members", "publishers"],
                },
                {
                    "id": FINANCE,
                    "title": "Finance - shared",
                    "alias": "finance",
                    "kind": "shared",
                    "audience": "amber:finance",
                    "read": ["bankers"],
                    "write": ["bankers"],
                },
                {
                    "id": MEMBERS_INBOX,
                    "title": "Members - submissions",
                    "alias": "submissions",
                    "kind": "submissions",
                    "write": ["publishers"],
                },
            ],
        },
    ],
}

#: user -> (organisation, groups)
PEOPLE = {
    "mika": ("Mochi KK", ("members",)),
    "minoru": ("Mochi KK", ("members",)),
    "nao": ("Nori KK", ("members",)),
    "pub": ("Press KK", ("publishers",)),
    "ben": ("Bank KK", ("bankers",)),
    "ops": ("Hub", ("operators",)),
    "idle": ("Idle KK", ()),
}
PASSWORD = "correct horse battery"  # pragma: allowlist secret
_HASH = hash_password(PASSWORD)


class MovableClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: str = START) -> None:
        self.now: Micros = parse_micros(now)

    def __call__(self) -> Micros:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += int(seconds * 1_000_000)


class TestHub:
    """A hub that listens on a loopback port."""

    __test__ = False

    def __init__(self, store: Store, clock: MovableClock, settings: Settings) -> None:
        self.store = store
        self.clock = clock
        self.settings = settings
        self.url = ""
        self.tokens: dict[str, str] = {}
        self.app = create_app(settings, store, clock=clock)
        self.session = requests.Session()
        for name, (organisation, groups) in PEOPLE.items():
            store.save_user(User(name=name, organisation=organisation, groups=groups, password=_HASH))
            self.tokens[name], token = make_token(name, now=clock() // 1_000)
            store.save_token(token)

    def request(self, method: str, path: str, who: str = "", **given: Any) -> requests.Response:
        """A request as that user, by token; ``headers`` replace the usual ones."""
        headers = {"Accept": TAXII, **given.pop("headers", {})}
        if who:
            headers["Authorization"] = f"Bearer {self.tokens[who]}"
        return self.session.request(
            method, self.url + path, headers=headers, timeout=30, allow_redirects=False, **given
        )

    def get(self, path: str, who: str = "", **given: Any) -> requests.Response:
        return self.request("GET", path, who, **given)

    def post(self, path: str, body: Any, who: str = "", **given: Any) -> requests.Response:
        """POST an envelope of ``body`` if that is a list of objects, else ``body`` as it is."""
        data = orjson.dumps({"objects": body}) if isinstance(body, list) else body
        headers = {"Content-Type": TAXII, **given.pop("headers", {})}
        return self.request("POST", path, who, data=data, headers=headers, **given)

    def delete(self, path: str, who: str = "", **given: Any) -> requests.Response:
        return self.request("DELETE", path, who, **given)

    def publish(self, collection: str, *objects: dict[str, Any]) -> None:
        """Put objects into a collection's log as the hub itself does."""
        scope = f"{'collection' if collection in (SHARED, FINANCE) else 'test'}:{collection}"
        for obj in objects:
            key = key_of(obj["id"])
            state = self.store.objects(scope, [key]).get(key)
            version = obj.get("modified") or obj.get("created") or START
            body = orjson.dumps(obj)
            outcome = self.store.publish(
                [
                    Publication(
                        scope=scope,
                        type=key[0],
                        uuid=key[1],
                        version=version,
                        created=obj.get("created", version),
                        body=body,
                        digest=hashlib.blake2b(body, digest_size=16).digest(),
                        collections=(collection,),
                        expected=state.version if state else None,
                    )
                ],
                self.clock(),
            )
            assert outcome == ["published"]

    @contextmanager
    def listening(self) -> Iterator[TestHub]:
        server = make_server("127.0.0.1", 0, self.app, threaded=True)
        self.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.session.close()
            server.shutdown()
            thread.join()
            server.server_close()


def basic(user: str, password: str) -> dict[str, str]:
    """The header of HTTP Basic."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def path_of(collection: str, rest: str = "") -> str:
    """The path of a collection's resource, such as ``objects/``."""
    return f"/{PLACES[collection][0]}/collections/{collection}/{rest}"


def stix_id(kind: str, number: int) -> str:
    """An id that is the same every time."""
    return f"{kind}--{uuid.UUID(int=number, version=4)}"


def indicator(number: int, *, marking: str | None = CLEAR, day: int = 1, **more: Any) -> dict[str, Any]:
    """A small valid indicator; ``day`` is the day in February 2026 on which this version was made."""
    obj: dict[str, Any] = {
        "type": "indicator",
        "spec_version": "2.1",
        "id": stix_id("indicator", number),
        "created": "2026-02-01T00:00:00.000Z",
        "modified": stix_time(parse_micros(f"2026-02-{day:02d}T00:00:00Z") // 1_000),
        "name": f"Indicator {number}",
        "pattern": f"[ipv4-addr:value = '192.0.2.{number % 256}']",
        "pattern_type": "stix",
        "valid_from": "2026-02-01T00:00:00.000Z",
    }
    if marking:
        obj["object_marking_refs"] = [marking]
    return {**obj, **more}


def malware(number: int, **more: Any) -> dict[str, Any]:
    """A small valid malware object."""
    return {
        "type": "malware",
        "spec_version": "2.1",
        "id": stix_id("malware", number),
        "created": "2026-02-01T00:00:00.000Z",
        "modified": "2026-02-01T00:00:00.000Z",
        "name": f"Malware {number}",
        "is_family": False,
        "object_marking_refs": [CLEAR],
        **more,
    }


def address(number: int, **more: Any) -> dict[str, Any]:
    """An observable: it has neither created nor modified."""
    return {
        "type": "ipv4-addr",
        "id": stix_id("ipv4-addr", number),
        "value": f"198.51.100.{number}",
        "object_marking_refs": [CLEAR],
        **more,
    }


def ids(answer: requests.Response) -> list[str]:
    """The ids in an envelope or a manifest."""
    return [item["id"] for item in answer.json().get("objects", [])]


def numbers(answer: requests.Response) -> list[int]:
    """What the ids in an envelope or a manifest were made of."""
    return [uuid.UUID(item.rpartition("--")[2]).int & 0xFFFF for item in ids(answer)]


def new_hub(changes: dict[str, Any] | None = None) -> TestHub:
    """A hub that does not listen yet, on a store of its own."""
    return TestHub(MemoryStore(), MovableClock(), Settings.model_validate({**HUB, **(changes or {})}))
