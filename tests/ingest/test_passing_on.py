"""Upstream STIX objects are passed on unchanged: what enters, what waits, what leaves, and for whom."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

import orjson
import pytest

from config.instant import DAY, HOUR, stix_time
from config.settings import Settings
from normalizers.claims import Claim, detail_text
from normalizers.companions import hub_id
from normalizers.ids import Ids, id_text
from normalizers.markings import marking_id
from normalizers.passing import observable_of
from normalizers.reading import UnusableFormat, reading
from taxii_server.jobs import Jobs
from taxii_server.stores.base import Selection, Store, Versions
from taxii_server.stores.memory import MemoryStore
from tests.hubs import BLOCKING, MEMBERS, NAMESPACE, OWN, PUBLIC, Hub
from tests.ingest.passing import (
    ALL,
    NOW,
    TYPES,
    World,
    actor,
    feed_of,
    id_of,
    identity,
    malware,
    note,
    stated,
    uses,
)
from tests.ingest.test_observed import claim as domain
from tests.ingest.test_observed import full
from tests.promises.test_promise_6_valid import check

IDS = [obj["id"] for obj in ALL]
MALWARE = malware()["id"]


@pytest.fixture
def world(store: Store, tmp_path: Path) -> World:
    return World(tmp_path, store)


def lists(name: str = "stix", **changes: Any) -> Any:
    """The feed as a full list of one document."""
    return feed_of(name, kind="list", transport={"kind": "file", "path": f"{name}/1.json"}, **changes)


def served(world: World, collection: str = PUBLIC) -> dict[str, bytes]:
    """By id, the bytes that a subscriber is given."""
    return {orjson.loads(body)["id"]: body for _, body in world.hub.log(collection)}


# -- what enters


def test_promise_6_objects_are_passed_on_unchanged_and_valid(world: World) -> None:
    """Each has the properties and values that its source gave it, and passes both validators; references resolve."""
    state = world.say(ALL)
    assert (state.status, state.counts["passed_on"], state.counts["refused"]) == ("ok", 5, 0)
    for collection in (PUBLIC, MEMBERS):
        assert world.ids(collection) == IDS
        world.resolve(collection)
    for obj in ALL:
        assert orjson.loads(served(world)[obj["id"]]) == obj
        check(orjson.loads(served(world)[obj["id"]]))
        assert served(world)[obj["id"]] == served(world, MEMBERS)[obj["id"]]


@pytest.mark.parametrize("order", [*permutations(range(5))][::7])
def test_promise_3_any_order_of_documents_gives_the_same_content(tmp_path: Path, order: tuple[int, ...]) -> None:
    """Whatever comes first waits for what it refers to, and enters right behind it; nothing ever dangles."""
    world = World(tmp_path, MemoryStore())
    for number in order:
        world.say([ALL[number]], f"{number}.json")
        world.resolve(PUBLIC)
        ids = world.ids(PUBLIC)
        assert IDS[1] not in ids or ids.index(IDS[0]) < ids.index(IDS[1])
    assert sorted(world.ids(PUBLIC)) == sorted(IDS)


def test_promise_4_what_has_not_changed_adds_no_entry(world: World) -> None:
    """Neither the same document again, nor the same objects in another, half a year on."""
    world.say(ALL)
    before = world.hub.log(PUBLIC)
    assert world.run().status == "unchanged"
    world.say(reversed(ALL), "2.json")
    world.wait(200 * DAY)
    world.say(ALL, "3.json")
    assert world.hub.log(PUBLIC) == before


def test_promise_1_versions_are_entries_and_later_ones_count(world: World) -> None:
    """A later version is an entry, an earlier one that comes late is none; a revoked one is a version as any other."""
    world.say(ALL)
    world.say([malware(at=2, aliases=["b"])], "2.json")
    world.say([malware(at=1, aliases=["a"])], "3.json")
    assert orjson.loads(served(world)[MALWARE])["aliases"] == ["b"]
    world.say([malware(at=3, revoked=True)], "4.json")
    assert orjson.loads(served(world)[MALWARE])["revoked"] is True
    assert len(world.ids(PUBLIC)) == 5
    entries = world.store.page(
        PUBLIC, Selection(limit=100, types=frozenset(["malware"]), versions=Versions(all=True))
    ).entries
    assert [orjson.loads(entry.body).get("aliases") for entry in entries] == [None, ["b"], None]
    world.resolve(PUBLIC)


def test_of_one_document_with_two_versions_the_later_is_passed_on(tmp_path: Path) -> None:
    """In a list as in a log, in either order."""
    for kind in (feed_of("log"), lists("list")):
        two = [actor(name=f"{kind.id} one"), actor(name=f"{kind.id} one", at=5, aliases=["later"])]
        for number, objects in enumerate((two, two[::-1])):
            world = World(tmp_path / f"{kind.id}{number}", MemoryStore(), kind)
            world.folder.mkdir()
            world.say(objects, feed=kind.id)
            (found,) = world.hub.objects(PUBLIC, "threat-actor")
            assert found["aliases"] == ["later"]


def test_two_feeds_that_give_one_version_other_bytes(tmp_path: Path) -> None:
    """Claims that come together: the greater bytes. What was published first stays as it is, as long as anybody says
    that version: no date gets other bytes."""
    for order in (["feed-a", "feed-b"], ["feed-b", "feed-a"]):
        world = World(tmp_path, MemoryStore(), feed_of("feed-a"), feed_of("feed-b"))
        for feed in order:
            world.write([actor(name="group", aliases=[feed])], feed=feed)
        for feed in order:
            world.ingest(feed)
        world.hub.publish()
        assert world.hub.objects(PUBLIC, "threat-actor")[0]["aliases"] == ["feed-b"]
    first = World(tmp_path, MemoryStore(), feed_of("feed-a"), feed_of("feed-b"))
    first.say([actor(aliases=["a"])], feed="feed-a")
    first.say([actor(aliases=["b"])], feed="feed-b")
    assert first.hub.objects(PUBLIC, "threat-actor")[0]["aliases"] == ["a"]
    first.say([actor(marking="red", at=1)], "2.json", feed="feed-a")
    assert first.hub.objects(PUBLIC, "threat-actor")[0]["aliases"] == ["a"]
    first.say([actor(aliases=["c"], at=2)], "2.json", feed="feed-b")
    assert first.hub.objects(PUBLIC, "threat-actor")[0]["aliases"] == ["c"]


def test_an_object_dated_ahead_waits_until_then(world: World) -> None:
    """It is not served before it was modified, and what was there stays meanwhile."""
    world.say([actor()])
    world.say([actor(at=92, aliases=["later"])], "2.json")
    (found,) = world.hub.objects(PUBLIC, "threat-actor")
    assert "aliases" not in found
    world.wait(3 * HOUR)
    (found,) = world.hub.objects(PUBLIC, "threat-actor")
    assert found["aliases"] == ["later"]
    ((date, _),) = [item for item in world.hub.log(PUBLIC) if orjson.loads(item[1])["type"] == "threat-actor"]
    assert stix_time(date // 1_000) > found["modified"]


# -- what is refused


@pytest.mark.parametrize(
    ("obj", "reason"),
    [
        (actor(marking=None), "unmarked"),
        (actor(marking="red"), "marking"),
        (actor(object_marking_refs=["marking-definition--11111111-1111-4111-8111-111111111111"]), "unknown-marking"),
        (actor(threat_actor_types="crime"), "bad-object"),
        (actor(x_own="property"), "bad-object"),
        (actor(spec_version="2.0"), "bad-object"),
        (actor(created_by_ref="identity--c78cb6e5-0c4b-4611-8297-d1b8b55e40b5"), "dictionary"),
        (actor(labels=['misp:galaxy-type="threat-actor"']), "dictionary"),
        (actor(description="x" * 100_001), "too-long"),
        (uses(target_ref=id_of("indicator", "a")), "reference"),
        (uses(target_ref=id_of("attack-pattern", "a")), "reference"),
        (note(about=id_of("ipv4-addr", "a")), "reference"),
        (stated("tool", "tool", name="not in the feed's list"), "object-type"),
        (actor(confidence=101), "bad-object"),
        (actor(labels=["sent to victim@shop.co.jp"]), "personal-data"),
        (actor(external_references=[{"source_name": "a", "url": "http://a.example/?ip=8.8.8.8"}]), "personal-data"),
    ],
)  # fmt: skip
def test_what_cannot_be_passed_on_is_refused_and_counted(tmp_path: Path, obj: dict[str, Any], reason: str) -> None:
    """Not marked, marked for nobody here, not valid, of a dictionary, about a victim, or referring to what
    resolves for nobody."""
    world = World(tmp_path, MemoryStore())
    state = world.say([*ALL[:2], obj])
    assert state.refused == {reason: 1}
    assert obj["id"] not in world.ids(PUBLIC)


def test_a_statement_of_the_documents_own_is_no_marking_that_resolves(world: World) -> None:
    """It is understood, and is in no collection."""
    statement = {
        "type": "marking-definition", "spec_version": "2.1", "id": id_of("marking-definition", "own"),
        "created": stix_time(NOW), "definition_type": "statement", "definition": {"statement": "Copyright"},
    }  # fmt: skip
    state = world.say([statement, actor(object_marking_refs=[marking_id("clear"), statement["id"]])])
    assert state.refused == {"reference": 1}


def test_markings_of_tlp_1_resolve_everywhere(world: World) -> None:
    """STIX 2.1 predefines them; those of TLP 2.0 are there where the collection ships them."""
    world.say([actor(object_marking_refs=[marking_id("clear", "tlp1")])])
    assert world.ids(PUBLIC) == [actor()["id"]]


def test_a_feed_that_may_not_be_named_passes_nothing_on() -> None:
    """Objects tell who made them."""
    with pytest.raises(UnusableFormat, match="pass_on: what is passed on unchanged tells who said it"):
        reading(feed_of(named=False))
    with pytest.raises(UnusableFormat, match="pass_on"):
        reading(feed_of(format={"kind": "stix", "pass_on": ["indicator"]}))


# -- whom it reaches


def test_promise_2_what_is_for_members_does_not_reach_the_public(world: World) -> None:
    """Nor what refers to it, though it is for everybody."""
    world.say([identity(), malware(marking="green"), actor(), uses()])
    assert world.ids(PUBLIC) == [IDS[0], IDS[2]]
    assert world.ids(MEMBERS) == IDS[:4]
    world.resolve(PUBLIC)


def test_terms_bind_what_is_marked_wider(tmp_path: Path) -> None:
    """Who may see a passed object is its marking within the feed's terms, as for a row."""
    world = World(tmp_path, MemoryStore(), feed_of(share="members"))
    world.say(ALL)
    assert (world.ids(PUBLIC), world.ids(MEMBERS)) == ([], IDS)
    internal = World(tmp_path, MemoryStore(), feed_of(share="internal"))
    internal.say(ALL)
    assert internal.ids(MEMBERS) == []


