"""What the tests of collectors share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from collectors.fetch import Pacing
from tests.collectors.server import Server


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of the developer's machine stands between no test and its server."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that answers as the test says."""
    with Server().running() as running:
        yield running


class Waits(list[float]):
    """The waits that were asked for, in seconds. None of them takes any time."""

    def pacing(self) -> Pacing:
        """Waits that are only written down, and chance that always falls in the middle."""
        return Pacing(sleep=self.append, random=lambda: 0.5)


@pytest.fixture
def waits() -> Waits:
    """Where a test's waits are written down."""
    return Waits()
