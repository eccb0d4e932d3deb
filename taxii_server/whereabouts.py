"""Where the objects that are passed on stand in a view: which version of each counts, where it may enter, what waits.

A version may stand in those collections of the view that admit it in which every reference of it resolves. Which
objects refer to one is asked of the store's aliases, which remember for good: so only what the view itself sees of
those counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import orjson

from config.instant import Millis, time_key
from normalizers import passing, stix
from normalizers.checking import key_of
from normalizers.claims import Claim
from normalizers.markings import is_predefined
from normalizers.merge import Merged
from normalizers.passing import Choice, Version, observable_of
from taxii_server.admission import admits
from taxii_server.stores.base import ObjectState, Publication, Store
from taxii_server.views import Plan

_STEP = 1_000
#: Objects that never leave a collection, whoever put them there.
_STAYING = ("identity", "marking-definition")

Claims = Mapping[bytes, list[Claim]]


class Whereabouts(NamedTuple):
    """Where an object stands in a view that is told of it."""

    version: str
    revoked: bool
    word: Merged
    #: ids of those collections that hold it
    places: tuple[str, ...]
    #: ids that it refers to and no collection of the view holds
    waits_for: tuple[str, ...]


def whereabouts(store: Store, plan: Plan, claims: Sequence[Claim], now: Millis, skew: Millis) -> Whereabouts | None:
    """Where the object that these claims are about stands in the view; None where the view is told nothing of it."""
    return Walk(store, plan, {claims[0].key: list(claims)}, now, now + skew).whereabouts(claims[0].key)


class Walk:
    """One look at the objects of a view, and at what refers to them."""

    def __init__(self, store: Store, plan: Plan, claims: Claims, now: Millis, latest: Millis) -> None:
        self._store = store
        self._plan = plan
        self._now = now
        self._latest = latest
        self._claims = dict(claims)
        #: as they will be once all that is due is published
        self._states: dict[str, ObjectState | None] = {}

    def forget(self) -> None:
        """The store has changed."""
        self._states.clear()

    def gone(self, key: bytes) -> list[tuple[str, str]]:
        """(collection, id) of where an object has to leave: nobody says to the view what is there, or what is said now
        refers to what is not there. What is dated ahead takes nothing's place yet."""
        stix_id = self._claims[key][0].value
        state = self._state(stix_id)
        if state is None or state.key != key or not state.places:
            return []
        choice = self._choice(key, state)
        if choice is None and any(_is_later(one.version, state) for one in self._choices(key)):
            return []
        return [(name, stix_id) for name in sorted(state.places) if choice is None or not self._whole(choice, name)]

    def whereabouts(self, key: bytes) -> Whereabouts | None:
        """See :func:`whereabouts`."""
        choices = self._choices(key)
        if not choices:
            return None
        state = self._state(self._claims[key][0].value)
        version, word = self._choice(key, state) or choices[0]
        own = state is not None and state.key == key
        places = tuple(sorted(state.places)) if state is not None and own else ()
        missing = (one for one in version.references if not any(self._resolves(one, name) for name in self._plan.names))
        return Whereabouts(version.modified, version.revoked, word, places, tuple(missing))

    def enter(self, marked: bytes) -> Iterator[Publication]:
        """What is due of that object, and of what waited for it, each behind what it refers to."""
        stack = [(marked, "")]
        while stack:
            key, awaited = stack.pop()
            edition = self._edition(key, awaited)
            if edition is not None:
                yield edition
            # What waits for a marked one is looked at in any case: a crash may have come between the two.
            if edition is not None or key == marked:
                stix_id = self._claims[key][0].value
                stack += ((other, stix_id) for other in reversed(self._waiting(stix_id)))

    def _waiting(self, stix_id: str) -> list[bytes]:
        found: list[bytes] = []
        for page in referrers(self._store, stix_id):
            found += page
            self._claims.update(page)
        return found

    def _edition(self, key: bytes, awaited: str) -> Publication | None:
        """The version that is due, for the collections that lack it and hold all that it refers to. It comes in its own
        turn if it is not ``awaited`` that it refers to: another version may, which the view does not see."""
        stix_id = self._claims[key][0].value
        state = self._state(stix_id)
        choice = self._choice(key, state)
        if choice is None or (awaited and awaited not in choice.version.references):
            return None
        lacking = tuple(name for name in self._plan.names if self._lacks(name, choice, state))
        names = tuple(name for name in lacking if self._whole(choice, name))
        admitted = self._admitted(choice, names, state)
        return self._published(key, choice.version, state, admitted) if admitted else None

    def _admitted(self, choice: Choice, names: Sequence[str], state: ObjectState | None) -> tuple[str, ...]:
        there = state.places if state is not None else {}
        collections = zip(self._plan.collections, self._plan.names, strict=True)
        return tuple(
            name
            for collection, name in collections
            if name in names and (name in there or admits(collection, choice.word, self._now))
        )

    def _lacks(self, name: str, choice: Choice, state: ObjectState | None) -> bool:
        if state is None or name not in state.places or _is_later(choice.version, state):
            return True
        if not state.places[name]:
            return False  # it is about to enter
        # It may hold an older version, if this one refers to what was not there.
        return self._store.object_body(name, choice.version.key, self._plan.scope) != choice.version.body

    def _whole(self, choice: Choice, name: str) -> bool:
        """Whether all that it refers to is in the collection."""
        return all(self._resolves(reference, name) for reference in choice.version.references)

    def _resolves(self, reference: str, name: str) -> bool:
        """Whether it is to what is in the collection, and will not leave before what refers to it."""
        if is_predefined(reference):
            return True
        state = self._state(reference)
        if state is None or name not in state.places:
            return False
        return state.type in _STAYING or state.key == observable_of(reference)

    def _published(
        self, key: bytes, version: Version, state: ObjectState | None, names: tuple[str, ...]
    ) -> Publication:
        kind, uuid = version.key
        digest = stix.digest(version.body)
        places = {**(state.places if state is not None else {}), **dict.fromkeys(names, 0)}
        self._states[version.id] = ObjectState(
            self._plan.scope, kind, uuid, key, 1, version.created, version.modified, digest, version.revoked, 0, "",
            places,
        )  # fmt: skip
        return Publication(
            scope=self._plan.scope,
            type=kind,
            uuid=uuid,
            version=version.modified,
            created=version.created,
            body=version.body,
            digest=digest,
            collections=names,
            expected=state.version if state is not None else None,
            key=key,
            revoked=version.revoked,
        )

    def _choices(self, key: bytes) -> list[Choice]:
        return passing.choices(self._claims[key], self._plan.view, self._now, self._latest)

    def _choice(self, key: bytes, state: ObjectState | None) -> Choice | None:
        """The version that counts; of one that is published already, as it was published: no other bytes get its date.
        None where it is older than what was published, or that is marked for more than anybody says now; and under an
        id of the hub's own."""
        if state is not None and state.key != key:
            return None
        choices = self._choices(key)
        best = next((choice for choice in choices if choice.version.from_then <= self._now), None)
        if best is None or state is None or _is_later(best.version, state):
            return best
        if time_key(best.version.modified) < time_key(state.version):
            return None
        if stix.digest(best.version.body) == state.digest:
            return best
        bodies = (self._store.object_body(place, best.version.key, self._plan.scope) for place in state.places)
        served = next((body for body in bodies if body is not None and stix.digest(body) == state.digest), None)
        if served is None:
            return None
        there = passing.version(orjson.loads(served))
        moment = time_key(state.version)
        marked = min(one.version.marked for one in choices if time_key(one.version.modified) == moment)
        return best._replace(version=there) if there.marked >= marked else None

    def _state(self, stix_id: str) -> ObjectState | None:
        if stix_id not in self._states:
            key = key_of(stix_id)
            self._states[stix_id] = self._store.objects(self._plan.scope, [key]).get(key)
        return self._states[stix_id]


def _is_later(version: Version, state: ObjectState) -> bool:
    return time_key(version.modified) > time_key(state.version)


def referrers(store: Store, stix_id: str) -> Iterator[dict[bytes, list[Claim]]]:
    """By key, in order, the claims about the objects that anybody said refer to that one, page by page."""
    alias, after = observable_of(stix_id), b""
    while keys := store.aliased(alias, _STEP, after=after):
        claims = store.claims(keys)
        yield {key: claims[key] for key in keys if key in claims}
        after = keys[-1]
