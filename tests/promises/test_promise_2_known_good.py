"""Promise 2 with known-good lists: one that some may not see changes no byte that they can fetch, caps included."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import settings as how
from hypothesis import strategies as st

from config.instant import DAY
from config.settings import Settings
from normalizers.claims import Claim
from normalizers.merge import View
from taxii_server import jobs, suppression
from taxii_server.decided import Verdict
from taxii_server.jobs import Jobs
from taxii_server.stores.base import AuditRecord
from taxii_server.stores.memory import MemoryStore
from tests.hubs import BLOCKING, MEMBERS, OWN, PUBLIC, Hub, SteppingClock
from tests.hubs import settings as hub_settings
from tests.promises.twins import NOW, Row, Twin, feed_of, twins

FINANCE = "22222222-2222-4333-8444-555555555555"
#: another of theirs, which is there from some moment on
THEIRS = "22222222-2222-4333-8444-666666666666"
NAMES = [f"n{number}.{half}.example" for number in range(6) for half in ("one", "two")]


@st.composite
def claims(draw: st.DrawFn, audiences: tuple[str, ...]) -> Claim:
    """What a feed says about one of few names, for one of these audiences."""
    origin = draw(st.sampled_from(["feed-a", "feed-b"]))
    version = NOW - draw(st.integers(0, 5))
    return Claim(
        "domain", draw(st.sampled_from(NAMES)), origin, origin, draw(st.sampled_from(audiences)), version, NOW - DAY,
        NOW, 30 * DAY, draw(st.sampled_from([40, 80])), draw(st.sampled_from([0, 0, 0, version])),
    )  # fmt: skip


@st.composite
def lists(draw: st.DrawFn) -> dict[str, Any]:
    """A list of some of those names. Its id says who may know of it: another audience is another list here."""
    audience = draw(st.sampled_from(["clear", "green", "amber:finance"]))
    return {
        "id": f"list-{audience.replace(':', '-')}",
        "title": "Some",
        "values": draw(st.lists(st.sampled_from(["one.example", "two.example", *NAMES]), min_size=1, max_size=3)),
        "audience": audience,
        "action": draw(st.sampled_from(["drop", "hold", "lower", "label"])),
        "cap": {"share": draw(st.sampled_from([30, 60, 100])), "hits": draw(st.sampled_from([None, None, 4]))},
    }


def steps() -> st.SearchStrategy[tuple[str, Any]]:
    """What may happen to a hub."""
    some = st.lists(lists(), max_size=3, unique_by=lambda item: item["id"])
    unseen = st.lists(claims(("amber:finance", "internal")), max_size=6)
    return st.one_of(
        st.tuples(st.just("public"), st.lists(claims(("clear",)), min_size=1, max_size=6)),
        st.tuples(
            st.just("restricted"), st.lists(claims(("green", "amber:finance", "internal")), min_size=1, max_size=6)
        ),
        st.tuples(st.just("lists"), some),
        # News that readers may see come before or after a job has looked at their value, as fast as that is.
        st.tuples(st.just("meanwhile"), st.tuples(st.one_of(some, st.none()), unseen)),
        st.tuples(
            st.just("decide"),
            st.tuples(
                st.sampled_from(["clear", "green", "amber:finance"]),
                st.sampled_from(NAMES),
                st.sampled_from(["released", "kept", None]),
            ),
        ),
        st.tuples(st.just("publish"), st.sampled_from([1, 3, 2_000])),
        st.tuples(st.just("tick"), st.integers(1, 10**10)),
    )


def _settings(known_good: list[dict[str, Any]], folder: Path, *, theirs: bool) -> Settings:
    groups = {
        "members": {"title": "Members", "clearance": "green"},
        "publishers": {"title": "Publishers", "clearance": "green"},
        "finance": {"title": "Finance", "clearance": "amber:finance"},
    }
    raw = hub_settings(groups=groups).model_dump()
    view = {"audience": "amber:finance"}
    for name in [FINANCE, THEIRS] if theirs else [FINANCE]:
        own = {"id": name, "title": name, "kind": "merged", "view": view, "read": ["finance"]}
        raw["api_roots"][1]["collections"] = [*raw["api_roots"][1]["collections"], own]
    return Settings.model_validate({**raw, "known_good": known_good}).model_copy(update={"data": folder})


def replay(history: list[tuple[str, Any]], seen: Callable[[str], bool], folder: Path) -> Hub:
    """Live through a history with what ``seen`` lets be known of: claims and lists by their audience."""
    clock, store = SteppingClock(NOW * 1_000), MemoryStore()
    present: list[dict[str, Any]] = []
    theirs = False

    def start(news: list[Claim]) -> Hub:
        """What is said meanwhile is said once a step of a job is done, and else at the end."""
        seen_of = [item for item in present if seen(item["audience"])]
        hub = Hub(store, clock, _settings(seen_of, folder, theirs=theirs and seen("amber:finance")))
        waiting = [claim for claim in news if seen(claim.audience)]

        def hear(done: int = 0) -> None:
            hub.put(waiting)
            waiting.clear()

        Jobs(hub.publisher).settle(hear)
        hear()
        return hub

    hub, batch = start([]), 2_000
    for what, detail in [*history, ("publish", 2_000)]:
        if what == "tick":
            clock.now += detail
        elif what == "lists":
            present = detail
            hub = start([])
        elif what == "meanwhile":  # with other lists, or with the other collection of theirs come or gone
            present, theirs = (present, not theirs) if detail[0] is None else (detail[0], theirs)
            hub = start(detail[1])
        elif what == "publish":
            batch = detail
        elif what == "decide":
            _decide(hub, *detail)
        else:
            hub.put([claim for claim in detail if seen(claim.audience)])
        hub.publish(batch)  # as the worker does, whatever it was that happened
        Jobs(hub.publisher).relist()
    return hub


def _decide(hub: Hub, audience: str, name: str, verdict: Verdict | None) -> None:
    """A person decides about a value of that audience's list, where there is one."""
    list_id, now = f"list-{audience.replace(':', '-')}", hub.clock.now // 1_000
    known_good = hub.publisher.sight.known_good
    if list_id in {item.id for item in hub.settings.known_good}:
        audit = AuditRecord(now, "test", "decide", list_id, {})
        known_good.decide(list_id, [("domain", name)], verdict, "seen", audit)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Caps that few observables reach, and jobs of many steps."""
    monkeypatch.setattr(suppression, "WINDOW", 4)
    monkeypatch.setattr(suppression, "LEAST_HITS", 2)
    monkeypatch.setattr(jobs, "_STEP", 3)


def _served(hub: Hub, collections: tuple[str, ...]) -> list[Any]:
    return [(hub.log(name), hub.store.counts().get(name), hub.store.last_date(name)) for name in collections]


def _differ(history: list[tuple[str, Any]], reader: str, collections: tuple[str, ...]) -> bool:
    from config.audience import sees

    with tempfile.TemporaryDirectory() as folder:
        whole = replay(history, lambda audience: True, Path(folder) / "with")
        partly = replay(history, lambda audience: sees(reader, audience), Path(folder) / "without")
    return _served(whole, collections) != _served(partly, collections)


@given(st.lists(steps(), max_size=10))
@how(max_examples=150, deadline=None)
def test_promise_2_public_bytes_do_not_depend_on_private_lists(history: list[tuple[str, Any]]) -> None:
    """Members' and groups' lists, their changes and their caps change nothing that the public is served."""
    assert not _differ(history, "clear", (PUBLIC, BLOCKING))


def _said(audience: str, *names: str) -> list[Claim]:
    return [Claim("domain", name, "a", "a", audience, NOW, NOW - DAY, NOW, 30 * DAY, 80) for name in names]


def _list(audience: str, value: str) -> dict[str, Any]:
    """A list that is set aside when it holds more than three in ten of what a view looks at."""
    id_, cap = f"list-{audience.replace(':', '-')}", {"share": 30, "hits": None}
    return {"id": id_, "title": "Some", "values": [value], "audience": audience, "action": "drop", "cap": cap}


def _again(audience: str, name: str) -> list[tuple[str, Any]]:
    """One name, said anew until a window is full."""
    return [
        ("restricted", [claim._replace(version=NOW + more, confidence=40 + more) for claim in _said(audience, name)])
        for more in range(4)
    ]


#: Two lists come at once, and keys that members know nothing of decide where a step of the job ends.
STEPS = [
    ("public", _said("clear", "n0.one.example", "n2.one.example")),
    ("restricted", [*_said("green", "n0.two.example"), *_said("amber:finance", "n1.one.example")]),
    ("lists", [_list("clear", "n2.one.example"), _list("green", "two.example")]),
]
#: A members' list is set aside and taken out; a group's is set aside meanwhile, and the members' comes back.
MEANWHILE = [
    ("lists", [_list("green", "one.example")]),
    *_again("green", "n0.one.example"),
    ("lists", [_list("amber:finance", "two.example")]),
    *_again("amber:finance", "n0.two.example"),
    ("lists", [_list("green", "one.example")]),
    ("restricted", _said("green", "n3.one.example")),
]
#: Members' values come that their list holds, while a job sees to a group's list, and while one fills its collection.
WITHIN: list[list[tuple[str, Any]]] = [
    [
        ("restricted", _said("green", *(f"n{number}.one.example" for number in range(4)))),
        ("lists", [_list("green", "two.example")]),
        ("meanwhile", (job, _said("green", *(f"n{number}.two.example" for number in range(4))))),
    ]
    for job in ([_list("green", "two.example"), _list("amber:finance", "one.example")], None)
]


@example(STEPS)
@example(MEANWHILE)
@example(WITHIN[0])
@example(WITHIN[1])
@given(st.lists(steps(), max_size=10))
@how(max_examples=100, deadline=None)
def test_promise_2_members_bytes_do_not_depend_on_a_groups_list(history: list[tuple[str, Any]]) -> None:
    """A list of one group changes nothing that other members are served."""
    assert not _differ(history, "green", (MEMBERS, OWN, PUBLIC))


_PRIVATE = {"id": "own", "title": "Own", "values": ["one.example"], "audience": "green", "action": "drop"}
_PUBLIC = {"id": "good", "title": "Good", "values": ["one.example"], "audience": "clear", "action": "drop"}


def test_promise_2_the_comparison_catches_a_private_list_that_acts_in_public(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub that takes no notice of a list's audience is seen by the very comparison above."""
    history = [("lists", [_PRIVATE]), ("public", _said("clear", *NAMES))]
    assert not _differ(history, "clear", (PUBLIC,))
    monkeypatch.setattr(suppression.Suppression, "acts", staticmethod(lambda item, view: True))
    assert _differ(history, "clear", (PUBLIC,))


