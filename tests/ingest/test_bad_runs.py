"""A feed that goes wrong, over HTTP: noticed on its first bad run, what it had stays, and the next good run goes on."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from config.feeds import Feed
from config.instant import DAY, HOUR
from config.loading import load_feed, shipped
from config.samples import render
from config.settings import Settings
from normalizers.markings import marking_id
from taxii_server.ingest import Ingest
from taxii_server.rhythm import silence
from taxii_server.stores.base import FeedState
from taxii_server.stores.memory import MemoryStore
from tests.collectors.server import Server, says
from tests.hubs import PUBLIC, Hub, SteppingClock, settings
from tests.normalizers.reading import sample_of

NOW = 1_790_000_000_000
LOGIN = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><form>Please sign in</form></body></html>\n"
SHIPPED = sorted(path.stem for path in shipped("feeds").glob("*.yaml"))


class Watched:
    """A hub with one feed of a publisher whose answers a test writes."""

    def __init__(self, server: Server, **changes: Any) -> None:
        self.server = server
        self.feed = Feed.model_validate(
            {
                "id": "watched",
                "title": "Watched",
                "carries": "URLs",
                "publisher": {"name": "Publisher", "country": "JP", "homepage": "https://publisher.example/"},
                "transport": {"kind": "http", "url": f"{server.base}/feed", "retries": 0, "timeout": "10s"},
                "format": {"kind": "text", "type": "url"},
                "marking": "TLP:CLEAR",
                "share": "public",
                "reliability": 100,
                "kind": "list",
                "life": {"url": "180d"},  # so that no value is renewed within a test
                **changes,
            }
        )
        self.clock = SteppingClock(NOW * 1_000)
        self.store = MemoryStore()
        self.hub = Hub(self.store, self.clock, self.settings())

    def settings(self) -> Settings:
        return settings(feeds=[self.feed.model_dump()])

    def run(self, body: str | bytes, status: int = 200, *, confirmed: bool = False) -> FeedState:
        """What the publisher answers an hour later, and what becomes of it."""
        self.clock.now += HOUR * 1_000
        self.server.will(says(body, status))
        return self.collect(confirmed=confirmed)

    def collect(self, *, confirmed: bool = False) -> FeedState:
        """Run the feed, and publish."""
        state = Ingest(self.settings(), self.store, self.clock, owner="me", environment={}).run(
            self.feed, confirmed=confirmed
        )
        self.hub.publish()
        return state

    @property
    def log(self) -> list[tuple[int, bytes]]:
        """All that the public was ever given."""
        return self.hub.log(PUBLIC)


def urls(count: int, first: int = 0) -> str:
    """A list of so many."""
    return "".join(f"http://example.com/{number}\n" for number in range(first, first + count))


def table(count: int, header: str = "url,tags,seen", tags: str = "kit", seen: str = "2026-09-01T00:00:00Z") -> str:
    """A CSV document of so many rows."""
    return f"{header}\n" + "".join(f"http://example.com/{number},{tags},{seen}\n" for number in range(count))


TABLE = {
    "kind": "csv",
    "fields": {"value": "url", "type": "url", "labels": ["tags"], "first_seen": "seen", "optional": ["tags"]},
}


def records(count: int, tags: str = "tags") -> str:
    """A JSON document of so many records."""
    return json.dumps([{"url": f"http://example.com/{number}", tags: ["kit"]} for number in range(count)])


def lines(count: int, tags: str = "tags") -> str:
    """The same as JSON lines."""
    return "".join(f"{json.dumps(record)}\n" for record in json.loads(records(count, tags)))


def nvd(count: int, changed: str = "lastModified") -> str:
    """An answer of the NVD with so many records."""
    said = {"published": "2026-09-01T00:00:00.000", "vulnStatus": "Analyzed", "descriptions": []}
    records = [
        {"id": f"CVE-2099-{10_000 + number}", changed: "2026-09-02T00:00:00.000", **said} for number in range(count)
    ]
    listed = [{"cve": record} for record in records]
    return json.dumps({"timestamp": "2026-09-03T00:00:00.000", "totalResults": count, "vulnerabilities": listed})


def kev(count: int, product: str = "product") -> str:
    """A catalogue of so many vulnerabilities."""
    said = {"vendorProject": "Example", product: "Router", "vulnerabilityName": "A name", "shortDescription": "A text"}
    listed = [{"cveID": f"CVE-2099-{10_000 + number}", "dateAdded": "2026-09-01", **said} for number in range(count)]
    return json.dumps({"count": count, "dateReleased": "2026-09-02T00:00:00Z", "vulnerabilities": listed})


def atom(count: int, title: str = "title", published: str = "published") -> str:
    """An Atom feed of so many advisories."""
    entries = "".join(
        f"<entry><link href='http://example.com/{number}'/><id>urn:{number}</id><{title}>Name {number}</{title}>"
        f"<{published}>2026-09-01T00:00:00Z</{published}><updated>2026-09-02T00:00:00Z</updated></entry>"
        for number in range(count)
    )
    return f"<feed xmlns='http://www.w3.org/2005/Atom'><title>Advisories</title>{entries}</feed>"


def rss(count: int, date: str = "pubDate") -> str:
    """An RSS 2.0 document of so many advisories."""
    listed = "".join(
        f"<item><link>http://example.com/{number}</link><title>Name {number}</title>"
        f"<{date}>Tue, 01 Sep 2026 00:00:00 GMT</{date}></item>"
        for number in range(count)
    )
    return f"<rss version='2.0'><channel><title>Advisories</title>{listed}</channel></rss>"


def rdf(count: int, vector: str = "cvss", date: str = "date") -> str:
    """An RSS 1.0 document of so many vulnerabilities, with JVN's module."""
    spaces = {
        "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
        "dc": "http://purl.org/dc/elements/1.1/",
        "sec": "http://jvn.jp/rss/mod_sec/3.0/",
    }
    listed = "".join(
        f"<item rdf:about='http://example.com/{number}'><link>http://example.com/{number}</link>"
        f"<title>Name {number} CVE-2099-{10_000 + number}</title><dc:{date}>2026-09-01T00:00:00+09:00</dc:{date}>"
        f"<sec:{vector} score='9.8' version='3.0' vector=''/></item>"
        for number in range(count)
    )
    named = " ".join(f"xmlns:{name}='{space}'" for name, space in spaces.items())
    return f"<rdf:RDF xmlns='http://purl.org/rss/1.0/' {named}><channel><title>JVN</title></channel>{listed}</rdf:RDF>"


