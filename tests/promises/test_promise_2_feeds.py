"""Promise 2: nothing leaks, where a feed's rows are for several audiences: every automatic switch sees only what its
audience may see."""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path
from typing import Any

import orjson
import pytest

from config.feeds import Feed
from config.instant import stix_time
from taxii_server import intake, usual
from tests.collectors.server import Asked, Exchange, Server
from tests.promises.twins import Row, Twin, feed_of, is_public, twins

FULL = [Row(number) for number in range(1, 11)]
GREEN = [Row(number, "green") for number in range(101, 201)]
BROKEN = [Row(number, "green", state="broken") for number in range(101, 201)]
RED = [Row(number, "red") for number in range(101, 201)]


def shrinking_beside(twin: Twin) -> None:
    """Members lose most of their rows, and the public one."""
    twin.write("feed-a", FULL + GREEN)
    twin.wait(0)
    twin.write("feed-a", FULL[1:] + GREEN[:3])
    twin.wait(2)
    assert not twin.states()["192.0.2.1"]


def shrinking_for_the_public(twin: Twin) -> None:
    """The public loses most of its rows, and members none."""
    twin.write("feed-a", [*(Row(number) for number in range(1_000, 1_020)), *FULL, *GREEN])
    twin.wait(0)
    twin.write("feed-a", FULL[:2] + GREEN)
    twin.wait(2)
    assert twin.states()["192.0.2.9"]


def too_few(twin: Twin) -> None:
    """Only with the members' rows are there as many as are expected."""
    twin.write("feed-a", FULL + GREEN)
    twin.wait(0)
    assert not twin.states()


def too_many(twin: Twin) -> None:
    """Only with the members' rows are there more than are expected."""
    twin.write("feed-a", FULL + GREEN)
    twin.wait(0)
    assert len(twin.states()) == 10


def refused_beside(twin: Twin) -> None:
    """Nearly all that members may see cannot be read."""
    twin.write("feed-a", FULL + BROKEN)
    twin.wait(0)
    assert len(twin.states()) == 10


def growing_beside(twin: Twin) -> None:
    """What members may see grows tenfold; with those rows it is the public's document that does."""
    twin.write("feed-a", FULL + GREEN[:8])
    twin.wait(0)
    twin.write("feed-a", [*FULL, Row(77), *(Row(number, "green") for number in range(1_000, 1_400))])
    twin.wait(2)
    assert "192.0.2.77" in twin.states()


def growing_for_the_public(twin: Twin) -> None:
    """The public's rows grow tenfold, and members had so many that it does not show with theirs."""
    twin.write("feed-a", FULL + GREEN)
    twin.wait(0)
    twin.write("feed-a", [*(Row(number) for number in range(1_000, 1_150)), *FULL, *GREEN])
    twin.wait(2)
    assert len(twin.states()) == 10


def refused_more_beside(twin: Twin) -> None:
    """Much more of what members may see is refused than was, and no more than may be; the public loses a value."""
    twin.write("feed-a", FULL + GREEN)
    twin.wait(0)
    twin.write("feed-a", FULL[1:] + GREEN[:60] + BROKEN[60:])
    twin.wait(2)
    assert not twin.states()["192.0.2.1"]


def red_beside(twin: Twin) -> None:
    """Nearly all is TLP:RED, and a list refuses that row by row."""
    twin.write("feed-a", FULL + RED + [Row(300, "unknown")])
    twin.wait(0)
    twin.write("feed-a", FULL[1:] + RED)
    twin.wait(2)
    assert sum(twin.states().values()) == 9


def refused_for_the_public(twin: Twin) -> None:
    """Nearly all that the public may see cannot be read; members have a thousand good rows before those."""
    green = [Row(number, "green") for number in range(1_000, 2_200)]
    twin.write("feed-a", green + FULL[:1] + [Row(number, state="broken") for number in range(50, 60)])
    twin.wait(0)
    assert not twin.states()


def a_change_beside(twin: Twin) -> None:
    """A document that changed for members alone renews the public's values as one that did not change does."""
    twin.write("feed-a", FULL + GREEN[:3])
    for day in range(12):
        twin.write("feed-a", FULL + GREEN[: 3 + day % 2])
        twin.wait(24)
    assert all(twin.states().values())


def a_hold_beside(twin: Twin) -> None:
    """While members' rows are held, the public's come and go: back to a document that was read before, too."""
    twin.write("feed-a", FULL + GREEN)
    twin.wait(0)
    twin.write("feed-a", FULL[1:] + GREEN[:3])
    twin.wait(2)
    twin.write("feed-a", FULL + GREEN)
    twin.wait(2)
    assert twin.states()["192.0.2.1"]
    for _ in range(8):
        twin.write("feed-a", FULL[1:] + GREEN[:3])
        twin.wait(24)
    assert list(twin.states().values()).count(False) == 1


