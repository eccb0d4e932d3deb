"""Documents that are not what they should be: one clear error, and nothing of them used."""

from __future__ import annotations

import contextlib
import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.feeds import Feed
from config.instant import JST, UTC, parse_millis
from config.samples import render
from normalizers.bad_value import BadValue
from normalizers.claims import Claim
from normalizers.markup import plain
from normalizers.pages import page_lines, page_title
from normalizers.reading import UnusableFormat, check, read, reading
from normalizers.records import Record, Refusal, UnreadableDocument
from normalizers.texts import is_html
from normalizers.times import file_month, time_reader
from tests.normalizers.reading import NOW, document, feed, read_all, sample_of
from tests.normalizers.test_quirks import CLEAR, bundle, indicator, item, rdf

FEEDS = [
    "cisa-kev", "feodo-tracker", "jpcert-phishurl-list", "jpcert-rss", "jvn-ipedia-rss", "jvn-rss", "openphish",
    "spamhaus-drop", "threatfox", "tweetfeed-stix", "tweetfeed-taxii", "urlhaus",
]  # fmt: skip
JPCERT = "date,URL,description\n2025/10/01 10:25:00,https://a.example/,例示銀行\n"


#: What breaks parsers when it turns up in the wrong place.
PIECES = [
    b'"',
    b",",
    b"\n",
    b"\r",
    b"\0",
    b"{",
    b"}",
    b"[",
    b"]",
    b"null",
    b"<",
    b">",
    b"&",
    b"\\",
    b"'",
    b"NaN",
    b"\xff",
]


@cache
def sample(name: str) -> bytes:
    """The demonstration's sample of a feed."""
    path = sample_of(name)
    return render(path.read_bytes().decode(), NOW).encode()


def unreadable(content: str | bytes, source: Feed) -> str:
    """The error that both passes over a document must raise."""
    with pytest.raises(UnreadableDocument) as refused:
        check(document(content), source)
    return str(refused.value)


# ---------------------------------------------------------------- all formats


@pytest.mark.parametrize("name", FEEDS)
@pytest.mark.parametrize("page", ["<!DOCTYPE html><html><body>Bad gateway</body></html>", "\n <HTML><head></head>"])
def test_a_web_page_is_no_document(name: str, page: str) -> None:
    """An error page that came with status 200 makes no rows, whatever the format."""
    assert "HTML" in unreadable(page, feed(name))


@pytest.mark.parametrize("name", [name for name in FEEDS if name not in ("openphish",)])
def test_nonsense_is_no_document(name: str) -> None:
    """Neither is text that has nothing of the format."""
    unreadable("lorem ipsum\ndolor sit amet\n", feed(name))


@pytest.mark.parametrize("name", FEEDS)
def test_binary_is_no_document(name: str) -> None:
    """Neither are bytes that are no text."""
    unreadable(b"\x93\xfa\x96\x7b\xff\xfe\x00\x01" * 20, feed(name))


@pytest.mark.parametrize("name", FEEDS)
@given(content=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_only_the_declared_error_is_raised(name: str, content: bytes) -> None:
    """No bytes whatever make a reader raise anything but UnreadableDocument, or yield other things than rows."""
    source = feed(name)
    with contextlib.suppress(UnreadableDocument):
        rows = check(document(content), source).total()
        found = list(read(document(content), source))
        assert all(isinstance(one, Claim | Record | Refusal) for one in found)
        assert len(found) >= rows


_EDITS = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 40), st.one_of(st.binary(max_size=6), st.sampled_from(PIECES))),
    min_size=1,
    max_size=4,
)


@pytest.mark.parametrize("name", FEEDS)
@given(edits=_EDITS)
def test_damaged_samples_raise_only_the_declared_error(name: str, edits: list[tuple[float, int, bytes]]) -> None:
    """A real document with bytes cut out and put in is unreadable, or its rows are claims and refusals."""
    content = sample(name)
    for place, length, piece in edits:
        at = int(place * len(content))
        content = content[:at] + piece + content[at + length :]
    source = feed(name)
    with contextlib.suppress(UnreadableDocument):
        rows = check(document(content, "202510.csv"), source).total()
        found = list(read(document(content, "202510.csv"), source))
        assert all(isinstance(one, Claim | Record | Refusal) for one in found)
        assert len(found) >= rows


