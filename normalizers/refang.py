"""Undo what people do to a value so that nobody clicks on it, and what copying does to it unseen."""

from __future__ import annotations

import re

#: What browsers drop from a host (ignored by UTS-46) and eyes miss: soft hyphen, zero-width space, word joiner, byte
#: order mark. Zero-width joiners stay: to a browser they belong to a name where a script needs them, or make it none.
_IGNORED = "\u00ad\u200b\u2060\u2064\ufeff"
#: Marks of direction and the like. Copying leaves them at the ends of a value; within a host, browsers refuse them.
_DIRECTIONS = "\u200e\u200f\u202a-\u202e\u2061-\u2063\u2066-\u2069"
_DROPPED = re.compile(f"[{_IGNORED}]")
INVISIBLE = re.compile(f"[{_IGNORED}{_DIRECTIONS}]")
_BLANKS = " \t\r\n\f\v\u00a0\u3000"
#: Blanks, and what is invisible.
EDGES = _BLANKS + "".join(char for char in map(chr, range(0x10000)) if INVISIBLE.match(char))
_OPEN = r"[\[({\uff3b\uff08\uff5b\u3010\u3014]"
_CLOSE = r"[\])}\uff3d\uff09\uff5d\u3011\u3015]"
_ANY_DOT = "(?:[.\u3002\uff0e\uff61]|dot|\uff44\uff4f\uff54|\u30c9\u30c3\u30c8)"
_ANY_COLON = r"[:\uff1a]"
_ANY_AT = "(?:[@\uff20]|at|\uff41\uff54|\u30a2\u30c3\u30c8)"
#: What stands for ``http``: only marks that leave no doubt, so neither ``htps`` nor ``meow``.
_ODD_SCHEME = rf"\A(?:h(?:xx|\*\*|__|tx|xt)|f(?:x|\*))p(s?)(?=\s?(?:{_ANY_COLON}|{_OPEN}))"
_SCHEME = re.compile(_ODD_SCHEME, re.IGNORECASE)
_WITHIN = re.compile(r"(?<![0-9A-Za-z])" + _ODD_SCHEME.removeprefix(r"\A"), re.IGNORECASE)
#: A dot in brackets, or with one of them: ``evil[.com`` and ``evil.]com``.
_ONE_SIDED = r"\[\.(?<=\w\[\.)(?=\w)|\.\](?<=\w\.\])(?=\w)"
_DOT = re.compile(rf"\s?{_OPEN}\s?{_ANY_DOT}\s?{_CLOSE}\s?|{_ONE_SIDED}", re.IGNORECASE)
_COLON = re.compile(rf"{_OPEN}(?:({_ANY_COLON}?//|{_ANY_COLON}(?://)?|/))\s?{_CLOSE}")
_AT = re.compile(rf"\s?{_OPEN}\s?{_ANY_AT}\s?{_CLOSE}\s?", re.IGNORECASE)
#: Any of these, and quick to say that there is none.
_MARKS = re.compile(
    rf"{_ODD_SCHEME}|{_OPEN}\s?(?:{_ANY_DOT}|{_ANY_AT}|{_ANY_COLON}?//|{_ANY_COLON}(?://)?|/)\s?{_CLOSE}|{_ONE_SIDED}",
    re.IGNORECASE,
)
#: Brackets within brackets: more than anybody writes.
_DEEPEST = 4


def tidy(text: str) -> str:
    """``text`` without what browsers drop, and without blanks (U+3000 too) and marks of direction at its ends."""
    if text.isascii():
        return text.strip(_BLANKS)
    return _DROPPED.sub("", text).strip(EDGES)


def defanged(text: str) -> bool:
    """Whether ``text`` bears a mark of defanging."""
    return _MARKS.search(text) is not None


def refang(text: str) -> str:
    """``text`` with hxxp, ``[.]``, ``(dot)``, ``[:]//``, ``[at]`` and the like put back, full-width ones too."""
    for _ in range(_DEEPEST):
        plain = _AT.sub("@", _COLON.sub(_colon, _DOT.sub(".", _SCHEME.sub(_scheme, text))))
        if plain == text:
            break
        text = plain
    return text


def unmasked(text: str, mark: str) -> str:
    """As :func:`refang` for running text, where values stand anywhere: ``mark`` before all that was put back."""
    plain = _WITHIN.sub(lambda found: f"{mark}{_scheme(found)}", text)
    plain = _COLON.sub(lambda found: f"{mark}{_colon(found)}", plain)
    return _AT.sub(f"{mark}@", _DOT.sub(f"{mark}.", plain))


def _scheme(found: re.Match[str]) -> str:
    return f"{'ftp' if found[0][0] in 'fF' else 'http'}{found[1]}"


def _colon(found: re.Match[str]) -> str:
    return found[1].replace("\uff1a", ":")
