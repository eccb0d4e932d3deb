"""API roots and their collections: what each holds, whom it is for, and who writes to it. Reference:
docs/settings.md."""

from __future__ import annotations

import uuid
from typing import Literal

from pydantic import Field, model_validator

from config import audience as audiences
from config.entry import Entry, Span
from config.instant import DAY
from config.known_good import Override
from config.observables import ObservableType, Passable

#: First parts of paths that are not API roots'.
RESERVED_PATHS = frozenset({"taxii2", "healthz", "metrics", "export"})
#: Stands in ``read:`` for everybody, with or without a name.
ANYONE = "anyone"


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


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
