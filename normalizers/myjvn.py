"""What the forms of MyJVN and of CSAF have in common: the status of an answer, and records by the id of an advisory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from collectors.document import Document
from normalizers.advisories import Advisory, told
from normalizers.jsons import at, text_at
from normalizers.labels import label_of
from normalizers.records import Record, UnreadableDocument
from normalizers.sources import Source


def answered(document: Document, status: Any) -> None:
    """Raise :class:`UnreadableDocument` where a status says that MyJVN could not answer: errors have HTTP status 200.

    A document without a status is no answer of MyJVN's, and passes.
    """
    code = at(status, "retCd")
    if code is not None and str(code) != "0":
        said = f"{label_of(text_at(status, 'errCd'))}: {label_of(text_at(status, 'errMsg'))}"
        raise UnreadableDocument(f"{document.name}: expected retCd 0, got {str(code)[:20]!r} ({said})")


def records(advisory: Advisory, source: Source) -> Iterator[Record]:
    """What an advisory says, each known again by its id and what it is about, so that a later version replaces it.

    Raises :class:`BadValue`.
    """
    for claim in told(advisory, source):
        yield Record(f"{advisory.known} {claim.value}" if claim.type == "cve" else advisory.known, claim)
