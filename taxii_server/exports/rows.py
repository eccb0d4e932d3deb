"""Indicators as other formats than STIX write them: one observable, how sure, how long, and what it is called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import orjson

from config.instant import Millis
from normalizers.bad_value import BadValue
from normalizers.labels import MALWARE
from normalizers.patterns import observable


class Row(NamedTuple):
    """One live indicator. Times as STIX writes them."""

    #: observable type and canonical value
    type: str
    value: str
    #: 0 to 100; 0 where none is given
    confidence: int
    valid_from: str
    #: "" for no end
    valid_until: str
    modified: str
    id: str
    labels: tuple[str, ...]

    @property
    def malware(self) -> list[str]:
        """The families that its labels name."""
        return [label.removeprefix(MALWARE) for label in self.labels if label.startswith(MALWARE)]


class About(NamedTuple):
    """What an export says of itself."""

    hub: str
    #: of the collection
    title: str
    #: the present that decided what is live, and the newest entry; milliseconds
    present: Millis
    latest: Millis
    #: the same for the same content
    tag: str


#: rows, each with its object as the collection holds it
Rows = Iterable[tuple[Row, bytes]]


def live(bodies: Iterable[bytes], present: str) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """The indicators among objects that hold at ``present``, a STIX timestamp: not over, not revoked."""
    for body in bodies:
        obj = orjson.loads(body)
        if obj["type"] == "indicator" and not obj.get("revoked") and obj.get("valid_until", "9") > present:
            yield body, obj


def row_of(obj: dict[str, Any]) -> Row | None:
    """The row of an indicator; None where its pattern is not about one observable, as in a shared collection."""
    if obj.get("pattern_type") != "stix":
        return None
    try:
        kind, value = observable(obj["pattern"])
    except BadValue:
        return None
    return Row(
        kind,
        value,
        obj.get("confidence", 0),
        obj["valid_from"],
        obj.get("valid_until", ""),
        obj["modified"],
        obj["id"],
        tuple(obj.get("labels", ())),
    )
