"""One valid object of every STIX 2.1 type, and ways to spoil them, for property tests."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

from tests.taxii.hub import CLEAR, stix_id

_AT = "2026-01-02T03:04:05.678Z"
_LATER = "2026-01-03T03:04:05.678Z"

#: type -> what it has besides the common properties
_OBJECTS: dict[str, dict[str, Any]] = {
    "attack-pattern": {
        "name": "Spear phishing",
        "aliases": ["phish"],
        "external_references": [{"source_name": "capec", "external_id": "CAPEC-163"}],
        "kill_chain_phases": [{"kill_chain_name": "mitre-attack", "phase_name": "initial-access"}],
    },
    "campaign": {"name": "Campaign", "first_seen": _AT, "last_seen": _LATER, "objective": "money"},
    "course-of-action": {"name": "Block it"},
    "grouping": {"context": "suspicious-activity", "object_refs": [stix_id("indicator", 1)], "name": "Group"},
    "identity": {"name": "Example KK", "identity_class": "organization", "sectors": ["financial-services"]},
    "incident": {"name": "Incident"},
    "indicator": {
        "pattern": "[domain-name:value = 'example.com' OR url:value LIKE 'http://example.net/%']",
        "pattern_type": "stix",
        "valid_from": _AT,
        "valid_until": _LATER,
        "indicator_types": ["malicious-activity"],
    },
    "infrastructure": {"name": "C2", "infrastructure_types": ["command-and-control"], "first_seen": _AT},
    "intrusion-set": {"name": "Set", "goals": ["espionage"], "resource_level": "government"},
    "location": {"latitude": 35.68, "longitude": 139.76, "country": "JP"},
    "malware": {"name": "Malware", "is_family": True, "malware_types": ["trojan"], "aliases": ["x"]},
    "malware-analysis": {"product": "sandbox", "result": "malicious", "submitted": _AT},
    "note": {"content": "A note", "object_refs": [stix_id("indicator", 1)], "authors": ["somebody"]},
    "observed-data": {
        "first_observed": _AT,
        "last_observed": _LATER,
        "number_observed": 3,
        "object_refs": [stix_id("ipv4-addr", 1)],
    },
    "opinion": {"opinion": "agree", "object_refs": [stix_id("indicator", 1)]},
    "report": {
        "name": "Report",
        "published": _AT,
        "object_refs": [stix_id("indicator", 1)],
        "report_types": ["malware"],
    },
    "threat-actor": {"name": "Actor", "threat_actor_types": ["crime-syndicate"], "roles": ["agent"]},
    "tool": {"name": "Tool", "tool_types": ["remote-access"], "tool_version": "1"},
    "vulnerability": {
        "name": "CVE-2026-0001",
        "external_references": [{"source_name": "cve", "external_id": "CVE-2026-0001"}],
    },
    "relationship": {
        "relationship_type": "indicates",
        "source_ref": stix_id("indicator", 1),
        "target_ref": stix_id("malware", 1),
        "start_time": _AT,
        "stop_time": _LATER,
    },
    "sighting": {"sighting_of_ref": stix_id("indicator", 1), "count": 2, "first_seen": _AT, "summary": False},
    "language-content": {
        "object_ref": stix_id("indicator", 1),
        "contents": {"ja": {"name": "指標"}},
    },
    "extension-definition": {
        "name": "Extension",
        "created_by_ref": stix_id("identity", 1),
        "schema": "https://example.com/schema.json",
        "version": "1.0.0",
        "extension_types": ["property-extension"],
    },
    "marking-definition": {"definition_type": "statement", "definition": {"statement": "Copyright"}, "name": "(c)"},
}
_OBSERVABLES: dict[str, dict[str, Any]] = {
    "artifact": {"mime_type": "text/plain", "payload_bin": "aGVsbG8="},
    "autonomous-system": {"number": 64500, "name": "Example", "rir": "APNIC"},
    "directory": {"path": "/tmp", "mtime": _AT},
    "domain-name": {"value": "example.com"},
    "email-addr": {"value": "a@example.com", "display_name": "A"},
    "email-message": {"is_multipart": False, "subject": "Hello", "body": "text", "date": _AT},
    "file": {"hashes": {"SHA-256": "a" * 64, "MD5": "b" * 32}, "size": 5, "name": "a.exe"},
    "ipv4-addr": {"value": "192.0.2.1"},
    "ipv6-addr": {"value": "2001:db8::1"},
    "mac-addr": {"value": "00:00:5e:00:53:01"},
    "mutex": {"name": "mutex"},
    "network-traffic": {"src_ref": stix_id("ipv4-addr", 1), "protocols": ["tcp"], "dst_port": 443, "start": _AT},
    "process": {"pid": 5, "command_line": "a.exe", "created_time": _AT},
    "software": {"name": "Word", "version": "1", "vendor": "Example"},
    "url": {"value": "https://example.com/a"},
    "user-account": {"user_id": "1001", "account_login": "a", "is_disabled": False},
    "windows-registry-key": {"key": "HKEY_LOCAL_MACHINE\\System", "values": [{"name": "a", "data": "b"}]},
    "x509-certificate": {"serial_number": "36:f7", "issuer": "CN=a", "is_self_signed": True},
}


def shapes() -> list[dict[str, Any]]:
    """A valid object of each type."""
    found = []
    for kind, own in _OBJECTS.items():
        common: dict[str, Any] = {"type": kind, "spec_version": "2.1", "id": stix_id(kind, 1), "created": _AT}
        if kind != "marking-definition":
            common["modified"] = _LATER
        found.append({**common, "object_marking_refs": [CLEAR], **own})
    for kind, own in _OBSERVABLES.items():
        found.append({"type": kind, "id": stix_id(kind, 1), "object_marking_refs": [CLEAR], **own})
    return found


TIMES = [
    _AT,
    _LATER,
    "2026-01-02T03:04:05Z",
    "2026-01-02T03:04:05.6Z",
    "2026-1-2T03:04:05.678Z",
    "2026-02-30T00:00:00.000Z",
    "2026-01-02 03:04:05.678Z",
    "2026-01-02T03:04:05.678",
    "2026-01-02T24:00:00.000Z",
    "2026-01-02T03:04:60.000Z",
    "0001-01-01T00:00:00.000Z",
    "1969-12-31T23:59:59.999Z",
    "9999-12-31T23:59:59.999Z",
    "2026-01-02T03:04:05.1234567Z",
    "２０２６-01-02T03:04:05.678Z",
    "2026-01-02T03:04:05.678Z\n",
    "2026-01-02T03:04:05.678+00:00",
]
TEXTS = ["", "a", "狼煙", "\x00", "en", "ja-JP", "not a language", "https://example.com/", "relative/path", "cve"]
TEXTS += [
    "capec",
    "CVE-2026-0001",
    "malicious-activity",
    "2.1",
    "stix",
    "true",
    "5",
    "a" * 300,
    "\ud7ff",
    "\n",
    "'",
    "\\",
]
PATTERNS = [
    "[ipv4-addr:value = '192.0.2.1']",
    "[ipv4-addr:value='192.0.2.1']",
    " [ipv4-addr:value = '192.0.2.1']",
    "[ipv4-addr:value = '192.0.2.1'] ",
    "[ipv4-addr:value = '192.0.2.1'",
    "[url:value = 'http://example.com/\\'x\\\\']",
    "[url:value = 'a\nb']",
    "[url:value = 'a\x00b']",
    "[url:value = '狼煙']",
    "[url:value = '\\x']",
    "[url:value = '\\']",
    "[file:hashes.MD5 = 'zz']",
    "[file:hashes.'MD5' = 'aa']",
    "[file:hashes.'SHA-256' = 'aa']",
    "[file:hashes.SHA-256 = 'aa']",
    "[autonomous-system:number = 64500]",
    "[autonomous-system:number = 0064500]",
    "[autonomous-system:number = 0]",
    "[autonomous-system:number = 9999999999]",
    "[domain-name:value = 'a' AND domain-name:value = 'b']",
    '[email-addr:value = "a@example.com"]',
    "[url:value = '']",
    "[x:y]",
    "[]",
    "",
]
IDS = [
    stix_id("indicator", 1),
    stix_id("identity", 1),
    stix_id("malware", 1),
    CLEAR,
    "indicator--1",
    "identity--",
    "x",
    stix_id("indicator", 1).upper(),
    stix_id("x-custom", 1),
    stix_id("indicator", 1).replace("-8000", "-0000"),
    stix_id("indicator", 1).replace("-4000", "-7000"),
    stix_id("indicator", 1).replace("-", ""),
    stix_id("identity", 1) + "\n",
]
ODD: list[Any] = [
    None,
    [],
    {},
    True,
    False,
    0,
    -1,
    5,
    100,
    101,
    2**53,
    2**60,
    0.5,
    1.0,
    ["a"],
    [None],
    [[]],
    {"a": 1},
    [{"a": 1}],
]
NAMES = ["name", "description", "labels", "confidence", "lang", "revoked", "created_by_ref"]
NAMES += ["external_references", "object_marking_refs", "granular_markings", "extensions", "created"]
NAMES += ["modified", "valid_from", "valid_until", "indicator_types", "kill_chain_phases", "pattern"]
NAMES += ["pattern_type", "pattern_version", "spec_version", "id", "type", "x_custom", "custom_properties"]
NAMES += ["allow_custom", "interoperability", "self", "_valid_refs", "defanged", "X"]
NAMES += ["a b", ""]
REFERENCES = [
    {"source_name": "a", "description": "b"},
    {"source_name": "a"},
    {"source_name": "a", "url": "https://example.com/a?b=c"},
    {"source_name": "a", "url": "nonsense"},
    {"source_name": "a", "url": "https://example.com/a b"},
    {"source_name": "a", "external_id": "CVE-2026-0001"},
    {"source_name": "cve", "external_id": "x"},
    {"source_name": "cve", "external_id": "CVE-2026-0001"},
    {"source_name": 5, "description": "b"},
    {"description": "b"},
    {"source_name": "a", "url": "https://example.com", "hashes": {"MD5": "a" * 32}},
    {"source_name": "a", "url": "https://example.com", "hashes": {"md5": "a" * 32}},
    {"source_name": "a", "description": "b", "x": "c"},
]
PHASES = [
    {"kill_chain_name": "a", "phase_name": "b"},
    {"kill_chain_name": "a"},
    {"kill_chain_name": "a", "phase_name": 5},
]


def likely(name: str) -> list[Any]:
    """Values of the kind that a property of this name has, most of them right, some almost."""
    if name in ("created", "modified", "valid_from", "valid_until") or name.startswith(("first_", "last_")):
        return TIMES
    if name == "pattern":
        return PATTERNS
    if name == "id" or name.endswith("_ref"):
        return IDS
    if name == "object_marking_refs":
        return [[CLEAR], [CLEAR, CLEAR], ["x"], [stix_id("identity", 1)]]
    if name == "external_references":
        return [[reference] for reference in REFERENCES]
    if name == "kill_chain_phases":
        return [PHASES, *([phase] for phase in PHASES)]
    if name in ("labels", "indicator_types", "aliases"):
        return [["a"], ["a", "a"], ["狼煙", "b"], [""], ["a", 5]]
    return [*TEXTS, *ODD]


def values() -> st.SearchStrategy[Any]:
    """A value that is right for some property, or for none."""
    texts = st.sampled_from([*TIMES, *TEXTS, *PATTERNS, *IDS]) | st.text(max_size=8)
    pieces = st.sampled_from([*ODD, *REFERENCES, *PHASES]) | texts
    extension = st.fixed_dictionaries(
        {"extension_type": st.sampled_from(["property-extension", "toplevel-property-extension", "new-sdo", "x"])},
        optional={"note": texts},
    )
    extensions = st.dictionaries(
        st.sampled_from([stix_id("extension-definition", 1), "x-ext", "a"]), extension, max_size=2
    )
    granular = st.fixed_dictionaries(
        {"selectors": st.lists(st.sampled_from(["name", "nope", "labels.[0]"]), max_size=2)},
        optional={"marking_ref": st.sampled_from(IDS), "lang": texts},
    )
    return pieces | st.lists(pieces, max_size=3) | extensions | st.lists(granular, max_size=2)


@st.composite
def spoiled(draw: st.DrawFn, bases: list[dict[str, Any]]) -> dict[str, Any]:
    """One of those objects with up to three properties set, replaced or removed, at the top or one level down."""
    obj = copy.deepcopy(draw(st.sampled_from(bases)))
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
        place: Any = obj
        nested = [value for value in obj.values() if isinstance(value, dict) and value]
        if nested and draw(st.integers(0, 4)) == 0:
            place = draw(st.sampled_from(nested))
        name = draw(st.sampled_from([*NAMES, *place, *place]))
        what = draw(st.integers(0, 7))
        if what == 0:
            place.pop(name, None)
        else:
            chosen = draw(values()) if what == 1 else draw(st.sampled_from(likely(name)))
            place[name] = copy.deepcopy(chosen)
    return obj
