"""What becomes of each object that was posted: one verdict an object, as status resources tell it."""

from __future__ import annotations

from typing import Any, Literal

from config.instant import Micros, stix_time

#: {"id", "version", "status", "message"}, all texts: see Submission.verdicts
Verdict = dict[str, str]
Status = Literal["success", "failure", "pending"]

_LONGEST = 300


def verdict(status: Status, object_id: str, version: str, message: str = "") -> Verdict:
    """A verdict; ``message`` says what happened, where there is anything to say."""
    return {"id": object_id, "version": version, "status": status, "message": message}


def named(obj: Any, place: int, now: Micros) -> tuple[str, str]:
    """The id and the version that a verdict calls a posted object by (TAXII 2.1 section 4.3.1).

    Something without an id goes by its place in the envelope, and something without a version by when it came.
    """
    found = obj if isinstance(obj, dict) else {}
    object_id, version = found.get("id"), found.get("modified", found.get("created"))
    return (
        object_id[:_LONGEST] if isinstance(object_id, str) and object_id else f"objects[{place}]",
        version[:_LONGEST] if isinstance(version, str) and version else stix_time(now // 1_000),
    )
