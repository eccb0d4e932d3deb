"""Clients that others wrote, unchanged, against several server processes: taxii2-client, stix2's source and sink."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
import stix2
from stix2.datastore.taxii import DataSourceError
from taxii2client.common import TokenAuth
from taxii2client.v21 import ApiRoot, Collection, Server, Status, as_pages

from tests.taxii.hub import (
    GREEN,
    INBOX,
    MERGED,
    OPEN,
    PASSWORD,
    RED,
    SHARED,
    address,
    indicator,
    malware,
    path_of,
    stix_id,
)
from tests.taxii.server import Served, served


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Two processes; in the shared collection indicators 1 to 25, the first in three versions, and an address."""
    with served(tmp_path_factory.mktemp("clients")) as running:
        objects = [indicator(number, marking=GREEN) for number in range(1, 26)]
        objects += [indicator(1, marking=GREEN, day=day) for day in (2, 3)]
        objects += [address(1, object_marking_refs=[GREEN])]
        posted = running.request("POST", path_of(SHARED, "objects/"), "mika", json={"objects": objects})
        assert posted.json()["success_count"] == 28
        yield running


def collection(server: Served, collection_id: str, name: str = "mika", **auth: Any) -> Collection:
    auth = auth or {"user": name, "password": server.tokens[name]}
    return Collection(server.url + path_of(collection_id), **auth)


# -- taxii2-client


def test_discovery(server: Served) -> None:
    """The server, its roots and collections are found from the discovery URL alone."""
    found = Server(server.url + "/taxii2/", user="mika", password=PASSWORD)
    assert found.title == "Test hub"
    assert [root.title for root in found.api_roots] == ["Public", "Members"]
    assert found.default is not None
    assert found.default.url == server.url + "/public/"
    assert {item.title for item in found.api_roots[1].collections} == {
        "Members",
        "Members - shared",
    }
    assert found.api_roots[1].versions == ["application/taxii+json;version=2.1"]


def test_discovery_without_an_account(server: Served) -> None:
    """What is public needs no account."""
    found = Server(server.url + "/taxii2/")
    assert [item.id for root in found.api_roots for item in root.collections] == [OPEN]


@pytest.mark.parametrize("way", ["password", "token as password", "bearer"])
def test_each_way_to_log_in(server: Served, way: str) -> None:
    """Basic with the password, Basic with a token, and a Bearer token."""
    token = server.tokens["mika"]
    auth: dict[str, Any] = {
        "password": {"user": "mika", "password": PASSWORD},
        "token as password": {"user": "mika", "password": token},
        "bearer": {"auth": _Bearer(token)},
    }[way]
    assert collection(server, SHARED, **auth).can_read


class _Bearer(TokenAuth):  # type: ignore[misc]
    """taxii2-client's own token scheme writes ``Token``; a Bearer token is written ``Bearer``."""

    def __call__(self, request: Any) -> Any:
        request.headers["Authorization"] = f"Bearer {self.key}"
        return request


def test_wrong_password(server: Served) -> None:
    """A wrong password is a 401 that the client reports."""
    with pytest.raises(requests.HTTPError) as raised:
        _ = Server(server.url + "/taxii2/", user="mika", password="wrong password").title
    assert raised.value.response.status_code == 401


@pytest.mark.parametrize("per_request", [1, 4, 25, 100])
def test_as_pages(server: Served, per_request: int) -> None:
    """as_pages follows the pages to the end and gets every object once."""
    pages = list(as_pages(collection(server, SHARED).get_objects, per_request=per_request))
    found = [obj["id"] for page in pages for obj in page["objects"]]
    assert len(found) == len(set(found)) == 26
    assert all(len(page["objects"]) <= per_request for page in pages)


def test_as_pages_of_the_manifest(server: Served) -> None:
    """The manifest pages as well."""
    pages = as_pages(collection(server, SHARED).get_manifest, per_request=7, version="all")
    assert sum(len(page["objects"]) for page in pages) == 28


def test_filters(server: Served) -> None:
    """The client's filters arrive as the specification writes them."""
    shared = collection(server, SHARED)
    assert len(shared.get_objects(type=["ipv4-addr", "tool"])["objects"]) == 1
    assert len(shared.get_objects(id=stix_id("indicator", 1), version="all")["objects"]) == 3
    assert shared.get_objects(added_after=datetime(2099, 1, 1, tzinfo=UTC)) == {"more": False}
    assert len(shared.get_objects(spec_version="2.1", limit=2)["objects"]) == 2
    version = datetime(2026, 2, 2, tzinfo=UTC)
    assert shared.get_objects(id=stix_id("indicator", 1), version=version)["objects"] == [
        indicator(1, marking=GREEN, day=2)
    ]


