"""Free text: what in an advisory is an indicator, what is not, and what it is called there."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.instant import DAY, parse_millis
from normalizers.pages import page_lines, page_title
from normalizers.prose import Mention, Unfit, mentions
from normalizers.records import UnreadableDocument
from tests.normalizers.reading import NOW, Read, document, feed, read_all

SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
MD5 = "098f6bcd4621d373cade4e832627b4f6"


def found(text: str, **options: Any) -> list[Mention]:
    """The indicators of a text."""
    return [one for one in mentions(text.split("\n"), **options) if isinstance(one, Mention)]


def values(text: str, **options: Any) -> list[str]:
    """Their values, in order."""
    return [one.value for one in found(text, **options)]


def reasons(text: str, **options: Any) -> list[str]:
    """Why what has the form of one is none."""
    return [one.error.reason for one in mentions(text.split("\n"), **options) if isinstance(one, Unfit)]


def prose(text: str | bytes, name: str = "document", **options: Any) -> Read:
    """What becomes of one document."""
    return read_all(document(text, name), feed("unit42-timely", format={"kind": "prose", **options}))


# ---------------------------------------------------------------- ways of writing


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("- evil[.]example", "evil.example"),
        ("- evil(.)example", "evil.example"),
        ("- evil{.}example", "evil.example"),
        ("- evil [.] example", "evil.example"),
        ("- evil[dot]example", "evil.example"),
        ("- evil (dot) example", "evil.example"),
        ("- evil[.example", "evil.example"),
        ("・evil［．］example", "evil.example"),
        ("・evil【.】example", "evil.example"),
        ("・ｅｖｉｌ［．］ｅｘａｍｐｌｅ", "evil.example"),
        ("・evil［ドット］example", "evil.example"),
        ("・例え[.]example", "xn--r8jz45g.example"),
        ("- hxxp://evil[.]example/a", "http://evil.example/a"),
        ("- hXXps[:]//evil[.]example", "https://evil.example/"),
        ("- hxxps[://]evil[.]example/a", "https://evil.example/a"),
        ("- h**p://evil.example/a", "http://evil.example/a"),
        ("- http[:]//evil.example/a?b=[1]", "http://evil.example/a?b=[1]"),
        ("・ｈｘｘｐ：／／ｅｖｉｌ［．］ｅｘａｍｐｌｅ／ａ", "http://evil.example/a"),
        ("<hxxp://evil[.]example/a>", "http://evil.example/a"),
        ("(hxxp://evil[.]example/a(b))", "http://evil.example/a(b)"),
        ("- 203[.]0[.]113[.]7", "203.0.113.7"),
        ("- 203.0.113[.]7.", "203.0.113.7"),
        ("- 198.51.100[.]0/24", "198.51.100.0/24"),
        ("- 2001:db8[:]:25", "2001:db8::25"),
        ("- jane[at]evil[.]example", "jane@evil.example"),
        ("・jane＠evil［．］example", "jane@evil.example"),
        ("通信先はevil[.]exampleです。", "evil.example"),
        ("リンクhxxps://evil[.]example/a.zipから取得させます。", "https://evil.example/a.zip"),
        ("「hxxps://evil[.]example/」へ接続する", "https://evil.example/"),
    ],
)
def test_every_way_of_defanging_is_undone(line: str, value: str) -> None:
    """In Japanese and English, full-width or not, between blanks or in the middle of a sentence."""
    assert values(line) == [value]


def test_several_values_in_one_line() -> None:
    """However they are parted."""
    assert values("a[.]example, b[.]example; hxxp://c[.]example/x,hxxp://d[.]example/y -> 203.0.113[.]7:6504.") == [
        "a.example", "b.example", "http://c.example/x", "http://d.example/y", "203.0.113.7",
    ]  # fmt: skip


def test_q_u3_invisible_characters_of_prose() -> None:
    """Zero-width spaces before a bullet are no part of anything."""
    assert values("\u200b\u200b- hxxps[:]//a\u00ad.evil[.]example/x") == ["https://a.evil.example/x"]


def test_q_u5_the_host_is_what_follows_the_sign() -> None:
    """A bank's name before the @ stays in the URL, and is no host of it."""
    text = "- hxxps[:]//www.bank.example.jpaaa@evil[.]example?loginid=1"
    assert values(text) == ["https://www.bank.example.jpaaa@evil.example/?loginid=1"]


