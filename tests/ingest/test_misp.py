"""MISP feeds, from a real server to the collections: what an event holds no more is taken back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from normalizers.claims import observable_key
from taxii_server.stores.memory import MemoryStore
from tests.collectors.mispfeed import MispFeed, attribute, uuid_of
from tests.collectors.server import Server
from tests.hubs import PUBLIC
from tests.ingest.test_ingest import NOW, Runner, _feed

AT = NOW // 1_000 - 3_600


class Misp(Runner):
    """A hub whose one feed is a MISP feed."""

    def __init__(self, folder: Path, feed: MispFeed, *, store: MemoryStore | None = None, **changes: Any) -> None:
        transport = {"kind": "misp", "url": feed.url, "retries": 0}
        expect = {"refused": 1, "min_rows": 0}
        given = {"kind": "log", "format": {"kind": "misp"}, "transport": transport, "expect": expect, **changes}
        super().__init__(folder, _feed(**given), store)
        self.misp = feed

    def values(self) -> set[str]:
        """What the public is told that has not ended."""
        self.run()
        now = self.clock.now // 1_000_000
        return {name for name, until in self.live().items() if until > _iso(now)}

    def put(self, at: int, *attributes: dict[str, Any], tags: tuple[str, ...] = (), name: str = "event") -> None:
        self.misp.put(name, AT + at, *attributes, tags=tags)


def _iso(seconds: int) -> str:
    from config.instant import stix_time

    return stix_time(seconds * 1_000)


class _Crashed(Exception):
    """The process is no more."""


def _until(left: Iterator[bool], write: Any) -> Any:
    """The write, as long as there are some left."""

    def written(*given: Any, **named: Any) -> Any:
        if not next(left, False):
            raise _Crashed
        return write(*given, **named)

    return written


def _domain(name: str, at: int = 0, **said: Any) -> dict[str, Any]:
    return attribute(f"{name}.example", AT + at, **said)


@pytest.fixture
def misp_feed() -> Iterator[MispFeed]:
    with Server().running() as server:
        yield MispFeed(server)


@pytest.fixture
def misp(tmp_path: Path, misp_feed: MispFeed) -> Misp:
    return Misp(tmp_path, misp_feed)


def test_a_later_version_of_an_event_takes_back_what_it_holds_no_more(misp: Misp) -> None:
    """Deleted, gone without a word, or no longer for detection: each ends what the attribute said; others stay. What
    comes back under its old time is said again."""
    misp.put(0, *map(_domain, "abcd"), tags=("tlp:clear",))
    assert misp.values() == {"a.example", "b.example", "c.example", "d.example"}
    misp.put(10, _domain("a"), _domain("b", 10, deleted=True), _domain("c", 10, to_ids=False))
    assert misp.values() == {"a.example"}
    misp.put(20, _domain("a"), _domain("b", 20), _domain("d"))
    assert misp.values() == {"a.example", "b.example", "d.example"}


def test_promise_4_an_event_that_says_the_same_makes_no_entry(misp: Misp) -> None:
    """Its time may move, and another event may change; nothing is published again."""
    misp.put(0, _domain("a"), _domain("b"))
    misp.put(0, _domain("c"), name="other")
    misp.values()
    before = misp.hub.log(PUBLIC)
    misp.put(10, _domain("a"), _domain("b"))
    assert misp.run().counts["kept"] == 0
    misp.put(20, _domain("b"), _domain("a"))
    misp.run()
    assert misp.hub.log(PUBLIC) == before


def test_what_is_changed_in_an_event_alone_reaches_its_attributes(misp: Misp) -> None:
    """A tag or marking of the event moves no attribute's time. It counts all the same, for fewer and for more."""
    misp.put(0, _domain("a"), tags=("tlp:clear",))
    misp.values()
    misp.put(10, _domain("a"), tags=("tlp:clear", "zebra"))
    assert misp.values() == {"a.example"}
    (one,) = misp.hub.objects(PUBLIC, "indicator")
    assert "zebra" in one["labels"]
    misp.put(20, _domain("a"), tags=("tlp:clear", "ant"))
    misp.values()
    assert "ant" in misp.hub.objects(PUBLIC, "indicator")[0]["labels"]
    misp.put(30, _domain("a"), tags=("tlp:red",))
    assert misp.values() == set()
    misp.put(40, _domain("a"), tags=("tlp:green",))
    assert misp.values() == set()
    misp.put(50, _domain("a"), tags=("tlp:white",))
    assert misp.values() == {"a.example"}


