"""TAXII 2.1 (OASIS Standard, 10 June 2021) over HTTP: one module for each resource."""

from __future__ import annotations

from flask import Blueprint, request

from taxii_server.taxii import (
    api_root,
    collection,
    collections,
    discovery,
    manifest,
    object,
    objects,
    status,
    versions,
)
from taxii_server.taxii.media import check_accept
from taxii_server.taxii.service import Service

_RESOURCES = (discovery, api_root, status, collections, collection, manifest, objects, object, versions)


def routes(service: Service) -> Blueprint:
    """All TAXII endpoints of that service."""
    blueprint = Blueprint("taxii", __name__)

    @blueprint.before_request
    def acceptable() -> None:
        check_accept(request.environ.get("HTTP_ACCEPT"))

    for resource in _RESOURCES:
        resource.add_routes(blueprint, service)
    return blueprint
