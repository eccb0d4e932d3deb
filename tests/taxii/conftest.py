from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.taxii.hub import TestHub, new_hub


@pytest.fixture
def hub() -> Iterator[TestHub]:
    """A fresh hub that listens on a loopback port."""
    with new_hub().listening() as listening:
        yield listening
