"""The generic formats in what the shipped lists ask of them: lines, sections, steps, prefixes, XML, AsciiDoc, zones."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from config.feeds import Feed
from config.instant import from_datetime, parse_millis
from normalizers.bad_value import BadValue
from normalizers.columns import Columns, survey
from normalizers.reading import UnusableFormat, check, reading
from normalizers.records import UnreadableDocument
from normalizers.times import time_reader
from normalizers.zones import ZONES
from tests.normalizers.reading import Read, document, feed, read_all

_local = datetime.fromisoformat


def own(kind: str, **options: Any) -> Feed:
    """A feed of that format, of a publisher of its own."""
    return feed("openphish", format={"kind": kind, **options}, credit=None)


def rows(text: str, kind: str, **options: Any) -> Read:
    """What a document becomes."""
    return read_all(document(text), own(kind, **options))


# ---------------------------------------------------------------- lines

ROW = {
    "row": r"(?P<ip>\S+) since (?P<day>\S+)",
    "fields": {"value": "ip", "type": "ip", "first_seen": "day", "zone": "UTC"},
}


def test_lines_are_parted_by_their_pattern() -> None:
    """Groups are columns; comments and blank lines are none, and a line of another form is refused with its number."""
    result = rows("# c\n\n203.0.113.7 since 2026-01-02\nelse\n203.0.113.8 since 2026-01-03  \n", "lines", **ROW)
    assert result.values == ["203.0.113.7", "203.0.113.8"]
    assert result.claims[0].first_seen == parse_millis("2026-01-02T00:00:00Z")
    assert [(refusal.line, refusal.reason) for refusal in result.refused] == [(4, "columns")]


def test_lines_of_another_form_may_be_passed_over() -> None:
    """As the four lines of an exit relay, of which one is a row; so a line longer than any list has."""
    long = f"203.0.113.9 since {'x' * 5_000}\n"
    result = rows(f"ExitNode A\n203.0.113.7 since 2026-01-02\n{long}", "lines", others="pass", **ROW)
    assert (result.values, result.refused) == (["203.0.113.7"], [])
    assert rows(long, "lines", **ROW).reasons == ["columns"]


@pytest.mark.parametrize(
    ("row", "word"),
    [("(?P<ip>", "expected a pattern"), (r"(?P<other>\S+)", "none for ip, day"), ("", "none for ip, day")],
)
def test_a_pattern_has_to_have_the_columns(row: str, word: str) -> None:
    """A pattern that is none, or lacks a group, is a mistake in the feed's file."""
    with pytest.raises(UnusableFormat, match=word):
        reading(own("lines", **{**ROW, "row": row}))


def columns(text: str, feed: Feed) -> Columns:
    """What the rows of a document have."""
    found = survey([document(text)], feed, [feed.audience])
    assert found is not None
    return found.seen_by(feed.audience)


def test_what_lines_and_elements_have_is_told() -> None:
    """Columns by name, so that one that is empty all at once is noticed."""
    found = columns("203.0.113.7 since 2026-01-02\n\nelse\n", own("lines", **ROW))
    assert found.filled == {"ip": 1, "day": 1}
    found = columns("<o><e><u>http://a.example/</u><x/><y>1</y></e></o>", own("xml", **XML))
    assert (found.filled, found.unread) == ({"u": 1}, ["y"])


# ---------------------------------------------------------------- text

SECTIONS = [{"begins": "# B", "family": "other", "threat": "scanner", "labels": ["b"]}, {"begins": "# C"}]


def test_a_section_goes_on_to_the_next_that_is_named() -> None:
    """Other comments end none, and a section without a family is the feed's."""
    text = "a.example\n# B list\nb.example\n# note\nb2.example\n# C\nc.example\n# B again\nb3.example\n"
    claims = rows(text, "text", type="domain", sections=SECTIONS).claims
    assert [(claim.value, claim.family, claim.labels) for claim in claims] == [
        ("a.example", "openphish", ()),
        ("b.example", "other", ("b",)),
        ("b2.example", "other", ("b",)),
        ("c.example", "openphish", ()),
        ("b3.example", "other", ("b",)),
    ]


# ---------------------------------------------------------------- CSV


def test_networks_by_address_and_prefix() -> None:
    """The claim is about the network; /32 is an address, and without a length it is none."""
    fields = {"value": "start", "prefix": "bits", "type": "cidr"}
    result = rows("start,bits\n198.51.100.9,24\n203.0.113.7,32\n203.0.113.0,\n", "csv", fields=fields)
    assert result.values == ["198.51.100.0/24", "203.0.113.7"]
    assert result.reasons == ["bad-network"]


def test_confidence_by_a_number() -> None:
    """The highest step that is reached; below the least the feed's own; what is no number is refused."""
    fields = {"value": "v", "type": "ip", "confidence": {"column": "n", "steps": {8: 80, 2: 20, 4: 40}}}
    text = "v,n\n" + "".join(
        f"203.0.113.{at},{n}\n" for at, n in enumerate(("1", "2", "3", "4", "7.5", "8", "99", "", "x"))
    )
    result = read_all(
        document(text), own("csv", fields=fields).model_copy(update={"reliability": 100, "confidence": 55})
    )
    assert [claim.confidence for claim in result.claims] == [55, 20, 20, 40, 40, 80, 80, 55]
    assert result.reasons == ["bad-confidence"]