def a_failure_after_a_hold(twin: Twin) -> None:
    """How soon a feed is tried again after a failure does not tell that something was held before."""
    twin.write("feed-a", FULL + GREEN)
    twin.wait(0)
    for _ in range(4):
        twin.write("feed-a", FULL + GREEN[:3])
        twin.wait(2)
    twin.write("feed-a", None)
    twin.wait(2)
    twin.write("feed-a", [*FULL, Row(77)])
    twin.wait(1 / 30)
    assert "192.0.2.77" in twin.states()


def a_batch(twin: Twin) -> None:
    """Where a batch ends, and what is published before the next, does not depend on what others are told."""
    twin.write("feed-a", [*FULL, *GREEN[:95], Row(1, age=-2, label="later"), Row(77)])
    twin.wait(4)
    assert len(twin.states()) == 11


def narrower_rows_beside(twin: Twin) -> None:
    """That members are told more about a value does not take it from the public, if the document says it for both."""
    twin.write("feed-a", [*FULL, Row(1, "green", age=-1), Row(2, "amber")])
    twin.wait(0)
    twin.write("feed-a", [*FULL, Row(1, "green", age=-2)])
    twin.wait(4)
    assert all(twin.states().values())


def a_date_ahead(twin: Twin) -> None:
    """A public row dated ahead comes into its date; members' rows change before, and after."""
    twin.write("feed-a", [Row(1, age=-200), *FULL[1:], *GREEN[:3]])
    twin.wait(0)
    assert twin.states()["192.0.2.1"]
    for day in range(12):
        twin.write("feed-a", [Row(1, age=-200), *FULL[1:], *GREEN[: 3 + day % 2], Row(400, "green", age=-900)])
        twin.wait(24)


def _kit(first: int, last: int, marking: str = "clear", label: str = "kit") -> list[Row]:
    return [Row(number, marking, label=label) for number in range(first, last + 1)]


def a_column_lost_beside(twin: Twin) -> None:
    """Members' rows lose their labels, then the public one of its rows."""
    twin.write("feed-a", _kit(1, 12) + _kit(301, 420, "green"))
    twin.wait(0)
    twin.write("feed-a", _kit(2, 13) + _kit(301, 420, "green", ""))
    twin.wait(2)
    assert "192.0.2.13" in twin.states()


def a_column_lost_for_the_public(twin: Twin) -> None:
    """The public's rows lose their labels, members' have them, and had none before."""
    twin.write("feed-a", _kit(1, 12) + _kit(301, 420, "green", ""))
    twin.wait(0)
    twin.write("feed-a", _kit(2, 13, label="") + _kit(301, 420, "green"))
    twin.wait(2)
    assert "192.0.2.13" not in twin.states()


def a_column_lost_behind_many(twin: Twin) -> None:
    """The public's rows lose their labels behind more of members' rows than are looked at."""
    green = [Row(number, "green", label="kit") for number in range(1_000, 2_200)]
    twin.write("feed-a", green + _kit(1, 12))
    twin.wait(0)
    twin.write("feed-a", green + _kit(2, 13, label=""))
    twin.wait(2)
    assert "192.0.2.13" not in twin.states()


def a_column_lost_by_and_by(twin: Twin) -> None:
    """Four public rows at a time, among members' that are held meanwhile, so that all is read again and again."""
    for day in range(3):
        twin.write("feed-a", _kit(10 * day + 1, 10 * day + 4) + _kit(301, 320, "green"))
        twin.wait(2)
    for day in range(3, 6):
        for hour in range(3):
            twin.write("feed-a", _kit(10 * day + 1, 10 * day + 4, label="") + _kit(310 + hour, 330, "green", ""))
            twin.wait(2)
    assert {name for name in twin.states() if name.endswith("1")} == {f"192.0.2.{n}" for n in (1, 11, 21, 31, 41)}


def a_column_lost_in_a_file(twin: Twin) -> None:
    """Files that stand each for itself: what all public rows had, with members' rows that lack it, and the other way
    round; what members miss is held, and asked for again."""
    for number in range(1, 11):
        rows = _kit(20 * number, 20 * number + 11) + _kit(1_000, 1_000 + 3 * number, "green", "")
        twin.write("feed-a", rows, f"{number:02}.json")
    twin.wait(0)
    twin.write("feed-a", _kit(221, 232, label="") + _kit(400, 430, "green"), "11.json")
    twin.write("feed-a", _kit(241, 252) + [Row(number, "green", state="broken") for number in range(60)], "12.json")
    for _ in range(3):
        twin.wait(2)
    assert "192.0.2.221" not in twin.states()
    assert "192.0.2.241" in twin.states()


