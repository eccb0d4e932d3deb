"""The settings: one frozen object, read once, passed along. Reference: docs/settings.md."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from config import audience as audiences
from config.entry import Entry, Span
from config.feeds import Feed
from config.instant import DAY, MINUTE
from config.known_good import KnownGood, Override
from config.observables import ObservableType, Passable

#: First parts of paths that are not API roots'.
RESERVED_PATHS = frozenset({"taxii2", "healthz", "metrics", "export"})
#: Stands in ``read:`` for everybody, with or without a name.
ANYONE = "anyone"


class Hub(Entry):
    """Who runs the hub; becomes the identity object that its own objects name as creator."""

    #: short name, part of ids that must differ between hubs
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,60}$")
    title: str
    #: UUID namespace of the hub's own STIX ids; never change it once subscribers poll
    namespace: uuid.UUID
    description: str | None = None
    contact: str | None = None


class Group(Entry):
    """Some of the hub's users."""

    title: str
    #: the narrowest audience that its members belong to
    clearance: str
    #: whether what members post is released without review
    trusted: bool = False
    #: whether members operate the hub (metrics)
    operator: bool = False

    @model_validator(mode="after")
    def _sound(self) -> Group:
        audiences.check(self.clearance)
        return self


class ViewEntry(Entry):
    """What decides the content of a merged collection's objects. Another view, other ids."""

    #: the narrowest claims its readers may see
    audience: str
    #: ``own``: observables with a claim for exactly this audience; ``combined``: all that its readers may see
    scope: Literal["own", "combined"] = "combined"
    tlp: Literal["tlp2", "tlp1", "opencti"] = "tlp2"
    #: what known-good lists do here, where that is not what they do elsewhere
    known_good: dict[str, Override] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _sound(self) -> ViewEntry:
        if audiences.check(self.audience) == audiences.INTERNAL:
            raise ValueError("what is internal is in no collection")
        return self

    @property
    def name(self) -> str:
        """The view's stable name, part of the ids of its objects."""
        own = ",".join(f"{name}={action}" for name, action in sorted(self.known_good.items()))
        return f"{self.audience}/{self.scope}/{self.tlp}" + (f"/{own}" if own else "")


class Narrowing(Entry):
    """Which of a view's objects a collection admits. It never changes an object."""

    #: STIX object types, those of objects that are passed on among them
    types: tuple[Literal["indicator", "vulnerability", "report", Passable], ...] = ()
    #: observable types, for indicators
    observables: tuple[ObservableType, ...] = ()
    #: feed ids that a contributing claim has to come from
    sources: tuple[str, ...] = ()
    #: least confidence, 0 to 100
    confidence: int = Field(default=0, ge=0, le=100)
    #: admits only what is live when it would enter
    active: bool = False


class Collection(Entry):
    """A TAXII collection (TAXII 2.1 section 5.2)."""

    id: uuid.UUID
    title: str = Field(min_length=1)
    alias: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9-]{0,60}$")
    description: str | None = None
    kind: Literal["merged", "shared", "submissions"]
    #: of a merged collection
    view: ViewEntry | None = None
    #: of a merged collection
    narrow: Narrowing = Narrowing()
    #: of a merged collection: whether each indicator comes with the object of its observable and with the relationship
    #: that it is based on it
    with_observables: bool = False
    #: of a shared collection: the narrowest audience an object in it may be for
    audience: str | None = None
    #: groups, or ``anyone``
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    #: entries leave this long after their indicator ended
    retention: Span = 90 * DAY

    @model_validator(mode="after")
    def _sound(self) -> Collection:
        if self.id.version != 4:
            raise ValueError(f"collection id: TAXII 2.1 section 2 asks for a version 4 UUID, got {self.id}")
        if (self.kind == "merged") != (self.view is not None):
            raise ValueError(f"{self.title}: a merged collection has a view, another kind has none")
        if (self.kind == "shared") != (self.audience is not None):
            raise ValueError(f"{self.title}: a shared collection names its audience, another kind does not")
        if self.audience is not None:
            audiences.check(self.audience)
        if self.with_observables and self.kind != "merged":
            raise ValueError(f"{self.title}: with_observables is for merged collections")
        if self.kind == "merged" and self.write:
            raise ValueError(f"{self.title}: nobody but the hub writes to a merged collection")
        if self.kind == "submissions" and self.read:
            raise ValueError(f"{self.title}: a submissions collection is read by nobody")
        if ANYONE in self.write:
            raise ValueError(f"{self.title}: posting needs a name, so {ANYONE} cannot write")
        if self.alias is not None and _is_uuid(self.alias):
            # It stands in paths where an id may stand, and would take the place of another collection.
            raise ValueError(f"{self.title}: alias: expected a name and no UUID, got {self.alias}")
        self._check_writers()
        return self

    def _check_writers(self) -> None:
        """Verdicts tell whoever posts to a shared collection which ids are there already, and that they are others'."""
        blind = sorted(set(self.write) - set(self.read))
        if self.kind == "shared" and blind and ANYONE not in self.read:
            raise ValueError(
                f"{self.title}: expected a shared collection to be read by all who write to it, and {blind[0]!r} does "
                "not read it; a submissions collection is for those who post without reading"
            )


