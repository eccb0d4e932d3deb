"""What a feed gives to its claims: dates, confidence, references, labels, audience."""

from __future__ import annotations

import sys
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.instant import DAY, HOUR
from normalizers.bad_value import BadValue
from normalizers.labels import label_of, labels_in
from normalizers.personal import personal_data
from normalizers.references import link, reference
from normalizers.sources import Source
from tests.normalizers.reading import NOW, document, feed, read_all

MOMENT = NOW - 2 * DAY


def source(name: str, **changes: Any) -> Source:
    """Of a document that says it is two days older than its fetching."""
    return Source(feed(name, **changes), document(b""), MOMENT)


def test_in_a_full_list_a_value_is_sighted_when_fetched() -> None:
    """Being listed is a sighting, whatever the row's own dates, which say since when and the version."""
    claim = source("feodo-tracker").claim("ipv4", "203.0.113.7", first_seen=NOW - 90 * DAY, last_seen=NOW - 9 * DAY)
    assert (claim.first_seen, claim.last_seen, claim.version) == (NOW - 90 * DAY, NOW, NOW - 9 * DAY)
    claim = source("spamhaus-drop").claim("cidr", "198.51.100.0/24")
    assert (claim.first_seen, claim.last_seen, claim.version) == (NOW, NOW, MOMENT)


def test_in_a_log_the_rows_date_counts() -> None:
    """Else the document's; a last sighting before the first is the first."""
    claim = source("urlhaus").claim("url", "http://a.example/", first_seen=NOW - 9 * DAY, last_seen=NOW - DAY)
    assert (claim.first_seen, claim.last_seen, claim.version) == (NOW - 9 * DAY, NOW - DAY, NOW - DAY)
    claim = source("urlhaus").claim("url", "http://a.example/")
    assert (claim.first_seen, claim.last_seen, claim.version) == (MOMENT, MOMENT, MOMENT)
    claim = source("urlhaus").claim("url", "http://a.example/", first_seen=NOW - DAY, last_seen=NOW - 3 * DAY)
    assert (claim.first_seen, claim.last_seen) == (NOW - 3 * DAY, NOW - DAY)


def test_without_a_time_of_its_own_a_document_has_that_of_its_last_change() -> None:
    """Last-Modified before the time of fetching."""
    dated = document(b"http://a.example/\n", modified=NOW - HOUR)
    assert read_all(dated, feed("openphish")).claims[0].version == NOW - HOUR


def test_confidence_is_scaled_by_reliability() -> None:
    """What the row says, or the feed's word for a row that says nothing, times how far the feed is trusted."""
    made = source("urlhaus", reliability=80, confidence=50)
    assert made.claim("url", "http://a.example/").confidence == 40
    assert made.claim("url", "http://a.example/", confidence=100).confidence == 80
    for bad in (101, -1, float("nan")):
        with pytest.raises(BadValue):
            made.claim("url", "http://a.example/", confidence=bad)


def test_claims_say_where_they_come_from() -> None:
    """Origin, family, attribution, labels, life and threat come from the feed's file."""
    made = source("threatfox", labels=("b", "#a "), life={"url": 3 * DAY})
    claim = made.claim("url", "http://a.example/", references=[("x", "", "1")], said=made.understood(["c"]))
    assert (claim.origin, claim.family, claim.audience) == ("threatfox", "abuse-ch-c2", "internal")
    assert claim.references == (("Source: abuse.ch ThreatFox", "https://threatfox.abuse.ch/", ""), ("x", "", "1"))
    assert claim.labels == ("a", "b", "c")
    assert claim.life == 3 * DAY
    assert orjson.loads(claim.detail) == {"threat": "malware"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" #Tag ", "Tag"),
        ("two   words\n", "two words"),
        ("三井 住友", "三井 住友"),
        ("ais-jp:AIS-JP: malware=x", "malware=x"),
        ("a\x00b\x1b[31m", "a b [31m"),
        ("x" * 300, "x" * 100),
        ("#", ""),
    ],
)
def test_labels_are_the_sources_words(text: str, expected: str) -> None:
    """Cleaned, shortened, and never in the hub's own name."""
    assert label_of(text) == expected


@given(st.text(max_size=150))
def test_labels_are_clean_once_cleaned(text: str) -> None:
    """Cleaning twice is cleaning once, and no control character is left."""
    once = label_of(text)
    assert label_of(once) == once
    assert len(once) <= 100
    assert not once.lower().startswith("ais-jp:")
    assert "\x00" not in once


def test_lists_of_labels() -> None:
    """Parted, cleaned, each once, in order."""
    assert labels_in("elf,Mozi,,#elf, 32-bit", ",") == ("32-bit", "Mozi", "elf")


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("https://example.com/a?b=c#d", True),
        ("http://example.com:8080/", True),
        ("https://example.com", True),
        ("javascript:alert(1)", False),
        ("https://user:key@example.com/", False),
        ("https://example.com/<script>", False),
        ("https://example.com/a b", False),
        ("ftp://example.com/", False),
        ("https://localhost/", False),
        ("https://example.com/" + "a" * 3_000, False),
    ],
)
def test_links(text: str, taken: bool) -> None:
    """Only plain web addresses become references."""
    assert link(text) == (text if taken else "")


@pytest.mark.parametrize(
    ("url", "personal"),
    [
        ("https://a.example/", False),
        ("https://a.example/?x=1", False),
        ("https://jane.doe@a.example/", False),
        ("https://a.example/@name/x", False),
        ("https://a.example/?ip=elsewhere", False),
        ("https://a.example/?key=example@example.or.jp", False),
        ("https://a.example/?client_ip=203.0.113.5", True),
        ("https://a.example/?x=1&ip=2001%3Adb8%3A%3A1", True),
        ("https://a.example/?to=jane%40mail.invalid", True),
        ("https://a.example/unsubscribe/jane@mail.invalid", True),
    ],
)
def test_personal_data_in_urls(url: str, personal: bool) -> None:
    """A visitor's address or somebody's e-mail address in path or query; not user information, not placeholders."""
    assert personal_data(url) is personal


def test_a_row_s_labels_and_malware_families_are_bounded() -> None:
    """The first fifty of each in their order, whatever order the row has; the feed's own labels stay beside them."""
    source = Source(feed("openphish", labels=("zz-own",)), document(""))
    words = [f"label-{number:03d}" for number in range(300)]
    one = source.claim("url", "http://example.com/", said=source.understood(words, words))
    other = source.claim("url", "http://example.com/", said=source.understood(words[::-1], words[::-1]))
    assert one == other
    assert one.labels == (*words[:50], "zz-own")
    assert one.malware == tuple(words[:50])


@pytest.mark.parametrize("read", [label_of, lambda text: labels_in(text, ","), lambda text: reference(text, "", "x")])
def test_long_words_are_not_kept_in_memory(read: Any) -> None:
    """A feed may send any number of them, of any length; what is remembered between rows is what comes often."""
    text = "word " * 10_000
    before = sys.getrefcount(text)
    assert read(text)
    assert sys.getrefcount(text) == before


def test_a_blank_may_stand_between_labels() -> None:
    """A feed's file says so as it is: it is no blank around something."""
    fields = {"value": "value", "type": "url", "labels": ["tags"], "separator": " "}
    blank = feed("urlhaus", format={"kind": "csv", "fields": fields})
    (claim,) = read_all(document("value,tags\nhttp://a.example/,#Remcos #opendir\n"), blank).claims
    assert claim.labels == ("Remcos", "opendir")
