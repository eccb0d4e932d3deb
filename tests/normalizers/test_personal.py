"""Personal data of victims: refused before anything is stored, whatever it comes from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import normalizers.formats
from normalizers.bad_value import BadValue
from normalizers.labels import label_of
from normalizers.personal import personal_data
from normalizers.sources import Source
from tests.normalizers.reading import document, feed, read_all
from tests.normalizers.test_quirks import bundle, indicator

VICTIM = "https://a.example/login?email=jane.doe@mail.invalid"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (VICTIM, True),
        ("https://a.example/jane.doe%40mail.invalid", True),
        ("https://a.example/?u=https%253A%252F%252Fb.example%252F%253Fe%253Djane%252540mail.invalid", True),
        ("https://jane.doe%40mail.invalid@a.example/", True),
        ("https://a.example/?x=1&ip=2001:db8:61:3043::1", True),
        ("https://a.example/?client_ip=203.0.113.5", True),
        ("https://a.example/?REMOTE_ADDR=203.0.113.5", True),
        ("https://a.example/?cip=203.0.113.5", True),
        ("https://a.example/?ipv6=2001:db8:61:3043::1", True),
        ("https://a.example/?mail=jane%EF%BC%A0mail.invalid", True),
        ("https://a.example/?mail=jane[at]mail.invalid", True),
        ("https://a.example/jane%20(at)%20mail.invalid", False),
        ("https://a.example/?id=203.0.113.5", False),
        ("https://a.example/?ip=127.0.0.1", False),
        ("https://a.example/?zip=203.0.113.5", False),
        ("https://a.example/?key=example@example.or.jp", False),
        ("https://www.bank.example.jpaaa@a.example/x", False),
        ("https://a.example/@handle/post?token=0123456789abcdef", False),
        ("https://a.example/100%25", False),
    ],
)
def test_q_pii_what_tells_of_a_victim(url: str, told: bool) -> None:
    """An e-mail address in user, path or query, however often escaped, and a visitor's address in a parameter."""
    assert personal_data(url) is told


def _feeds() -> list[tuple[str, str, dict[str, Any]]]:
    fields = {"value": "url", "type": "url"}
    return [
        ("csv", f"url,x\n{VICTIM},1\n", {"fields": fields}),
        ("text", f"{VICTIM}\n", {"type": "url"}),
        ("json", json.dumps([{"url": VICTIM}]), {"fields": fields}),
        ("jsonl", json.dumps({"url": VICTIM}), {"fields": fields}),
        ("prose", f"- {VICTIM.replace('https', 'hxxps')}\n", {}),
        ("stix", bundle(indicator(pattern=f"[url:value = '{VICTIM}']")), {}),
    ]


@pytest.mark.parametrize(("kind", "text", "options"), _feeds(), ids=[row[0] for row in _feeds()])
def test_q_pii_is_refused_in_every_format(kind: str, text: str, options: dict[str, Any]) -> None:
    """No feed has to ask for it, and the message does not repeat it."""
    (refusal,) = read_all(document(text), feed("openphish", format={"kind": kind, **options})).refused
    assert refusal.reason == "personal-data"
    assert "jane" not in refusal.message


def test_q_pii_may_be_kept_by_a_feed_that_says_so() -> None:
    """For a hub's own eyes."""
    kept = {"kind": "text", "type": "url", "personal": "keep"}
    assert read_all(document(VICTIM), feed("openphish", format=kept)).values == [VICTIM]


def test_every_format_makes_its_claims_where_the_policy_is() -> None:
    """A source refuses what tells of a victim, and no format makes a claim without one."""
    with pytest.raises(BadValue, match="whoever visited it"):
        Source(feed("openphish"), document("")).claim("url", VICTIM)
    for path in Path(normalizers.formats.__path__[0]).glob("*.py"):
        assert " Claim(" not in path.read_text(encoding="utf-8"), path.name


@pytest.mark.parametrize(
    ("kind", "text", "options"),
    [
        ("csv", f"value,tags,link\na.example.net,jane.doe@mail.invalid,{VICTIM}\n",
         {"fields": {"value": "value", "type": "domain", "labels": ["tags"],
                     "references": [{"name": "x", "url": "link"}]}}),
        ("stix", bundle(indicator(labels=["to jane.doe＠mail.invalid"],
         external_references=[{"source_name": "x", "url": VICTIM}])), {}),
    ],
)  # fmt: skip
def test_q_pii_in_labels_and_references_is_left_out(kind: str, text: str, options: dict[str, Any]) -> None:
    """The row stays: what it says of its value tells of nobody."""
    (claim,) = read_all(document(text), feed("openphish", format={"kind": kind, **options})).claims
    assert claim.labels == ()
    assert [reference[0] for reference in claim.references] == ["Source: OpenPhish"]


def test_placeholders_in_labels_stay() -> None:
    """As in URLs."""
    assert label_of("contact example@example.jp") == "contact example@example.jp"
    assert label_of("@handle") == "@handle"
