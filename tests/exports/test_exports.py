"""Exports over HTTP: who may have them, what they hold, and that tools which are not ours read them."""

from __future__ import annotations

import csv
import io
import ipaddress
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stix2

from normalizers.checking import key_of
from taxii_server.exports.forms import FORMS
from tests.exports.readers import checked_rules, checked_zone
from tests.taxii.hub import FINANCE, GREEN, INBOX, MERGED, OPEN, TestHub, indicator, malware, new_hub

VALUES = {
    "ipv4": "[ipv4-addr:value = '203.0.113.7']",
    "ipv6": "[ipv6-addr:value = '2001:db8::7']",
    "cidr": "[ipv4-addr:value = '198.51.100.0/24']",
    "domain": "[domain-name:value = 'bad.example']",
    "url": "[url:value = 'http://bad.example/a;b?c=%22d%22|e']",
    "https": "[url:value = 'https://bad.example/']",
    "email": "[email-addr:value = '=cmd@bad.example']",
    "file": f"[file:hashes.'SHA-256' = '{'ab' * 32}']",
    "certificate": f"[x509-certificate:hashes.'SHA-1' = '{'cd' * 20}']",
    "asn": "[autonomous-system:number = 64500]",
}


@pytest.fixture(scope="module")
def hub() -> Iterator[TestHub]:
    """A hub with one live indicator of each type, some that do not hold, and malware."""
    made = new_hub()
    for number, pattern in enumerate(VALUES.values(), start=1):
        labels = ["ais-jp:malware=Emotet", "=1+1"]
        made.publish(OPEN, indicator(number, pattern=pattern, confidence=number * 10, labels=labels))
        made.clock.move(1)
    over = {"valid_until": "2026-02-20T00:00:00.000Z"}
    made.publish(OPEN, indicator(101, pattern="[domain-name:value = 'over.example']", **over))
    made.publish(OPEN, indicator(102, pattern="[domain-name:value = 'false.example']", revoked=True))
    made.publish(OPEN, malware(1))
    made.publish(MERGED, indicator(103, marking=GREEN))
    with made.listening() as listening:
        yield listening


def got(hub: TestHub, path: str, who: str = "", **given: Any) -> bytes:
    """An export that is there."""
    answer = hub.get(f"/export/{path}", who, **given)
    assert answer.status_code == 200, answer.text
    return answer.content


def values(hub: TestHub, query: str = "") -> list[str]:
    """The values of the public collection that a query asks for."""
    return got(hub, f"public/all.txt{query}").decode().splitlines()


def test_plain_text_holds_what_is_live(hub: TestHub) -> None:
    """A value a line; what is over or revoked is not there."""
    found = values(hub)
    assert len(found) == len(VALUES)
    assert {"203.0.113.7", "bad.example", "AS64500", "ab" * 32} < set(found)
    assert not {"over.example", "false.example"} & set(found)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?type=domain", ["bad.example"]),
        ("?type=ip", ["203.0.113.7", "2001:db8::7", "198.51.100.0/24"]),
        ("?type=email,hash", ["=cmd@bad.example", "ab" * 32]),
        ("?confidence=90", ["cd" * 20, "AS64500"]),
        ("?limit=2", ["cd" * 20, "AS64500"]),
        ("?type=ip&limit=2", ["2001:db8::7", "198.51.100.0/24"]),
        ("?type=ip&limit=9", ["203.0.113.7", "2001:db8::7", "198.51.100.0/24"]),
        ("?preset=paloalto-url", ["bad.example/a;b?c=%22d%22|e", "bad.example/"]),
        ("?preset=fortigate-ip&limit=1", ["198.51.100.0/24"]),
        ("?preset=fortigate-ip&type=ipv6", ["2001:db8::7"]),
    ],
)
def test_what_is_asked_for_and_of_too_much_the_best(hub: TestHub, query: str, expected: list[str]) -> None:
    """In the collection's order."""
    assert values(hub, query) == expected


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("public/all.xml", "expected a format of txt, csv, json"),
        ("public/all.txt?type=name", "type: expected some of ip, hash, url, domain"),
        ("public/all.txt?confidence=101", "confidence: expected a number from 0 to 100, got '101'"),
        ("public/all.txt?limit=-1", "limit: expected a number from 1 to 100000000, got '-1'"),
        ("public/all.txt?limit=0", "limit: expected a number from 1 to 100000000, got '0'"),
        ("public/all.txt?limit=1&limit=2", "limit: expected once"),
        (
            "public/all.txt?preset=fortigate-hash&type=ip",
            "type: expected some of file, as fortigate-hash has, got 'ip'",
        ),
        ("public/all.txt?preset=cisco", "preset: expected one of paloalto-ip"),
        ("public/all.txt?color=red", "expected preset, type, confidence or limit, got 'color'"),
        ("public/all.txt?type=%ff", "expected UTF-8"),
        ("public/all.txt?" + "a=1&" * 300, "characters"),
    ],
)
def test_what_cannot_be_asked_for_is_told(hub: TestHub, path: str, said: str) -> None:
    """What was given, and what was expected."""
    answer = hub.get(f"/export/{path}")
    assert answer.status_code == 400
    assert said in answer.json()["description"]


