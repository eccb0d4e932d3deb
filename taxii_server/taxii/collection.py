"""One collection (TAXII 2.1 section 5.2)."""

from __future__ import annotations

import orjson
from flask import Blueprint

from taxii_server.replies import Reply, reply
from taxii_server.taxii.collections import resource
from taxii_server.taxii.service import Service, caller


def add_routes(routes: Blueprint, service: Service) -> None:
    """GET {api-root}/collections/{id}/, where the id may be the alias too."""

    @routes.get("/<path>/collections/<name>/")
    def collection(path: str, name: str) -> Reply:
        _, item, rights = service.access.collection(caller(), path, name)
        return reply(orjson.dumps(resource(item, rights)))