def test_a_collection_of_its_own_has_what_is_for_that_very_audience(world: World) -> None:
    """And of that only what resolves there."""
    world.say([identity(marking="green"), malware(), malware("other", marking="green"), actor()])
    assert world.ids(OWN) == [id_of("identity", "maker"), id_of("malware", "other")]


def test_a_collection_that_does_not_admit_a_type_lacks_what_refers_to_it(store: Store, tmp_path: Path) -> None:
    """Of indicators alone: nothing. Without identities: what nobody is named for."""
    root = World(tmp_path, store).settings().model_dump(mode="json")["api_roots"]
    narrow = {**root[0]["collections"][0], "id": OTHER, "title": "Narrow"}
    root[0]["collections"].append({**narrow, "narrow": {"types": ["malware", "threat-actor", "relationship"]}})
    world = World(tmp_path, store, changes={"api_roots": root})
    world.say(ALL)
    assert world.ids(BLOCKING) == []
    assert world.ids(OTHER) == [IDS[2]]
    world.say([malware(at=1, created_by_ref=IDS[0]), stated("malware", "free", name="free", is_family=True)], "2.json")
    assert world.ids(OTHER) == [IDS[2], id_of("malware", "free")]
    assert world.ids(PUBLIC)[-1] == id_of("malware", "free")


