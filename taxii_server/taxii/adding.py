"""Adding objects (TAXII 2.1 section 5.5): from the body of a POST to a status resource."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import orjson
from flask import Request

from config.settings import ApiRoot, Collection
from normalizers.envelope import EnvelopeError
from taxii_server.posting import post
from taxii_server.replies import Reply, reply
from taxii_server.stores.base import Submission
from taxii_server.taxii.errors import TaxiiError
from taxii_server.taxii.media import check_content
from taxii_server.taxii.service import Service, caller
from taxii_server.taxii.status import resource

_LOG = logging.getLogger("noroshi.taxii")
_PIECE = 256 * 1024


def add_objects(service: Service, root: ApiRoot, collection: Collection, request: Request) -> Reply:
    """Take the envelope in a request; the answer is 202 with its status resource.

    Raises the errors 413, 415 and 422 of :class:`TaxiiError`. An object that is not taken fails by itself.
    """
    check_content(request.headers.get("Content-Type"), request.headers.get("Content-Encoding"))
    body = read_body(request.environ, root.max_content_length)
    try:
        submission = post(service.store, service.settings, root, collection, caller(), body, service.clock())
    except EnvelopeError as error:
        raise TaxiiError(422, str(error)) from error
    if submission.state == "pending":
        _tell(service, submission)
    return reply(orjson.dumps(resource(submission)), 202)


def read_body(environ: Mapping[str, Any], most: int) -> bytes:
    """The body of a WSGI request, of at most ``most`` bytes.

    A longer one is a 413: unread where its length is announced, and read no further than the limit where it comes in
    chunks. One that ends too early is a 400.
    """
    announced = environ.get("CONTENT_LENGTH") or None
    if announced is not None and not (announced.isascii() and announced.isdigit()):
        raise TaxiiError(400, f"Content-Length: expected a number of bytes, got {announced[:20]!r}")
    length = None if announced is None else int(announced)
    too_large = TaxiiError(413, f"expected a body of at most {most} bytes")
    if length is not None and length > most:
        raise too_large
    if length is None and not environ.get("wsgi.input_terminated"):
        return b""
    body = _read(environ["wsgi.input"], most + 1 if length is None else length)
    if length is not None and len(body) < length:
        raise TaxiiError(400, f"expected a body of {length} bytes, got {len(body)}")
    if len(body) > most:
        raise too_large
    return body


def _read(stream: Any, most: int) -> bytes:
    """Up to that many bytes, in pieces: servers' streams differ in what one call gives."""
    pieces: list[bytes] = []
    left = most
    while left > 0 and (piece := stream.read(min(left, _PIECE))):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def _tell(service: Service, submission: Submission) -> None:
    if service.accepted is None:
        return
    try:
        service.accepted(submission)
    except Exception:
        # It is durable, and whoever works off what is pending finds it there.
        _LOG.exception("the hook for accepted submissions failed")
