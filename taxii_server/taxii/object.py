"""One object of a collection, by id: reading and deleting it (TAXII 2.1 sections 5.6 and 5.7).

An object that is not there is a 404, and one whose versions were all filtered out an empty envelope: the specification
says both of an object that is not found, and so both stay true.
"""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint

from taxii_server.access import Hidden
from taxii_server.replies import Reply, reply
from taxii_server.sharing import erase
from taxii_server.stores.base import BodiesPage, ObjectKey
from taxii_server.taxii.nexts import Place
from taxii_server.taxii.paging import exists, following, page_reply
from taxii_server.taxii.params import OBJECT, delete_query, object_key, page_query
from taxii_server.taxii.service import Service, caller, note, query_string


def add_routes(routes: Blueprint, service: Service) -> None:
    """GET and DELETE {api-root}/collections/{id}/objects/{object-id}/"""

    @routes.get("/<path>/collections/<name>/objects/<object_id>/")
    def get_object(path: str, name: str, object_id: str) -> Reply:
        root, item = service.readable(path, name)
        note(str(item.id))
        key = known_key(object_id)
        place = Place("object", str(item.id), object_id.lower())
        selection, nothing = page_query(query_string(), OBJECT, root, service.nexts, place)
        selection = replace(selection, ids=frozenset((key,)))
        found = BodiesPage([], 0, 0, False) if nothing else service.store.bodies(place.collection, selection)
        if not found.bodies and not exists(service.store, place.collection, key):
            raise Hidden
        note(place.collection, len(found.bodies))
        onward = following(service.nexts, place, selection, found.more, found.last)
        return page_reply("objects", found.bodies, onward, found.first, found.last)

    @routes.delete("/<path>/collections/<name>/objects/<object_id>/")
    def delete_object(path: str, name: str, object_id: str) -> Reply:
        who = caller()
        _, item = service.access.erasable(who, path, name)
        note(str(item.id))
        versions = delete_query(query_string())
        if not erase(service.store, item, who, known_key(object_id), versions, service.clock()):
            raise Hidden
        return reply(b"")


def known_key(object_id: str) -> ObjectKey:
    """The key of an object id in the path. Raises Hidden for what is no STIX id: no object has it."""
    key = object_key(object_id)
    if key is None:
        raise Hidden
    return key