OTHER = "0a4d5a4e-2b4f-4b67-8f0e-5d2a3c1b9e22"


def test_an_id_of_the_hubs_own_is_never_anybody_elses(world: World) -> None:
    """Its identity stays as it is, with later versions of it in a feed too; so does what every collection ships."""
    before = world.hub.log(PUBLIC)
    own = id_text("identity", hub_id(Ids(NAMESPACE)))
    project = "identity--0d5a2a6c-7d3f-4c53-9b0f-0a3a0f1d5e21"
    world.say([identity(id=own, name="Usurper", at=80), identity(id=project, name="Usurper", at=80)])
    assert world.hub.log(PUBLIC) == before
    world.hub.publisher.prepare()
    assert world.hub.log(PUBLIC) == before
    world.say([actor(created_by_ref=own)], "2.json")  # which is there, and resolves
    assert world.ids(PUBLIC)[-1] == actor()["id"]


def publisher_id(world: World, collection: str) -> str:
    """The id that the hub would give the identity of ``P`` in the view of a collection."""
    (plan,) = (plan for plan in world.hub.publisher.plans if collection in plan.names)
    return id_text("identity", Ids(NAMESPACE).publisher("P", plan.view.name))


def advisory() -> Claim:
    """One that P published."""
    detail = detail_text({"publisher": "P", "published": NOW, "title": {"en": "A"}})
    return Claim("advisory", "https://p.example/1", "f", "f", "clear", NOW, NOW, NOW, 275 * DAY, 80, detail=detail)


