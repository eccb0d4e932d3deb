"""One collection's log in memory."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator
from heapq import merge

from config.instant import Micros
from taxii_server.stores.base import LAST, Entry, ObjectKey, Selection, version_key
from taxii_server.stores.choosing import Held, chosen

#: (scope, type, 16 bytes of the UUID)
ObjectId = tuple[str, str, bytes]


class Log:
    """Entries in order of their date, and for each object its versions in order of theirs."""

    def __init__(self) -> None:
        #: the largest date ever given
        self.last: Micros = 0
        self.entries: dict[Micros, Entry] = {}
        self.versions: dict[ObjectId, list[Held]] = {}
        #: of a superseded entry: when it was replaced
        self.replaced: dict[Micros, Micros] = {}
        self._owners: dict[Micros, ObjectId] = {}
        self._scopes: defaultdict[ObjectKey, set[str]] = defaultdict(set)
        self._all: list[Micros] = []
        self._latest: defaultdict[str, list[Micros]] = defaultdict(list)

    def __len__(self) -> int:
        """Number of latest entries."""
        return len(self.versions)

    def holds(self, item: ObjectId, version: str) -> bool:
        """Whether that version of the object has an entry."""
        key = version_key(version)
        return any(key == known for known, _ in self.versions.get(item, ()))

    def owner(self, date: Micros) -> ObjectId:
        """The object that the entry of that date is a version of."""
        return self._owners[date]

    def place(self, item: ObjectId) -> Micros | None:
        """The date of the object's latest entry."""
        held = self.versions.get(item)
        return held[-1][1] if held else None

    def add(self, item: ObjectId, version: str, body: bytes, not_before: Micros) -> None:
        """Append a version, superseding the latest or superseded by it."""
        scope, kind, uuid = item
        date = self.last = max(self.last + 1, not_before)
        self.entries[date] = Entry(date, kind, uuid, version, body)
        self._owners[date] = item
        self._scopes[kind, uuid].add(scope)
        self._all.append(date)
        before = self.place(item)
        insort(self.versions.setdefault(item, []), (version_key(version), date))
        self._settle(item, before)
        for _, old in self.versions[item][:-1]:
            self.replaced.setdefault(old, date)

    def remove(self, date: Micros) -> None:
        """Take one entry out; the next latest version of its object becomes the latest."""
        item = self._owners.pop(date)
        before = self.place(item)
        entry = self.entries.pop(date)
        held = self.versions[item]
        held.remove((version_key(entry.version), date))
        del self._all[bisect_left(self._all, date)]
        self.replaced.pop(date, None)
        if not held:
            del self.versions[item]
            self._scopes[item[1], item[2]].discard(item[0])
        self._settle(item, before)

    def add_again(self, item: ObjectId, now: Micros) -> None:
        """Give the object's latest entry, if any, a date of its own as of ``now``."""
        place = self.place(item)
        if place is not None:
            entry = self.entries[place]
            self.remove(place)
            self.add(item, entry.version, entry.body, now)

    def _settle(self, item: ObjectId, before: Micros | None) -> None:
        """Keep the list of latest entries, after the object's latest was at ``before``."""
        place, latest = self.place(item), self._latest[item[1]]
        if place == before:
            return
        if before is not None:
            del latest[bisect_left(latest, before)]
        if place is not None:
            insort(latest, place)
            self.replaced.pop(place, None)

    def matching(self, selection: Selection) -> Iterator[Entry]:
        """What is selected, beyond ``selection.after`` and without its limit."""
        if selection.ids is not None:
            dates: Iterable[Micros] = sorted(self._of_ids(selection))
        elif selection.versions == LAST:
            kinds = selection.types if selection.types is not None else self._latest.keys()
            dates = merge(*(_beyond(self._latest[kind], selection.after) for kind in kinds if kind in self._latest))
        else:
            dates = (date for date in _beyond(self._all, selection.after) if self._wanted(date, selection))
        return (self.entries[date] for date in dates)

    def _of_ids(self, selection: Selection) -> Iterator[Micros]:
        for kind, uuid in selection.ids or ():
            if selection.types is None or kind in selection.types:
                for scope in self._scopes.get((kind, uuid), ()):
                    dates = chosen(self.versions[scope, kind, uuid], selection.versions)
                    yield from (date for date in dates if date > selection.after)

    def _wanted(self, date: Micros, selection: Selection) -> bool:
        item = self._owners[date]
        if selection.types is not None and item[1] not in selection.types:
            return False
        return selection.versions.all or date in chosen(self.versions[item], selection.versions)


def _beyond(dates: list[Micros], after: Micros) -> Iterator[Micros]:
    return (dates[place] for place in range(bisect_right(dates, after), len(dates)))
