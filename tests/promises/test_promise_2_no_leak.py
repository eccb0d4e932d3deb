"""Promise 2: nothing leaks. Two hubs under one clock, one with restricted claims besides, serve the same bytes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normalizers.claims import Claim
from taxii_server.stores.memory import MemoryStore
from tests.hubs import BLOCKING, PUBLIC, Hub, SteppingClock
from tests.merge.strategies import NOW, claims

RESTRICTED = ("green", "amber:finance", "internal")
_public = st.tuples(st.just("public"), st.lists(claims(audiences=("clear",)), min_size=1, max_size=4))
_restricted = st.tuples(st.just("restricted"), st.lists(claims(audiences=RESTRICTED), min_size=1, max_size=4))
_tick = st.tuples(st.just("tick"), st.integers(1, 10**13))
_publish = st.tuples(st.just("publish"), st.sampled_from([1, 2, 2_000]))
histories = st.lists(st.one_of(_public, _restricted, _tick, _publish), max_size=12)


def replay(history: list[tuple[str, Any]], *, restricted: bool) -> Hub:
    """Live through a history, with or without its restricted claims."""
    clock = SteppingClock((NOW - 100) * 1_000)
    hub = Hub(MemoryStore(), clock)
    for what, detail in [*history, ("publish", 2_000)]:
        if what == "tick":
            clock.now += detail
        elif what == "publish":
            hub.publish(detail)
        elif what == "public" or restricted:
            hub.put(detail)
    return hub


@given(histories)
@settings(max_examples=300)
def test_promise_2_public_bytes_are_the_same_with_and_without_restricted_claims(history: list[tuple[str, Any]]) -> None:
    """Ids, dates, order, counts and bytes of the public collections do not depend on what the public may not see."""
    with_, without = replay(history, restricted=True), replay(history, restricted=False)
    for collection in (PUBLIC, BLOCKING):
        assert with_.log(collection) == without.log(collection)
        assert with_.store.counts().get(collection) == without.store.counts().get(collection)
        assert with_.store.last_date(collection) == without.store.last_date(collection)


def test_promise_2_the_comparison_catches_a_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    """A merge that ignores the view is seen by the very comparison above."""
    import normalizers.merge as merging

    monkeypatch.setattr(merging, "sees", lambda view, claim: True)
    base = Claim("ipv4", "192.0.2.7", "feed-a", "feed-a", "clear", NOW, NOW, NOW, 10**9, 50)
    secret = base._replace(origin="feed-b", family="feed-b", audience="green")
    history = [("public", [base]), ("restricted", [secret]), ("publish", 2_000)]
    assert replay(history, restricted=True).log(PUBLIC) != replay(history, restricted=False).log(PUBLIC)