def test_one_object_and_its_versions(server: Served) -> None:
    """Object by id and object versions."""
    shared = collection(server, SHARED)
    assert shared.get_object(stix_id("indicator", 1))["objects"] == [indicator(1, marking=GREEN, day=3)]
    assert len(shared.object_versions(stix_id("indicator", 1))["versions"]) == 3
    with pytest.raises(requests.HTTPError) as raised:
        shared.get_object(stix_id("indicator", 999))
    assert raised.value.response.status_code == 404


def test_add_and_delete(server: Served) -> None:
    """add_objects waits for its status, which says what failed; delete_object removes."""
    shared = collection(server, SHARED)
    status = shared.add_objects(
        {"objects": [malware(1, object_marking_refs=[GREEN]), malware(2, object_marking_refs=[RED])]}
    )
    assert (status.status, status.success_count, status.failure_count) == ("complete", 1, 1)
    assert status.failures[0]["id"] == stix_id("malware", 2)
    again = Status(f"{server.url}/members/status/{status.id}/", user="mika", password=server.tokens["mika"])
    assert again.success_count == 1
    shared.delete_object(stix_id("malware", 1))
    with pytest.raises(requests.HTTPError):
        shared.get_object(stix_id("malware", 1))


def test_submit(server: Served) -> None:
    """A submission is pending, and its status can be polled at the API root."""
    inbox = collection(server, INBOX, "pub")
    assert inbox.can_write
    assert not inbox.can_read
    status = inbox.add_objects({"objects": [indicator(1)]}, wait_for_completion=False)
    assert (status.status, status.pending_count) == ("pending", 1)
    root = ApiRoot(server.url + "/public/", user="pub", password=server.tokens["pub"])
    assert root.get_status(status.id).pending_count == 1


def test_hidden_collection(server: Served) -> None:
    """What is not for the caller is a 404."""
    with pytest.raises(requests.HTTPError) as raised:
        _ = collection(server, MERGED, "idle").title
    assert raised.value.response.status_code == 404


# -- stix2


def test_taxii_collection_source(server: Served) -> None:
    """get, all_versions and query of stix2's source."""
    source = stix2.TAXIICollectionSource(collection(server, SHARED), items_per_page=7)
    found = source.get(stix_id("indicator", 1))
    assert found is not None
    assert str(found.modified) == "2026-02-03 00:00:00+00:00"
    assert source.get(stix_id("indicator", 999)) is None
    assert len(source.all_versions(stix_id("indicator", 1))) == 3
    assert len(source.query([stix2.Filter("type", "=", "indicator")])) == 25
    assert len(source.query([stix2.Filter("type", "=", "indicator"), stix2.Filter("name", "=", "Indicator 7")])) == 1
    assert source.query([stix2.Filter("type", "=", "tool")]) == []
    assert len(source.query()) == 26


def test_taxii_collection_sink(server: Served) -> None:
    """What stix2's sink adds, which it wraps in a bundle, its source gets."""
    shared = collection(server, SHARED)
    sink, source = stix2.TAXIICollectionSink(shared), stix2.TAXIICollectionSource(shared)
    tool = stix2.Tool(
        id=stix_id("tool", 5),
        created="2026-02-01T00:00:00.000Z",
        modified="2026-02-01T00:00:00.000Z",
        name="Tool",
        object_marking_refs=[stix2.TLP_GREEN],
    )
    sink.add(tool)
    assert source.get(tool.id) == tool
    newer = tool.new_version(name="Better tool", modified="2026-02-02T00:00:00.000Z")
    sink.add([newer, stix2.Bundle(tool, newer)])
    assert [version.name for version in source.all_versions(tool.id)] == ["Tool", "Better tool"]


def test_sink_and_source_need_their_rights(server: Served) -> None:
    """The source refuses what cannot be read, the sink what cannot be written."""
    with pytest.raises(DataSourceError):
        stix2.TAXIICollectionSource(collection(server, INBOX, "pub"))
    with pytest.raises(DataSourceError):
        stix2.TAXIICollectionSink(collection(server, OPEN))
