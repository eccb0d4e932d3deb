"""What known-good lists hold in views where they may not act: counted in steps over all that is known, for operators.

A list that is for a group changes nothing for others, so that its owner would not notice what they are told. Nothing is
published for this, and publishing does not wait for it.
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import orjson

from config import audience as audiences
from config.instant import HOUR, Millis
from config.known_good import KnownGood
from normalizers.claims import Claim
from normalizers.merge import View, sees
from taxii_server.publishing import Publisher
from taxii_server.stores.base import Store
from taxii_server.suppression import Suppression
from taxii_server.views import Plan

#: Between two counts; the first comes at once, and another when lists have another content.
EVERY: Millis = HOUR
#: Observables in one step.
_STEP = 1_000
_DONE, _UNDERWAY = "lists/elsewhere", "job/elsewhere"


class Survey(NamedTuple):
    """What was counted when all had been gone over."""

    #: of the lists and views that it is about
    purpose: str
    started: Millis
    #: list -> view in which it may not act -> values that are said there and that the list holds
    counts: dict[str, dict[str, int]]


def surveyed(store: Store) -> Survey | None:
    """The last whole count; None before there was one."""
    told = store.value(_DONE)
    return Survey(**orjson.loads(told)) if told else None


class Surveying:
    """The job. A count that was interrupted goes on from where it was."""

    def __init__(self, publisher: Publisher) -> None:
        self._plans = publisher.plans
        self._store = publisher.store
        self._now = publisher.now
        self._known_good = publisher.sight.known_good
        items = publisher.settings.known_good
        self._apart = {
            plan.view.name: frozenset(item.id for item in items if may_be_told(item, plan.view)) for plan in self._plans
        }

    def step(self) -> bool:
        """Go over the next thousand observables, if a count is due; gives whether there is more to do at once. Raises
        lists.ListError."""
        if not any(self._apart.values()):
            return False
        purpose = self._purpose()
        last = surveyed(self._store)
        if last is not None and last.purpose == purpose and self._now() < last.started + EVERY:
            return False
        begun = self._underway(purpose)
        keys = self._store.keys(after=bytes.fromhex(begun["after"]), limit=_STEP)
        if not keys:
            done = Survey(purpose, begun["started"], begun["counts"])
            self._store.set_value(_DONE, orjson.dumps(done._asdict(), option=orjson.OPT_SORT_KEYS).decode())
            self._store.set_value(_UNDERWAY, "")
            return False
        self._count(keys, begun["counts"])
        self._store.set_value(_UNDERWAY, orjson.dumps(begun | {"after": keys[-1].hex()}).decode())
        return True

    def _purpose(self) -> str:
        lists = {name: item.holds for name, item in self._known_good.applied.items()}
        apart = {view: sorted(names) for view, names in self._apart.items()}
        return hashlib.sha256(orjson.dumps([lists, apart], option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]

    def _underway(self, purpose: str) -> dict[str, Any]:
        begun: dict[str, Any] = orjson.loads(self._store.value(_UNDERWAY) or "{}")
        if begun.get("purpose") == purpose:
            return begun
        return {"purpose": purpose, "started": self._now(), "after": "", "counts": {}}

    def _count(self, keys: list[bytes], counts: dict[str, dict[str, int]]) -> None:
        now = self._now()
        for about in self._store.claims(keys).values():
            mask = self._known_good.match(about[0].type, about[0].value)
            held = frozenset(self._known_good.matcher.ids(mask)) if mask else frozenset[str]()
            for plan in self._plans if held else ():
                apart = held & self._apart[plan.view.name]
                for name in apart if apart and said(plan, about, now) else ():
                    of_list = counts.setdefault(name, {})
                    of_list[plan.view.name] = of_list.get(plan.view.name, 0) + 1


def may_be_told(item: KnownGood, view: View) -> bool:
    """Whether a list does not act in a view, and its owner sees all that the view says."""
    return not Suppression.acts(item, view) and audiences.sees(item.audience, view.audience)


def said(plan: Plan, about: list[Claim], now: Millis) -> bool:
    """Whether the view says at ``now`` that there is such an observable, from all claims about it."""
    standing = [claim for claim in about if sees(plan.view, claim) and not claim.withdrawn and claim.ends > now]
    return bool(standing) and (not plan.view.own or any(claim.audience == plan.view.audience for claim in standing))
