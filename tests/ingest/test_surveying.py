"""What a list for some holds where it may not act: counted for the operators, and nobody else notices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from config.instant import DAY, HOUR
from normalizers.claims import Claim
from taxii_server import surveying
from taxii_server.jobs import Jobs
from taxii_server.publishing import Publisher
from taxii_server.stores.base import ClaimRow, Selection
from taxii_server.stores.memory import MemoryStore
from taxii_server.surveying import Surveying, surveyed
from taxii_server.worker import Worker
from tests.hubs import MEMBERS, PUBLIC, SteppingClock, settings

NOW = 1_790_000_000_000
OURS: dict[str, Any] = {
    "id": "ours", "title": "Ours", "values": ["192.0.2.0/24"], "match": "cidr", "audience": "green", "action": "drop",
}  # fmt: skip
THEIRS = {**OURS, "id": "theirs", "audience": "amber:finance"}
FOR_ALL = {**OURS, "id": "for-all", "audience": "clear", "action": "label"}
PUBLIC_VIEW, MEMBERS_VIEW, OWN_VIEW = "clear/combined/tlp2", "green/combined/tlp2", "green/own/tlp2"


class Hub:
    """A hub with these lists."""

    def __init__(self, folder: Path, *lists: dict[str, Any]) -> None:
        self.clock = SteppingClock(NOW * 1_000)
        self.store = MemoryStore()
        self.configure(folder, *lists)

    def configure(self, folder: Path, *lists: dict[str, Any]) -> None:
        """Start anew with these."""
        groups = {"finance": {"title": "Finance", "clearance": "amber:finance"}}
        made = settings(known_good=list(lists), groups=settings().model_dump()["groups"] | groups)
        made = made.model_copy(update={"data": folder})
        self.publisher = Publisher(made, self.store, self.clock, "me")
        Jobs(self.publisher).settle()
        self.surveying = Surveying(self.publisher)

    def hears(self, *claims: Claim) -> None:
        """And publishes."""
        self.store.put_claims([ClaimRow(claim.key, claim) for claim in claims])
        self.publisher.publish_all()

    def counts(self) -> dict[str, dict[str, int]]:
        """What is counted by now."""
        while self.surveying.step():
            pass
        told = surveyed(self.store)
        return told.counts if told else {}


def _says(last: int, **changes: Any) -> Claim:
    return Claim("ipv4", f"192.0.2.{last}", "feed-a", "feed-a", "clear", NOW, NOW, NOW, DAY, 50)._replace(**changes)


def test_what_a_list_for_some_holds_elsewhere_is_counted(tmp_path: Path) -> None:
    """Each value once for each view that says it, however often it was published and whenever the list came; of a list
    that acts there, nothing."""
    hub = Hub(tmp_path, OURS, THEIRS, FOR_ALL)
    hub.hears(_says(1), _says(2), _says(3, audience="green"), _says(4, value="198.51.100.4"))
    hub.hears(_says(1, version=NOW + 1, last_seen=NOW + 1, labels=("again",)))
    assert hub.counts() == {
        "ours": {PUBLIC_VIEW: 2},
        "theirs": {PUBLIC_VIEW: 2, MEMBERS_VIEW: 3, OWN_VIEW: 1},
    }


def test_what_the_owner_may_not_see_is_not_counted(tmp_path: Path) -> None:
    """A view of another group says nothing to this one, nor do claims that no view has."""
    hub = Hub(tmp_path, OURS)
    hub.hears(_says(1, audience="amber:finance"), _says(2, audience="internal"))
    assert hub.counts() == {}


def test_what_is_over_or_withdrawn_is_not_counted_again(tmp_path: Path) -> None:
    """An hour later, and at once when lists changed; between, the last count stands."""
    hub = Hub(tmp_path, OURS)
    hub.hears(_says(1), _says(2), _says(3, life=HOUR // 2))
    assert hub.counts() == {"ours": {PUBLIC_VIEW: 3}}
    hub.hears(_says(1, version=NOW + 1, withdrawn=NOW + 1))
    assert hub.counts() == {"ours": {PUBLIC_VIEW: 3}}
    hub.clock.now += HOUR * 1_000
    assert hub.counts() == {"ours": {PUBLIC_VIEW: 1}}
    hub.configure(tmp_path, {**OURS, "values": ["198.51.100.0/24"]})
    assert hub.counts() == {}


def test_a_count_goes_on_where_it_was_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes in steps, another process does the next one, and what was counted before is shown till the end."""
    monkeypatch.setattr(surveying, "_STEP", 2)
    hub = Hub(tmp_path, OURS)
    hub.hears(*(_says(last) for last in range(1, 8)))
    steps = 0
    while hub.surveying.step():
        steps += 1
        assert surveyed(hub.store) is None
        hub.surveying = Surveying(hub.publisher)
    assert (steps, hub.counts()) == (4, {"ours": {PUBLIC_VIEW: 7}})


def test_promise_2_a_count_changes_no_byte(tmp_path: Path) -> None:
    """With the list that is counted and without, the public is given the same, and so is the order of its log."""
    served = []
    for lists in ([], [OURS]):
        hub = Hub(tmp_path, *lists)
        hub.hears(_says(1), _says(2))
        hub.counts()
        hub.hears(_says(5))
        page = hub.store.page(PUBLIC, Selection(limit=100))
        served.append([(entry.date_added, entry.body) for entry in page.entries])
        assert bool(surveyed(hub.store)) == bool(lists)
    assert served[0] == served[1]
    assert len(served[0]) >= 3
    assert not any(b"192.0.2." in entry.body for entry in hub.store.page(MEMBERS, Selection(limit=100)).entries)


def test_a_hub_without_such_a_list_counts_nothing(tmp_path: Path) -> None:
    """Lists for all act everywhere."""
    hub = Hub(tmp_path, FOR_ALL)
    hub.hears(_says(1))
    assert hub.counts() == {}
    assert surveyed(hub.store) is None


def test_the_running_hub_counts(tmp_path: Path) -> None:
    """A step at each look for work."""
    made = settings(known_good=[OURS]).model_copy(update={"data": tmp_path})
    store = MemoryStore()
    store.put_claims([ClaimRow(claim.key, claim) for claim in [_says(1)]])
    worker = Worker(made, store, SteppingClock(NOW * 1_000), "me", {})
    worker.tick()
    told = surveyed(store)
    assert told is not None
    assert told.counts == {"ours": {PUBLIC_VIEW: 1}}
