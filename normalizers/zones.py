"""The zones that feeds write their times in, without the machine's own tables of zones: normalizers read no disk."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

from config.instant import JST

_HOUR = timedelta(hours=1)


class CentralEurope(tzinfo):
    """Central European Time: an hour before UTC, and two from the last Sunday of March to that of October, at 01:00 UTC
    (Directive 2000/84/EC; Poland since 1996)."""

    def utcoffset(self, moment: datetime | None) -> timedelta:
        """An hour that comes twice is the first one, unless the time is marked by ``fold``; one that is left out is as
        if summer had not begun."""
        return _HOUR + self.dst(moment)

    def dst(self, moment: datetime | None) -> timedelta:
        """An hour in summer."""
        if moment is None or not 3 <= moment.month <= 10:
            return timedelta(0)
        local = moment.replace(tzinfo=None, fold=0)
        begins = _last_sunday(moment.year, 3).replace(hour=2 if moment.fold else 3)
        ends = _last_sunday(moment.year, 10).replace(hour=2 if moment.fold else 3)
        return _HOUR if begins <= local < ends else timedelta(0)

    def tzname(self, moment: datetime | None) -> str:
        """CET or CEST."""
        return "CEST" if self.dst(moment) else "CET"


def _last_sunday(year: int, month: int) -> datetime:
    last = datetime(year, month, 31)  # noqa: DTZ001 - local, as its caller's
    return last - timedelta(days=(last.weekday() + 1) % 7)


#: As a feed's file names them.
ZONES: dict[str, tzinfo] = {"UTC": UTC, "JST": JST, "Europe/Warsaw": CentralEurope()}
