"""Server discovery (TAXII 2.1 section 4.1)."""

from __future__ import annotations

import orjson
from flask import Blueprint

from taxii_server.access import LoginFirst
from taxii_server.replies import Reply, reply
from taxii_server.taxii.service import Service, caller


def add_routes(routes: Blueprint, service: Service) -> None:
    """GET /taxii2/"""
    hub, default = service.settings.hub, service.settings.default_root

    @routes.get("/taxii2/")
    def discovery() -> Reply:
        who = caller()
        paths = [root.path for root in service.access.roots(who)]
        if not paths and not who.name:
            raise LoginFirst
        found = {
            "title": hub.title,
            "description": hub.description,
            "contact": hub.contact,
            "default": f"/{default}/" if default in paths else None,
            # Relative, so that they are right whatever name and port the hub is reached by.
            "api_roots": [f"/{path}/" for path in paths],
        }
        return reply(orjson.dumps({name: value for name, value in found.items() if value}))
