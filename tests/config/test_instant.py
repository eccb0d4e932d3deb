"""Instants and their text forms."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.instant import (
    JST,
    from_datetime,
    parse_micros,
    parse_millis,
    parse_span,
    stix_time,
    taxii_time,
    to_datetime,
)

millis = st.integers(0, 253_402_300_799_999)


@given(millis)
def test_stix_time_has_three_digits_and_reads_back(moment: int) -> None:
    """STIX 2.1 section 3.2: what is written is what is read, with exactly three digits."""
    text = stix_time(moment)
    assert len(text) == 24
    assert parse_millis(text) == moment
    assert from_datetime(to_datetime(moment)) == moment


@given(st.integers(0, 253_402_300_799_999_000))
def test_taxii_time_has_six_digits_and_reads_back(moment: int) -> None:
    """TAXII 2.1 section 2: exactly six fraction digits, UTC, Z."""
    text = taxii_time(moment)
    assert len(text) == 27
    assert text.endswith("Z")
    assert parse_micros(text) == moment


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-02-13T13:27+09:00", datetime(2026, 2, 13, 4, 27, tzinfo=UTC)),
        ("2025-08-25T17:04:19.9796Z", datetime(2025, 8, 25, 17, 4, 19, 979_000, tzinfo=UTC)),
        ("2021-10-05 13:57:05 UTC", datetime(2021, 10, 5, 13, 57, 5, tzinfo=UTC)),
    ],
)
def test_times_as_feeds_write_them(text: str, expected: datetime) -> None:
    """Without seconds, with four digits, with UTC for Z."""
    assert parse_millis(text) == from_datetime(expected)


def test_a_time_without_a_zone_needs_one() -> None:
    """Text without an offset is refused, unless its zone is known from elsewhere."""
    with pytest.raises(ValueError, match="zone"):
        parse_millis("2026-01-01 00:00:00")
    assert stix_time(parse_millis("2026-01-01 00:00:00", zone=JST)) == "2025-12-31T15:00:00.000Z"
    with pytest.raises(ValueError, match="zone"):
        from_datetime(datetime(2026, 1, 1))  # noqa: DTZ001 - the point


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_a_value_error(text: str) -> None:
    """Nothing else than ValueError is raised."""
    with contextlib.suppress(ValueError):
        parse_micros(text, zone=JST)


@pytest.mark.parametrize("text", ["", "7", "0d", "7 weeks", "-3h", "1.5h", "36501d", "9" * 5_000 + "ms"])
def test_a_length_of_time_that_is_none_is_refused(text: str) -> None:
    """parse_span says what it expects."""
    with pytest.raises(ValueError, match="expected a length"):
        parse_span(text)
