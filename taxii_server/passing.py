"""What is passed on unchanged: what is due in each view, and what leaves its collections.

What waits for another enters right behind that, wherever a batch ends. What is no longer said to the view leaves, and
before it whatever refers to it there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import orjson

from config.instant import Clock, Millis
from config.observables import PASSED
from normalizers import passing
from normalizers.checking import key_of
from taxii_server.stores.base import Mark, ObjectState, Publication, Selection, Store, Versions, version_key
from taxii_server.turns import Turns
from taxii_server.views import Plan
from taxii_server.whereabouts import Claims, Walk, referrers

_STEP = 1_000


class Passage(NamedTuple):
    """What is due in a view."""

    #: by the marked observable for which it is; most have no entry
    due: dict[bytes, list[Publication]]
    #: of what is due because another is: for which of the marked ones each is here
    because: dict[bytes, set[bytes]]


NOTHING = Passage({}, {})


class Passing:
    """Passes on what the views of a hub may see, at the present of a clock."""

    def __init__(self, store: Store, turns: Turns, clock: Clock, skew: Millis) -> None:
        self._store = store
        self._turns = turns
        self._clock = clock
        self._skew = skew

    def wait(self, claims: Claims) -> None:
        """See to it that what time alone changes is looked at again then."""
        now = self._clock() // 1_000
        for key, about in claims.items():
            if about and about[0].type == PASSED:
                for claim, until in passing.waits(about, now):
                    self._store.wait(key, claim.audience, until)

    def parts(self, plans: Sequence[Plan], marks: Sequence[Mark], claims: Claims) -> Iterator[Sequence[Mark]]:
        """The marks in their order, in parts that are to be published one after the other: a mark for which something
        leaves comes by itself. So it makes no difference where a batch ends, which others' marks decide."""
        passed = {key for key, about in claims.items() if about and about[0].type == PASSED}
        part: list[Mark] = []
        for mark in marks if passed else ():
            if mark.key in passed and any(
                self._walk(plan, {mark.key: claims[mark.key]}).gone(mark.key) for plan in plans
            ):
                yield from [part] if part else ()
                part = []
                yield [mark]
            else:
                part.append(mark)
        if part or not passed:
            yield part or marks

    def _walk(self, plan: Plan, claims: Claims) -> Walk:
        now = self._clock() // 1_000
        return Walk(self._store, plan, claims, now, now + self._skew)

    def pass_on(self, plan: Plan, keys: Iterable[bytes], claims: Claims) -> Passage:
        """What is due in the view of those of the marked ``keys`` that are objects passed on; what has to leave has
        left. Raises NotNow."""
        marked = [key for key in keys if (about := claims.get(key)) and about[0].type == PASSED]
        if not marked:
            return NOTHING
        walk = self._walk(plan, claims)
        leaving = [place for key in marked for place in walk.gone(key)]
        if leaving:
            self._turns.prolong()
            for collection, stix_id in leaving:
                self._leave(plan, collection, stix_id)
            walk.forget()
        because: dict[bytes, set[bytes]] = {}
        due: dict[bytes, list[Publication]] = {}
        for key in marked:
            for item in walk.enter(key):
                due.setdefault(key, []).append(item)
                because.setdefault(item.key, set()).add(key)
        return Passage(due, because)

    def _leave(self, plan: Plan, collection: str, stix_id: str) -> None:
        """Take an object out of a collection, and first whatever refers to it there, the last of a chain first."""
        now = self._clock()
        stack, seen = [(stix_id, False)], set[str]()
        while stack:
            one, ready = stack.pop()
            if ready:
                self._store.delete(collection, plan.scope, key_of(one), None, now)
            if one in seen:
                continue
            seen.add(one)
            stack.append((one, True))
            for other, versions in self._referring(plan, collection, one):
                if versions is not None:  # it refers to it no more
                    self._store.delete(collection, plan.scope, key_of(other), versions, now)
                else:
                    stack.append((other, False))

    def _referring(self, plan: Plan, collection: str, stix_id: str) -> Iterator[tuple[str, Versions | None]]:
        """The objects of the collection that refer to that one; of those whose superseded versions alone do, which."""
        for page in referrers(self._store, stix_id):
            others = [about[0].value for about in page.values()]
            states = self._store.objects(plan.scope, [key_of(other) for other in others])
            for other in others:
                # Of an id that the hub has made since, too: what was passed on under it before may be there still.
                state = states.get(key_of(other))
                if state is not None and collection in state.places:
                    yield from self._versions(collection, state, other, stix_id)

    def _versions(
        self, collection: str, state: ObjectState, other: str, stix_id: str
    ) -> Iterator[tuple[str, Versions | None]]:
        every = Selection(limit=_STEP, ids=frozenset([key_of(other)]), versions=Versions(all=True))
        entries = self._store.page(collection, every).entries
        refer = [entry for entry in entries if stix_id in passing.references_of(orjson.loads(entry.body))]
        if any(entry.date_added == state.places[collection] for entry in refer):
            yield other, None
        elif refer:
            yield other, Versions(last=False, exact=tuple(version_key(entry.version) for entry in refer))