LOG = feed_of(kind="log")
ONE_FILE = feed_of(kind="log", transport={"kind": "file", "path": "feed-a/1.json"}, expect={"few": 100})
CASES: list[tuple[Callable[[Twin], None], Feed]] = [
    (shrinking_beside, feed_of()),
    (shrinking_for_the_public, feed_of()),
    (too_few, feed_of(expect={"min_rows": 50})),
    (too_few, feed_of(kind="log", expect={"min_rows": 50})),
    (too_many, feed_of(expect={"max_rows": 50})),
    (too_many, feed_of(kind="log", expect={"max_rows": 50})),
    (refused_beside, feed_of()),
    (refused_beside, LOG),
    (growing_beside, feed_of(expect={"few": 100})),
    (growing_beside, ONE_FILE),
    (growing_for_the_public, feed_of(expect={"few": 100})),
    (growing_for_the_public, ONE_FILE),
    (refused_more_beside, feed_of(expect={"shrink": 1})),
    (red_beside, feed_of()),
    (refused_for_the_public, feed_of()),
    (refused_for_the_public, LOG),
    (a_change_beside, feed_of()),
    (a_hold_beside, feed_of()),
    (a_failure_after_a_hold, feed_of()),
    (narrower_rows_beside, LOG),
    (narrower_rows_beside, feed_of()),
    (a_column_lost_beside, feed_of()),
    (a_column_lost_beside, ONE_FILE),
    (a_column_lost_for_the_public, feed_of()),
    (a_column_lost_for_the_public, ONE_FILE),
    (a_column_lost_behind_many, feed_of()),
    (a_column_lost_by_and_by, ONE_FILE),
    (a_column_lost_in_a_file, LOG),
    (a_date_ahead, LOG),
    (a_date_ahead, feed_of()),
]


@pytest.mark.parametrize(("live", "feed"), CASES, ids=[f"{live.__name__}-{feed.kind}" for live, feed in CASES])
def test_promise_2_no_switch_counts_what_its_audience_may_not_see(
    tmp_path: Path, live: Callable[[Twin], None], feed: Feed
) -> None:
    """What anybody can fetch is the same whatever else the document says to others, at every hold and every batch."""
    with_, without = twins(tmp_path, [feed], live)
    assert with_.served() == without.served()


def test_promise_2_batches_end_where_they_would_without_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows that others are told neither fill a batch, nor part two rows about one value."""
    monkeypatch.setattr(intake, "BATCH", 100)
    with_, without = twins(tmp_path, [LOG], a_batch)
    assert with_.served() == without.served()


def test_promise_2_pages_that_come_again_for_others_count_once(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The public's rows lose their labels three at a time; members' lost theirs before, so that their pages are held,
    and all is read again from there, cut into other pages."""
    monkeypatch.setattr(usual, "_RECENT", 2)  # as if pages were far larger
    asking = {"since": "since", "overlap": "1ms", "pause": "1ms", "retries": 0}
    transport = {"kind": "linked", "url": f"{server.base}/feed", **asking}
    feed = feed_of(kind="log", transport=transport, expect={"min_rows": 0})

    def live(twin: Twin) -> None:
        entered: list[tuple[str, dict[str, Any]]] = []

        def answer(asked: Asked, exchange: Exchange) -> None:
            since, first = asked.query.get("since", ""), int(asked.query.get("first", "0"))
            rows = [row for at, row in entered if at > since]
            further = f"/feed?since={since}&first={first + 4}" if len(rows) > first + 4 else None
            exchange.answer(200, orjson.dumps({"objects": rows[first : first + 4], "next": further}))

        server.will(answer)
        for poll in range(12):
            public = _kit(10 * poll + 1, 10 * poll + 3, label="kit" if poll < 6 else "")
            members = _kit(300 + 10 * poll, 304 + 10 * poll, "green", "kit" if poll < 3 else "")
            at = stix_time(twin.clock.now // 1_000)
            rows = [row for both in zip_longest(members, public) for row in both if row is not None]
            entered += [(at, row.object()) for row in rows if twin.restricted or is_public(row, feed)]
            twin.wait(2)

    with_, without = twins(tmp_path, [feed], live)
    held = {f"192.0.2.{10 * poll + number}" for poll in (9, 10, 11) for number in (1, 2, 3)}
    state = with_.store.feed_state("feed-a")
    assert state is not None
    assert "for clear: " in state.message
    assert "for green: " in state.message
    assert len(with_.states()) == 27
    assert not held & with_.states().keys()
    assert with_.served() == without.served()
