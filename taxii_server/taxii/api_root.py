"""API root information (TAXII 2.1 section 4.2)."""

from __future__ import annotations

import orjson
from flask import Blueprint

from taxii_server.replies import Reply, reply
from taxii_server.taxii.media import TAXII
from taxii_server.taxii.service import Service, caller


def add_routes(routes: Blueprint, service: Service) -> None:
    """GET {api-root}/"""

    @routes.get("/<path>/")
    def api_root(path: str) -> Reply:
        root = service.access.root(caller(), path)
        found = {"title": root.title, "versions": [TAXII], "max_content_length": root.max_content_length}
        if root.description:
            found["description"] = root.description
        return reply(orjson.dumps(found))
