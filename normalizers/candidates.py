"""Candidates: what in one line of text has the form of an indicator, defanged or not, whatever stands around it.

The marks of defanging are undone with a private character before each, so that a value knows it was defanged. A value
ends where its characters end; where Japanese text goes on without a blank and might be part of it, it is refused, not
cut by guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from normalizers.refang import INVISIBLE, unmasked
from normalizers.urls import SCHEMES

#: Stands before what was put back. No text has it: it is taken out first.
_MARK = "\ue000"
_WIDE: dict[int, int | str | None] = {
    **{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)},
    **{0x3010: "[", 0x3011: "]", 0x3014: "[", 0x3015: "]", 0x00A0: " ", 0x3000: " ", ord(_MARK): None},
}
_SCHEME = rf"{_MARK}?(?:{'|'.join(SCHEMES)}){_MARK}?:{_MARK}?//?{_MARK}?"
#: Up to a blank, a quote or a bracket of Japanese text. What is not ASCII is looked at afterwards.
_URL = re.compile(rf"(?<![0-9A-Za-z])(?=[{_MARK}fhsw]){_SCHEME}[^\s\"<>`|、。「」『』〈〉《》]+", re.IGNORECASE)
#: One URL after another without a blank.
_NEXT = re.compile(rf"[,;](?={_MARK}?(?:https?|ftp):?{_MARK}?//)", re.IGNORECASE)
_WORD = re.compile(rf"[0-9A-Za-z_.@:/%+&=?~#\[\]{{}}*●…{_MARK}-]+")
_CELL = re.compile(r"[\t|]")
_LATIN = re.compile("[0-9A-Za-z]")
_SOMETHING = re.compile("[0-9A-Za-z●…]")
_HEX = re.compile(r"[0-9A-Fa-f]+")
_IPV4 = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?::[0-9]{1,5}|/[0-9]{1,2})?")
_IPV6 = re.compile(r"\[?[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:\](?::[0-9]{1,5})?|/[0-9]{1,3})?")
_NAME = re.compile(r"(?:[\w-]{1,63}\.){1,20}[^\W\d_][\w-]{1,62}(?::[0-9]{1,5})?")
_HIRAGANA = re.compile("[\u3040-\u309f\u3001-\u303f\uff00-\uff65]")
_LEFT_OUT = "●…○■□＊"
_ENDINGS = f".,;:!?'\"\\{_MARK}"
_PAIRS = {")": "(", "]": "[", "}": "{"}


class Candidate(NamedTuple):
    """Something of the form of an indicator."""

    #: url, email, hash, ip, cidr, domain, or "" of what bears marks and has no form
    form: str
    #: without the marks
    text: str
    #: whether it bore a mark of defanging
    defanged: bool
    #: why it cannot be read, or ""
    unclear: str = ""
    port: int | None = None


class Cell(NamedTuple):
    """What stands between the bars or tabs of a line; a line without any is one cell."""

    candidates: tuple[Candidate, ...]
    #: before the first candidate
    before: str
    #: everything but the candidates
    rest: str


def cells(line: str) -> list[Cell]:
    """The cells of a line with the candidates in each, in order."""
    if not line.isascii():
        line = INVISIBLE.sub("", line).translate(_WIDE)
    return [_cell(part) for part in _CELL.split(unmasked(line, _MARK))]


def _cell(text: str) -> Cell:
    found: list[tuple[int, int, Candidate]] = []
    whole = _international(text)
    if whole is not None:
        return Cell((whole,), "", "")
    for match in _URL.finditer(text):
        found.extend(_urls(match, text))
    taken = _blanked(text, found)
    for match in _WORD.finditer(taken):
        if (one := _word(match, text)) is not None:
            found.append(one)
    found.sort(key=lambda item: item[0])
    before = text[: found[0][0]] if found else text
    return Cell(
        tuple(item for _, _, item in found), before.replace(_MARK, ""), _blanked(text, found).replace(_MARK, "")
    )


def _blanked(text: str, found: list[tuple[int, int, Candidate]]) -> str:
    parts, at = [], 0
    for start, end, _ in found:
        parts += [text[at:start], " " * (end - start)]
        at = end
    return "".join((*parts, text[at:]))


def _international(text: str) -> Candidate | None:
    """A cell that is nothing but a defanged name in the letters of some country."""
    given = text.strip().lstrip("-*・•").strip()
    if given.isascii() or _MARK not in given or any(char.isspace() for char in given):
        return None
    plain = given.replace(_MARK, "")
    if _NAME.fullmatch(plain) is None:
        return None
    mixed = any(not label.isascii() and _LATIN.search(label) for label in plain.split("."))
    return Candidate("domain", plain, True, "text that may be part of it" if mixed else "")


def _urls(match: re.Match[str], text: str) -> Iterator[tuple[int, int, Candidate]]:
    at = match.start()
    for piece in _NEXT.split(match[0]):
        kept, unclear = _ended(piece)
        end = at + len(kept)
        if _placeholder_follows(text, end, at + len(piece)) and kept:
            unclear = "a part that is left out"
        yield at, end, Candidate("url", kept.replace(_MARK, ""), _MARK in kept, unclear)
        at += len(piece) + 1


def _ended(piece: str) -> tuple[str, str]:
    """A URL without what follows it, and why it cannot be said where it ends."""
    slashes = piece.find("//")
    start = slashes + 2 if slashes >= 0 else piece.find(":") + 1
    host_end = next((at for at in range(start, len(piece)) if piece[at] in "/?#"), len(piece))
    cut = _host_cut(piece, start, host_end)
    if cut < host_end:
        return _trimmed(piece[:cut]), ""
    for at in range(host_end, len(piece)):
        if not piece[at].isascii() and piece[at] != _MARK and piece[at] not in _LEFT_OUT:
            certain = _HIRAGANA.match(piece[at]) is not None or piece[at] in "（）"
            return _trimmed(piece[:at]), "" if certain else "text that may be part of it"
    return _trimmed(piece), ""


def _host_cut(piece: str, start: int, end: int) -> int:
    """Where a host ends because Japanese text follows a label of ASCII without a dot between."""
    latin = False
    for at in range(start, end):
        char = piece[at]
        if char in f".@:{_MARK}":
            latin = False
        elif char.isascii():
            latin = True
        elif latin and char not in _LEFT_OUT:
            return at
    return end


def _trimmed(text: str) -> str:
    """Without the punctuation of the sentence around it."""
    surplus = {close: text.count(close) - text.count(opened) for close, opened in _PAIRS.items()}
    end = len(text)
    while end and not text.endswith("...", 0, end):
        last = text[end - 1]
        if surplus.get(last, 0) > 0:
            surplus[last] -= 1
        elif last not in _ENDINGS:
            break
        end -= 1
    return text[:end]


def _word(match: re.Match[str], text: str) -> tuple[int, int, Candidate] | None:
    kept = _trimmed(match[0])
    lead = len(kept) - len(kept.lstrip(".:/%+&=?~#-"))
    kept = kept[lead:]
    defanged = _MARK in kept
    plain = kept.replace(_MARK, "")
    start = match.start() + lead
    one = _classified(plain, defanged)
    if one is None:
        return None
    if _within_name(text, start, start + len(kept)):
        one = one._replace(unclear="text that may be part of it")
    before = text[start - 1 : start] if start else ""
    bracketed = before == "<" and text[match.end() : match.end() + 1] == ">"
    if (
        defanged
        and not bracketed
        and (before in (">", "}") or _placeholder_follows(text, start + len(kept), match.end()))
    ):
        one = one._replace(unclear="a part that is left out")
    return start, start + len(kept), one


def _within_name(text: str, start: int, end: int) -> bool:
    """Whether a dot, and nothing else, stands between a value and letters that are not ASCII."""
    before, after = text[:start].rstrip(_MARK), text[end:].lstrip(_MARK)
    return (before[-1:] == "." and _foreign(before[:-1].rstrip(_MARK)[-1:])) or (
        after[:1] == "." and _foreign(after[1:].lstrip(_MARK)[:1])
    )


def _foreign(char: str) -> bool:
    return char.isalpha() and not char.isascii()


def _placeholder_follows(text: str, end: int, whole: int) -> bool:
    """Whether a value goes on as ``<DOMAIN>`` or ``{id}``, at once or after a dot."""
    return text[whole : whole + 1] in ("<", "{") and not text[end:whole].strip(f".{_MARK}")


def _classified(text: str, defanged: bool) -> Candidate | None:
    if len(text) in (32, 40, 64, 128) and _HEX.fullmatch(text):
        return Candidate("hash", text, False)
    if text.count("@") == 1 and "." in text:
        return Candidate("email", text, defanged) if "/" not in text else None
    if _IPV4.fullmatch(text):
        return _address(text, defanged)
    if text.count(":") > 1 and _IPV6.fullmatch(text) and text.strip(":[]"):
        return _address(text, defanged)
    if _NAME.fullmatch(text):
        name, _, port = text.partition(":")
        return Candidate("domain", name, defanged, port=_port(port))
    if not defanged or not _SOMETHING.search(text):
        return None
    return Candidate("url" if "/" in text else "domain", text, True)


def _address(text: str, defanged: bool) -> Candidate:
    if "/" in text:
        return Candidate("cidr", text, defanged)
    if text.startswith("["):
        address, _, port = text.partition("]")
        return Candidate("ip", f"{address}]", defanged, port=_port(port[1:]))
    address, _, port = text.partition(":") if "." in text else (text, "", "")
    return Candidate("ip", address, defanged, port=_port(port))


def _port(text: str) -> int | None:
    return int(text) if text and 0 < int(text) < 65_536 else None
