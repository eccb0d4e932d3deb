"""The query parameters of the read and delete endpoints (TAXII 2.1 sections 3.4 and 3.5).

What is unknown is ignored, as the specification allows; what is known and malformed, or given twice, is a 400 that says
what was given and what was expected.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple, TypeVar
from urllib.parse import parse_qsl

from config.instant import Micros, parse_micros
from config.roots import ApiRoot
from taxii_server.stores.base import LAST, ObjectKey, Selection, Versions, version_key
from taxii_server.taxii.errors import TaxiiError, bad_request
from taxii_server.taxii.nexts import Nexts, Place

#: What each endpoint understands (section 3.4).
LISTING = frozenset(
    ("added_after", "limit", "next", "match[id]", "match[type]", "match[version]", "match[spec_version]")
)
OBJECT = frozenset(("added_after", "limit", "next", "match[version]", "match[spec_version]"))
VERSIONS = frozenset(("added_after", "limit", "next", "match[spec_version]"))
DELETE = frozenset(("match[version]", "match[spec_version]"))

#: The specification version of all that the hub holds.
SPEC_VERSION = "2.1"
EVERY_VERSION = Versions(last=False, all=True)

_STIX_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,18})?Z")
_RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,18})?(?:[Zz]|[+-]\d{2}:\d{2})")
_TYPE = re.compile(r"[a-z0-9-]{3,250}")
_ID = re.compile(r"([a-z0-9-]{3,250})--([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})", re.IGNORECASE)
_SPEC = re.compile(r"\d+\.\d+")
_MOST_FIELDS = 64
#: Longest query, in characters, that begins a listing: it comes again with the next that holds it, and of both
#: together not more than 65,535 characters can be asked for.
_LONGEST = 20_000
#: longest query, in characters, whose reading is remembered
_REMEMBERED = 512

T = TypeVar("T")


class Query(NamedTuple):
    """What a request asks for."""

    selection: Selection
    #: nothing matches whatever the store holds: only other versions of STIX than the hub's were asked for
    nothing: bool


def object_key(text: str) -> ObjectKey | None:
    """The key of a STIX id such as ``indicator--<UUID>``; None when the text is no such id."""
    found = _ID.fullmatch(text)
    return None if found is None else (found[1].lower(), bytes.fromhex(found[2].replace("-", "")))


def page_query(raw: str, fields: frozenset[str], root: ApiRoot, nexts: Nexts, place: Place) -> Query:
    """The query of an endpoint that gives pages; ``raw`` is the query string. Raises a 400."""
    read = _remembered if len(raw) <= _REMEMBERED else _read
    selection, nothing, following, limit = read(raw, fields, root.default_page, root.max_page)
    if following is not None:
        selection = nexts.read(following, place, limit)
        return Query(replace(selection, limit=min(selection.limit, root.max_page)), nothing=False)
    return Query(selection, nothing)


def _read(raw: str, fields: frozenset[str], default: int, most: int) -> tuple[Selection, bool, str | None, int | None]:
    """The selection, whether it is of nothing, ``next`` and ``limit`` as given. Raises a 400."""
    given = fields_of(raw, fields) if raw else {}
    if len(raw) > _LONGEST and "next" not in given:
        expected = f"at most {_LONGEST} characters, some 400 ids; more are to be asked for in parts"
        raise TaxiiError(400, f"query: expected {expected}, got {len(raw)}")
    limit = _limit(given["limit"]) if "limit" in given else None
    selection = Selection(
        limit=min(default if limit is None else limit, most),
        after=_added_after(given["added_after"]) if "added_after" in given else 0,
        types=frozenset(_several("match[type]", given, _type)) if "match[type]" in given else None,
        ids=frozenset(_several("match[id]", given, _key)) if "match[id]" in given else None,
        versions=_versions(given) if "match[version]" in given else LAST,
    )
    return selection, not _spec_versions(given), given.get("next"), limit


# A subscriber that is up to date asks the same question until there is something new.
_remembered = lru_cache(maxsize=1_024)(_read)


def delete_query(raw: str) -> Versions | None:
    """Which versions a deletion is about; None is all of them. Raises a 400, and a 404 when none can be meant."""
    given = fields_of(raw, DELETE)
    if not _spec_versions(given):
        raise TaxiiError(404, f"match[spec_version]: everything here is STIX {SPEC_VERSION}")
    return _versions(given) if "match[version]" in given else None


def fields_of(raw: str, known: frozenset[str]) -> dict[str, str]:
    """The known parameters of a query string. Raises the 400 of one that is malformed or given twice."""
    try:
        pairs = parse_qsl(raw, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        expected = f"UTF-8, percent-encoded, and at most {_MOST_FIELDS} parameters"
        raise bad_request("query", raw, expected) from error
    given: dict[str, str] = {}
    for name, value in pairs:
        if name in given and (name in known or name.startswith("match[")):
            raise TaxiiError(400, f"{name[:60]}: expected at most once, got twice")
        given[name] = value
    return {name: value for name, value in given.items() if name in known}


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 18 or int(text) == 0:
        raise bad_request("limit", text, "a whole number above 0")
    return int(text)


def _added_after(text: str) -> Micros:
    if _RFC3339.fullmatch(text):
        try:
            if text < "1970-01-02":
                datetime.fromisoformat(text.upper())
                return 0  # a real time, earlier than anything was added
            return parse_micros(text)
        except ValueError:
            pass
    raise bad_request("added_after", text, "a timestamp such as 2026-01-02T03:04:05.678901Z")


def _several(name: str, given: dict[str, str], read: Callable[[str], T]) -> list[T]:
    return [read(part) for part in given[name].split(",")]


def _type(text: str) -> str:
    if not _TYPE.fullmatch(text):
        raise bad_request("match[type]", text, "STIX object types, separated by commas without spaces")
    return text


def _key(text: str) -> ObjectKey:
    key = object_key(text)
    if key is None:
        raise bad_request("match[id]", text, "STIX ids, separated by commas without spaces")
    return key


def _spec_versions(given: dict[str, str]) -> bool:
    """Whether the hub's version of STIX is among those that are wanted."""
    if "match[spec_version]" not in given:
        return True
    return SPEC_VERSION in _several("match[spec_version]", given, _spec_version)


def _spec_version(text: str) -> str:
    if not _SPEC.fullmatch(text):
        raise bad_request("match[spec_version]", text, "STIX versions such as 2.1, separated by commas without spaces")
    return text


def _versions(given: dict[str, str]) -> Versions:
    text = given["match[version]"]
    values = [part if part in ("last", "first", "all") else _version(part) for part in text.split(",")]
    if len(set(values)) < len(values):
        raise bad_request("match[version]", text, "every value once")
    if "all" in values and len(values) > 1:
        raise bad_request("match[version]", text, "all by itself, or any of last, first and timestamps")
    exact = tuple(value for value in values if value not in ("last", "first", "all"))
    return Versions(last="last" in values, first="first" in values, all="all" in values, exact=exact)


def _version(text: str) -> str:
    if _STIX_TIME.fullmatch(text):
        try:
            datetime.fromisoformat(text[:19])
            return version_key(text)
        except ValueError:
            pass
    expected = "last, first, all or timestamps such as 2026-01-02T03:04:05.678Z, separated by commas without spaces"
    raise bad_request("match[version]", text, expected)