def test_unknown_formats_and_options_are_refused() -> None:
    """A format that is none, an option it does not have, and a type nobody knows are named."""
    for format_, word in (
        ({"kind": "yaml"}, "yaml"),
        ({"kind": "text", "type": "url", "colour": "red"}, "colour"),
        ({"kind": "text", "type": "ja4"}, "ja4"),
        ({"kind": "csv", "fields": {"value": "v", "type": "url", "time": "%d of %B"}}, "%B"),
        ({"kind": "csv", "encoding": "utf-7", "fields": {"value": "v", "type": "url"}}, "utf-7"),
        ({"kind": "csv", "total": "no group", "fields": {"value": "v", "type": "url"}}, "one group"),
    ):
        with pytest.raises(UnusableFormat, match=word):
            reading(feed("openphish", format=format_))


@pytest.mark.parametrize("name", FEEDS)
def test_shipped_feeds_have_usable_formats(name: str) -> None:
    """Every shipped feed's format is one that is here."""
    assert reading(feed(name)) is not None


# ---------------------------------------------------------------- CSV and text


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("day,URL,description\n2025/10/01,https://a.example/,x\n", "columns date"),
        ("2025/10/01 10:25:00,https://a.example/,x\n", "columns URL, date, description"),
        (JPCERT.encode("cp932"), "utf-8"),
        (JPCERT.encode("euc_jp"), "utf-8"),
        (JPCERT.encode("utf-16"), "utf-8"),
        (JPCERT.encode().decode("cp1252", "replace").replace("\ufffd", "") + "", "twice"),
        (JPCERT.encode()[:-5], "utf-8"),
        (JPCERT + '"' + "a\n" * 500, "quoted field"),
        ("date,URL," + "x" * 2_000_000, "without end"),
        ('"date,URL\n', "header"),
    ],
)
def test_broken_csv(content: str | bytes, word: str) -> None:
    """A wrong header, another encoding, one that was applied twice, and endless fields cost the run."""
    assert word in unreadable(content, feed("jpcert-phishurl-list"))


def test_a_row_with_broken_quotes_costs_the_row() -> None:
    """The rows after it are read."""
    rows = '"2025"/10,b,c\n2025/10/01 10:25:00,https://b.example/,x\n'
    result = read_all(document(JPCERT + rows), feed("jpcert-phishurl-list"))
    assert [(one.line, one.reason) for one in result.refused] == [(3, "bad-quotes")]
    assert result.values == ["https://a.example/", "https://b.example/"]


def test_nul_bytes_cost_their_row() -> None:
    """A NUL is a character like others to CSV, and none of a URL."""
    result = read_all(document(JPCERT + "2025/10/01 10:25:00,https://b\0.example/,x\n"), feed("jpcert-phishurl-list"))
    assert [one.line for one in result.refused] == [3]
    assert "\0" not in result.refused[0].message


@pytest.mark.parametrize(
    ("encoding", "python"), [("shift_jis", "cp932"), ("euc-jp", "euc_jp"), ("iso-2022-jp", "iso2022_jp")]
)
def test_declared_japanese_encodings_are_read(encoding: str, python: str) -> None:
    """A feed file may declare Shift_JIS, EUC-JP or ISO-2022-JP."""
    declared = feed("jpcert-phishurl-list")
    declared = declared.model_copy(update={"format": {**declared.format, "encoding": encoding}})
    assert read_all(document(JPCERT.encode(python)), declared).claims[0].labels == ("例示銀行",)


@pytest.mark.parametrize(("encoding", "python"), [("shift_jis", "utf-8"), ("shift_jis", "euc_jp"), ("euc-jp", "utf-8")])
def test_mojibake_is_noticed(encoding: str, python: str) -> None:
    """Bytes that decode as declared and still are another encoding's do not become labels."""
    declared = feed("jpcert-phishurl-list")
    declared = declared.model_copy(update={"format": {**declared.format, "encoding": encoding}})
    assert "expected" in unreadable(JPCERT.encode(python), declared)


