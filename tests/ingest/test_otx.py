"""Pulses of OTX: what a pulse holds no more, or for others, is taken back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from config.instant import SECOND, stix_time
from tests.ingest.test_ingest import NOW, Runner, _feed


class Otx(Runner):
    """A hub whose one feed is a page of pulses."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, _feed(kind="log", format={"kind": "otx"}, expect={"min_rows": 0}))

    def pulse(self, at: int, *names: str, **said: Any) -> set[str]:
        """Collect a pulse changed at that second; gives what the public is told that has not ended."""
        modified = stix_time(NOW - 3_600_000 + at * SECOND).rstrip("Z")
        indicators = [
            {"type": "domain", "indicator": f"{name}.example", "created": "2026-09-01T00:00:00"} for name in names
        ]
        pulse = {"id": "55e6bfb14637f22cb605746e", "TLP": "white", "modified": modified, "indicators": indicators}
        self.write(json.dumps({"results": [{**pulse, **said}], "next": None}))
        self.wait(1_000)
        self.run()
        now = stix_time(self.clock.now // 1_000)
        return {name.removesuffix(".example") for name, until in self.live().items() if until > now}


@pytest.fixture
def otx(tmp_path: Path) -> Otx:
    return Otx(tmp_path)


def test_a_later_revision_takes_back_what_it_holds_no_more(otx: Otx) -> None:
    """What comes back is said again."""
    assert otx.pulse(0, "a", "b") == {"a", "b"}
    assert otx.pulse(10, "b", "c") == {"b", "c"}
    assert otx.pulse(20, "a", "b") == {"a", "b"}


def test_a_pulse_that_is_for_fewer_now(otx: Otx) -> None:
    """Whether by its marking or because it is public no more."""
    for number, said in enumerate(({"TLP": "green"}, {"TLP": "red"}, {"TLP": "unheard of"}, {"public": False})):
        assert otx.pulse(20 * number, "a") == {"a"}
        assert otx.pulse(20 * number + 10, "a", **said) == set()
