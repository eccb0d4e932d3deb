"""Real snapshots of the shipped feeds: every row becomes a claim, or is refused for a counted reason.

The snapshots are no part of this repository. They are looked for in ``shared/feeds`` beside it, or where NOROSHI_SHARED
says; without them these tests are skipped, but not in CI.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from config.instant import parse_millis
from normalizers.claims import rounded
from tests.normalizers.reading import NOW, Read, document, feed, read_all
from tests.snapshots.folder import FEEDS, dates, expected, require

#: what snapshots/ says, a file a feed
ROWS = expected()

_KINDS = {
    "column": "ioc_type",
    "map": {"ip:port": "ip:port", "domain": "domain", "url": "url", "sha1_hash": "file", "sha256_hash": "file"},
}
_TWEETS = ["time", "user", "type", "value", "tags", "post"]
_API = {"path": "query_status", "good": ["ok"]}

#: The same publishers' other doors, each with no more than a format in a feed file: feed, file, format, claims, refused
DOORS: list[tuple[str, str, dict[str, Any], int, dict[str, int]]] = [
    (
        "feodo-tracker",
        "abusech-feodo/ipblocklist.fixture.json",
        {
            "kind": "json",
            "fields": {
                "value": "ip_address", "type": "ip", "port": "port", "first_seen": "first_seen",
                "last_seen": "last_online", "zone": "UTC", "malware": ["malware"],
            },
        },
        4,
        {},
    ),
    (
        "threatfox",
        "abusech-threatfox/api_v1_get_iocs.json",
        {
            "kind": "json", "records": "data", "status": _API,
            "fields": {
                "value": "ioc", "type": _KINDS, "first_seen": "first_seen", "last_seen": "last_seen", "zone": "UTC",
                "confidence": "confidence_level", "malware": ["malware_printable"], "labels": ["tags"],
                "references": [{"name": "ThreatFox", "id": "id"}],
            },
        },
        15,
        {},
    ),
    (
        "urlhaus",
        "abusech-urlhaus/api_v1_urls_recent.json",
        {
            "kind": "json", "records": "urls", "status": _API,
            "fields": {"value": "url", "type": "url", "first_seen": "date_added", "zone": "UTC", "labels": ["tags"]},
        },
        2,
        {},
    ),
    (
        "urlhaus",
        "abusech-urlhaus/api_v1_payloads_recent.json",
        {
            "kind": "json", "records": "payloads", "status": _API,
            "fields": {
                "value": "sha256_hash", "type": "file", "first_seen": "firstseen", "zone": "UTC",
                "hashes": {"MD5": "md5_hash"}, "malware": ["signature"],
            },
        },
        2,
        {},
    ),
    (
        "urlhaus",
        "abusech-urlhaus/downloads_json_entries.ndjson.json",
        {
            "kind": "jsonl",
            "fields": {"value": "url", "type": "url", "first_seen": "dateadded", "zone": "UTC", "labels": ["tags"]},
        },
        3,
        {},
    ),
    (
        "cisa-kev",
        "cisa-kev/known_exploited_vulnerabilities.csv",
        {"kind": "csv", "fields": {"value": "cveID", "type": "cve", "first_seen": "dateAdded", "zone": "UTC"}},
        1_404,
        {},
    ),
    ("myjvn-json", "myjvn-api/hnd_getAlertList_hnd.json", {"kind": "myjvn"}, 2, {}),
    ("myjvn-json", "myjvn-api/oka_getAlertList_oka.json", {"kind": "myjvn"}, 2, {}),
    ("myjvn-json", "myjvn-api/oka_getVulnDetailInfo_oka_JVNDB-2017-009608.json", {"kind": "csaf"}, 2, {}),
    ("myjvn-json", "myjvn-api/oka_getVulnDetailInfo_oka_JVNDB-2017-009608_jvnstix.json", {"kind": "csaf"}, 2, {}),
    # No CVE: the advisory alone.
    ("myjvn-json", "myjvn-api/oka_getVulnDetailInfo_oka_JVNDB-2018-009328.json", {"kind": "csaf"}, 1, {}),
    ("myjvn-json", "myjvn-api/oka_getVulnDetailInfo_oka_jvncsaf.json", {"kind": "csaf"}, 2, {}),
    ("myjvn-json", "myjvn-api/oka_getVulnDetailInfo_oka_jvnstix.json", {"kind": "csaf"}, 2, {}),
    ("spamhaus-drop", "spamhaus-drop/drop.legacy.txt", {"kind": "text", "type": "cidr", "remark": ";"}, 2, {}),
    ("spamhaus-drop", "spamhaus-drop/asndrop.legacy.txt", {"kind": "text", "type": "asn", "remark": ";"}, 2, {}),
    (
        "tweetfeed-stix",
        "digitalside/stix2_00004634-5e05-4546-9b89-77e601b50b3a.json",
        {"kind": "stix"},
        5,
        {"object-type": 4},
    ),
    (
        "tweetfeed-stix",
        "tweetfeed/today.csv",
        {
            "kind": "csv", "header": "none", "comment": "", "columns": _TWEETS,
            "fields": {
                "value": "value", "type": "any", "first_seen": "time", "zone": "UTC",
                "labels": ["tags"], "separator": " ",
            },
        },
        59,
        {},
    ),
    (
        "tweetfeed-stix",
        "tweetfeed/week.csv",
        {
            "kind": "csv", "header": "none", "comment": "", "columns": _TWEETS,
            "fields": {
                "value": "value", "type": "any", "first_seen": "time", "zone": "UTC",
                "labels": ["tags"], "separator": " ",
            },
        },
        1_571,
        {"polluted": 2, "redacted": 1},
    ),
    ("dshield", "dshield/firehol.dshield.netset.txt", {"kind": "text", "type": "cidr"}, 20, {}),
    ("ipsum", "ipsum/levels-5.txt", {"kind": "text", "type": "ip"}, 1_413, {}),
    (
        "sslbl-certificates",
        "abusech-sslbl/sslipblacklist.head.csv",
        {
            "kind": "csv",
            "fields": {"value": "DstIP", "type": "ip", "port": "DstPort", "first_seen": "Firstseen", "zone": "UTC"},
        },
        15,
        {},
    ),
    ("eset-hashes", "eset-malware-ioc/apt_c_60_samples.md5.txt", {"kind": "text", "type": "hash"}, 2, {}),
    ("eset-hashes", "eset-malware-ioc/apt_c_60_samples.sha1.txt", {"kind": "text", "type": "hash"}, 2, {}),
    ("stalkerware-network", "stalkerware-indicators/hosts.txt", {"kind": "text", "type": "domain"}, 925, {}),
    ("sophoslabs", "sophoslabs-iocs/malware-MyKings-domains.txt", {"kind": "text", "type": "domain"}, 138, {}),
    (
        "fukurocti-misp",
        "misp-feed-other/fukuro_iocs.head.csv",
        {
            "kind": "csv",
            "fields": {
                "value": "value", "type": {"column": "type", "map": {"domain": "domain", "url": "url"}},
                "first_seen": "first_seen", "last_seen": "last_confirmed", "confidence": "confidence",
                "labels": ["case"], "separator": "",
            },
        },
        6,
        {},
    ),
]  # fmt: skip


@pytest.fixture(autouse=True)
def _snapshots() -> None:
    require()


def _read(name: str, file: str, **changes: Any) -> Read:
    path = FEEDS / file
    return read_all(document(path.read_bytes(), path.name, fetched=dates().get(file, NOW)), feed(name, **changes))


@pytest.mark.parametrize(("name", "file", "claims", "refused"), ROWS, ids=[row[1] for row in ROWS])
def test_every_row_is_a_claim_or_refused(name: str, file: str, claims: int, refused: dict[str, int]) -> None:
    """Rows are claims and refusals by reason, in exactly these numbers."""
    result = _read(name, file)
    assert dict(Counter(result.reasons)) == refused
    assert result.rows == claims + sum(refused.values())


@pytest.mark.parametrize(("name", "file", "format_", "claims", "refused"), DOORS, ids=[row[1] for row in DOORS])
def test_other_doors_need_a_format_and_no_code(
    name: str, file: str, format_: dict[str, Any], claims: int, refused: dict[str, int]
) -> None:
    """What the same publishers offer in another form is read by the generic formats."""
    result = _read(name, file, format=format_)
    assert dict(Counter(result.reasons)) == refused
    assert len(result.claims) == claims


def test_advisories_name_their_cves() -> None:
    """The CVE claims that advisories yield besides their own: four of JPCERT/CC, one of each JVN iPedia item."""
    assert [claim.value for claim in _read("jpcert-rss", "jpcert-rss/jpcert.rdf").claims if claim.type == "cve"] == [
        "CVE-2026-25108",
        "CVE-2026-1281",
        "CVE-2026-1340",
        "CVE-2025-14733",
    ]
    claims = _read("jvn-ipedia-rss", "jvn-ipedia-rss/jvndb_new.rdf").claims
    assert [claim.type for claim in claims] == ["cve", "advisory"] * 9


def test_times_of_the_phishing_list_are_japans() -> None:
    """The first row of October 2025 was confirmed at 10:25 in Japan."""
    first = _read("jpcert-phishurl-list", "jpcert-phishurl-list/202510.csv").claims[0]
    assert first.first_seen == parse_millis("2025-10-01T01:25:00Z")


def test_blank_dates_fall_back_to_the_month() -> None:
    """Two rows of October 2023 and eleven of November have a blank for a date."""
    for file, count in (("202310.csv", 2), ("202311.csv", 11)):
        month = parse_millis(f"{file[:4]}-{file[4:6]}-01T00:00:00+09:00")
        claims = _read("jpcert-phishurl-list", f"jpcert-phishurl-list/{file}").claims
        assert sum(claim.first_seen == month for claim in claims) == count


def test_claims_are_sound() -> None:
    """Every claim of every snapshot has sane dates and confidence, and rounding it twice is rounding it once."""
    for name, file, _, _ in ROWS:
        for claim in _read(name, file).claims:
            assert 0 < claim.first_seen <= claim.last_seen
            assert 0 <= claim.confidence <= 100
            assert claim.labels == tuple(sorted(claim.labels))
            once = rounded(claim)
            assert rounded(once) == once