def test_an_event_that_left_a_list_takes_back_what_it_said(tmp_path: Path, misp_feed: MispFeed) -> None:
    """In a log it means nothing."""
    for kind, left in (("list", {"b.example"}), ("log", {"a.example", "b.example"})):
        misp_feed.manifest.clear()
        (tmp_path / kind).mkdir()
        case = Misp(tmp_path / kind, misp_feed, kind=kind)
        case.put(0, _domain("a"), name="first")
        case.put(0, _domain("b"), name="second")
        assert case.values() == {"a.example", "b.example"}
        misp_feed.leave("first")
        assert case.values() == left


def test_a_crash_between_what_is_new_and_what_is_gone_leaves_nothing_over(
    tmp_path: Path, misp_feed: MispFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever write is the last one before a crash, and although the event goes on changing, the end is the same."""
    for survived in range(12):
        case = Misp(tmp_path, misp_feed, store=MemoryStore())
        case.put(0, _domain("a"), _domain("b"))
        case.values()
        case.put(10 + survived * 10, _domain("a"), _domain("c"))
        left = iter([True] * survived)
        for write in ("put_claims", "set_value", "save_feed_state"):
            monkeypatch.setattr(case.store, write, _until(left, getattr(case.store, write)))
        try:
            case.run()
            finished = True
        except _Crashed:
            finished = False
        monkeypatch.undo()
        case.store.release("feed/list-feed", "me")
        case.put(15 + survived * 10, _domain("a"), _domain("d"))
        assert case.values() == {"a.example", "d.example"}
        misp_feed.manifest.clear()
        if finished:
            return
    raise AssertionError("the run never came to its end")


def test_promise_2_attributes_for_fewer_change_no_public_byte(tmp_path: Path, misp_feed: MispFeed) -> None:
    """Beside public ones, through all changes of the event, their own deletion and their links included."""
    secret = {"Tag": [{"name": "tlp:green"}]}
    hidden = (_domain("x", 5, **secret), {**_domain("l", 6, **secret), "type": "link", "value": "https://x.example/"})
    logs = []
    for name, beside in (
        ("without", ((), (), ())),
        ("with", (hidden, hidden[:1], (_domain("x", 25, deleted=True, **secret),))),
    ):
        (tmp_path / name).mkdir()
        misp_feed.manifest.clear()
        case = Misp(tmp_path / name, misp_feed)
        for at, (public, others) in enumerate(zip((("a", "b", "c"), ("a", "b"), ("b", "c")), beside, strict=True)):
            # The event's own time moves with what is hidden in it.
            case.put(10 * at + len(others), *map(_domain, public), *others, tags=("tlp:clear",))
            case.values()
        logs.append(case.hub.log(PUBLIC))
    assert logs[0] == logs[1]


def test_what_is_gone_answers_look_ups_as_withdrawn(misp: Misp) -> None:
    """The claim is kept, with the time at which its absence was seen."""
    misp.put(0, _domain("a"), _domain("b"))
    misp.values()
    misp.put(10, _domain("a"))
    misp.values()
    key = observable_key("domain", "b.example")
    (claim,) = misp.store.claims([key])[key]
    assert claim.withdrawn == misp.clock.now // 1_000


def _renamed(said: Any, old: str) -> Any:
    """The document with every member of that name under another one."""
    if isinstance(said, dict):
        return {f"{name}_2" if name == old else name: _renamed(value, old) for name, value in said.items()}
    return [_renamed(item, old) for item in said] if isinstance(said, list) else said


@pytest.mark.parametrize("kind", ["log", "list"])
@pytest.mark.parametrize("member", ["Attribute", "uuid", "type", "value", "timestamp", "to_ids"])
def test_a_member_that_is_renamed_is_noticed_at_once_and_takes_nothing_back(
    tmp_path: Path, misp_feed: MispFeed, member: str, kind: str
) -> None:
    """That a member is not there says nothing of what it said: the run fails, and names it."""
    misp = Misp(tmp_path, misp_feed, kind=kind)
    misp.put(0, *map(_domain, "abcd"))
    assert len(misp.values()) == 4
    misp.put(60, *(_domain(name, 60) for name in "abcd"))
    (name,) = [name for name in misp_feed.files if name != "manifest.json"]
    event = json.loads(misp_feed.files[name])["Event"]
    attributes = _renamed({"Attribute": event["Attribute"]}, member)
    del event["Attribute"]
    misp_feed.files[name] = json.dumps({"Event": event | attributes}).encode()
    state = misp.run()
    assert (state.status, member in state.message) == ("failed", True), state.message
    assert len(misp.values()) == 4


def test_a_manifest_that_shrinks_to_a_tenth_is_told(misp: Misp, misp_feed: MispFeed) -> None:
    """It takes nothing back, and is seen until a person says that it is right or the events are there again."""
    names = [f"event{number}" for number in range(30)]
    for name in names:
        misp.put(0, _domain(name), name=name)
    everything = misp.values()
    assert (len(everything), misp.run().message) == (30, "")
    before = dict(misp_feed.manifest)
    for name in names[3:]:
        misp_feed.leave(name)
    said = "3 documents, where there were up to 30; if that is right, run `noroshi collect FEED --confirm`"
    said = said.replace("FEED", misp.feed.id)
    assert [misp.run().message for _ in range(3)] == [said] * 3
    misp.put(1, _domain("later"), name=names[0])
    assert (misp.run().message, misp.values()) == (said, everything - {"event0.example"} | {"later.example"})
    misp_feed.manifest.update(before)
    misp_feed.manifest[uuid_of(names[0])] = {"timestamp": AT + 1}
    for name in names[1:]:
        misp.put(0, _domain(name), name=name)
    assert misp.run().message == ""
    for name in names[3:]:
        misp_feed.leave(name)
    assert (misp.run().message, misp.run(confirmed=True).message, misp.run().message) == (said, "", "")


def test_an_attribute_alone_that_lacks_a_member_takes_nothing_back(misp: Misp) -> None:
    """Beside others that have it, it costs itself."""
    misp.put(0, *map(_domain, "abc"))
    assert len(misp.values()) == 3
    less = [_domain(name, 60) for name in "abc"]
    del less[0]["to_ids"], less[1]["uuid"]
    misp.put(60, *less)
    assert misp.run().refused == {"bad-record": 1, "bad-object": 1}
    assert misp.values() == {"a.example", "b.example", "c.example"}


def _bad(number: int, **said: Any) -> dict[str, Any]:
    return {**attribute(f"bad-{number}", AT, **said), "value": "no domain"}


def test_an_event_that_is_held_costs_only_itself(tmp_path: Path, misp_feed: MispFeed) -> None:
    """Whatever stands on a page with it; it is read again by each run, and taken in when it is right."""
    case = Misp(tmp_path, misp_feed, expect={"refused": 0.5, "min_rows": 0})
    for name in "abcd":
        case.put(0, _domain(name), *map(_bad, range(3 if name == "b" else 0)), name=name)
    assert case.values() == {"a.example", "c.example", "d.example"}
    misp_feed.asked()
    case.wait(3_600_000)
    state = case.run()
    assert state.status == "held"
    assert state.message == f"{uuid_of('b')}.json: 3 of the first 4 rows cannot be read as they should"
    assert misp_feed.asked() == ["manifest.json", f"{uuid_of('b')}.json"]
    case.put(0, _domain("b"), name="b")
    state = case.run()
    assert (state.status, state.message) == ("ok", "")
    assert "b.example" in case.values()


def test_an_event_that_is_broken_costs_only_itself(misp: Misp, misp_feed: MispFeed) -> None:
    """It is read when it is whole, though its time in the manifest stays what it was."""
    misp.put(0, _domain("a"), name="a")
    misp.put(0, _domain("b"), name="b")
    whole = misp_feed.files[f"{uuid_of('b')}.json"]
    misp_feed.files[f"{uuid_of('b')}.json"] = whole[:-20]
    assert misp.values() == {"a.example"}
    state = misp.run()
    assert state.message.startswith(f"1 of 2 documents left out: {uuid_of('b')}.json: expected JSON")
    del misp_feed.files[f"{uuid_of('b')}.json"]
    assert "its manifest names it, and it is not there" in misp.run().message
    misp_feed.files[f"{uuid_of('b')}.json"] = whole
    assert misp.values() == {"a.example", "b.example"}
    assert misp.run().message == ""


def test_promise_2_what_is_held_for_fewer_does_not_change_what_an_event_is_known_to_hold(
    tmp_path: Path, misp_feed: MispFeed
) -> None:
    """An attribute that moves from an event with held ones to another one stands, as it does without those."""
    logs = []
    for name in ("without", "with"):
        (tmp_path / name).mkdir()
        misp_feed.manifest.clear()
        case = Misp(tmp_path / name, misp_feed, expect={"refused": 0.5, "min_rows": 0})
        secret = {"Tag": [{"name": "tlp:green"}]}
        hidden = [_bad(number, **secret) for number in range(3)] if name == "with" else []
        case.put(0, _domain("a"), _domain("b"), *hidden, _domain("x", **secret), tags=("tlp:clear",))
        case.values()
        for at, (first, second) in enumerate((("a", "c"), ("a", "bc"), ("ad", "")), 1):
            case.put(at, *map(_domain, first), *hidden, tags=("tlp:clear",))
            if second:
                case.put(at, *map(_domain, second), tags=("tlp:clear",), name="other")
            case.wait(3_600_000)
            found = case.values()
        assert found == {"a.example", "b.example", "c.example", "d.example"}
        logs.append(case.hub.log(PUBLIC))
    assert logs[0] == logs[1]
