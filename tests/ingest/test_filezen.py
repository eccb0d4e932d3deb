"""One event, many feeds, no shared key (Q-I5): FileZen, CVE-2026-25108, through the real ingest.

IPA names a number of JVN and no CVE; the NVD's record of the CVE links to JVN; JPCERT/CC, JVN iPedia and KEV name the
CVE.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from config.feeds import Feed
from config.instant import Millis, parse_millis
from config.loading import load_feed, shipped
from config.samples import render
from config.transports import FileTransport
from taxii_server.ingest import Ingest
from taxii_server.stores.memory import MemoryStore
from tests.hubs import MEMBERS, PUBLIC, Hub, SteppingClock, settings
from tests.snapshots.folder import FEEDS, dates, require

NOW = parse_millis("2026-03-01T00:00:00Z")
#: Feed, its snapshot.
SNAPSHOTS = [
    ("jpcert-rss", "jpcert-rss/jpcert.rdf"),
    ("ipa-alert-rss", "ipa-alert-rss/alert-rss.rdf"),
    ("nvd", "nvd/CVE-2026-25108.json"),
]
SAMPLES = {
    "cisa-kev": "json", "epss": "csv", "ipa-alert-rss": "rdf", "jpcert-rss": "rdf", "jvn-ipedia-rss": "rdf",
    "jvn-rss": "rdf", "myjvn-overview": "xml", "nvd": "json",
}  # fmt: skip


class Collecting:
    """A hub that collects documents of shipped feeds from files."""

    def __init__(self, folder: Path, now: Millis = NOW) -> None:
        self.folder = folder
        self.clock = SteppingClock(now * 1_000)
        self.store = MemoryStore()
        self.settings = settings().model_copy(update={"data": folder})
        self.hub = Hub(self.store, self.clock, self.settings)

    def collect(self, name: str, content: bytes) -> None:
        """Collect one document of a shipped feed, and publish what it says."""
        path = self.folder / name
        path.write_bytes(content)
        os.utime(path, (self.clock.now / 1e6, self.clock.now / 1e6))
        feed: Feed = load_feed(shipped(f"feeds/{name}.yaml")).model_copy(
            update={"transport": FileTransport(kind="file", path=name)}
        )
        state = Ingest(self.settings, self.store, self.clock, owner="me", environment={}).run(feed)
        assert state.status == "ok", state.message
        self.hub.publish()
        self.clock.now += 1_000_000

    def vulnerability(self, collection: str, name: str) -> dict[str, Any]:
        """The one object about a CVE."""
        (found,) = [item for item in self.hub.objects(collection, "vulnerability") if item["name"] == name]
        return found

    def report(self, collection: str, link: str) -> dict[str, Any]:
        """The one report that links there."""
        reports = self.hub.objects(collection, "report")
        (found,) = [item for item in reports if link in [one.get("url") for one in item["external_references"]]]
        return found


def sources(found: dict[str, Any]) -> list[str]:
    """The feeds that an object names."""
    labels: list[str] = found["labels"]
    return sorted(label.removeprefix("ais-jp:source=") for label in labels if label.startswith("ais-jp:source="))


def cves(found: dict[str, Any]) -> list[str]:
    """The CVE ids that a report names."""
    return [item["external_id"] for item in found["external_references"] if item["source_name"] == "cve"]


def sample(name: str) -> bytes:
    """The sample of a feed, as of now."""
    return render((shipped("samples") / f"{name}.{SAMPLES[name]}").read_text(encoding="utf-8"), NOW).encode()


def collected(folder: Path, names: Iterable[str]) -> Collecting:
    """A hub that collected the samples of those feeds, in that order."""
    hub = Collecting(folder)
    for name in names:
        hub.collect(name, sample(name))
    return hub


def test_q_i5_one_event_and_no_shared_key(tmp_path: Path) -> None:
    """FileBox, as FileZen is told of: one vulnerability from every feed that tells of it, IPA's and JVN's advisories
    among them, with what each has to say."""
    hub = collected(tmp_path, SAMPLES)
    box = hub.vulnerability(MEMBERS, "CVE-2099-10001")
    assert sources(box) == sorted(SAMPLES)
    labels = box["labels"]
    assert {"ais-jp:cvss-3.0=9.8", "ais-jp:cvss-3.1=8.8", "ais-jp:cvss-4.0=8.7", "ais-jp:epss=0.25"} <= set(labels)
    assert any(label.startswith("ais-jp:exploited-since=") for label in labels)
    assert "ais-jp:product=Example Networks FileBox" in labels
    assert "FileBox of Example Networks contains a OS command injection vulnerability." in box["description"]
    assert "FileBox におけるOSコマンドインジェクションの脆弱性" in box["description"]
    linked = {item.get("url") for item in box["external_references"]}
    assert "https://ipa.example.jp/security/security-alert/2099/alert9900.html" in linked
    assert "https://jvn.example.jp/jp/JVN90000001/" in linked
    assert {"cve", "cwe"} <= {item["source_name"] for item in box["external_references"]}
    for link in (
        "https://ipa.example.jp/security/security-alert/2099/alert9900.html",
        "https://jvn.example.jp/jp/JVN90000001/",
        "https://jpcert.example.jp/at/2099/at990004.html",
    ):
        assert cves(hub.report(MEMBERS, link)) == ["CVE-2099-10001"]


def test_promise_2_the_public_sees_what_it_may_of_it(tmp_path: Path) -> None:
    """IPA's and JPCERT/CC's advisories are the members': the public has the same bytes as without them."""
    public = [name for name in SAMPLES if name not in ("ipa-alert-rss", "jpcert-rss")]
    (tmp_path / "with").mkdir()
    (tmp_path / "without").mkdir()
    whole = collected(tmp_path / "with", SAMPLES)
    less = Collecting(tmp_path / "without")
    for name in SAMPLES:
        if name in public:
            less.collect(name, sample(name))
        else:
            less.clock.now += 1_000_000
    assert sources(whole.vulnerability(PUBLIC, "CVE-2099-10001")) == sorted(public)
    assert whole.hub.log(PUBLIC) == less.hub.log(PUBLIC)


