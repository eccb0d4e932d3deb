"""JSON documents: parsed whole or refused whole."""

from __future__ import annotations

from typing import Any

import orjson

from collectors.document import Document
from normalizers.records import UnreadableDocument
from normalizers.texts import refuse_html, whole


def parsed(document: Document) -> Any:
    """What the document holds. Raises :class:`UnreadableDocument` where it is broken, cut off or nested too deeply."""
    content = whole(document)
    try:
        return orjson.loads(content)
    except (orjson.JSONDecodeError, RecursionError) as error:
        refuse_html(document, "JSON")
        raise UnreadableDocument(f"{document.name}: expected JSON (RFC 8259) in UTF-8: {error}") from None


def at(value: Any, path: str) -> Any:
    """What lies at a path such as ``data.items``; None where there is nothing. ``""`` is the value itself."""
    for step in path.split(".") if path else ():
        if not isinstance(value, dict):
            return None
        value = value.get(step)
    return value


def text_at(value: Any, path: str) -> str:
    """The text at a path, or ""."""
    found = at(value, path)
    return found if isinstance(found, str) else ""


def list_at(value: Any, path: str) -> list[Any]:
    """The list at a path; empty where there is none."""
    found = at(value, path)
    return found if isinstance(found, list) else []


def texts_in(value: Any) -> list[str]:
    """The texts of a list; none where it is no list."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
