"""What ``noroshi lookup`` says of the objects that are made of claims, or passed on: in which view, and where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from config import audience as audiences
from config.audience import Audience
from config.instant import system_clock
from config.observables import PASSED
from config.settings import Settings
from normalizers.claims import Claim
from normalizers.ids import id_text
from normalizers.merge import Merged
from taxii_server.cli.tables import moment
from taxii_server.stores.base import ObjectKey, ObjectState, Store
from taxii_server.views import Plan, Sight, plans
from taxii_server.whereabouts import whereabouts


def objects_of(
    settings: Settings, store: Store, key: bytes, claims: list[Claim], reader: Audience
) -> Iterator[dict[str, Any]]:
    """The objects of an observable in the views that ``reader`` may see, as these ``claims`` about it make them."""
    sight = Sight(settings, store, system_clock)
    titles = {str(item.id): item.title for root in settings.api_roots for item in root.collections}
    for plan in plans(settings):
        if not audiences.sees(reader, plan.view.audience):
            continue
        if claims and claims[0].type == PASSED:
            yield from _passed_on(settings, store, plan, claims, titles)
            continue
        for outlook in sight.look(plan, [key], {key: claims}):
            known = sight.published(plan, outlook.word.type, outlook.word.value)
            if known is not None and known.state is not None:
                yield _published(plan, outlook.word, known.object, known.state, titles)


def _published(
    plan: Plan, word: Merged, key: ObjectKey, state: ObjectState, titles: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "view": plan.view.name,
        "id": id_text(*key),
        "version": state.version,
        "revoked": state.revoked,
        "kept_out": {"": None, "drop": "dropped", "hold": "held"}[word.gate],
        "ends": moment(word.ends),
        "confidence": word.confidence,
        "collections": [titles.get(name, name) for name in state.places],
    }


def _passed_on(
    settings: Settings, store: Store, plan: Plan, claims: list[Claim], titles: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """An object that is passed on, as it stands in a view, and what it waits for there."""
    found = whereabouts(store, plan, claims, system_clock() // 1_000, settings.tolerated_skew)
    if found is not None:
        yield {
            "view": plan.view.name,
            "id": claims[0].value,
            "version": found.version,
            "revoked": found.revoked,
            "kept_out": None if found.places else "waiting",
            "ends": moment(found.word.ends),
            "confidence": found.word.confidence,
            "collections": [titles.get(name, name) for name in found.places],
            "waits_for": list(found.waits_for),
        }
