"""Checking what strangers send: the quick check against the stix2 library, and both against the OASIS validator."""

from __future__ import annotations

import copy
import subprocess
import sys
from typing import Any

import pytest
import stix2
import stix2validator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from normalizers.checking import Scrutiny, is_plain, key_of
from normalizers.envelope import DEEPEST, EnvelopeError, objects_of
from normalizers.spelling import is_language
from tests.taxii.hub import indicator, stix_id
from tests.taxii.shapes import PATTERNS, PHASES, REFERENCES, shapes, spoiled

PLAIN = indicator(
    1,
    description="d",
    labels=["a"],
    confidence=5,
    external_references=[REFERENCES[0], REFERENCES[2]],
    kill_chain_phases=[PHASES[0]],
    indicator_types=["unknown"],
    pattern_version="2.1",
    valid_until="2026-03-01T00:00:00Z",
    created_by_ref=stix_id("identity", 1),
    lang="ja",
    revoked=False,
)
FLAW = {
    **{name: value for name, value in PLAIN.items() if name in (
        "spec_version", "created", "modified", "created_by_ref", "labels", "confidence", "external_references", "lang",
        "object_marking_refs", "description", "revoked",
    )},
    "type": "vulnerability",
    "id": stix_id("vulnerability", 1),
    "name": "CVE-2026-0001",
}  # fmt: skip
#: more than the profile says, as an example costs little: 400 as a rule, 8,000 in the long run
MANY = 4 * settings.default.max_examples  # type: ignore[union-attr]
OPTIONS = stix2validator.ValidationOptions(version="2.1")


def check_object(obj: Any) -> str | None:
    """What is wrong with one object by itself."""
    return Scrutiny().problem(obj)


def oasis_errors(obj: dict[str, Any]) -> list[str]:
    """What the OASIS validator finds, less what it is wrong about."""
    found = [error.message for error in stix2validator.validate_instance(obj, OPTIONS).errors]
    # STIX 2.1 section 2.9 takes any UUID of RFC 4122 form; the validator's schema knows only versions 1 to 5.
    found = [message for message in found if "-7000-" not in message]
    # The validator has a list of some two hundred language codes; RFC 5646 has thousands.
    return [message for message in found if not ("RFC 5646" in message and is_language(message.split("'")[1]))]


@pytest.mark.parametrize("obj", shapes(), ids=lambda obj: obj["type"])
def test_an_object_of_every_type_is_valid(obj: dict[str, Any]) -> None:
    """Each type of STIX 2.1 is taken, and the OASIS validator agrees."""
    assert check_object(obj) is None
    assert oasis_errors(obj) == []


def test_the_usual_indicator_takes_the_quick_check() -> None:
    """What nearly everybody sends needs no library."""
    assert is_plain(PLAIN)
    assert is_plain(indicator(1))
    assert is_plain(FLAW)
    assert stix2.parse(FLAW, allow_custom=False)


@settings(max_examples=MANY, suppress_health_check=list(HealthCheck))
@given(spoiled([PLAIN, FLAW]))
def test_the_quick_check_never_accepts_what_stix2_refuses(obj: dict[str, Any]) -> None:
    """Whatever the quick check says yes to, the library parses, and reads as it is written."""
    if is_plain(copy.deepcopy(obj)):
        parsed = stix2.parse(obj, allow_custom=False)
        written = {name: value for name, value in obj.items() if not name.startswith(("created", "modified", "valid_"))}
        assert {name: parsed[name] for name in written if isinstance(written[name], str | int)} == {
            name: value for name, value in written.items() if isinstance(value, str | int)
        }


@settings(max_examples=MANY, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(PATTERNS) | st.text(alphabet="[]():='\\.-ABab01 \n\x00狼煙/*", max_size=30))
def test_the_quick_check_of_patterns(pattern: str) -> None:
    """Every pattern that the quick check lets through is one that the library takes."""
    for text in (pattern, f"[url:value = '{pattern}']", f"[file:hashes.'SHA-256' = '{pattern}']"):
        obj = indicator(1, pattern=text)
        if is_plain(obj):
            stix2.parse(obj, allow_custom=False)


@settings(max_examples=MANY, suppress_health_check=list(HealthCheck))
@given(spoiled([*shapes(), PLAIN, PLAIN, PLAIN, FLAW]))
def test_what_is_taken_is_valid(obj: dict[str, Any]) -> None:
    """What the whole check takes passes stix2.parse and the OASIS validator, and what it refuses is told why."""
    message = check_object(copy.deepcopy(obj))
    if message is None:
        stix2.parse(obj, allow_custom=False)
        assert oasis_errors(obj) == []
    else:
        assert message
        assert len(message) < 500


