"""The collections of an API root (TAXII 2.1 section 5.1)."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Blueprint

from config.roots import Collection
from taxii_server.access import Rights
from taxii_server.replies import Reply, reply
from taxii_server.taxii.media import STIX
from taxii_server.taxii.service import Service, caller


def add_routes(routes: Blueprint, service: Service) -> None:
    """GET {api-root}/collections/"""

    @routes.get("/<path>/collections/")
    def collections(path: str) -> Reply:
        who = caller()
        root = service.access.root(who, path)
        found = [resource(item, rights) for item, rights in service.access.collections(who, root)]
        return reply(orjson.dumps({"collections": found} if found else {}))


def resource(collection: Collection, rights: Rights) -> dict[str, Any]:
    """The collection resource (section 5.2.1) as the caller with these rights sees it."""
    found: dict[str, Any] = {"id": str(collection.id), "title": collection.title}
    if collection.description:
        found["description"] = collection.description
    if collection.alias:
        found["alias"] = collection.alias
    found["can_read"] = rights.read
    found["can_write"] = rights.write
    found["media_types"] = [STIX]
    return found
