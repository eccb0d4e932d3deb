"""Rulings in a merge: they act on what sources say, in the views that see them, until lifted or their term ends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.instant import DAY
from normalizers.bad_value import BadValue
from normalizers.claims import Claim
from normalizers.merge import Merged, View, merge
from normalizers.rulings import is_ruling, lifted, ruling
from tests.merge.strategies import MEMBERS, NOW, PUBLIC, VIEWS, claims, rulings
from tests.stores.making import claim

SEEN = claim(version=NOW - 5 * DAY, first_seen=NOW - 9 * DAY, last_seen=NOW - 5 * DAY, life=30 * DAY)
URL = (SEEN.type, SEEN.value)


def ruled(verdict: str = "false-positive", audience: str = "clear", at: int = NOW, term: int = 365 * DAY) -> Claim:
    """A ruling on it."""
    return ruling(*URL, verdict, hub="hub.example", audience=audience, at=at, term=term, why="seen")  # type: ignore[arg-type]


def said(*given: Claim, view: View = PUBLIC) -> Merged:
    """What a view says of them."""
    word = merge(given, view)
    assert word is not None
    return word


def test_what_is_ruled_false_is_over_when_that_was_said() -> None:
    """What its sources said of it stands there, as it was."""
    word = said(SEEN, ruled())
    assert (word.false, word.ends, word.claims) == (True, NOW, (SEEN,))
    assert word.confidence == said(SEEN).confidence


def test_a_ruling_alone_says_nothing() -> None:
    """Nor does it make an opinion of what nobody says any more."""
    assert merge([ruled()], PUBLIC) is None


def test_a_ruling_acts_in_the_views_that_see_it() -> None:
    """To the others nothing is ruled; those who see it see whom it is for."""
    both = [SEEN, ruled(audience="green")]
    assert said(*both) == said(SEEN)
    assert (said(*both, view=MEMBERS).false, said(*both, view=MEMBERS).audience) == (True, "green")


def test_what_is_held_stays_as_it_is() -> None:
    """A hold says nothing of what is held; a false positive counts for more."""
    word = said(SEEN, ruled("hold"))
    assert (word.gate, word._replace(gate="")) == ("hold", said(SEEN))
    assert said(SEEN, ruled("hold", "clear"), ruled(audience="green"), view=MEMBERS).false


def test_what_is_lifted_acts_no_more() -> None:
    """As if nothing had been ruled."""
    assert said(SEEN, lifted(ruled(), NOW + 1)) == said(SEEN)
    assert said(SEEN, ruled(), lifted(ruled(), NOW)) == said(SEEN)


def test_what_is_seen_after_the_term_is_not_covered() -> None:
    """The value returns with that sighting, whole."""
    later = SEEN._replace(last_seen=NOW + 10 * DAY, version=NOW + 10 * DAY)
    assert said(SEEN, ruled(term=DAY)).false
    assert said(later, ruled(term=10 * DAY)) == said(later)
    assert said(later, ruled(term=11 * DAY)).false


def test_nothing_is_ruled_on_what_is_not_merged() -> None:
    """A fingerprint of TLS, an object that is passed on."""
    with pytest.raises(BadValue, match="published"):
        ruling("ja3", "0" * 32, "hold", hub="hub.example", audience="clear", at=NOW, term=DAY, why="seen")


@given(st.lists(st.one_of(claims(about=URL), rulings(about=URL)), max_size=6), st.randoms(use_true_random=False))
def test_promise_3_rulings_act_the_same_in_any_order(given_: list[Claim], random: object) -> None:
    """And however often they come; of contradicting ones about one value the latest counts."""
    shuffled = [*given_, *given_[:2]]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    for view in VIEWS:
        assert merge(given_, view) == merge(shuffled, view)


@given(st.lists(claims(about=URL), max_size=4), st.lists(rulings(about=URL), max_size=3))
def test_rulings_are_no_opinions(opinions: list[Claim], given_: list[Claim]) -> None:
    """They say nothing of a value but whether it is told, till when, and to whom."""
    for view in VIEWS:
        word, alone = merge([*opinions, *given_], view), merge(opinions, view)
        assert (word is None) == (alone is None)
        if word is not None and alone is not None:
            assert not any(map(is_ruling, word.claims))
            same = {"audience": alone.audience, "ends": alone.ends, "false": False, "gate": ""}
            assert word._replace(**same) == alone
