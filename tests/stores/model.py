"""What a store is, said as simply as it can be: lists that are searched from end to end."""

from __future__ import annotations

from dataclasses import dataclass, field

from taxii_server.stores.base import Entry, Outcome, Publication, Selection, Versions, version_key

DAY = 86_400_000


@dataclass
class Put:
    """An entry, and whose it is."""

    collection: str
    object: tuple[str, str, bytes]
    entry: Entry
    #: when a later version came to stand beside it, or it beside a later one
    replaced: int | None = None

    @property
    def key(self) -> str:
        return version_key(self.entry.version)


@dataclass
class Model:
    """Logs and objects."""

    puts: list[Put] = field(default_factory=list)
    #: the publication that is the latest version of each object ever
    latest: dict[tuple[str, str, bytes], Publication] = field(default_factory=dict)
    last: dict[str, int] = field(default_factory=dict)
    #: of objects with an owner: the highest version that has left
    departed: dict[tuple[str, str, bytes], str] = field(default_factory=dict)

    def of(self, collection: str, item: tuple[str, str, bytes]) -> list[Put]:
        found = [put for put in self.puts if put.collection == collection and put.object == item]
        return sorted(found, key=lambda put: put.key)

    def publish(self, new: Publication, now: int) -> Outcome:
        item = (new.scope, new.type, new.uuid)
        known = self.latest.get(item)
        stored = version_key(known.version) if known else None
        expected = version_key(new.expected) if new.expected is not None else None
        if stored != expected and (stored is None or stored != version_key(new.version)):
            return "conflict"
        key = version_key(new.version)
        lacking = any(key not in {put.key for put in self.of(name, item)} for name in new.collections)
        if stored is not None and lacking and key < stored and key <= self.departed.get(item, ""):
            return "departed"
        if stored is None or version_key(new.version) > stored:
            self.latest[item] = new
        outcome: Outcome = "unchanged"
        for name in new.collections:
            if any(put.key == version_key(new.version) for put in self.of(name, item)):
                continue
            date = self.date(name, max(now, new.not_before))
            self.puts.append(Put(name, item, Entry(date, new.type, new.uuid, new.version, new.body)))
            for put in self.of(name, item)[:-1]:
                put.replaced = put.replaced or date
            outcome = "published"
        return outcome

    def date(self, collection: str, now: int) -> int:
        date = self.last[collection] = max(self.last.get(collection, 0) + 1, now)
        return date

    def chosen(self, collection: str, item: tuple[str, str, bytes], versions: Versions) -> list[Put]:
        held = self.of(collection, item)
        return [
            put
            for place, put in enumerate(held)
            if versions.all
            or (versions.last and place == len(held) - 1)
            or (versions.first and place == 0)
            or put.key in versions.exact
        ]

    def page(self, collection: str, wanted: Selection) -> tuple[list[Entry], bool]:
        objects = {put.object for put in self.puts if put.collection == collection}
        entries = sorted(
            put.entry
            for item in objects
            for put in self.chosen(collection, item, wanted.versions)
            if put.entry.date_added > wanted.after
            and (wanted.types is None or item[1] in wanted.types)
            and (wanted.ids is None or item[1:] in wanted.ids)
        )
        return entries[: wanted.limit], len(entries) > wanted.limit

    def delete(self, collection: str, item: tuple[str, str, bytes], versions: Versions | None, now: int) -> int:
        gone = self.chosen(collection, item, versions or Versions(all=True))
        latest = [put for put in gone if put.replaced is None]
        self._remove(gone)
        for put in self.of(collection, item)[-1:] if latest else ():
            put.replaced, put.entry = None, put.entry._replace(date_added=self.date(collection, now))
        return len(gone)

    def _remove(self, gone: list[Put]) -> None:
        self.puts = [put for put in self.puts if not any(put is other for other in gone)]
        for put in gone:
            if self.latest[put.object].owner:
                self.departed[put.object] = max(put.key, self.departed.get(put.object, ""))

    def retain(self, collection: str, ended_before: int, superseded_before: int, limit: int) -> tuple[int, int]:
        ended = sorted(
            (self.latest[put.object].ends // DAY, put.entry.date_added, put.object)
            for put in self.puts
            if put.collection == collection and put.replaced is None and 0 < self.latest[put.object].ends < ended_before
        )[:limit]
        for _, _, item in ended:
            self._remove(self.of(collection, item))
        old = sorted(
            ((put.replaced, put.entry.date_added), put)
            for put in self.puts
            if put.collection == collection and put.replaced is not None and put.replaced < superseded_before
        )[:limit]
        self._remove([put for _, put in old])
        return len(ended), len(old)

    def places(self, item: tuple[str, str, bytes]) -> dict[str, int]:
        return {
            put.collection: put.entry.date_added for put in self.puts if put.object == item and put.replaced is None
        }

    def counts(self) -> dict[str, int]:
        return {
            name: len([put for put in self.puts if put.collection == name and put.replaced is None])
            for name in self.last
        }
