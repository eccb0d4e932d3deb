"""Other ways out than TAXII: ``GET /export/COLLECTION.FORMAT``, for whoever may read the collection."""

from __future__ import annotations

from urllib.parse import parse_qsl

from flask import Blueprint, request
from flask.globals import app_ctx

from config.instant import Clock
from config.roots import Collection
from config.settings import Settings
from taxii_server.access import Access, Forbidden, Hidden
from taxii_server.exports.choosing import BadQuery, wanted
from taxii_server.exports.making import Exported
from taxii_server.replies import Reply, Streamed
from taxii_server.stores.base import Store

_MOST_FIELDS, _LONGEST = 10, 1_000


def routes(settings: Settings, store: Store, access: Access, clock: Clock) -> Blueprint:
    """GET /export/ROOT/ALIAS.FORMAT and /export/ID.FORMAT"""
    blueprint = Blueprint("exports", __name__)
    roots = {str(item.id): root.path for root in settings.api_roots for item in root.collections}

    def readable(name: str) -> Collection:
        path, _, alias = name.rpartition("/")
        _, item = access.readable(app_ctx.g.caller, path or roots.get(alias.lower(), ""), alias)
        if item.kind == "submissions":
            raise Forbidden("there is nothing to read back here but one's own submissions, by their status")
        return item

    @blueprint.get("/export/<path:target>")
    def export(target: str) -> Reply:
        name, dot, form = target.rpartition(".")
        if not dot:
            raise Hidden
        item = readable(name)
        app_ctx.g.collection = str(item.id)
        query = request.environ.get("QUERY_STRING", "")
        made = Exported(store, settings.hub.title, item, form, wanted(_pairs(query)), clock() // 1_000)
        headers = [("ETag", f'"{made.about.tag}"')] if made.lasting else []
        if made.lasting and request.if_none_match.contains_weak(made.about.tag):
            return Streamed(b"", 304, headers)
        return Streamed(made.content(), 200, [("Content-Type", made.form.media), *headers])

    return blueprint


def _pairs(query: str) -> list[tuple[str, str]]:
    if len(query) > _LONGEST:
        raise BadQuery(f"expected a query of at most {_LONGEST} characters, got {len(query)}")
    try:
        return parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise BadQuery(f"expected UTF-8, percent-encoded, and at most {_MOST_FIELDS} parameters") from None
