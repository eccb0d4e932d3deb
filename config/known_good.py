"""Known-good lists, as the hub's file and the shipped ones say them. Reference: docs/known-good.md."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from config import audience as audiences
from config.entry import Entry
from config.observables import ObservableType

Action = Literal["drop", "hold", "lower", "label"]
#: What a view makes of a list that would do something else: ``off`` is nothing.
Override = Literal["drop", "hold", "lower", "label", "off"]
Match = Literal["string", "hostname", "cidr", "substring", "regex"]
On = ObservableType | Literal["site"]

_USUAL: dict[str, tuple[On, ...]] = {
    "string": ("domain", "email", "file", "certificate"),
    "hostname": ("domain",),
    "cidr": ("ipv4", "ipv6", "cidr"),
    "substring": ("domain",),
    "regex": ("domain",),
}


class Cap(Entry):
    """How much a list may hit before it is set aside in a view."""

    #: percent of what came to be published lately
    share: int = Field(default=30, ge=1, le=100)
    #: observables, where a number is meant
    hits: int | None = Field(default=None, ge=1)


class KnownGood(Entry):
    """A list of what is known to be good, and what it does to what feeds say about it."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{1,59}$")
    title: str = Field(min_length=1, max_length=300)
    #: why it is a list, and why it does what it does
    why: str = ""
    #: names of MISP warninglists, as pymispwarninglists has them
    warninglists: tuple[str, ...] = ()
    #: a text file, one value a line, ``#`` begins a comment; relative paths start at the file that names it
    file: str | None = None
    #: values written here
    values: tuple[str, ...] = ()
    #: values that it does not hold, whatever its sources say, with the names beneath them
    besides: tuple[str, ...] = ()
    #: how values match; by default as the warninglist says, and ``hostname`` for other sources
    match: Match | None = None
    #: how far a name speaks for the names beneath it
    reach: Literal["name", "owned", "all"] = "owned"
    #: observable types that it acts on; by default those that ``match`` is about
    types: tuple[On, ...] = ()
    #: who may know of it; it acts only in views that may see this
    audience: str = audiences.CLEAR
    action: Action
    #: highest confidence that ``lower`` leaves
    ceiling: int = Field(default=20, ge=0, le=100)
    cap: Cap = Cap()

    @model_validator(mode="after")
    def _sound(self) -> KnownGood:
        if audiences.check(self.audience) == audiences.INTERNAL:
            raise ValueError("audience: no view is internal, so an internal list would act nowhere")
        if not (self.warninglists or self.file or self.values):
            raise ValueError("expected warninglists, a file or values")
        if {"cve", "advisory"}.intersection(self.types):
            raise ValueError("types: vulnerabilities and advisories are not known to be good")
        return self

    def acts_on(self, matches: tuple[Match, ...]) -> frozenset[str]:
        """The observable types that it acts on, when these are the ways in which its values match."""
        return frozenset(self.types or (kind for match in matches for kind in _USUAL[match]))