def test_bad_dates_and_missing_values_cost_their_row() -> None:
    """A date in another form is refused with the form that was expected; so is a row without a value."""
    rows = "2025-10-01,https://b.example/,x\n2025/10/01 10:25:00,,x\n2025/13/01 10:25:00,https://b.example/,x\n"
    result = read_all(document(JPCERT + rows), feed("jpcert-phishurl-list"))
    assert result.reasons == ["bad-time", "no-value", "bad-time"]
    assert "%Y/%m/%d" in result.refused[0].message


# ---------------------------------------------------------------- JSON


@pytest.mark.parametrize(
    "content",
    [
        '{"count": 1, "vulnerabilities": [',
        '{"count": NaN, "vulnerabilities": []}',
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"dateReleased":"2025-08-25T17:04:19Z","count":2,"vulnerabilities":[{}]}',
        '{"dateReleased":"soon","count":0,"vulnerabilities":[]}',
        '{"dateReleased":"2025-08-25T17:04:19Z","count":0}',
        '"text"',
        "[]",
        '{"vulnerabilities": "none"}',
        b'{"a": "\xff"}',
        '{"a": "\\ud800"}',
        "",
    ],
)
def test_broken_json(content: str | bytes) -> None:
    """Cut off, NaN, nested without end, not UTF-8, another structure or number than it says: no document."""
    unreadable(content, feed("cisa-kev"))


def test_records_of_the_wrong_kind_cost_themselves() -> None:
    """A record that is no object, or whose members have other types, is refused alone."""
    entries: list[Any] = [7, None, {}, {"cveID": 5}, {"cveID": "CVE-2099-10001", "dateAdded": 5}]
    entries.append({"cveID": "CVE-2099-10001", "dateAdded": "2025-08-25", "cwes": 5, "notes": [], "product": None})
    text = json.dumps({"dateReleased": "2025-08-25T17:04:19Z", "count": len(entries), "vulnerabilities": entries})
    result = read_all(document(text), feed("cisa-kev"))
    assert result.reasons == ["bad-record", "bad-record", "bad-cve", "bad-cve", "bad-time"]
    assert result.values == ["CVE-2099-10001"]


def test_a_broken_line_of_json_lines_costs_itself() -> None:
    """The other lines are read; line numbers are the document's."""
    rows = '{"cidr":"198.51.100.0/24"}\n\n{"cidr":\n7\n{"cidr":"203.0.113.0/24"}\n'
    result = read_all(document(rows + '{"type":"metadata","timestamp":1,"records":4}\n'), feed("spamhaus-drop"))
    assert [(one.line, one.reason) for one in result.refused] == [(3, "bad-record"), (4, "bad-record")]
    assert result.values == ["198.51.100.0/24", "203.0.113.0/24"]


def test_objects_of_lists_are_records_too() -> None:
    """An export whose records hang under their ids is flattened."""
    source = feed(
        "threatfox", format={"kind": "json", "fields": {"value": "ioc.value", "type": "any", "port": "ioc.port"}}
    )
    records = {
        "1": [{"ioc": {"value": "203.0.113.7", "port": 80}}],
        "2": [{"ioc": {"value": "a.example.net", "port": "x"}}],
    }
    result = read_all(document(json.dumps(records)), source)
    assert result.values == ["203.0.113.7"]
    assert result.reasons == ["bad-port"]


# ---------------------------------------------------------------- XML


@pytest.mark.parametrize(
    ("head", "word"),
    [
        ('<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>', "DTD"),
        ('<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>', "DTD"),
        ('<!DOCTYPE r SYSTEM "http://example.com/x.dtd">', "DTD"),
    ],
)
def test_dtds_and_entities_are_refused(head: str, word: str) -> None:
    """Nothing is expanded and nothing is fetched."""
    assert word in unreadable(rdf(item(), head=head), feed("jpcert-rss"))


