"""Claims: keys, rounding, folding, versions."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.instant import DAY, HOUR
from normalizers.claims import Claim, decode, encode, next_step, on_grid, renewed_at, rounded, wins
from normalizers.folds import fold
from tests.merge.strategies import NOW, claims

LIFE = 7 * DAY


def _claim(**changes: object) -> Claim:
    base = Claim("url", "http://example.com/a", "feed-a", "feed-a", "clear", NOW, NOW, NOW, LIFE, 50)
    return base._replace(**changes)  # type: ignore[arg-type]


@given(claims())
def test_a_claim_survives_being_stored(claim: Claim) -> None:
    """decode(encode(claim)) is the claim."""
    assert decode(encode(claim)) == claim


@given(claims())
def test_rounding_is_idempotent(claim: Claim) -> None:
    """A rounded claim rounds to itself."""
    assert rounded(rounded(claim)) == rounded(claim)


@given(st.integers(0, 10**13), st.integers(2, 10**10), st.binary(min_size=16, max_size=16))
def test_the_grid_never_runs_ahead_and_is_at_most_a_step_behind(moment: int, life: int, key: bytes) -> None:
    """on_grid rounds down by less than half a life, and the next step is the first that moves it."""
    placed = on_grid(moment, life, key)
    assert placed <= moment < placed + max(1, life // 2)
    step = next_step(moment, life, key)
    assert step > moment
    assert on_grid(step, life, key) == step
    assert on_grid(step - 1, life, key) == placed


def test_a_million_values_do_not_change_at_one_instant() -> None:
    """The grid's offset comes from the observable: over a thousand values, no tenth of a step holds a fifth of them."""
    tenths = [0] * 10
    for number in range(1_000):
        claim = _claim(value=f"http://example.com/{number}")
        into = next_step(NOW, LIFE, claim.key) - NOW
        tenths[min(9, into * 10 // (LIFE // 2))] += 1
    assert max(tenths) < 200


@given(claims(), claims())
def test_of_two_versions_exactly_one_wins(one: Claim, other: Claim) -> None:
    """wins() is a strict order: the later version, at a tie the greater bytes."""
    if encode(one) == encode(other):
        assert not wins(one, other)
    else:
        assert wins(one, other) != wins(other, one)


@given(st.integers(0, 2**45), st.integers(1, 2**38), st.binary(min_size=16, max_size=16))
def test_a_renewal_is_late_by_no_more_than_a_small_part_of_a_step(moment: int, life: int, key: bytes) -> None:
    """A value is renewed at its next step or soon after: long before its life is over."""
    step = next_step(moment, life, key)
    assert step <= renewed_at(moment, life, key) < step + max(1, life // 128)


def test_renewals_of_a_list_come_at_few_instants() -> None:
    """What a list holds comes due at some dozens of instants in a step, with about as many values at each."""
    due = Counter(renewed_at(NOW, LIFE, _claim(value=f"http://example.com/{number}").key) for number in range(10_000))
    assert 64 <= len(due) <= 65
    assert max(due.values()) < 300


def test_a_sighting_within_a_step_changes_nothing() -> None:
    """Promise 4: the same row seen again gives the stored claim itself."""
    stored = fold(None, _claim(), replace=True)
    for hours in range(1, 80):
        moment = NOW + hours * HOUR
        if moment >= next_step(stored.last_seen, LIFE, stored.key):
            break
        assert fold(stored, _claim(last_seen=moment, version=moment), replace=True) is stored


def test_a_sighting_past_a_step_is_a_version() -> None:
    """A value that a full list goes on listing has its validity renewed, once a step."""
    stored = fold(None, _claim(), replace=True)
    moment = next_step(stored.last_seen, LIFE, stored.key)
    renewed = fold(stored, _claim(last_seen=moment, version=moment, first_seen=moment), replace=True)
    assert renewed.last_seen == moment
    assert renewed.version == moment
    assert renewed.first_seen == stored.first_seen


def test_a_log_unites_and_a_list_replaces() -> None:
    """In a log the records of an origin unite; in a full list its present row is all that it says."""
    stored = fold(None, _claim(labels=("a",)), replace=False)
    news = _claim(labels=("b",), version=NOW + 1)
    assert fold(stored, news, replace=False).labels == ("a", "b")
    assert fold(stored, news, replace=True).labels == ("b",)


def test_a_change_without_a_later_date_still_moves_the_version() -> None:
    """The version moves forward with each change, whatever the origin's dates do."""
    stored = fold(None, _claim(), replace=True)
    changed = fold(stored, _claim(confidence=90, version=NOW - DAY), replace=True)
    assert changed.version == stored.version + 1


@pytest.mark.parametrize(("given_", "expected"), [(0, 0), (2, 0), (3, 5), (52, 50), (53, 55), (100, 100), (130, 100)])
def test_confidence_is_in_steps_of_five(given_: int, expected: int) -> None:
    """Confidence rounds to the nearest 5 within 0 and 100."""
    assert rounded(_claim(confidence=given_)).confidence == expected


@given(claims(), st.lists(claims(), max_size=4))
def test_folding_again_changes_nothing(first: Claim, rest: list[Claim]) -> None:
    """Promise 4: once a record is in a claim, the same record again leaves it as it is."""
    stored = fold(None, first, replace=False)
    for record in rest:
        record = record._replace(type=first.type, value=first.value, withdrawn=0)
        stored = fold(stored, record, replace=False)
        assert fold(stored, record, replace=False) is stored


@given(st.lists(st.sets(st.integers(0, 400), max_size=80), min_size=1, max_size=6), st.randoms())
def test_a_claim_s_labels_are_bounded_in_whatever_order_rows_come(rows: list[set[int]], random: Random) -> None:
    """A hundred at most, and the same ones in any order."""
    shuffled = list(rows)
    random.shuffle(shuffled)
    one, other = (_labelled(order) for order in (rows, shuffled))
    assert one == other == tuple(sorted({f"{number:03d}" for row in rows for number in row}))[:100]


def _labelled(rows: list[set[int]]) -> tuple[str, ...]:
    stored: Claim | None = None
    for row in rows:
        words = tuple(sorted(f"{number:03d}" for number in row))
        claim = Claim("url", "http://example.com/", "feed", "feed", "clear", 1, 0, 0, DAY, 50, labels=words)
        stored = fold(stored, claim, replace=False)
    assert stored is not None
    return stored.labels


@given(st.lists(st.sets(st.integers(0, 300), max_size=50), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_a_claim_s_references_are_bounded_and_its_source_s_own_stays(rows: list[set[int]], random: Random) -> None:
    """However many pages rows refer to over the years, the credit stays, and reading them again changes nothing."""
    own = ("the source", "https://source.example/", "")
    records = [
        _claim(references=tuple(sorted([own, *(("a page", "", f"{number:03d}") for number in row)]))) for row in rows
    ]
    claim = None
    for record in records:
        claim = fold(claim, record, replace=False)
    assert claim is not None
    assert len(claim.references) <= 100
    assert own in claim.references
    random.shuffle(records)
    for record in records:
        assert fold(claim, record, replace=False) is claim
