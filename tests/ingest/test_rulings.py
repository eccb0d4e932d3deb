"""Rulings from the store to the collections: revoked, held, and back under another id."""

from __future__ import annotations

from typing import Any

import pytest

from config.instant import DAY, HOUR, MINUTE, Millis
from normalizers.claims import Claim, observable_key
from normalizers.rulings import Verdict
from taxii_server.rulings import Rulings, Terms
from taxii_server.stores.base import AuditRecord
from taxii_server.stores.memory import MemoryStore
from taxii_server.worth import worth
from tests.hubs import BLOCKING, MEMBERS, OWN, PUBLIC, Hub, SteppingClock
from tests.hubs import settings as hub_settings
from tests.stores.making import claim

NOW = 1_790_000_000_000
URL = ("url", "http://example.com/a")


class Ruled(Hub):
    """A hub that holds one claim, and can be ruled in."""

    def __init__(self, **said: Any) -> None:
        super().__init__(MemoryStore(), SteppingClock(NOW * 1_000), hub_settings())
        self.rulings = Rulings(self.settings, self.store)
        self.say(**said)

    def say(self, **said: Any) -> None:
        now = self.clock.now // 1_000
        given = {"version": now, "first_seen": NOW - DAY, "last_seen": now, "life": 30 * DAY} | said
        self.put([claim(**given)])
        self.publish()

    def rule(self, verdict: Verdict = "false-positive", audience: str = "clear", days: int = 365) -> None:
        self.wait(HOUR)
        terms = Terms(verdict, audience, days * DAY, "seen")
        self.rulings.rule([URL], terms, self._audit("rule"))
        self.publish()

    def lift(self, audience: str | None = None) -> int:
        self.wait(HOUR)
        lifted = self.rulings.lift([URL], audience, self._audit("lift"))
        self.publish()
        return lifted[URL]

    def wait(self, millis: Millis) -> None:
        self.clock.now += millis * 1_000

    def told(self, collection: str = PUBLIC) -> list[tuple[str, bool]]:
        """The indicators of a collection: their ids, and whether they are revoked."""
        found = self.objects(collection, "indicator")
        return [(obj["id"], obj.get("revoked", False)) for obj in found]

    def _audit(self, action: str) -> AuditRecord:
        return AuditRecord(self.clock.now // 1_000, "ops", action, "value", {})


def test_what_is_ruled_false_is_revoked_and_stays_so() -> None:
    """However often sources say it within the term; it is over too, for who knows no ``revoked``."""
    hub = Ruled()
    ((id_, revoked),) = hub.told()
    assert not revoked
    hub.rule()
    assert hub.told() == [(id_, True)]
    (obj,) = hub.objects(PUBLIC, "indicator")
    assert obj["valid_until"] <= obj["modified"]
    before = hub.log(PUBLIC)
    for _ in range(3):
        hub.wait(40 * DAY)
        hub.say()
        hub.rule()
    assert hub.log(PUBLIC) == before


def test_what_is_lifted_returns_at_once_under_another_id() -> None:
    """And under one more when it is ruled on again; each of them has one end."""
    hub = Ruled()
    ids = [hub.told()[0][0]]
    for _ in range(2):
        hub.rule()
        assert hub.told()[-1] == (ids[-1], True)
        assert hub.lift() == 1
        (*ended, (id_, revoked)) = sorted(hub.told(), key=lambda one: not one[1])
        assert (dict(ended), revoked) == (dict.fromkeys(ids, True), False)
        assert id_ not in ids
        ids.append(id_)
    assert hub.lift() == 0


def test_what_is_seen_after_the_term_returns() -> None:
    """With that sighting, and not by the end of the term alone."""
    hub = Ruled()
    hub.rule(days=10)
    hub.wait(20 * DAY)
    hub.publish()
    assert [revoked for _, revoked in hub.told()] == [True]
    hub.say()
    assert sorted(revoked for _, revoked in hub.told()) == [False, True]


def test_what_was_never_published_makes_no_entry() -> None:
    """Ruled on before anybody said it, it is known by look-up alone, until the ruling is lifted."""
    hub = Ruled(value="b")
    hub.rule()
    hub.say()
    assert all("example.com/a" not in obj["name"] for obj in hub.objects(PUBLIC, "indicator"))
    hub.lift()
    assert [revoked for _, revoked in hub.told()] == [False, False]


@pytest.mark.parametrize("ahead", [0, 2 * MINUTE])
def test_what_is_ruled_false_enters_nothing(ahead: Millis) -> None:
    """Be it ruled by a clock that runs a little ahead of the hub's, as far as that is tolerated: neither where nothing
    was published of it, nor a collection that did not hold it till then."""
    hub = Ruled(confidence=50)
    (told,) = hub.told()
    for value in (URL, ("url", "http://example.com/b")):
        audit = AuditRecord(hub.clock.now // 1_000 + ahead, "ops", "rule", "value", {})
        hub.rulings.rule([value], Terms("false-positive", "clear", DAY, "seen"), audit)
    for value in ("a", "b"):
        hub.put([claim(origin="feed-b", value=value, version=NOW, last_seen=NOW, life=30 * DAY, confidence=90)])
    for _ in range(2):
        hub.publish()
        hub.store.mark_dirty([observable_key(*URL), observable_key("url", "http://example.com/b")], "clear")
    assert (hub.told(), hub.told(BLOCKING)) == ([(told[0], True)], [])


def test_what_is_held_stays_as_published_until_it_is_lifted() -> None:
    """What sources say meanwhile shows then, under the same id."""
    hub = Ruled()
    before = hub.log(PUBLIC)
    hub.rule("hold")
    hub.say(confidence=20, labels=("elf",))
    assert hub.log(PUBLIC) == before
    id_ = hub.told()[0][0]
    hub.lift()
    assert hub.told() == [(id_, False)]
    assert "elf" in hub.objects(PUBLIC, "indicator")[0]["labels"]


def test_promise_2_a_ruling_for_some_changes_nothing_for_others() -> None:
    """Members see it revoked, marked for them; to the public it is as it was."""
    hub = Ruled()
    before = hub.log(PUBLIC)
    hub.rule(audience="green")
    hub.lift()
    hub.rule(audience="green")
    assert hub.log(PUBLIC) == before
    assert sorted(revoked for _, revoked in hub.told(MEMBERS)) == [True, True]
    hub.rule()  # widened
    assert [revoked for _, revoked in hub.told()] == [True]


def test_a_ruling_acts_in_own_collections_too() -> None:
    """What members alone are told is revoked for them."""
    hub = Ruled(audience="green")
    hub.rule()
    assert [revoked for _, revoked in hub.told(OWN)] == [True]
    assert hub.told() == []


@pytest.mark.parametrize("kind", ["cve", "advisory"])
def test_vulnerabilities_and_advisories_can_be_ruled_on(kind: str) -> None:
    """They end as when nobody names them any more."""
    hub = Ruled(value="b")
    value = {"cve": "CVE-2026-0001", "advisory": "https://advisories.example/1"}[kind]
    said = Claim(kind, value, "feed-a", "feed-a", "clear", NOW, NOW, NOW, 275 * DAY, 75)
    hub.put([said])
    hub.publish()
    hub.wait(HOUR)
    audit = AuditRecord(hub.clock.now // 1_000, "ops", "rule", value, {})
    hub.rulings.rule([(kind, value)], Terms("false-positive", "clear", DAY, "seen"), audit)
    hub.publish()
    (obj,) = hub.objects(PUBLIC, {"cve": "vulnerability", "advisory": "report"}[kind])
    assert obj["revoked"]


def test_sources_are_told_what_of_theirs_was_ruled_false() -> None:
    """Each that said it, till the ruling is lifted or its term ends; no ruling counts as a source."""
    hub = Ruled()
    hub.say(origin="feed-b")
    hub.say(value="b")
    hub.rule()
    names = {"feed-a": "feed-a", "feed-b": "feed-b"}
    now = hub.clock.now // 1_000
    found = worth(hub.store, names, now)
    assert {name: (one.values, one.ruled_false) for name, one in found.items()} == {"feed-a": (2, 1), "feed-b": (1, 1)}
    assert [one.ruled_false for one in worth(hub.store, names, now + 365 * DAY).values()] == [0, 0]
    hub.lift()
    assert [one.ruled_false for one in worth(hub.store, names, now).values()] == [0, 0]
