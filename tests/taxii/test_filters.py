"""TAXII 2.1 section 3.4: filters, on every endpoint that takes them."""

from __future__ import annotations

import pytest

from tests.taxii.hub import OPEN, START, TestHub, ids, numbers, path_of, stix_id

FIRST, SECOND = stix_id("indicator", 1), stix_id("indicator", 2)
OBJECTS, MANIFEST = path_of(OPEN, "objects/"), path_of(OPEN, "manifest/")
ENDPOINTS = {
    "objects": OBJECTS,
    "manifest": MANIFEST,
    "object": path_of(OPEN, f"objects/{FIRST}/"),
    "versions": path_of(OPEN, f"objects/{FIRST}/versions/"),
}
EVERYWHERE = sorted(ENDPOINTS)
LISTINGS = ["manifest", "objects"]

MALFORMED = [
    ("limit=0", EVERYWHERE),
    ("limit=-1", EVERYWHERE),
    ("limit=+1", EVERYWHERE),
    ("limit=1.5", EVERYWHERE),
    ("limit=ten", EVERYWHERE),
    ("limit=", EVERYWHERE),
    ("limit=%EF%BC%91", EVERYWHERE),
    ("limit=1&limit=2", EVERYWHERE),
    ("limit=1%00", EVERYWHERE),
    ("added_after=yesterday", EVERYWHERE),
    ("added_after=", EVERYWHERE),
    ("added_after=2026-03-01", EVERYWHERE),
    ("added_after=2026-03-01T00:00:00", EVERYWHERE),
    ("added_after=2026-13-01T00:00:00Z", EVERYWHERE),
    ("added_after=2026-02-30T00:00:00Z", EVERYWHERE),
    ("added_after=2026-03-01T25:00:00Z", EVERYWHERE),
    ("added_after=0000-01-01T00:00:00Z", EVERYWHERE),
    ("added_after=2026-03-01T00:00:00Z,2026-03-02T00:00:00Z", EVERYWHERE),
    ("added_after=2026-03-01T00:00:00Z&added_after=2026-03-01T00:00:00Z", EVERYWHERE),
    ("next=", EVERYWHERE),
    ("next=1", EVERYWHERE),
    ("match[spec_version]=", EVERYWHERE),
    ("match[spec_version]=two", EVERYWHERE),
    ("match[spec_version]=2.1&match[spec_version]=2.0", EVERYWHERE),
    ("match[version]=", ["manifest", "object", "objects"]),
    ("match[version]=newest", ["manifest", "object", "objects"]),
    ("match[version]=ALL", ["manifest", "object", "objects"]),
    ("match[version]=all,last", ["manifest", "object", "objects"]),
    ("match[version]=last,last", ["manifest", "object", "objects"]),
    ("match[version]=last, first", ["manifest", "object", "objects"]),
    ("match[version]=2026-02-02T00:00:00Z,2026-02-02T00:00:00.000Z", ["manifest", "object", "objects"]),
    ("match[version]=2026-02-31T00:00:00Z", ["manifest", "object", "objects"]),
    ("match[version]=last&match[version]=first", ["manifest", "object", "objects"]),
    ("match[id]=", LISTINGS),
    ("match[id]=indicator", LISTINGS),
    ("match[id]=indicator--1", LISTINGS),
    (f"match[id]={FIRST},", LISTINGS),
    (f"match[id]={FIRST}, {SECOND}", LISTINGS),
    (f"match[id]={FIRST}&match[id]={SECOND}", LISTINGS),
    ("match[type]=", LISTINGS),
    ("match[type]=indicator,", LISTINGS),
    ("match[type]=indicator, malware", LISTINGS),
    ("match[type]=Indicator", LISTINGS),
    ("match[type]=ab", LISTINGS),
    ("match[type]=indicator&match[type]=malware", LISTINGS),
    ("match[confidence]=5&match[confidence]=6", EVERYWHERE),
    ("limit=%FF", EVERYWHERE),
    ("&".join(f"a{number}=1" for number in range(100)), EVERYWHERE),
]


