"""When known-good lists change: what they hold now and did not, or do no more, is merged again.

A list changes with its file, its package, its action or its audience, and where it is set aside. The lists of before
are kept compiled until all is done, so that only observables whose match changed are looked at; and those only where
the list may be known of, so that nobody else even notices.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import orjson

from config import audience as audiences
from config.audience import Audience
from normalizers.claims import Claim
from normalizers.ids import OF_OBJECTS
from normalizers.known_good import NOTHING, Matcher
from taxii_server import lists
from taxii_server.lists import Applied
from taxii_server.publishing import Publisher
from taxii_server.suppression import Aside, Suppression
from taxii_server.views import Plan

_APPLIED = "lists/applied"
#: what a job began to have all merged for and did not end, as a list of texts
_BEGUN = "lists/begun"
_STEP = 1_000

Progress = Callable[[int], None]
#: keys in steps, from where a job of that very purpose was interrupted
Steps = Callable[[str, str], Iterator[list[bytes]]]


class State(NamedTuple):
    """What lists are, and where they are set aside."""

    lists: dict[str, Applied]
    #: (view, list)
    aside: frozenset[tuple[str, str]]

    @classmethod
    def now(cls, known_good: Suppression) -> State:
        """At present. Raises lists.ListError."""
        return cls(dict(known_good.applied), frozenset((item.view, item.list) for item in known_good.aside()))

    @classmethod
    def read(cls, text: str | None) -> State:
        """What :meth:`text` gave; that of a hub without lists for None."""
        told = orjson.loads(text or '{"lists":{},"aside":[]}')
        told_aside = frozenset((view, name) for view, name in told["aside"])
        return cls({name: Applied(*item) for name, item in told["lists"].items()}, told_aside)

    def text(self) -> str:
        """To be remembered. In the order of the lists, which decides under what name they are kept."""
        return orjson.dumps(
            {"lists": {name: tuple(item) for name, item in self.lists.items()}, "aside": sorted(self.aside)}
        ).decode()

    @property
    def kept_as(self) -> str:
        """The name under which these lists are kept compiled."""
        return lists.name_of({name: item.holds for name, item in self.lists.items()})


class Change:
    """From lists of before to those of now: for whom an observable has to be merged again."""

    def __init__(
        self, before: State, after: State, old: Matcher | None, new: Matcher, views: Mapping[str, Audience]
    ) -> None:
        """``old`` is None where the lists of before are no longer known; ``views`` are those of the hub by name."""
        self._old, self._new = old, new
        #: lists that are the same but for what they hold, or not even that -> their audiences before and now
        self.changed: dict[str, tuple[Audience, ...]] = {}
        #: lists of which all that they hold changes
        self._wholly: set[str] = set()
        for name in before.lists.keys() | after.lists.keys():
            was, is_ = before.lists.get(name), after.lists.get(name)
            if was != is_:
                self.changed[name] = tuple(sorted({item.audience for item in (was, is_) if item is not None}))
                if was is None or is_ is None or was[1:] != is_[1:]:
                    self._wholly.add(name)
        #: (list, audience of a view in which it was set aside or acts again)
        self._flipped = sorted({(name, views[view]) for view, name in before.aside ^ after.aside if view in views})

    def audiences(self, kind: str, value: str) -> set[Audience]:
        """Whose views say something else about an observable now."""
        new = set(self._new.ids(self._new.match(kind, value)))
        old = None if self._old is None else set(self._old.ids(self._old.match(kind, value)))
        found = {audience for name, audience in self._flipped if name in new or old is None or name in old}
        for name, of_list in self.changed.items():
            was = old is None or name in old
            if (was != (name in new)) or (was and (name in self._wholly or old is None)):
                found.update(of_list)
        return found


class Relisting:
    """The job."""

    def __init__(self, publisher: Publisher, steps: Steps) -> None:
        self._publisher = publisher
        self._store = publisher.store
        self._known_good = publisher.sight.known_good
        self._steps = steps

    def run(self, progress: Progress = lambda done: None) -> None:
        """Have all that lists changed about merged again; nothing happens if they are what they were. Raises NotNow and
        lists.ListError."""
        remembered, begun = self._store.value(_APPLIED), orjson.loads(self._store.value(_BEGUN) or "[]")
        if remembered is None and not begun and not self._publisher.settings.known_good:
            return
        self._known_good.refresh()
        before, after = State.read(remembered), State.now(self._known_good)
        # What was interrupted left some as other lists would have them.
        known = [before, *map(State.read, begun)]
        if all(state == after for state in known):
            return
        # What is waiting is no doing of the lists, and counts.
        self._publisher.publish_all()
        after = self._capped(before, after)
        known = [state for state in known if state != after]
        self._store.set_value(_BEGUN, orjson.dumps(sorted({*begun, after.text()})).decode())
        self._look(known, after, progress)
        self._store.set_value(_APPLIED, after.text())
        self._store.set_value(_BEGUN, "[]")
        lists.forget_others(self._publisher.settings, [after.kept_as])

    def _old(self, before: State) -> Matcher | None:
        if not before.lists:
            return NOTHING
        kept = lists.kept(self._publisher.settings, before.kept_as)
        return None if kept is None else Matcher(kept)

    def _look(self, known: Sequence[State], after: State, progress: Progress) -> None:
        views = {plan.view.name: plan.view.audience for plan in self._publisher.plans}
        new = self._known_good.matcher
        changes = [Change(state, after, self._old(state), new, views) for state in known]
        purpose = hashlib.sha256("\n".join(state.text() for state in (*known, after)).encode()).hexdigest()[:16]
        done = 0
        for keys in self._steps("job/lists", purpose):
            self._publisher.look_again(_changed(changes, self._store.claims(keys)), self._publisher.plans)
            done += len(keys)
            progress(done)

    # -- caps

    def _capped(self, before: State, after: State) -> State:
        """The state with those lists set aside that hold more than their cap now, of those whose content is new."""
        fresh = {
            name
            for name, item in after.lists.items()
            if before.lists.get(name, item._replace(holds="")).holds != item.holds
        }
        fresh = {name for name in fresh if self._known_good.is_capped(name)}
        if not fresh:
            return after
        seen, hits = self.census()
        now = self._publisher.now()
        more = [
            Aside(view, name, after.lists[name].holds, now, count, seen[view])
            for view, counts in hits.items()
            for name, count in counts.items()
            if name in fresh and self._known_good.over(name, count, seen[view])
        ]
        if more:
            self._known_good.set_aside(more)
        return State.now(self._known_good)

    def census(self) -> tuple[Counter[str], dict[str, Counter[str]]]:
        """By view, how many observables it knows, and how many of them each list holds that acts there."""
        seen: Counter[str] = Counter()
        hits: dict[str, Counter[str]] = {plan.view.name: Counter() for plan in self._publisher.plans}
        items = [item for item in self._publisher.settings.known_good]
        acting = {
            plan.view.name: {item.id for item in items if self._known_good.acts(item, plan.view)}
            for plan in self._publisher.plans
        }
        after = b""
        while keys := self._store.keys(after=after, limit=_STEP):
            for about in self._store.claims(keys).values():
                if about[0].type in OF_OBJECTS:
                    continue
                held = self._held(about[0])
                for plan in self._publisher.plans:
                    if _knows(plan, about):
                        seen[plan.view.name] += 1
                        hits[plan.view.name].update(held & acting[plan.view.name])
            after = keys[-1]
        return seen, hits

    def _held(self, claim: Claim) -> set[str]:
        return set(self._known_good.matcher.ids(self._known_good.match(claim.type, claim.value)))


def _changed(changes: Iterable[Change], claims: Mapping[bytes, list[Claim]]) -> list[tuple[bytes, Audience]]:
    """Of what some views say something else now, with the audience that those see, in order of key alone: where a step
    ends depends on keys that some views know nothing of."""
    found = []
    for key in sorted(claims):
        kind, value = claims[key][0].type, claims[key][0].value
        if kind not in OF_OBJECTS:
            of_all = {audience for change in changes for audience in change.audiences(kind, value)}
            found += [(key, audience) for audience in sorted(of_all, key=_by_width)]
    return found


def _by_width(audience: Audience) -> tuple[int, Audience]:
    return audiences.rank(audience), audience


def _knows(plan: Plan, about: list[Claim]) -> bool:
    """Whether the view has anything to say about an observable, from all of its claims."""
    visible = [claim for claim in about if audiences.sees(plan.view.audience, claim.audience)]
    return bool(visible) and (not plan.view.own or any(claim.audience == plan.view.audience for claim in visible))