@pytest.mark.parametrize(
    "content",
    [
        rdf(item())[:-10],
        rdf(item("&undefined;")),
        rdf(item("a\0b")),
        "<a>" * 100_000,
        "<a><b></a></b>",
        "<rss version='2.0'></rss>",
        '<?xml version="1.0" encoding="EBCDIC-JP-kana"?><a/>',
        "",
    ],
)
def test_broken_xml(content: str) -> None:
    """Cut off, not well-formed, nested without end, another vocabulary, an unknown encoding: no document."""
    unreadable(content, feed("jpcert-rss"))


@pytest.mark.parametrize(("name", "python"), [("Shift_JIS", "cp932"), ("EUC-JP", "euc_jp"), ("UTF-16", "utf-16")])
def test_xml_in_japanese_encodings(name: str, python: str) -> None:
    """XML says its encoding itself; the ones that the parser does not know are decoded first."""
    text = rdf(item("注意喚起: 脆弱性")).replace("UTF-8", name)
    claim = read_all(document(text.encode(python)), feed("jpcert-rss")).claims[0]
    assert json.loads(claim.detail)["title"] == {"ja": "脆弱性"}


def test_bad_items_cost_themselves() -> None:
    """An item without link and identifier, with a link that is none, or with a date that is none, is refused alone."""
    items = "<item><title>t</title></item>" + item(link="http://a..example/") + item(date="soon") + item()
    result = read_all(document(rdf(items)), feed("jpcert-rss"))
    assert [(one.line, one.reason) for one in result.refused] == [(1, "no-value"), (2, "bad-host"), (3, "bad-time")]
    assert result.values == ["https://example.jp/a1"]


# ---------------------------------------------------------------- STIX


def stix(*objects: Any, **changes: Any) -> Any:
    """A bundle read as TweetFeed's, with changes to the feed."""
    return read_all(document(bundle(*objects)), feed("tweetfeed-stix", **changes))


TLP = {
    "clear": CLEAR,
    "green": "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    "amber": "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    "amber+strict": "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
    "red": "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
    "white (TLP 1)": "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9",
    "green (TLP 1)": "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da",
    "amber+strict (OpenCTI)": "marking-definition--826578e1-40ad-459f-bc73-ede076f81f37",
}


@pytest.mark.parametrize(
    ("marks", "share", "audience"),
    [
        (["clear"], "public", "clear"),
        (["white (TLP 1)"], "public", "clear"),
        (["green"], "public", "green"),
        (["green (TLP 1)"], "public", "green"),
        (["amber"], "public", "amber:isac"),
        (["amber+strict (OpenCTI)"], "public", "amber+strict:isac"),
        (["clear", "amber+strict"], "public", "amber+strict:isac"),
        (["clear"], "members", "green"),
        (["clear"], "internal", "internal"),
        ([], "public", "green"),
    ],
)
def test_an_objects_own_marking_is_kept_within_the_feeds_terms(marks: list[str], share: str, audience: str) -> None:
    """All dialects of TLP are understood; of several marks the narrowest counts; the terms narrow all; without a mark
    the feed's default holds."""
    obj = indicator(object_marking_refs=[TLP[mark] for mark in marks])
    (claim,) = stix(obj, marking="TLP:GREEN", share=share, group="isac").claims
    assert claim.audience == audience


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"object_marking_refs": [TLP["red"]]}, "marking"),
        ({"object_marking_refs": [TLP["amber"]]}, "marking"),
        ({"object_marking_refs": ["marking-definition--00000000-0000-4000-8000-000000000000"]}, "unknown-marking"),
        ({"granular_markings": [{"marking_ref": TLP["red"], "selectors": ["name"]}]}, "marking"),
        ({"pattern": "[file:name = 'a']"}, "unsupported-pattern"),
        ({"pattern_type": "yara"}, "pattern-type"),
        ({"pattern": 7}, "no-pattern"),
        ({"modified": "soon"}, "bad-time"),
        ({"valid_from": None}, "bad-time"),
        ({"confidence": 101}, "bad-confidence"),
        ({"confidence": "high"}, "bad-confidence"),
        ({"indicator_types": ["benign"]}, "benign"),
        ({"type": "malware"}, "object-type"),
        ({"type": None}, "bad-object"),
    ],
)
def test_objects_that_cannot_be_used_cost_themselves(changes: dict[str, Any], reason: str) -> None:
    """Each with its reason; what stands beside them is read."""
    result = stix(indicator(**changes), indicator())
    assert result.reasons == [reason]
    assert result.values == ["203.0.113.7"]


