"""Times as feeds write them: compiled once from a feed's configuration, then fast."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timezone, tzinfo
from email.utils import parsedate_to_datetime
from typing import Any

from config.instant import DAY, LATEST, SECOND, Millis, parse_millis
from normalizers.bad_value import BadValue, shown
from normalizers.zones import ZONES

__all__ = ["ZONES", "TimeReader", "file_month", "time_reader"]

#: Reads one cell. Raises :class:`BadValue`.
TimeReader = Callable[[Any], Millis]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIRECTIVES = {
    "%Y": r"(?P<Y>[0-9]{4})",
    "%m": r"(?P<m>[0-9]{1,2})",
    "%d": r"(?P<d>[0-9]{1,2})",
    "%H": r"(?P<H>[0-9]{1,2})",
    "%M": r"(?P<M>[0-9]{1,2})",
    "%S": r"(?P<S>[0-9]{1,2})",
    "%%": "%",
}
_PART = re.compile(r"%.|[^%]+", re.DOTALL)
_FILE_MONTH = re.compile(r"(?<![0-9])((?:19|20)[0-9]{2})[-_]?(0[1-9]|1[0-2])(?![0-9])")


def time_reader(form: str, zone: tzinfo | None) -> TimeReader:
    """A reader of ``iso`` (ISO 8601 and RFC 3339 as really written), ``epoch`` (seconds), ``epoch_ms``, ``mail``
    (RFC 5322, and dates as Unix prints them), or of a form such as ``%Y/%m/%d %H:%M:%S``. Text without an offset is
    taken in ``zone``. Raises ValueError for another form.
    """
    if form == "iso":
        return _iso(zone)
    if form in ("epoch", "epoch_ms"):
        return _epoch(SECOND if form == "epoch" else 1)
    if form == "mail":
        return _mail(zone or UTC)
    return _formed(form, zone or UTC)


def file_month(name: str, zone: tzinfo | None) -> Millis | None:
    """The first instant of the month that a file name such as ``202510.csv`` holds; None when it holds none."""
    found = _FILE_MONTH.search(name)
    if found is None:
        return None
    return _millis(datetime(int(found[1]), int(found[2]), 1, tzinfo=zone or UTC))


def _millis(moment: datetime, epoch: datetime = _EPOCH) -> Millis:
    since = moment - epoch
    return since.days * DAY + since.seconds * SECOND + since.microseconds // 1_000


def _iso(zone: tzinfo | None) -> TimeReader:
    # when it was 1970 in the zone of a text without one, where that never changes its hour
    local = _EPOCH.astimezone(zone).replace(tzinfo=None) if isinstance(zone, timezone) else None

    def read(cell: Any) -> Millis:
        if not isinstance(cell, str):
            raise _bad(cell, "a time such as 2026-01-02T03:04:05Z")
        try:
            moment = datetime.fromisoformat(cell)
            if moment.tzinfo is not None:
                value = _millis(moment)
            elif local is not None:
                value = _millis(moment, local)
            elif zone is not None:
                value = _millis(moment.replace(tzinfo=zone))
            else:
                raise ValueError("no zone")
        except (ValueError, OverflowError):
            try:
                value = parse_millis(cell, zone=zone)
            except (ValueError, OverflowError):
                raise _bad(cell, "a time such as 2026-01-02T03:04:05Z") from None
        return _within(value, cell)

    return read


def _epoch(unit: int) -> TimeReader:
    def read(cell: Any) -> Millis:
        try:
            number = float(cell) if isinstance(cell, str | int | float) and not isinstance(cell, bool) else None
        except (ValueError, OverflowError):
            number = None
        if number is None or not 0 <= number * unit <= LATEST:
            raise _bad(cell, "a number of seconds or milliseconds since 1970")
        return int(number * unit)

    return read


def _mail(zone: tzinfo) -> TimeReader:
    def read(cell: Any) -> Millis:
        try:
            moment = parsedate_to_datetime(cell if isinstance(cell, str) else "")
            value = _millis(moment if moment.tzinfo is not None else moment.replace(tzinfo=zone))
        except (ValueError, OverflowError, IndexError):
            raise _bad(cell, "a time such as Fri, 02 Jan 2026 03:04:05 +0000") from None
        return _within(value, cell)

    return read


def _formed(form: str, zone: tzinfo) -> TimeReader:
    parts = _PART.findall(form)
    for part in parts:
        if part.startswith("%") and part not in _DIRECTIVES:
            raise ValueError(f"expected %Y, %m, %d, %H, %M, %S in a time form, got {part!r}")
    if not {"%Y", "%m", "%d"} <= set(parts):
        raise ValueError(f"expected iso, epoch, epoch_ms, mail or a form with %Y, %m and %d, got {form!r}")
    pattern = re.compile("".join(_DIRECTIVES.get(part) or re.escape(part) for part in parts))
    order = [name for name in "YmdHMS" if name in pattern.groupindex]

    def read(cell: Any) -> Millis:
        found = pattern.fullmatch(cell.strip()) if isinstance(cell, str) else None
        if found is None:
            raise _bad(cell, f"a time in the form {form}")
        try:
            value = _millis(datetime(*map(int, found.group(*order)), tzinfo=zone))  # type: ignore[misc, arg-type]
        except (ValueError, OverflowError):
            raise _bad(cell, f"a time in the form {form}") from None
        return _within(value, cell)

    return read


def _within(value: Millis, cell: Any) -> Millis:
    if not 0 <= value <= LATEST:
        raise _bad(cell, "a time from 1970 to 9999")
    return value


def _bad(cell: Any, expected: str) -> BadValue:
    return BadValue("bad-time", f"expected {expected}, got {shown(str(cell)[:100])}")
