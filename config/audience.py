"""Who may see a thing: audiences, and how markings and terms make them.

An audience is written as one word, the same in settings, claims and the store::

    clear   <   green   <   amber:GROUP   <   amber+strict:GROUP   <   internal

Words are compared by :func:`sees`, ordered by :func:`rank` and joined by :func:`narrower`, and nowhere else. TLP 2.0 is
FIRST's "Traffic Light Protocol" (2022). TLP:RED is not for automated sharing and has no audience.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

Audience = str
Share = Literal["public", "members", "internal"]
Marking = Literal["clear", "green", "amber", "amber+strict"]

CLEAR: Audience = "clear"
GREEN: Audience = "green"
INTERNAL: Audience = "internal"

_GROUP = re.compile(r"[a-z][a-z0-9-]{0,39}")
_TERMS: dict[Share, Audience] = {"public": CLEAR, "members": GREEN, "internal": INTERNAL}
_RANK: dict[str, int] = {"clear": 0, "green": 1, "amber": 2, "amber+strict": 3, "internal": 4}


def audience_of(marking: str, group: str | None = None) -> Audience:
    """The audience of a TLP 2.0 label such as ``TLP:AMBER`` or ``amber`` within ``group``.

    Raises ValueError for TLP:RED, for AMBER without a group, and for any other word: in doubt the hub stays shut.
    """
    label = marking.strip().lower().removeprefix("tlp:")
    if label == "white":
        label = "clear"
    if label == "red":
        raise ValueError("TLP:RED is for named recipients only and is refused by automated sharing")
    if label not in ("clear", "green", "amber", "amber+strict"):
        raise ValueError(f"expected TLP:CLEAR, GREEN, AMBER or AMBER+STRICT, got {marking[:40]!r}")
    if not label.startswith("amber"):
        return label
    if group is None or not _GROUP.fullmatch(group):
        raise ValueError("TLP:AMBER needs the group it is for, and no group is named here")
    return f"{label}:{group}"


def check(audience: str) -> Audience:
    """Return ``audience`` if it is a well-formed word, else raise ValueError."""
    level, colon, group = audience.partition(":")
    if level not in _RANK or bool(colon) != level.startswith("amber") or (colon and not _GROUP.fullmatch(group)):
        raise ValueError(
            f"expected an audience such as clear, green, amber:GROUP, amber+strict:GROUP or internal, got {audience!r}"
        )
    return audience


def under_terms(audience: Audience, share: Share) -> Audience:
    """Narrow an audience by what a feed's terms let the hub pass on."""
    return narrower(audience, _TERMS[share])


def narrower(first: Audience, second: Audience) -> Audience:
    """The intersection of two audiences; of two different groups, ``internal``."""
    one, _, one_group = first.partition(":")
    two, _, two_group = second.partition(":")
    if one_group and two_group and one_group != two_group:
        return INTERNAL
    return first if _RANK[one] >= _RANK[two] else second


@lru_cache(maxsize=4_096)
def sees(reader: Audience, audience: Audience) -> bool:
    """Whether those who are ``reader`` may see what is for ``audience``."""
    if audience == INTERNAL:
        return reader == INTERNAL
    level, _, group = audience.partition(":")
    reader_level, _, reader_group = reader.partition(":")
    if _RANK[reader_level] < _RANK[level]:
        return False
    return not group or reader_level == "internal" or reader_group == group


def rank(audience: Audience) -> int:
    """How narrow an audience is, from 0 (clear) to 4 (internal); two groups' ambers are equally narrow."""
    return _RANK[audience.partition(":")[0]]


def marking_of(audience: Audience) -> Marking:
    """The TLP 2.0 label, in small letters, that an object for this audience carries. ``internal`` has none."""
    level = audience.partition(":")[0]
    if level == "clear":
        return "clear"
    if level == "green":
        return "green"
    if level == "amber":
        return "amber"
    if level == "amber+strict":
        return "amber+strict"
    raise ValueError("what is internal is never published and carries no marking")