def test_markings_defined_in_the_document() -> None:
    """TLP 2.0 by extension under another id counts, a statement restricts nobody, another word is refused."""

    def marking(number: int, **more: Any) -> dict[str, Any]:
        return {"type": "marking-definition", "id": f"marking-definition--{number}", **more}

    extension = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
    own = marking(1, extensions={extension: {"tlp_2_0": "green"}})
    statement = marking(2, definition_type="statement", definition={"statement": "(c)"})
    odd = marking(3, definition_type="tlp", definition={"tlp": "purple"})
    rows = [indicator(object_marking_refs=[CLEAR, one["id"]]) for one in (own, statement, odd)]
    result = stix(own, statement, odd, *rows)
    assert [claim.audience for claim in result.claims] == ["green", "clear"]
    assert result.reasons == ["marking"]


def test_indicators_become_claims() -> None:
    """Dates, confidence, labels, references, life and revocation of an indicator are the claim's."""
    (claim,) = stix(
        indicator(
            confidence=80,
            labels=["c2", "ais-jp:malware=SampleRAT", "ais-jp:threat=x", "#Tag"],
            external_references=[
                {"source_name": "blog", "url": "https://blog.example.com/1"},
                {"source_name": "bad", "url": "javascript:alert(1)"},
                {"source_name": "case", "external_id": "C-1"},
                7,
            ],
            valid_until="2026-02-24T00:11:04.000Z",
            revoked=True,
        )
    ).claims
    assert claim.first_seen == parse_millis("2026-02-21T00:11:04Z")
    assert claim.last_seen == claim.version == claim.withdrawn == parse_millis("2026-02-22T00:11:04Z")
    assert claim.life == 2 * 86_400_000
    assert claim.confidence == 40
    assert claim.labels == ("Tag", "c2")
    assert claim.malware == ("SampleRAT",)
    assert json.loads(claim.detail) == {"threat": "botnet-c2"}
    assert claim.references == (
        ("Source: TweetFeed (CC0)", "https://tweetfeed.live/", ""),
        ("blog", "https://blog.example.com/1", ""),
        ("case", "", "C-1"),
    )


@pytest.mark.parametrize("text", ["{}", '{"more": false}', '{"objects": []}', "[]"])
def test_empty_envelopes_are_empty(text: str) -> None:
    """Nothing new is no error."""
    assert read_all(document(text), feed("tweetfeed-taxii")).rows == 0


@pytest.mark.parametrize("text", ['{"objects": 7}', '{"type": "indicator", "objects": []}', "7", '{"objects": [}'])
def test_what_is_no_collection_of_objects(text: str) -> None:
    """Another JSON is no document."""
    unreadable(text, feed("tweetfeed-taxii"))


# ---------------------------------------------------------------- times


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        ("iso", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
        ("iso", "2026-01-02 03:04", "2026-01-02T03:04:00Z"),
        ("iso", "2026-01-02T03:04+09:00", "2026-01-01T18:04:00Z"),
        ("iso", "2026-01-02T03:04:05.123999Z", "2026-01-02T03:04:05.123Z"),
        ("iso", "2026-01-02T03:04:05.9796Z", "2026-01-02T03:04:05.979Z"),
        ("iso", "2026-01-02 03:04:05 UTC", "2026-01-02T03:04:05Z"),
        ("epoch", "1767323045", "2026-01-02T03:04:05Z"),
        ("epoch", 1767323045, "2026-01-02T03:04:05Z"),
        ("epoch_ms", "1767323045678", "2026-01-02T03:04:05.678Z"),
        ("%Y/%m/%d %H:%M:%S", "2026/01/02 03:04:05", "2026-01-02T03:04:05Z"),
        ("%d.%m.%Y", " 2.1.2026 ", "2026-01-02T00:00:00Z"),
    ],
)
def test_times(form: str, text: Any, expected: str) -> None:
    """Each form is read as it is written, and text without an offset in the zone that the feed file gives."""
    assert time_reader(form, UTC)(text) == parse_millis(expected)


