"""Ingest: from files on disk to claims, with the cursor last."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from config.feeds import Feed
from config.instant import DAY, HOUR, stix_time
from config.settings import Settings
from normalizers.claims import observable_key
from taxii_server.ingest import FeedBusy, Ingest
from taxii_server.stores.base import ClaimRow, FeedState
from taxii_server.stores.memory import MemoryStore
from tests.collectors.repository import Repository
from tests.collectors.server import Server
from tests.hubs import PUBLIC, Hub, SteppingClock, settings

NOW = 1_790_000_000_000


def _feed(**changes: Any) -> Feed:
    return Feed.model_validate(
        {
            "id": "list-feed",
            "title": "A list",
            "carries": "URLs",
            "publisher": {"name": "Publisher", "country": "JP", "homepage": "https://publisher.example/"},
            "transport": {"kind": "file", "path": "list.txt"},
            "format": {"kind": "text", "type": "url"},
            "marking": "TLP:CLEAR",
            "share": "public",
            "reliability": 100,
            "confidence": 80,
            "kind": "list",
            "every": "1h",
            "life": {"url": "7d"},
            **changes,
        }
    )


class Runner:
    """A hub whose one feed is a file."""

    def __init__(self, folder: Path, feed: Feed, store: MemoryStore | None = None) -> None:
        self.folder = folder
        self.feed = feed
        self.clock = SteppingClock(NOW * 1_000)
        self.store = store or MemoryStore()
        self.hub = Hub(self.store, self.clock, self.settings())

    def settings(self) -> Settings:
        return settings(feeds=[self.feed.model_dump()]).model_copy(update={"data": self.folder})

    def write(self, *values: str) -> None:
        path = self.folder / "list.txt"
        path.write_text("".join(f"{value}\n" for value in values))
        os.utime(path, (self.clock.now / 1e6, self.clock.now / 1e6))

    def run(self, *, confirmed: bool = False) -> FeedState:
        ingest = Ingest(self.settings(), self.store, self.clock, owner="me", environment={})
        state = ingest.run(self.feed, confirmed=confirmed)
        self.hub.publish()
        return state

    def wait(self, millis: int) -> None:
        self.clock.now += millis * 1_000

    def live(self) -> dict[str, str]:
        return {obj["name"]: obj["valid_until"] for obj in self.hub.objects(PUBLIC, "indicator")}


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path, _feed())


def test_a_list_becomes_indicators_and_every_row_is_accounted_for(runner: Runner) -> None:
    """Rows are claims or refusals with line and reason; the sums agree."""
    runner.write("http://example.com/a", "not a url", "http://example.com/b", "http://example.com/c")
    state = runner.run()
    assert state.status == "ok"
    assert (state.counts["rows"], state.counts["claims"], state.counts["refused"]) == (4, 3, 1)
    assert [line for line, _ in state.examples] == [2]
    assert set(runner.live()) == {"http://example.com/a", "http://example.com/b", "http://example.com/c"}


def test_promise_4_collecting_an_unchanged_list_adds_no_entry(runner: Runner) -> None:
    """Nothing is published, nor even written, when the same document is collected again within a step."""
    runner.write("http://example.com/a", "http://example.com/a", "http://example.com/b")
    runner.run()
    before = runner.hub.log(PUBLIC)
    for _ in range(3):
        runner.wait(1_000)
        state = runner.run()
        assert state.status == "unchanged"
        assert state.counts["claims"] == 3  # what the last document brought is still shown
    runner.write("http://example.com/a", "http://example.com/a", "http://example.com/b", "# another comment")
    state = runner.run()
    assert (state.status, state.counts["claims"], state.counts["kept"]) == ("ok", 3, 0)
    assert runner.hub.log(PUBLIC) == before


def test_a_listed_value_is_renewed_once_a_step_even_when_the_list_does_not_change(runner: Runner) -> None:
    """Over five lives of hourly unchanged polls, a value gets about two versions a life and never ends."""
    runner.write("http://example.com/a")
    runner.run()
    versions = {runner.live()["http://example.com/a"]}
    for _ in range(5 * 7 * 24):
        runner.wait(HOUR)
        state = runner.run()
        assert state.status == "unchanged"
        (until,) = runner.live().values()
        versions.add(until)
    assert 10 <= len(versions) <= 12


def test_what_left_a_complete_list_is_withdrawn_and_what_returns_comes_back(runner: Runner) -> None:
    """Absence from a full list ends the value's validity; its return renews it under the same id."""
    runner.write("http://example.com/a", "http://example.com/b", "http://example.com/c")
    runner.run()
    before = runner.live()
    runner.wait(HOUR)
    runner.write("http://example.com/a", "http://example.com/c")
    assert runner.run().counts["withdrawn"] == 1
    assert runner.live()["http://example.com/b"] < before["http://example.com/b"]
    runner.wait(HOUR)
    runner.write("http://example.com/a", "http://example.com/b", "http://example.com/c")
    assert runner.run().counts["withdrawn"] == 0
    assert runner.live()["http://example.com/b"] >= before["http://example.com/b"]
    assert len(runner.hub.objects(PUBLIC, "indicator")) == 3


