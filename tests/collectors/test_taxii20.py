"""The TAXII 2.0 collector, against a real server that answers as TAXII 2.0 servers do."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from collectors import taxii20
from collectors.errors import CollectError, GiveUp, Unreadable
from config.instant import parse_millis
from config.transports import TaxiiTransport
from tests.collectors.collecting import Collecting
from tests.collectors.conftest import Waits
from tests.collectors.server import Asked, Exchange, Server
from tests.normalizers.reading import feed, read_all

ID = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"
NOW = parse_millis("2026-03-01T12:00:00Z")
TAXII = "application/vnd.oasis.taxii+json; version=2.0"
STIX = "application/vnd.oasis.stix+json; version=2.0"


def date(number: int) -> str:
    """When the object of that number was added."""
    return f"2026-02-01T00:00:{number:02d}.000Z"


def indicator(number: int) -> dict[str, Any]:
    """As STIX 2.0 writes it: without a version of its own, and its kind of threat in labels."""
    return {
        "type": "indicator", "id": f"indicator--00000000-0000-4000-8000-{number:012d}", "created": date(number),
        "modified": date(number), "labels": ["malicious-activity"],
        "pattern": f"[domain-name:value = 'n{number}.example']",
        "valid_from": date(number), "object_marking_refs": ["marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"],
    }  # fmt: skip


class Taxii20:
    """A server with one collection of numbered objects."""

    def __init__(self, server: Server, count: int) -> None:
        self.server = server
        self.count = count
        #: as some servers do where nothing is found
        self.nothing = 200
        self.ranges = True
        self.shift = 0
        server.will(self._answer)

    def _answer(self, asked: Asked, exchange: Exchange) -> None:
        path = asked.path.partition("?")[0]
        collection = {"id": ID, "title": "Indicators", "can_read": True, "can_write": False}
        if path.endswith("/objects/"):
            self._objects(asked, exchange)
        elif path == f"/root/collections/{ID}/":
            exchange.answer(200, json.dumps(collection).encode(), Content_Type=TAXII)
        elif path == "/root/collections/":
            exchange.answer(200, json.dumps({"collections": [collection]}).encode(), Content_Type=TAXII)
        else:
            exchange.answer(404)

    def _objects(self, asked: Asked, exchange: Exchange) -> None:
        assert asked.headers["accept"] == STIX
        after = asked.query.get("added_after", "")
        found = [number for number in range(1, self.count + 1) if not after or int(after[17:19]) < number]
        first, last = map(int, re.findall("[0-9]+", asked.headers["range"]))
        page = found[first : last + 1] if self.ranges else found
        if not page and self.nothing != 200:
            exchange.answer(self.nothing)
            return
        bundle = {"type": "bundle", "id": "bundle--1", "spec_version": "2.0", "objects": list(map(indicator, page))}
        headers = {"X_TAXII_Date_Added_Last": date(page[-1])} if page else {}
        if self.ranges and page:
            headers["Content_Range"] = f"items {first + self.shift}-{first + len(page) - 1}/{len(found)}"
        status = 206 if self.ranges and len(page) < len(found) else 200
        exchange.answer(status, json.dumps(bundle).encode(), Content_Type=STIX, **headers)


class Case(Collecting):
    """A feed at the server."""

    def __init__(self, server: Server, waits: Waits, **changes: Any) -> None:
        given = {"kind": "taxii", "version": "2.0", "api_root": f"{server.base}/root/", "collection": ID, "page": 2}
        transport = TaxiiTransport.model_validate({**given, "retries": 0, **changes})
        super().__init__(taxii20.collect, feed("tweetfeed-taxii", transport=transport), waits, NOW * 1_000)

    def run(self, cursor: Mapping[str, Any] | None = None) -> tuple[list[str], dict[str, Any]]:
        """What a whole run reads, as the format reads it, and where it ends."""
        values, collected = [], self.collect(cursor)
        while True:
            for document in collected.documents:
                values += read_all(document, self.feed).values
            if not collected.more:
                return values, collected.cursor
            collected = self.collect(collected.cursor)


@pytest.mark.parametrize("nothing", [200, 404, 416])
def test_every_object_once_and_then_what_is_new(server: Server, waits: Waits, nothing: int) -> None:
    """Range by range; whatever the server says where there is nothing, it is an unchanged feed."""
    taxii = Taxii20(server, 5)
    taxii.nothing = nothing
    case = Case(server, waits)
    values, cursor = case.run()
    assert values == [f"n{number}.example" for number in range(1, 6)]
    again = case.collect(cursor)
    assert again.unchanged
    taxii.count = 8
    values, cursor = case.run(again.cursor)
    assert values == ["n6.example", "n7.example", "n8.example"]
    assert case.collect(cursor).unchanged


def test_what_comes_while_a_run_goes_on_is_read_with_it(server: Server, waits: Waits) -> None:
    """It stands at the end of the same ranges."""
    taxii = Taxii20(server, 3)
    case = Case(server, waits)
    first = case.collect()
    taxii.count = 4
    assert case.run(first.cursor)[0] == ["n3.example", "n4.example"]


def test_a_server_without_ranges_sends_all(server: Server, waits: Waits) -> None:
    """That is one page."""
    taxii = Taxii20(server, 5)
    taxii.ranges = False
    values, cursor = Case(server, waits).run()
    assert len(values) == 5
    assert Case(server, waits).collect(cursor).unchanged


def test_collections_by_title(server: Server, waits: Waits) -> None:
    """TAXII 2.0 has no aliases."""
    Taxii20(server, 1)
    assert Case(server, waits, collection="Indicators").run()[0] == ["n1.example"]
    with pytest.raises(GiveUp, match="one collection called"):
        Case(server, waits, collection="Other").collect()


def test_ranges_that_do_not_go_on(server: Server, waits: Waits) -> None:
    """A server that answers another range than it was asked for would have the reader go in circles."""
    taxii = Taxii20(server, 5)
    taxii.shift = 1
    with pytest.raises(Unreadable, match="range of objects from 0"):
        Case(server, waits).collect()


@pytest.mark.parametrize(
    ("body", "type_"), [(b"{}", "text/html"), (b"[]", STIX), (b'{"objects": 1}', STIX), (b"{", STIX)]
)
def test_what_is_no_bundle(server: Server, waits: Waits, body: bytes, type_: str) -> None:
    """Costs the run."""
    collection = {"id": ID, "title": "Indicators", "can_read": True, "can_write": False}
    source = f"{server.base}/root/ {ID}"
    server.will(lambda asked, exchange: exchange.answer(200, body, Content_Type=type_))
    with pytest.raises(CollectError) as failed:
        Case(server, waits).collect({"source": source, "collection": collection})
    assert type(failed.value) is Unreadable
