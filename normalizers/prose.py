"""Free text: which of the values in an advisory are its indicators, and what they are called there.

A value counts where it is defanged or stands in a list of indicators, and not under references, notes, or what the text
calls legitimate. It is called by the heading and the line that it stands under. What has the form of an indicator and
does not count is refused with a reason; what is neither defanged nor listed is text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from normalizers.bad_value import BadValue, shown
from normalizers.candidates import Candidate, Cell, cells
from normalizers.headings import Place, Places
from normalizers.platforms import is_platform, is_under
from normalizers.refang import defanged
from normalizers.urls import host_of
from normalizers.values import ALGORITHMS, algorithm, canonical

#: Characters of a line that are looked at.
LONGEST_LINE = 20_000
#: Characters before a hash that may say of what it is.
_CLOSE = 60
#: Endings of files that are no top-level domains: ``update.exe`` is no host, however it is written.
_FILES = frozenset((
    "apk", "asp", "aspx", "bat", "bin", "bmp", "cfg", "chm", "class", "cmd", "conf", "cpl", "css", "csv", "dat", "dll",
    "dmg", "doc", "docm", "docx", "drv", "dylib", "elf", "eml", "exe", "gif", "gz", "hta", "htm", "html", "hwp", "ico",
    "img", "ini", "iso", "jar", "jpeg", "jpg", "js", "jse", "json", "jsp", "lnk", "log", "lua", "msi", "ocx", "one",
    "pdf", "php", "pif", "png", "ppt", "pptx", "ps1", "rar", "rtf", "scr", "svg", "sys", "tar", "tgz", "tmp", "txt",
    "vbe", "vbs", "wsf", "xls", "xlsm", "xlsx", "xml", "yaml", "yar", "7z",
))  # fmt: skip
#: Endings that are both; a name that is not defanged may be a file's.
_BOTH = frozenset(("app", "cab", "md", "mov", "pl", "pm", "ps", "py", "rs", "sh", "so", "zip"))
#: What a place is called where a bare hash is one of a file that the text is about.
_ABOUT_HASHES = re.compile(
    r"hash|md5|sha-?[125]|samples?\b|files?\b|payload|malware|ioc|indicator|ハッシュ|検体|ファイル|マルウェア|インディ?ジ?ケータ",
    re.IGNORECASE,
)
_CERTIFICATE = re.compile(r"certificate|thumbprint|fingerprint|証明書|拇印|フィンガープリント", re.IGNORECASE)
_OTHER_HASH = re.compile(
    r"ja3s\b|ja4|jarm|imphash|ssdeep|tlsh|vhash|authentihash|pehash|rich.?header|favicon", re.IGNORECASE
)
_JA3 = re.compile(r"\bja3\b", re.IGNORECASE)
_COMMIT = re.compile(r"commit|revision|コミット", re.IGNORECASE)


@dataclass
class Mention:
    """One indicator of the text, and all that is said of it there."""

    line: int
    kind: str
    #: canonical
    value: str
    labels: set[str] = field(default_factory=set)
    ports: set[int] = field(default_factory=set)
    #: the weaker hashes of its row, by STIX name
    hashes: dict[str, str] = field(default_factory=dict)
    #: whether it stands in a list; else it is named in a sentence, which is less certain
    listed: bool = False


class Unfit(NamedTuple):
    """What has the form of an indicator and is none, or cannot be read."""

    line: int
    error: BadValue


class Reader:
    """Reads one text, line after line."""

    def __init__(self, own: frozenset[str], plain: str) -> None:
        """``own``: domains that are the publisher's. ``plain``: where values that are not defanged count: in ``listed``
        ones, in ``any`` or ``never``."""
        self._own = own
        self._plain = plain
        self._places = Places()
        self._mentions: dict[tuple[str, str], Mention] = {}
        self._unfit: list[Unfit] = []

    def read(self, lines: Iterable[str]) -> tuple[list[Mention], list[Unfit]]:
        """Every indicator once, and what is none, in order."""
        for number, line in enumerate(lines, start=1):
            found = cells(line[:LONGEST_LINE])
            for place, cell in self._places.follow(line[:LONGEST_LINE], found):
                self._row(number, place, cell)
        return list(self._mentions.values()), self._unfit

    def _row(self, number: int, place: Place, cell: Cell) -> None:
        row: list[tuple[str, str]] = []
        for one in cell.candidates:
            called = f"{place.words} {cell.before[-_CLOSE:]}"
            if not self._counts(one, place, called):
                continue
            try:
                kind, value = self._value(one, place, called)
            except BadValue as error:
                self._unfit.append(Unfit(number, error))
                continue
            self._mention(number, kind, value, place, one.port)
            row.append((kind, value))
        self._one_file(row)

    def _counts(self, one: Candidate, place: Place, called: str) -> bool:
        """Whether the text means it as a value of its own, perhaps one that is refused."""
        if one.form == "hash":
            return not _COMMIT.search(called) and (place.listed or _ABOUT_HASHES.search(called) is not None)
        if one.defanged or self._plain == "any":
            return True
        return self._plain == "listed" and place.listed and place.indicators and not self._may_be_a_file(one)

    def _may_be_a_file(self, one: Candidate) -> bool:
        ending = one.text.rpartition(".")[2].lower()
        return one.form == "domain" and (ending in _FILES or ending in _BOTH)

    def _value(self, one: Candidate, place: Place, called: str) -> tuple[str, str]:
        if place.excluded:
            raise BadValue(place.excluded, f"expected an indicator, got a value under {shown(place.heading)}")
        if one.unclear:
            raise BadValue("unclear", f"expected a value with an end, got one beside {one.unclear}: {shown(one.text)}")
        if one.form == "hash":
            return self._hash(one, called)
        if one.form == "domain" and one.text.rpartition(".")[2].lower() in _FILES:
            raise BadValue("bad-host", f"expected a host, got the name of a file: {shown(one.text)}")
        kind, value = canonical(one.form, one.text)
        self._refuse_own(kind, value)
        return kind, value

    def _hash(self, one: Candidate, called: str) -> tuple[str, str]:
        if _OTHER_HASH.search(called):
            raise BadValue(
                "unsupported-hash", f"expected the hash of a file, got one of another kind: {shown(one.text)}"
            )
        if len(one.text) == ALGORITHMS["MD5"] and _JA3.search(called):
            return canonical("ja3", one.text)
        return canonical("certificate" if _CERTIFICATE.search(called) else "file", one.text)

    def _refuse_own(self, kind: str, value: str) -> None:
        host = value.rpartition("@")[2] if kind in ("email", "domain") else ""
        if kind == "url":
            host = host_of(value)[1]
        if host and is_under(host, self._own):
            raise BadValue("own-domain", f"expected an indicator, got what belongs to its publisher: {shown(host)}")
        if kind == "domain" and is_platform(host):
            raise BadValue("shared-platform", f"expected an indicator, got a host that everybody uses: {host}")

    def _mention(self, number: int, kind: str, value: str, place: Place, port: int | None) -> None:
        mention = self._mentions.setdefault((kind, value), Mention(number, kind, value))
        mention.labels.update(label for label in place.labels if not _tells(label))
        mention.listed = mention.listed or place.listed
        if port:
            mention.ports.add(port)

    def _one_file(self, row: list[tuple[str, str]]) -> None:
        """Of a row that gives one file's hashes, each algorithm once, the strongest has the others beside it."""
        hashes = {algorithm(value): value for kind, value in row if kind == "file"}
        if len(hashes) < 2 or len(hashes) != sum(1 for kind, _ in row if kind == "file"):
            return
        strongest = next(name for name in ALGORITHMS if name in hashes)
        self._mentions["file", hashes.pop(strongest)].hashes.update(hashes)
        for value in hashes.values():
            self._mentions.pop(("file", value), None)


def _tells(label: str) -> bool:
    """Whether a heading holds a value itself, or somebody's address, and so is no label."""
    return "@" in label or "://" in label or defanged(label)


def mentions(
    lines: Iterable[str], own: frozenset[str] = frozenset(), plain: str = "listed"
) -> Iterator[Mention | Unfit]:
    """The indicators of a text, each once with all that is said of it, and what is none, by the line of the first.

    ``own`` are the publisher's domains. ``plain`` says where values count that are not defanged: ``listed`` ones under
    a heading about indicators, ``any``, or ``never``.
    """
    found, unfit = Reader(own, plain).read(lines)
    every: list[Mention | Unfit] = [*found, *unfit]
    yield from sorted(every, key=lambda one: one.line)
