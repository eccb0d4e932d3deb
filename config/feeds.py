"""A feed: one configured source, as its YAML file says. Format reference: docs/adding-a-feed.md."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator

from config.audience import Audience, Share, audience_of, under_terms
from config.instant import DAY, HOUR, MINUTE, Millis, parse_span
from config.yamlfile import given


def _span(value: object) -> Millis:
    if not isinstance(value, str):
        meant = f"; did you mean {value}d?" if type(value) is int else ""
        raise ValueError(f"expected a length of time such as 15m, 12h or 90d, got {given(value)}{meant}")
    return parse_span(value)


_WEB_ADDRESS = re.compile(
    r"https?://[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::[0-9]{1,5})?"
    r"(?:[/?](?:[a-z0-9._~!$&'()*+,;=:@/?-]|%[0-9a-f]{2})*)?(?:#(?:[a-z0-9._~!$&'()*+,;=:@/?-]|%[0-9a-f]{2})*)?",
    re.IGNORECASE | re.ASCII,
)


def is_web_address(text: str) -> bool:
    """Whether it is an http(s) URI with a plain host name: no user in it, nothing that a page could take for markup."""
    return _WEB_ADDRESS.fullmatch(text) is not None


def _web_address(text: str) -> str:
    if not is_web_address(text):
        raise ValueError("expected a web address such as https://cert.example.jp/, in ASCII")
    return text


#: A length of time, written ``12h`` and held in milliseconds.
Span = Annotated[int, BeforeValidator(_span), PlainSerializer(lambda value: f"{value}ms", return_type=str)]


class Entry(BaseModel):
    """Base of everything read from YAML: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Publisher(Entry):
    """Who publishes a feed; becomes an identity object where an object names it."""

    name: str = Field(min_length=1)
    #: the Japanese name, when it has one
    name_ja: str | None = None
    #: ISO 3166-1 alpha-2
    country: str = Field(pattern=r"^[A-Z]{2}$")
    #: stands in external references
    homepage: Annotated[str, AfterValidator(_web_address)]


class HttpTransport(Entry):
    """Fetch one document over HTTP(S), conditionally."""

    kind: Literal["http"]
    #: may hold ``{key}``, replaced when fetching by the value of ``Feed.key``; never logged with the key in it. With
    #: ``{yyyy}`` and ``{mm}`` it is one document a month
    url: str = Field(pattern=r"^https?://")
    #: of a URL with ``{mm}``: how many months are fetched, the current one included
    months: int = Field(default=6, ge=1, le=120)
    headers: dict[str, str] = {}
    #: sent as a form by POST, for an API that wants its questions so; empty: the document is asked for by GET
    form: dict[str, str] = {}
    #: largest body taken, in bytes, after decompression
    max_bytes: int = Field(default=256 * 1024 * 1024, gt=0)
    #: the whole fetch ends after this, a slow trickle included
    timeout: Span = 120_000
    #: further tries after the first, on failures that may pass
    retries: int = Field(default=3, ge=0, le=10)


class FileTransport(Entry):
    """Read one file, or every file of a folder that matches ``pattern``, in order of name."""

    kind: Literal["file"]
    #: relative paths start at the hub's data directory
    path: str
    pattern: str | None = None
    max_bytes: int = Field(default=256 * 1024 * 1024, gt=0)


class TaxiiTransport(Entry):
    """Poll a collection of another TAXII server, going on from the last date added."""

    kind: Literal["taxii"]
    #: of TAXII
    version: Literal["2.0", "2.1"] = "2.1"
    #: URL of the API root
    api_root: str = Field(pattern=r"^https?://")
    #: id or title of the collection
    collection: str
    #: a user name; the password or token is ``Feed.key``
    user: str | None = None
    page: int = Field(default=1_000, ge=1, le=10_000)
    timeout: Span = 120_000
    retries: int = Field(default=3, ge=0, le=10)
    max_bytes: int = Field(default=64 * 1024 * 1024, gt=0)


