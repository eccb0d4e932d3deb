"""The manifest of a collection (TAXII 2.1 section 5.3): one record for each object version that matches."""

from __future__ import annotations

import orjson
from flask import Blueprint

from config.instant import taxii_time
from normalizers.ids import id_text
from taxii_server.replies import Reply
from taxii_server.stores.base import Entry, Page
from taxii_server.taxii.media import STIX
from taxii_server.taxii.nexts import Place
from taxii_server.taxii.paging import following, page_reply
from taxii_server.taxii.params import LISTING, page_query
from taxii_server.taxii.service import Service, note, query_string


def add_routes(routes: Blueprint, service: Service) -> None:
    """GET {api-root}/collections/{id}/manifest/"""

    @routes.get("/<path>/collections/<name>/manifest/")
    def manifest(path: str, name: str) -> Reply:
        root, item = service.readable(path, name)
        place = Place("manifest", str(item.id))
        selection, nothing = page_query(query_string(), LISTING, root, service.nexts, place)
        entries, more = Page([], False) if nothing else service.store.page(place.collection, selection)
        note(place.collection, len(entries))
        if not entries:
            return page_reply("objects", (), "", 0, 0)
        first, last = entries[0].date_added, entries[-1].date_added
        onward = following(service.nexts, place, selection, more, last)
        return page_reply("objects", [_record(entry) for entry in entries], onward, first, last)


def _record(entry: Entry) -> bytes:
    return orjson.dumps(
        {
            "id": id_text(entry.type, entry.uuid),
            "date_added": taxii_time(entry.date_added),
            "version": entry.version,
            "media_type": STIX,
        }
    )
