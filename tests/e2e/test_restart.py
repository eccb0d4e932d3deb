"""Stopping and starting again."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import requests

from tests.hubs import PUBLIC
from tests.processes import Process, answers, free_port, until


def _lived(data: Path, number: signal.Signals) -> dict[str, Any]:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    process = Process("up", "--demo", "--data", str(data), "--port", str(port), folder=data)
    try:
        until("the demonstration answers", lambda: answers(base) or not process.running())
        assert process.running(), process.output()
        manifest = requests.get(f"{base}/public/collections/{PUBLIC}/manifest/", timeout=10).json()
    finally:
        code = process.stop(number)
    assert code == 0, process.output()
    assert "Traceback" not in process.output()
    found: dict[str, Any] = manifest
    return found


def test_a_second_start_keeps_the_data(tmp_path: Path) -> None:
    """Ids, versions and dates added are the same after Ctrl-C, or SIGTERM, and a new start."""
    first = _lived(tmp_path, signal.SIGINT)
    assert len(first["objects"]) > 50
    assert _lived(tmp_path, signal.SIGTERM) == first
