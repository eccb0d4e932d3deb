"""Promise 7: publishers stay anonymous. No byte that another can read tells who submitted."""

from __future__ import annotations

import re
from typing import Any

import orjson

from config.instant import stix_time
from taxii_server.access import Caller
from taxii_server.posting import post
from taxii_server.stores.base import Store
from taxii_server.stores.memory import MemoryStore
from taxii_server.submissions import Submissions
from tests.hubs import MEMBERS, PUBLIC, PUBLIC_SUBMISSIONS, Hub, SteppingClock

NOW = 1_790_000_000_000
GREEN = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"


def _posted(organisation: str, user: str, store: Store | None = None, numbers: tuple[int, ...] = (1, 2)) -> Hub:
    hub = Hub(store or MemoryStore(), SteppingClock(NOW * 1_000))
    identity = f"identity--11111111-1111-4111-8111-{abs(hash(organisation)) % 10**12:012d}"
    objects: list[dict[str, Any]] = [
        {
            "type": "identity",
            "spec_version": "2.1",
            "id": identity,
            "created": stix_time(NOW),
            "modified": stix_time(NOW),
            "name": organisation,
        }
    ]
    objects += [
        {
            "type": "indicator",
            "spec_version": "2.1",
            "id": f"indicator--11111111-1111-4111-8111-{number:012d}",
            "created_by_ref": identity,
            "created": stix_time(NOW),
            "modified": stix_time(NOW),
            "name": f"seen at {organisation}",
            "description": f"reported by {user}",
            "pattern": f"[ipv4-addr:value = '192.0.2.{number}']",
            "pattern_type": "stix",
            "valid_from": stix_time(NOW),
            "labels": [f"from-{organisation}"],
            "external_references": [{"source_name": organisation, "url": "https://intranet.bank.example/"}],
            "object_marking_refs": [GREEN],
        }
        for number in numbers
    ]
    root = hub.settings.api_roots[0]
    collection = next(item for item in root.collections if str(item.id) == PUBLIC_SUBMISSIONS)
    who = Caller(name=user, organisation=organisation, groups=frozenset(["publishers"]))
    body = orjson.dumps({"objects": objects})
    post(hub.store, hub.settings, root, collection, who, body, hub.clock())
    Submissions(hub.settings, hub.store, hub.clock).process()
    hub.publish()
    return hub


def test_promise_7_two_organisations_that_say_the_same_read_the_same() -> None:
    """What the hub serves differs, between two publishers of the same things, in nothing but opaque words."""
    one, two = _posted("Bank of Examples", "alice"), _posted("Example Power", "bob")
    for collection in (PUBLIC, MEMBERS):
        texts = []
        for hub in (one, two):
            served = b"\n".join(body for _, body in hub.log(collection)).decode()
            assert "192.0.2.1" in served or collection == PUBLIC
            texts.append(re.sub(r"member:[0-9a-f]{32}", "member:opaque", served))
        assert texts[0] == texts[1]


def test_promise_7_nothing_of_the_publisher_is_in_any_byte() -> None:
    """No name, user, identity, id, description, label or reference of the publisher is served."""
    hub = _posted("Bank of Examples", "alice")
    served = b"\n".join(body for _, body in hub.log(MEMBERS)).decode()
    assert "192.0.2.1" in served
    for word in ("Bank", "alice", "intranet", "indicator--11111111", "identity--11111111", "from-"):
        assert word not in served


def test_promise_7_nothing_links_two_things_that_one_member_said() -> None:
    """The origin is an HMAC of the organisation and the observable: no two values of one member share it."""
    hub = _posted("Bank of Examples", "alice", numbers=(1, 2, 3))
    served = b"\n".join(body for _, body in hub.log(MEMBERS)).decode()
    origins = set(re.findall(r"member:[0-9a-f]{32}", served))
    assert len(origins) == 3


def test_promise_7_no_life_of_a_member_s_own_links_its_values() -> None:
    """Two members' odd terms of validity, a few hours apart, read the same."""
    lives = []
    for hours in (200, 211):
        hub = Hub(MemoryStore(), SteppingClock(NOW * 1_000))
        root = hub.settings.api_roots[0]
        collection = next(item for item in root.collections if str(item.id) == PUBLIC_SUBMISSIONS)
        obj = {
            "type": "indicator", "spec_version": "2.1", "id": "indicator--11111111-1111-4111-8111-111111111111",
            "created": stix_time(NOW), "modified": stix_time(NOW), "pattern": "[domain-name:value = 'bad.example']",
            "pattern_type": "stix", "valid_from": stix_time(NOW), "valid_until": stix_time(NOW + hours * 3_600_000),
            "object_marking_refs": [GREEN],
        }  # fmt: skip
        who = Caller(name="user", organisation=f"Member {hours}", groups=frozenset(["publishers"]))
        post(hub.store, hub.settings, root, collection, who, orjson.dumps({"objects": [obj]}), hub.clock())
        Submissions(hub.settings, hub.store, hub.clock).process()
        hub.publish()
        served = b"\n".join(body for _, body in hub.log(MEMBERS)).decode()
        assert "bad.example" in served
        lives.append(re.sub(r"member:[0-9a-f]{32}", "member:opaque", served))
    assert lives[0] == lives[1]