def test_promise_3_in_whatever_order_feeds_come(tmp_path: Path) -> None:
    """The vulnerability and the advisories say the same at the end, but for the dates of their versions."""
    found = []
    for number, order in enumerate(itertools.permutations(["ipa-alert-rss", "jvn-rss", "nvd", "jvn-ipedia-rss"])):
        folder = tmp_path / str(number)
        folder.mkdir()
        hub = collected(folder, order)
        objects = [*hub.hub.objects(MEMBERS, "vulnerability"), *hub.hub.objects(MEMBERS, "report")]
        found.append(
            sorted(
                ({name: item[name] for name in item.keys() - {"created", "modified"}} for item in objects),
                key=lambda item: item["id"],
            )
        )
    assert all(item == found[0] for item in found)


def test_a_rejected_cve_is_no_vulnerability_any_longer(tmp_path: Path) -> None:
    """What the NVD rejects it takes back; its last word withdrawn, the vulnerability is revoked."""
    hub = Collecting(tmp_path)
    answer = json.loads(sample("nvd"))
    hub.collect("nvd", json.dumps(answer).encode())
    assert "revoked" not in hub.vulnerability(PUBLIC, "CVE-2099-30001")
    answer["vulnerabilities"][10]["cve"] |= {"vulnStatus": "Rejected", "lastModified": "2026-02-28T23:00:00.000"}
    hub.collect("nvd", json.dumps(answer).encode())
    assert hub.vulnerability(PUBLIC, "CVE-2099-30001")["revoked"] is True


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_q_i5_filezen_from_real_snapshots(tmp_path: Path, order: tuple[int, ...]) -> None:
    """JPCERT/CC's alert, IPA's alert and the NVD's record, in whatever order: one vulnerability and two reports."""
    require()
    hub = Collecting(tmp_path, max(dates()[file] for _, file in SNAPSHOTS if file in dates()))
    for name, file in (SNAPSHOTS[number] for number in order):
        hub.collect(name, (FEEDS / file).read_bytes())
    found = hub.vulnerability(MEMBERS, "CVE-2026-25108")
    assert sources(found) == ["ipa-alert-rss", "jpcert-rss", "nvd"]
    assert "ais-jp:exploited-since=2026-02-24" in found["labels"]
    assert {"ais-jp:cvss-3.0=8.8", "ais-jp:cvss-3.1=8.8", "ais-jp:cvss-4.0=8.7"} <= set(found["labels"])
    assert "cwe" in {item["source_name"] for item in found["external_references"]}
    report = hub.report(MEMBERS, "https://www.ipa.go.jp/security/security-alert/2025/20260213-jvn.html")
    assert cves(report) == ["CVE-2026-25108"]
    assert sources(hub.vulnerability(PUBLIC, "CVE-2026-25108")) == ["nvd"]
