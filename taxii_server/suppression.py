"""Known-good lists in the views of a hub: what each does there, how much it hits, and which are set aside.

A list is set aside in a view, and acts there no more, when it hits more than its cap. Only what its readers may see is
counted, and it is judged when nothing is left to publish: so neither what others may see nor how work is cut into
batches changes when that is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, NamedTuple

import orjson

from config import audience as audiences
from config.audience import Audience
from config.instant import Millis
from config.known_good import KnownGood
from config.roots import Collection
from config.settings import Settings
from normalizers.claims import observable_key
from normalizers.ids import OF_OBJECTS
from normalizers.known_good import Matcher
from normalizers.known_good_effects import Policy, Rule
from normalizers.merge import View
from taxii_server import lists
from taxii_server.decided import Decisions, Observable, Verdict
from taxii_server.lists import Applied
from taxii_server.stores.base import AuditRecord, Store

#: Observables that a view has to look at before the share that a list hits means anything.
WINDOW = 5_000
#: Hits that are too few to set a list aside for their share.
LEAST_HITS = 100
#: what a reader is told of a list that holds a value
_TOLD = ("list", "entry", "action", "for", "decided", "why")
_ASIDE, _CONFIRMED, _HITS = "lists/aside", "lists/confirmed", "lists/hits"


class Aside(NamedTuple):
    """A list that acts no more in a view."""

    view: str
    list: str
    #: what it held then; another content is another list
    holds: str
    since: Millis
    hits: int
    #: observables that were looked at
    seen: int


class _Tally:
    """What a view looked at since it was last judged."""

    def __init__(self) -> None:
        self.seen = 0
        self.hits: Counter[str] = Counter()
        #: not yet added to what is remembered
        self.untold: Counter[str] = Counter()


class Suppression:
    """The known-good lists of one hub. They are loaded when they are first asked for."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store
        self._items = {item.id: item for item in settings.known_good}
        self._policies: dict[str, Policy] = {}
        self._aside: str | None = None
        self._tallies: dict[str, _Tally] = {}
        self.decisions = Decisions(store)
        self._counting = True

    @cached_property
    def matcher(self) -> Matcher:
        """The lists, compiled. Raises lists.ListError."""
        return lists.load(self._settings)

    @cached_property
    def applied(self) -> dict[str, Applied]:
        """What each list is now. Raises lists.ListError."""
        return lists.applied(self._settings)

    def match(self, kind: str, value: str) -> int:
        """The lists that hold an observable, as a mask, but for those that a person says it is released from; none
        holds a vulnerability, an advisory or a STIX object."""
        held = 0 if not self._items or kind in OF_OBJECTS else self.matcher.match(kind, value)
        return held & ~self._decided(kind, value, "released") if held else 0

    def kept(self, kind: str, value: str) -> int:
        """The lists for which a person says that an observable is kept out, as a mask."""
        return self._decided(kind, value, "kept")

    def _decided(self, kind: str, value: str, verdict: Verdict) -> int:
        decided = self.decisions.about(kind, value)
        return sum(self.matcher.bit(name) for name, one in decided.items() if one.verdict == verdict) if decided else 0

    # -- what they do in a view

    def policy(self, view: View, collection: Collection) -> Policy:
        """What the lists do in the view; ``collection`` is one of those made from it."""
        found = self._policies.get(view.name)
        if found is None:
            idle = {item.list for item in self.aside() if item.view == view.name}
            rules = list(self._rules(view, collection))
            acting, resting = ([rule for rule in rules if (rule.id in idle) is aside] for aside in (False, True))
            found = self._policies[view.name] = Policy(acting, resting)
        return found

    def _rules(self, view: View, collection: Collection) -> Iterable[Rule]:
        overrides = collection.view.known_good if collection.view else {}
        for item in self._items.values():
            action = overrides.get(item.id, item.action)
            if action != "off" and self.acts(item, view):
                yield Rule(item.id, self.matcher.bit(item.id), action, item.ceiling)

    @staticmethod
    def acts(item: KnownGood, view: View) -> bool:
        """Whether the readers of the view may know of the list. TLP 1 has no word for AMBER+STRICT."""
        if view.dialect == "tlp1" and item.audience.startswith("amber+strict"):
            return False
        return audiences.sees(view.audience, item.audience)

    def refresh(self) -> None:
        """Take notice of what was set aside, confirmed or decided elsewhere."""
        if not self._items:
            return
        self.decisions.refresh()
        if self._aside != (present := self._store.value(_ASIDE) or "[]"):
            self._aside = present
            self._policies.clear()

    # -- what a person decides about single values

    def decide(
        self, list_id: str, values: Sequence[Observable], verdict: Verdict | None, why: str, audit: AuditRecord
    ) -> None:
        """A person says that these values are released from a list, or kept out for good; None takes that back. They
        are merged again wherever the list acts, and nobody else notices. Within a turn of publishing. Raises
        decided.TooMany."""
        # Marked first: without the decision that does no harm.
        self._store.mark_dirty([observable_key(*value) for value in values], self.audience(list_id))
        self.decisions.decide(list_id, values, verdict, why, audit)

    # -- what is set aside

    def aside(self) -> list[Aside]:
        """What is set aside, in order; a list with another content is no longer."""
        if not self._items:
            return []
        told = self._remembered()
        return [item for item in told if item.list in self._items and self.applied[item.list].holds == item.holds]

    def _remembered(self) -> list[Aside]:
        # With lists that are not here at present: what becomes of one list must not make another forgotten.
        return [Aside(*item) for item in orjson.loads(self._store.value(_ASIDE) or "[]")]

    def _remember(self, items: Iterable[Aside]) -> None:
        self._store.set_value(_ASIDE, orjson.dumps([tuple(item) for item in sorted(items)]).decode())
        self.refresh()

    def set_aside(self, more: Sequence[Aside]) -> None:
        """Have these lists act no more in these views."""
        known = {(item.view, item.list): item for item in [*self._remembered(), *more]}
        self._remember(known.values())

    def confirmed(self) -> dict[str, str]:
        """Lists that a person says hit rightly, each with what it held then."""
        told: dict[str, str] = orjson.loads(self._store.value(_CONFIRMED) or "{}")
        return told

    def confirm(self, list_id: str, audit: AuditRecord | None) -> None:
        """A person says that what the list holds now hits rightly: it acts again wherever it was set aside."""
        confirmed = {**self.confirmed(), list_id: self.applied[list_id].holds}
        self._store.set_value(_CONFIRMED, orjson.dumps(confirmed).decode(), audit)
        self._remember(item for item in self._remembered() if item.list != list_id)

    def is_capped(self, list_id: str) -> bool:
        """Whether its cap counts: not for what a person confirmed."""
        return self.confirmed().get(list_id) != self.applied[list_id].holds

    def over(self, list_id: str, hits: int, seen: int) -> bool:
        """Whether so many hits among so many observables are more than the list's cap."""
        cap = self._items[list_id].cap
        if cap.hits is not None and hits > cap.hits:
            return True
        return seen > 0 and hits >= LEAST_HITS and hits * 100 > cap.share * seen

    # -- counting

    @contextmanager
    def uncounted(self) -> Iterator[None]:
        """Within a turn of publishing: what a job has looked at anew is no news, and does not count."""
        self._counting = False
        try:
            yield
        finally:
            self._counting = True

    def count(self, view: str, keys: Sequence[bytes], held: Mapping[bytes, tuple[str, ...]]) -> None:
        """Note what a view looked at and knows of, each key as often as it was marked, and which lists hold some."""
        if not self._items or not self._counting:
            return
        tally = self._tallies.setdefault(view, _Tally())
        tally.seen += len(keys)
        for key in keys if held else ():
            if key in held:
                tally.hits.update(held[key])
                tally.untold.update(held[key])

    def judge(self, now: Millis) -> None:
        """When nothing is left to publish: set aside what hits more than its cap, and remember the counts."""
        self._tell()
        more = []
        for view, tally in self._tallies.items():
            whole = tally.seen >= WINDOW
            for name, hits in tally.hits.items():
                if name in self._items and self.over(name, hits, tally.seen if whole else 0) and self.is_capped(name):
                    more.append(Aside(view, name, self.applied[name].holds, now, hits, tally.seen))
            if whole:
                tally.seen, tally.hits = 0, Counter()
        if more:
            self.set_aside(more)

    def _tell(self) -> None:
        untold = {view: tally.untold for view, tally in self._tallies.items() if tally.untold}
        if not untold:
            return
        known = self.hits()
        for view, counts in untold.items():
            of_view = known.setdefault(view, {})
            for name, count in counts.items():
                of_view[name] = of_view.get(name, 0) + count
            self._tallies[view].untold = Counter()
        self._store.set_value(_HITS, orjson.dumps(known, option=orjson.OPT_SORT_KEYS).decode())

    def hits(self) -> dict[str, dict[str, int]]:
        """By view and list, how often it acted on something that was to be published."""
        told: dict[str, dict[str, int]] = orjson.loads(self._store.value(_HITS) or "{}")
        return told

    # -- who may know

    def audience(self, list_id: str) -> Audience:
        """Who may know of the list."""
        return self._items[list_id].audience

    def told(self, kind: str, value: str, reader: Audience) -> list[dict[str, Any]]:
        """Which lists hold an observable and by which entry, as ``reader`` may know it, and what a person decided about
        it: a list that is not for them is ``policy``, decided or not."""
        if not self._items or kind in OF_OBJECTS or not self.matcher.match(kind, value):
            return []
        decided = self.decisions.about(kind, value)
        found: list[dict[str, Any]] = []
        for hit in self.matcher.entries(kind, value):
            if audiences.sees(reader, self.audience(hit.id)):
                item, one = self._items[hit.id], decided.get(hit.id)
                verdict = one.verdict if one else None
                why = one.why if one and reader == audiences.INTERNAL else None
                told = {"list": hit.id, "entry": hit.entry, "action": item.action, "for": item.audience}
                found.append({**told, "decided": verdict, "why": why})
            else:
                found.append(dict.fromkeys(_TOLD) | {"list": "policy"})
        return found
