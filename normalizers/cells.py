"""The cells of rows as claims, by what a feed's file says of its columns: what CSV, JSON and text formats share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from collectors.document import Document
from config.instant import Millis
from normalizers.bad_value import BadValue, shown
from normalizers.claims import Claim, Reference
from normalizers.fields import Fields, FromColumn, Steps
from normalizers.labels import label_of, labels_in
from normalizers.names import Said
from normalizers.references import reference
from normalizers.sources import Source
from normalizers.times import ZONES, TimeReader, file_month, time_reader
from normalizers.values import ALGORITHMS, algorithm, canonical, split_port

#: Different words of rows that are remembered of one document, and their characters together.
_REMEMBERED, _LONGEST_REMEMBERED = 5_000, 300
_FILES = frozenset(("file", "hash"))
_TRUE = frozenset(("true", "1", "yes"))


class Alike(NamedTuple):
    """What the words of a row say beside its value, dates and references."""

    #: 0 to 100, as the row states it
    confidence: float | None
    said: Said
    threat: str | None


class Rows:
    """Turns the cells of one document's rows into claims."""

    def __init__(self, fields: Fields, source: Source, document: Document) -> None:
        self._fields = fields
        self._source = source
        at = {name: place for place, name in enumerate(fields.columns())}
        zone = ZONES[fields.zone] if fields.zone else None
        self._time: TimeReader = time_reader(fields.time, zone)
        self._blank = file_month(document.name, zone) if fields.blank_time == "file-month" else None
        self._absent = frozenset(fields.absent)
        self._kind = fields.type if isinstance(fields.type, str) else ""
        self._type_at = at[fields.type.column] if isinstance(fields.type, FromColumn) else 0
        told_kinds = fields.type.map if isinstance(fields.type, FromColumn) else {}
        self._kinds = {word: kind for word, kind in told_kinds.items() if word.strip() and word not in self._absent}
        self._first = at[fields.first_seen] if fields.first_seen else None
        self._last = at[fields.last_seen] if fields.last_seen else None
        self._changed = at[fields.changed] if fields.changed else None
        told = fields.confidence
        self._confidence = (at[told.column] if isinstance(told, Steps) else at[told]) if told else None
        self._steps = sorted(told.steps.items()) if isinstance(told, Steps) else []
        self._prefix = at[fields.prefix] if fields.prefix else None
        self._port = at[fields.port] if fields.port else None
        self._threat_at = at[fields.threat.column] if fields.threat else 0
        self._malware = [at[name] for name in fields.malware]
        self._brands = [at[fields.brand]] if fields.brand else []
        self._labels = [at[name] for name in fields.labels]
        self._flags = [(at[name], label) for name, label in fields.flags.items()]
        self._hashes = [(name, at[column]) for name, column in fields.hashes.items()]
        self._links = [
            (item.name, at[item.url] if item.url else None, at[item.id] if item.id else None)
            for item in fields.references
        ]
        single = [
            place for place in (self._confidence, self._threat_at if fields.threat else None) if place is not None
        ]
        self._words_at = [*single, *self._malware, *self._brands, *self._labels, *(at[name] for name in fields.flags)]
        self._known: dict[tuple[Any, ...], Alike] = {}

    def claim(self, cells: Sequence[Any]) -> Claim:
        """The claim of one row, whose cells are in the order of :meth:`Fields.columns`. Raises :class:`BadValue`."""
        kind, value, port, hashes = self._observable(cells)
        confidence, said, threat = self._alike(cells)
        return self._source.claim(
            kind,
            value,
            first_seen=self._moment(cells, self._first),
            last_seen=self._moment(cells, self._last),
            changed=self._moment(cells, self._changed) if self._changed is not None else None,
            confidence=confidence,
            said=said,
            references=self._references(cells) if self._links else (),
            detail=self._detail(cells, threat, port, hashes),
            keep_personal=self._fields.personal == "keep",
        )

    def _alike(self, cells: Sequence[Any]) -> Alike:
        """What many rows of a document say in the same words, so that it is understood once."""
        place = tuple([cells[at] for at in self._words_at])
        for cell in place:
            if cell.__class__ is not str:  # of JSON, where True and 1 are equal and not the same
                return self._understood(cells)
        alike = self._known.get(place)
        if alike is None:
            alike = self._understood(cells)
            if len(self._known) < _REMEMBERED and sum(map(len, place)) < _LONGEST_REMEMBERED:
                self._known[place] = alike
        return alike

    def _understood(self, cells: Sequence[Any]) -> Alike:
        said = self._source.understood(
            self._words(cells, self._labels, self._fields.separator) | self._flagged(cells),
            self._words(cells, self._malware, "") if self._malware else (),
            self._words(cells, self._brands, "") if self._brands else (),
        )
        return Alike(self._stated(cells), said, self._threat(cells) if self._fields.threat else None)

    def _observable(self, cells: Sequence[Any]) -> tuple[str, str, int | None, dict[str, str] | None]:
        """Type, value, port and, of a file, its weaker hashes by name."""
        text = self._text(cells[0])
        if text is None and not self._hashes:
            raise BadValue("no-value", f"expected a value in {self._fields.value}, got none")
        kind = self._kind or self._mapped_kind(cells[self._type_at])
        if text is None:
            digest, weaker = self._strongest(cells, kind, "")
            return "file", digest, None, weaker
        port = None
        if kind == "ip:port":
            text, port = split_port(text)
            kind = "ip"
        if self._prefix is not None:
            text = f"{text}/{self._text(cells[self._prefix])}"
        kind, value = canonical(kind, text)
        if self._hashes and kind == "file":
            digest, weaker = self._strongest(cells, kind, value)
            return kind, digest, None, weaker
        return kind, value, port, None

    def _strongest(self, cells: Sequence[Any], kind: str, value: str) -> tuple[str, dict[str, str]]:
        """The strongest of all the hashes that a row gives, and the other hashes by name."""
        found = {algorithm(value): value} if value else {}
        for name, at in self._hashes if kind in _FILES else ():
            text = self._text(cells[at])
            if text is None:
                continue
            _, digest = canonical("file", text)
            if algorithm(digest) != name:
                raise BadValue("bad-hash", f"expected {ALGORITHMS[name]} digits for {name}, got {shown(text)}")
            if found.setdefault(name, digest) != digest:
                raise BadValue("two-hashes", f"expected one {name} of a file, got two in one row")
        if not found:
            raise BadValue("no-value", f"expected a value in {self._fields.value}, got none")
        strongest = next(name for name in ALGORITHMS if name in found)
        return found.pop(strongest), found

    def _mapped_kind(self, cell: Any) -> str:
        if isinstance(cell, str) and (known := self._kinds.get(cell)) is not None:
            return known
        told = self._fields.type
        word = self._text(cell) or ""
        kind = told.map.get(word, told.otherwise) if isinstance(told, FromColumn) else None
        if kind is None:
            raise BadValue("unknown-type", f"expected a type that the feed's file maps, got {shown(word)}")
        return kind

    def _text(self, cell: Any) -> str | None:
        if isinstance(cell, str):
            return None if cell in self._absent or not cell.strip() else cell
        if cell is None:
            return None
        if isinstance(cell, int) and not isinstance(cell, bool):
            return str(cell)
        raise BadValue("bad-type", f"expected text, got {type(cell).__name__}")

    def _moment(self, cells: Sequence[Any], at: int | None) -> Millis | None:
        if at is None:
            return None
        cell = cells[at]
        if cell is None or (isinstance(cell, str) and (cell in self._absent or cell.isspace())):
            return self._blank
        return self._time(cell)

    def _stated(self, cells: Sequence[Any]) -> float | None:
        if self._confidence is None:
            return None
        text = self._text(cells[self._confidence])
        if text is None:
            return None
        try:
            number = float(text)
        except ValueError:
            raise BadValue("bad-confidence", f"expected a number for the confidence, got {shown(text)}") from None
        if not self._steps:
            return number
        reached = [confidence for least, confidence in self._steps if least <= number]
        return reached[-1] if reached else None

    def _words(self, cells: Sequence[Any], places: list[int], separator: str) -> set[str]:
        words: set[str] = set()
        for at in places:
            cell = cells[at]
            for text in cell if isinstance(cell, list) else (cell,):
                if isinstance(text, str) and text not in self._absent:
                    words.update(labels_in(text, separator) if separator else (label_of(text),))
        words.discard("")
        return words

    def _flagged(self, cells: Sequence[Any]) -> set[str]:
        return {label for at, label in self._flags if str(cells[at]).strip().lower() in _TRUE}

    def _references(self, cells: Sequence[Any]) -> list[Reference | None]:
        found = []
        for name, url_at, id_at in self._links:
            url_cell = cells[url_at] if url_at is not None else None
            id_cell = cells[id_at] if id_at is not None else None
            url = url_cell if isinstance(url_cell, str) else ""
            number = str(id_cell) if id_cell is not None and id_cell not in self._absent else ""
            found.append(reference(name, url, number))
        return found

    def _detail(self, cells: Sequence[Any], threat: str | None, port: int | None, hashes: dict[str, str] | None) -> str:
        if self._port is not None and port is None:
            port = self._port_of(cells[self._port])
        return self._source.detail(threat, port, hashes)

    def _threat(self, cells: Sequence[Any]) -> str | None:
        told = self._fields.threat
        word = self._text(cells[self._threat_at])
        return told.map.get(word or "", told.otherwise) if told else None

    def _port_of(self, cell: Any) -> int | None:
        text = self._text(cell)
        if text is None:
            return None
        if not text.isascii() or not text.isdigit() or not 0 < int(text[:6]) < 65_536:
            raise BadValue("bad-port", f"expected a port from 1 to 65535, got {shown(text)}")
        return int(text)
