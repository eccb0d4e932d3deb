"""What a newcomer gets from ``make run``, over real sockets, against several server processes, with real clients."""

from __future__ import annotations

from typing import Any

import pytest
import requests
import stix2
from taxii2client.v21 import ApiRoot, Collection, Server, as_pages

from taxii_server.demo import PASSWORD
from tests.e2e.conftest import Demo
from tests.hubs import MEMBERS, PUBLIC, PUBLIC_SUBMISSIONS, SHARED, SUBMISSIONS
from tests.processes import run, until
from tests.promises.test_promise_6_valid import check

CLEAR = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"
GREEN = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"


def _collection(demo: Demo, root: str, name: str, user: str | None = None) -> Collection:
    return Collection(
        f"{demo.base}/{root}/collections/{name}/", user=user, password=PASSWORD if user else None, verify=False
    )


def _everything(collection: Collection, **filters: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for page in as_pages(collection.get_objects, per_request=20, **filters):
        found += page.get("objects", [])
    return found


def test_ten_sample_feeds_are_merged_and_served(demo: Demo) -> None:
    """A member's collection names at least ten feeds as sources, and values that several of them share."""
    objects = _everything(_collection(demo, "members", MEMBERS, "soc"))
    labels = [{label for label in obj.get("labels", ()) if label.startswith("ais-jp:source=")} for obj in objects]
    assert len(set().union(*labels)) >= 10
    assert any(len(found) >= 3 for found in labels)


@pytest.mark.parametrize(("root", "name", "user"), [("public", PUBLIC, None), ("members", MEMBERS, "soc")])
def test_promise_6_every_served_object_is_valid_and_its_references_resolve(
    demo: Demo, root: str, name: str, user: str | None
) -> None:
    """stix2.parse and the OASIS validator take every object, and every reference is to an object of the collection."""
    objects = _everything(_collection(demo, root, name, user))
    ids = {obj["id"] for obj in objects}
    for obj in objects:
        check(obj)
        refs = [ref for key, ref in obj.items() if key.endswith("_ref")]
        refs += [ref for key, listed in obj.items() if key.endswith("_refs") for ref in listed]
        assert set(refs) <= ids, obj["id"]


def test_what_a_feed_passes_on_is_served_with_what_it_refers_to(demo: Demo) -> None:
    """An actor, the malware that it uses and who says so are for everybody, under their own ids; a campaign for
    members."""
    names = {obj.get("name") for obj in _everything(_collection(demo, "public", PUBLIC))}
    assert {"Sample Spider", "SampleLoader", "Example Research (sample)"} <= names
    assert "Parcel fees (sample)" not in names
    objects = _everything(_collection(demo, "members", MEMBERS, "soc"))
    assert "Parcel fees (sample)" in {obj.get("name") for obj in objects}
    (uses,) = [obj for obj in objects if obj.get("relationship_type") == "uses"]
    (actor,) = [obj for obj in objects if obj["id"] == uses["source_ref"]]
    assert (actor["name"], "extensions" in actor) == ("Sample Spider", False)
    places = [obj["id"] for obj in objects]
    assert max(places.index(uses["source_ref"]), places.index(uses["target_ref"])) < places.index(uses["id"])


def test_taxii2_client_walks_from_discovery_to_objects(demo: Demo) -> None:
    """taxii2-client finds the public root, its collections, a manifest and an object by id, unchanged."""
    server = Server(f"{demo.base}/taxii2/")
    assert server.title
    root: ApiRoot = server.default
    titles = {collection.title: collection for collection in root.collections}
    collection = titles["Public - indicators"]
    manifest = collection.get_manifest(limit=5)
    first = manifest["objects"][0]
    (obj,) = collection.get_object(first["id"])["objects"]
    assert obj["id"] == first["id"]


def test_stix2_taxii_source_and_sink_work_unchanged(demo: Demo) -> None:
    """stix2's TAXIICollectionSource queries, its Sink stores in the shared collection, and the source reads it back."""
    public = stix2.TAXIICollectionSource(_collection(demo, "public", PUBLIC))
    found = public.query([stix2.Filter("type", "=", "vulnerability")])
    assert found
    assert public.get(found[0]["id"])["name"] == found[0]["name"]
    shared = _collection(demo, "members", SHARED, "analyst")
    mine = stix2.Indicator(
        pattern="[domain-name:value = 'shared.example.com']",
        pattern_type="stix",
        object_marking_refs=[GREEN],
        indicator_types=["malicious-activity"],
    )
    stix2.TAXIICollectionSink(shared).add(mine)
    source = stix2.TAXIICollectionSource(_collection(demo, "members", SHARED, "soc"))
    assert source.get(mine.id)["pattern"] == mine.pattern


def _submit(demo: Demo, root: str, name: str, *objects: Any) -> dict[str, Any]:
    collection = _collection(demo, root, name, "analyst")
    envelope = {"objects": [orjson_of(obj) for obj in objects]}
    status = collection.add_objects(envelope, wait_for_completion=False)
    until("the submission is complete", lambda: (status.refresh(), status.status == "complete")[1])
    raw: dict[str, Any] = status._raw
    return raw


def orjson_of(obj: Any) -> Any:
    import json

    return json.loads(obj.serialize()) if hasattr(obj, "serialize") else obj


def test_a_submission_becomes_an_indicator_and_a_bad_object_rejects_only_itself(demo: Demo) -> None:
    """One verdict an object; what is taken is published under the hub's name, what is not says why."""
    good = stix2.Indicator(
        pattern="[url:value = 'http://submitted.example.com/x']",
        pattern_type="stix",
        object_marking_refs=[CLEAR],
        indicator_types=["malicious-activity"],
    )
    unmarked = stix2.Indicator(pattern="[url:value = 'http://unmarked.example.com/']", pattern_type="stix")
    broken = {"type": "indicator", "spec_version": "2.1", "id": "indicator--not-a-uuid"}
    raw = _submit(demo, "public", PUBLIC_SUBMISSIONS, good, unmarked, broken)
    assert (raw["total_count"], raw["success_count"], raw["failure_count"]) == (3, 1, 2)
    messages = [failure["message"] for failure in raw["failures"]]
    assert any("object_marking_refs" in message for message in messages)

    def published() -> list[dict[str, Any]]:
        found = _everything(_collection(demo, "public", PUBLIC), type="indicator")
        return [obj for obj in found if obj["name"] == "http://submitted.example.com/x"]

    (obj,) = until("the indicator is published", published)
    assert obj["id"] != good.id
    assert "Example Bank" not in str(obj)


def test_amber_where_no_group_is_named_is_refused_with_that_hint(demo: Demo) -> None:
    """AMBER is for one group, and this root names none."""
    amber = stix2.Indicator(
        pattern="[url:value = 'http://amber.example.com/']",
        pattern_type="stix",
        object_marking_refs=["marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"],
    )
    raw = _submit(demo, "members", SUBMISSIONS, amber)
    assert "group" in raw["failures"][0]["message"]


def test_nobody_sees_what_is_not_theirs(demo: Demo) -> None:
    """Anonymous callers get 401 at the members' root, a member's rights do not include submissions."""
    members = f"{demo.base}/members/collections/{MEMBERS}/objects/"
    assert requests.get(members, timeout=10).status_code in (401, 404)
    assert requests.get(members, auth=("soc", PASSWORD), timeout=10).status_code == 200
    post = requests.post(
        f"{demo.base}/members/collections/{SUBMISSIONS}/objects/",
        json={"objects": []},
        headers={"Content-Type": "application/taxii+json;version=2.1"},
        auth=("soc", PASSWORD),
        timeout=10,
    )
    assert post.status_code in (403, 404)
    assert requests.get(f"{demo.base}/metrics", auth=("soc", PASSWORD), timeout=10).status_code == 403
    assert requests.get(f"{demo.base}/metrics", auth=("operator", PASSWORD), timeout=10).status_code == 200


def test_the_command_line_works_beside_the_running_hub(demo: Demo) -> None:
    """feeds, collections, lookup, export, users, doctor and backup, while the hub runs."""
    from config.loading import shipped

    common = ("--config", str(shipped("demo.yaml")), "--data", str(demo.data))
    for command in (
        ("feeds", "list"),
        ("feeds", "list", "--json"),
        ("collections",),
        ("collections", "--json"),
        ("lookup", "203.0.113[.]66"),
        ("users", "list"),
        ("tokens", "add", "soc", "--label", "test", "--expires", "30d", "--json"),
        ("tokens", "list"),
        ("doctor",),
        ("export", "public/indicators", "--format", "txt"),
        ("backup", str(demo.data / "copy.db")),
    ):
        done = run(*command, *common)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        assert done.stdout
    bad = run("export", "nowhere", *common)
    assert (bad.returncode, "Traceback" in bad.stderr) == (5, False)
    assert "nowhere" in bad.stderr
