"""The quirks of real feeds, each in a few bytes. Their names (T time, I identity, U values, C text, X structure) are
those of the list that the feeds were studied into."""

from __future__ import annotations

import json
import uuid
from typing import Any

import orjson
import pytest

from config.feeds import Feed
from config.instant import DAY, parse_millis
from normalizers.folds import fold
from normalizers.merge import View, merge
from normalizers.reading import check, read
from normalizers.records import UnreadableDocument
from tests.normalizers.reading import NOW, Read, document, feed, read_all

JPCERT = "date,URL,description\n"
CLEAR = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"


def phishing(rows: str, name: str = "202510.csv") -> Read:
    """Rows of JPCERT/CC's phishing URL list."""
    return read_all(document(JPCERT + rows, name), feed("jpcert-phishurl-list"))


def phishing_url(url: str) -> Read:
    """One row of it."""
    return phishing(f"2025/10/01 10:25:00,{url},例示銀行\n")


def rdf(items: str, channel: str = "", head: str = "") -> str:
    """An RSS 1.0 document."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>{head}
<rdf:RDF xmlns="http://purl.org/rss/1.0/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/"
 xmlns:sec="http://jvn.jp/rss/mod_sec/" xmlns:sec3="http://jvn.jp/rss/mod_sec/3.0/" xml:lang="ja">
<channel rdf:about="https://example.jp/rss"><title>t</title>{channel}</channel>
{items}</rdf:RDF>"""


def item(
    title: str = "t", link: str = "https://example.jp/a1", date: str = "2026-02-13T13:27+09:00", more: str = ""
) -> str:
    """One item of it."""
    return f"<item rdf:about='{link}'><title>{title}</title><link>{link}</link><dc:date>{date}</dc:date>{more}</item>"


def detail(claim: Any) -> dict[str, Any]:
    """A claim's detail."""
    found: dict[str, Any] = orjson.loads(claim.detail)
    return found


def indicator(**changes: Any) -> dict[str, Any]:
    """A STIX indicator."""
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": "indicator--6bbb7149-3f71-52ed-b775-5a919f40396e",
        "created": "2026-02-21T00:11:04.000Z",
        "modified": "2026-02-22T00:11:04.000Z",
        "valid_from": "2026-02-21T00:11:04.000Z",
        "pattern": "[ipv4-addr:value = '203.0.113.7']",
        "pattern_type": "stix",
        "object_marking_refs": [CLEAR],
        **changes,
    }


def bundle(*objects: Any) -> str:
    """A STIX bundle."""
    return json.dumps({"type": "bundle", "id": "bundle--b7d0acd5-198f-5562-880c-86a9bf2b0eae", "objects": objects})


# ---------------------------------------------------------------- time


def test_q_t1_times_without_seconds() -> None:
    """2026-02-13T13:27+09:00 is a time."""
    (claim,) = read_all(document(rdf(item(date="2026-02-13T13:27+09:00"))), feed("jpcert-rss")).claims
    assert claim.version == parse_millis("2026-02-13T04:27:00Z")


def test_q_t2_jst_without_an_offset() -> None:
    """The phishing list's times are Japan's: nine hours before the same digits in UTC, and perhaps the day before."""
    (claim,) = phishing("2025/10/01 08:25:00,https://a.example/,例示銀行\n").claims
    assert claim.first_seen == parse_millis("2025-09-30T23:25:00Z")


def test_q_t3_blank_date_falls_back_to_the_month_of_the_file() -> None:
    """A row with a blank for a date is of the month that its file is named after."""
    (claim,) = phishing(" ,https://a.example/,例示銀行\n", "202310.csv").claims
    assert claim.first_seen == parse_millis("2023-09-30T15:00:00Z")
    (claim,) = phishing(",https://a.example/,例示銀行\n", "no-month.csv").claims
    assert claim.first_seen == NOW


def test_q_t4_date_only() -> None:
    """A date without a time is midnight where it was written."""
    (claim,) = read_all(document(rdf(item(date="2026-02-13T00:00:00+09:00"))), feed("jvn-rss")).claims
    assert claim.version == parse_millis("2026-02-12T15:00:00Z")
    (claim,) = read_all(document(rdf(item(date="2026-02-13"))), feed("jvn-rss")).claims
    assert claim.version == parse_millis("2026-02-12T15:00:00Z")


def test_q_t5_item_in_the_future_keeps_its_own_time() -> None:
    """An item may be later than its channel; its version says so, and whoever merges decides."""
    channel = "<dc:date>2026-02-13T08:36:37+09:00</dc:date>"
    (claim,) = read_all(document(rdf(item(date="2026-02-13T09:00:00+09:00"), channel)), feed("jvn-rss")).claims
    assert claim.version == parse_millis("2026-02-13T00:00:00Z")


@pytest.mark.parametrize("channel", ["", "<dc:creator></dc:creator>", "<dc:date></dc:date>", "<dc:date>soon</dc:date>"])
def test_q_t6_no_channel_date(channel: str) -> None:
    """Without a channel date, and without one of its own, an item is dated by when it was fetched."""
    text = rdf("<item rdf:about='https://example.jp/a1'><title>t</title><dc:date/></item>", channel)
    (claim,) = read_all(document(text), feed("jvn-rss")).claims
    assert claim.version == claim.last_seen == NOW


