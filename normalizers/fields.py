"""Which columns of a row mean what: the part of a feed file that CSV, JSON and text formats share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from config.entry import Entry
from config.observables import TYPES
from normalizers.times import time_reader
from normalizers.values import ALGORITHMS

#: What a feed file may call the type of a value: those the hub has, and forms of them.
KINDS = frozenset((*TYPES, "ip", "hash", "any", "ip:port"))


class FromColumn(Entry):
    """A word that a column holds, as one of ours."""

    column: str
    map: dict[str, str]
    #: where the column holds another word; without it such a row is refused (type) or says nothing (threat)
    otherwise: str | None = None


class Steps(Entry):
    """A confidence by a number that a column holds, such as how many lists name a value."""

    column: str
    #: from this number on -> confidence, 0 to 100. Below the least, a row says nothing of its confidence
    steps: dict[int, int]

    @model_validator(mode="after")
    def _sound(self) -> Steps:
        if not self.steps or not all(0 <= confidence <= 100 for confidence in self.steps.values()):
            raise ValueError("steps: expected numbers, each with a confidence from 0 to 100")
        return self


class ReferenceField(Entry):
    """An external reference that a row gives."""

    name: str
    #: column of its URL
    url: str | None = None
    #: column of its id
    id: str | None = None

    @model_validator(mode="after")
    def _sound(self) -> ReferenceField:
        if self.url is None and self.id is None:
            raise ValueError("a reference needs the column of its url or id")
        return self


class Fields(Entry):
    """Columns by what they hold. Every one is optional but ``value``."""

    value: str
    #: a type that all values have, or the column that tells
    type: str | FromColumn
    port: str | None = None
    #: of networks whose value is their first address alone: column of the prefix length
    prefix: str | None = None
    first_seen: str | None = None
    last_seen: str | None = None
    #: when the row was last changed
    changed: str | None = None
    #: iso, epoch, epoch_ms, mail, or a form such as %Y/%m/%d %H:%M:%S
    time: str = "iso"
    #: of times without an offset
    zone: Literal["UTC", "JST", "Europe/Warsaw"] | None = None
    #: what a blank date means: nothing, or the first of the month that the file's name holds
    blank_time: Literal["absent", "file-month"] = "absent"
    #: column of a number from 0 to 100, or the steps that make one
    confidence: str | Steps | None = None
    malware: tuple[str, ...] = ()
    #: the brand that is imitated; its words become a label as well
    brand: str | None = None
    labels: tuple[str, ...] = ()
    #: between the labels in one cell, a blank too; "" where the whole cell is one label
    separator: Annotated[str, StringConstraints(strip_whitespace=False)] = ","
    #: column -> label that a row has where it holds true or 1
    flags: dict[str, str] = Field(default_factory=dict)
    references: tuple[ReferenceField, ...] = ()
    threat: FromColumn | None = None
    #: other hashes of a file, by STIX name. The strongest of them and the value is what the claim is about
    hashes: dict[str, str] = Field(default_factory=dict)
    #: columns that may be missing, because they were added later or left out elsewhere
    optional: tuple[str, ...] = ()
    #: words that mean that there is nothing
    absent: tuple[str, ...] = ("", "None", "null", "n/a", "N/A")
    #: what to do with URLs that hold an address of whoever was visited: ``refuse`` them, or ``keep`` them
    personal: Literal["refuse", "keep"] = "refuse"

    @model_validator(mode="after")
    def _sound(self) -> Fields:
        kinds = self.type.map.values() if isinstance(self.type, FromColumn) else (self.type,)
        for kind in kinds:
            if kind not in KINDS:
                raise ValueError(f"type: expected one of {', '.join(sorted(KINDS))}, got {kind!r}")
        for name in self.hashes:
            if name not in ALGORITHMS:
                raise ValueError(f"hashes: expected {', '.join(ALGORITHMS)}, got {name!r}")
        time_reader(self.time, None)
        return self

    def columns(self) -> list[str]:
        """The columns that are read, each once, in the order that :class:`.cells.Rows` takes their cells in."""
        mapped = [
            item.column for item in (self.type, self.threat, self.confidence) if isinstance(item, FromColumn | Steps)
        ]
        links = [column for item in self.references for column in (item.url, item.id) if column]
        stated = self.confidence if isinstance(self.confidence, str) else None
        single = [self.port, self.prefix, self.first_seen, self.last_seen, self.changed, stated, self.brand]
        named = [column for column in single if column]
        several = [*self.malware, *self.labels, *self.flags, *links, *self.hashes.values()]
        return list(dict.fromkeys([self.value, *mapped, *named, *several]))
