"""What all tests share."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

# No test depends on how fast the machine is.
settings.register_profile("normal", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("long", settings.get_profile("normal"), max_examples=2_000)
settings.load_profile(os.environ.get("NOROSHI_HYPOTHESIS", "normal"))


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub's own variables in the developer's shell reach no test."""
    for name in [name for name in os.environ if name.startswith("NOROSHI_") and name != "NOROSHI_SHARED"]:
        monkeypatch.delenv(name)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes name no test: packed ones hold the time of day, and processes that share a run must agree on names."""
    return argname if isinstance(val, bytes) else None
