"""Adding objects (TAXII 2.1 section 5.5): from the body of a POST to a status resource.

What is posted to a shared collection is dealt with at once. What is posted as a submission is kept durably and answered
as pending; whoever processes it gives the verdicts.
"""

from __future__ import annotations

import logging
import uuid
from typing import Any

import orjson
from flask import Request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from config.instant import Micros
from config.settings import ApiRoot, Collection
from normalizers.envelope import EnvelopeError, objects_of
from taxii_server.access import Caller
from taxii_server.replies import Reply, reply
from taxii_server.sharing import Share
from taxii_server.stores.base import AuditRecord, Submission
from taxii_server.taxii.errors import TaxiiError
from taxii_server.taxii.media import check_content
from taxii_server.taxii.service import Service, caller
from taxii_server.taxii.status import resource
from taxii_server.verdicts import Verdict, named, verdict

_LOG = logging.getLogger("noroshi.taxii")


def add_objects(service: Service, root: ApiRoot, collection: Collection, request: Request) -> Reply:
    """Take the envelope in a request; the answer is 202 with its status resource.

    Raises the errors 413, 415 and 422 of :class:`TaxiiError`. An object that is not taken fails by itself.
    """
    check_content(request.headers.get("Content-Type"), request.headers.get("Content-Encoding"))
    body = read_body(request, root.max_content_length)
    try:
        objects = objects_of(body)
    except EnvelopeError as error:
        raise TaxiiError(422, str(error)) from error
    now = service.clock()
    submission = _submission(service, root, collection, caller(), body, objects, now)
    service.store.add_submission(submission)
    service.store.audit(_record(submission))
    if submission.state == "pending":
        _tell(service, submission)
    return reply(orjson.dumps(resource(submission)), 202)


def read_body(request: Request, most: int) -> bytes:
    """The body, of at most ``most`` bytes. A longer one is a 413: unread where its length is announced, and read no
    further than the limit where it comes in chunks."""
    request.max_content_length = most
    try:
        return request.get_data(cache=False)
    except RequestEntityTooLarge as error:
        raise TaxiiError(413, f"expected a body of at most {most} bytes") from error
    except ClientDisconnected as error:
        raise TaxiiError(400, "the body ended before its announced length") from error


def _submission(
    service: Service,
    root: ApiRoot,
    collection: Collection,
    who: Caller,
    body: bytes,
    objects: list[Any],
    now: Micros,
) -> Submission:
    shared = collection.kind == "shared"
    verdicts: list[Verdict]
    if shared:
        verdicts = Share(service.store, service.settings, root, collection, who, now).add(objects)
    else:
        verdicts = [verdict("pending", *named(obj, place, now)) for place, obj in enumerate(objects)]
    return Submission(
        id=str(uuid.uuid4()),
        root=root.path,
        collection=str(collection.id),
        user=who.name,
        organisation=who.organisation,
        received=now,
        # Of a shared collection, the objects themselves are what was posted.
        body=b"" if shared else body,
        state="complete" if shared else "pending",
        verdicts=tuple(verdicts),
    )


def _record(submission: Submission) -> AuditRecord:
    statuses = [item["status"] for item in submission.verdicts]
    counts = {status: statuses.count(status) for status in set(statuses)}
    detail = {"status": submission.id, "organisation": submission.organisation, **counts}
    return AuditRecord(submission.received // 1_000, submission.user, "objects posted", submission.collection, detail)


def _tell(service: Service, submission: Submission) -> None:
    if service.accepted is None:
        return
    try:
        service.accepted(submission)
    except Exception:
        # It is durable, and whoever works off what is pending finds it there.
        _LOG.exception("the hook for accepted submissions failed")
