"""Adding objects (TAXII 2.1 section 5.5): from the body of a POST to a status resource."""

from __future__ import annotations

import orjson
from flask import Request

from config.roots import ApiRoot, Collection
from normalizers.envelope import EnvelopeError
from taxii_server.posting import post
from taxii_server.replies import Reply, reply
from taxii_server.taxii.bodies import read_body
from taxii_server.taxii.errors import TaxiiError
from taxii_server.taxii.media import check_content
from taxii_server.taxii.service import Service, caller
from taxii_server.taxii.status import resource


def add_objects(service: Service, root: ApiRoot, collection: Collection, request: Request) -> Reply:
    """Take the envelope in a request; the answer is 202 with its status resource.

    Raises the errors 408, 413, 415, 422 and 503 of :class:`TaxiiError`. An object that is not taken fails by itself.
    """
    check_content(request.headers.get("Content-Type"), request.headers.get("Content-Encoding"))
    body = read_body(request.environ, root.max_content_length)
    try:
        submission = post(service.store, service.settings, root, collection, caller(), body, service.clock())
    except EnvelopeError as error:
        raise TaxiiError(422, str(error)) from error
    return reply(orjson.dumps(resource(submission)), 202)