def test_a_list_that_shrinks_by_more_than_half_is_held(runner: Runner) -> None:
    """A list that lost most of its values changes nothing and says so; its return is taken in."""
    values = [f"http://example.com/{number}" for number in range(30)]
    runner.write(*values)
    runner.run()
    before = runner.hub.log(PUBLIC)
    runner.wait(HOUR)
    runner.write(*values[:12])
    state = runner.run()
    assert state.status == "held"
    assert "shrank from 30 to 12" in state.message
    assert runner.hub.log(PUBLIC) == before
    runner.wait(HOUR)
    runner.write(*values[:28])
    assert runner.run().counts["withdrawn"] == 2


@pytest.mark.parametrize(
    "content", [b"", b"# only a comment\n", b"\xff\xfe\x00broken", b"<html><body>503</body></html>"]
)
def test_an_empty_or_unreadable_document_costs_the_run_and_changes_nothing(runner: Runner, content: bytes) -> None:
    """What the store held stays, the cursor stays, and the feed's state says why."""
    runner.write("http://example.com/a")
    runner.run()
    before, cursor = runner.hub.log(PUBLIC), runner.store.feed_state("list-feed")
    runner.wait(HOUR)
    (runner.folder / "list.txt").write_bytes(content)
    state = runner.run()
    assert state.status in ("failed", "held")
    assert state.message
    assert cursor is not None
    # What was held is asked for whole, and not only if it changes again.
    assert state.cursor == ({} if state.status == "held" else cursor.cursor)
    assert state.failures == (state.status == "failed")
    assert runner.hub.log(PUBLIC) == before


def test_a_document_with_too_many_bad_rows_is_held_before_anything_is_written(runner: Runner) -> None:
    """More than half of the rows refused means that the format changed, not that the rows are bad."""
    runner.write("http://example.com/a", *(f"nonsense {number}" for number in range(9)))
    state = runner.run()
    assert state.status == "held"
    assert state.counts["refused"] == 9
    assert runner.store.keys() == []


@pytest.mark.parametrize("kind", ["unreadable", "repeated"])
def test_a_damaged_list_withdraws_nothing(runner: Runner, kind: str) -> None:
    """A list that kept its number of rows and lost its values is held, and nothing is withdrawn for its absence."""
    runner.write(*(f"http://example.com/{number}" for number in range(4_000)))
    runner.run()
    runner.wait(HOUR)
    rest = ["nonsense here"] * 3_000 if kind == "unreadable" else ["http://example.com/0"] * 3_000
    runner.write(*(f"http://example.com/{number}" for number in range(1_000)), *rest)
    state = runner.run()
    assert state.status == "held"
    assert state.counts["withdrawn"] == 0
    assert len(runner.live()) == 4_000


