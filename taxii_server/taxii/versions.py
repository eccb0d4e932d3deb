"""The versions of an object (TAXII 2.1 section 5.8)."""

from __future__ import annotations

from dataclasses import replace

import orjson
from flask import Blueprint

from taxii_server.access import Hidden
from taxii_server.replies import Reply
from taxii_server.stores.base import Page
from taxii_server.taxii.nexts import Place
from taxii_server.taxii.object import known_key
from taxii_server.taxii.paging import exists, following, page_reply
from taxii_server.taxii.params import EVERY_VERSION, VERSIONS, page_query
from taxii_server.taxii.service import Service, note, query_string


def add_routes(routes: Blueprint, service: Service) -> None:
    """GET {api-root}/collections/{id}/objects/{object-id}/versions/"""

    @routes.get("/<path>/collections/<name>/objects/<object_id>/versions/")
    def versions(path: str, name: str, object_id: str) -> Reply:
        root, item = service.readable(path, name)
        note(str(item.id))
        key = known_key(object_id)
        place = Place("versions", str(item.id), object_id.lower())
        selection, nothing = page_query(query_string(), VERSIONS, root, service.nexts, place)
        selection = replace(selection, ids=frozenset((key,)), versions=EVERY_VERSION)
        entries, more = Page([], False) if nothing else service.store.page(place.collection, selection)
        if not entries:
            if not exists(service.store, place.collection, key):
                raise Hidden
            return page_reply("versions", (), "", 0, 0)
        note(place.collection, len(entries))
        first, last = entries[0].date_added, entries[-1].date_added
        onward = following(service.nexts, place, selection, more, last)
        return page_reply("versions", [orjson.dumps(entry.version) for entry in entries], onward, first, last)
