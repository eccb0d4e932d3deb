"""What a text names, and which claims bear that name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.observables import PASSED
from normalizers.claims import Claim, detail_text, encode
from normalizers.names import technique
from normalizers.naming import Named, borne, sought, texts_of


def claim(**said: object) -> Claim:
    """What a feed says of an address."""
    return Claim("ipv4", "192.0.2.1", "a", "a", "clear", 1, 1, 1, 1, 50)._replace(**said)


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("Heodo", [Named("malware", "Emotet")]),
        ("win.redline_stealer", [Named("malware", "RedLine Stealer")]),
        ("Fancy  Bear", [Named("actor", "APT28")]),
        ("アマゾン", [Named("brand", "amazon")]),
        ("三井住友カード", [Named("brand", "sumitomo-mitsui-card")]),
        ("t1566.002", [Named("technique", "T1566.002")]),
        ("Operation Nothing", []),
    ],
)
def test_a_text_leads_to_names(text: str, known: list[Named]) -> None:
    """By any alias, in Japanese and English; and to the word itself, as a source may have said it."""
    assert sought(text) == [*known, Named("label", " ".join(text.split()))]
    assert sought("  ") == []


@pytest.mark.parametrize(
    ("text", "said", "found"),
    [
        ("heodo", {"malware": ("Emotet",)}, [Named("malware", "Emotet")]),
        ("Sofacy", {"detail": detail_text({"actors": ["APT28"]})}, [Named("actor", "APT28")]),
        ("Amazon", {"detail": detail_text({"brands": ["amazon"]})}, [Named("brand", "amazon")]),
        ("T1566", {"references": (technique("T1566.002"),)}, [Named("technique", "T1566.002")]),
        ("T1566.001", {"references": (technique("T1566.002"),)}, []),
        ("T1566", {"references": (("other", "", "T1566"),)}, []),
        ("operation nothing", {"labels": ("Operation Nothing",)}, [Named("label", "Operation Nothing")]),
        ("unheard of", {"malware": ("Unheard Of",)}, [Named("malware", "Unheard Of")]),
        ("unheard of", {"detail": detail_text({"actors": ["Unheard Of"]})}, [Named("actor", "Unheard Of")]),
        ("heodo", {"labels": ("Emotet",)}, []),
    ],
)
def test_a_claim_bears_names(text: str, said: dict[str, object], found: list[Named]) -> None:
    """Malware, actors and brands by their one name, techniques with those beneath, a source's words as it said them."""
    assert borne(claim(**said), sought(text)) == found


def passed_on(kind: str, **said: object) -> Claim:
    """What a feed says of an object that it passes on."""
    return claim(type=PASSED, value=f"{kind}--1", detail=detail_text({"stix": {"type": kind, **said}}))


_TECHNIQUE = {"source_name": "mitre-attack", "external_id": "T1566.002"}


@pytest.mark.parametrize(
    ("text", "obj", "found"),
    [
        ("heodo", passed_on("malware", name="EMOTET"), [Named("malware", "EMOTET")]),
        ("Emotet", passed_on("tool", name="New", aliases=["Heodo"]), [Named("tool", "New")]),
        ("Sofacy", passed_on("intrusion-set", name="Fancy Bear"), [Named("intrusion-set", "Fancy Bear")]),
        ("Sofacy", passed_on("threat-actor", name="X", aliases=["APT 28"]), [Named("threat-actor", "X")]),
        ("Sofacy", passed_on("malware", name="Fancy Bear"), []),
        ("アマゾン", passed_on("identity", name="Amazon"), [Named("identity", "Amazon")]),
        ("operation-one", passed_on("campaign", name="Operation One"), [Named("campaign", "Operation One")]),
        ("作戦 一", passed_on("campaign", name="作戦一"), [Named("campaign", "作戦一")]),
        ("one", passed_on("campaign", name="Two", aliases=["One"]), [Named("campaign", "Two")]),
        ("one", passed_on("location", aliases=["One"]), [Named("location", "One")]),
        ("one", passed_on("note", labels=["ONE"]), [Named("label", "ONE")]),
        ("!?", passed_on("campaign", name="??"), []),
        ("!?", passed_on("campaign", name="!?"), [Named("campaign", "!?")]),
        ("T1566", passed_on("course-of-action", name="Y", external_references=[_TECHNIQUE]),
         [Named("technique", "T1566.002")]),
        ("T1566", passed_on("tool", name="Y", external_references=[{"source_name": "mitre-attack"}]), []),
    ],
)  # fmt: skip
def test_an_object_that_is_passed_on_bears_its_name(text: str, obj: Claim, found: list[Named]) -> None:
    """And its aliases: malware, actors and brands by any name that is known, others as they are said, whatever their
    case, blanks and punctuation; and the techniques that it refers to."""
    assert borne(obj, sought(text)) == found
    if found:
        assert any(one.encode().lower() in encode(obj).lower() for one in texts_of(sought(text)))


WORDS = st.one_of(
    st.sampled_from(["Emotet", "APT28", 'a"b', "a\\b", "日本", "ÄÖ", "T1566"]), st.text(min_size=1, max_size=8)
)


@given(
    st.lists(WORDS, min_size=1, max_size=3),
    st.sampled_from(["labels", "malware", "actors", "name", "aliases"]),
    st.data(),
)
def test_a_claim_that_bears_a_name_has_one_of_its_texts(words: list[str], member: str, data: st.DataObject) -> None:
    """So what is asked of the store leaves out nothing that would be found, whatever stands in a name."""
    if member == "actors":
        said = claim(detail=detail_text({"actors": sorted(words)}))
    elif member in ("name", "aliases"):
        said = passed_on("threat-actor", name=words[0], **({"aliases": words} if member == "aliases" else {}))
        words = words if member == "aliases" else words[:1]
    else:
        said = claim(**{member: tuple(sorted(words))})
    named = [Named("label", data.draw(st.sampled_from(words)))]
    assert borne(said, named)
    body = encode(said).lower()
    assert any(text.encode().lower() in body for text in texts_of(named))
