"""Instants as integers, and their text forms.

Inside the hub an instant is a whole number of milliseconds (``Millis``) or microseconds (``Micros``) since
1970-01-01T00:00:00Z: exact, cheap to compare, and never without a zone. Text appears at the edges alone.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache

Millis = int
Micros = int

#: Gives the present as microseconds since the epoch. Logic takes one as an argument and never reads the time itself.
Clock = Callable[[], Micros]

SECOND: Millis = 1_000
MINUTE: Millis = 60 * SECOND
HOUR: Millis = 60 * MINUTE
DAY: Millis = 24 * HOUR

#: Japan has had no summer time since 1951, so a fixed offset is exact for every date a feed carries.
JST = timezone(timedelta(hours=9), "JST")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: 9999-12-31T23:59:59.999Z, the last instant that STIX text can hold.
LATEST: Millis = 253_402_300_799_999
_ISO = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,18}))?)?\s*(Z|z|UTC|[+-]\d{2}:?\d{2})?)?"
)


def system_clock() -> Micros:
    """The machine's clock, for the edges that hand a clock to the rest."""
    return time.time_ns() // 1_000


def from_datetime(moment: datetime) -> Millis:
    """Milliseconds of an aware datetime, rounded down. Raises ValueError on a naive one."""
    if moment.tzinfo is None:
        raise ValueError(f"expected a time with a zone, got {moment.isoformat()}")
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def to_datetime(moment: Millis) -> datetime:
    """The aware UTC datetime of an instant in milliseconds."""
    return _EPOCH + timedelta(milliseconds=moment)


# To format these numbers took longer than all else in an instant.
_SECONDS = tuple(f"{second:02d}." for second in range(60))
_FRACTIONS = tuple(f"{millis:03d}Z" for millis in range(1_000))


def stix_time(moment: Millis) -> str:
    """``2026-01-02T03:04:05.678Z``: exactly three digits, as the published profile asks."""
    millis = moment % 60_000
    return f"{_minute_text(moment // 60_000)}{_SECONDS[millis // 1_000]}{_FRACTIONS[millis % 1_000]}"


def taxii_time(moment: Micros) -> str:
    """``2026-01-02T03:04:05.678901Z``: exactly six digits (TAXII 2.1 section 2)."""
    micros = moment % 60_000_000
    return f"{_minute_text(moment // 60_000_000)}{micros // 1_000_000:02d}.{micros % 1_000_000:06d}Z"


# A hub writes several times into every object, and most of them lie within a few days.
@lru_cache(maxsize=16_384)
def _minute_text(minutes: int) -> str:
    year, month, day, hour, minute, *_ = time.gmtime(minutes * 60)
    return f"{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:"


def parse_micros(text: str, *, zone: tzinfo | None = None) -> Micros:
    """Read an ISO 8601 / RFC 3339 instant, as feeds and clients really write it.

    Seconds and the whole time may be missing; the separator may be a blank; ``UTC`` may stand for ``Z``; digits beyond
    the microsecond are dropped. Text without an offset is taken in ``zone``. Raises ValueError where there is none, or
    the text is no such instant.
    """
    found = _ISO.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"expected a time such as 2026-01-02T03:04:05Z, got {text[:40]!r}")
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    tz = zone if offset is None else _offset(offset)
    if tz is None:
        raise ValueError(f"expected a time with a zone, got {text[:40]!r}")
    whole = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=tz)
    micros = int(((fraction or "") + "000000")[:6])
    value = (whole - _EPOCH) // timedelta(microseconds=1) + micros
    if not 0 <= value <= LATEST * 1_000:
        raise ValueError(f"expected a time from 1970 to 9999, got {text[:40]!r}")
    return value


def parse_millis(text: str, *, zone: tzinfo | None = None) -> Millis:
    """As :func:`parse_micros`, rounded down to the millisecond."""
    return parse_micros(text, zone=zone) // 1_000


def time_key(text: str) -> str:
    """A text that orders STIX timestamps as instants, whatever number of fraction digits they have."""
    seconds, _, fraction = text.rstrip("Zz").partition(".")
    fraction = fraction.rstrip("0")
    return f"{seconds}.{fraction}" if fraction else seconds


def _offset(text: str) -> timezone:
    if text in ("Z", "z", "UTC"):
        return UTC
    sign = -1 if text[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(text[1:3]), minutes=int(text[-2:])))


_SPAN = re.compile(r"(\d+)\s*(ms|s|m|h|d)")
_LONGEST: Millis = 36_500 * DAY
_UNITS = {"ms": 1, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}


def parse_span(text: str) -> Millis:
    """A length of time such as ``90d``, ``12h`` or ``30s`` in milliseconds, a century at most. Raises ValueError."""
    found = _SPAN.fullmatch(text.strip())
    length = int(found[1][:20]) * _UNITS[found[2]] if found else 0
    if length == 0:
        raise ValueError(f"expected a length of time such as 15m, 12h or 90d, got {text[:40]!r}")
    if length > _LONGEST:
        raise ValueError(f"expected a length of time of at most {_LONGEST // DAY}d, got {text[:40]!r}")
    return length