def test_q_t7_clocks_of_one_publisher() -> None:
    """abuse.ch writes UTC without saying so, and says so elsewhere; both are UTC."""
    head = "# id,dateadded,url,url_status,last_online,threat,tags,urlhaus_link,reporter\n"
    row = '"1","{}","http://a.example/x","online","","malware_download","exe","https://urlhaus.example/1/","r"\n'
    for text in ("2026-02-26 12:05:20", "2026-02-26 12:05:20 UTC"):
        (claim,) = read_all(document(head + row.format(text)), feed("urlhaus")).claims
        assert claim.first_seen == parse_millis("2026-02-26T12:05:20Z")


def test_q_t7_four_fraction_digits() -> None:
    """dateReleased has four digits after the second."""
    text = json.dumps({"dateReleased": "2025-08-25T17:04:19.9796Z", "count": 0, "vulnerabilities": []})
    assert read_all(document(text), feed("cisa-kev")).rows == 0


# ---------------------------------------------------------------- identity


def test_q_i1_identifier_is_not_unique() -> None:
    """Items of one weekly report share an identifier; their links, with their fragments, tell them apart."""
    items = "".join(item(link=f"https://example.jp/wr260226.html#{n}") for n in (1, 2, 3))
    assert len(set(read_all(document(rdf(items)), feed("jpcert-rss")).values)) == 3


def test_q_i2_an_update_is_the_same_advisory() -> None:
    """The same link with a later date is a later version of one advisory, not another one."""
    items = item("更新", date="2026-02-13T10:00+09:00") + item("公開", date="2026-02-12T10:00+09:00")
    newer, older = read_all(document(rdf(items)), feed("jvn-rss")).claims
    assert newer[:2] == older[:2]
    folded = fold(fold(None, newer, replace=False), older, replace=False)
    assert detail(folded)["title"] == {"ja": "更新"}
    assert folded.first_seen == older.first_seen


def test_q_i2_issued_and_modified() -> None:
    """dcterms:issued is when it was published, dcterms:modified its version."""
    issued = "<dcterms:issued>2026-01-02T13:00+09:00</dcterms:issued>"
    more = f"{issued}<dcterms:modified>2026-02-07T13:00+09:00</dcterms:modified>"
    (claim,) = read_all(document(rdf(item(more=more))), feed("jvn-rss")).claims
    assert detail(claim)["published"] == claim.first_seen == parse_millis("2026-01-02T04:00:00Z")
    assert claim.version == claim.last_seen == parse_millis("2026-02-07T04:00:00Z")


@pytest.mark.parametrize(
    ("title", "expected", "label"),
    [
        ("注意喚起: 製品の脆弱性に関する注意喚起  (公開)", "製品の脆弱性に関する注意喚起", "alert"),
        ("注意喚起: 製品の脆弱性に関する注意喚起  (更新)", "製品の脆弱性に関する注意喚起", "alert"),
        ("Weekly Report: 製品に複数の脆弱性", "製品に複数の脆弱性", "weekly-report"),
    ],
)
def test_q_i3_status_in_the_title(title: str, expected: str, label: str) -> None:
    """What JPCERT/CC puts around a title is taken out of it, and its kind becomes a label."""
    (claim,) = read_all(document(rdf(item(title))), feed("jpcert-rss")).claims
    assert detail(claim)["title"] == {"ja": expected}
    assert claim.labels == (label,)


@pytest.mark.parametrize(
    ("title", "cves"),
    [
        ("脆弱性（CVE-2099-1281、CVE-2099-1340）に関する", ["CVE-2099-1281", "CVE-2099-1340"]),
        ("脆弱性 (CVE-2099-20393)", ["CVE-2099-20393"]),
        ("脆弱性（CVE-2099-59718等）", ["CVE-2099-59718"]),
        ("脆弱性（APSB25-119）", []),
    ],
)
def test_q_i4_cves_in_brackets(title: str, cves: list[str]) -> None:
    """One claim for each CVE that a title names, in order, and then the advisory's."""
    claims = read_all(document(rdf(item(title))), feed("jpcert-rss")).claims
    assert [claim.value for claim in claims] == [*cves, "https://example.jp/a1"]
    assert [claim.type for claim in claims] == ["cve"] * len(cves) + ["advisory"]
    assert detail(claims[-1]).get("cves", []) == cves


def test_q_i5_feeds_meet_at_the_cve() -> None:
    """JPCERT/CC, JVN iPedia and KEV say something about the same observable when they name the same CVE."""
    alert = read_all(document(rdf(item("脆弱性（CVE-2099-10001）"))), feed("jpcert-rss")).claims[0]
    reference = '<sec:references source="CVE" id="CVE-2099-10001">https://example.org/</sec:references>'
    entry = read_all(document(rdf(item(more=reference))), feed("jvn-ipedia-rss")).claims[0]
    catalogue = {"dateReleased": "2026-02-25T17:04:19Z", "count": 1}
    catalogue["vulnerabilities"] = [{"cveID": "CVE-2099-10001", "dateAdded": "2026-02-24"}]  # type: ignore[assignment]
    known = read_all(document(json.dumps(catalogue)), feed("cisa-kev")).claims[0]
    assert alert.key == entry.key == known.key


def test_q_i6_repeated_rows_are_read_again() -> None:
    """A row that stands twice gives two equal claims, and one when they are folded."""
    one, two = phishing("2025/10/01 10:25:00,https://a.example/,例示銀行\n" * 2).claims
    assert one == two
    folded = fold(None, one, replace=False)
    assert fold(folded, two, replace=False) is folded


def test_q_i7_the_corrected_month_gives_the_corrected_value() -> None:
    """What was broken in the first edition is refused, and read once it was corrected."""
    assert phishing_url("https://not-quoted.example/a,b").reasons == ["columns"]
    assert phishing_url('"https://not-quoted.example/a,b"').values == ["https://not-quoted.example/a,b"]


