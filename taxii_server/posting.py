"""What becomes of an envelope that somebody posted, by whichever door: one road for TAXII and for the command line.

What is posted to a shared collection is dealt with at once. What is posted as a submission is kept durably and pending;
whoever processes it gives the verdicts.
"""

from __future__ import annotations

import uuid

from config.instant import Micros
from config.settings import ApiRoot, Collection, Settings
from normalizers.envelope import objects_of
from taxii_server.access import Caller
from taxii_server.sharing import Share
from taxii_server.stores.base import AuditRecord, Store, Submission
from taxii_server.verdicts import Verdict, named, verdict


def post(
    store: Store, settings: Settings, root: ApiRoot, collection: Collection, who: Caller, body: bytes, now: Micros
) -> Submission:
    """Take in the envelope in ``body``, of somebody who may post there; gives its submission, durable by then.

    Raises :class:`normalizers.envelope.EnvelopeError` for a body that is no envelope. An object that is not taken
    fails by itself, with its verdict.
    """
    objects = objects_of(body)
    shared = collection.kind == "shared"
    verdicts: list[Verdict]
    if shared:
        verdicts = Share(store, settings, root, collection, who, now).add(objects)
    else:
        verdicts = [verdict("pending", *named(obj, place, now)) for place, obj in enumerate(objects)]
    submission = Submission(
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
    store.add_submission(submission)
    store.audit(_record(submission))
    return submission


def _record(submission: Submission) -> AuditRecord:
    statuses = [item["status"] for item in submission.verdicts]
    counts = {status: statuses.count(status) for status in set(statuses)}
    detail = {"status": submission.id, "organisation": submission.organisation, **counts}
    return AuditRecord(submission.received // 1_000, submission.user, "objects posted", submission.collection, detail)
