"""One reader of STIX indicators: what is the same for every sender, and what the policy decides."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.audience import audience_of
from config.instant import DAY, HOUR, stix_time
from config.observables import LIFE
from normalizers.bad_value import BadValue
from normalizers.indicators import Policy, Reader
from taxii_server.submissions import LIVES
from tests.normalizers.reading import NOW

GREEN = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"


def indicator(**changes: Any) -> dict[str, Any]:
    """An indicator with words of its own in every place that has room for some."""
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": "indicator--11111111-1111-4111-8111-111111111111",
        "created": stix_time(NOW),
        "modified": stix_time(NOW + 754_321),
        "pattern": "[ipv4-addr:value = '192.0.2.9']",
        "pattern_type": "stix",
        "valid_from": stix_time(NOW + 123_456),
        "indicator_types": ["malicious-activity", "our-own-type"],
        "labels": ["scam", "ais-jp:malware=SampleBot"],
        "external_references": [{"source_name": "Report", "external_id": "R-1"}],
        "object_marking_refs": [GREEN],
        **changes,
    }


def _audience(labels: list[str]) -> str | None:
    return audience_of(labels[0]) if labels else None


def _life(kind: str) -> tuple[int, int]:
    return 7 * DAY, LIFE[kind][1]


TRUSTED = Policy(_audience, _life, own_words=True, unknown=True, threats={"scam": "phishing"})
ANONYMOUS = Policy(_audience, _life, own_words=False, unknown=False, step=HOUR, lives=LIVES)
POLICIES = [pytest.param(TRUSTED, id="trusted"), pytest.param(ANONYMOUS, id="anonymous")]


def test_a_trusted_sender_speaks_in_its_own_words() -> None:
    """Labels, malware families, references, times to the millisecond, and the threat that its labels mean."""
    word = Reader(TRUSTED).word(indicator())
    assert (word.kind, word.value, word.modified) == ("ipv4", "192.0.2.9", NOW + 754_321)
    assert (word.first_seen, word.last_seen) == (NOW + 123_456, NOW + 754_321)
    assert (word.labels, word.malware, word.threat) == ({"scam"}, {"SampleBot"}, "phishing")
    assert word.references == (("Report", "", "R-1"),)


def test_promise_7_of_an_anonymous_sender_only_the_vocabulary_is_passed_on() -> None:
    """No label, family or reference; of the types the standard's; times to the hour; the version stays exact."""
    word = Reader(ANONYMOUS).word(indicator())
    assert word.modified == NOW + 754_321
    assert {word.first_seen, word.last_seen} == {NOW}
    assert (word.labels, word.malware, word.references, word.threat) == ({"malicious-activity"}, set(), (), None)


@given(st.integers(min_value=1, max_value=5_000 * 24), st.sampled_from(["url:value", "ipv4-addr:value"]))
def test_promise_7_few_lives_are_told_apart(hours: int, path: str) -> None:
    """However long a member says its values stay valid, it is told as one of few lengths, and never as a longer one."""
    value = "http://example.com/" if path == "url:value" else "192.0.2.9"
    until = NOW + hours * HOUR
    word = Reader(ANONYMOUS).word(
        indicator(pattern=f"[{path} = '{value}']", modified=stix_time(NOW), valid_until=stix_time(until))
    )
    assert word.life in LIVES
    assert word.life <= hours * HOUR
    assert word.life * 4 > min(hours * HOUR, LIFE[word.kind][1]) or word.life == HOUR


@pytest.mark.parametrize("policy", POLICIES)
def test_what_is_no_longer_valid_as_of_its_last_change_is_withdrawn(policy: Policy) -> None:
    """STIX has two ways to take an indicator back: revoked, and a version whose validity is over."""
    over = indicator(valid_until=stix_time(NOW + 754_321))
    for obj in (indicator(revoked=True), over):
        word = Reader(policy).word(obj)
        assert word.withdrawn == word.last_seen
    assert Reader(policy).word(indicator(valid_until=stix_time(NOW + DAY))).withdrawn == 0


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(
    ("changes", "reason", "said"),
    [
        ({"indicator_types": ["benign"]}, "benign", "indicator_types: "),
        ({"indicator_types": ["benign", "malicious-activity"]}, "benign", "indicator_types: "),
        ({"pattern": "[process:name = 'x']"}, "unsupported-pattern", "pattern: "),
        ({"pattern_type": "yara"}, "pattern-type", "pattern_type: "),
        ({"spec_version": "2.0"}, "stix-version", "spec_version: "),
        ({"type": "malware"}, "object-type", "type: "),
        ({"confidence": True}, "bad-confidence", "confidence: "),
    ],
)
def test_what_is_refused_is_refused_to_every_sender(
    policy: Policy, changes: dict[str, Any], reason: str, said: str
) -> None:
    """For the same reason, with the property first."""
    with pytest.raises(BadValue) as refused:
        Reader(policy).word(indicator(**changes))
    assert refused.value.reason == reason
    assert str(refused.value).startswith(said)


def test_what_its_sender_calls_unknown_is_for_the_policy() -> None:
    """A feed of threats may not say of what kind each is; a member has to."""
    obj = indicator(indicator_types=["unknown"])
    assert Reader(TRUSTED).word(obj).value == "192.0.2.9"
    with pytest.raises(BadValue):
        Reader(ANONYMOUS).word(obj)


@pytest.mark.parametrize("policy", POLICIES)
def test_markings_are_understood_in_the_same_way(policy: Policy) -> None:
    """Those that everybody knows and those defined beside the object; an unknown one is refused, wherever it stands."""
    own = "marking-definition--11111111-1111-4111-8111-111111111111"
    statement = "marking-definition--22222222-2222-4222-8222-222222222222"
    defined = [
        {"type": "marking-definition", "id": own, "definition_type": "tlp", "definition": {"tlp": "green"}},
        {"type": "marking-definition", "id": statement, "definition_type": "statement", "definition": {}},
    ]
    reader = Reader(policy, defined)
    assert reader.audience(indicator()) == "green"
    assert reader.audience(indicator(object_marking_refs=[own, statement])) == "green"
    assert reader.audience(indicator(object_marking_refs=[statement])) is None
    for bad in ({"object_marking_refs": [own]}, {"granular_markings": [{"marking_ref": own}]}):
        with pytest.raises(BadValue, match=r"object_marking_refs: .*does not know"):
            Reader(policy).audience(indicator(**bad))
