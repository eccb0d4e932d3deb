"""Audiences: a lattice that never widens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.audience import INTERNAL, audience_of, check, marking_of, narrower, rank, sees, under_terms

WORDS = ["clear", "green", "amber:finance", "amber:power", "amber+strict:finance", "amber+strict:power", "internal"]
words = st.sampled_from(WORDS)


@given(words, words)
def test_the_narrower_of_two_is_their_intersection(one: str, two: str) -> None:
    """Who may see both of two things sees what is for the narrower, and nobody else but the operators does."""
    both = narrower(one, two)
    assert both == narrower(two, one)
    for reader in WORDS:
        if reader != INTERNAL and both != INTERNAL:
            assert sees(reader, both) == (sees(reader, one) and sees(reader, two))
        if sees(reader, both):
            assert sees(reader, one) or both == INTERNAL
            assert sees(reader, two) or both == INTERNAL


@given(words, words, words)
def test_narrowing_does_not_depend_on_grouping(one: str, two: str, three: str) -> None:
    """narrower is associative, so terms may be applied in any order."""
    assert narrower(narrower(one, two), three) == narrower(one, narrower(two, three))


def test_two_groups_have_only_the_operators_in_common() -> None:
    """The narrower of two groups' ambers is internal."""
    assert narrower("amber:finance", "amber:power") == INTERNAL
    assert not sees("amber:finance", "amber:power")


@pytest.mark.parametrize("reader", [word for word in WORDS if word != "internal"])
def test_what_is_internal_is_seen_by_no_collection(reader: str) -> None:
    """No reader but the operators sees what is internal."""
    assert not sees(reader, INTERNAL)


def test_terms_narrow_and_never_widen() -> None:
    """members makes CLEAR GREEN; public leaves AMBER where it is."""
    assert under_terms("clear", "members") == "green"
    assert under_terms("amber:finance", "public") == "amber:finance"
    assert under_terms("clear", "internal") == INTERNAL


@pytest.mark.parametrize("label", ["TLP:RED", "red", "TLP:PINK", "", "amber", "TLP:AMBER+STRICT"])
def test_in_doubt_a_marking_is_refused(label: str) -> None:
    """RED, unknown words and AMBER without a group have no audience."""
    with pytest.raises(ValueError, match=r"."):
        audience_of(label)


@pytest.mark.parametrize("word", ["", "red", "amber", "amber:", "green:finance", "AMBER:finance", "amber:Fin ance"])
def test_a_word_that_is_no_audience_is_refused(word: str) -> None:
    """check takes well-formed words alone."""
    with pytest.raises(ValueError, match="expected an audience"):
        check(word)


@given(words)
def test_every_published_audience_has_a_marking(word: str) -> None:
    """All but internal can be marked, and a narrower marking ranks higher."""
    if word == INTERNAL:
        with pytest.raises(ValueError, match="internal"):
            marking_of(word)
    else:
        assert word.startswith(marking_of(word))
        assert rank(word) == ["clear", "green", "amber", "amber+strict"].index(marking_of(word))
