"""The gate for references: whatever a feed names, what is served of it is valid (promise 6)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.loading import load_feed
from config.yamlfile import SettingsError
from normalizers.claims import Claim, rounded
from normalizers.references import MOST, is_cwe, link, reference
from tests.merge.strategies import PUBLIC
from tests.normalizers.reading import document, feed, read_all
from tests.promises.test_promise_6_valid import check, merged_object

_ids = st.one_of(
    st.sampled_from(
        [
            "CVE-2026-0001", "cve-2026-12345", "CVE-2026-0001\n", "CVE-2026-00001", "CVE-٢٠٢٦-1234", "CVE-1", "CAPEC-1",
            "capec-66", "CAPEC-٧", "CAPEC-", "CWE-79", "", " ", "#1", "ais-jp:1", "１２３", "CVE-２０２６-０００１",
        ]
    ),
    st.from_regex(r"(?i)(CVE-\d{4}-\d{3,5}|CAPEC-\d{1,4})\s?", fullmatch=True),
    st.text(max_size=20),
)  # fmt: skip
_names = st.one_of(
    st.sampled_from(["cve", "capec", "CVE", "Capec", "cve\n", " cve", "cwe", "", "\x00", "ais-jp:x", "mitre-attack"]),
    st.text(max_size=20),
)
_urls = st.one_of(
    st.sampled_from(
        [
            "https://advisories.example.jp/1", "http://a.example:99999/", "https://a b.example/", "javascript:alert(1)",
            "https://日本.example/", "https://a.example/%zz", "https://a.example/#%", "nonsense", "", "https://u@a.example/",
        ]
    ),
    st.text(max_size=20).map(lambda text: f"https://a.example/{text}"),
)  # fmt: skip
_odd = st.one_of(_ids, _names, _urls, st.none(), st.integers(), st.lists(st.integers(), max_size=2))
_references = st.dictionaries(
    st.sampled_from(["source_name", "url", "external_id", "description", "hashes"]), _odd, max_size=5
) | st.fixed_dictionaries({"source_name": _names, "url": _urls, "external_id": _ids})


def _indicator(references: Any) -> dict[str, Any]:
    return {
        "type": "indicator", "spec_version": "2.1", "id": "indicator--11111111-1111-4111-8111-111111111111",
        "created": "2026-03-01T00:00:00.000Z", "modified": "2026-03-01T00:00:00.000Z",
        "pattern": "[ipv4-addr:value = '192.0.2.9']", "pattern_type": "stix", "valid_from": "2026-03-01T00:00:00Z",
        "external_references": references,
    }  # fmt: skip


def _served(claim: Claim) -> dict[str, Any]:
    obj = merged_object([rounded(claim)], PUBLIC)
    assert obj is not None
    check(obj)
    return obj


@given(st.lists(_references, max_size=4))
@settings(max_examples=200, deadline=None)
def test_promise_6_whatever_a_bundle_refers_to_the_indicator_is_valid(references: list[Any]) -> None:
    """From the feed's bundle to the object: stix2.parse and the OASIS validator take it."""
    text = json.dumps({"type": "bundle", "id": "bundle--1", "objects": [_indicator(references)]})
    read = read_all(document(text), feed("tweetfeed-stix"))
    for claim in read.claims:
        _served(claim)
    assert len(read.claims) == 1


@given(_names, _urls, _ids)
@settings(max_examples=200, deadline=None)
def test_promise_6_whatever_a_row_refers_to_the_object_is_valid(name: str, url: str, number: str) -> None:
    """A row's cells too, under whatever name the feed's file gives them, and for every type of object."""
    for value, kind in (("192.0.2.9", "ip"), ("CVE-2026-0001", "cve"), ("https://advisories.example.jp/1", "advisory")):
        form = {
            "kind": "json",
            "fields": {"value": "v", "type": kind, "references": [{"name": name, "url": "u", "id": "i"}]},
        }
        source = feed("openphish", format=form, share="public")
        read = read_all(document(json.dumps([{"v": value, "u": url, "i": number}])), source)
        _served(read.claims[0])


@given(_names, _urls, _ids)
def test_the_gate_passes_what_it_passed(name: str, url: str, number: str) -> None:
    """What passed once passes again, unchanged: another hub's references are the same references."""
    once = reference(name, url, number)
    assert once is None or reference(*once) == once


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        pytest.param(("NVD", "", "CVE-2026-0001"), ("cve", "", "CVE-2026-0001"), id="a CVE under another name"),
        pytest.param(("x", "", "capec-66"), ("capec", "", "CAPEC-66"), id="a CAPEC in small letters"),
        pytest.param(
            ("cve", "https://a.example/", ""), ("CVE", "https://a.example/", ""), id="the name of CVE without an id"
        ),
        pytest.param(("capec", "", "66"), ("CAPEC", "", "66"), id="the name of CAPEC with another id"),
        pytest.param(("x", "", "CVE-٢٠٢٦-1234"), None, id="digits of another script"),
        pytest.param(("x", "javascript:alert(1)", ""), None, id="no web address"),
        pytest.param(("", "https://a.example/", ""), None, id="no name"),
        pytest.param(("a\nb", "", "#7"), ("a b", "", "7"), id="lines and marks"),
    ],
)
def test_references_are_put_right_or_dropped(given_: tuple[str, str, str], expected: tuple[str, str, str]) -> None:
    """An id goes under its catalogue's name; what names nothing is no reference."""
    assert reference(*given_) == expected


def test_a_row_s_references_are_bounded_and_the_source_s_own_stays() -> None:
    """The first fifty in their order, whatever order the row has; the line that the terms ask for beside them."""
    many = [{"source_name": "zz", "external_id": f"{number:04d}"} for number in range(200)]
    texts = [json.dumps([_indicator(listed)]) for listed in (many, many[::-1])]
    one, other = (read_all(document(text), feed("tweetfeed-stix")).claims[0].references for text in texts)
    assert one == other
    assert len(one) == MOST + 1
    assert ("Source: TweetFeed (CC0)", "https://tweetfeed.live/", "") in one
    assert ("zz", "", "0000") in one


@pytest.mark.parametrize("text", ["CWE-79", "CWE-1"])
def test_a_weakness_is_known_by_its_id(text: str) -> None:
    """Nothing but the catalogue's own ids."""
    assert is_cwe(text)
    assert not is_cwe(f"{text}<b>")


def test_links_keep_their_length() -> None:
    """A link beyond two thousand characters is none."""
    assert link("https://a.example/" + "a" * 1_900)
    assert not link("https://a.example/" + "a" * 2_000)


def test_a_publisher_s_homepage_has_to_be_a_web_address(tmp_path: Any) -> None:
    """It stands in references, so a feed file with anything else is refused."""
    path = tmp_path / "feed.yaml"
    path.write_text(
        "{id: a-feed, title: A, carries: B, publisher: {name: P, country: JP, homepage: 'https://a b/'},\n"
        " transport: {kind: file, path: x}, format: {kind: text, type: url}, marking: TLP:CLEAR, share: public,\n"
        " reliability: 1, kind: log}\n"
    )
    with pytest.raises(SettingsError, match=r"homepage.*web address"):
        load_feed(path)
