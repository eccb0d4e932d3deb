"""Paths of files in a repository: which are meant, and what day they are of."""

from __future__ import annotations

import re

from config.instant import Millis, parse_millis

_DAY = re.compile(r"(?<![0-9])((?:19|20)[0-9]{2})([-_./]?)(0[1-9]|1[0-2])\2(0[1-9]|[12][0-9]|3[01])(?![0-9])")
_MONTH = re.compile(r"(?<![0-9])((?:19|20)[0-9]{2})[-_./]?(0[1-9]|1[0-2])(?![0-9])")
_WILD = re.compile(r"(\*\*/|\*|\?)")
_PLACES = {"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}


def path_date(path: str) -> Millis | None:
    """The midnight UTC of the last day that a path holds, such as ``2025/04/08/ioc.txt`` or ``Report_20220412.csv``;
    of a month its first day; None when it holds neither."""
    for found in reversed(list(_DAY.finditer(path))):
        try:
            return parse_millis(f"{found[1]}-{found[3]}-{found[4]}T00:00:00Z")
        except ValueError:  # the 31st of a month that has none
            continue
    months = _MONTH.findall(path)
    return parse_millis(f"{months[-1][0]}-{months[-1][1]}-01T00:00:00Z") if months else None


def path_pattern(glob: str) -> re.Pattern[str]:
    """``*`` and ``?`` stay within a folder, ``**/`` is any number of folders."""
    return re.compile("".join(_PLACES.get(part) or re.escape(part) for part in _WILD.split(glob)))
