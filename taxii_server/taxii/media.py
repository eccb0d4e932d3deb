"""Media types (TAXII 2.1 sections 1.6.8 and 3.1), with the tolerance that real clients need.

Accept and Content-Type may have any spacing and case, leave the version out, say plain JSON, or be missing.
"""

from __future__ import annotations

from functools import lru_cache

from werkzeug.http import parse_list_header, parse_options_header

from taxii_server.taxii.errors import TaxiiError

TAXII = "application/taxii+json;version=2.1"
STIX = "application/stix+json;version=2.1"

_VERSIONED = ("application/taxii+json", "application/stix+json")
_ANY = ("*/*", "application/*", "application/json")
#: Longest header that is remembered: more than any client sends, and strangers may send what they like.
_REMEMBERED = 200
_EXPECTED = f"expected {TAXII}, application/taxii+json or application/json"


def check_accept(header: str | None) -> None:
    """Raises the 406 of a request that takes none of the media types there are here.

    A range that is defined here counts wherever it stands, whatever stands beside it and whatever its weight.
    """
    if header and not (_acceptable if len(header) <= _REMEMBERED else _acceptable.__wrapped__)(header):
        raise TaxiiError(406, f"Accept: {_EXPECTED}, got {header[:100]!r}")


def check_content(media_type: str | None, encoding: str | None) -> None:
    """Raises the 415 of a body in a media type or an encoding that is not read here."""
    if media_type and not _is_served(media_type):
        raise TaxiiError(415, f"Content-Type: {_EXPECTED}, got {media_type[:100]!r}")
    if encoding and encoding.strip().lower() != "identity":
        raise TaxiiError(415, f"Content-Encoding: expected none, got {encoding[:40]!r}")


@lru_cache(maxsize=256)
def _acceptable(header: str) -> bool:
    # parse_list_header takes the quotes off an item that is nothing but a quoted string; a media range never is.
    return any(_is_served(item) for item in parse_list_header(header))


def _is_served(media_range: str) -> bool:
    return (_served if len(media_range) <= _REMEMBERED else _served.__wrapped__)(media_range)


@lru_cache(maxsize=256)
def _served(media_range: str) -> bool:
    name, options = parse_options_header(media_range)
    name = name.strip().lower()
    if name in _VERSIONED:
        return options.get("version", "2.1").strip() == "2.1"
    return name in _ANY