@pytest.mark.parametrize(
    "line",
    ["- [redacted].[redacted]amou[.]example", "- http://www.●●●●[.]example/", "- hxxps://[redacted].bad[.]example/",
     "- hxxps://evil[.]example/g/...", "- hxxp://evil[.]example/?id=*"],
)  # fmt: skip
def test_q_u8_redacted_values_of_prose(line: str) -> None:
    """Where parts were left out, what is left is no indicator."""
    assert (values(line), reasons(line)) == ([], ["redacted"])


@pytest.mark.parametrize(
    "line",
    ["uses secure.evil[.]example.<DOMAIN>[.]<TLD>", "hxxps://evil[.]example/?id=<redacted>", "・例evil[.]example",
     "hxxp://evil[.]example/a経由で感染"],
)  # fmt: skip
def test_a_value_without_a_certain_end_is_refused(line: str) -> None:
    """Beside a placeholder, or where kanji may be a part of the path."""
    assert values(line) == []
    assert "unclear" in reasons(line)


@pytest.mark.parametrize(
    "line",
    [
        "悪性.example.jp",
        "・www.悪性.example.jp",
        "mail@悪性.example.jp",
        "見た evil[.]悪性[.]example 等",
        "は www.evil[.]テスト と",
    ],
)
def test_a_part_of_an_international_name_is_not_the_name(line: str) -> None:
    """Of a name with labels in other letters, the labels in ASCII are no indicator: they are somebody else's name."""
    assert values(f"■通信先\n{line}") == []


def test_q_c10_urls_without_scheme_are_refused() -> None:
    """Whether http or https, nobody said."""
    assert reasons("- evil[.]example/token?token=1") == ["no-scheme"]


# ---------------------------------------------------------------- what counts

ADVISORY = f"""例示マルウェアに関する注意喚起
公開日：2026年3月5日

I. 概要
詳細は https://blog.vendor.example.com/report.html をご覧ください。正規のサイトwww.example.comへ転送されます。
invoice.pdf.exeを実行するとsvchost.exeに注入され、evil-two[.]exampleと通信します。バージョン1.2.3.4以前が影響を受けます。

II. インディケータ情報
■通信先（C2）
203.0.113.30
evil-three.example
payload.zip
https://evil-four.example/a

ファイル名｜MD5
a.exe｜{MD5}
imphash: 5f4dcc3b5aa765d61d8327deb882cf99

III. 参考情報
https://www.cert.example.jp/at/
hxxps://twitter[.]com/example/status/1
https://github.com/example/tool/commit/098f6bcd4621d373cade4e832627b4f6adbc1234

お問い合わせ先
メール：info@cert.example.jp
"""


def test_an_advisory_gives_its_indicators_and_no_more() -> None:
    """What is listed under indicators counts as it is, in sentences what is defanged, under references nothing."""
    assert values(ADVISORY) == [
        "evil-two.example", "203.0.113.30", "evil-three.example", "https://evil-four.example/a", MD5,
    ]  # fmt: skip
    assert reasons(ADVISORY) == ["unsupported-hash", "reference"]


def test_what_a_feed_says_of_plain_values() -> None:
    """Everywhere, or nowhere."""
    text = "We saw https://a.example/x in the wild.\n\nC2:\n- 203.0.113.7"
    assert values(text) == ["203.0.113.7"]
    assert values(text, plain="never") == []
    assert values(text, plain="any") == ["https://a.example/x", "203.0.113.7"]


def test_what_it_is_called_becomes_labels() -> None:
    """The heading, the line above the list, the head of the column and the word before it."""
    text = "## Network\n\nObserved C2:\n- a[.]example\n\nHASHES\n| File | SHA-256 |\n"
    text += f"| x.exe | {SHA256} |\nIP: 203.0.113[.]7"
    assert [sorted(one.labels) for one in found(text)] == [
        ["Network", "Observed C2"], ["HASHES", "SHA-256"], ["HASHES", "IP"],
    ]  # fmt: skip


def test_a_value_named_twice_is_one() -> None:
    """With the labels and ports of both."""
    (one,) = found("C2:\n- 203.0.113[.]7:80\n\nSCANNERS:\n- 203.0.113[.]7:443")
    assert (one.line, one.labels, one.ports) == (2, {"C2", "SCANNERS"}, {80, 443})


