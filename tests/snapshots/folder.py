"""The folder of snapshots: which files there are, of what day, and which feed reads each.

The snapshots are no part of this repository. They are looked for in ``shared/feeds`` beside it, or where NOROSHI_SHARED
says.
"""

from __future__ import annotations

import argparse
import csv
import os
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from config.feeds import Feed
from config.instant import Millis, parse_millis
from config.loading import load_feed, shipped

SHARED = Path(os.environ.get("NOROSHI_SHARED") or Path(__file__).parents[3] / "shared")
FEEDS = SHARED / "feeds"
#: a file a feed: what is expected of each snapshot that it reads
EXPECTED = Path(__file__).parents[1] / "normalizers" / "snapshots"


class Expected(NamedTuple):
    """What a snapshot holds, read by a shipped feed as it ships."""

    feed: str
    #: within the folder, such as ``openphish/feed.txt``
    file: str
    claims: int
    #: by reason
    refused: dict[str, int]


class Snapshot(NamedTuple):
    """One file of the folder, and how it is read."""

    file: str
    #: when it was taken, from provenance.csv; of the few files without a date, the day of the newest
    date: Millis
    #: what reads it; None where nothing does
    feed: Feed | None
    #: why nothing reads it; "" where something does
    why: str = ""


def require() -> None:
    """Skip the test without the snapshots; in CI, fail."""
    if FEEDS.is_dir():
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"no snapshots at {FEEDS}; set NOROSHI_SHARED to the folder that holds feeds/")
    pytest.skip(f"no snapshots of real feeds at {FEEDS}")


def expected() -> list[Expected]:
    """What tests/normalizers/snapshots says, by feed."""
    return [
        Expected(path.stem, row["file"], row["claims"], row.get("refused", {}))
        for path in sorted(EXPECTED.glob("*.yaml"))
        for row in yaml.safe_load(path.read_text(encoding="utf-8"))
    ]


@cache
def dates() -> dict[str, Millis]:
    """When the snapshots were taken, of those with a date."""
    with (FEEDS / "provenance.csv").open(encoding="utf-8", newline="") as stream:
        dated = [row for row in csv.DictReader(stream) if row["date"]]
    return {f"{row['slug']}/{row['file']}": parse_millis(f"{row['date']}T00:00:00Z") for row in dated}


def files() -> list[str]:
    """Every file of the folder, as provenance.csv lists them."""
    with (FEEDS / "provenance.csv").open(encoding="utf-8", newline="") as stream:
        return [f"{row['slug']}/{row['file']}" for row in csv.DictReader(stream)]


def snapshots() -> list[Snapshot]:
    """Every file with what reads it, the oldest first: as a hub would have met them over the years."""
    # A test module is where it is: the formats of these doors are tested there one by one.
    from tests.normalizers.test_snapshots import DOORS

    shipping = {row.file: load_feed(shipped(f"feeds/{row.feed}.yaml")) for row in expected()}
    doors = {file: _door(name, file, format_) for name, file, format_, _, _ in DOORS}
    unread = yaml.safe_load((Path(__file__).parent / "unread.yaml").read_text(encoding="utf-8"))
    newest = max(dates().values())
    found = []
    for file in files():
        feed = shipping.get(file) or doors.get(file)
        date = dates().get(file, newest)
        found.append(Snapshot(file, date, feed, "" if feed else _why(file, unread)))
    return sorted(found, key=lambda item: (item.date, item.file))


def _door(name: str, file: str, format_: dict[str, Any]) -> Feed:
    """A feed of its own for what the same publisher offers in another form; one family with the shipped one."""
    feed = load_feed(shipped(f"feeds/{name}.yaml"))
    word = "".join(letter if letter.isalnum() else "-" for letter in Path(file).name.lower())
    changes = {"id": f"{name}-{word}"[:60].rstrip("-"), "family": feed.origin_family, "format": format_}
    return feed.model_copy(update=changes)


def _why(file: str, unread: dict[str, str]) -> str:
    return next((why for pattern, why in unread.items() if fnmatchcase(file, pattern)), "no feed reads it yet")


def options(program: str, about: str | None, words: Sequence[str] | None, validate: int) -> argparse.Namespace:
    """What a report on the folder was asked for: ``validate``, by default so many objects, and ``only``. Ends the
    process where the folder is not there."""
    parser = argparse.ArgumentParser(prog=f"python -m {program}", description=about)
    parser.add_argument("--validate", type=int, default=validate, help="objects validated of each kind; 0 for all")
    parser.add_argument("--only", default="", help="files whose name holds this; nothing is written then")
    given = parser.parse_args(words)
    if not FEEDS.is_dir():
        parser.error(f"no snapshots at {FEEDS}; set NOROSHI_SHARED to the folder that holds feeds/")
    return given