def test_q_i8_the_brand_is_a_label_as_written() -> None:
    """Free text stays one label, with its slashes and commas; without any there is none."""
    assert phishing("2025/10/01 10:25:00,https://a.example/,例示 / Example\n").claims[0].labels == ("例示 / Example",)
    assert phishing('2025/10/01 10:25:00,https://a.example/,"例示, 見本"\n').claims[0].labels == ("例示, 見本",)
    assert phishing("2025/10/01 10:25:00,https://a.example/,\n").claims[0].labels == ()


# ---------------------------------------------------------------- values


def test_q_u1_broken_scheme() -> None:
    """htps and hhttps are refused; https: without slashes is what browsers take it for."""
    assert phishing_url("htps://a.example/").reasons == ["bad-scheme"]
    assert phishing_url("hhttps://a.example/").reasons == ["bad-scheme"]
    assert phishing_url("https:a.example/").values == ["https://a.example/"]


def test_q_u2_defanged_inside_a_live_list() -> None:
    """Brackets put in by somebody are taken out again."""
    assert phishing_url("https[:]//a.b[.]example/").values == ["https://a.b.example/"]


@pytest.mark.parametrize(
    "url",
    ["https://a\u00ad.b\u00ad.example/", "https://\ufeffa.b.example/", "\u3000https://a.b.example/",
     "https://a.b.example/" + "\u3000" * 13, "https://a\u200b\u200b.b.example/"],
)  # fmt: skip
def test_q_u3_invisible_characters(url: str) -> None:
    """Browsers drop soft hyphens, byte order marks, zero-width and ideographic spaces, so the site exists."""
    assert phishing_url(url).values == ["https://a.b.example/"]


def test_q_u4_impossible_and_rooted_hosts() -> None:
    """Two dots are no host; a dot at the end is the root and makes no difference."""
    assert phishing_url("https://a..example/").reasons == ["bad-host"]
    assert phishing_url("https://a.b.example./").values == ["https://a.b.example/"]


def test_q_u5_user_info_trick() -> None:
    """The host is what follows the @; what precedes it stays."""
    assert phishing_url("https://www.bank.example@bad.example/x").values == ["https://www.bank.example@bad.example/x"]


def test_q_u6_ports_ips_case_punycode() -> None:
    """Ports, addresses, capitals and A-labels."""
    rows = ["http://a.example:81/", "http://LOGIN.Example.ORG/A", "http://a.xn--tckwe/", "http://203.0.113.9/"]
    assert [phishing_url(row).values[0] for row in rows] == [
        "http://a.example:81/", "http://login.example.org/A", "http://a.xn--tckwe/", "http://203.0.113.9/",
    ]  # fmt: skip


def test_q_u6_ipv6_with_a_port_and_no_brackets() -> None:
    """The port is split off at the last colon, because the feed says that there is one."""
    (claim,) = threatfox('"2001:db8::5:40669", "ip:port"').claims
    assert (claim.type, claim.value, detail(claim)["port"]) == ("ipv6", "2001:db8::5", [40669])


@pytest.mark.parametrize(
    "url",
    ["https://a.example/x?id=*", "https://a.example/wabc*", "https://a.example/x?a=*_*&b=1", "https://a.example/x…",
     "http://www.●●●●.com/", "https://a.example/[redacted]"],
)  # fmt: skip
def test_q_u8_redacted_or_cut_values(url: str) -> None:
    """Where a secret was replaced or the end was cut off, what is left is no indicator."""
    assert phishing_url(url).reasons == ["redacted"]


def test_q_u9_backslashes_braces_spaces() -> None:
    """A backslash in the host is refused; braces in the path, though never filled in, are the URL as it was sent."""
    assert phishing_url("https://a.example&\\\\^^./").reasons == ["bad-host"]
    quoted = '"http://a.example/{textnumrandom,6,7,8,up}"'
    assert phishing_url(quoted).values == ["http://a.example/{textnumrandom,6,7,8,up}"]


@pytest.mark.parametrize(
    "url",
    ["https://a.example/?x=1&ip=2001:db8:61:3043::1", "https://a.example/?ip=203.0.113.5",
     "https://a.example/?email=jane.doe@mail.invalid", "https://a.example/jane.doe%40mail.invalid"],
)  # fmt: skip
def test_q_pii_personal_data(url: str) -> None:
    """A URL with a visitor's address in it is refused, and its message does not repeat it."""
    (refusal,) = phishing_url(url).refused
    assert refusal.reason == "personal-data"
    assert "jane" not in refusal.message
    assert "3043" not in refusal.message


def test_q_pii_placeholders_are_nobody() -> None:
    """What the publisher put in place of an address is no personal data."""
    url = "https://a.example/?key=example@example.or.jp"
    assert phishing_url(url).values == [url]


# ---------------------------------------------------------------- CSV and text

THREATFOX = (
    '# "first_seen_utc","ioc_id","ioc_value","ioc_type","threat_type","fk_malware","malware_alias",'
    '"malware_printable","last_seen_utc","confidence_level","is_compromised","reference","tags","anonymous","reporter"\r\n'
)


def threatfox(value_and_type: str, rest: str = '"None", "", "100", "False", "None", "None", "0", "r"') -> Read:
    """One row of ThreatFox."""
    row = f'"2026-02-04 22:19:04", "1", {value_and_type}, "botnet_cc", "win.x", "None", {rest}\r\n'
    return read_all(document(f"{THREATFOX}{row}# Number of entries: 1\r\n"), feed("threatfox"))