def test_a_label_tells_no_value() -> None:
    """A heading with somebody's address in it is no label."""
    (one,) = found("SENT BY jane[@]evil.example AND 203.0.113[.]9:\n")[-1:]
    assert one.labels == set()


def test_hashes_of_one_row_are_one_file() -> None:
    """The strongest is what the claim is about; lists of one algorithm are files of their own."""
    (one,) = found(f"IOC\n{MD5} | {SHA256}".replace("|", " "))
    assert (one.value, one.hashes) == (SHA256, {"MD5": MD5})
    assert len(found(f"IOC\n{MD5}\n{SHA256}")) == 2


def test_certificates_are_told_by_their_heading() -> None:
    """A SHA-1 under certificates is no file's."""
    (one,) = found(f"証明書の拇印\n- {'ab' * 20}")
    assert one.kind == "certificate"


def test_a_ja3_fingerprint_is_no_file() -> None:
    """The word beside an MD5 tells; of a server's, JA3S, the hub makes nothing."""
    assert [(one.kind, one.value) for one in found(f"IOC\n- JA3: {MD5}")] == [("ja3", MD5)]
    assert reasons(f"IOC\n- JA3S: {MD5}") == ["unsupported-hash"]


@pytest.mark.parametrize(
    "text", [f"We fixed it in commit {'ab' * 20}.", f"the word {SHA256} of a sentence about nothing else at all"]
)
def test_a_hash_in_a_sentence_about_something_else_is_text(text: str) -> None:
    """It is neither taken nor refused."""
    assert list(mentions([text])) == []


def test_q_u7_a_shared_platform_is_no_domain() -> None:
    """Its URL may be an indicator, its host never; a name that a user of it has, may."""
    text = "DOMAINS:\n- docs.google[.]com\n- t[.]co\nhxxps://docs.google[.]com/forms/d/e/x\n- evil.github[.]io\n"
    text += "- github[.]io"
    assert values(text) == ["https://docs.google.com/forms/d/e/x", "evil.github.io"]
    assert reasons(text) == ["shared-platform"] * 3


def test_own_domains_are_no_indicators() -> None:
    """The publisher's site, and whatever is below it."""
    text = "IOC:\n- www.cert.example[.]jp\n- hxxps://cert.example[.]jp/x\n- a@cert.example[.]jp\n- cert.example[.]net"
    assert values(text, own=frozenset(("cert.example.jp",))) == ["cert.example.net"]
    assert reasons(text, own=frozenset(("cert.example.jp",))) == ["own-domain"] * 3


def test_what_is_said_to_be_legitimate_is_none() -> None:
    """Nor is what a note gives as an example; what a note tells else is as certain as a sentence."""
    assert reasons("正規サイト\nwww.bank[.]example") == ["benign"]
    text = "C2:\n- a[.]example\n- Note: it went to:\n  -- b[.]example\n  -- For example, hxxp://x@c[.]example/"
    assert [(one.value, one.listed) for one in found(text)] == [("a.example", True), ("b.example", False)]
    assert reasons(text) == ["example"]


def test_a_file_is_no_host() -> None:
    """However it is written."""
    assert reasons("- update[.]exe") == ["bad-host"]
    assert values("C2 domains:\nupdate.exe\nmain.py\nevil.example") == ["evil.example"]


# ---------------------------------------------------------------- documents


def test_a_document_gives_claims_with_the_advisory_as_reference() -> None:
    """Dated by its text; what a sentence names has half of the confidence."""
    result = prose(
        ADVISORY, "2026/a b.txt", date="text", page="https://cert.example.jp/{name}", threats={"通信先": "botnet-c2"}
    )
    sentence, listed, *_, advisory = result.claims
    assert listed.first_seen == listed.version == parse_millis("2026-03-04T15:00:00Z")
    assert sentence.confidence < listed.confidence
    assert orjson.loads(listed.detail)["threat"] == "botnet-c2"
    assert ("例示マルウェアに関する注意喚起", "https://cert.example.jp/2026/a%20b.txt", "") in listed.references
    assert (advisory.type, advisory.value) == ("advisory", "https://cert.example.jp/2026/a%20b.txt")
    assert orjson.loads(advisory.detail)["title"] == {"ja": "例示マルウェアに関する注意喚起"}


