"""What a text names, and which claims bear that name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


WORDS = st.one_of(
    st.sampled_from(["Emotet", "APT28", 'a"b', "a\\b", "日本", "ÄÖ", "T1566"]), st.text(min_size=1, max_size=8)
)


@given(st.lists(WORDS, min_size=1, max_size=3), st.sampled_from(["labels", "malware", "actors"]), st.data())
def test_a_claim_that_bears_a_name_has_one_of_its_texts(words: list[str], member: str, data: st.DataObject) -> None:
    """So what is asked of the store leaves out nothing that would be found, whatever stands in a name."""
    if member == "actors":
        said = claim(detail=detail_text({"actors": sorted(words)}))
    else:
        said = claim(**{member: tuple(sorted(words))})
    named = [Named("label", data.draw(st.sampled_from(words)))]
    assert borne(said, named)
    body = encode(said).lower()
    assert any(text.encode().lower() in body for text in texts_of(named))