def test_q_c1_comma_not_quoted() -> None:
    """A row with more fields than the header has cannot be parted for certain."""
    result = phishing(
        "2025/10/01 10:25:00,https://a.example/a,b,c,例示銀行\n2025/10/01 10:25:00,https://b.example/,x\n"
    )
    assert result.reasons == ["columns"]
    assert result.refused[0].line == 2
    assert result.values == ["https://b.example/"]


def test_q_c2_commented_header() -> None:
    """The header of URLhaus is a comment, and the first record is a record."""
    text = (
        "####\n# Last updated: 2026-02-26 12:05:20 (UTC) #\n#\n"
        "# id,dateadded,url,url_status,last_online,threat,tags,urlhaus_link,reporter\n"
        '"1","2026-02-26 12:05:20","http://a.example/i","online","","malware_download","elf,Mozi","","r"\n'
    )
    (claim,) = read_all(document(text), feed("urlhaus")).claims
    assert (claim.value, claim.labels) == ("http://a.example/i", ("Mozi", "elf"))


def test_q_c3_space_after_the_comma() -> None:
    """ThreatFox puts a blank after the comma; quotes do not stay in values."""
    assert threatfox('"a.example.net", "domain"').values == ["a.example.net"]


def test_q_c3_footer_counts() -> None:
    """The number of entries in the footer must be right, and the footer there: else the document was cut off."""
    row = (
        '"2026-02-04 22:19:04", "1", "a.example.net", "domain", "x", "x", "None", "x", "", "1", "0", "", "", "0", ""\n'
    )
    for footer in ("", "# Number of entries: 2\r\n"):
        with pytest.raises(UnreadableDocument):
            check(document(THREATFOX + row + footer), feed("threatfox"))
        with pytest.raises(UnreadableDocument):
            list(read(document(THREATFOX + row + footer), feed("threatfox")))


def test_q_c4_columns_were_added() -> None:
    """URLhaus had eight columns in 2019 and has nine now; they are read by name."""
    head = "# id,dateadded,url,url_status,threat,tags,urlhaus_link,reporter\n"
    row = '"1","2019-11-27","http://a.example/i","online","malware_download","exe","","r"\n'
    (claim,) = read_all(document(head + row), feed("urlhaus")).claims
    assert claim.value == "http://a.example/i"
    assert claim.first_seen == parse_millis("2019-11-27T00:00:00Z")


@pytest.mark.parametrize("nothing", ["None", "", "null", "n/a"])
def test_q_c5_the_string_none(nothing: str) -> None:
    """None, the empty text and the rest all mean that there is nothing."""
    rest = f'"{nothing}", "{nothing}", "{nothing}", "False", "{nothing}", "{nothing}", "0", "r"'
    (claim,) = threatfox('"a.example.net", "domain"', rest).claims
    assert claim.malware == ()
    assert claim.labels == ()
    assert [reference[0] for reference in claim.references] == ["Source: abuse.ch ThreatFox", "ThreatFox"]


def test_q_c5_numbers_and_booleans() -> None:
    """A confidence is a number in a string; a flag is True, 1 or true."""
    (claim,) = threatfox('"a.example.net", "domain"', '"X", "", "40", "True", "None", "a,b", "0", "r"').claims
    assert claim.confidence == round(40 * 0.85)
    assert claim.labels == ("a", "b", "compromised")
    refused = threatfox('"a.example.net", "domain"', '"X", "", "high", "0", "None", "a", "0", "r"')
    assert refused.reasons == ["bad-confidence"]


def generic(**changes: Any) -> Feed:
    """A feed of some other publisher's CSV."""
    fields = {"value": "value", "type": "any", "zone": "UTC"}
    return feed("openphish", format={"kind": "csv", "fields": fields, **changes})


def test_q_c6_no_header() -> None:
    """Where the first row is data, the feed's file names the columns."""
    source = generic(header="none", columns=["time", "user", "type", "value", "tags", "link"], comment="")
    text = "2026-02-22 02:53:35,someone,domain,a.example.net,#phishing,https://x.example.com/1\n"
    assert read_all(document(text), source).values == ["a.example.net"]


def test_q_c7_value_polluted_by_the_post() -> None:
    """Valid CSV whose URL goes on with the rest of a post is refused."""
    text = 'value\n"http://a.example/x"",""#phishing,#scam"\n'
    assert read_all(document(text), generic()).reasons == ["polluted"]


def test_q_c8_bom_crlf_padded_header() -> None:
    """A byte order mark, CRLF and blanks around the names of columns do not matter; nor do blank lines."""
    text = "\ufeffkind ,value ,note\r\nip,203.0.113.7,x\r\n\r\nip, 203.0.113.8 ,x\r\n"
    assert read_all(document(text), generic()).values == ["203.0.113.7", "203.0.113.8"]


def test_q_c8_headers_and_words_of_reports_written_by_hand() -> None:
    """Three headers of one publisher, blanks in names and words, a row that describes the others, and empty rows."""
    about = "Description,A campaign,https://news.example.com/x\r\n"
    rows = f"{about}ip ,203.0.113.7 ,\r\n,,\r\nip_port,203.0.113.8:443,x\r\nfilename,a.exe,\r\n"
    heads = ("\ufeffIndicator_type,Data,Note", "\ufeffIndicator ,Data,Notes", "Indicator,Data ,Note")
    for head in heads:
        result = read_all(document(f"{head}\r\n{rows}"), feed("sophoslabs"))
        assert result.values == ["203.0.113.7", "203.0.113.8"]
        assert detail(result.claims[1])["port"] == [443]
        assert result.reasons == ["unknown-type", "no-value", "unknown-type"]


