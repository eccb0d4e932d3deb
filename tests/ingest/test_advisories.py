"""Advisories that come again changed: what a later version names no more is taken back, in whatever order they come."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.instant import DAY, HOUR, Millis, stix_time
from normalizers.claims import observable_key
from tests.ingest.test_ingest import NOW, Runner, _feed

NAMES = ["A-1", "A-2"]
CVES = ["CVE-2026-1001", "CVE-2026-1002", "CVE-2026-1003"]
RSS = """<?xml version="1.0"?><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
xmlns="http://purl.org/rss/1.0/" xmlns:dcterms="http://purl.org/dc/terms/"
xmlns:sec="http://jvn.jp/rss/mod_sec/3.0/"><channel><title>advisories</title></channel>{}</rdf:RDF>"""
ITEM = """<item><title>one</title><link>https://advisories.example/{0}</link><sec:identifier>{0}</sec:identifier>
{2}<dcterms:modified>{1}</dcterms:modified></item>"""


class Version(NamedTuple):
    """Of an advisory."""

    name: str
    #: when it was made, in hours
    at: int
    cves: frozenset[str]

    @property
    def made(self) -> str:
        return stix_time(NOW - 10 * DAY + self.at * HOUR)


class Advisories(Runner):
    """A hub whose one feed is a log of advisories."""

    def __init__(self, folder: Path, form: str = "csaf") -> None:
        self.write_as = {"csaf": _csaf, "rss": _rss}[form]
        how = {"csaf": {"kind": "csaf"}, "rss": {"kind": "rss", "known_by": "id"}}[form]
        life = {"cve": "275d", "advisory": "275d"}
        expect = {"min_rows": 0, "refused": 1}
        super().__init__(folder, _feed(format=how, kind="log", threat="vulnerability", life=life, expect=expect))

    def put(self, *versions: Version) -> None:
        """Read a document with these."""
        path = self.folder / "list.txt"
        path.write_text(self.write_as(versions))
        self.wait(HOUR)
        os.utime(path, (self.clock.now / 1e6, self.clock.now / 1e6))
        state = self.run()
        assert state.status in ("ok", "unchanged"), state.message

    def named(self) -> set[str]:
        """The vulnerabilities that are named now."""
        keys = {observable_key("cve", cve): cve for cve in CVES}
        told = self.store.claims(keys)
        return {keys[key] for key, claims in told.items() if any(not claim.withdrawn for claim in claims)}


def _csaf(versions: Iterable[Version]) -> str:
    return json.dumps([_csaf_of(one) for one in versions])


def _csaf_of(one: Version) -> dict[str, Any]:
    tracking = {"id": one.name, "initial_release_date": one.made, "current_release_date": one.made}
    vulnerabilities = [{"cve": cve} for cve in sorted(one.cves)]
    return {"document": {"title": "one", "tracking": tracking}, "vulnerabilities": vulnerabilities}


def _rss(versions: Iterable[Version]) -> str:
    def item(one: Version) -> str:
        stated = "".join(f'<sec:references source="CVE" id="{cve}"/>' for cve in sorted(one.cves))
        return ITEM.format(one.name, one.made, stated)

    return RSS.format("".join(map(item, versions)))


def _version(at: int, *cves: str, name: str = "A-1") -> Version:
    return Version(name, at, frozenset(cves))


@pytest.mark.parametrize("form", ["csaf", "rss"])
def test_a_cve_that_a_later_version_names_no_more_is_taken_back(tmp_path: Path, form: str) -> None:
    """What the version still names stands, and what a later one names again stands again."""
    hub = Advisories(tmp_path, form)
    hub.put(_version(1, *CVES[:2]))
    assert hub.named() == set(CVES[:2])
    hub.put(_version(2, CVES[1]))
    assert hub.named() == {CVES[1]}
    hub.put(_version(3, CVES[0], CVES[1]))
    assert hub.named() == set(CVES[:2])


@pytest.mark.parametrize("form", ["csaf", "rss"])
def test_what_another_advisory_names_too_stands(tmp_path: Path, form: str) -> None:
    """Each takes back only what it said itself."""
    hub = Advisories(tmp_path, form)
    hub.put(_version(1, *CVES[:2]), _version(1, CVES[0], name="A-2"))
    hub.put(_version(2, CVES[1]))
    assert hub.named() == set(CVES[:2])
    hub.put(_version(2, name="A-2"))
    assert hub.named() == {CVES[1]}


def test_an_older_version_read_after_a_later_one_says_nothing(tmp_path: Path) -> None:
    """Neither what it alone names, nor that it lacks what the later one names."""
    hub = Advisories(tmp_path)
    hub.put(_version(2, CVES[1]))
    hub.put(_version(1, CVES[0]))
    assert hub.named() == {CVES[1]}


def test_a_version_dated_ahead_gives_way_to_what_comes_after_it(tmp_path: Path) -> None:
    """A clock that is wrong once does not silence an advisory until then."""
    hub = Advisories(tmp_path)
    hub.put(_version(24 * 365, *CVES[:2]))
    assert hub.named() == set(CVES[:2])
    hub.wait(DAY)
    hub.put(_version(_hours(hub.clock.now // 1_000), CVES[1]))
    assert hub.named() == {CVES[1]}


def _hours(now: Millis) -> int:
    return (now - (NOW - 10 * DAY)) // HOUR


@given(
    held=st.fixed_dictionaries({(n, at): st.frozensets(st.sampled_from(CVES)) for n in NAMES for at in (1, 2, 3)}),
    read=st.lists(st.lists(st.tuples(st.sampled_from(NAMES), st.integers(1, 3)), max_size=4), max_size=5),
)
def test_promise_4_the_latest_version_of_each_advisory_counts(
    held: dict[tuple[str, int], frozenset[str]], read: list[list[tuple[str, int]]]
) -> None:
    """In whatever order and documents versions come, and however often."""
    with tempfile.TemporaryDirectory() as folder:
        hub = Advisories(Path(folder))
        latest: dict[str, int] = {}
        for document in read:
            hub.put(*(Version(name, at, held[name, at]) for name, at in document))
            for name, at in document:
                latest[name] = max(at, latest.get(name, 0))
    assert hub.named() == {cve for name_and_at in latest.items() for cve in held[name_and_at]}
