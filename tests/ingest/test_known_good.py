"""Known-good lists in a hub: what they drop, hold, lower and label, and what happens when they change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from config.instant import DAY, HOUR, stix_time
from config.settings import Settings
from normalizers.claims import Claim
from taxii_server import suppression
from taxii_server.jobs import Jobs
from taxii_server.opening import open_hub
from taxii_server.stores.base import Store, StoreUnusable
from taxii_server.stores.memory import MemoryStore
from tests.hubs import BLOCKING, MEMBERS, PUBLIC, Hub, SteppingClock, settings

NOW = 1_790_000_000_000
OTHER = "11111111-2222-4333-8444-555555555555"


def listed(name: str = "good", action: str = "drop", **more: Any) -> dict[str, Any]:
    """A list of one name, as the hub's file says it."""
    return {"id": name, "title": name, "values": ["good.example"], "action": action, **more}


def claim(value: str = "good.example", kind: str = "domain", **more: Any) -> Claim:
    """What a feed says."""
    said: dict[str, Any] = {"origin": "feed-a", "family": "feed-a", "audience": "clear", "confidence": 80} | more
    return Claim(kind, value, version=NOW, first_seen=NOW - DAY, last_seen=NOW, life=30 * DAY, **said)


class Case:
    """One hub over its life, with other lists at each start."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store: Store = MemoryStore()
        self.clock = SteppingClock(NOW * 1_000)

    def start(self, *lists: dict[str, Any], **changes: Any) -> Hub:
        """Start an hour later, and do what that calls for."""
        self.clock.now += HOUR * 1_000
        made = settings(known_good=list(lists), **changes).model_copy(update={"data": self.folder})
        hub = Hub(self.store, self.clock, made)
        Jobs(hub.publisher).settle()
        hub.publish()
        Jobs(hub.publisher).relist()
        return hub

    def said(self, *claims: Claim) -> None:
        """Have feeds say this."""
        hub = self.start()
        hub.put(claims)
        hub.publish()


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """A hub that knows nothing yet."""
    return Case(tmp_path)


def indicators(hub: Hub, collection: str = PUBLIC) -> dict[str, dict[str, Any]]:
    """What a subscriber holds, by name."""
    return {obj["name"]: obj for obj in hub.objects(collection, "indicator")}


def live(hub: Hub, collection: str = PUBLIC) -> set[str]:
    """Names that are valid at this moment."""
    now = stix_time(hub.clock.now // 1_000)
    return {name for name, obj in indicators(hub, collection).items() if obj["valid_until"] > now}


def test_what_is_dropped_is_in_no_collection(case: Case) -> None:
    """A value that a list holds is not admitted, and is known all the same."""
    hub = case.start(listed())
    hub.put([claim(), claim("bad.example")])
    hub.publish()
    assert live(hub) == {"bad.example"}
    assert hub.store.claims([claim().key])
    assert hub.publisher.sight.known_good.hits()["clear/combined/tlp2"] == {"good": 1}


def test_what_is_newly_listed_ends_and_comes_back_under_its_id(case: Case) -> None:
    """A published value ends when a list comes to hold it, once, and returns under its id when that is no longer so."""
    case.said(claim(), claim("bad.example"))
    before = indicators(case.start())
    hub = case.start(listed())
    ended = indicators(hub)
    assert live(hub) == {"bad.example"}
    assert ended["good.example"]["valid_until"] == stix_time(hub.clock.now // 1_000)
    assert "ais-jp:known-good=good" in ended["good.example"]["labels"]
    assert ended["bad.example"] == before["bad.example"]
    log = hub.log(PUBLIC)
    for _ in range(2):  # said again, and started again: it was over, and is
        hub.put([claim(origin="feed-b", family="feed-b")])
        hub.publish()
        hub = case.start(listed())
    assert hub.log(PUBLIC) == log
    again = indicators(case.start())["good.example"]
    assert (again["id"], again["created"]) == (before["good.example"]["id"], before["good.example"]["created"])
    assert again["modified"] > ended["good.example"]["modified"]
    assert again["valid_until"] == before["good.example"]["valid_until"]
    assert "ais-jp:known-good=good" not in again.get("labels", ())


def test_what_is_held_stays_as_it_is_and_nothing_new_comes(case: Case) -> None:
    """What was published before is neither ended nor changed; what was not is not admitted."""
    case.said(claim())
    hub = case.start(listed(action="hold", values=["good.example", "other.example"]))
    log = hub.log(PUBLIC)
    hub.put([claim("other.example"), claim(origin="feed-b", family="feed-b", confidence=95)])
    hub.publish()
    assert hub.log(PUBLIC) == log
    assert live(hub) == {"good.example"}
    released = case.start()
    assert live(released) == {"good.example", "other.example"}
    assert indicators(released)["good.example"]["confidence"] == 95


def test_what_is_held_ends_with_its_claims(case: Case) -> None:
    """A source that takes its word back is heard, hold or not."""
    case.said(claim())
    hub = case.start(listed(action="hold"))
    now = hub.clock.now // 1_000
    hub.put([claim()._replace(withdrawn=now, version=now)])
    hub.publish()
    assert live(hub) == set()


def test_lowered_and_labelled(case: Case) -> None:
    """A list that lowers bounds the confidence and says so; one that labels says so alone."""
    hub = case.start(listed("low", "lower", ceiling=15), listed("word", "label", values=["good.example", "b.example"]))
    hub.put([claim(), claim("b.example")])
    hub.publish()
    found = indicators(hub)
    assert (found["good.example"]["confidence"], found["b.example"]["confidence"]) == (15, 80)
    assert [word for word in found["good.example"]["labels"] if "known" in word] == [
        "ais-jp:known-good=low",
        "ais-jp:known-good=word",
    ]
    assert live(hub, BLOCKING) == {"b.example"}


def test_an_agreed_word_is_published_anew_when_a_list_lowers_it(case: Case) -> None:
    """Where several sources agree, the digest knows of lists too."""
    case.said(claim(), claim(origin="feed-b", family="feed-b"))
    before = indicators(case.start())["good.example"]
    lowered = indicators(case.start(listed(action="lower")))["good.example"]
    assert (before["confidence"], lowered["confidence"]) == (95, 20)
    assert indicators(case.start())["good.example"]["confidence"] == 95


def test_the_strictest_list_counts(case: Case) -> None:
    """Of several lists that hold a value, one that drops it decides."""
    hub = case.start(listed("l1", "label"), listed("l2", "hold"), listed("l3", "drop"), listed("l4", "lower"))
    hub.put([claim()])
    hub.publish()
    assert live(hub) == set()


def test_an_action_that_changes_acts_on_what_is_published(case: Case) -> None:
    """Another action of a list is a change of the list."""
    case.said(claim())
    assert indicators(case.start(listed(action="label")))["good.example"]["confidence"] == 80
    assert indicators(case.start(listed(action="lower")))["good.example"]["confidence"] == 20
    assert live(case.start(listed())) == set()
    assert live(case.start(listed(action="label"))) == {"good.example"}


def test_a_list_whose_file_changes(case: Case) -> None:
    """An edited file ends what it holds now, brings back what it holds no more, and touches nothing else."""
    path = case.folder / "own.txt"
    path.write_text("# ours\na.example\nb.example  # the shop\n", encoding="utf-8")
    case.said(*(claim(f"{name}.example") for name in "abcd"))
    own = {"id": "own", "title": "Own", "file": str(path), "action": "drop"}
    assert live(case.start(own)) == {"c.example", "d.example"}
    path.write_text("b.example\nc.example\n", encoding="utf-8")
    before = indicators(case.start(own))
    assert live(case.start(own)) == {"a.example", "d.example"}
    log = case.start(own).log(PUBLIC)
    assert case.start(own).log(PUBLIC) == log
    assert {name: obj["modified"] for name, obj in before.items() if name == "d.example"} == {
        "d.example": stix_time(NOW + HOUR)
    }


def test_lists_of_before_that_are_lost_cost_only_work(case: Case) -> None:
    """Without what was compiled before all is looked at again, and nothing is said twice."""
    case.said(claim(), claim("b.example"))
    case.start(listed())
    for path in (case.folder / "known-good").iterdir():
        path.write_bytes(b"damaged")
    hub = case.start(listed(values=["b.example"]))
    assert live(hub) == {"good.example"}
    assert len(list((case.folder / "known-good").iterdir())) == 1


def test_a_job_that_was_interrupted_is_gone_on_with(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped between two steps, the change of lists is done at the next start."""
    from taxii_server import jobs

    monkeypatch.setattr(jobs, "_STEP", 5)
    names = [f"n{number}.good.example" for number in range(20)]
    case.said(*(claim(name) for name in names))

    class Stop(Exception):
        pass

    def interrupt(done: int) -> None:
        if done >= 10:
            raise Stop

    made = settings(known_good=[listed()]).model_copy(update={"data": case.folder})
    with pytest.raises(Stop):
        Jobs(Hub(case.store, case.clock, made).publisher).settle(interrupt)
    hub = case.start(listed())
    assert live(hub) == set()
    ends = [obj["valid_until"] for obj in indicators(hub).values()]
    assert len(set(ends)) == 2