def test_q_c8_blank_after_a_hash() -> None:
    """Volexity's hashes may end in a blank, and its file may begin with a byte order mark."""
    text = f"\ufeffvalue,entity_type,description\n{'ab' * 31}cd ,file,IMPLANT\na.example.net,hostname,C2\n"
    result = read_all(document(text), feed("volexity"))
    assert [(claim.type, claim.labels) for claim in result.claims] == [("file", ("IMPLANT",)), ("domain", ("C2",))]


def test_q_c9_newline_inside_a_quoted_field() -> None:
    """A quoted newline belongs to its field, and lines are still counted."""
    text = 'value,note\n"203.0.113.7\n","a\n# b\nc"\nnonsense,x\n'
    result = read_all(document(text), generic())
    assert result.values == ["203.0.113.7"]
    assert [refusal.line for refusal in result.refused] == [6]


def test_q_c9_line_ends_of_both_kinds_in_one_report() -> None:
    """An address with the end of its line in the quotes is one all the same."""
    text = 'Indicator_type,Data,Note\r\nIP,"203.0.113.7\n",C2 server\r\nIP,203.0.113.8,"a\nb"\nIP,203.0.113.9,\r\n'
    assert read_all(document(text), feed("sophoslabs")).values == ["203.0.113.7", "203.0.113.8", "203.0.113.9"]


def test_q_c10_mixed_defanging_in_one_file() -> None:
    """Each value is refanged by itself."""
    text = "value\nhttps://a.example/x.aspx\nhXXps://b[.]example/\na[.]example[.]net\n203.0.113[.]7\n"
    assert read_all(document(text), generic()).values == [
        "https://a.example/x.aspx", "https://b.example/", "a.example.net", "203.0.113.7",
    ]  # fmt: skip


def drop(*lines: str) -> Read:
    """Spamhaus DROP."""
    return read_all(document("\n".join(lines)), feed("spamhaus-drop"))


def test_q_c11_json_lines_in_a_json_file() -> None:
    """One object a line; the last one is about the document, and is no record."""
    result = drop('{"cidr":"198.51.100.0/24","sblid":"SBL1"}', '{"type":"metadata","timestamp":1744682874,"records":1}')
    (claim,) = result.claims
    assert claim.value == "198.51.100.0/24"
    assert claim.version == 1_744_682_874_000
    assert ("Spamhaus SBL", "", "SBL1") in claim.references


@pytest.mark.parametrize("end", ["", '{"type":"metadata","timestamp":1,"records":2}', '{"type":"meta'])
def test_q_c11_metadata_count_mismatch(end: str) -> None:
    """A list whose last line is missing, cut off or says another number was cut off itself."""
    with pytest.raises(UnreadableDocument):
        drop('{"cidr":"198.51.100.0/24","sblid":"SBL1"}', end)


def test_q_c12_header_among_comments_and_empty_cells() -> None:
    """DShield's header is the first line that is no comment, and nothing is told of who has a network; a list without
    its end was cut off."""
    head = "\n#\n#    updated: Sun Mar 01 00:00:00 2026 UTC\n#\nStart\tEnd\tNetblock\tAttacks\tName\tCountry\temail\n"
    rows = (
        "198.51.100.0\t198.51.100.255\t24\t4025\tSAMPLE\tJP\tabuse@example.jp\n"
        "203.0.113.0\t203.0.113.255\t24\t12\t\t\t\n203.0.113.0\t\t33\t1\t\t\t\n"
    )
    result = read_all(document(f"{head}{rows}\n#\n# END\n#\n#  finished\n"), feed("dshield"))
    assert result.values == ["198.51.100.0/24", "203.0.113.0/24"]
    assert result.reasons == ["bad-network"]
    assert "abuse@" not in repr(result.claims)
    assert {claim.version for claim in result.claims} == {parse_millis("2026-03-01T00:00:00Z")}
    with pytest.raises(UnreadableDocument, match="# END"):
        check(document(head + rows), feed("dshield"))


def test_q_c12_padding_na_and_a_cut_last_row() -> None:
    """DataPlane pads its cells, writes NA for nothing, and may end within a row; a quote is a character of a name."""
    text = (
        "# ASN  |  ASname  |  ipaddr  |  lastseen  |  category\n"
        'NA           |  "SAMPLE NET, ZZ                 |  203.0.113.7      |  2026-02-27 01:49:19  |  sshclient\n'
        "14080 | SAMPLE S.A., CO |\n# Statistics\n"
    )
    result = read_all(document(text), feed("dataplane-sshclient"))
    (claim,) = result.claims
    assert (claim.value, claim.labels) == ("203.0.113.7", ("sshclient",))
    assert claim.last_seen == parse_millis("2026-02-27T01:49:19Z")
    assert result.reasons == ["columns"]


EMERGING = """# Rev 1
# Abuse.ch C&C List
# Feodo
203.0.113.66
# Palevo
#Spamhaus DROP Nets
198.51.100.0/24
#Dshield Top Attackers
203.0.113.0/24"""


def test_q_c13_sections_in_comments_are_the_origin() -> None:
    """What Emerging Threats took over is of the family of whom it took it from; what stands before is its own."""
    claims = read_all(document("192.0.2.7\n" + EMERGING), feed("emerging-threats-block")).claims
    assert [(claim.value, claim.family) for claim in claims] == [
        ("192.0.2.7", "emerging-threats"),
        ("203.0.113.66", feed("feodo-tracker").family),
        ("198.51.100.0/24", feed("spamhaus-drop").origin_family),
        ("203.0.113.0/24", feed("dshield").family),
    ]
    assert {claim.origin for claim in claims} == {"emerging-threats-block"}
    assert [detail(claim)["threat"] for claim in claims[1:]] == ["botnet-c2", "hijacked-netblock", "scanner"]


