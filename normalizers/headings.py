"""Places in a text: the heading and the line that a value stands under, and what they say of it.

Words of headings are in Japanese and English.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from normalizers.candidates import Cell

_LONGEST_HEADING = 100
_LONGEST_LEAD = 40
#: Words beside a value that make a sentence of its line.
_MOST_WORDS, _MOST_LETTERS = 6, 16

#: What stands between a word and the value that it calls by a name.
_LEADS = (":", "：", "=", "＝", "→", ">", "-", "–")
_BULLET = re.compile(r"(?:[-*+•・‐–—▪▸►○●◎◦]{1,3}|[(（]?[0-9]{1,3}[.)）]|[①-⑳])\s+|[・•]")
_HEADED = re.compile(r"(?:#{1,6}|={1,6})\s+|[■□◆◇▼▽▲△★☆●○◎]|【|〔|第?[0-9]{1,2}[.．章節]\s?(?![0-9])|[IVX]{1,4}[.．]\s")
_TRIM = " \t\u3000:：#=*_＝→>–■□◆◇▼▽▲△★☆●○◎【】〔〕\"'-"
_SENTENCE = re.compile(r"[。.!?！？]\s*$|。")
_EXAMPLE = re.compile(r"for example|for instance|e\.g\.|例えば|たとえば", re.IGNORECASE)
#: Lines that are marks and no words: rules, and what AsciiDoc says of a table.
_NO_WORDS = re.compile(r"\[[^\]]*\]|[^\w]*")
_NOTE = re.compile(r"(?:note|nb|注|注意|注記|備考|補足|※)\s*[0-9０-９]{0,2}\s*[:：.)））]|※", re.IGNORECASE)
_LETTERS = re.compile(r"[^\W\d_]")
_WORDS = re.compile(r"[A-Za-z][A-Za-z0-9'-]*")
_WIDE_LETTERS = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
#: What a list is called whose values need not be defanged.
_INDICATORS = re.compile(
    r"\b(?:iocs?|indicators?|c2s?|c&c|command[ -]and[ -]control|ips?|ip addresses|domains?|hosts?|hostnames?|fqdns?"
    r"|urls?|hash(?:es)?|md5|sha-?(?:1|256|512)|malicious|phishing|senders?|servers?|infrastructure|observables?"
    r"|samples?)\b"
    r"|インディ?ケー?タ|インジケー?タ|侵害(?:指標|の痕跡)|通信先|接続先|[CＣ](?:2|２|&C|＆Ｃ)|IPアドレス|ＩＰアドレス|ドメイン|ホスト名"
    r"|URL|ＵＲＬ|ハッシュ|検体|送信元|不審|悪性"
    r"|攻撃元|誘導先|配布元|配信元|ダウンロード元|フィッシングサイト",
    re.IGNORECASE,
)
_REFERENCES = re.compile(
    r"(?:(?:external |related |additional |useful |original )?"
    r"(?:references?|sources?|links?|reading|articles?|reports?|posts?)"
    r"|further reading|see also|authors?|contacts?(?: us| information)?|acknowledge?ments?|credits?"
    r"|about (?:us|the author)|revision history|update history|change ?log)(?: list)?"
    r"|(?:参考|関連)(?:情報|文献|資料|文書|サイト|リンク|ＵＲＬ|URL|記事)?|参照|出典|引用元?|リンク集?"
    r"|(?:お?問い?合わせ|連絡|相談|報告)(?:先|窓口)?|執筆者?|著者|謝辞|(?:更新|改訂|改版|変更)履歴",
    re.IGNORECASE,
)
_LEGITIMATE = re.compile(
    r"\b(?:legitimate|benign|not malicious|non-malicious|false positives?|allow-?list|whitelist)"
    r"|正規|公式|本物|正しい|無害|誤検知|ホワイトリスト",
    re.IGNORECASE,
)


class Place(NamedTuple):
    """Where in a text a value stands."""

    #: the heading above it
    heading: str
    #: what it is called: the heading, the line above its list, the head of its column, what precedes it in its line
    labels: tuple[str, ...]
    #: whether it stands by itself, in a list or a table, and not in a sentence
    listed: bool
    #: whether its place is called one of indicators
    indicators: bool
    #: why no value there counts: ``reference``, ``benign`` or ``example``; "" where they do
    excluded: str

    @property
    def words(self) -> str:
        """All that it is called, as one text."""
        return " ".join(self.labels)


class Places:
    """Follows a text, and tells the place of each cell that holds something."""

    def __init__(self) -> None:
        self._section = ""
        self._list = ""
        self._list_indent = 0
        self._note_indent: int | None = None
        self._columns: list[str] = []
        self._after_blank = True
        self._begun = False

    def follow(self, line: str, found: list[Cell]) -> Iterator[tuple[Place, Cell]]:
        """Take one line and its cells; each cell with candidates, with its place."""
        text = line.strip().strip("\u3000").strip()
        if not text:
            self._columns, self._after_blank, self._note_indent = [], True, None
            return
        indent = len(line) - len(line.lstrip())
        self._notice_note(text, indent)
        if not any(cell.candidates for cell in found):
            self._notice_heading(text, indent, found)
            self._after_blank = False
            return
        self._after_blank, self._begun = False, True
        for at, cell in enumerate(found):
            if cell.candidates:
                yield self._place(cell, at, len(found)), cell

    def _notice_note(self, text: str, indent: int) -> None:
        if self._note_indent is not None and indent > self._note_indent:
            return
        self._note_indent = indent if _NOTE.match(_without_bullet(text)) else None

    def _notice_heading(self, text: str, indent: int, found: list[Cell]) -> None:
        if _NO_WORDS.fullmatch(text):
            return
        if len(found) > 1:
            self._columns = [_label(cell.rest) for cell in found]
            return
        if len(text) > _LONGEST_HEADING + 20 or self._note_indent is not None:
            return
        bare = _without_bullet(text)
        if self._is_heading(text):
            self._section, self._list, self._columns, self._begun = _label(bare), "", [], False
        elif bare.endswith((":", "：")):
            self._list, self._list_indent, self._columns = _label(bare), indent, []
        else:
            self._begun = True
            if bare != text and indent <= self._list_indent:
                self._list = ""

    def _is_heading(self, text: str) -> bool:
        if _HEADED.match(text) and not _SENTENCE.search(text):
            return True
        if _BULLET.match(text):
            return False
        letters = _LETTERS.findall(text)
        if len(letters) > 3 and text.upper() == text and text.lower() != text:
            return True
        if text.endswith((":", "：")) and self._section and not self._begun:
            return False  # what stands at once below a heading is a part of it
        return self._after_blank and bool(letters) and len(text) <= _LONGEST_HEADING and not _SENTENCE.search(text)

    def _place(self, cell: Cell, at: int, number: int) -> Place:
        lead = _without_bullet(cell.before.strip())
        lead = _label(lead) if len(lead) <= _LONGEST_LEAD and lead.endswith(_LEADS) else ""
        column = self._columns[at] if len(self._columns) == number else ""
        labels = tuple(dict.fromkeys(label for label in (self._section, self._list, column, lead) if label))
        listed = (
            self._note_indent is None
            and _beside(cell)
            and (number > 1 or len(cell.candidates) < 4 or not cell.rest.strip(" ,;、"))
        )
        words = " ".join(labels)
        return Place(self._section, labels, listed, _INDICATORS.search(words) is not None, self._excluded(lead, cell))

    def _excluded(self, lead: str, cell: Cell) -> str:
        called = (self._section, self._list, lead)
        if any(_REFERENCES.fullmatch(label) for label in called):
            return "reference"
        if any(_LEGITIMATE.search(label) for label in called):
            return "benign"
        return "example" if self._note_indent is not None and _EXAMPLE.search(cell.rest) else ""


def _beside(cell: Cell) -> bool:
    """Whether so little stands beside the values of a cell that it is no sentence."""
    return len(_WORDS.findall(cell.rest)) <= _MOST_WORDS and len(_WIDE_LETTERS.findall(cell.rest)) <= _MOST_LETTERS


def _without_bullet(text: str) -> str:
    found = _BULLET.match(text)
    return text[found.end() :].strip() if found else text


def _label(text: str) -> str:
    bare = _HEADED.sub("", text.strip(), count=1) if _HEADED.match(text.strip()) else text
    return bare.strip(_TRIM)[:_LONGEST_HEADING]
