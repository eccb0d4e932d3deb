"""A feed: one configured source, as its YAML file says. Format reference: docs/adding-a-feed.md."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from config.audience import Audience, Share, audience_of, under_terms
from config.entry import Entry, Span, WebAddress
from config.instant import DAY, HOUR, MINUTE, Millis
from config.observables import LIFE
from config.transports import (
    FileTransport,
    HttpTransport,
    LinkedTransport,
    MispTransport,
    PagedTransport,
    TaxiiTransport,
    Transport,
)


class Publisher(Entry):
    """Who publishes a feed; becomes an identity object where an object names it."""

    name: str = Field(min_length=1)
    #: the Japanese name, when it has one
    name_ja: str | None = None
    #: ISO 3166-1 alpha-2
    country: str = Field(pattern=r"^[A-Z]{2}$")
    #: stands in external references
    homepage: WebAddress


class Expectation(Entry):
    """What is normal for a document; anything else costs the run and is shown."""

    min_rows: int = Field(default=1, ge=0)
    max_rows: int | None = None
    #: largest share of rows that may be refused, 0 to 1
    refused: float = Field(default=0.5, ge=0, le=1)
    #: a full list may lose this share of its values in one run; more is held, not withdrawn
    shrink: float = Field(default=0.5, ge=0, le=1)
    #: a document of this many times the rows that the feed had before, or more, is held
    growth: float = Field(default=10, gt=1)
    #: so many rows are never too many, however few there were before: a feed that is young grows
    few: int = Field(default=500, ge=0)
    #: how long its publisher may bring nothing new; without it, far longer than it ever did is told
    quiet: Span | None = None


class Feed(Entry):
    """One source: where it is fetched, how it is read, how far it is trusted, its marking and terms."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{1,59}$")
    #: stands in external references
    title: str = Field(min_length=1, max_length=300)
    #: what it carries, in a sentence
    carries: str
    publisher: Publisher
    transport: Transport
    #: name of a format module in normalizers/formats, and its options
    format: dict[str, Any]
    #: TLP 2.0 label of what it says where a row bears none
    marking: Literal["TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT"]
    #: what the terms allow the hub to pass on
    share: Share
    #: the group that AMBER is for
    group: str | None = None
    #: a line that must be shown with what comes from here
    credit: str | None = Field(default=None, max_length=300)
    terms: str | None = None
    #: how far the source is trusted, 0 to 100; a claim's confidence is this share of what the row says
    reliability: int = Field(ge=0, le=100)
    #: confidence of a row that gives none, 0 to 100
    confidence: int = Field(default=75, ge=0, le=100)
    #: feeds that draw on one upstream name one family
    family: str = Field(default="", pattern="^[^@]*$")
    #: whether the source may be named to readers
    named: bool = True
    #: ``list``: absence means withdrawn; ``log``: absence means nothing
    kind: Literal["list", "log"]
    #: of a log: its rows come in batches, so what counts as the sighting is the batch's publication
    batch: bool = False
    #: of a log: its files come again corrected, so what a later edition of one says no more is taken back
    corrected: bool = False
    #: how often it is polled
    every: Span = HOUR
    #: its publisher's own limit: it is never asked sooner after the last time, whoever asks for it
    at_least: Span | None = None
    #: by observable type
    life: dict[str, Span] = Field(default_factory=dict)
    #: what a row means where it does not say: see THREATS in normalizers/stix.py
    threat: str | None = None
    labels: tuple[str, ...] = ()
    expect: Expectation = Expectation()
    #: name of an environment variable that holds the secret this feed needs
    key: str | None = Field(default=None, pattern=r"^[A-Z][A-Z0-9_]*$")
    enabled: bool = True

    @model_validator(mode="after")
    def _sound(self) -> Feed:
        if not self.format.get("kind"):
            raise ValueError("format needs a kind")
        if self.marking.startswith("TLP:AMBER") and not self.group:
            raise ValueError(f"{self.marking} needs the group it is for")
        if self.kind == "list" and self.by_pages:
            raise ValueError(f"kind: {self.transport.kind} fetches page by page, so it is a log, and no list")
        if self.corrected and (self.kind == "list" or self.by_pages or isinstance(self.transport, MispTransport)):
            raise ValueError(
                "corrected: is for logs of files; a list, a page or an event takes back by itself, or never"
            )
        if self.at_least is not None and self.every < self.at_least and not isinstance(self.transport, FileTransport):
            raise ValueError(f"every: its publisher allows one fetch in {self.at_least // MINUTE}m, and this is less")
        for kind, life in self.life.items():
            if kind not in LIFE:
                raise ValueError(f"life: expected one of {', '.join(LIFE)}, got {kind!r}")
            _, longest = LIFE[kind]
            if life > longest:
                raise ValueError(f"life of {kind}: at most {longest // DAY}d, got {life // DAY}d")
        return self

    @property
    def by_pages(self) -> bool:
        """Whether one document is a part of what there is."""
        return isinstance(self.transport, TaxiiTransport | LinkedTransport | PagedTransport)

    @property
    def origin_family(self) -> str:
        """The family, by default the feed itself."""
        return self.family or self.id

    @property
    def steady(self) -> bool:
        """Whether one fetch can be compared with the one before: a list is fetched whole, and so is a log of one
        document; of pages, folders and months only what is new comes."""
        transport = self.transport
        if self.kind == "list":
            return True
        if isinstance(transport, HttpTransport):
            return "{yyyy}" not in transport.url and "{mm}" not in transport.url
        return isinstance(transport, FileTransport) and transport.pattern is None

    @property
    def audience(self) -> Audience:
        """Who may see what a row without a marking of its own says."""
        return under_terms(audience_of(self.marking, self.group), self.share)

    def life_of(self, kind: str) -> Millis:
        """How long a sighting of this observable type stays valid, in milliseconds."""
        return self.life.get(kind) or LIFE[kind][0]