def test_promise_6_an_id_that_the_hub_makes_after_somebody_else(world: World) -> None:
    """What that was does not stay among superseded versions when what it refers to leaves; the hub's own stays."""
    own = publisher_id(world, PUBLIC)
    world.say([identity(), identity(id=own, name="P", created_by_ref=IDS[0], description="a stranger's")])
    assert own in world.ids(PUBLIC)
    world.hub.put([advisory()])
    world.hub.publish()
    assert b"stranger" not in served(world)[own]
    world.resolve(PUBLIC)
    world.say([identity(at=1, marking="red")], "2.json")
    world.resolve(PUBLIC)
    assert own in world.ids(PUBLIC)
    assert IDS[0] not in world.ids(PUBLIC)


def test_promise_6_an_id_that_the_hub_makes_for_some_collections(store: Store, tmp_path: Path) -> None:
    """Where the hub does not put its own, what was passed on leaves before what it refers to."""
    changes = full(OTHER).model_dump(mode="json", include={"api_roots"})
    world = World(tmp_path, MemoryStore(), changes=changes)
    world.hub.put([domain()])
    world.hub.publish()
    (own,) = (obj["id"] for obj in world.hub.objects(OTHER, "relationship"))
    world = World(tmp_path, store, changes=changes)
    world.say([*ALL[:3], uses(id=own)])
    world.hub.put([domain()])
    world.hub.publish()
    (made,) = world.hub.objects(OTHER, "relationship")
    assert (made["relationship_type"], own in world.ids(MEMBERS)) == ("based-on", True)
    world.say([malware(at=1, marking="red")], "2.json")
    for collection in (PUBLIC, MEMBERS, OTHER):
        world.resolve(collection)
    assert (own in world.ids(MEMBERS), own in world.ids(OTHER)) == (False, True)


