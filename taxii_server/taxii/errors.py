"""Errors as TAXII clients see them (TAXII 2.1 section 3.6.1): made in this one place.

An error message says what was given and what was expected, never how the hub works inside or what exists that the
caller may not know of.
"""

from __future__ import annotations

import orjson

from taxii_server.access import Forbidden, Hidden, LoginFirst
from taxii_server.credentials import Unauthorised
from taxii_server.stores.base import StoreBusy, StoreFull

#: What a refused caller is asked for; two challenges, the one that every client knows first.
CHALLENGES = ('Basic realm="noroshi", charset="UTF-8"', 'Bearer realm="noroshi"')

#: Seconds after which trying again makes sense when the store is busy.
RETRY_AFTER = 2

TITLES = {
    400: "Bad request",
    401: "Login needed",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    408: "Too slow",
    413: "Too large",
    415: "Unsupported media type",
    422: "Not processable",
    500: "Internal error",
    503: "Busy",
    507: "No room",
}


class TaxiiError(Exception):
    """A request that is answered with an error message."""

    def __init__(self, status: int, description: str, *, error_id: str = "") -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.error_id = error_id

    @property
    def body(self) -> bytes:
        """The error message, as JSON."""
        message = {
            "title": TITLES.get(self.status, "Error"),
            "description": self.description,
            "http_status": str(self.status),
        }
        if self.error_id:
            message["error_id"] = self.error_id
        return orjson.dumps(message)

    @property
    def headers(self) -> list[tuple[str, str]]:
        """What this error brings besides its body."""
        if self.status == 401:
            return [("WWW-Authenticate", challenge) for challenge in CHALLENGES]
        if self.status == 503:
            return [("Retry-After", str(RETRY_AFTER))]
        if self.status == 408:
            return [("Connection", "close")]
        return []


def bad_request(field: str, given: str, expected: str) -> TaxiiError:
    """The 400 of a query parameter that cannot be used."""
    shown = given if len(given) <= 60 else given[:57] + "..."
    return TaxiiError(400, f"{field}: expected {expected}, got {shown!r}")


def translated(error: Exception) -> TaxiiError | None:
    """What a lower layer's error is to a client; None for one that nobody foresaw."""
    match error:
        case TaxiiError():
            return error
        case LoginFirst() | Unauthorised():
            return TaxiiError(401, str(error) or str(type(error).__doc__))
        case Forbidden():
            return TaxiiError(403, str(error) or "your rights do not include this")
        case Hidden():
            return TaxiiError(404, "there is nothing of that name here, or it is not for you")
        case StoreBusy():
            return TaxiiError(503, "the hub is busy, please try again in a moment")
        case StoreFull():
            return TaxiiError(507, "the hub has no room left; nothing was changed")
        case _:
            return None
