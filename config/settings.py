"""The settings: one frozen object, read once, passed along. Reference: docs/settings.md."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from pathlib import Path

from pydantic import Field, model_validator

from config import audience as audiences
from config.entry import Entry, Span
from config.feeds import Feed
from config.instant import DAY, MINUTE
from config.known_good import KnownGood
from config.roots import ANYONE, ApiRoot, Collection


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


def _unique(what: str, values: Iterable[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise ValueError(f"{what} {value!r} is given twice")
        seen.add(value)
