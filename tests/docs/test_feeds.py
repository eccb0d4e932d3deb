"""docs/feeds.md lists the feeds that ship, as their files say."""

from __future__ import annotations

import pytest

from config.feeds import Feed
from config.loading import load_feed, shipped
from tests.docs import pages
from tests.snapshots.folder import expected

PAGE = "docs/feeds.md"
UNSEEN = "# Read as it is described: none of its documents was at hand"
SHIPPED: list[Feed] = [load_feed(path) for path in sorted(shipped("feeds").glob("*.yaml"))]


def _row(feed: Feed) -> dict[str, str]:
    """What the page's tables say of a feed, by column."""
    found: dict[str, str] = {}
    for section in pages.sections(PAGE):
        heads = next((line for line in section.lines if line.startswith("|")), "")
        names = [name.strip() for name in heads.split("|")[1:-1]]
        for row in pages.rows(section):
            if row and pages.codes(row[0])[:1] == [feed.id]:
                found |= dict(zip(names, row, strict=True))
    return found


def test_feeds_ship() -> None:
    """There is something to describe."""
    assert SHIPPED


@pytest.mark.parametrize("feed", SHIPPED, ids=lambda feed: feed.id)
def test_a_shipped_feed_is_described(feed: Feed) -> None:
    """Publisher, kind, interval, marking, terms, family and key stand in the tables as they stand in the file."""
    row = _row(feed)
    assert row, f"{PAGE} has no row for `{feed.id}`"
    assert feed.publisher.name in row["publisher"]
    assert row["kind"] == feed.kind
    assert row["every"] == _span(feed.every)
    assert row["marking"] == feed.marking
    assert row["share"] == feed.share
    assert row["family"].strip("`") == feed.origin_family
    assert row["key"].strip("`") == (feed.key or "none")
    if feed.credit:
        assert feed.credit in row["credit"].replace("`", "")


@pytest.mark.parametrize("feed", SHIPPED, ids=lambda feed: feed.id)
def test_a_shipped_feed_says_what_is_normal(feed: Feed) -> None:
    """Fewest and most rows, and the share of them that may be refused; what the real snapshots hold is normal."""
    assert {"min_rows", "max_rows", "refused"} <= feed.expect.model_fields_set
    assert feed.expect.max_rows is not None
    rows = [claims + sum(refused.values()) for name, _, claims, refused in expected() if name == feed.id]
    assert feed.expect.max_rows >= max(10 * feed.expect.min_rows, *rows, 100)


def test_no_feed_is_described_that_does_not_ship() -> None:
    """Every row of the tables is about a feed that ships."""
    named = {
        pages.codes(row[0])[0]
        for section in pages.sections(PAGE)
        for row in pages.rows(section)
        if row and pages.codes(row[0])
    }
    assert named == {feed.id for feed in SHIPPED}


def test_what_was_never_seen_is_marked_so() -> None:
    """Where no snapshot is counted, the first line of the file says so and the page names it, and nowhere else."""
    seen = {name for name, *_ in expected()}
    unseen = {feed.id for feed in SHIPPED} - seen
    marked = {path.stem for path in shipped("feeds").glob("*.yaml") if path.read_text("utf-8").startswith(UNSEEN)}
    (section,) = (section for section in pages.sections(PAGE) if section.title == "Described, not seen")
    named = {code for line in section.lines for code in pages.codes(line) if not code.startswith("noroshi")}
    assert unseen
    assert marked == named == unseen


def _span(millis: int) -> str:
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)):
        if millis % size == 0:
            return f"{millis // size}{unit}"
    return f"{millis}ms"
