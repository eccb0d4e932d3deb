"""Runs in OpenTAXII's environment. ``create`` makes root, collection and account; ``fill ID COUNT`` adds objects.

The configuration is the one that OPENTAXII_CONFIG names.
"""

from __future__ import annotations

import datetime
import json
import sys
from collections.abc import Iterator
from typing import Any

from opentaxii.http import app  # type: ignore[import-not-found]
from opentaxii.persistence.sqldb.taxii2models import STIXObject  # type: ignore[import-not-found]
from opentaxii.taxii2.utils import DATETIMEFORMAT  # type: ignore[import-not-found]

from benchmarks.objects import stix_objects

_BATCH = 5_000


def create() -> None:
    """Print the ids of a private root and collection, and an administrator's token."""
    server = app.taxii_server
    persistence = server.servers.taxii2.persistence.api
    root = persistence.add_api_root(title="bench", default=True)
    collection = persistence.add_collection(api_root_id=root.id, title="bench")
    server.auth.api.create_account("bench", "bench-password", is_admin=True)
    token = server.auth.authenticate("bench", "bench-password")
    print(json.dumps({"root": str(root.id), "collection": str(collection.id), "token": token}))


def fill(collection: str, count: int) -> None:
    """Add the objects 0 to ``count`` - 1, as its own POST would store them."""
    session = app.taxii_server.servers.taxii2.persistence.api.db.session
    for first in range(0, count, _BATCH):
        session.bulk_insert_mappings(STIXObject, list(_rows(collection, first, min(_BATCH, count - first))))
        session.commit()


def _rows(collection: str, first: int, count: int) -> Iterator[dict[str, Any]]:
    start = datetime.datetime(2026, 2, 1, tzinfo=datetime.UTC)
    for item in stix_objects(first, count):
        parsed = json.loads(item.body)
        version = datetime.datetime.strptime(item.version, DATETIMEFORMAT).replace(tzinfo=datetime.UTC)
        yield {
            "id": item.id,
            "collection_id": collection,
            "type": item.type,
            "spec_version": "2.1",
            "date_added": start + datetime.timedelta(microseconds=item.number),
            "version": version,
            "serialized_data": {k: v for k, v in parsed.items() if k not in ("id", "type", "spec_version")},
        }


with app.app_context():
    if sys.argv[1] == "create":
        create()
    else:
        fill(sys.argv[2], int(sys.argv[3]))
