"""Promise 6: everything served is valid."""

from __future__ import annotations

import uuid
from typing import Any

import orjson
import pytest
import stix2
from hypothesis import given, settings
from stix2validator import ValidationOptions, validate_instance

from config.audience import CLEAR
from config.settings import Hub
from normalizers import companions, stix
from normalizers.claims import Claim
from normalizers.ids import Ids, id_text, object_type
from normalizers.merge import View, merge
from tests.merge.strategies import VIEWS, about_one

HUB = Hub(name="hub.example", title="A hub", namespace=uuid.UUID("4ab14efb-cfa6-4360-a72b-4899971aca94"))
OPTIONS = ValidationOptions(version="2.1", strict=False)
PUBLISHER = "identity--11111111-1111-4111-8111-111111111111"


def check(obj: dict[str, Any]) -> None:
    """stix2.parse without allow_custom takes it, and the OASIS validator finds no error."""
    stix2.parse(obj, allow_custom=False)
    result = validate_instance(obj, OPTIONS)
    assert result.is_valid, [str(error) for error in result.errors]


def merged_object(claims: list[Claim], view: View) -> dict[str, Any] | None:
    """The object that a view publishes of these claims; None when it publishes nothing."""
    word = merge(claims, view)
    if word is None:
        return None
    kind = object_type(word.type)
    ids = Ids(HUB.namespace)
    body = stix.body(
        kind,
        id_text(kind, ids.merged(word.type, word.value, view.name, 1)),
        id_text("identity", companions.hub_id(ids)),
        "2026-01-01T00:00:00.000Z",
        "2026-01-02T00:00:00.000Z",
        stix.content(word, view.dialect, PUBLISHER),
        revoked=stix.ends_by_revocation(word),
    )
    parsed: dict[str, Any] = orjson.loads(body)
    return parsed


@given(about_one())
@settings(max_examples=300)
def test_promise_6_every_merged_object_is_valid(claims: list[Claim]) -> None:
    """Whatever claims are merged in whatever view, the object passes stix2.parse and the OASIS validator."""
    for view in VIEWS:
        obj = merged_object(claims, view)
        if obj is not None:
            check(obj)


@pytest.mark.parametrize("dialect", ["tlp2", "tlp1", "opencti"])
@pytest.mark.parametrize("audience", [CLEAR, "green", "amber:finance", "amber+strict:finance"])
def test_promise_6_every_companion_is_valid(audience: str, dialect: Any) -> None:
    """The identities, the extension definition and the markings that collections ship are valid."""
    for companion in companions.fixed(audience, dialect):
        check(orjson.loads(companion.body))
    ids = Ids(HUB.namespace)
    for content in (companions.hub_identity(HUB), companions.publisher_identity("発行者")):
        hub = id_text("identity", companions.hub_id(ids))
        time = "2026-01-01T00:00:00.000Z"
        check(orjson.loads(stix.body("identity", hub, hub, time, time, content, revoked=False)))
