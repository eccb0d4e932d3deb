"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.collectors.server import Server

# No test depends on how fast the machine is.
settings.register_profile("normal", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("long", settings.get_profile("normal"), max_examples=2_000)
settings.load_profile(os.environ.get("NOROSHI_HYPOTHESIS", "normal"))


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub's own variables in the developer's shell reach no test."""
    for name in [name for name in os.environ if name.startswith("NOROSHI_") and name != "NOROSHI_SHARED"]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of the developer's machine stands between no test and its server."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def server() -> Iterator[Server]:
    """A publisher that answers as the test says."""
    with Server().running() as running:
        yield running


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes name no test: packed ones hold the time of day, and processes that share a run must agree on names."""
    return argname if isinstance(val, bytes) else None
