"""merge: promise 3 (same claims, same indicators) and promise 2 (nothing leaks) at their root."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.audience import rank
from config.instant import DAY
from normalizers import stix
from normalizers.claims import Claim
from normalizers.ids import object_type
from normalizers.merge import View, agreed, merge, sees
from tests.merge.strategies import NOW, OWN, PUBLIC, VIEWS, about_one

PUBLISHER = "identity--11111111-1111-4111-8111-111111111111"


AUDIENCES = ("clear", "green", "amber:finance")
FINANCE = View("amber:finance/combined/tlp2", "amber:finance", False, "tlp2")


def _content(claims: list[Claim], view: View) -> bytes | None:
    word = merge(claims, view)
    return None if word is None else stix.content(word, view.dialect, PUBLISHER)


@given(about_one(), st.sampled_from(VIEWS), st.randoms(use_true_random=False))
def test_promise_3_any_order_and_repetition_give_the_same_content(
    claims: list[Claim], view: View, chance: random.Random
) -> None:
    """merge is a function of the set of claims: permuted and repeated they give the same bytes."""
    again = [*claims, *chance.choices(claims, k=3)]
    chance.shuffle(again)
    assert _content(again, view) == _content(claims, view)


@given(about_one(AUDIENCES), about_one(AUDIENCES), st.sampled_from([*VIEWS, FINANCE]))
def test_promise_3_any_grouping_gives_the_same_content(one: list[Claim], two: list[Claim], view: View) -> None:
    """Claims that another hub already merged are the same claims: read back from its object they merge alike."""
    from normalizers.contributions import claims_of

    two = [claim._replace(type=one[0].type, value=one[0].value) for claim in two]
    together = [*one, *two]
    word = merge(together, view)
    if word is None:
        return
    obj = stix_object(word, view)
    relayed = claims_of(obj)
    assert _content(relayed, _wide(view)) == _content(list(word.claims), _wide(view))
    assert set(relayed) == set(word.claims)


def _wide(view: View) -> View:
    return view._replace(own=False)


def stix_object(word: Any, view: View) -> dict[str, Any]:
    """The object a hub would serve."""
    import orjson

    kind = object_type(word.type)
    body = stix.body(
        kind,
        f"{kind}--22222222-2222-4222-8222-222222222222",
        PUBLISHER,
        "2026-01-01T00:00:00.000Z",
        "2026-01-01T00:00:00.000Z",
        stix.content(word, view.dialect, PUBLISHER),
        revoked=False,
    )
    parsed: dict[str, Any] = orjson.loads(body)
    return parsed


@given(about_one(("clear",)), about_one(("green", "amber:finance", "internal")), st.sampled_from([PUBLIC]))
def test_promise_2_a_claim_beyond_the_view_changes_nothing(
    public: list[Claim], beyond: list[Claim], view: View
) -> None:
    """With and without restricted claims about the same observable, the public content is the same bytes."""
    beyond = [claim._replace(type=public[0].type, value=public[0].value) for claim in beyond]
    assert _content([*beyond, *public], view) == _content(public, view)


@given(about_one(("clear", "green", "amber:finance", "amber:power", "internal")))
def test_promise_2_an_object_bears_the_marking_of_its_narrowest_claim(claims: list[Claim]) -> None:
    """No object is marked wider than a claim it shows, and none shows a claim that its view may not see."""
    for view in (*VIEWS, FINANCE):
        word = merge(claims, view)
        if word is not None:
            assert all(sees(view, claim) for claim in word.claims)
            assert rank(word.audience) == max(rank(claim.audience) for claim in word.claims)


@given(about_one(("clear",)))
def test_an_own_view_says_nothing_of_what_only_the_public_claims(claims: list[Claim]) -> None:
    """An own view holds the observables with a claim for exactly its audience."""
    assert merge(claims, OWN) is None


@given(about_one())
def test_an_own_view_ends_with_the_last_claim_of_its_audience(claims: list[Claim]) -> None:
    """In an own view the end is that of a claim for its very audience."""
    word = merge(claims, OWN)
    if word is not None:
        assert word.ends in {claim.ends for claim in claims if claim.audience == "green"}


def _claim(origin: str, **changes: Any) -> Claim:
    claim = Claim("ipv4", "192.0.2.7", origin, origin, "clear", NOW, NOW, NOW, 7 * DAY, 50)
    return claim._replace(**changes)


def test_confidence_is_noisy_or_over_families() -> None:
    """100(1 - product(1 - c)): two independent 50s make 75, two of one family stay 50, and nothing passes 95."""
    assert agreed([_claim("a"), _claim("b")]) == 75
    assert agreed([_claim("a", family="f"), _claim("b", family="f", confidence=30)]) == 50
    assert agreed([_claim("a", confidence=100)]) == 95


def test_withdrawn_claims_do_not_count_while_another_stands() -> None:
    """Merge counts the unwithdrawn claims; with none left, the one withdrawn last says when it ended."""
    standing, gone = _claim("a"), _claim("b", withdrawn=NOW + DAY, confidence=90)
    word = merge([standing, gone], PUBLIC)
    assert word is not None
    assert (word.confidence, word.ends, word.standing) == (50, NOW + 7 * DAY, True)
    over = merge([standing._replace(withdrawn=NOW + 2 * DAY), gone], PUBLIC)
    assert over is not None
    assert (over.ends, over.standing) == (NOW + 2 * DAY, False)


def test_an_own_claim_that_merely_aged_is_not_taken_back() -> None:
    """A vulnerability whose own claim is old, and whose public one is newer, still stands: revoked would be final."""
    old = _claim("a", audience="green", first_seen=NOW - 30 * DAY, last_seen=NOW - 30 * DAY)
    word = merge([old, _claim("b")], OWN)
    assert word is not None
    assert word.standing


def test_sightings_of_several_sources_make_one_version_a_step() -> None:
    """What a source's later sighting moves in the contributions alone is nothing that a subscriber would act on."""
    first, second = _claim("a", last_seen=NOW + DAY), _claim("b")
    later = second._replace(last_seen=NOW + DAY // 2, version=NOW + DAY // 2)
    digests = []
    for claims in ([first, second], [first, later], [first, later._replace(confidence=80)]):
        word = merge(claims, PUBLIC)
        assert word is not None
        digests.append(stix.acting(word, stix.content(word, "tlp2")))
    assert digests[0] == digests[1] != digests[2]


def test_a_claim_that_ended_before_the_newest_sighting_does_not_count() -> None:
    """What ended by the view's newest last sighting is out, so forgetting it later changes nothing."""
    old = _claim("a", first_seen=NOW - 30 * DAY, last_seen=NOW - 30 * DAY, confidence=90)
    both = merge([old, _claim("b")], PUBLIC)
    assert both == merge([_claim("b")], PUBLIC)


@pytest.mark.parametrize("dialect", ["tlp2", "tlp1", "opencti"])
def test_tlp_1_has_no_word_for_amber_strict(dialect: Any) -> None:
    """AMBER+STRICT is withheld from a TLP 1 view, never shown as AMBER."""
    view = View("v", "amber+strict:finance", False, dialect)
    word = merge([_claim("a", audience="amber+strict:finance")], view)
    assert (word is None) == (dialect == "tlp1")