@pytest.mark.parametrize(
    ("target", "codes"),
    [
        ("public/all.txt", {"": 200, "mika": 200, "idle": 200}),
        (f"{OPEN}.txt", {"": 200, "mika": 200}),
        (f"{OPEN.upper()}.txt", {"": 200}),
        ("members/all.txt", {"": 401, "mika": 200, "idle": 404, "ben": 200}),
        (f"{MERGED}.csv", {"": 401, "mika": 200, "idle": 404}),
        (f"{FINANCE}.json", {"": 401, "mika": 404, "ben": 200}),
        ("public/submissions.json", {"": 404, "pub": 403}),
        (f"{INBOX}.json", {"": 404, "pub": 403}),
        ("public/nothing.txt", {"": 404, "mika": 404}),
        ("nowhere/all.txt", {"": 404}),
        ("all.txt", {"": 404}),
        ("public/all", {"": 404}),
        ("00000000-0000-4000-8000-000000000000.txt", {"": 404, "mika": 404}),
    ],
)
def test_whoever_may_read_a_collection_may_export_it(hub: TestHub, target: str, codes: dict[str, int]) -> None:
    """And to others it is what it is over TAXII: not there, or for those who log in."""
    assert {who: hub.get(f"/export/{target}", who).status_code for who in codes} == codes


def test_what_has_not_changed_is_not_sent_again() -> None:
    """Until an entry comes, or an hour is over: what is live is decided anew then."""
    made = new_hub()
    soon = {"valid_until": "2026-03-01T01:30:00.000Z"}
    made.publish(OPEN, indicator(1, **soon))
    with made.listening() as fresh:
        first = fresh.get("/export/public/all.txt")
        tag = first.headers["ETag"]
        again = fresh.get("/export/public/all.txt", headers={"If-None-Match": tag})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
        assert fresh.get("/export/public/all.txt", headers={"If-None-Match": '"other"'}).status_code == 200
        assert fresh.get("/export/public/all.csv", headers={"If-None-Match": tag}).status_code == 200
        fresh.publish(OPEN, indicator(2))
        changed = fresh.get("/export/public/all.txt", headers={"If-None-Match": tag})
        assert (changed.status_code, changed.text) == (200, "192.0.2.1\n192.0.2.2\n")
        fresh.clock.move(2 * 3_600)
        later = fresh.get("/export/public/all.txt", headers={"If-None-Match": changed.headers["ETag"]})
        assert (later.status_code, later.text) == (200, "192.0.2.2\n")


def test_what_has_left_is_not_kept_by_those_who_had_it() -> None:
    """An object that is passed on leaves a collection without an entry; whoever asks again is told."""
    made = new_hub()
    one, gone = indicator(1), malware(1)
    made.publish(OPEN, one, gone)
    with made.listening() as fresh:
        first = fresh.get("/export/public/all.json")
        fresh.store.delete(OPEN, f"test:{OPEN}", key_of(gone["id"]), None, fresh.clock())
        later = fresh.get("/export/public/all.json", headers={"If-None-Match": first.headers["ETag"]})
        assert (later.status_code, [obj["id"] for obj in later.json()["objects"]]) == (200, [one["id"]])


def test_the_same_export_is_the_same_bytes(hub: TestHub) -> None:
    """In every format; HEAD has the same headers and no body."""
    for form, made in FORMS.items():
        answers = [hub.get(f"/export/public/all.{form}") for _ in range(2)]
        assert answers[0].content == answers[1].content
        assert answers[0].headers["Content-Type"] == made.media
        assert answers[0].headers["Cache-Control"] == "private, no-cache"
        head = hub.request("HEAD", f"/export/public/all.{form}")
        assert (head.content, head.headers["ETag"]) == (b"", answers[0].headers["ETag"])


