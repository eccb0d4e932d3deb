"""The objects of a collection (TAXII 2.1 sections 5.4 and 5.5).

Reading is the road that every subscriber takes at every poll: a range of stored bytes, joined. Nothing is parsed.
"""

from __future__ import annotations

from flask import Blueprint, request

from taxii_server.replies import Reply
from taxii_server.stores.base import BodiesPage
from taxii_server.taxii.adding import add_objects
from taxii_server.taxii.nexts import Place
from taxii_server.taxii.paging import following, page_reply
from taxii_server.taxii.params import LISTING, page_query
from taxii_server.taxii.service import Service, caller, note, query_string


def add_routes(routes: Blueprint, service: Service) -> None:
    """GET and POST {api-root}/collections/{id}/objects/"""

    @routes.get("/<path>/collections/<name>/objects/")
    def get_objects(path: str, name: str) -> Reply:
        root, item = service.readable(path, name)
        place = Place("objects", str(item.id))
        selection, nothing = page_query(query_string(), LISTING, root, service.nexts, place)
        if nothing:
            bodies, first, last, more = BodiesPage([], 0, 0, False)
        else:
            bodies, first, last, more = service.store.bodies(place.collection, selection)
        note(place.collection, len(bodies))
        return page_reply("objects", bodies, following(service.nexts, place, selection, more, last), first, last)

    @routes.post("/<path>/collections/<name>/objects/")
    def post_objects(path: str, name: str) -> Reply:
        root, item = service.access.writable(caller(), path, name)
        note(str(item.id))
        return add_objects(service, root, item, request)