# -- what leaves


def test_what_its_source_takes_back_leaves_with_what_refers_to_it(world: World) -> None:
    """Marked TLP:RED by a later version: the relationship and the note about that leave before it, and return."""
    world.say(ALL)
    world.say([malware(at=1, marking="red")], "2.json")
    assert world.ids(PUBLIC) == [IDS[0], IDS[2]]
    world.resolve(PUBLIC)
    world.say([malware(at=2)], "3.json")
    assert world.ids(PUBLIC) == [IDS[0], IDS[2], IDS[1], IDS[3], IDS[4]]
    world.resolve(PUBLIC)


def test_promise_6_nothing_dangles_at_any_moment_of_leaving(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """However they refer to each other, each leaves when nothing is left that refers to it."""
    both = note("both", object_refs=[IDS[0], IDS[1], IDS[3], IDS[4]])
    world.say(
        [*ALL, both, *(note(str(number), object_refs=[IDS[1], IDS[number % 5], both["id"]]) for number in range(9))]
    )
    assert len(world.ids(PUBLIC)) == 15
    delete, left = world.store.delete, []

    def watched(collection: str, *given: Any) -> int:
        left.append(delete(collection, *given))
        world.resolve(collection)
        return left[-1]

    monkeypatch.setattr(world.store, "delete", watched)
    world.say([identity(at=1, marking="red")], "2.json")
    assert world.ids(PUBLIC) == [IDS[2]]
    assert left == [1] * (14 * 2)  # of the public, and of members


def test_what_is_marked_for_fewer_leaves_those_who_had_it(world: World) -> None:
    """And stays with those for whom it is, in its new version."""
    world.say(ALL)
    world.say([identity(at=1, marking="green")], "2.json")
    assert world.ids(PUBLIC) == [IDS[2]]
    assert set(world.ids(MEMBERS)) == set(IDS)
    assert all(
        obj["object_marking_refs"] == [marking_id("green")] for obj in world.hub.objects(MEMBERS) if obj["id"] == IDS[0]
    )
    world.resolve(MEMBERS)


def test_what_is_marked_for_fewer_under_one_date_leaves_everybody_who_had_it_marked_for_more(world: World) -> None:
    """A version told anew, not made anew: no marking stands that its source gave up, and no date gets other bytes. Its
    next version is theirs for whom that is."""
    world.say(ALL)
    world.say([identity(marking="green"), actor(labels=["other"])], "2.json")
    for collection in (PUBLIC, MEMBERS):
        assert world.ids(collection) == [IDS[2]]
        world.resolve(collection)
    world.say([identity()], "3.json")
    world.say(ALL, "4.json")
    for collection in (PUBLIC, MEMBERS):
        assert world.ids(collection) == [IDS[2]]
    world.say([identity(at=1, marking="green")], "5.json")
    assert world.ids(PUBLIC) == [IDS[2]]
    assert sorted(world.ids(MEMBERS)) == sorted(IDS)
    world.resolve(MEMBERS)


def test_what_is_marked_for_more_under_one_date_stays_shut_until_its_next_version(world: World) -> None:
    """Members keep it as they have it."""
    world.say([identity(marking="green")])
    before = world.hub.log(MEMBERS)
    world.say([identity()], "2.json")
    assert (world.ids(PUBLIC), world.hub.log(MEMBERS)) == ([], before)
    world.say([identity(at=1)], "3.json")
    assert world.ids(PUBLIC) == world.ids(MEMBERS) == [IDS[0]]


def test_what_a_list_no_longer_holds_leaves(tmp_path: Path, store: Store) -> None:
    """With what refers to it, and returns as it was when it is listed again."""
    world = World(tmp_path, store, lists())
    world.say(ALL)
    assert world.ids(PUBLIC) == IDS
    world.say([ALL[0], ALL[2], ALL[3], ALL[4]])
    assert world.ids(PUBLIC) == [IDS[0], IDS[2]]
    world.resolve(PUBLIC)
    world.say(ALL)
    assert sorted(world.ids(PUBLIC)) == sorted(IDS)
    world.resolve(PUBLIC)


def test_what_was_not_seen_for_a_year_leaves(world: World) -> None:
    """Of a log, what no later version was said of; what refers to it leaves before its own time. The same version in
    another document is nothing new: whether documents are read again may depend on what not all may see."""
    world.say(ALL[:3])
    world.wait(190 * DAY)
    world.say([identity(at=1), actor(at=1), uses(), malware()], "2.json")
    world.wait(176 * DAY)
    assert IDS[1] not in world.ids(PUBLIC)
    world.resolve(PUBLIC)
    world.wait(400 * DAY)
    assert world.ids(PUBLIC) == []


def test_a_list_goes_on_sighting_what_it_holds(tmp_path: Path, store: Store) -> None:
    """Unchanged for years, nothing leaves and nothing is written to the log."""
    world = World(tmp_path, store, lists())
    world.say(ALL)
    before = world.hub.log(PUBLIC)
    for _ in range(8):
        world.wait(100 * DAY)
        world.run()
    assert world.hub.log(PUBLIC) == before


def test_a_superseded_version_leaves_with_what_it_alone_refers_to(world: World) -> None:
    """The later version, which refers to something else, stays."""
    world.say([identity(), malware(), actor(), note(about=IDS[1])])
    world.say([note(about=IDS[2], at=1)], "2.json")
    world.say([malware(at=1, marking="red")], "3.json")
    assert world.ids(PUBLIC) == [IDS[0], IDS[2], IDS[4]]
    world.resolve(PUBLIC)


def test_promise_3_a_version_that_cannot_resolve_yet_takes_the_place_of_the_one_before(world: World) -> None:
    """The latest counts: in whatever order the two came, nothing is there until what it refers to is."""
    world.say([identity(), malware(), actor(), note(about=IDS[2])])
    world.say([note(about=id_of("malware", "other"), at=1)], "2.json")
    assert world.hub.objects(PUBLIC, "note") == []
    world.say([malware("other")], "3.json")
    assert world.hub.objects(PUBLIC, "note")[0]["object_refs"] == [id_of("malware", "other")]
    world.resolve(PUBLIC)


def test_a_type_that_a_feed_passes_on_no_more_leaves(world: World) -> None:
    """When the feed is read again under its new file."""
    world.say(ALL)
    world.feeds["stix"] = feed_of(format={"kind": "stix", "pass_on": [kind for kind in TYPES if kind != "malware"]})
    world.run(confirmed=True)
    assert world.ids(PUBLIC) == [IDS[0], IDS[2]]


def test_a_new_collection_is_filled_with_what_is_passed_on(store: Store, tmp_path: Path) -> None:
    """In whatever order the job comes to them."""
    world = World(tmp_path, store)
    world.say(ALL)
    Jobs(world.hub.publisher).settle()
    raw: dict[str, Any] = world.settings().model_dump(mode="json")
    raw["api_roots"][0]["collections"].append({**raw["api_roots"][0]["collections"][0], "id": OTHER, "title": "New"})
    world.hub = Hub(store, world.clock, Settings.model_validate(raw))
    Jobs(world.hub.publisher).settle()
    assert sorted(world.ids(OTHER)) == sorted(IDS)
    world.resolve(OTHER)


def test_a_crash_between_two_steps_of_publishing_loses_nothing(world: World) -> None:
    """What was marked is looked at again, and with it what waits for it."""
    world.say([ALL[1], ALL[2], ALL[3]])
    world.write([identity()], "2.json")
    world.ingest()
    marks = world.store.dirty(100)
    world.hub.publish()
    before = world.hub.log(PUBLIC)
    world.store.mark_dirty([mark.key for mark in marks], "clear")
    world.hub.publish()
    assert world.hub.log(PUBLIC) == before
    assert observable_of(IDS[0]) in [mark.key for mark in marks]