def test_csv_is_read_back(hub: TestHub) -> None:
    """By Python's reader; what a spreadsheet would run is text."""
    rows = list(csv.DictReader(io.StringIO(got(hub, "public/all.csv").decode(), newline="")))
    assert [row["type"] for row in rows][:4] == ["ipv4", "ipv6", "cidr", "domain"]
    assert rows[0] == {
        "type": "ipv4", "value": "203.0.113.7", "confidence": "10", "valid_from": "2026-02-01T00:00:00.000Z",
        "valid_until": "", "malware": "Emotet", "labels": "ais-jp:malware=Emotet|=1+1", "id": rows[0]["id"],
    }  # fmt: skip
    assert next(row["value"] for row in rows if row["type"] == "email") == "'=cmd@bad.example"


def test_a_bundle_is_read_back(hub: TestHub) -> None:
    """By stix2: all that the collection holds, or the indicators that are asked for."""
    bundle = stix2.parse(got(hub, "public/all.json"))
    assert len(bundle.objects) == len(VALUES) + 3
    assert {obj.type for obj in bundle.objects} == {"indicator", "malware"}
    few = stix2.parse(got(hub, "public/all.json?type=domain"))
    assert [obj.pattern for obj in few.objects] == [VALUES["domain"]]
    assert "objects" not in json.loads(got(hub, "public/all.json?type=domain&confidence=100"))


def test_lines_are_read_back(hub: TestHub) -> None:
    """An object a line."""
    lines = got(hub, "public/all.jsonl").splitlines()
    assert [json.loads(line)["type"] for line in lines].count("indicator") == len(VALUES) + 2


def test_suricata_reads_the_rules(hub: TestHub, tmp_path: Path) -> None:
    """One each for addresses, networks, names and plain HTTP."""
    rules = got(hub, "public/all.rules")
    assert rules.count(b"\nalert ") == 5
    checked_rules(tmp_path, rules)


def test_bind_reads_the_zone(hub: TestHub, tmp_path: Path) -> None:
    """Names and addresses, as triggers below whatever the zone is called."""
    told = checked_zone(tmp_path, got(hub, "public/all.rpz"))
    names = {line.split()[0] for line in told.splitlines() if "CNAME" in line}
    assert names == {
        "bad.example.rpz.example.", "32.7.113.0.203.rpz-ip.rpz.example.",
        "24.0.100.51.198.rpz-ip.rpz.example.", "128.7.zz.db8.2001.rpz-ip.rpz.example.",
    }  # fmt: skip


def test_zeek_has_its_fields(hub: TestHub) -> None:
    """Names of fields, then as many cells in each line, none of them empty; the types are Zeek's."""
    lines = got(hub, "public/all.intel").decode().splitlines()
    fields = lines[0].removeprefix("#fields\t").split("\t")
    rows = [dict(zip(fields, line.split("\t"), strict=True)) for line in lines[1:]]
    assert all(all(row.values()) for row in rows)
    found = {row["indicator_type"]: row["indicator"] for row in rows}
    assert found["Intel::SUBNET"] == "198.51.100.0/24"
    assert ipaddress.ip_address(found["Intel::ADDR"])
    assert found["Intel::URL"] == "bad.example/"
    assert set(found) == {
        "Intel::ADDR", "Intel::SUBNET", "Intel::URL", "Intel::EMAIL", "Intel::DOMAIN", "Intel::FILE_HASH",
        "Intel::CERT_HASH",
    }  # fmt: skip


def test_of_equally_sure_ones_the_latest_are_within_the_limit() -> None:
    """And what is surer, wherever it stands."""
    made = new_hub()
    for number, confidence in enumerate([50, 90, 50, 50, 40], start=1):
        made.publish(OPEN, indicator(number, confidence=confidence))
    with made.listening() as fresh:
        found = {limit: fresh.get(f"/export/public/all.txt?limit={limit}").text.split() for limit in (1, 3, 4, 5, 9)}
    short = {limit: [int(value.rpartition(".")[2]) for value in values] for limit, values in found.items()}
    assert short == {1: [2], 3: [2, 3, 4], 4: [1, 2, 3, 4], 5: [1, 2, 3, 4, 5], 9: [1, 2, 3, 4, 5]}
