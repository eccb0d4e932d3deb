"""What a batch has just written is published without being read again, and only while that is all there is to know."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

import pytest

from config.feeds import Feed
from config.instant import DAY
from normalizers.claims import Claim
from taxii_server.ingest import Ingest
from taxii_server.stores.base import ClaimRow, News
from taxii_server.stores.memory import MemoryStore
from tests.hubs import PUBLIC, Hub, SteppingClock, settings
from tests.ingest.test_ingest import NOW, _feed

VALUE = "http://example.com/a"


class CountingStore(MemoryStore):
    """Counts the observables whose claims are read."""

    def __init__(self) -> None:
        super().__init__()
        self.read = 0

    def claims(self, keys: Collection[bytes]) -> dict[bytes, list[Claim]]:
        self.read += len(set(keys))
        return super().claims(keys)


class Runner:
    """A hub that publishes between batches, as a running one does."""

    def __init__(self, folder: Path, feed: Feed) -> None:
        self.folder = folder
        self.store = CountingStore()
        clock = SteppingClock(NOW * 1_000)
        self.settings = settings(feeds=[feed.model_dump()]).model_copy(update={"data": folder})
        self.hub = Hub(self.store, clock, self.settings)
        self.meanwhile: Callable[[], object] = lambda: None
        self.ingest = Ingest(self.settings, self.store, clock, owner="me", environment={}, between=self._between)

    def _between(self, news: News | None) -> None:
        if news is not None:
            self.meanwhile()
        self.hub.publisher.publish_some(news=news)

    def collect(self, *values: str) -> None:
        (self.folder / "list.txt").write_text("".join(f"{value}\n" for value in values))
        state = self.ingest.run(self.settings.feeds[0])
        assert state.status == "ok"


@pytest.fixture(params=["list", "log"])
def runner(request: pytest.FixtureRequest, tmp_path: Path) -> Runner:
    return Runner(tmp_path, _feed(kind=request.param))


def _of_another(value: str) -> ClaimRow:
    said = Claim("url", value, "another", "another", "clear", NOW, NOW, NOW, 30 * DAY, 60)
    return ClaimRow(said.key, said)


def _sources(runner: Runner, value: str) -> set[str]:
    (obj,) = [item for item in runner.hub.objects(PUBLIC, "indicator") if item["name"] == value]
    return {label.rpartition("=")[2] for label in obj["labels"] if label.startswith("ais-jp:source=")}


def test_what_was_just_written_is_not_read_again(runner: Runner) -> None:
    """Each observable is read once, to fold the row into what was said of it, and not to be merged."""
    values = [f"http://example.com/{number}" for number in range(50)]
    runner.collect(*values)
    assert {obj["name"] for obj in runner.hub.objects(PUBLIC, "indicator")} == set(values)
    assert runner.store.read == 50
    assert runner.store.dirty(1) == []


def test_news_hold_what_others_said_before(runner: Runner) -> None:
    """An indicator that another source had made is merged from both."""
    runner.store.put_claims([_of_another(VALUE)])
    runner.hub.publish()
    runner.collect(VALUE)
    assert _sources(runner, VALUE) == {"another", "list-feed@hub.example"}


def test_what_another_says_before_news_are_published_is_not_lost(runner: Runner) -> None:
    """Then the news are no longer all there is to know, and everything is read anew."""
    runner.meanwhile = lambda: runner.store.put_claims([_of_another(VALUE)])
    runner.collect(VALUE)
    runner.hub.publish()
    assert _sources(runner, VALUE) == {"another", "list-feed@hub.example"}


def test_what_another_published_before_news_are_is_not_written_over(runner: Runner) -> None:
    """Another process may have heard and published more than the news hold."""

    def another() -> None:
        runner.store.put_claims([_of_another(VALUE)])
        runner.hub.publish()

    runner.meanwhile = another
    runner.collect(VALUE)
    assert _sources(runner, VALUE) == {"another", "list-feed@hub.example"}
    assert len(runner.hub.log(PUBLIC)) == len({body for _, body in runner.hub.log(PUBLIC)})


def test_older_marks_are_published_first(runner: Runner) -> None:
    """In a log, what was marked first comes first."""
    runner.store.put_claims([_of_another("http://example.com/older")])
    runner.collect(VALUE)
    runner.hub.publish()
    assert [obj["name"] for obj in runner.hub.objects(PUBLIC, "indicator")] == ["http://example.com/older", VALUE]


def test_what_a_successor_said_of_the_same_feed_is_not_lost(runner: Runner) -> None:
    """A process that was paused past its lease does not publish what it read before over what is known by now."""
    later = Claim("url", VALUE, "list-feed@hub.example", "list-feed", "clear", NOW, NOW, NOW, 7 * DAY, 90)
    successors = ClaimRow(later.key, later._replace(version=NOW + 1, labels=("later",)), None)
    read = runner.store.claims

    def paused(keys: Collection[bytes]) -> dict[bytes, list[Claim]]:
        found = read(keys)
        runner.store.claims = read  # type: ignore[method-assign]
        runner.store.put_claims([successors])
        return found

    runner.store.claims = paused  # type: ignore[method-assign]
    runner.collect(VALUE, "http://example.com/b")
    runner.hub.publish()
    (obj,) = [item for item in runner.hub.objects(PUBLIC, "indicator") if item["name"] == VALUE]
    assert "later" in obj["labels"]