PAGE = f"""<!DOCTYPE html><html><head><title>例示 &amp; 注意喚起</title><script>var a="hxxp://no[.]example/";</script></head>
<body><nav><ul><li>menu[.]example</li></ul></nav><!-- hxxp://hidden[.]example/ --><h2>通信先</h2>
<ul><li>ev<b>il[.]</b>example</li><li>203.0.113.7</li></ul>
<table><tr><th>種別</th><th>SHA-256</th></tr><tr><td>ローダー</td><td>{SHA256}</td></tr></table>
<p>詳細は<a href="https://good.example/?a>b" title='hxxp://attr[.]example/'>こちら</a>。</p>
<pre>IP:
198.51.100[.]7
</pre><footer>footer[.]example</footer></body></html>"""


def test_a_text_that_was_changed_since_was_first_said_at_its_date() -> None:
    """Its values are said again when the document changes, and were first said at the date that it gives."""
    given = document("注意喚起 2026年2月3日\n\n■ 通信先\n・evil[.]example\n", modified=NOW - DAY)
    source = feed("unit42-timely", format={"kind": "prose", "date": "text"})
    (claim,) = read_all(given, source).claims
    assert (claim.first_seen, claim.last_seen) == (parse_millis("2026-02-02T15:00:00Z"), NOW - DAY)


def test_a_web_page_is_read_as_it_is_seen() -> None:
    """Nothing of scripts, comments, attributes or navigation; headings and cells are what they are in text."""
    result = prose(PAGE, markup="html", page="https://cert.example.jp/a.html")
    assert [claim.value for claim in result.claims[:-1]] == ["evil.example", "203.0.113.7", SHA256, "198.51.100.7"]
    assert [claim.labels for claim in result.claims[:3]] == [("通信先",), ("通信先",), ("SHA-256", "通信先")]
    assert orjson.loads(result.claims[-1].detail)["title"] == {"ja": "例示 & 注意喚起"}


@pytest.mark.parametrize(
    ("text", "options", "word"),
    [(PAGE, {}, "HTML"), ("a[.]example", {"markup": "html"}, "HTML"), ("a" * 3_000_000, {}, "2097152"),
     (b"\xff", {}, "utf-8")],
)  # fmt: skip
def test_what_is_no_such_text_costs_the_run(text: str | bytes, options: dict[str, Any], word: str) -> None:
    """A page where text was said, text where a page was, too much of it, and other bytes."""
    with pytest.raises(UnreadableDocument, match=word):
        prose(text, **options)


def test_q_pii_personal_data_of_prose() -> None:
    """A URL with a victim's address is refused, unless the feed keeps such."""
    text = "- hxxps://evil[.]example/?email=jane.doe@mail.invalid"
    assert prose(text).reasons == ["personal-data"]
    assert len(prose(text, personal="keep").claims) == 1


_PIECES = st.lists(
    st.sampled_from((
        *"<>[](){}.:/@-|\t\n 。、（）●…*#=＊1あa", "hxxp", "http://", "[.]", "(dot)", "[:]//", "evil", "例え",
        "example", "203.0.113", "<td>", "</li>", "<!--", "-->", "<pre>", "<script>", "&lt;", "C2:", "参考情報", "Note:",
        SHA256, MD5, "\ue000", "\u200b",
    )),
    max_size=40,
).map("".join)  # fmt: skip


@given(st.one_of(_PIECES, st.text(max_size=60)), st.sampled_from(["listed", "any", "never"]))
def test_no_text_raises_and_what_is_found_is_canonical(text: str, plain: str) -> None:
    """Whatever it is: indicators are canonical, each once, and without a trace of how they were marked."""
    every = list(mentions(text.split("\n"), plain=plain))
    keys = [(one.kind, one.value) for one in every if isinstance(one, Mention)]
    assert len(keys) == len(set(keys))
    assert not any("\ue000" in f"{one}" for one in every)


@given(st.one_of(_PIECES, st.text(max_size=60)))
def test_no_page_raises(text: str) -> None:
    """Lines come out of any page, and nothing of its comments."""
    lines = page_lines(text)
    assert all("\n" not in line or "\r" in text for line in lines)
    assert "\n" not in page_title(text)
