"""RSS 1.0, RSS 2.0 and Atom as one kind of item, and the numbers of JVN that items go by."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.instant import parse_millis
from normalizers.folds import fold
from normalizers.markup import plain
from normalizers.reading import check
from normalizers.records import UnreadableDocument
from normalizers.syndication import items
from normalizers.values import jvns_in
from tests.normalizers.reading import document, feed, read_all
from tests.normalizers.test_quirks import item, rdf

STATUS = (
    '<status:Status xmlns:status="http://jvndb.jvn.jp/myjvn/Status" retCd="{}" errCd="{}" errMsg="{}" totalRes="0"/>'
)
ATOM = '<feed xmlns="http://www.w3.org/2005/Atom"><entry>{}</entry></feed>'
RSS = '<rss version="2.0"><channel><title>t</title><item>{}</item></channel></rss>'


def test_q_i2_an_alert_of_ipa_stands_three_times() -> None:
    """One page with three dates, two of them updates: one advisory, first seen at the first, titled as the last."""
    link = "https://example.jp/alert20251209.html"
    items = "".join(
        item(title, link=link, date=date)
        for title, date in (("更新：三", "2025-12-12"), ("更新：二", "2025-12-10"), ("一", "2025-12-09"))
    )
    claims = read_all(document(rdf(items)), feed("ipa-alert-rss")).claims
    folded = fold(fold(fold(None, claims[0], replace=False), claims[1], replace=False), claims[2], replace=False)
    assert len({claim.key for claim in claims}) == 1
    assert json.loads(folded.detail)["title"] == {"ja": "三"}
    assert folded.first_seen == parse_millis("2025-12-09T00:00:00+09:00")
    assert folded.labels == ("updated",)


def test_q_t4_midnight_in_japan() -> None:
    """IPA dates an alert to the day, at midnight where it was written."""
    (claim,) = read_all(document(rdf(item(date="2026-02-13T00:00:00+09:00"))), feed("ipa-alert-rss")).claims
    assert claim.first_seen == parse_millis("2026-02-12T15:00:00Z")


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("脆弱性について（JVN#84622767）", ["JVN#84622767"]),
        ("（ＪＶＮ＃８４６２２７６７）", ["JVN#84622767"]),
        ("https://jvn.jp/en/jp/JVN84622767/", ["JVN#84622767"]),
        ("https://jvn.jp/vu/JVNVU99709964/index.html", ["JVNVU#99709964"]),
        ("JVNVU#99709964、jvn#84622767", ["JVN#84622767", "JVNVU#99709964"]),
        ("JVNTA#91240916", ["JVNTA#91240916"]),
        ("JVNDB-2026-000001", []),
        ("JVN#1234", []),
        ("XJVN#84622767", []),
        ("JVN#846227670", []),
    ],
)
def test_q_i5_numbers_of_jvn_in_each_spelling(text: str, numbers: list[str]) -> None:
    """Three spellings of one number are one; an id of JVN iPedia is another thing."""
    assert jvns_in(text) == numbers
    assert jvns_in(" ".join(numbers)) == numbers


@pytest.mark.parametrize(
    ("body", "title", "link"),
    [
        ('<title type="html">a &amp;lt;b&amp;gt;</title><link rel="self" href="https://example.jp/s"/>'
         '<link href="https://example.jp/a"/>', "a <b>", "https://example.jp/a"),
        ('<title>1 &lt; 2</title><link rel="alternate" href="https://example.jp/a"/>'
         '<link rel="alternate" href="https://example.jp/b"/>', "1 < 2", "https://example.jp/a"),
    ],
)  # fmt: skip
def test_atom_texts_and_links(body: str, title: str, link: str) -> None:
    """A text construct's type tells whether it is markup; the first alternate link is the entry's page."""
    (found,) = items(document(ATOM.format(body)))
    assert (found.title, found.link) == (title, link)


@pytest.mark.parametrize(
    ("body", "link"),
    [
        ("<guid>https://example.jp/a</guid>", "https://example.jp/a"),
        ('<guid isPermaLink="false">https://example.jp/a</guid>', ""),
        ("<link>https://example.jp/b</link><guid>https://example.jp/a</guid>", "https://example.jp/b"),
    ],
)
def test_an_rss_2_guid_is_a_page_unless_it_says_that_it_is_none(body: str, link: str) -> None:
    """RSS 2.0: isPermaLink is true by default."""
    (found,) = items(document(RSS.format(body)))
    assert found.link == link


def test_known_by_its_own_identifier() -> None:
    """Where entries share a page, the identifier is what an advisory is known again by, and the page a reference."""
    source = feed("jpcert-eyes")
    source = source.model_copy(update={"format": {**source.format, "known_by": "id"}})
    body = '<id>MYJVN-ALT-2025-0001</id><link href="https://example.jp/"/><updated>2026-02-01T00:00:00Z</updated>'
    (claim,) = read_all(document(ATOM.format(body)), source).claims
    assert claim.value == "MYJVN-ALT-2025-0001"
    assert "https://example.jp/" in [url for _, url, _ in claim.references]


def test_q_x4_an_error_of_myjvn_has_http_status_200() -> None:
    """retCd 1 is an error, with its code and message in the words that are shown; 0 with no entries is none."""
    with pytest.raises(UnreadableDocument, match=r"retCd 0, got '1' \(XX00000001: 例示\)"):
        check(document(rdf(STATUS.format("1", "XX00000001", "例示"))), feed("jvn-ipedia-rss"))
    assert check(document(rdf(STATUS.format("0", "", ""))), feed("jvn-ipedia-rss")).total() == 0


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>a<br/>b &amp; c</p>", "a b & c"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("a<script>alert('<')</script>b", "a alert('<') b"),
        ("a<style>p { }</style>b", "a b"),
        ("a <!-- b --> c", "a c"),
    ],
)
def test_markup_becomes_text(html: str, text: str) -> None:
    """Tags become blanks, references characters."""
    assert plain(html) == text


@given(st.text(alphabet="<>/!abscript &;'\"\n", max_size=200))
def test_markup_is_read_whatever_it_is(html: str) -> None:
    """Any text gives a text on one line, without a whole tag of one letter."""
    assert "\n" not in plain(html)


def test_markup_without_an_end_takes_no_time_beyond_its_length() -> None:
    """Tags that are never closed are looked at a bounded way ahead; what is too long is cut."""
    assert len(plain("<a " * 1_000_000)) <= 100_000
