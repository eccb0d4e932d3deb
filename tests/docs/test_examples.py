"""What docs/subscribe.md and docs/publish.md show to be typed works, against the demonstration, as it stands."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import stix2

from normalizers.contributions import claims_of
from normalizers.merge import View, merge
from tests.docs import pages

WITHIN = 120.0
SHOWN_PORT = "127.0.0.1:9680"
#: curl that fails where the server answers with an error
CURL = '#!/bin/sh\nexec {curl} --fail-with-body --max-time 60 "$@"\n'


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    """The demonstration in a folder that looks like the checkout, and its port."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "config").symlink_to(pages.ROOT / "config")
    port = _free_port()
    command = [sys.executable, "-m", "taxii_server.cli", "up", "--demo", "--data", "data", "--port", str(port)]
    with (folder / "log").open("wb") as log:
        hub = subprocess.Popen(command, cwd=folder, env=_environment(folder), stdout=log, stderr=log)
        try:
            _wait_for(port, hub, folder / "log")
            yield folder, port
        finally:
            hub.send_signal(signal.SIGINT)
            hub.wait(WITHIN)


def _free_port() -> int:
    """A port that nobody listens on, below those that the system gives to outgoing connections."""
    for port in random.sample(range(20_000, 30_000), 100):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    pytest.fail("no port is free")


def _wait_for(port: int, hub: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + WITHIN
    while time.monotonic() < end and hub.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz"):
            return
        time.sleep(0.1)
    pytest.fail(f"the demonstration did not start: {log.read_text()[-2000:]}")


def _environment(folder: Path) -> dict[str, str]:
    programs = folder / "programs"
    programs.mkdir(exist_ok=True)
    curl = programs / "curl"
    if not curl.exists():
        curl.write_text(CURL.format(curl=shutil.which("curl")))
        curl.chmod(0o755)
        (programs / "noroshi").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m taxii_server.cli "$@"\n')
        (programs / "noroshi").chmod(0o755)
        (programs / "python").symlink_to(sys.executable)
    path = os.pathsep.join((str(programs), os.environ.get("PATH", "")))
    return {**os.environ, "PATH": path, "PYTHONPATH": str(pages.ROOT)}


def _script(page: str, port: int) -> str:
    """All that a page shows, as one script: what an earlier block set, a later one may use."""
    parts = ["set -eu"]
    for block in pages.blocks(page):
        if block.not_run or block.language not in ("sh", "python"):
            continue
        text = block.text.replace(SHOWN_PORT, f"127.0.0.1:{port}")
        parts.append(f"echo '# {block.place}' >&2")
        if block.language == "python":
            text = f"\"{sys.executable}\" -W error - <<'EXAMPLE'\n{text}\nEXAMPLE"
        parts.append(text)
    return "\n".join(parts)


@pytest.mark.skipif(shutil.which("curl") is None, reason="the pages show curl, which is not here")
@pytest.mark.parametrize("page", ["docs/subscribe.md", "docs/publish.md"])
def test_what_a_page_shows_works(page: str, demonstration: tuple[Path, int]) -> None:
    """Every block of the page runs, one after the other, without an error."""
    folder, port = demonstration
    assert sum(block.language in ("sh", "python") and not block.not_run for block in pages.blocks(page)) >= 5
    done = subprocess.run(
        ["sh", "-c", _script(page, port)],
        cwd=folder,
        env=_environment(folder),
        capture_output=True,
        text=True,
        timeout=WITHIN,
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-3000:]}"


def test_the_indicator_that_is_shown_is_one_of_ours() -> None:
    """It is valid, and merging the claims that it lists gives what it says."""
    [block] = [block for block in pages.blocks("docs/subscribe.md") if block.language == "json"]
    shown = stix2.parse(block.text, allow_custom=False)
    claims = claims_of(json.loads(block.text))
    merged = merge(claims, View("clear/combined/tlp2", "clear", own=False, dialect="tlp2"))
    assert merged is not None
    assert (merged.value, merged.confidence) == (shown.name, shown.confidence)
