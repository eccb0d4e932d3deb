"""Promise 2: nothing leaks, whatever happens. Random histories of all that goes on in a hub, lived through by twins."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import normalizers.merge
from config.feeds import Feed
from config.instant import DAY
from normalizers.claims import Claim
from taxii_server import holds, standing, tasting
from taxii_server.jobs import Jobs
from taxii_server.standing import Standing
from taxii_server.stores.memory import MemoryStore
from tests.hubs import PUBLIC_SUBMISSIONS, SHARED
from tests.merge.strategies import claims, rulings
from tests.promises.twins import NOW, Row, Twin, feed_of, twins

LISTED = feed_of("feed-a")
LOGGED = feed_of("feed-b", kind="log")
Step = tuple[str, tuple[Any, ...]]


def _rows(feed: Feed) -> Any:
    marking = st.sampled_from(["clear", "clear", "", "green", "amber", "red", "unknown"])
    made = st.builds(
        Row,
        number=st.integers(1, 5),
        marking=marking,
        age=st.integers(-30, 200),
        state=st.sampled_from(["good", "good", "good", "revoked", "broken"]),
        label=st.sampled_from(["", "elf"]),
    )
    if feed.kind == "log":
        # What a log says again for fewer it takes from the others: the one thing that they are to be told by it.
        made = made.map(lambda row: row._replace(number=row.number + 10 * ("clear", "").index(row.marking))
                        if row.marking in ("clear", "") else row._replace(number=row.number + 20))  # fmt: skip
    return st.lists(made, max_size=8)


def _documents(feed: Feed) -> Any:
    body = st.one_of(_rows(feed), _rows(feed), _rows(feed), st.none(), st.just(b'{"objects": ['))
    return st.tuples(st.just("write"), st.tuples(st.just(feed.id), body, st.sampled_from(["1.json", "2.json"])))


_posted = st.lists(
    st.tuples(st.integers(1, 5), st.sampled_from(["clear", "green"]), st.integers(-2, 40)).map(lambda row: Row(*row)),
    max_size=4,
)
_AUDIENCES = ("clear", "green", "amber:finance", "internal")
_others = st.lists(st.one_of(claims(audiences=_AUDIENCES), rulings(audiences=_AUDIENCES)), min_size=1, max_size=4)
_more = [
    {"id": f"11111111-2222-4333-8444-{number:012}", "title": f"More {number}", "kind": "merged",
     "view": {"audience": "clear", **view}, "narrow": narrow, "read": ["anyone"]}
    for number, view, narrow in [(1, {}, {"confidence": 60}), (2, {"scope": "own"}, {}), (3, {}, {"active": True})]
]  # fmt: skip
_collections = st.lists(st.sampled_from(_more), max_size=2, unique_by=lambda item: item["id"])
_terms = st.builds(
    lambda feed, share, marking: feed.model_copy(update={"share": share, "marking": marking}),
    st.sampled_from([LISTED, LOGGED]),
    st.sampled_from(["public", "members"]),
    st.sampled_from(["TLP:CLEAR", "TLP:GREEN"]),
)
_wait = st.tuples(st.just("wait"), st.tuples(st.sampled_from([0, 1, 2, 30, 100, 24 * 40, 24 * 200])))
STEPS: Any = st.one_of(
    _documents(LISTED),
    _documents(LISTED),
    _documents(LOGGED),
    _wait,
    _wait,
    st.tuples(st.just("collect"), st.tuples(st.sampled_from(["feed-a", "feed-b"]))),
    st.tuples(st.just("confirm"), st.just(("feed-a",))),
    st.tuples(st.just("put"), st.tuples(_others)),
    st.tuples(st.just("post"), st.tuples(_posted, st.sampled_from([PUBLIC_SUBMISSIONS, SHARED]))),
    st.tuples(st.just("terms"), st.tuples(_terms)),
    st.tuples(st.just("collections"), st.tuples(_collections)),
    st.tuples(st.just("remake"), st.just(())),
    st.tuples(st.just("reissue"), st.tuples(st.sampled_from(["One way.", "Another."]))),
)
histories = st.lists(STEPS, max_size=14)


def _live(history: list[Step]) -> Callable[[Twin], None]:
    def live(twin: Twin) -> None:
        for name, given_ in history:
            if name == "confirm":
                twin.collect(*given_, confirmed=True)
            elif name == "terms":
                twin.configure(*given_)
            elif name == "collections":
                twin.configure(collections=given_[0])
            else:
                getattr(twin, name)(*given_)
        twin.wait(2)

    return live


def _same(history: list[Step]) -> bool:
    """Whether the public can fetch the same of both."""
    with tempfile.TemporaryDirectory() as folder:
        with_, without = twins(Path(folder), [LISTED, LOGGED], _live(history))
        return with_.served() == without.served()


_FIRST = [Row(1, label="elf"), Row(21, "green")]


@given(histories)
# A feed is read before a hub has shipped anything.
@example([("write", ("feed-b", _FIRST, "1.json")), ("collect", ("feed-b",))])
@settings(max_examples=settings().max_examples // 2)
def test_promise_2_the_public_is_served_the_same_through_every_history(history: list[Step]) -> None:
    """Feeds with rows for several audiences, held, withdrawn, unchanged, broken, under terms that change; submissions;
    claims from elsewhere; new collections, other code, reissues, retention: all that can be fetched is the same."""
    assert _same(history)


# ---------------------------------------------------------------- leaks that are planted, one in every road

Patch = pytest.MonkeyPatch
FIVE = [Row(number) for number in range(1, 6)]
BESIDE = [Row(1, "green", label="elf"), *(Row(number, "green") for number in range(6, 16))]


def _no_view(patch: Patch) -> None:
    patch.setattr(normalizers.merge, "sees", lambda view, audience: True)


def _while_it_runs(job: str) -> Callable[[Patch], None]:
    def plant(patch: Patch) -> None:
        rightly = getattr(Jobs, job)

        def wrongly(self: Jobs, *given_: Any) -> Any:
            with patch.context() as meanwhile:
                _no_view(meanwhile)
                return rightly(self, *given_)

        patch.setattr(Jobs, job, wrongly)

    return plant


def _retention_that_counts(patch: Patch) -> None:
    rightly = MemoryStore.retain

    def wrongly(self: MemoryStore, collection: str, *, ended_before: int, **given_: Any) -> Any:
        return rightly(self, collection, ended_before=ended_before + len(self.keys()) * DAY, **given_)

    patch.setattr(MemoryStore, "retain", wrongly)


def _renewal_for_all_or_none(patch: Patch) -> None:
    rightly = Standing.renew
    patch.setattr(Standing, "renew", lambda self, held=(): rightly(self, ["clear", "green"] if held else ()))


def _counting_all(patch: Patch) -> None:
    for module in (holds, tasting):
        patch.setattr(module, "seen_by", lambda reader, counts: sum(counts.values()))


def _terms_that_declassify(patch: Patch) -> None:
    patch.setattr(standing, "under_terms", lambda audience, share: "clear")
    patch.setattr(standing, "narrower", lambda before, after: after)


BOTH: list[Step] = [("write", ("feed-a", [*BESIDE, *FIVE])), ("wait", (2,))]
#: says nothing that counts, and has its observable looked at again
STALE = Claim("ipv4", "192.0.2.1", "feed-x", "feed-x", "clear", *[NOW - 400 * DAY] * 3, DAY, 50)
LEAKS: dict[str, tuple[list[Step], Callable[[Patch], None]]] = {
    "feed": (BOTH, _no_view),
    "claims": ([*BOTH, ("put", ([STALE],)), ("wait", (1,))], _no_view),
    "posted": ([("post", ([Row(1, "green"), Row(1, age=1)],)), ("wait", (1,))], _no_view),
    "hold": ([*BOTH, ("write", ("feed-a", [*FIVE[1:], *BESIDE[:1]])), ("wait", (2,))], _counting_all),
    "taste": (
        [("write", ("feed-b", [*FIVE, *(row._replace(state="broken") for row in BESIDE)])), ("wait", (2,))],
        _counting_all,
    ),
    "renewal": ([*BOTH, ("write", ("feed-a", FIVE)), *[("wait", (24,))] * 6], _renewal_for_all_or_none),
    "terms": ([*BOTH, ("terms", (feed_of("feed-a", labels=["elf"]),)), ("wait", (1,))], _terms_that_declassify),
    "settle": ([*BOTH, ("remake", ()), ("put", ([STALE],)), ("wait", (1,))], _while_it_runs("settle")),
    "fill": ([*BOTH, ("collections", (_more[:1],)), ("wait", (1,))], _while_it_runs("settle")),
    "reissue": ([*BOTH, ("reissue", ("Another.",))], _while_it_runs("reissue")),
    "retain": ([*BOTH, ("write", ("feed-a", None)), ("wait", (24 * 90,))], _retention_that_counts),
}


@pytest.mark.parametrize(("history", "plant"), LEAKS.values(), ids=LEAKS.keys())
def test_promise_2_a_leak_in_any_road_is_seen(
    history: list[Step], plant: Callable[[Patch], None], monkeypatch: Patch
) -> None:
    """The very comparison above finds a leak that is planted there, and nothing where none is."""
    assert _same(history)
    plant(monkeypatch)
    assert not _same(history)