@pytest.mark.parametrize("steps", [{}, {1: 101}, {1: -1}])
def test_steps_are_of_confidence(steps: dict[int, int]) -> None:
    """None at all, or a confidence outside 0 to 100, is a mistake in the feed's file."""
    fields = {"value": "v", "type": "ip", "confidence": {"column": "n", "steps": steps}}
    with pytest.raises(UnusableFormat, match=r"format\.fields\.confidence"):
        reading(own("csv", fields=fields))


def test_a_column_goes_by_several_names() -> None:
    """Also in a header that is a comment; where both stand there, the name itself is meant."""
    options = {"fields": {"value": "value", "type": "ip"}, "aliases": {"value": ["ip", "address"]}}
    assert rows("n,address\n1,203.0.113.7\n", "csv", **options).values == ["203.0.113.7"]
    assert rows("# n,ip\n1,203.0.113.7\n", "csv", header="comment", **options).values == ["203.0.113.7"]
    assert rows("ip,value\n203.0.113.9,203.0.113.7\n", "csv", **options).values == ["203.0.113.7"]
    with pytest.raises(UnreadableDocument, match="expected columns value"):
        check(document("n,host\n1,a\n"), own("csv", **options))


def test_tabs_and_quotes_that_are_none() -> None:
    """A value may begin with a quote that closes nothing."""
    text = 'name\tip\n"half\t203.0.113.7\n"a"b\t203.0.113.8\n'
    options: dict[str, Any] = {"delimiter": "tab", "fields": {"value": "ip", "type": "ip"}}
    assert rows(text, "csv", quotes=False, **options).values == ["203.0.113.7", "203.0.113.8"]
    assert rows(text, "csv", **options).reasons[0] == "bad-quotes"


def test_the_time_of_a_document_in_words() -> None:
    """Written otherwise than in its rows; a time that is none costs the document."""
    options = {"fields": {"value": "v", "type": "ip"}, "updated": "Last update: (.+)", "updated_time": "mail"}
    (claim,) = rows("# Last update: Sat, 28 Feb 2026 03:00:29 +0200\nv\n203.0.113.7\n", "csv", **options).claims
    assert claim.version == parse_millis("2026-02-28T01:00:29Z")
    with pytest.raises(UnreadableDocument, match="Fri, 02 Jan 2026"):
        check(document("# Last update: soon\nv\n203.0.113.7\n"), own("csv", **options))
    with pytest.raises(UnusableFormat, match="expected iso, epoch, epoch_ms, mail"):
        reading(own("csv", **{**options, "updated_time": "words"}))


# ---------------------------------------------------------------- times


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Sat, 22 Aug 2026 03:00:29 +0200", "2026-08-22T01:00:29Z"),
        ("Sat, 22 Aug 2026 03:00:29 GMT", "2026-08-22T03:00:29Z"),
        ("22 Aug 2026 03:00:29 -0000", "2026-08-22T03:00:29Z"),
        ("Tue Dec 15 15:33:38 2015 UTC", "2015-12-15T15:33:38Z"),
        ("Tue Dec 15 15:33:38 2015", "2015-12-15T15:33:38Z"),
    ],
)
def test_dates_as_mail_and_unix_write_them(text: str, expected: str) -> None:
    """RFC 5322, and what `date` prints; without an offset in the feed's zone."""
    assert time_reader("mail", ZONES["UTC"])(text) == parse_millis(expected)


@pytest.mark.parametrize(
    "cell", ["", "soon", "2026-01-02", None, 5, "Sat, 32 Aug 2026 03:00:29 +0200", "1 Jan 1900 00:00:00 +0000"]
)
def test_dates_that_are_none(cell: Any) -> None:
    """Each is a bad time and nothing else."""
    with pytest.raises(BadValue) as refused:
        time_reader("mail", None)(cell)
    assert refused.value.reason == "bad-time"