def test_q_c13_a_net_that_comes_again_is_no_second_opinion() -> None:
    """Spamhaus says it, and Emerging Threats says that Spamhaus says it: one source, and no more confidence."""
    first = drop('{"cidr":"198.51.100.0/24","sblid":"SBL1"}', '{"type":"metadata","timestamp":1744682874,"records":1}')
    again = read_all(document(EMERGING), feed("emerging-threats-block", share="members"))
    both = [claim for claim in (*first.claims, *again.claims) if claim.value == "198.51.100.0/24"]
    word = merge(both, View("members", "green", own=False, dialect="tlp2"))
    assert word is not None
    assert (len(word.claims), word.families, word.confidence) == (2, 1, max(claim.confidence for claim in both))


def test_q_c14_zero_bytes_is_valid() -> None:
    """An empty document is readable and has no rows; whether that can be is for whoever expects some."""
    lists = (
        "jpcert-lucky-visitor",
        "tor-exit",
        "tor-exit-addresses",
        "ipsum",
        "dshield",
        "eset-hashes",
        "eset-reports",
    )
    others = ("jpcert-phishurl-list", "openphish", "urlhaus", "threatfox", "feodo-tracker", "spamhaus-drop")
    for name in (*lists, *others):
        assert read_all(document(b""), feed(name)).rows == 0


def test_q_c15_mixed_types_without_marking() -> None:
    """A list that mixes types is read by form."""
    source = feed("openphish", format={"kind": "text", "type": "any"})
    text = "# comment\n203.0.113.7\na.example.net\n\n198.51.100.0/24\nhttp://a.example/\n; end\n"
    assert [claim.type for claim in read_all(document(text), source).claims] == ["ipv4", "domain", "cidr", "url"]


def test_q_c15_a_list_that_is_sorted_as_text() -> None:
    """CINS is in order of its characters, and any order will do. Lucky Visitor mixes addresses and names."""
    values = ["203.0.113.19", "203.0.113.2", "203.0.113.20"]
    assert read_all(document("\n".join(values)), feed("cins-army")).values == values
    mixed = read_all(document("203.0.113.80\nlucky-gift.example\n"), feed("jpcert-lucky-visitor"))
    assert [claim.type for claim in mixed.claims] == ["ipv4", "domain"]


# ---------------------------------------------------------------- XML, JSON, STIX


@pytest.mark.parametrize("prefix", ["sec", "sec3"])
def test_q_x1_rdf_and_both_namespaces_of_jvn(prefix: str) -> None:
    """Items beside the channel, and JVN's module in its RSS feeds as well as in its API."""
    more = (
        f"<{prefix}:identifier>JVNDB-2099-000001</{prefix}:identifier>"
        f'<{prefix}:references source="CVE" id="CVE-2099-10001">https://example.org/</{prefix}:references>'
        f'<{prefix}:references title="x(CWE-451)" id="CWE-451">https://example.org/</{prefix}:references>'
        f'<{prefix}:cpe version="2.2" vendor="Example" product="Example Box">cpe:/a:example:box</{prefix}:cpe>'
        f'<{prefix}:cvss version="3.0" score="5.4" type="Base" vector="CVSS:3.0/AV:N"/>'
    )
    cve, advisory = read_all(document(rdf(item("題", more=more))), feed("jvn-ipedia-rss")).claims
    assert detail(cve) == {
        "threat": "vulnerability",
        "title": {"ja": "題"},
        "cwe": ["CWE-451"],
        "products": ["Example Box"],
        "cvss": [{"version": "3.0", "score": 5.4, "vector": "CVSS:3.0/AV:N"}],
    }
    assert ("JVN iPedia", "https://example.jp/a1", "JVNDB-2099-000001") in advisory.references


def test_q_x2_carriage_returns_and_blanks_in_text() -> None:
    """&#13; and newlines around a description are no part of it; CDATA with HTML is not looked at."""
    more = "<description>説明。&#13;\n</description><content><![CDATA[<a href='x'>html</a>]]></content>"
    (claim,) = read_all(document(rdf(item(more=more))), feed("jvn-rss")).claims
    assert detail(claim)["description"] == {"ja": "説明。"}


def test_q_x3_not_well_formed() -> None:
    """An attribute without quotes makes the document unreadable, with the line it is on."""
    with pytest.raises(UnreadableDocument, match="line 6"):
        check(document(rdf("<item retCd= 0 />")), feed("jvn-ipedia-rss"))


def api(status: str, data: str = "[]") -> str:
    """An answer of abuse.ch's API."""
    return f'{{"query_status": "{status}", "data": {data}}}'


def test_q_x4_error_as_http_200() -> None:
    """A status other than ok is an error, but for no_results, which is none."""
    fields = {"value": "ioc", "type": "any"}
    source = feed(
        "threatfox",
        format={
            "kind": "json", "fields": fields, "records": "data",
            "status": {"path": "query_status", "good": ["ok"], "empty": ["no_results"]},
        },
    )  # fmt: skip
    assert read_all(document(api("ok", '[{"ioc": "a.example.net"}]')), source).values == ["a.example.net"]
    assert read_all(document(api("no_results", '"Your search did not yield any results"')), source).rows == 0
    with pytest.raises(UnreadableDocument, match="unknown_auth_key"):
        check(document(api("unknown_auth_key")), source)