def stix(count: int, labels: str = "labels", until: str = "valid_until") -> str:
    """A bundle of so many indicators, the last of them for members."""
    said = {
        "type": "indicator",
        "spec_version": "2.1",
        **dict.fromkeys(("created", "modified", "valid_from"), "2026-09-02T00:00:00Z"),
        until: "2026-12-01T00:00:00Z",
        "pattern_type": "stix",
        labels: ["kit"],
    }
    listed = [
        {
            **said,
            "id": f"indicator--{uuid.UUID(int=number + (4 << 76) + (8 << 60))}",
            "pattern": f"[url:value = 'http://example.com/{number}']",
            "object_marking_refs": [marking_id("clear" if number < count - 1 else "green")],
        }
        for number in range(count)
    ]
    return json.dumps({"type": "bundle", "id": "bundle--1", "objects": listed})


def misp(count: int, tag: str = "Tag") -> str:
    """An event of so many attributes."""
    listed = [
        {
            "uuid": str(uuid.UUID(int=number + (4 << 76) + (8 << 60))),
            "type": "url",
            "value": f"http://example.com/{number}",
            "to_ids": True,
            "timestamp": "1788220800",
            tag: [{"name": "kit"}],
        }
        for number in range(count)
    ]
    return json.dumps(
        {
            "Event": {
                "uuid": str(uuid.UUID(int=999 + (4 << 76) + (8 << 60))),
                "timestamp": "1788220800",
                "Attribute": listed,
            }
        }
    )


def otx(count: int, created: str = "created") -> str:
    """A page with one pulse of so many indicators."""
    listed = [
        {"type": "URL", "indicator": f"http://example.com/{number}", created: "2026-09-01T00:00:00"}
        for number in range(count)
    ]
    pulse = {"id": "55e6bfb14637f22cb605746e", "TLP": "white", "modified": "2026-09-02T00:00:00", "indicators": listed}
    return json.dumps({"results": [pulse], "next": None})