def test_promise_2_the_comparison_catches_a_cap_that_counts_for_all_views(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cap that counts what the public may not see is seen as well."""
    few = [*(f"n{number}.three.example" for number in range(10)), "n0.one.example"]
    history = [("lists", [_PUBLIC]), ("public", _said("clear", *few)), ("restricted", _said("green", *NAMES))]
    assert not _differ(history, "clear", (PUBLIC,))
    count = suppression.Suppression.count
    public = View("clear/combined/tlp2", "clear", own=False, dialect="tlp2").name
    monkeypatch.setattr(suppression.Suppression, "count", lambda self, view, *more: count(self, public, *more))
    assert _differ(history, "clear", (PUBLIC,))


@pytest.mark.parametrize("action", ["drop", "hold", "lower", "label"])
def test_promise_2_nothing_that_is_served_tells_of_a_members_list(tmp_path: Path, action: str) -> None:
    """Feeds, submissions and lists in a whole hub: every answer that anybody may be given is the same."""
    own = {"id": "own", "title": "Own", "match": "cidr", "audience": "green", "action": action, "cap": {"hits": 4}}

    def live(twin: Twin) -> None:
        twin.write("feed-a", [Row(number, age=1) for number in range(1, 9)])
        twin.wait(0)
        for values in _contents():
            twin.configure(lists=[{**own, "values": values}] if values else [])
            twin.wait(1)
            twin.write("feed-a", [Row(number, label=values[0] if values else "") for number in range(1, 10)])
            twin.post([Row(20), Row(21, marking="green")])
            twin.wait(2)

    with_, without = twins(tmp_path, [feed_of()], live)
    assert with_.served() == without.served()
    assert with_.settings.known_good == ()
    lists_of = [name for name in with_.worker.publisher.sight.known_good.hits()]
    assert lists_of == (["green/combined/tlp2"] if action else [])


def _contents() -> Iterator[list[str]]:
    yield ["192.0.2.3"]
    yield ["192.0.2.0/30", "192.0.2.21"]
    yield ["192.0.2.0/24"]  # more than its cap
    yield []
