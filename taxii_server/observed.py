"""What goes with the indicators of a collection ``with_observables``: for each the object of its observable, and the
relationship that the indicator is based on it.

Both are there as long as the indicator is, so that every reference resolves (promise 6): the relationship leaves a day
before the indicator does, the observable's object a day after. When only their end moves, which no subscriber sees,
they make no entry: their state in the store gets a later version that enters no collection, and with it another end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from config.instant import DAY, Clock, Millis, parse_millis, stix_time
from normalizers import stix
from normalizers.observables import Observable, based_on, has_object, observable_object
from taxii_server.editions import Editions
from taxii_server.stores.base import ObjectKey, ObjectState, Publication, Store
from taxii_server.views import Known, Outlook, Plan, Sight


class Around(NamedTuple):
    """What is due around one indicator: in this order before and after its own version."""

    before: Publication | None = None
    after: Publication | None = None


NOTHING_AROUND = Around()


class _Due(NamedTuple):
    """An indicator that these go with, as it will be."""

    outlook: Outlook
    #: collections with observables that it is in
    names: tuple[str, ...]
    ends: Millis
    revoked: bool
    observable: Observable
    relationship: ObjectKey


class Observed:
    """Makes what goes with indicators, at the present of a clock."""

    def __init__(self, store: Store, sight: Sight, editions: Editions, clock: Clock) -> None:
        self._store = store
        self._sight = sight
        self._editions = editions
        self._clock = clock

    def around(
        self, plan: Plan, made: Sequence[tuple[Outlook, Publication | None]], *, filling: bool = False
    ) -> dict[bytes, Around]:
        """By observable key: what is due around the indicators of which a version is due; while a collection is being
        ``filling``, around all."""
        if not plan.observed:
            return {}
        due = [item for outlook, edition in made if edition or filling if (item := self._due(plan, outlook, edition))]
        keys = [key for item in due for key in ((item.observable.type, item.observable.uuid), item.relationship)]
        states = self._store.objects(plan.scope, keys) if keys else {}
        return {item.outlook.key: self._around(plan, item, states) for item in due}

    def _due(self, plan: Plan, outlook: Outlook, edition: Publication | None) -> _Due | None:
        word, state = outlook.word, outlook.known.state
        if not has_object(word.type, word.value):
            return None
        held = {*(state.places if state else ()), *(edition.collections if edition else ())}
        names = tuple(name for name in plan.observed if name in held)
        now_is = edition or state
        if not names or now_is is None:
            return None
        (_, uuid), generation, _ = outlook.known
        relationship = ("relationship", self._sight.ids.make(f"relationship|based-on|{uuid.hex()}|{generation}"))
        observable = observable_object(word.type, word.value)
        return _Due(outlook, names, now_is.ends, now_is.revoked, observable, relationship)

    def _around(self, plan: Plan, item: _Due, states: dict[ObjectKey, ObjectState]) -> Around:
        observable = states.get((item.observable.type, item.observable.uuid))
        return Around(
            self._object(plan, item, observable), self._relationship(plan, item, states.get(item.relationship))
        )

    def _object(self, plan: Plan, item: _Due, state: ObjectState | None) -> Publication | None:
        ends = max(item.ends + DAY, state.ends if state else 0)
        lacking = tuple(name for name in item.names if state is None or name not in state.places)
        if state is not None and not lacking and ends == state.ends:
            return None
        # It says no version of itself. Moved on with its end, but for one that only enters another collection.
        moved = state is None or ends != state.ends
        version = self._later(state) if moved or state is None else state.version
        return Publication(
            scope=plan.scope,
            type=item.observable.type,
            uuid=item.observable.uuid,
            version=version,
            created=state.created if state else version,
            body=item.observable.body,
            digest=stix.digest(item.observable.body),
            collections=lacking,
            expected=state.version if state else None,
            key=item.outlook.key,
            ends=ends,
        )

    def _relationship(self, plan: Plan, item: _Due, state: ObjectState | None) -> Publication | None:
        word, ends = item.outlook.word, max(1, item.ends - DAY)
        content = based_on(item.outlook.known.object[1], item.observable, word.audience, plan.view.dialect)
        changed = state is None or state.digest != stix.digest(content) or state.revoked != item.revoked
        lacking = state is None or any(name not in state.places for name in item.names)
        if changed or lacking:
            known = Known(item.relationship, item.outlook.known.generation, state)
            return self._editions.new(
                plan, known, content, item.names, revoked=item.revoked, key=item.outlook.key, ends=ends
            )
        if state is None or state.ends == ends:
            return None
        return Publication(
            scope=plan.scope,
            type=state.type,
            uuid=state.uuid,
            version=self._later(state),
            created=state.created,
            body=b"",
            digest=state.digest,
            collections=(),
            expected=state.version,
            key=item.outlook.key,
            generation=state.generation,
            revoked=state.revoked,
            ends=ends,
        )

    def _later(self, state: ObjectState | None) -> str:
        now = self._clock() // 1_000
        return stix_time(now if state is None else max(now, parse_millis(state.version) + 1))
