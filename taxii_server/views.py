"""What each view says at present about observables, beside what was last published of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from config.instant import Clock
from config.roots import Collection
from config.settings import Settings
from normalizers import companions, stix
from normalizers.claims import Claim
from normalizers.ids import Ids, id_text, object_type
from normalizers.joining import joined
from normalizers.merge import Merged, View, merge, sees
from taxii_server.joins import Joins
from taxii_server.stores.base import ObjectKey, ObjectState, Store
from taxii_server.suppression import Suppression


class Plan(NamedTuple):
    """A view and the collections that are made from it."""

    view: View
    collections: tuple[Collection, ...]
    #: their ids
    names: tuple[str, ...]
    #: ids of those whose indicators come with their observables
    observed: tuple[str, ...]

    @property
    def scope(self) -> str:
        """Where the ids of the view's objects are unique."""
        return self.view.name


def plans(settings: Settings) -> list[Plan]:
    """One plan a view, in order of configuration."""
    found: dict[str, tuple[View, list[Collection]]] = {}
    for root in settings.api_roots:
        for collection in root.collections:
            entry = collection.view
            if entry is not None:
                view = View(entry.name, entry.audience, entry.scope == "own", entry.tlp)
                found.setdefault(entry.name, (view, []))[1].append(collection)
    return [
        Plan(
            view,
            tuple(collections),
            tuple(str(item.id) for item in collections),
            tuple(str(item.id) for item in collections if item.with_observables),
        )
        for view, collections in found.values()
    ]


class Known(NamedTuple):
    """The id in use for an observable in a view."""

    object: ObjectKey
    generation: int
    state: ObjectState | None


class Outlook(NamedTuple):
    """What a view says about one observable now, and the id it says it under."""

    key: bytes
    word: Merged
    known: Known


class Reach(NamedTuple):
    """What may change when some observables do."""

    #: in order, each once
    keys: Sequence[bytes]
    #: of those that are joined with others: for which of the marked ones each is here
    because: Mapping[bytes, set[bytes]]
    #: the claims about them all
    claims: Mapping[bytes, list[Claim]]


class Sight:
    """Reads views. ``ids`` and ``creator`` are the hub's own."""

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self._store = store
        self._joins = Joins(store)
        self._clock = clock
        self._skew = settings.tolerated_skew
        self.known_good = Suppression(settings, store)
        self.ids = Ids(settings.hub.namespace)
        self.hub: ObjectKey = ("identity", companions.hub_id(self.ids))
        self.creator = id_text(*self.hub)

    def look(self, plan: Plan, keys: Iterable[bytes], claims: Mapping[bytes, list[Claim]]) -> list[Outlook]:
        """What the view says about those observables, in order of ``keys``; nothing of those it knows nothing of.

        Claims from the future are outside every view until their time has come.
        """
        latest = self._clock() // 1_000 + self._skew
        policy = self.known_good.policy(plan.view, plan.collections[0])
        keys = list(keys)
        joins = self._joins.of(keys, claims, self.seen(plan.view))
        words = {}
        for key in keys:
            present = [claim for claim in claims.get(key, ()) if claim.version <= latest and claim.last_seen <= latest]
            if key in joins:
                beside = [claim for near in joins[key] for claim in near.claims]
                present = joined([claim for claim in present if sees(plan.view, claim)], beside)
            word = merge(present, plan.view)
            if word is not None:
                listed = self.known_good.match(word.type, word.value) if policy.mask else 0
                kept = self.known_good.kept(word.type, word.value) if listed else 0
                words[key] = policy.applied(word, listed, kept) if listed else word
        known = self.known(plan, {key: (word.type, word.value) for key, word in words.items()})
        return [Outlook(key, word, known[key]) for key, word in words.items()]

    def reach(self, plan: Plan, keys: Sequence[bytes], claims: Mapping[bytes, list[Claim]]) -> Reach:
        """The observables whose objects in the view may change when those of ``keys`` do: these, and what they are
        joined with, each behind the first for which."""
        joins = self._joins.of(keys, claims, self.seen(plan.view))
        if not joins:
            return Reach(keys, {}, claims)
        order: dict[bytes, None] = {}
        because: dict[bytes, set[bytes]] = {}
        for key in keys:
            order[key] = None
            because.setdefault(key, set()).add(key)
            for near in joins.get(key, ()):
                order[near.key] = None
                because.setdefault(near.key, set()).add(key)
        return Reach(list(order), because, {**claims, **self._store.claims(order.keys() - claims.keys())})

    def seen(self, view: View) -> Callable[[Claim], bool]:
        """Whether a claim counts in the view at present."""
        latest = self._clock() // 1_000 + self._skew
        return lambda claim: claim.version <= latest and claim.last_seen <= latest and sees(view, claim)

    def ahead(self, claims: Mapping[bytes, list[Claim]]) -> list[tuple[bytes, Claim, int]]:
        """The claims from the future among these, each with its key and when it is to be looked at again."""
        latest = self._clock() // 1_000 + self._skew
        return [
            (key, claim, max(claim.version, claim.last_seen) - self._skew)
            for key, about in claims.items()
            for claim in about
            if claim.version > latest or claim.last_seen > latest
        ]

    def known(self, plan: Plan, observables: Mapping[bytes, tuple[str, str]]) -> dict[bytes, Known]:
        """The ids in use: of each observable the first generation that is not revoked, be it yet to come."""
        found: dict[bytes, Known] = {}
        open_ = observables
        generation = 0
        while open_:
            generation += 1
            asked = {key: self._object_key(plan, kind, value, generation) for key, (kind, value) in open_.items()}
            states = self._store.objects(plan.scope, list(asked.values()))
            for key, object_key in asked.items():
                found[key] = Known(object_key, generation, states.get(object_key))
            revoked = {object_key for object_key, state in states.items() if state.revoked}
            open_ = {key: open_[key] for key, object_key in asked.items() if object_key in revoked} if revoked else {}
        return found

    def published(self, plan: Plan, kind: str, value: str) -> Known | None:
        """The id that an observable had last in the view, be it revoked; None where nothing was published of it."""
        known = self.known(plan, {b"": (kind, value)})[b""]
        if known.state is not None or known.generation == 1:
            return known if known.state is not None else None
        key = self._object_key(plan, kind, value, known.generation - 1)
        return Known(key, known.generation - 1, self._store.objects(plan.scope, [key]).get(key))

    def _object_key(self, plan: Plan, kind: str, value: str, generation: int) -> ObjectKey:
        return object_type(kind), self.ids.merged(kind, value, plan.view.name, generation)

    def publisher(self, plan: Plan, word: Merged) -> tuple[ObjectKey, bytes | None]:
        """The identity of an advisory's publisher and its content; the hub itself where none is named."""
        name = word.detail.get("publisher")
        if not name:
            return self.hub, None
        return ("identity", self.ids.publisher(name, plan.view.name)), companions.publisher_identity(name)

    def content(self, plan: Plan, word: Merged) -> bytes:
        """Content of the object that says ``word``."""
        publisher = id_text(*self.publisher(plan, word)[0]) if word.type == "advisory" else ""
        return stix.content(word, plan.view.dialect, publisher)
