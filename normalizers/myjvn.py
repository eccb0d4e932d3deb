"""What the forms of MyJVN have in common: the status of an answer."""

from __future__ import annotations

from typing import Any

from collectors.document import Document
from normalizers.jsons import at, text_at
from normalizers.labels import label_of
from normalizers.records import UnreadableDocument


def answered(document: Document, status: Any) -> None:
    """Raise :class:`UnreadableDocument` where a status says that MyJVN could not answer: errors have HTTP status 200.

    A document without a status is no answer of MyJVN's, and passes.
    """
    code = at(status, "retCd")
    if code is not None and str(code) != "0":
        said = f"{label_of(text_at(status, 'errCd'))}: {label_of(text_at(status, 'errMsg'))}"
        raise UnreadableDocument(f"{document.name}: expected retCd 0, got {str(code)[:20]!r} ({said})")