Case = tuple[dict[str, Any], str, str | bytes, str, str]
CASES: dict[str, Case] = {
    # what the feed is; a good document; a bad one; the state; what is said
    "a list that drops to a tenth": ({}, urls(200), urls(20), "held", "shrank from 200 to 20 rows"),
    "a list that grows tenfold": ({}, urls(60), urls(600), "held", "grew from 60 to 600 rows"),
    "a log that grows tenfold": ({"kind": "log"}, urls(60), urls(600), "held", "grew from 60 to 600 rows"),
    "a small list that grows tenfold": (
        {"expect": {"few": 100}},
        urls(20),
        urls(200),
        "held",
        "grew from 20 to 200 rows",
    ),
    "a list of twenty that drops to a tenth": ({}, urls(20), urls(2), "held", "shrank from 20 to 2 rows"),
    "a log that drops to nothing": ({"kind": "log"}, urls(20), "", "held", "at least 1 rows (min_rows), got 0"),
    "a list of no bytes": ({}, urls(20), b"", "held", "expected at least 1 rows (min_rows), got 0"),
    "a list that turns to HTML": ({}, urls(20), LOGIN, "failed", "expected a list of values, got an HTML page"),
    "HTML with a byte order mark": ({}, urls(20), "\ufeff" + LOGIN, "failed", "got an HTML page"),
    "XHTML": ({}, urls(20), '<?xml version="1.0"?>\n<!-- a -->\n' + LOGIN, "failed", "got an HTML page"),
    "a piece of HTML": ({}, urls(20), "<p>Too many\n<a href=x>x</a>\n</p>\n" * 9, "failed", "got an HTML page"),
    "rows that cannot be read": ({}, urls(20), "not a url\n" * 20, "held", "20 of the first 20 rows cannot be read"),
    "more rows that cannot be read": (
        {"expect": {"shrink": 1}},
        urls(98) + "not a url\n" * 2,
        urls(70) + "not a url\n" * 30,
        "held",
        "30 of 100 rows cannot be read, where 2 of 100 could not",
    ),
    "a column that must be there renamed": (
        {"format": TABLE},
        table(20),
        table(20, "link,tags,seen"),
        "failed",
        "expected columns url, got 'link,tags,seen'",
    ),
    "a column that may be missing renamed": (
        {"format": TABLE},
        table(20),
        table(20, "url,keywords,seen"),
        "held",
        "expected something in column tags (in 100 % of the rows before), got nothing; columns that are not read: key",
    ),
    "a column that is empty all of a sudden": (
        {"format": TABLE},
        table(20),
        table(20, seen=""),
        "held",
        "expected something in column seen (in 100 % of the rows before), got nothing",
    ),
    "a column that a log loses": (
        {"format": TABLE, "kind": "log"},
        table(20),
        table(20, seen=""),
        "held",
        "expected something in column seen",
    ),
    "a member renamed in JSON": (
        {"format": {"kind": "json", "fields": {"value": "url", "type": "url", "labels": ["tags"]}}},
        records(20),
        records(20, "keywords"),
        "held",
        "expected something in column tags (in 100 % of the rows before), got nothing; columns that are not read: key",
    ),
    "a member renamed in JSON lines": (
        {"format": {"kind": "jsonl", "fields": {"value": "url", "type": "url", "labels": ["tags"]}}},
        lines(20),
        lines(20, "keywords"),
        "held",
        "expected something in column tags (in 100 % of the rows before), got nothing; columns that are not read: key",
    ),
    "records of the NVD without the time of their change": (
        {"format": {"kind": "nvd"}, "kind": "log"},
        nvd(3),
        nvd(3, "modified"),
        "held",
        "3 of the first 3 rows cannot be read as they should",
    ),
    "a member renamed in the KEV catalogue": (
        {"format": {"kind": "kev"}},
        kev(20),
        kev(20, "productName"),
        "held",
        "column product (in 100 % of the rows before), got nothing; columns that are not read: productName",
    ),
    "labels renamed in STIX": (
        {"format": {"kind": "stix"}},
        stix(20),
        stix(20, "tags"),
        "held",
        "column labels (in 100 % of the rows before), got nothing; columns that are not read: tags",
    ),
    "ends of indicators renamed in a log of STIX": (
        {"format": {"kind": "stix"}, "kind": "log"},
        stix(20),
        stix(20, until="expires"),
        "held",
        "column valid_until (in 100 % of the rows before), got nothing; columns that are not read: expires",
    ),
    "tags renamed in MISP": (
        {"format": {"kind": "misp"}, "kind": "log"},
        misp(20),
        misp(20, "Label"),
        "held",
        "column Tag (in 100 % of the rows before), got nothing; columns that are not read: Label",
    ),
    "dates renamed in OTX": (
        {"format": {"kind": "otx"}, "kind": "log"},
        otx(20),
        otx(20, "added"),
        "held",
        "column created (in 100 % of the rows before), got nothing; columns that are not read: added",
    ),
    "titles renamed in Atom": (
        {"format": {"kind": "rss"}, "kind": "log"},
        atom(20),
        atom(20, "headline"),
        "held",
        "column title (in 100 % of the rows before), got nothing; columns that are not read: headline",
    ),
    "dates renamed in Atom, beside others": (
        {"format": {"kind": "rss"}, "kind": "log"},
        atom(20),
        atom(20, published="issued"),
        "held",
        "column published (in 100 % of the rows before), got nothing; columns that are not read: issued",
    ),
    "dates renamed in RSS 2.0": (
        {"format": {"kind": "rss"}, "kind": "log"},
        rss(20),
        rss(20, "published"),
        "held",
        "column pubDate (in 100 % of the rows before), got nothing",
    ),
    "dates renamed in RSS 1.0": (
        {"format": {"kind": "rss"}, "kind": "log"},
        rdf(20),
        rdf(20, date="created"),
        "held",
        "column dc:date (in 100 % of the rows before), got nothing; columns that are not read: dc:created",
    ),
    "scores renamed in JVN's module": (
        {"format": {"kind": "rss", "describes": True}, "kind": "log"},
        rdf(20),
        rdf(20, "score"),
        "held",
        "column sec:cvss (in 100 % of the rows before), got nothing; columns that are not read: sec:score",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_bad_document_is_noticed_at_once_and_what_the_feed_had_stays(server: Server, case: str) -> None:
    """The first bad run says what was expected and what was given, adds and withdraws nothing however often it comes;
    the next good one goes on."""
    changes, good, bad, status, said = CASES[case]
    watched = Watched(server, **changes)
    assert watched.run(good).status == "ok"
    before = watched.log
    assert before
    for _ in range(3):
        state = watched.run(bad)
        assert (state.status, said in state.message) == (status, True), state.message
        assert watched.log == before
    state = watched.run(good)
    assert state.status in ("ok", "unchanged")  # of what was never believed, the cursor knows nothing
    assert (state.message, state.failures) == ("", 0)
    assert watched.log == before


@pytest.mark.parametrize("status", [404, 410, 403, 500, 503])
def test_a_feed_that_dies_is_noticed_at_once_and_what_it_had_stays(server: Server, status: int) -> None:
    """Its state has the status that was answered."""
    watched = Watched(server)
    watched.run(urls(20))
    before = watched.log
    state = watched.run("gone", status)
    assert (state.status, str(status) in state.message, state.failures) == ("failed", True, 1)
    assert watched.log == before
    assert watched.run(urls(20)).failures == 0


@pytest.mark.parametrize(
    "case",
    [
        "a list that drops to a tenth",
        "a list that grows tenfold",
        "a log that grows tenfold",
        "a column that a log loses",
    ],
)
def test_what_is_another_than_before_and_right_is_let_through(server: Server, case: str) -> None:
    """A person confirms it once; from then on it is what is normal."""
    changes, good, bad, _, _ = CASES[case]
    watched = Watched(server, **changes)
    watched.run(good)
    assert "--confirm" in watched.run(bad).message
    assert watched.run(bad, confirmed=True).status == "ok"
    assert watched.run(bad + "\n" if isinstance(bad, str) else bad).status == "ok"


@pytest.mark.parametrize("kind", ["list", "log"])
def test_few_rows_are_never_too_many(server: Server, kind: str) -> None:
    """One's own young feed of two becomes one of five hundred, and one of its size from then on."""
    watched = Watched(server, kind=kind)
    watched.run(urls(2))
    assert watched.run(urls(500)).status == "ok"
    assert watched.run(urls(5_001)).status == "held"


def test_few_values_that_go_are_never_too_many(server: Server) -> None:
    """One's own list of eleven loses ten at once, and they are withdrawn; eleven of twelve it does not lose."""
    watched = Watched(server)
    watched.run(urls(11))
    state = watched.run(urls(1))
    assert (state.status, state.counts["withdrawn"]) == ("ok", 10)
    watched.run(urls(12))
    state = watched.run(urls(1))
    assert (state.status, state.counts["withdrawn"]) == ("held", 0)


#: Shipped feeds whose documents have fewer rows than grow to five hundred when they grow tenfold.
SMALL = (
    "antiphishing-jp", "feodo-tracker", "iij-wizsafe", "ipa-alert-rss", "jpcert-en-rss", "jpcert-eyes", "jpcert-rss",
    "jvn-rss", "nicter-blog", "spamhaus-drop-v6",
)  # fmt: skip


@pytest.mark.parametrize("name", SMALL)
def test_a_shipped_feed_that_is_small_says_so(name: str) -> None:
    """Twelve rows that become more than a hundred are then noticed at once."""
    assert load_feed(shipped(f"feeds/{name}.yaml")).expect.few == 100


def test_dshield_is_of_twenty_rows() -> None:
    """It is twenty networks, and at most so many that tenfold is more than it may have."""
    expect = load_feed(shipped("feeds/dshield.yaml")).expect
    assert (expect.min_rows, expect.max_rows) == (10, 199)


def test_a_short_log_is_told_and_taken_in(server: Server) -> None:
    """Absence from a log means nothing, so what it does say counts; that it says little stays to be seen."""
    watched = Watched(server, kind="log")
    watched.run(urls(200))
    state = watched.run(urls(20, 1_000))
    assert (state.status, state.counts["kept"]) == ("ok", 20)
    assert state.message.startswith("20 rows, where there were up to 200")
    again = watched.run(urls(20, 1_000))
    assert (again.status, again.message) == ("unchanged", state.message)
    assert watched.run(urls(199)).message == ""


def test_a_log_with_many_bad_rows_is_told_and_taken_in(server: Server) -> None:
    """What is refused in a log is not withdrawn for it."""
    watched = Watched(server, kind="log")
    watched.run(urls(98) + "not a url\n" * 2)
    state = watched.run(urls(70) + "not a url\n" * 30)
    assert (state.status, state.counts["claims"]) == ("ok", 70)
    assert state.message.startswith("30 of 100 rows cannot be read, where 2 of 100 could not")


def test_q_c14_zero_bytes_are_valid_where_they_are_normal(server: Server) -> None:
    """Of a log that may be empty: no failure, nothing withdrawn, nothing odd."""
    watched = Watched(server, kind="log", expect={"min_rows": 0})
    watched.run(urls(200))
    before = watched.log
    state = watched.run(b"")
    assert (state.status, state.message, state.counts["rows"]) == ("ok", "", 0)
    assert watched.log == before


@pytest.mark.parametrize("name", SHIPPED)
def test_no_shipped_feed_takes_a_login_page_for_its_document(server: Server, name: str) -> None:
    """A page that comes with status 200 costs the run, whatever the format, and what the sample had stays."""
    shipped_feed = load_feed(shipped(f"feeds/{name}.yaml"))
    watched = Watched(
        server,
        **shipped_feed.model_dump(include={"format", "kind", "batch", "expect", "marking", "life"}),
        threat=shipped_feed.threat,
    )
    sample = sample_of(name)
    watched.run(render(sample.read_bytes().decode(), NOW))
    before = watched.log
    state = watched.run(LOGIN)
    assert (state.status, "HTML" in state.message) == ("failed", True), state.message
    assert watched.log == before


def test_a_feed_that_falls_silent_is_told(server: Server) -> None:
    """One that brought something every hour and has brought nothing for days, though it answers."""
    watched = Watched(server, kind="log")
    for number in range(6):
        state = watched.run(urls(20, number))
    assert (state.changes, state.rhythm) == (6, HOUR)
    for _ in range(24):
        state = watched.run(urls(20, 5))
        assert state.status == "unchanged"
    assert silence(watched.feed, state, watched.clock.now // 1_000) == ""
    assert silence(watched.feed, state, watched.clock.now // 1_000 + 2 * DAY) == (
        "nothing new for 3d; expected something at least every 60m"
    )
    state = watched.run(urls(20, 6))
    assert silence(watched.feed, state, watched.clock.now // 1_000) == ""


def test_how_long_a_feed_may_be_silent_can_be_said(server: Server) -> None:
    """Then nothing has to be learnt."""
    watched = Watched(server, kind="log", expect={"quiet": "14d"})
    state = watched.run(urls(20))
    assert silence(watched.feed, state, watched.clock.now // 1_000 + 14 * DAY) == ""
    assert "nothing new for 15d; expected something at least every 14d" in silence(
        watched.feed, state, watched.clock.now // 1_000 + 15 * DAY
    )
