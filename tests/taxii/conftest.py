from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.taxii.hub import GREEN, MERGED, OPEN, TestHub, address, indicator, malware, new_hub


@pytest.fixture
def hub() -> Iterator[TestHub]:
    """A fresh hub that listens on a loopback port."""
    with new_hub().listening() as listening:
        yield listening


@pytest.fixture(scope="module")
def library() -> Iterator[TestHub]:
    """A hub with things to read, for tests that change nothing.

    In the open collection, in order of date_added, a second apart: indicators 1 to 30; malware 1 to 3; the address
    observable 1; second and third versions of indicator 1 and of indicator 2. In the members' collection: indicators
    101 to 103.
    """
    made = new_hub()
    for number in range(1, 31):
        made.publish(OPEN, indicator(number))
        made.clock.move(1)
    for number in range(1, 4):
        made.publish(OPEN, malware(number))
        made.clock.move(1)
    made.publish(OPEN, address(1))
    made.clock.move(1)
    for day in (2, 3):
        for number in (1, 2):
            made.publish(OPEN, indicator(number, day=day))
            made.clock.move(1)
    for number in range(101, 104):
        made.publish(MERGED, indicator(number, marking=GREEN))
    with made.listening() as listening:
        yield listening