@settings(max_examples=MANY)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda inner: (
    st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "id", "objects", "extensions", "x"]), inner)
), max_leaves=8))  # fmt: skip
def test_anything_at_all_gets_an_answer(value: Any) -> None:
    """Whatever JSON value stands where an object should, there is a message and never an exception."""
    assert isinstance(check_object(value), str)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": stix_id("indicator", 1).upper()}, "id: "),
        ({"valid_from": "2026-01-02"}, "valid_from: "),
        ({"valid_until": PLAIN["valid_from"]}, "valid_until: expected later than valid_from"),
        ({"created": "2026-01-02T03:04:05Z"}, "created: expected a timestamp with at least three fraction digits"),
        ({"pattern": "[x"}, "pattern: "),
        ({"pattern": "(" * 5_000 + "[a:b = 1]" + ")" * 5_000}, "pattern: "),
        ({"confidence": True}, "confidence: "),
        ({"confidence": 2**60}, "confidence: expected an integer within"),
        ({"labels": [None]}, "labels[0]: "),
        ({"x_own": 1}, "x_own: not a property of indicator"),
        ({"custom_properties": {"x_own": 1}}, "custom_properties: not a property of STIX"),
        (
            {"external_references": [{"source_name": "a", "custom_properties": {"x": 1}, "url": "https://a"}]},
            "external",
        ),
        ({"object_marking_refs": [stix_id("identity", 1)]}, "object_marking_refs: "),
        ({"granular_markings": [{"selectors": ["nope"], "lang": "en"}]}, "indicator: "),
        ({"extensions": {"x-own-ext": {"a": 1}}}, "extensions: "),
        ({"lang": "the language of the hub"}, "lang: "),
        ({"external_references": [{"source_name": "cve", "external_id": "5"}]}, "external_references[0].external_id: "),
        ({"external_references": [{"source_name": "a", "url": "x y"}]}, "external_references[0].url: "),
    ],
)
def test_messages_name_the_property(change: dict[str, Any], message: str) -> None:
    """Whoever posted it is told which property is wrong."""
    found = check_object({**PLAIN, **change})
    assert found is not None
    assert found.startswith(message)


@pytest.mark.parametrize(
    "missing", ["id", "spec_version", "created", "modified", "valid_from", "pattern", "pattern_type"]
)
def test_nothing_is_made_up(missing: str) -> None:
    """What the library would fill in by itself has to be there."""
    found = check_object({name: value for name, value in PLAIN.items() if name != missing})
    assert found is not None
    assert found.startswith(missing)


def test_the_library_is_loaded_when_it_is_needed() -> None:
    """A process that meets only plain indicators does without stix2 and its memory."""
    code = (
        "import sys\nfrom normalizers.checking import Scrutiny\n"
        f"assert Scrutiny().problem({PLAIN!r}) is None\nassert 'stix2' not in sys.modules\n"
        f"assert Scrutiny().problem({shapes()[0]!r}) is None\nassert 'stix2' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_key_of() -> None:
    """Types may hold hyphens; the UUID is what stands after the last two."""
    assert key_of("x509-certificate--00000000-0000-4000-8000-000000000001") == (
        "x509-certificate",
        bytes.fromhex("00000000000040008000000000000001"),
    )


# -- envelopes


def test_the_deepest_nesting_that_is_taken() -> None:
    """One level more than the limit is refused."""
    levels = DEEPEST - 2

    def nested(depth: int) -> bytes:
        return b'{"objects":[' + b'{"a":' * depth + b"1" + b"}" * depth + b"]}"

    assert len(objects_of(nested(levels))) == 1
    with pytest.raises(EnvelopeError, match="levels"):
        objects_of(nested(levels + 1))


def test_patterns_that_take_long_to_check_are_bounded() -> None:
    """One of them, and all of an envelope; usual ones cost little and count for nothing."""
    odd = " FOLLOWEDBY ".join(["[url:value = 'http://example.com/']"] * 3)
    long = " FOLLOWEDBY ".join(["[url:value = 'http://example.com/']"] * 300)
    assert check_object(indicator(1, pattern=long)) == f"pattern: expected at most 10000 characters, got {len(long)}"
    scrutiny = Scrutiny(characters=2 * len(odd))
    said = [scrutiny.problem(indicator(number, pattern=odd)) for number in range(3)]
    assert said[:2] == [None, None]
    assert said[2] is not None
    assert "post the rest in another" in said[2]
    assert scrutiny.problem(indicator(4, pattern=f"[url:value = 'http://example.com/{'a' * 8_000}']")) is None
    assert scrutiny.problem(indicator(5, x_odd=True)) != said[2]