class GithubTransport(Entry):
    """Read the files of a public GitHub repository that match, those that changed."""

    kind: Literal["github"]
    #: OWNER/NAME
    repository: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+$")
    #: a branch, a tag or a commit
    ref: str = Field(default="HEAD", pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")
    #: paths in it: ``*`` and ``?`` within a folder, ``**/`` any number of folders
    files: tuple[str, ...] = Field(min_length=1)
    #: what tells when a file was last changed: nothing, a date in its path, or the commit that changed it last
    dates: Literal["none", "path", "commit"] = "none"
    #: where GitHub, or one's own, answers
    api: str = Field(default="https://api.github.com", pattern=r"^https?://")
    raw: str = Field(default="https://raw.githubusercontent.com", pattern=r"^https?://")
    max_files: int = Field(default=1_000, ge=1, le=20_000)
    #: largest file
    max_bytes: int = Field(default=64 * 1024 * 1024, gt=0)
    timeout: Span = 120_000
    retries: int = Field(default=3, ge=0, le=10)


class MispTransport(Entry):
    """Fetch what changed in a MISP feed: its manifest, and the events that the manifest says have changed."""

    kind: Literal["misp"]
    #: URL of the folder that holds manifest.json; may hold ``{key}``
    url: str = Field(pattern=r"^https?://")
    headers: dict[str, str] = {}
    #: events that have not changed for longer are not fetched: what they say has mostly ended
    age: Span = 365 * DAY
    #: the largest manifest, and the largest event, in bytes
    max_bytes: int = Field(default=64 * 1024 * 1024, gt=0)
    #: one request ends after this
    timeout: Span = 120_000
    retries: int = Field(default=3, ge=0, le=10)


class LinkedTransport(Entry):
    """Ask a JSON API page by page, each of which names the next by its URL."""

    kind: Literal["linked"]
    #: of the first page
    url: str = Field(pattern=r"^https?://")
    #: may hold ``{key}``
    headers: dict[str, str] = {}
    #: the member of an answer that holds the URL of the next page
    next: str = "next"
    #: the parameter that asks for what changed since then, where there is one
    since: str | None = None
    #: how much of what was read is read again, for what was entered late
    overlap: Span = HOUR
    #: between two requests
    pause: Span = Field(default=1_000, ge=0, le=60_000)
    #: the largest page
    max_bytes: int = Field(default=64 * 1024 * 1024, gt=0)
    timeout: Span = 120_000
    retries: int = Field(default=3, ge=0, le=10)


def _one_group(value: str) -> str:
    try:
        groups = re.compile(value).groups
    except re.error as error:
        raise ValueError(f"expected a pattern with one group, got {value!r}: {error}") from None
    if groups != 1:
        raise ValueError(f"expected a pattern with one group, got {value!r}")
    return value


class Window(Entry):
    """Dates between which an API is asked what changed."""

    #: the parameters that bear them
    begin: str = Field(min_length=1)
    end: str = Field(min_length=1)
    #: how they are written, in UTC
    form: str = "%Y-%m-%dT%H:%M:%SZ"
    #: the longest that one request may cover
    longest: Span = 30 * DAY
    #: how far back the first run goes
    first: Span = 7 * DAY
    #: how much of what was read is read again, for what was entered late
    overlap: Span = HOUR

    @model_validator(mode="after")
    def _goes_on(self) -> Window:
        if self.overlap >= self.longest:
            raise ValueError("overlap: expected less than longest, or no run would come to an end")
        return self


class PagedTransport(Entry):
    """Ask an API page by page, all of it or what changed since the last run."""

    kind: Literal["paged"]
    #: without a query
    url: str = Field(pattern=r"^https?://[^?#{}]+$")
    #: parameters of every request
    query: dict[str, str] = {}
    #: may hold ``{key}``
    headers: dict[str, str] = {}
    #: whether it may be asked without the key too, more slowly perhaps
    keyless: bool = False
    #: the parameter that says where a page begins, and the number of the first record
    start: str = Field(min_length=1)
    first: int = Field(default=0, ge=0, le=1)
    #: the parameter that says how long a page is, where there is one
    count: str | None = None
    #: records of a page
    size: int = Field(ge=1, le=100_000)
    #: finds the number of all records in an answer, in its first group
    total: Annotated[str, AfterValidator(_one_group)]
    #: finds the number of records in this answer; by default every page but the last has ``size``
    returned: Annotated[str, AfterValidator(_one_group)] | None = None
    window: Window | None = None
    #: between two requests
    pause: Span = Field(default=1_000, ge=0, le=60_000)
    #: the largest page
    max_bytes: int = Field(default=64 * 1024 * 1024, gt=0)
    timeout: Span = 120_000
    retries: int = Field(default=3, ge=0, le=10)


Transport = Annotated[
    HttpTransport | FileTransport | TaxiiTransport | GithubTransport | MispTransport | LinkedTransport | PagedTransport,
    Field(discriminator="kind"),
]


class Expectation(Entry):
    """What is normal for a document; anything else costs the run and is shown."""

    min_rows: int = Field(default=1, ge=0)
    max_rows: int | None = None
    #: largest share of rows that may be refused, 0 to 1
    refused: float = Field(default=0.5, ge=0, le=1)
    #: a full list may lose this share of its values in one run; more is held, not withdrawn
    shrink: float = Field(default=0.5, ge=0, le=1)
    #: a document may have this many times the rows that the feed had before; more is held
    growth: float = Field(default=10, gt=1)
    #: how long its publisher may bring nothing new; without it, far longer than it ever did is told
    quiet: Span | None = None


ObservableType = Literal[
    "url", "domain", "ipv4", "ipv6", "cidr", "email", "file", "certificate", "asn", "cve", "advisory", "ja3", "wallet"
]
#: Observable types. ``file`` is its strongest hash, ``asn`` is written AS64500, ``advisory`` is its URL or stable id.
TYPES: tuple[ObservableType, ...] = get_args(ObservableType)
#: Types that are looked up and never published: what they name is shared by too many, or no subscriber can match it.
LOOK_UP = frozenset(("ja3", "wallet"))

#: How long a sighting stays valid, by observable type: by default, and at most what a feed may set. Network values end
#: after 47 days, where MISP's decay model for them (tau 120 d, delta 2) falls from a base of 80 to its threshold of 30.
#: URLs stay a week: its model for phishing lets them end after a day, in which half of the feeds are not even
#: published.
LIFE: dict[str, tuple[Millis, Millis]] = {
    "url": (7 * DAY, 180 * DAY),
    "domain": (47 * DAY, 365 * DAY),
    "ipv4": (47 * DAY, 180 * DAY),
    "ipv6": (47 * DAY, 180 * DAY),
    "cidr": (47 * DAY, 365 * DAY),
    "email": (47 * DAY, 365 * DAY),
    "file": (365 * DAY, 3650 * DAY),
    "certificate": (90 * DAY, 730 * DAY),
    "asn": (47 * DAY, 365 * DAY),
    # With the 90 days that entries stay after their end, they leave a year after the last sighting.
    "cve": (275 * DAY, 730 * DAY),
    "advisory": (275 * DAY, 730 * DAY),
    "ja3": (47 * DAY, 365 * DAY),
    "wallet": (365 * DAY, 3650 * DAY),
}


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
    family: str = ""
    #: whether the source may be named to readers
    named: bool = True
    #: ``list``: absence means withdrawn; ``log``: absence means nothing
    kind: Literal["list", "log"]
    #: of a log: its rows come in batches, so what counts as the sighting is the batch's publication
    batch: bool = False
    #: how often it is polled
    every: Span = HOUR
    #: its publisher's own limit: it is never asked sooner after the last time, whoever asks for it
    at_least: Span | None = None
    #: by observable type
    life: dict[str, Span] = {}
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
