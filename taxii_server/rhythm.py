"""How often a feed says something new, learnt from its runs: one that answers and says nothing new may be dead."""

from __future__ import annotations

from dataclasses import replace

from config.feeds import Feed
from config.instant import DAY, HOUR, MINUTE, Millis
from taxii_server.stores.base import FeedState

#: times that it must have said something new before its rhythm is known
_KNOWN = 5
#: so many times as long as ever before is too long, and a day never is
_FAR, _LEAST = 3, DAY


def news_at(state: FeedState, now: Millis) -> FeedState:
    """The state after a run at ``now`` that brought something new."""
    waited = max(0, now - state.changed) if state.changed else 0
    return replace(state, changed=now, rhythm=max(state.rhythm, waited), changes=state.changes + 1)


def silence(feed: Feed, state: FeedState, now: Millis) -> str:
    """What is to be said of a feed that has said nothing new for far too long; "" when there is nothing."""
    quiet = now - state.changed
    usual = feed.expect.quiet
    if not state.changed or (usual is None and state.changes < _KNOWN):
        return ""
    if quiet <= (max(_FAR * state.rhythm, _LEAST) if usual is None else usual):
        return ""
    return f"nothing new for {_span(quiet)}; expected something at least every {_span(usual or state.rhythm)}"


def _span(length: Millis) -> str:
    for unit, size in (("d", DAY), ("h", HOUR)):
        if length >= 2 * size:
            return f"{length // size}{unit}"
    return f"{max(1, length // MINUTE)}m"
