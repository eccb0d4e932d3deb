"""Every snapshot through the whole pipeline: nothing gets lost on the way, and all of it is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.normalizers.reading import SAY_MORE
from tests.snapshots.folder import Snapshot, dates, expected, files, require, snapshots
from tests.snapshots.pipeline import Became, Hub
from tests.snapshots.report import Line, checked, table, unread


class Whole(NamedTuple):
    """What became of all snapshots, and how many observables have two objects in the end."""

    became: dict[str, Became]
    duplicates: int


@pytest.fixture(autouse=True)
def _snapshots() -> None:
    require()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    """One hub that met them all."""
    require()
    hub = Hub(tmp_path_factory.mktemp("hub") / "data")
    became = {item.file: hub.take(item) for item in snapshots() if item.feed is not None}
    yield Whole(became, hub.duplicates())
    hub.close()


def test_every_snapshot_is_believed(whole: Whole) -> None:
    """No document of a feed fails, and none is held."""
    bad = {file: (item.status, item.message) for file, item in whole.became.items() if item.status != "ok"}
    assert bad == {}
    assert sum(item.held for item in whole.became.values()) == 0


def test_sums_agree(whole: Whole) -> None:
    """Records are claims and refusals; claims are repetitions, what was known, and what is new; what is published for
    the first time or was published already, or is over, is every observable of the file."""
    for file, item in whole.became.items():
        assert item.snapshot.feed is not None
        assert item.more == 0 or (item.more > 0 and item.snapshot.feed.format["kind"] in SAY_MORE), file
        assert item.claims == item.within + item.again + item.across + item.new, file
        assert item.silent == 0, file
        assert item.objects.total() <= item.distinct - item.over, file


def test_counts_are_those_of_the_formats(whole: Whole) -> None:
    """Claims and refusals by reason, as expected of each snapshot by itself."""
    for row in expected():
        item = whole.became[row.file]
        assert item.refused == row.refused, row.file
        assert item.claims - item.more == row.claims, row.file


def test_no_observable_has_two_objects(whole: Whole) -> None:
    """Promise 4, over all snapshots: one observable, one indicator."""
    assert whole.duplicates == 0


def test_what_lists_keep_back_is_told(whole: Whole) -> None:
    """What a known-good list keeps back is counted under its name, and is no object of that file."""
    kept = {file: item for file, item in whole.became.items() if item.suppressed}
    assert kept
    for file, item in kept.items():
        assert item.listed.total() >= item.suppressed, file
        assert item.objects.total() + item.suppressed + item.over <= item.distinct, file


def test_q_i6_what_a_file_repeats_is_one_observable(whole: Whole) -> None:
    """Q-I6: the phishing list of September 2025 repeats 213 URLs, and a week of TweetFeed 31 values."""
    assert whole.became["jpcert-phishurl-list/202509.csv"].within >= 213
    assert whole.became["tweetfeed/week.csv"].within >= 31


def test_q_i7_a_corrected_month_is_known(whole: Whole) -> None:
    """Q-I7: of a month that comes again corrected, what did not change is known."""
    again = whole.became["jpcert-phishurl-list/202109.csv"].again
    assert again > 0.9 * whole.became["jpcert-phishurl-list/202109.first-release.csv"].distinct


def test_first_objects_are_valid(whole: Whole) -> None:
    """Promise 6: the first objects of every snapshot, and its last, pass stix2.parse and the OASIS validator."""
    lines = [Line(item, checked(item.bodies, 5)) for item in whole.became.values()]
    assert [error for line in lines for error in line.checked.errors] == []
    assert sum(line.checked.objects for line in lines) > len(lines)


def test_every_file_is_told(whole: Whole) -> None:
    """The report has a row for every file that is read, and a reason for every other."""
    every: list[Snapshot] = snapshots()
    page = table([Line(item, checked([], 1)) for item in whole.became.values()])
    page += unread([item for item in every if item.feed is None])
    assert [file for file in files() if f"`{file}`" not in page] == []
    assert len(every) == len(files())
    assert all(bool(item.why) == (item.feed is None) for item in every)


def test_the_clock_is_the_snapshots(whole: Whole) -> None:
    """The hub met each file on the day that provenance.csv gives."""
    for file, item in whole.became.items():
        assert item.snapshot.date == dates().get(file, max(dates().values()))
