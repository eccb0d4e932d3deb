"""How a feed's documents are fetched, as its file says: one entry for each module of collectors/."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from config.entry import Entry, Fetchable, Span, fetchable
from config.instant import DAY, HOUR


class HttpTransport(Entry):
    """Fetch one document over HTTP(S), conditionally."""

    kind: Literal["http"]
    #: may hold ``{key}``, replaced when fetching by the value of ``Feed.key``; never logged with the key in it. With
    #: ``{yyyy}`` and ``{mm}`` it is one document a month
    url: Fetchable
    #: of a URL with ``{mm}``: how many months are fetched, the current one included
    months: int = Field(default=6, ge=1, le=120)
    headers: dict[str, str] = Field(default_factory=dict)
    #: sent as a form by POST, for an API that wants its questions so; empty: the document is asked for by GET
    form: dict[str, str] = Field(default_factory=dict)
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
    api_root: Fetchable
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
    git: str = Field(default="https://github.com", pattern=r"^https?://")
    max_files: int = Field(default=1_000, ge=1, le=20_000)
    #: largest file
    max_bytes: int = Field(default=64 * 1024 * 1024, gt=0)
    timeout: Span = 120_000
    retries: int = Field(default=3, ge=0, le=10)


class MispTransport(Entry):
    """Fetch what changed in a MISP feed: its manifest, and the events that the manifest says have changed."""

    kind: Literal["misp"]
    #: URL of the folder that holds manifest.json; may hold ``{key}``
    url: Fetchable
    headers: dict[str, str] = Field(default_factory=dict)
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
    url: Fetchable
    #: may hold ``{key}``
    headers: dict[str, str] = Field(default_factory=dict)
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


Pattern = Annotated[str, AfterValidator(_one_group)]


class Details(Entry):
    """What an API is asked about each record that its pages name, once for each version of it."""

    #: parameters of such a request
    query: dict[str, str] = Field(min_length=1)
    #: the parameter that bears the ids
    ids: str = Field(min_length=1)
    #: what stands between two ids in the URL
    between: Literal["+", ","] = "+"
    #: ids of one request
    size: int = Field(default=1, ge=1, le=1_000)
    #: ids that one run asks about; those that are left wait for the next
    most: int = Field(default=500, ge=1, le=100_000)
    #: finds the id of each record in a page, in its first group
    record: Pattern
    #: finds, after an id, what is another when the record changed
    version: Pattern
    #: finds in a page what is wrong, where it is an error
    problem: Pattern | None = None


class PagedTransport(Entry):
    """Ask an API page by page, all of it or what changed since the last run."""

    kind: Literal["paged"]
    #: without a query
    url: Annotated[str, Field(pattern=r"^https?://[^?#{}]+$"), AfterValidator(fetchable)]
    #: parameters of every request
    query: dict[str, str] = Field(default_factory=dict)
    #: may hold ``{key}``
    headers: dict[str, str] = Field(default_factory=dict)
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
    total: Pattern
    #: finds the number of records in this answer; by default every page but the last has ``size``
    returned: Pattern | None = None
    window: Window | None = None
    #: pages are no documents then; they name the records to ask about
    details: Details | None = None
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