class ApiRoot(Entry):
    """A TAXII API root (TAXII 2.1 section 4.2)."""

    #: its path, ``/PATH/``
    path: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")
    title: str
    description: str | None = None
    #: the group that AMBER posted here is for
    group: str | None = None
    #: largest request body, in bytes
    max_content_length: int = Field(default=10 * 1024 * 1024, gt=0)
    #: objects per page when the client names no limit
    default_page: int = Field(default=1_000, ge=1)
    #: objects per page at most
    max_page: int = Field(default=10_000, ge=1)
    collections: tuple[Collection, ...]

    @model_validator(mode="after")
    def _sound(self) -> ApiRoot:
        if self.path in RESERVED_PATHS:
            raise ValueError(f"{self.path!r} is the path of something else; choose another for the API root")
        return self


class Settings(Entry):
    """Everything the hub is told."""

    hub: Hub
    #: directory of the hub's own files; relative paths start at the configuration file
    data: Path = Path("data")
    #: store address: ``sqlite:FILE`` (relative to ``data``) or ``memory:``
    store: str = Field(default="sqlite:hub.db", pattern=r"^(sqlite:.+|memory:)$")
    groups: dict[str, Group]
    api_roots: tuple[ApiRoot, ...] = Field(min_length=1)
    #: path of the API root that discovery names as default
    default_root: str | None = None
    feeds: tuple[Feed, ...] = ()
    #: lists of what is known to be good
    known_good: tuple[KnownGood, ...] = ()
    #: in User-Agent, so that a publisher knows whom to ask
    collector_contact: str = "https://noroshi.example/about"
    #: superseded versions leave after this
    superseded_for: Span = 7 * DAY
    #: the originals of submissions leave after this
    submissions_for: Span = 90 * DAY
    #: rows of feeds dated further ahead than this count as of their fetch, and other claims wait
    tolerated_skew: Span = 5 * MINUTE
    #: how long a checked password is remembered in memory
    password_cache: Span = 5 * MINUTE

    @model_validator(mode="after")
    def _sound(self) -> Settings:
        _unique("feed id", (feed.id for feed in self.feeds))
        _unique("known-good list", (item.id for item in self.known_good))
        _unique("API root path", (root.path for root in self.api_roots))
        _unique("collection id", (str(item.id) for root in self.api_roots for item in root.collections))
        _unique("collection title", (item.title for root in self.api_roots for item in root.collections))
        if self.default_root is not None and self.default_root not in {root.path for root in self.api_roots}:
            raise ValueError(f"default_root: no API root has the path {self.default_root!r}")
        if ANYONE in self.groups:
            raise ValueError(f"groups: {ANYONE!r} stands for everybody and cannot be a group")
        for root in self.api_roots:
            _unique(f"alias in {root.path}", (item.alias for item in root.collections if item.alias))
            self._check_groups(root)
            for collection in root.collections:
                self._check_rights(collection)
                self._check_known_good(collection)
                self._check_narrowing(collection)
        for feed in self.feeds:
            if feed.group is not None and feed.group not in self._ambers():
                raise ValueError(f"feed {feed.id}: no group is called {feed.group!r}")
        for item in self.known_good:
            group = item.audience.partition(":")[2]
            if group and group not in self._ambers():
                raise ValueError(f"known-good list {item.id}: no group is called {group!r}")
        return self

    def _ambers(self) -> set[str]:
        """What AMBER may be for: the groups that clearances name, and groups by their own name."""
        return {group.clearance.partition(":")[2] for group in self.groups.values()} | self.groups.keys()

    def _check_groups(self, root: ApiRoot) -> None:
        if root.group is not None and root.group not in self._ambers():
            raise ValueError(f"{root.path}: no group is called {root.group!r}")
        if sum(item.kind == "submissions" for item in root.collections) > 1:
            raise ValueError(f"{root.path}: expected one submissions collection at most")

    def _check_narrowing(self, collection: Collection) -> None:
        known = {feed.id: feed for feed in self.feeds}
        for name in collection.narrow.sources:
            if name not in known:
                raise ValueError(f"{collection.title}: narrow.sources: no feed is called {name!r}")
            if not known[name].named:
                raise ValueError(
                    f"{collection.title}: narrow.sources: {name!r} may not be named, so it cannot be a source"
                )

    def _check_known_good(self, collection: Collection) -> None:
        """A view rules on the lists that its readers may see: on others it would have to know of them."""
        known = {item.id: item for item in self.known_good}
        for name in collection.view.known_good if collection.view else ():
            if name not in known:
                raise ValueError(f"{collection.title}: view.known_good: no known-good list is called {name!r}")
            if collection.view and not audiences.sees(collection.view.audience, known[name].audience):
                raise ValueError(
                    f"{collection.title}: view.known_good: {name!r} is for {known[name].audience}, and this view for "
                    f"{collection.view.audience}"
                )

    def _check_rights(self, collection: Collection) -> None:
        for name in (*collection.read, *collection.write):
            if name != ANYONE and name not in self.groups:
                raise ValueError(f"{collection.title}: no group is called {name!r}")
        held = collection.view.audience if collection.view else collection.audience
        for name in collection.read if held else ():
            clearance = audiences.CLEAR if name == ANYONE else self.groups[name].clearance
            if held and not audiences.sees(clearance, held):
                raise ValueError(f"{collection.title}: {name!r} may read {clearance}, and this holds {held}")

    def feed(self, feed_id: str) -> Feed:
        """The feed of that id. Raises KeyError."""
        for feed in self.feeds:
            if feed.id == feed_id:
                return feed
        raise KeyError(feed_id)


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def _unique(what: str, values: Iterable[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise ValueError(f"{what} {value!r} is given twice")
        seen.add(value)
