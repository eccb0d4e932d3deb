"""What the tests of collectors share."""

from __future__ import annotations

import pytest

from collectors.means import Pacing


class Waits(list[float]):
    """The waits that were asked for, in seconds. None of them takes any time."""

    def pacing(self) -> Pacing:
        """Waits that are only written down, and chance that always falls in the middle."""
        return Pacing(sleep=self.append, random=lambda: 0.5)


@pytest.fixture
def waits() -> Waits:
    """Where a test's waits are written down."""
    return Waits()
