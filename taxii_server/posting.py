"""What becomes of an envelope that somebody posted, by whichever door: one road for TAXII and for the command line.

What is posted to a shared collection is dealt with at once. What is posted as a submission is kept durably and pending;
whoever processes it gives the verdicts.
"""

from __future__ import annotations

import uuid
from collections import Counter

from config.instant import Micros
from config.roots import ApiRoot, Collection
from config.settings import Settings
from normalizers.envelope import objects_of
from taxii_server.access import Caller
from taxii_server.sharing import Share
from taxii_server.stores.base import AuditRecord, Store, Submission
from taxii_server.verdicts import Verdict, named, verdict


def post(
    store: Store,
    settings: Settings,
    root: ApiRoot,
    collection: Collection,
    who: Caller,
    body: bytes,
    now: Micros,
    actor: str = "",
) -> Submission:
    """Take in the envelope in ``body``, of somebody who may post there; gives its submission, durable by then.

    ``actor`` is who posts on behalf of ``who``, for the audit log.

    Raises :class:`normalizers.envelope.EnvelopeError` for a body that is no envelope. An object that is not taken
    fails by itself, with its verdict.
    """
    objects = objects_of(body)
    shared = collection.kind == "shared"
    name = str(uuid.uuid4())
    detail = {"status": name, "user": who.name, "organisation": who.organisation}
    audit = AuditRecord(now // 1_000, actor or who.name, "objects posted", str(collection.id), detail)
    verdicts: list[Verdict]
    if shared:
        published = audit._replace(action="objects shared")
        verdicts = Share(store, settings, root, collection, who, now, published).add(objects)
    else:
        verdicts = [verdict("pending", *named(obj, place, now)) for place, obj in enumerate(objects)]
    submission = Submission(
        id=name,
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
    counts = Counter(item["status"] for item in verdicts)
    store.add_submission(submission, audit._replace(detail={**detail, **counts}))
    return submission
