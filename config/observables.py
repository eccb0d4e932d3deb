"""The types that observables have, and how long a sighting of each stays valid."""

from __future__ import annotations

from typing import Literal, get_args

from config.instant import DAY, Millis

ObservableType = Literal[
    "url", "domain", "ipv4", "ipv6", "cidr", "email", "file", "certificate", "asn", "cve", "advisory", "ja3", "wallet"
]
#: Observable types. ``file`` is its strongest hash, ``asn`` is written AS64500, ``advisory`` is its URL or stable id.
TYPES: tuple[ObservableType, ...] = get_args(ObservableType)
#: Types that are looked up and never published: what they name is shared by too many, or no subscriber can match it.
LOOK_UP = frozenset(("ja3", "wallet"))
#: The type of claims about a STIX object that is passed on unchanged; its value is the object's id. It is no type that
#: a feed's rows can have.
PASSED = "stix-object"
#: The STIX types of objects that may be passed on. Indicators, vulnerabilities and reports are merged; attack-patterns
#: are ATT&CK's, and stand in labels; an observable's bytes are a function of its id; markings are those that everybody
#: knows.
Passable = Literal[
    "campaign", "course-of-action", "grouping", "identity", "infrastructure", "intrusion-set", "location", "malware",
    "note", "opinion", "relationship", "sighting", "threat-actor", "tool",
]  # fmt: skip
PASSABLE: frozenset[str] = frozenset(get_args(Passable))

#: How long a sighting stays valid, by observable type: by default, and at most what a feed may set. Network values end
#: after 47 days, where MISP's decay model for them (tau 120 d, delta 2) falls from a base of 80 to its threshold of 30.
#: URLs stay a week: its model for phishing lets them end after a day, in which half of the feeds are not even
#: published.
LIFE: dict[str, tuple[Millis, Millis]] = {
    "url": (7 * DAY, 180 * DAY),
    "domain": (47 * DAY, 365 * DAY),
    "ipv4": (47 * DAY, 180 * DAY),
    "ipv6": (47 * DAY, 180 * DAY),
    "cidr": (47 * DAY, 365 * DAY),
    "email": (47 * DAY, 365 * DAY),
    "file": (365 * DAY, 3650 * DAY),
    "certificate": (90 * DAY, 730 * DAY),
    "asn": (47 * DAY, 365 * DAY),
    # With the 90 days that entries stay after their end, they leave a year after the last sighting.
    "cve": (275 * DAY, 730 * DAY),
    "advisory": (275 * DAY, 730 * DAY),
    "ja3": (47 * DAY, 365 * DAY),
    "wallet": (365 * DAY, 3650 * DAY),
    # They leave when this is over: a year after they were last seen.
    PASSED: (365 * DAY, 3650 * DAY),
}
