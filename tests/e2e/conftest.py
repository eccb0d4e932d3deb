"""The demonstration hub, as ``make run`` starts it, in several server processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.processes import Process, answers, free_port, until


class Demo(NamedTuple):
    """A running demonstration."""

    base: str
    data: Path
    process: Process


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """``noroshi up --demo`` with three web processes; stopped with Ctrl-C, which has to be clean."""
    data = tmp_path_factory.mktemp("demo")
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    process = Process("up", "--demo", "--data", str(data), "--port", str(port), "--workers", "3", folder=data)
    try:
        until("the demonstration answers", lambda: answers(base) or not process.running())
        assert process.running(), process.output()
        yield Demo(base, data, process)
    finally:
        code = process.stop()
    assert code == 0, process.output()
    assert "Traceback" not in process.output()
    assert "Consider reviewing your configuration" not in process.output()  # a newcomer has none to review