def test_q_x5_private_object_types_are_refused_one_by_one() -> None:
    """A private object is counted and refused; what stands beside it is read."""
    objects = ({"type": "extension-definition", "id": "x"}, {"type": "jvn-jp-sdo", "id": "jvn-jp-sdo--1"}, indicator())
    result = read_all(document(bundle(*objects)), feed("tweetfeed-stix"))
    assert result.reasons == ["object-type"]
    assert result.values == ["203.0.113.7"]


def test_q_x6_stix_2_0() -> None:
    """STIX 2.0 has its version on the bundle and none on objects; such an indicator is refused."""
    old = indicator()
    del old["spec_version"]
    assert read_all(document(bundle(old)), feed("tweetfeed-stix")).reasons == ["stix-version"]


def stix_2_0(*objects: dict[str, Any]) -> Read:
    text = json.dumps({"type": "bundle", "id": "bundle--1", "spec_version": "2.0", "objects": objects})
    return read_all(document(text), feed("tweetfeed-stix"))


def old_indicator(pattern: str, **said: Any) -> dict[str, Any]:
    moment = "2026-02-22T02:53:35.000Z"
    return {
        "type": "indicator", "id": f"indicator--{uuid.uuid5(uuid.NAMESPACE_URL, pattern)}", "created": moment,
        "modified": moment, "valid_from": moment, "labels": ["malicious-activity"], "pattern": pattern, **said,
    }  # fmt: skip


def test_q_x6_what_a_2_0_bundle_holds() -> None:
    """Indicators are read; observed-data with objects in it, reports and x- types are refused one by one; the TLP 1
    marking counts, defined in the bundle or not."""
    white = "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"
    green = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"
    result = stix_2_0(
        {"type": "identity", "id": "identity--1", "name": "x", "identity_class": "organization"},
        {"type": "observed-data", "id": "observed-data--1", "objects": {"0": {"type": "file", "name": "x"}}},
        {"type": "x-misp-attribute", "id": "x-misp-attribute--1"},
        {"type": "report", "id": "report--1", "object_refs": []},
        {"type": "marking-definition", "id": white, "definition_type": "tlp", "definition": {"tlp": "white"}},
        old_indicator("[domain-name:value = 'white.example']", object_marking_refs=[white]),
        old_indicator("[domain-name:value = 'green.example']", object_marking_refs=[green]),
        old_indicator("[domain-name:value = 'benign.example']", labels=["benign"]),
    )
    assert [(claim.value, claim.audience) for claim in result.claims] == [
        ("white.example", "clear"), ("green.example", "green"),
    ]  # fmt: skip
    assert result.reasons == ["object-type", "object-type", "object-type", "benign"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("[file:hashes.MD5 = 'fd2bdfee0c18b802bb19a844e7445be9']", "fd2bdfee0c18b802bb19a844e7445be9"),
        (f"[file:hashes.SHA256 = '{'ab' * 32}']", "ab" * 32),
        ("[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '192.0.2.7']", "192.0.2.7"),
        ("[network-traffic:src_ref.type = 'ipv6-addr' AND network-traffic:src_ref.value = '2001:db8::']", "2001:db8::"),
        ("[network-traffic:src_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '203.0.113.7']", None),
        ("[network-traffic:dst_ref.type = 'ipv6-addr' AND network-traffic:dst_ref.value = '203.0.113.7']", None),
        ("[domain-name:value = 'a.example' AND domain-name:resolves_to_refs[*].value = '203.0.113.7']", None),
        ("[url:value = 'http://a.example/'] OR [url:value = 'http://b.example/']", None),
        ("[url:value LIKE 'http://a.example/%']", None),
    ],
)  # fmt: skip
def test_q_x6_patterns_of_2_0(pattern: str, expected: str | None) -> None:
    """What says one thing is read; what cannot be converted with certainty is refused."""
    assert stix_2_0(old_indicator(pattern)).values == ([expected] if expected else [])


def test_q_x7_tlp_2_0_and_bare_arrays() -> None:
    """TweetFeed's marking has no definition_type; its TAXII pages are bare arrays of objects."""
    marking = {
        "type": "marking-definition", "spec_version": "2.1", "id": CLEAR, "created": "2022-10-01T00:00:00.000Z",
        "extensions": {
            "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d": {
                "extension_type": "property-extension", "tlp_2_0": "clear",
            }
        },
    }  # fmt: skip
    result = read_all(document(json.dumps([marking, indicator()])), feed("tweetfeed-taxii"))
    assert result.claims[0].audience == "clear"
    assert result.rows == 1


@pytest.mark.parametrize("written", ["2026-02-20T09:21:53.093000", "2026-02-20T09:21:53.093", "2026-02-20T09:21:53"])
def test_q_t7_times_of_otx(written: str) -> None:
    """With six digits of a second, three or none, and without a zone: UTC."""
    indicator = {"type": "IPv4", "indicator": "203.0.113.7", "created": written}
    pulse = {"id": "55e6bfb14637f22cb605746e", "modified": written, "indicators": [indicator]}
    (claim,) = read_all(document(json.dumps([pulse])), feed("alienvault-otx")).claims
    assert claim.first_seen == claim.version
    assert claim.version - claim.version % 1_000 == parse_millis("2026-02-20T09:21:53Z")


def misp_attribute(kind: str, value: str, number: int = 1, **said: Any) -> dict[str, Any]:
    uuid = f"5a20cd15-4f4c-4112-87b9-{number:012x}"
    return {"uuid": uuid, "type": kind, "value": value, "to_ids": True, "timestamp": "1771718400", **said}