@given(
    st.datetimes(min_value=_local("1997-01-01T00:00:00"), max_value=_local("2036-12-31T00:00:00")),
    st.sampled_from((0, 1)),
)
@example(_local("2026-03-29T01:59:59"), 0)
@example(_local("2026-03-29T02:30:00"), 0)
@example(_local("2026-03-29T02:30:00"), 1)
@example(_local("2026-03-29T03:00:00"), 0)
@example(_local("2026-10-25T01:59:59"), 0)
@example(_local("2026-10-25T02:30:00"), 0)
@example(_local("2026-10-25T02:30:00"), 1)
@example(_local("2026-10-25T03:00:00"), 0)
def test_warsaw_is_what_the_zone_tables_say(local: datetime, fold: int) -> None:
    """Offset and name at every local time, those that come twice or never too."""
    local = local.replace(microsecond=local.microsecond // 1_000 * 1_000)
    ours = local.replace(tzinfo=ZONES["Europe/Warsaw"], fold=fold)
    theirs = local.replace(tzinfo=ZoneInfo("Europe/Warsaw"), fold=fold)
    assert (ours.utcoffset(), ours.tzname()) == (theirs.utcoffset(), theirs.tzname())
    if fold == 0:
        text = local.isoformat(timespec="milliseconds")
        assert time_reader("iso", ZONES["Europe/Warsaw"])(text) == from_datetime(theirs)
        assert parse_millis(text, zone=ZONES["Europe/Warsaw"]) == from_datetime(theirs)


# ---------------------------------------------------------------- XML

XML: dict[str, Any] = {
    "records": "e",
    "fields": {
        "value": "u",
        "type": "url",
        "first_seen": "t",
        "time": "epoch",
        "absent": ["", "0"],
        "labels": ["host/name"],
    },
}


def test_records_of_an_xml_document() -> None:
    """Children are columns, CDATA is text, and an empty element is nothing; a record without a value is refused."""
    text = (
        "<o><e><u><![CDATA[http://a.example/?a=1&b=2]]></u><t>1772000000</t><host><name>x</name></host></e>"
        "<e><u> http://b.example/ </u><t>0</t></e><e><u/></e><other/></o>"
    )
    result = rows(text, "xml", **XML)
    assert result.values == ["http://a.example/?a=1&b=2", "http://b.example/"]
    assert result.claims[0].first_seen == 1_772_000_000_000
    assert result.claims[0].labels == ("x",)
    assert result.reasons == ["no-value"]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("<o><s>1</s><l/></o>", "expected s ok, got '1'"),
        ("<o><s>0</s></o>", "expected records at 'l/e'"),
        ("<o><s>0</s><l>", "well-formed"),
        ('<!DOCTYPE o [<!ENTITY a "b">]><o><s>0</s><l/></o>', "expected XML without"),
        ("<html><body>busy</body></html>", "HTML"),
        ("", "well-formed"),
    ],
)
def test_xml_documents_that_are_none(text: str, word: str) -> None:
    """An error with HTTP status 200, a document of another kind, one that is cut off, one with entities."""
    with pytest.raises(UnreadableDocument, match=word):
        check(
            document(text),
            own("xml", **{**XML, "records": "l/e", "status": {"path": "s", "good": ["0"], "empty": ["2"]}}),
        )


def test_an_xml_document_may_say_that_there_is_nothing() -> None:
    """A word for it is no error."""
    options = {**XML, "records": "l/e", "status": {"path": "s", "good": ["0"], "empty": ["2"]}}
    assert rows("<o><s>2</s></o>", "xml", **options).rows == 0


# ---------------------------------------------------------------- AsciiDoc

REPORT = """= Sample Group - Indicators of Compromise

Text with `words.example.net` that are no indicators.

== Samples

[options="header"]
|===
| SHA-1 | Name | Detection
| `{0}` | `a.exe` | Win32/Sample.A
| {1}   |  | N/A |
| N/A | b.exe | x
three lines
|===

== C&C servers

- `c2[.]sample[.]example`
* `+203.0.113[.]7+`
** `++https://a.example/x++` (down)
-- not an item
----
d.sample.example

----

=== File names

- `c.exe`
"""
ADOC: dict[str, Any] = {
    "columns": {"SHA-1": "file"}, "sections": {"C&C": "any"}, "labels": ["Detection"],
    "title": ["- Indicators of Compromise"],
}  # fmt: skip


def test_values_of_a_report() -> None:
    """Those of the named columns and sections, with the report's title and the row's labels; all else is prose."""
    result = rows(REPORT.format("AB" * 19 + "01", "cd" * 20), "asciidoc", **ADOC)
    assert [(claim.type, claim.value, claim.labels) for claim in result.claims] == [
        ("file", "ab" * 19 + "01", ("Sample Group", "Win32/Sample.A")),
        ("file", "cd" * 20, ("N/A", "Sample Group")),
        ("domain", "c2.sample.example", ("Sample Group",)),
        ("ipv4", "203.0.113.7", ("Sample Group",)),
        ("url", "https://a.example/x", ("Sample Group",)),
        ("domain", "d.sample.example", ("Sample Group",)),
    ]
    assert result.refused == []


def test_a_bad_value_of_a_report_is_refused_with_its_line() -> None:
    """And costs no other."""
    result = rows(REPORT.format("no hash", "cd" * 20), "asciidoc", **ADOC)
    assert [(refusal.line, refusal.reason) for refusal in result.refused] == [(10, "bad-hash")]
    assert len(result.claims) == 5


def test_a_report_without_a_heading_is_none() -> None:
    """A document of another kind."""
    with pytest.raises(UnreadableDocument, match="no heading"):
        check(document("words\n"), own("asciidoc", **ADOC))
    with pytest.raises(UnusableFormat, match="ip:port"):
        reading(own("asciidoc", sections={"x": "ip:port"}))
