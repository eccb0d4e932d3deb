"""The objects that merged objects refer to, shipped in every merged collection so that each reference resolves."""

from __future__ import annotations

import uuid
from typing import Any, NamedTuple

import orjson

from config.audience import Audience, marking_of
from config.settings import Hub
from normalizers.contributions import EXTENSION_ID, SCHEMA
from normalizers.ids import Ids
from normalizers.markings import Dialect, Tlp, companion

#: Who defines the extension: the same object on every hub, since the same id and ``modified`` are the same bytes.
PROJECT_ID = "identity--0d5a2a6c-7d3f-4c53-9b0f-0a3a0f1d5e21"
_PROJECT_TIME = "2026-11-01T00:00:00.000Z"


class Companion(NamedTuple):
    """An object of fixed bytes, or (``created`` empty) the content of one that the hub versions like its others."""

    type: str
    uuid: bytes
    created: str
    version: str
    body: bytes


def fixed(audience: Audience, dialect: Dialect) -> list[Companion]:
    """What is the same on every hub: the project's identity, the extension's definition, the markings of a view."""
    found = [_companion(_PROJECT), _companion(_EXTENSION)]
    for label in _labels(audience):
        obj = companion(label, dialect)
        if obj is not None:
            found.append(_companion(obj))
    return found


def hub_identity(hub: Hub) -> bytes:
    """Content of the identity that the hub's objects name as their creator."""
    shown: dict[str, Any] = {"name": hub.title, "identity_class": "organization"}
    if hub.description:
        shown["description"] = hub.description
    if hub.contact:
        shown["contact_information"] = hub.contact
    return orjson.dumps(shown)


def publisher_identity(name: str) -> bytes:
    """Content of the identity of a feed's publisher."""
    return orjson.dumps({"name": name, "identity_class": "organization"})


def hub_id(ids: Ids) -> bytes:
    """The id of the hub's identity."""
    return ids.make("identity|hub")


def _labels(audience: Audience) -> list[Tlp]:
    """The labels that objects of a view with this ceiling can bear."""
    known: list[Tlp] = ["clear", "green", "amber", "amber+strict"]
    return known[: known.index(marking_of(audience)) + 1]


def _companion(obj: dict[str, Any]) -> Companion:
    kind, _, id_ = obj["id"].partition("--")
    version = obj.get("modified", obj["created"])
    return Companion(kind, uuid.UUID(id_).bytes, obj["created"], version, orjson.dumps(obj))


_PROJECT: dict[str, Any] = {
    "type": "identity",
    "spec_version": "2.1",
    "id": PROJECT_ID,
    "created": _PROJECT_TIME,
    "modified": _PROJECT_TIME,
    "name": "Noroshi",
    "description": "Automated indicator sharing hub; defines the contributions extension.",
    "identity_class": "system",
}
_EXTENSION: dict[str, Any] = {
    "type": "extension-definition",
    "spec_version": "2.1",
    "id": EXTENSION_ID,
    "created_by_ref": PROJECT_ID,
    "created": _PROJECT_TIME,
    "modified": _PROJECT_TIME,
    "name": "Contributions of a merged object",
    "description": "Lists the claims that an automated indicator sharing hub merged into the object.",
    "schema": SCHEMA,
    "version": "1.0.0",
    "extension_types": ["property-extension"],
}