@pytest.mark.parametrize(
    ("endpoint", "query"),
    [pytest.param(endpoint, query, id=f"{endpoint}?{query[:70]}") for query, where in MALFORMED for endpoint in where],
)
def test_3_4_malformed_is_400(library: TestHub, endpoint: str, query: str) -> None:
    """A malformed parameter, or one given twice, is a 400 that says what was given and what was expected."""
    answer = library.get(f"{ENDPOINTS[endpoint]}?{query}")
    assert answer.status_code == 400
    error = answer.json()
    assert error["http_status"] == "400"
    assert "expected" in error["description"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("added_after=2026-03-01T00:00:27Z", [29, 30, 1, 2, 3, 1, 1, 2], id="exclusive"),
        pytest.param("added_after=2026-03-01T00:00:27.999999Z", [29, 30, 1, 2, 3, 1, 1, 2], id="microseconds"),
        pytest.param("added_after=2026-03-01T00:00:27.9999999Z", [29, 30, 1, 2, 3, 1, 1, 2], id="finer than that"),
        pytest.param("added_after=2026-03-01T09:00:35%2B09:00", [1, 2], id="another zone, for those who send it"),
        pytest.param("added_after=2026-03-01t00:00:35z", [1, 2], id="small letters, as RFC 3339 allows"),
        pytest.param("added_after=2026-03-01T00:00:37Z", [], id="the last date added"),
        pytest.param("added_after=2099-01-01T00:00:00Z", [], id="the future"),
        pytest.param("added_after=0001-01-01T00:00:00Z&limit=2", [3, 4], id="before all time"),
        pytest.param("added_after=1969-12-31T23:59:59.999999Z&limit=2", [3, 4], id="before 1970"),
        pytest.param("match[type]=malware", [1, 2, 3], id="one type"),
        pytest.param("match[type]=ipv4-addr,malware", [1, 2, 3, 1], id="types are ORed"),
        pytest.param("match[type]=campaign", [], id="a type that is not there"),
        pytest.param("match[type]=x-made-up", [], id="a type of one's own"),
        pytest.param(f"match[id]={FIRST}", [1], id="one id"),
        pytest.param(f"match[id]={SECOND},{FIRST}", [1, 2], id="ids are ORed, in order of date_added"),
        pytest.param(f"match[id]={FIRST},{stix_id('tool', 1)}", [1], id="an id that is not there"),
        pytest.param(f"match[id]={FIRST.replace('4000', '7000')}", [], id="UUIDs of any version"),
        pytest.param(f"match[id]={FIRST}&match[type]=malware", [], id="fields are ANDed: contradiction"),
        pytest.param(f"match[id]={FIRST}&match[type]=indicator", [1], id="fields are ANDed"),
        pytest.param("match[spec_version]=2.1&match[type]=malware", [1, 2, 3], id="spec_version"),
        pytest.param("match[spec_version]=2.0,2.1&match[type]=malware", [1, 2, 3], id="spec_versions are ORed"),
        pytest.param("match[spec_version]=2.0", [], id="an old spec_version"),
        pytest.param("match[spec_version]=9.9", [], id="a spec_version to come"),
        pytest.param(f"match[version]=first&match[id]={FIRST}", [1], id="first"),
        pytest.param(f"match[version]=all&match[id]={FIRST}", [1, 1, 1], id="all"),
        pytest.param("match[version]=2026-02-03T00:00:00.000Z", [1, 2], id="exactly that version"),
        pytest.param("match[version]=2026-02-03T00:00:00Z", [1, 2], id="the same instant with fewer digits"),
        pytest.param("match[version]=2026-02-03T00:00:00.0001Z", [], id="an instant beside it"),
        pytest.param("match[version]=2026-02-02T00:00:00Z,2026-02-03T00:00:00Z", [1, 2, 1, 2], id="versions are ORed"),
        pytest.param("match[confidence]=50&limit=2", [3, 4], id="unknown match fields are ignored"),
        pytest.param("since=1&foo=bar&foo=baz&limit=2", [3, 4], id="unknown parameters are ignored"),
        pytest.param("match%5Btype%5D=malware", [1, 2, 3], id="brackets percent-encoded"),
        pytest.param("limit=2&limitless=", [3, 4], id="empty unknown parameter"),
        pytest.param("limit=007&match[type]=malware", [1, 2, 3], id="leading zeros"),
    ],
)
@pytest.mark.parametrize("endpoint", LISTINGS)
def test_3_4_filters_of_listings(library: TestHub, endpoint: str, query: str, expected: list[int]) -> None:
    """What each filter selects, on objects and manifest alike."""
    answer = library.get(f"{ENDPOINTS[endpoint]}?{query}")
    assert answer.status_code == 200
    assert numbers(answer) == expected


STIX_TYPES = [
    "attack-pattern",
    "campaign",
    "course-of-action",
    "grouping",
    "identity",
    "incident",
    "indicator",
    "infrastructure",
    "intrusion-set",
    "location",
    "malware",
    "malware-analysis",
    "note",
    "observed-data",
    "opinion",
    "report",
    "threat-actor",
    "tool",
    "vulnerability",
    "relationship",
    "sighting",
    "artifact",
    "autonomous-system",
    "directory",
    "domain-name",
    "email-addr",
    "email-message",
    "file",
    "ipv4-addr",
    "ipv6-addr",
    "mac-addr",
    "mutex",
    "network-traffic",
    "process",
    "software",
    "url",
    "user-account",
    "windows-registry-key",
    "x509-certificate",
    "marking-definition",
    "language-content",
    "extension-definition",
]


@pytest.mark.parametrize("kind", STIX_TYPES)
def test_3_4_1_no_type_of_stix_is_an_error(library: TestHub, kind: str) -> None:
    """Every type that STIX 2.1 defines may be asked for."""
    answer = library.get(f"{MANIFEST}?match[type]={kind}")
    assert answer.status_code == 200
    assert {item.partition("--")[0] for item in ids(answer)} <= {kind}


def test_3_4_1_all_types_at_once(library: TestHub) -> None:
    """A list of dozens of types is one filter."""
    assert len(ids(library.get(f"{MANIFEST}?limit=50&match[type]={','.join(STIX_TYPES)}"))) == 34


def test_3_4_added_after_is_about_date_added(library: TestHub) -> None:
    """Times inside objects play no part: all are older than the first that was added."""
    assert len(ids(library.get(f"{OBJECTS}?limit=50&added_after=2026-02-20T00:00:00Z"))) == 34
    assert ids(library.get(f"{OBJECTS}?limit=1&added_after={START}")) != [FIRST]


def test_3_4_1_last_is_by_version_and_not_by_arrival(hub: TestHub) -> None:
    """A version that arrives after a later one is not the last, and the first is the earliest version."""
    from tests.taxii.hub import GREEN, SHARED, indicator

    for day in (5, 3, 9, 1):
        hub.post(path_of(SHARED, "objects/"), [indicator(1, day=day, marking=GREEN)], "mika")
        hub.clock.move(1)

    def days(version: str) -> list[str]:
        found = hub.get(path_of(SHARED, f"objects/?match[version]={version}"), "mika").json()
        return [obj["modified"][8:10] for obj in found["objects"]]

    assert days("last") == ["09"]
    assert days("first") == ["01"]
    assert days("all") == ["05", "03", "09", "01"]
