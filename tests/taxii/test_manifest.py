"""TAXII 2.1 section 5.3: the manifest of a collection."""

from __future__ import annotations

import pytest

from tests.taxii.hub import INBOX, OPEN, TAXII, TestHub, ids, path_of, stix_id

MANIFEST = path_of(OPEN, "manifest/")


def test_5_3_1_a_record_is_one_version_of_one_object(library: TestHub) -> None:
    """Id, date_added with six digits, version and media type; more and the two headers as in an envelope."""
    answer = library.get(MANIFEST + "?limit=1")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == TAXII
    found = answer.json()
    assert found["more"] is True
    assert found["objects"] == [
        {
            "id": stix_id("indicator", 3),
            "date_added": "2026-03-01T00:00:02.000000Z",
            "version": "2026-02-01T00:00:00.000Z",
            "media_type": "application/stix+json;version=2.1",
        }
    ]
    assert answer.headers["X-TAXII-Date-Added-First"] == "2026-03-01T00:00:02.000000Z"
    assert answer.headers["X-TAXII-Date-Added-Last"] == "2026-03-01T00:00:02.000000Z"


def test_5_3_1_the_media_type_is_one_of_the_collections(library: TestHub) -> None:
    """A record's media type is among those that the collection resource lists."""
    assert (
        library.get(MANIFEST + "?limit=1").json()["objects"][0]["media_type"]
        in library.get(path_of(OPEN)).json()["media_types"]
    )


def test_5_3_1_an_object_without_modified_and_created_has_a_version(library: TestHub) -> None:
    """The version of an observable is a timestamp, and the same in manifest and versions."""
    (record,) = library.get(MANIFEST + "?match[type]=ipv4-addr").json()["objects"]
    versions = library.get(path_of(OPEN, f"objects/{record['id']}/versions/")).json()["versions"]
    assert versions == [record["version"]]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?limit=7",
        "?match[type]=malware,ipv4-addr",
        "?match[version]=all&limit=50",
        "?match[version]=first",
        f"?match[id]={stix_id('indicator', 5)}",
        "?added_after=2026-03-01T00:00:20Z",
        "?match[spec_version]=2.1&limit=3",
    ],
)
def test_5_3_filters_apply_to_the_object_behind_the_record(library: TestHub, query: str) -> None:
    """The manifest lists just the objects that the objects endpoint gives for the same query, in the same order."""
    assert ids(library.get(MANIFEST + query)) == ids(library.get(path_of(OPEN, "objects/") + query))


def test_5_3_1_nothing_to_list_leaves_the_key_out(library: TestHub) -> None:
    """Without a match there is no objects key, and no headers that would need a date."""
    answer = library.get(MANIFEST + "?match[type]=tool")
    assert answer.status_code == 200
    assert answer.text == '{"more":false}'
    assert "X-TAXII-Date-Added-Last" not in answer.headers


def test_errata_110_the_manifest_offers_next(library: TestHub) -> None:
    """Following next gives every record once."""
    seen: list[tuple[str, str]] = []
    query = "?limit=8&match[version]=all"
    while query:
        found = library.get(MANIFEST + query).json()
        seen += [(record["id"], record["version"]) for record in found["objects"]]
        query = f"?next={found['next']}" if found["more"] else ""
    assert len(seen) == len(set(seen)) == 38


@pytest.mark.parametrize(
    "accept",
    [
        "application/taxii+json;version=2.1,application/stix+json;version=2.1",
        "application/stix+json;version=2.1",
        TAXII,
    ],
)
def test_5_3_accept_as_the_manifests_table_has_it(library: TestHub, accept: str) -> None:
    """Errata 107: the table asks for a STIX media type too, the example does not; both are served."""
    assert library.get(MANIFEST, headers={"Accept": accept}).status_code == 200


def test_5_3_cannot_read(library: TestHub) -> None:
    """A collection that the caller may only write to has no manifest for it."""
    assert library.get(path_of(INBOX, "manifest/"), "pub").status_code == 403
