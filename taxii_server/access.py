"""Who may read or write what: the only place that decides.

Nothing is allowed unless the configuration grants it. What a caller may neither read nor write does not exist for it.

A refusal says what the door is to answer, so that no door weighs anything itself:

===================  ====  =========================================================================================
:class:`Hidden`      404   unknown, or not for this caller; both look the same
:class:`Forbidden`   403   the caller may see it, but not do this to it
:class:`LoginFirst`  401   nobody has logged in, and it could help: an API root of which nothing is for everybody (the
                           paths of API roots are no secret, what is below them is), or a write to what is not
                           visible, whether it exists or not
===================  ====  =========================================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from config.roots import ANYONE, ApiRoot, Collection
from config.settings import Settings


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking, as the credentials proved it."""

    #: "" for somebody who did not log in
    name: str
    organisation: str
    groups: frozenset[str]

    @property
    def owner(self) -> str:
        """Who owns what this caller posts: the organisation, else the user alone."""
        return f"organisation {self.organisation}" if self.organisation else f"user {self.name}"


ANONYMOUS = Caller(name="", organisation="", groups=frozenset())


class Rights(NamedTuple):
    """What a caller may do with a collection's objects."""

    read: bool
    write: bool


class Refused(Exception):
    """The caller may not have this."""


class Hidden(Refused):
    """There is nothing of that name here."""


class Forbidden(Refused):
    """Your rights do not include this."""


class LoginFirst(Refused):
    """This needs a user name and password, or an API token."""


_NOTHING = Rights(read=False, write=False)


class Access:
    """The rights that the settings grant."""

    def __init__(self, settings: Settings) -> None:
        self._roots = {root.path: root for root in settings.api_roots}
        self._sorted = {
            root.path: sorted(root.collections, key=lambda item: str(item.id)) for root in settings.api_roots
        }
        self._named: dict[tuple[str, str], Collection] = {}
        for root in settings.api_roots:
            for item in root.collections:
                self._named[root.path, str(item.id)] = item
                if item.alias:
                    self._named[root.path, item.alias] = item
        trusted = frozenset(name for name, group in settings.groups.items() if group.trusted)
        self._rules = {
            item.id.bytes: (ANYONE in item.read, frozenset(item.read), _writers(item, trusted))
            for root in settings.api_roots
            for item in root.collections
        }
        self._operators = frozenset(name for name, group in settings.groups.items() if group.operator)

    def roots(self, caller: Caller) -> list[ApiRoot]:
        """The API roots with anything in them for this caller, in the order of the settings."""
        return [root for root in self._roots.values() if self._visible(caller, root)]

    def root(self, caller: Caller, path: str) -> ApiRoot:
        """The API root of that path. Raises :class:`Hidden` or :class:`LoginFirst`."""
        root = self._roots.get(path)
        if root is None:
            raise Hidden
        if not self._visible(caller, root):
            raise Hidden if caller.name else LoginFirst
        return root

    def collections(self, caller: Caller, root: ApiRoot) -> list[tuple[Collection, Rights]]:
        """The root's collections that this caller may read or write, in order of id."""
        found = ((item, self.rights(caller, item)) for item in self._sorted[root.path])
        return [(item, rights) for item, rights in found if rights != _NOTHING]

    def rights(self, caller: Caller, collection: Collection) -> Rights:
        """What this caller may do there."""
        open_to_all, readers, writers = self._rules[collection.id.bytes]
        groups = caller.groups
        return Rights(
            read=open_to_all or not readers.isdisjoint(groups),
            write=bool(caller.name) and not writers.isdisjoint(groups),
        )

    def collection(self, caller: Caller, path: str, name: str) -> tuple[ApiRoot, Collection, Rights]:
        """The collection of that id or alias, if the caller may read or write it. Raises :class:`Refused`."""
        item = self._named.get((path, name)) or self._named.get((path, name.lower()))
        if item is not None:
            rights = self.rights(caller, item)
            if rights != _NOTHING:
                return self._roots[path], item, rights
        self.root(caller, path)
        raise Hidden

    def readable(self, caller: Caller, path: str, name: str) -> tuple[ApiRoot, Collection]:
        """The collection, to read its objects. Raises :class:`Refused`."""
        root, item, rights = self.collection(caller, path, name)
        if not rights.read:
            raise Forbidden
        return root, item

    def writable(self, caller: Caller, path: str, name: str) -> tuple[ApiRoot, Collection]:
        """The collection, to add objects. Raises :class:`Refused`."""
        root, item, rights = self._for_writing(caller, path, name)
        if not rights.write:
            raise Forbidden
        return root, item

    def erasable(self, caller: Caller, path: str, name: str) -> tuple[ApiRoot, Collection]:
        """The collection, to delete objects: takes both rights (TAXII 2.1 section 5.7). Raises :class:`Refused`."""
        root, item, rights = self._for_writing(caller, path, name)
        if not (rights.read and rights.write):
            raise Forbidden
        return root, item

    def operate(self, caller: Caller) -> None:
        """Raises :class:`Refused` unless this caller operates the hub."""
        if not caller.name:
            raise LoginFirst
        if self._operators.isdisjoint(caller.groups):
            raise Forbidden

    def own(self, caller: Caller, user: str) -> None:
        """Raises :class:`Hidden` unless what ``user`` submitted is this caller's own: nobody else may know of it."""
        if not caller.name or caller.name != user:
            raise Hidden

    def _visible(self, caller: Caller, root: ApiRoot) -> bool:
        return any(self.rights(caller, item) != _NOTHING for item in root.collections)

    def _for_writing(self, caller: Caller, path: str, name: str) -> tuple[ApiRoot, Collection, Rights]:
        try:
            return self.collection(caller, path, name)
        except Hidden:
            if caller.name or path not in self._roots:
                raise
            raise LoginFirst from None


def _writers(collection: Collection, trusted: frozenset[str]) -> frozenset[str]:
    """The groups whose members may post there. Until there is a review, submissions are for trusted groups alone."""
    writers = frozenset(collection.write) - {ANYONE}
    return writers & trusted if collection.kind == "submissions" else writers
