"""Promises 2, 3 and 6 where STIX objects are passed on: whatever is said for some, and in whatever order."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, NamedTuple, cast

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from config.instant import HOUR
from taxii_server.stores.base import Selection, Versions
from taxii_server.stores.memory import MemoryStore
from tests.hubs import MEMBERS, OWN, PUBLIC
from tests.ingest.passing import World, feed_of, id_of, stated
from tests.promises.test_promise_6_valid import check
from tests.promises.twins import Row, Twin, twins
from tests.promises.twins import feed_of as twin_feed

KINDS = ("identity", "malware", "relationship", "note")
PASSING = {"kind": "stix", "pass_on": list(KINDS)}
LISTED = twin_feed("feed-a", format=PASSING)
LOGGED = twin_feed("feed-b", format=PASSING, kind="log")


class Passed(NamedTuple):
    """An object in a feed's document; it refers to others of its feed's, of whatever marking."""

    kind: str
    number: int
    marking: str
    version: int
    #: number and marking of what it refers to, as far as its kind does
    one: tuple[int, str]
    other: tuple[int, str]
    state: str = "good"
    #: whether its id says nothing of its marking, so that others may say it too
    alike: bool = False

    def object(self) -> dict[str, Any]:
        """As STIX 2.1."""

        def of(kind: str, name: tuple[int, str]) -> str:
            return id_of(kind, self._name(*name))

        maker = {"created_by_ref": of("identity", self.one)} if self.other[0] > 1 else {}
        said: dict[str, dict[str, Any]] = {
            "identity": {"name": "maker", "identity_class": "organization"},
            "malware": {"name": "family", "is_family": True, **maker},
            "relationship": {
                "relationship_type": "related-to",
                "source_ref": of("malware", self.one),
                "target_ref": of("malware", self.other),
            },
            "note": {"content": "text", "object_refs": [of(self.kind_noted, self.one)]},
        }
        marking = self.marking if self.marking not in ("unknown", "none") else None
        labels = [f"v{self.version}", *([self.marking] if self.alike else [])]
        name = self._name(self.number, self.marking)
        obj = stated(self.kind, name, self.version, marking, **said[self.kind], labels=labels)
        if self.state == "revoked":
            obj["revoked"] = True
        if self.state == "broken":
            obj["labels"] = []
        return obj

    def _name(self, number: int, marking: str) -> str:
        return str(number) if self.alike else f"{number} {marking}"

    @property
    def kind_noted(self) -> str:
        """The type of what a note is about."""
        return KINDS[self.other[0] % 3]


def _objects(markings: list[str]) -> Any:
    name = st.tuples(st.integers(0, 3), st.sampled_from(markings[:2]))
    made = st.builds(
        Passed,
        kind=st.sampled_from(KINDS),
        number=st.integers(0, 3),
        marking=st.sampled_from(markings),
        version=st.integers(0, 3),
        one=name,
        other=name,
        state=st.sampled_from(["good", "good", "good", "good", "revoked", "broken"]),
        # A record of a log that is marked for fewer leaves those who had it: in one feed no id has two markings.
        alike=st.just(False),
    )
    return st.lists(made, max_size=12, unique_by=lambda one: one[:4])  # of one version there are no other bytes


#: which feed says what in which of its documents, and how many hours pass until the next
histories = st.lists(
    st.tuples(
        st.sampled_from(["feed-a", "feed-b"]),
        st.one_of(*[_objects(["clear", "green", "clear", "red"])] * 5, st.none()),
        st.sampled_from(["1.json", "2.json"]),
        st.sampled_from([2, 2, 2, 30, 24 * 40, 24 * 200]),
    ),
    min_size=1,
    max_size=8,
)


def _live(history: list[Any], batch: int) -> Any:
    def live(twin: Twin) -> None:
        twin.wait(0)
        for feed, objects, name, hours in history:
            twin.write(feed, cast(list[Row], objects), name)
            twin.worker.ingest.run(twin.feeds[feed], confirmed=True)
            while twin.worker.publisher.publish_some(batch)[0]:
                pass
            twin.clock.now += hours * HOUR * 1_000
        twin.wait(2)

    return live


def _every(store: Any, collection: str) -> list[dict[str, Any]]:
    entries = store.page(collection, Selection(limit=10_000, versions=Versions(all=True))).entries
    return [orjson.loads(entry.body) for entry in entries]


def _dangling(objects: list[dict[str, Any]]) -> list[str]:
    ids = {obj["id"] for obj in objects}
    found = []
    for obj in objects:
        named = [*obj.get("object_marking_refs", ()), *obj.get("object_refs", ())]
        named += [obj[name] for name in ("created_by_ref", "source_ref", "target_ref") if name in obj]
        found += [f"{obj['id']} to {name}" for name in named if name not in ids]
    return found


@given(histories, st.sampled_from([1, 2, 3, 2_000]))
@settings(max_examples=settings().max_examples // 2)
def test_promise_2_the_public_is_served_the_same_whatever_is_passed_on_to_members(
    history: list[Any], batch: int
) -> None:
    """Objects for several audiences that refer to each other, changed, withdrawn, aged, and batches of any size: all
    that can be fetched is the same, and every reference of every version resolves."""
    with tempfile.TemporaryDirectory() as folder:
        with_, without = twins(Path(folder), [LISTED, LOGGED], _live(history, batch))
        assert with_.served() == without.served()
        for collection in (PUBLIC, MEMBERS, OWN):
            assert _dangling(_every(with_.store, collection)) == []


def _alike(objects: list[Passed], marking: str) -> list[Passed]:
    """The same with that marking, of few ids, each version once."""
    few = [one._replace(alike=True, marking=marking, number=one.number % 2) for one in objects]
    few = [one._replace(one=(one.one[0] % 2, ""), other=(one.other[0] % 2, "")) for one in few]
    return list({(one.kind, one.number, one.version): one for one in few}.values())


@example(
    [
        ("feed-b", [Passed("identity", 0, "green", 2, (0, ""), (0, ""))], "1.json", 2),
        ("feed-a", [Passed("identity", 0, "clear", 1, (0, ""), (0, ""))], "1.json", 2),
    ],
    2_000,
)
@given(histories, st.sampled_from([1, 2, 3, 2_000]))
@settings(max_examples=settings().max_examples // 2)
def test_promise_2_nor_do_those_matter_that_say_other_versions_of_the_same_objects(
    history: list[Any], batch: int
) -> None:
    """One feed speaks to all and the other to members, of the same ids: earlier and later versions, and other bytes of
    one version."""
    marking = {"feed-a": "clear", "feed-b": "green"}
    alike = [(feed, objects and _alike(objects, marking[feed]), name, hours) for feed, objects, name, hours in history]
    with tempfile.TemporaryDirectory() as folder:
        with_, without = twins(Path(folder), [LISTED, LOGGED], _live(alike, batch))
        assert with_.served() == without.served()
        for collection in (PUBLIC, MEMBERS, OWN):
            assert _dangling(_every(with_.store, collection)) == []


SECRETS = ("green", "amber")
_secret = st.tuples(st.sampled_from(SECRETS), st.sampled_from(["good", "revoked"]), st.integers(0, 1))


def _instead(objects: list[Passed], secrets: list[tuple[str, str, int]]) -> list[Passed]:
    """The same with other markings and contents where not all may see them; whether they can be read stays."""
    few = [one._replace(alike=True, number=one.number % 2, version=one.version % 2) for one in objects]
    few = [one._replace(one=(one.one[0] % 2, ""), other=(one.other[0] % 2, "")) for one in few]
    found = []
    for one, (marking, state, about) in zip(few, secrets, strict=False):
        if one.marking in SECRETS and one.state != "broken":
            one = one._replace(marking=marking, state=state, one=(about, ""))
        found.append(one)
    return found


@example(
    [
        ("feed-b", [Passed("identity", 0, "clear", 0, (0, ""), (0, ""))], "1.json", 2),
        ("feed-b", [Passed("identity", 0, "green", 0, (0, ""), (0, ""))], "2.json", 2),
    ],
    [("amber", "good", 0)] * 12,
    [("green", "good", 0)] * 12,
    2_000,
)
@example(
    [
        ("feed-b", [Passed("identity", 0, "clear", 0, (0, ""), (0, ""))], "1.json", 2),
        (
            "feed-a",
            [
                Passed("malware", 1, "clear", 1, (1, ""), (0, "")),
                Passed("malware", 0, "clear", 1, (1, ""), (0, "")),
                Passed("note", 1, "amber", 0, (1, ""), (1, "")),
                Passed("note", 1, "clear", 0, (0, ""), (0, "")),
            ],
            "1.json",
            2,
        ),
    ],
    [("amber", "good", 1)] * 12,
    [("amber", "good", 0)] * 12,
    2_000,
)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["feed-a", "feed-b", "feed-b"]),
            _objects(["clear", "green", "clear", "amber"]),
            st.sampled_from(["1.json", "2.json"]),
            st.sampled_from([2, 2, 2, 30, 24 * 200]),
        ),
        min_size=1,
        max_size=6,
    ),
    st.lists(_secret, min_size=12, max_size=12),
    st.lists(_secret, min_size=12, max_size=12),
    st.sampled_from([1, 2, 3, 2_000]),
)
@settings(max_examples=settings().max_examples // 2)
def test_promise_2_of_what_is_told_anew_for_fewer_only_that_is_told(
    history: list[Any], one: list[Any], other: list[Any], batch: int
) -> None:
    """Versions told twice and more for different markings, of a later date or of the same: all that those learn who
    may not have it is that, and not for whom it is instead or what it says."""
    with tempfile.TemporaryDirectory() as folder:
        answers = []
        for number, secrets in enumerate((one, other)):
            twin = Twin(Path(folder) / str(number), [LISTED, LOGGED], restricted=True)
            _live([(feed, _instead(objects, secrets), *more) for feed, objects, *more in history], batch)(twin)
            answers.append(twin.served())
            for collection in (PUBLIC, MEMBERS, OWN):
                assert _dangling(_every(twin.store, collection)) == []
        assert answers[0] == answers[1]


def test_promise_2_a_leak_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison finds a view that looks at what is not for it."""
    feeds = [LISTED, LOGGED.model_copy(update={"share": "members"})]
    history = [
        ("feed-b", [Passed("note", 0, "clear", 0, (0, "clear"), (0, ""))], "1.json", 2),
        ("feed-a", [Passed("identity", 0, "clear", 0, (0, ""), (0, ""))], "1.json", 2),
    ]

    def same() -> bool:
        with tempfile.TemporaryDirectory() as folder:
            with_, without = twins(Path(folder), feeds, _live(history, 10))
            return with_.served() == without.served()

    assert same()
    monkeypatch.setattr("normalizers.passing.sees", lambda view, claim: True)
    assert not same()