@pytest.mark.parametrize(
    ("form", "text"),
    [("iso", "soon"), ("iso", 7), ("iso", "1969-12-31T23:59:59Z"), ("iso", "2026-02-30"), ("iso", ""),
     ("epoch", "x"), ("epoch", -1), ("epoch", True), ("epoch", "nan"), ("epoch", 10**20), ("epoch", None),
     ("%Y/%m/%d", "2026-01-02"), ("%Y/%m/%d", "2026/02/30"), ("%Y/%m/%d", None)],
)  # fmt: skip
def test_bad_times(form: str, text: Any) -> None:
    """What is no such time is refused under one word."""
    with pytest.raises(BadValue) as refused:
        time_reader(form, UTC)(text)
    assert refused.value.reason == "bad-time"


def test_a_time_without_a_zone_is_refused_where_none_is_given() -> None:
    """Nothing is taken for UTC by accident."""
    with pytest.raises(BadValue):
        time_reader("iso", None)("2026-01-02 03:04:05")


_FORMS = st.sampled_from(["iso", "epoch", "epoch_ms", "%Y/%m/%d %H:%M:%S"])


@given(_FORMS, st.one_of(st.text(max_size=30), st.floats(), st.integers()))
def test_times_raise_only_bad_values(form: str, cell: Any) -> None:
    """No cell whatever raises anything but BadValue."""
    with contextlib.suppress(BadValue):
        assert time_reader(form, UTC)(cell) >= 0


def test_the_month_of_a_file_name() -> None:
    """Six digits that are a year and a month, in the zone of the feed."""
    assert file_month("202510.csv", JST) == parse_millis("2025-10-01T00:00:00+09:00")
    assert file_month("list-2025-10.csv", UTC) == parse_millis("2025-10-01T00:00:00Z")
    assert file_month("202513.csv", JST) is None
    assert file_month("20251001.csv", JST) is None


ENDLESS = f"&#{'1' * 5_000};"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("epss", '#model_version:v1,score_date:2026-02-28T00:00:00Z\ncve,epss,percentile\n"' + "x,1\n" * 40_000),
        ("nvd", '{"timestamp": "yesterday", "vulnerabilities": []}'),
        ("myjvn-json", '{"feed": {"updated": "yesterday", "entry": []}}'),
        ("nicter-blog", f"<rss><channel><item><title>{ENDLESS.replace('&', '&amp;')}</title></item></channel></rss>"),
    ],
)
def test_what_no_parser_likes_costs_a_row_or_the_run(name: str, text: str) -> None:
    """A quote without an end, a document's date that is none, a character's number of endless digits."""
    with contextlib.suppress(UnreadableDocument):
        check(document(text), feed(name))
        list(read(document(text), feed(name)))


def test_a_character_reference_of_endless_digits_is_one_to_no_character() -> None:
    """In web pages, their titles and descriptions; Python makes no number of so many digits."""
    assert page_lines(f"<h1>a{ENDLESS}b</h1>") == ["# a\ufffdb"]
    assert page_title(f"<title>a{ENDLESS}b</title>") == "a\ufffdb"
    assert plain(f"a{ENDLESS}b &#65; &#x1f600;") == "a\ufffdb A \U0001f600"


def test_comments_without_number_are_no_web_page_in_no_time() -> None:
    """Each ends at its first end: to try the others would take longer than anybody lives."""
    assert not is_html(document("<!---->" * 500 + "x"))
    assert is_html(document("<!-- a --> <!-- <b> -->\n<!doctype html>"))