def test_the_cursor_moves_only_after_the_store_has_accepted(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that fails while claims are written leaves the cursor where it was; the next run brings all."""
    runner.write("http://example.com/a", "http://example.com/b")

    def broken(rows: list[ClaimRow], **other: Any) -> int:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(runner.store, "put_claims", broken)
        with pytest.raises(RuntimeError):
            runner.run()
    state = runner.store.feed_state("list-feed")
    assert state is None or state.cursor == {}
    assert runner.run().counts["kept"] == 2


def test_a_feed_is_run_by_one_worker_at_a_time(runner: Runner) -> None:
    """While another process holds the feed's lease, running it is refused."""
    runner.write("http://example.com/a")
    assert runner.store.lease("feed/list-feed", "another", now=NOW, until=NOW + HOUR)
    with pytest.raises(FeedBusy):
        runner.run()


def test_claims_go_where_changed_terms_send_them(tmp_path: Path) -> None:
    """A feed whose terms become narrower is withdrawn from the public and stands for members."""
    runner = Runner(tmp_path, _feed())
    runner.write("http://example.com/a")
    runner.run()
    public_until = runner.live()["http://example.com/a"]
    narrower = Runner(tmp_path, _feed(share="members"), runner.store)
    narrower.clock.now = runner.clock.now + HOUR * 1_000
    narrower.write("http://example.com/a")
    narrower.run()
    assert narrower.live()["http://example.com/a"] < public_until
    from tests.hubs import OWN

    (kept,) = narrower.hub.objects(OWN, "indicator")
    assert kept["name"] == "http://example.com/a"
    (record,) = runner.store.audit_log()
    assert record[1:] == (
        "hub",
        "terms followed",
        "list-feed",
        {"before": "clear", "now": "green", "named otherwise": False},
    )
    narrower.run()
    assert runner.store.audit_log() == [record]


def test_promise_2_terms_that_become_wider_declassify_nothing(tmp_path: Path) -> None:
    """What was collected for members stays theirs until the feed says it again; from then on the public has it."""
    runner = Runner(tmp_path, _feed(share="members", kind="log"))
    runner.write("http://example.com/old", "http://example.com/still")
    runner.run()
    wider = Runner(tmp_path, _feed(share="public", kind="log"), runner.store)
    wider.clock.now = runner.clock.now + HOUR * 1_000
    wider.write("http://example.com/still")
    wider.run()
    assert set(wider.live()) == {"http://example.com/still"}


def test_changed_terms_are_followed_even_when_the_document_did_not_change(tmp_path: Path) -> None:
    """The feed is read anew, whole, under its new terms."""
    runner = Runner(tmp_path, _feed(share="members"))
    runner.write("http://example.com/a")
    runner.run()
    wider = Runner(tmp_path, _feed(share="public"), runner.store)
    wider.clock.now = runner.clock.now + HOUR * 1_000
    assert wider.run().status == "ok"
    assert set(wider.live()) == {"http://example.com/a"}


def test_a_clock_that_stepped_back_does_not_stop_a_feed(runner: Runner) -> None:
    """A feed that ran in what is now the future is due at once."""
    runner.write("http://example.com/a")
    runner.run()
    runner.clock.now -= 365 * DAY * 1_000
    ingest = Ingest(runner.settings(), runner.store, runner.clock, owner="me", environment={})
    assert [feed.id for feed in ingest.due()] == ["list-feed"]


def test_a_feed_that_may_not_be_named_is_opaque_everywhere(tmp_path: Path) -> None:
    """No served byte holds the id of a feed whose source is not to be named."""
    runner = Runner(tmp_path, _feed(id="secret-source", named=False))
    runner.write("http://example.com/a")
    runner.run()
    served = b"".join(body for _, body in runner.hub.log(PUBLIC))
    assert b"http://example.com/a" in served
    for word in (b"secret-source", b"A list", b"publisher.example", b"Publisher"):
        assert word not in served


def test_a_feed_that_may_no_longer_be_named_is_one_opinion_still(tmp_path: Path) -> None:
    """When a source is no longer to be named, what stood under its name ends; nothing counts twice."""
    runner = Runner(tmp_path, _feed())
    runner.write("http://example.com/a")
    runner.run()
    hidden = Runner(tmp_path, _feed(named=False), runner.store)
    hidden.clock.now = runner.clock.now + HOUR * 1_000
    hidden.run()
    (obj,) = hidden.hub.objects(PUBLIC, "indicator")
    assert obj["confidence"] == 80
    assert "independent sources: 1" in obj["description"]


def test_what_a_log_says_again_for_fewer_leaves_the_wider(tmp_path: Path) -> None:
    """An indicator that comes back marked GREEN is withdrawn where it stood as CLEAR, once and for all."""
    green, clear = (f"marking-definition--{word}" for word in (
        "bab4a63c-aed9-4cf5-a766-dfca5abac2bb", "94868c89-83c2-464b-929b-a1a8aa3c8487"
    ))  # fmt: skip
    runner = Runner(tmp_path, _feed(kind="log", format={"kind": "stix"}))

    def bundle(marking: str, hours: int) -> None:
        moment = stix_time(NOW + hours * HOUR)
        obj = {
            "type": "indicator",
            "spec_version": "2.1",
            "id": "indicator--11111111-1111-4111-8111-111111111111",
            "created": stix_time(NOW),
            "modified": moment,
            "valid_from": stix_time(NOW),
            "pattern": "[url:value = 'http://example.com/a']",
            "pattern_type": "stix",
            "object_marking_refs": [marking],
        }
        runner.write(json.dumps({"objects": [obj]}))

    bundle(clear, 0)
    runner.run()
    until = runner.live()["http://example.com/a"]
    runner.wait(2 * HOUR)
    bundle(green, 1)
    runner.run()
    assert runner.live()["http://example.com/a"] < until


def test_a_batch_counts_from_its_publication(tmp_path: Path) -> None:
    """In a log that comes in batches, rows of weeks ago were sighted when the batch was published."""
    row = "2026/08/01 10:00:00,http://example.com/a"
    fmt = {
        "kind": "csv",
        "fields": {"value": "URL", "type": "url", "first_seen": "date", "time": "%Y/%m/%d %H:%M:%S", "zone": "JST"},
    }
    runner = Runner(tmp_path, _feed(kind="log", batch=True, format=fmt))
    runner.write("date,URL", row)
    runner.run()
    (obj,) = runner.hub.objects(PUBLIC, "indicator")
    assert obj["valid_from"] == "2026-08-01T01:00:00.000Z"
    assert obj["valid_until"] > "2026-09-21"


def test_a_log_keeps_what_it_no_longer_mentions(tmp_path: Path) -> None:
    """Absence from a log means nothing."""
    runner = Runner(tmp_path, _feed(kind="log"))
    runner.write("http://example.com/a", "http://example.com/b")
    runner.run()
    runner.wait(DAY)
    runner.write("http://example.com/b")
    assert runner.run().counts["withdrawn"] == 0
    assert len(runner.live()) == 2


def _dated(*rows: tuple[str, int]) -> list[str]:
    return ["date,URL", *(f"{stix_time(NOW + hours * HOUR)},{value}" for value, hours in rows)]


@pytest.fixture
def dated(tmp_path: Path) -> Runner:
    """A log whose rows bear dates."""
    fmt = {"kind": "csv", "fields": {"value": "URL", "type": "url", "first_seen": "date"}}
    return Runner(tmp_path, _feed(kind="log", format=fmt))


def test_a_row_dated_ahead_counts_as_of_its_fetch(dated: Runner) -> None:
    """It is counted, published at once, and ends a life after it was fetched."""
    dated.write(*_dated(("http://example.com/a", 24 * 365), ("http://example.com/b", 0)))
    state = dated.run()
    assert (state.status, state.counts["claims"], state.counts["ahead"]) == ("ok", 2, 1)
    assert set(dated.live()) == {"http://example.com/a", "http://example.com/b"}
    assert dated.live()["http://example.com/a"] <= stix_time(NOW + 7 * DAY)


def test_a_row_dated_ahead_silences_no_later_one(dated: Runner) -> None:
    """What the feed says rightly a week later renews the value, long before the wrong date has come."""
    dated.write(*_dated(("http://example.com/a", 24 * 365)))
    dated.run()
    until = dated.live()["http://example.com/a"]
    dated.wait(6 * DAY)
    dated.write(*_dated(("http://example.com/a", 6 * 24)))
    assert dated.run().counts["ahead"] == 0
    assert dated.live()["http://example.com/a"] > until


def test_promise_4_a_row_dated_ahead_is_read_again_to_no_effect(dated: Runner) -> None:
    """Within a step, the same row in a document that changed adds no entry."""
    rows = ("http://example.com/a", 24 * 365)
    dated.write(*_dated(rows))
    dated.run()
    before = dated.hub.log(PUBLIC)
    for minutes in range(1, 4):
        dated.wait(60_000)
        dated.write(*_dated(rows), *[""] * minutes)
        assert dated.run().counts["kept"] == 0
    assert dated.hub.log(PUBLIC) == before


def test_a_row_within_the_tolerated_skew_keeps_its_date(dated: Runner) -> None:
    """A clock that is a little ahead is nothing to speak of."""
    dated.clock.now -= 4 * 60_000_000
    dated.write(*_dated(("http://example.com/a", 0)))
    assert dated.run().counts["ahead"] == 0


@pytest.mark.parametrize("kind", ["list", "log"])
@pytest.mark.parametrize("stated", [(50, 80), (52, 52, 80), (80, 52, 52), (52, 80, 52, 90)])
def test_promise_4_rows_that_contradict_each_other_make_no_version_at_each_reading(
    tmp_path: Path, kind: str, stated: tuple[int, ...]
) -> None:
    """A value that stands several times, with different confidence, says the same whenever the document is read."""
    form = {"kind": "json", "fields": {"value": "url", "type": "url", "confidence": "sure"}}
    runner = Runner(tmp_path, _feed(kind=kind, format=form))
    rows = json.dumps([{"url": "http://example.com/a", "sure": sure} for sure in stated])
    seen = []
    for reading in range(4):
        runner.write(rows + " " * reading)  # other bytes, and a later date, that say the same
        assert runner.run().status == "ok"
        seen.append(runner.hub.log(PUBLIC))
        runner.wait(HOUR)
    assert seen == [seen[0]] * 4


_CLEAR, _RED = (f"marking-definition--{uuid}" for uuid in (
    "94868c89-83c2-464b-929b-a1a8aa3c8487", "e828b379-4e03-4974-9ac4-e53a884c97c1",
))  # fmt: skip


@pytest.mark.parametrize(
    "later",
    [
        {"object_marking_refs": [_RED]},
        {"object_marking_refs": ["marking-definition--00000000-0000-4000-8000-000000000000"]},
        {"indicator_types": ["benign"]},
    ],
)
def test_promise_2_a_record_that_its_source_thinks_otherwise_of_says_no_more_what_it_said(
    tmp_path: Path, later: dict[str, Any]
) -> None:
    """What is TLP:RED now, marked nobody knows how, or harmless, is refused, and its earlier version taken back once; a
    later version that can be taken stands again."""
    runner = Runner(tmp_path, _feed(kind="log", format={"kind": "stix"}))

    def version(number: int, **changes: Any) -> str:
        moment = stix_time(NOW + number * HOUR)
        said = {"type": "indicator", "spec_version": "2.1", "created": stix_time(NOW), "modified": moment}
        said |= {"id": "indicator--00000000-0000-4000-8000-000000000001", "valid_from": stix_time(NOW)}
        said |= {"pattern_type": "stix", "pattern": "[url:value = 'http://example.com/a']"}
        other = {**said, "id": "indicator--00000000-0000-4000-8000-000000000002"}
        other["pattern"] = "[url:value = 'http://example.com/b']"
        return json.dumps([{**said, "object_marking_refs": [_CLEAR], **changes}, other])

    runner.write(version(0))
    runner.run()
    for number in (1, 2):
        runner.wait(HOUR)
        runner.write(version(1, **later) + " " * number)
        state = runner.run()
        assert (state.status, state.counts["claims"], state.counts["refused"]) == ("ok", 1, 1)
        assert runner.live()["http://example.com/a"] == stix_time(NOW + HOUR)
        assert runner.live()["http://example.com/b"] > stix_time(NOW + DAY)
    runner.wait(HOUR)
    runner.write(version(3))
    runner.run()
    assert runner.live()["http://example.com/a"] > stix_time(NOW + DAY)


def test_of_a_repository_a_broken_file_costs_only_itself(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that turned into a web page is left out and told of, and read again by each run, though it did not change;
    when no file can be read the run fails."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server().running() as server:
        repository = Repository(server)
        places = {"api": f"{server.base}/api", "raw": f"{server.base}/raw"}
        runner.feed = _feed(kind="log", transport={"kind": "github", "repository": "o/r", "files": ["*.txt"], **places})
        repository.files = {"a.txt": b"http://a.example/\n", "b.txt": b"<html></html>"}
        state = runner.run()
        assert (state.status, state.cursor["commit"]) == ("ok", repository.commit)
        assert state.message.startswith("1 of 2 documents left out: b.txt: expected a list of values, got an HTML page")
        assert list(runner.live()) == ["http://a.example/"]
        repository.fetched()
        for _ in range(2):
            runner.wait(HOUR)
            state = runner.run()
            assert (state.status, repository.fetched()) == ("unchanged", ["b.txt"])
            assert state.message.startswith("1 of 2 documents left out: b.txt: expected a list of values")
            assert state.counts["claims"] == 1  # what the last document brought is still shown
        repository.files["a.txt"] = b"<html>too</html>"
        for _ in range(2):
            state = runner.run()
            assert (state.status, repository.fetched()) == ("failed", ["a.txt", "b.txt"])
            assert state.message.startswith("a.txt: expected a list of values, got an HTML page")
        repository.files["b.txt"] = b"http://b.example/\n"
        state = runner.run()
        assert (state.status, set(runner.live())) == ("ok", {"http://a.example/", "http://b.example/"})
        assert state.message.startswith("1 of 2 documents left out: a.txt")
        repository.files["a.txt"] = b"http://a.example/\n"
        assert (runner.run().message, runner.run().status) == ("", "unchanged")


def test_what_is_for_look_ups_alone_is_kept_and_not_published(runner: Runner) -> None:
    """JA3 fingerprints stand in the store as claims; no collection has an entry of them, now or later."""
    runner.feed = _feed(format={"kind": "text", "type": "ja3"}, life={})
    runner.write("51c64c77e60f3980eea90869b68c58a8", "0cc175b9c0f1b6a831c399e269772661")
    state = runner.run()
    assert (state.status, state.counts["kept"]) == ("ok", 2)
    key = observable_key("ja3", "51c64c77e60f3980eea90869b68c58a8")
    assert [claim.type for claim in runner.store.claims([key])[key]] == ["ja3"]
    assert runner.hub.objects(PUBLIC, "indicator") == []
    runner.wait(DAY)
    runner.write("51c64c77e60f3980eea90869b68c58a8", "0cc175b9c0f1b6a831c399e269772661", "ab" * 15 + "cd")
    assert runner.run().counts["kept"] == 1
    assert runner.hub.objects(PUBLIC, "indicator") == []


@pytest.mark.parametrize(("named", "family"), [(True, "other"), (False, "opaque:")])
def test_q_c13_a_section_is_of_its_sources_family_also_in_a_feed_of_ones_own(
    runner: Runner, named: bool, family: str
) -> None:
    """Unless nobody may know whose feed it is: then all that it says is of one opaque family."""
    sections = [{"begins": "# B", "family": "other"}]
    runner.feed = _feed(format={"kind": "text", "type": "url", "sections": sections}, named=named)
    runner.write("http://a.example/", "# B", "http://b.example/")
    runner.run()
    keys = {value: observable_key("url", f"http://{value}.example/") for value in "ab"}
    families = {value: runner.store.claims([key])[key][0].family for value, key in keys.items()}
    assert families["b"].startswith(family)
    assert (families["a"] == families["b"]) is not named


def test_q_c13_a_value_that_moves_to_another_section_is_of_that_ones_family(runner: Runner) -> None:
    """The line is the same, and says something else."""
    sections = [{"begins": "# B", "family": "other"}]
    runner.feed = _feed(format={"kind": "text", "type": "url", "sections": sections})
    key = observable_key("url", "http://b.example/")
    for lines, family in ((("http://a.example/", "# B", "http://b.example/"), "other"), (("http://b.example/",), "")):
        runner.write(*lines, *(f"http://{number}.example/" for number in range(5)))
        assert runner.run().status == "ok"
        (claim,) = runner.store.claims([key])[key]
        assert claim.family == (family or claim.origin)
        runner.wait(HOUR)
