"""The web application: who asks, what is answered when something goes wrong, what is logged and counted.

``create_app`` makes it from settings and a store; it opens nothing, starts nothing and reads no environment.
"""

from __future__ import annotations

import logging
import secrets
import time

from flask import Flask, request
from flask.globals import app_ctx
from werkzeug.exceptions import HTTPException

from config.instant import Clock
from config.settings import Settings
from taxii_server import accesslog, exports, operations, taxii
from taxii_server.access import Access
from taxii_server.credentials import Credentials
from taxii_server.exports.choosing import BadQuery
from taxii_server.leanflask import LeanFlask
from taxii_server.reads import ReadCounts
from taxii_server.replies import Reply, reply
from taxii_server.stores.base import Store
from taxii_server.taxii.errors import TITLES, TaxiiError, translated
from taxii_server.taxii.nexts import Nexts
from taxii_server.taxii.service import Service

_LOG = logging.getLogger("noroshi.app")


def create_app(settings: Settings, store: Store, *, clock: Clock) -> Flask:
    """The application of one hub, a WSGI callable for any number of threads.

    The read counts are in ``app.extensions["noroshi.reads"]``: whoever runs the application starts and closes them.
    """
    app = LeanFlask("noroshi")
    access = Access(settings)
    reads = ReadCounts(store)
    app.extensions["noroshi.reads"] = reads
    _ask_who(app, Credentials(store, remember=settings.password_cache), clock)
    _note_all(app, reads, clock)
    _answer_errors(app)
    app.register_blueprint(operations.routes(settings, store, access, clock))
    nexts = Nexts(store.secret("next"))
    service = Service(settings=settings, store=store, access=access, clock=clock, nexts=nexts)
    app.register_blueprint(taxii.routes(service))
    app.register_blueprint(exports.routes(settings, store, access, clock))
    return app


def _ask_who(app: Flask, credentials: Credentials, clock: Clock) -> None:
    @app.before_request
    def ask_who() -> None:
        asked = app_ctx.g
        asked.started = time.perf_counter()
        environ = request.environ
        shown = environ.get("HTTP_AUTHORIZATION"), environ.get("HTTP_X_API_KEY")
        asked.caller = credentials.authenticate(*shown, clock())


def _note_all(app: Flask, reads: ReadCounts, clock: Clock) -> None:
    @app.after_request
    def note_all(response: Reply) -> Reply:
        asked, environ = app_ctx.g, request.environ
        caller = asked.get("caller")
        name = caller.name if caller is not None else ""
        collection, objects = asked.get("collection", ""), asked.get("objects", 0)
        if collection and environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            reads.add(name, collection, objects, clock() // 1_000, error=response.status_code >= 400)
        accesslog.write(environ, response, name, collection, objects, time.perf_counter() - asked.started)
        return response


def _answer_errors(app: Flask) -> None:
    @app.errorhandler(Exception)
    def answer(error: Exception) -> Reply:
        if isinstance(error, HTTPException) and error.code is not None:
            return _http_error(error)
        found = TaxiiError(400, str(error)) if isinstance(error, BadQuery) else translated(error)
        if found is None:
            found = TaxiiError(500, "something went wrong inside the hub", error_id=secrets.token_hex(8))
            _LOG.error("request failed", exc_info=error, extra={"fields": {"error_id": found.error_id}})
        elif found.status >= 500:
            _LOG.warning("request not served: %s", error)
        return reply(found.body, found.status, found.headers)


def _http_error(error: HTTPException) -> Reply:
    """What Flask itself refuses: unknown paths, other methods, requests it cannot read."""
    status = error.code or 500
    if status == 404:
        found = TaxiiError(404, "there is nothing of that name here, or it is not for you")
    elif status == 405:
        found = TaxiiError(405, f"expected another method than {request.method[:20]} here")
    else:
        found = TaxiiError(status, TITLES.get(status, error.name))
    kept = [(name, value) for name, value in error.get_headers() if name == "Allow"]
    return reply(found.body, status, [*kept, *found.headers])