def test_lists_that_are_as_they_were_before_an_interrupted_job_are_seen_to(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what the job had dropped already nothing stays away; nor where yet other lists come, or some that were."""
    from taxii_server import jobs

    monkeypatch.setattr(jobs, "_STEP", 5)
    names = [f"n{number}.good.example" for number in range(20)]
    case.said(*(claim(name) for name in names))

    class Stop(Exception):
        pass

    def interrupted(*lists: dict[str, Any], steps: int) -> None:
        def interrupt(done: int) -> None:
            if done >= 5 * steps:
                raise Stop

        made = settings(known_good=list(lists)).model_copy(update={"data": case.folder})
        with pytest.raises(Stop):
            Jobs(Hub(case.store, case.clock, made).publisher).settle(interrupt)

    interrupted(listed(), steps=2)
    assert live(case.start()) == set(names)
    interrupted(listed(), steps=3)
    interrupted(listed(values=["n0.good.example"]), steps=1)
    assert live(case.start(listed(values=["n1.good.example"]))) == {*names} - {"n1.good.example"}
    interrupted(listed(), steps=2)
    assert live(case.start(listed(values=["n1.good.example"]))) == {*names} - {"n1.good.example"}
    assert live(case.start()) == set(names)


def test_a_private_list_acts_where_it_may_be_seen(case: Case) -> None:
    """A members' list acts in the members' view and in no other."""
    case.said(claim())
    hub = case.start(listed(audience="green"))
    assert (live(hub), live(hub, MEMBERS)) == ({"good.example"}, set())


def test_a_view_may_rule_otherwise_under_ids_of_its_own(case: Case) -> None:
    """A collection whose view has other actions holds other objects; the others keep their ids."""
    hub = case.start(listed(action="lower"))
    hub.put([claim()])
    hub.publish()
    raw = hub.settings.model_dump()
    other = {
        "id": OTHER,
        "title": "All",
        "kind": "merged",
        "view": {"audience": "clear", "known_good": {"good": "off"}},
        "read": ["anyone"],
    }
    raw["api_roots"][0]["collections"] = [*raw["api_roots"][0]["collections"], other]
    both = Hub(case.store, case.clock, Settings.model_validate(raw))
    Jobs(both.publisher).settle()
    usual, own = indicators(both)["good.example"], indicators(both, OTHER)["good.example"]
    assert (usual["confidence"], own["confidence"]) == (20, 80)
    assert usual["id"] != own["id"]
    assert usual == indicators(hub)["good.example"]


def test_a_collection_that_is_there_cannot_be_given_other_actions(tmp_path: Path) -> None:
    """Its objects would have other bytes under the same ids; the hub does not start."""
    usual = settings(known_good=[listed()], store="sqlite:hub.db").model_copy(update={"data": tmp_path})
    open_hub(usual).close()
    raw = usual.model_dump()
    raw["api_roots"][0]["collections"][0]["view"]["known_good"] = {"good": "label"}
    with pytest.raises(StoreUnusable, match="give it a new id"):
        open_hub(Settings.model_validate(raw).model_copy(update={"data": tmp_path}))


@pytest.mark.parametrize(
    ("item", "view", "said"),
    [
        (listed(audience="internal"), {}, "no view is internal"),
        (listed(audience="amber:nobody"), {}, "no group is called 'nobody'"),
        (listed(values=[]), {}, "expected warninglists, a file or values"),
        (listed(types=["cve"]), {}, "are not known to be good"),
        (listed(audience="green"), {"good": "off"}, "'good' is for green, and this view for clear"),
        (listed(), {"bad": "off"}, "no known-good list is called 'bad'"),
    ],
)
def test_a_list_that_makes_no_sense_is_refused(item: dict[str, Any], view: dict[str, str], said: str) -> None:
    """What was given and what was expected."""
    raw = settings().model_dump()
    raw["api_roots"][0]["collections"][0]["view"]["known_good"] = view
    with pytest.raises(ValidationError, match=said):
        Settings.model_validate({**raw, "known_good": [item]})


def test_a_list_over_its_cap_is_set_aside_when_it_changes(case: Case) -> None:
    """A stray entry that would hold nearly everything does nothing, is reported, and acts once it is mended."""
    case.said(*(claim(f"n{number}.bad.example") for number in range(150)), claim())
    before = case.start().log(PUBLIC)
    stray = listed(values=["good.example", "bad.example"])
    hub = case.start(stray)
    assert hub.log(PUBLIC) == before
    (aside, *_) = [item for item in hub.publisher.sight.known_good.aside() if item.view == "clear/combined/tlp2"]
    assert (aside.list, aside.hits, aside.seen) == ("good", 151, 151)
    assert "good.example" not in live(case.start(listed(values=["good.example", "bad2.example"])))


def test_a_list_that_hits_more_than_its_cap_is_set_aside(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it kept out comes when it is set aside in that view, and a list under its cap goes on acting."""
    monkeypatch.setattr(suppression, "WINDOW", 200)
    hub = case.start(listed(values=["bad.example"]), listed("other", values=["good.example"]))
    hub.put([*(claim(f"n{number}.bad.example") for number in range(150)), claim()])
    hub.publish()
    assert live(hub) == set()
    hub.put([claim(f"n{number}.example") for number in range(60)])
    hub.publish()
    assert {(item.view, item.list) for item in hub.publisher.sight.known_good.aside()} == {
        ("clear/combined/tlp2", "good"),
        ("green/combined/tlp2", "good"),
    }
    Jobs(hub.publisher).relist()
    assert len(live(hub)) == 210
    assert "good.example" not in live(hub)


def test_a_number_of_hits_may_be_the_cap(case: Case) -> None:
    """A list of which so many hits are too many is set aside however much else there is."""
    hub = case.start(listed(cap={"hits": 3}))
    hub.put([claim(f"n{number}.good.example") for number in range(4)])
    hub.publish()
    Jobs(hub.publisher).relist()
    assert len(live(hub)) == 4


def test_what_a_person_confirmed_is_not_set_aside(case: Case) -> None:
    """Until the list changes."""
    case.said(*(claim(f"n{number}.good.example") for number in range(150)))
    hub = case.start(listed())
    assert len(live(hub)) == 150
    known_good = hub.publisher.sight.known_good
    known_good.confirm("good", None)
    Jobs(hub.publisher).relist()
    assert live(hub) == set()
    assert known_good.aside() == []


def test_new_bytes_do_not_bring_back_what_is_kept_out(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change of how objects are made neither reissues what was dropped nor hides that it comes back."""
    case.said(claim())
    case.start(listed())
    from normalizers import stix
    from taxii_server import jobs
    from taxii_server.stores.base import AuditRecord

    monkeypatch.setattr(stix, "_likewise", lambda *_: b'{"description":"Said otherwise.","confidence":1}')
    monkeypatch.setattr(jobs, "MAKING", "another")
    hub = case.start(listed())
    assert Jobs(hub.publisher).reissue(AuditRecord(NOW, "me", "reissue", "", {})) == 0
    assert live(hub) == set()
    assert live(case.start()) == {"good.example"}