def misp_event(*attributes: dict[str, Any], **said: Any) -> dict[str, Any]:
    return {"uuid": "5a20cc95-e65c-4a01-8d4b-0725c0a8010a", "timestamp": "1771718400", "Attribute": attributes, **said}


@pytest.mark.parametrize("wrap", [
    lambda event: {"Event": event},
    lambda event: {"response": [{"Event": event}]},
    lambda event: [{"Event": event}],
    lambda event: [event],
    lambda event: event,
])  # fmt: skip
@pytest.mark.parametrize("time", ["1771718400", 1771718400])
def test_q_x8_wrappings_and_types_drift(wrap: Any, time: Any) -> None:
    """Events come bare, wrapped or in a response; times, levels and flags as texts or as numbers. No flag is none of
    them."""
    attributes = [
        misp_attribute("domain", f"{number}.example", number, timestamp=time, to_ids=flag)
        for number, flag in enumerate((True, 1, "1", "true", False, 0, "0", "false", None))
    ]
    event = misp_event(*attributes, timestamp=time, threat_level_id=time)
    result = read_all(document(json.dumps(wrap(event))), feed("circl-osint-misp"))
    assert result.values == ["0.example", "1.example", "2.example", "3.example"]
    assert result.reasons == ["not-for-detection"] * 4 + ["bad-record"]
    assert {claim.version for claim in result.claims} == {1_771_718_400_000}


def test_q_x8_composite_values() -> None:
    """A name with a reserved address, a port, a file's name with the mark that divides in it, a key whose value is a
    regular expression, and a name under .bit."""
    result = read_all(
        document(json.dumps(misp_event(
            misp_attribute("domain|ip", "s.example.com|243.186.104.44"),
            misp_attribute("domain|ip", "gate.bit|192.0.2.4"),
            misp_attribute("ip-dst|port", "2001:db8::7|8080"),
            misp_attribute("filename|sha256", f"a|b.exe|{'ab' * 32}"),
            misp_attribute("regkey|value", "HKLM\\Run|[a-z]{7}.exe"),
            misp_attribute("domain|ip", "alone.example"),
        ))),
        feed("circl-osint-misp"),
    )  # fmt: skip
    assert result.values == ["s.example.com", "gate.bit", "192.0.2.4", "2001:db8::7", "ab" * 32]
    assert result.reasons == ["special-purpose", "unknown-type", "no-value", "no-value"]
    assert detail(result.claims[3])["port"] == [8080]


def test_q_x8_what_is_not_for_detection_takes_back_and_is_nothing() -> None:
    """It never becomes an indicator; an attribute that was for detection before is no longer."""
    (refused,) = read_all(
        document(json.dumps(misp_event(misp_attribute("domain", "a.example", to_ids=False)))), feed("circl-osint-misp")
    ).refused
    assert refused.takes_back is not None
    assert refused.takes_back.version == 1_771_718_400_000


@pytest.mark.parametrize(
    ("tags", "audience"),
    [
        ((), "clear"), (("tlp:white",), "clear"), (("TLP:CLEAR",), "clear"), (("tlp:clear", "tlp:green"), "green"),
        (("tlp:green", "other"), "green"), (("tlp:amber",), None), (("tlp:amber+strict",), None), (("tlp:red",), None),
        (("tlp:ex:chr",), None), (("tlp:unclear",), None), (("tlp:white", "tlp:red"), None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ["event", "attribute"])
def test_q_x8_tlp_tags(tags: tuple[str, ...], audience: str | None, place: str) -> None:
    """Of both editions, the narrowest of event and attribute; without one the feed's; an unknown one is nobody's."""
    named = {"Tag": [{"name": name} for name in tags]}
    attribute = misp_attribute("domain", "a.example", **(named if place == "attribute" else {}))
    event = misp_event(attribute, **(named if place == "event" else {}))
    result = read_all(document(json.dumps(event)), feed("tweetfeed-misp"))
    assert [claim.audience for claim in result.claims] == ([audience] if audience else [])
    assert result.reasons == ([] if audience else ["marking"])


def test_q_x9_escaping() -> None:
    """KEV escapes slashes, keeps its links in one text of notes, and has products with a blank at the end."""
    text = (
        '{"dateReleased":"2025-08-25T17:04:19.9796Z","count":1,"vulnerabilities":[{"cveID":"CVE-2099-10001",'
        '"vendorProject":"Example","product":"Box ","vulnerabilityName":"Example\\u2019s Box","dateAdded":"2025-08-25",'
        '"knownRansomwareCampaignUse":"Known",'
        '"notes":"See: https:\\/\\/a.example.org\\/1 ; https:\\/\\/b.example.org\\/2",'
        '"cwes":["CWE-59"]}]}'
    )
    (claim,) = read_all(document(text), feed("cisa-kev")).claims
    assert [reference[1] for reference in claim.references if "example.org" in reference[1]] == [
        "https://a.example.org/1", "https://b.example.org/2",
    ]  # fmt: skip
    assert detail(claim)["products"] == ["Example Box"]
    assert detail(claim)["title"] == {"en": "Example’s Box"}
    assert detail(claim)["exploited"] == claim.first_seen == parse_millis("2025-08-25T00:00:00Z")
    assert detail(claim)["ransomware"] is True
    assert claim.life == 275 * DAY


def test_q_x10_hash_case() -> None:
    """Hashes are lower case, whatever the feed writes; a hash of a kind the hub does not know is refused."""
    assert threatfox(f'"{"AB" * 32}", "sha256_hash"').values == ["ab" * 32]
    assert threatfox(f'"{"ab" * 48}", "sha3_384_hash"').reasons == ["unknown-type"]
