"""Rows that are known before they are parsed: found among any number of others, and no others with them."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from normalizers.familiar import ALWAYS, Known, Notes

#: digests as they come, and some that begin alike, lie at either end, or differ by one
_DIGESTS = st.integers(1, 2**64 - 1) | st.integers(1, 40) | st.integers(2**64 - 40, 2**64 - 1)


def _known(digests: set[int]) -> Known:
    notes = Notes()
    for number, digest in enumerate(sorted(digests)):
        notes.add(number.to_bytes(16, "big"), digest.to_bytes(8, "big"))
    known = notes.known(0, None)
    assert known is not None
    return Known.decode(known.encode())


@given(st.sets(_DIGESTS, max_size=200), st.lists(_DIGESTS, max_size=20))
@example({1, 2**64 - 1}, [2])
@example(set(range(1, 1_000)), [1_000])
@example({number << 54 for number in range(1, 1_000)}, [1, (1 << 54) + 1])
def test_each_known_row_is_met_and_no_other(digests: set[int], others: list[int]) -> None:
    """Whatever their digests are: rows that were noted are met, and others are not."""
    known = _known(digests)
    for digest in others:
        assert known.meet(digest.to_bytes(8, "big"), 0) is (digest in digests)
    assert known.met == len(digests.intersection(others))
    known.start()
    assert all(known.meet(digest.to_bytes(8, "big"), ALWAYS - 1) for digest in digests)
    assert known.met == len(digests)
    assert known.missed() == []