@given(_objects(["clear", "green"]), st.randoms(use_true_random=False))
@settings(max_examples=settings().max_examples // 2)
def test_promise_3_any_order_of_documents_gives_the_same_objects(objects: list[Passed], random: Any) -> None:
    """Versions in any order, one by one or together: the same bytes are served, all of them valid, and what is served
    is what counts and can resolve, and nothing else."""
    said = [one.object() for one in objects if one.state != "broken"]
    with tempfile.TemporaryDirectory() as folder:
        one, other = (World(Path(folder) / name, MemoryStore(), feed_of()) for name in ("one", "other"))
        for world in (one, other):
            world.folder.mkdir()
        one.say(said)
        random.shuffle(said)
        for number, obj in enumerate(said):
            other.say([obj], f"{number}.json")
        for collection, markings in ((PUBLIC, ["clear"]), (MEMBERS, ["clear", "green"])):
            found = {obj["id"]: obj for obj in one.hub.objects(collection)}
            assert found == {obj["id"]: obj for obj in other.hub.objects(collection)}
            assert set(found) - one.shipped == _expected(said, markings)
            for obj in found.values():
                check(obj)


def _expected(said: list[dict[str, Any]], markings: list[str]) -> set[str]:
    """The ids of what can be served: the latest of each, as far as all that it refers to can be."""
    latest: dict[str, dict[str, Any]] = {}
    for obj in sorted(said, key=lambda obj: (obj["modified"], orjson.dumps(obj, option=orjson.OPT_SORT_KEYS))):
        latest[obj["id"]] = obj
    names = {id_: obj for id_, obj in latest.items()}
    found: set[str] = set()
    while True:
        more = {
            id_
            for id_, obj in names.items()
            if _marked(obj) in markings
            and found.issuperset(
                [
                    *obj.get("object_refs", ()),
                    *(obj[name] for name in ("created_by_ref", "source_ref", "target_ref") if name in obj),
                ]
            )
        }
        if more <= found:
            return found
        found |= more


def _marked(obj: dict[str, Any]) -> str:
    return "clear" if obj["object_marking_refs"][0].startswith("marking-definition--94868c89") else "green"
