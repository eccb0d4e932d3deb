"""Status of what was posted (TAXII 2.1 section 4.3): for whoever posted it, and nobody else."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Blueprint

from config.instant import taxii_time
from taxii_server.access import Hidden
from taxii_server.replies import Reply, reply
from taxii_server.stores.base import Submission
from taxii_server.taxii.service import Service, caller

_LISTS = {"success": "successes", "failure": "failures", "pending": "pendings"}


def add_routes(routes: Blueprint, service: Service) -> None:
    """GET {api-root}/status/{id}/"""

    @routes.get("/<path>/status/<status_id>/")
    def status(path: str, status_id: str) -> Reply:
        who = caller()
        service.access.root(who, path)
        submission = service.store.submission(status_id.lower())
        if submission is None or submission.root != path:
            raise Hidden
        service.access.own(who, submission.user)
        if submission.state == "complete" and not submission.verdicts:
            raise Hidden  # its time is over, and what became of each object is known no more
        return reply(orjson.dumps(resource(submission)))


def resource(submission: Submission) -> dict[str, Any]:
    """The status resource of a submission."""
    details: dict[str, list[dict[str, str]]] = {"success": [], "failure": [], "pending": []}
    for verdict in submission.verdicts:
        details[verdict["status"]].append(_detail(verdict))
    found: dict[str, Any] = {
        "id": submission.id,
        "status": submission.state,
        "request_timestamp": taxii_time(submission.received),
        "total_count": len(submission.verdicts),
    }
    for status, name in _LISTS.items():
        found[f"{status}_count"] = len(details[status])
        if details[status]:
            found[name] = details[status]
    return found


def _detail(verdict: dict[str, str]) -> dict[str, str]:
    detail = {"id": verdict["id"], "version": verdict["version"]}
    if verdict.get("message"):
        detail["message"] = verdict["message"]
    return detail
