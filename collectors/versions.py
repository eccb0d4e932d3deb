"""What a server calls the version of a document: its ETag and the date of its last change (RFC 9110 section 8.8)."""

from __future__ import annotations

import re
from collections.abc import Mapping

_HEADERS = {"etag": "etag", "modified": "last-modified"}
#: What can be sent back. With anything else in the cursor no request could be made any more.
_SENDABLE = re.compile(r"[!-~](?:[ -~]{0,998}[!-~])?")


def version_of(headers: Mapping[str, str]) -> dict[str, str]:
    """``etag`` and ``modified`` of an answer's headers, whose names are in small letters; without what cannot be sent
    back."""
    said = {name: headers.get(header, "") for name, header in _HEADERS.items()}
    return {name: value for name, value in said.items() if _SENDABLE.fullmatch(value)}


def conditions(version: Mapping[str, str]) -> dict[str, str]:
    """The headers of a request for a document only if it is another version than this one."""
    found = {"If-None-Match": version.get("etag"), "If-Modified-Since": version.get("modified")}
    return {name: value for name, value in found.items() if value}
