"""What pages show to be typed works, against the demonstration or a hub of one's own, as it stands."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stix2
import yaml

from config.beginning import first_file, new_hub
from normalizers.contributions import claims_of
from normalizers.merge import View, merge
from normalizers.stix import content
from tests.docs import pages, shells
from tests.processes import free_port

WITHIN = 120.0
SHOWN_PORT = "127.0.0.1:9680"
#: curl that fails where the server answers with an error
CURL = '#!/bin/sh\nexec {curl} --fail-with-body --max-time 60 "$@"\n'


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    """The demonstration in a folder that looks like the checkout, and its port."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "config").symlink_to(pages.ROOT / "config")
    hub, port = _started(folder)
    try:
        yield folder, port
    finally:
        hub.send_signal(signal.SIGTERM)
        hub.wait(WITHIN)


def _started(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    port = free_port()
    command = [sys.executable, "-m", "taxii_server.cli", "up", "--demo", "--data", "data", "--port", str(port)]
    with (folder / "log").open("wb") as log:
        hub = subprocess.Popen(command, cwd=folder, env=_environment(folder), stdout=log, stderr=log)
    if _answers(port, hub):
        return hub, port
    hub.kill()
    hub.wait()
    pytest.fail(f"the demonstration did not start: {(folder / 'log').read_text()[-2000:]}")


def _answers(port: int, hub: subprocess.Popen[bytes]) -> bool:
    end = time.monotonic() + WITHIN
    while time.monotonic() < end and hub.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz"):
            return True
        time.sleep(0.1)
    return False


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
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NOROSHI_")}
    return {**clean, "PATH": path, "PYTHONPATH": str(pages.ROOT)}


def _own_hub(folder: Path) -> Path:
    """A folder with a hub of one's own, not running, and the feed and the document that pages speak of."""
    folder.mkdir()
    file = folder / "my-hub" / "hub.yaml"
    (folder / "my-hub" / "data").mkdir(parents=True, mode=0o700)
    file.write_text(yaml.safe_dump({**yaml.safe_load(first_file(new_hub())), "feeds": []}), encoding="utf-8")
    first = next(block for block in pages.blocks("docs/adding-a-feed.md") if block.language == "yaml")
    (folder / "my-feed.yaml").write_text(first.text, encoding="utf-8")
    (folder / "list.txt").write_text("http://phishing.example/1\nhttp://phishing.example/2\n", encoding="utf-8")
    return folder


def _script(page: str, port: int) -> str:
    """All that a page shows, as one script: what an earlier block set, a later one may use."""
    parts = ["set -eu"]
    for block in pages.blocks(page):
        if block.not_run or block.language not in ("sh", "python"):
            continue
        if page == "README.md" and SHOWN_PORT not in block.text:
            continue  # what it shows besides are make targets, and what the other pages show
        text = block.text.replace(SHOWN_PORT, f"127.0.0.1:{port}")
        parts.append(f"echo '# {block.place}' >&2")
        if block.language == "python":
            text = f"\"{sys.executable}\" -W error - <<'EXAMPLE'\n{text}\nEXAMPLE"
        parts.append(text)
    return "\n".join(parts)


@pytest.mark.skipif(not all(map(shutil.which, ("curl", "openssl"))), reason="pages show curl and openssl")
@pytest.mark.parametrize(
    "page", ["README.md", "docs/subscribe.md", "docs/publish.md", "docs/operate.md", "docs/adding-a-feed.md"]
)
def test_what_a_page_shows_works(page: str, demonstration: tuple[Path, int]) -> None:
    """Every block of the page runs, one after the other, without an error."""
    folder, port = demonstration
    against_it = page in ("README.md", "docs/subscribe.md", "docs/publish.md")
    place = folder if against_it else _own_hub(folder / Path(page).stem)
    assert any(block.language in ("sh", "python") and not block.not_run for block in pages.blocks(page))
    done = subprocess.run(
        ["sh", "-c", _script(page, port)],
        cwd=place,
        env=_environment(folder),
        capture_output=True,
        text=True,
        timeout=WITHIN,
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-3000:]}"


LOOK_UPS = [item for item in shells.shown() if item.whole and item.words[0] == "lookup"]


@pytest.mark.parametrize("item", LOOK_UPS, ids=lambda item: " ".join(item.words))
def test_a_look_up_that_a_page_shows_finds_something(item: shells.Shown, demonstration: tuple[Path, int]) -> None:
    """In the demonstration: claims about the value or about what goes by it, or values that bear the name."""
    found = _answer(demonstration, *item.words)
    assert found.get("claims") or found.get("numbered") or found.get("values")


def test_look_ups_of_each_kind_are_shown() -> None:
    """A value, a vulnerability, a number of JVN, what a list holds, a brand, a technique, what is passed on."""
    assert len(LOOK_UPS) >= 7


def test_a_decision_that_a_page_shows_has_something_to_decide(demonstration: tuple[Path, int]) -> None:
    """What is released is held back before, and the look-up tells of both."""
    [example] = [item for item in shells.shown() if item.whole and item.words[:2] == ("lists", "release")]
    _, _, list_, value, *_ = example.words
    held = _answer(demonstration, "lists", "held")["held"]
    assert [item["value"] for item in held if list_ in [one["list"] for one in item["lists"]]] == [value]
    assert _run(demonstration, *example.words).returncode == 0
    [told] = _answer(demonstration, "lookup", value)["known_good"]
    assert (told["list"], told["action"], told["decided"]) == (list_, "hold", "released")


def _answer(demonstration: tuple[Path, int], *words: str) -> Any:
    """What a command prints as JSON about the demonstration."""
    done = _run(demonstration, *words, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def _run(demonstration: tuple[Path, int], *words: str) -> subprocess.CompletedProcess[str]:
    folder, _ = demonstration
    return subprocess.run(
        ["noroshi", *words],
        cwd=folder,
        env={**_environment(folder), "NOROSHI_CONFIG": "config/demo.yaml", "NOROSHI_DATA": "data"},
        capture_output=True,
        text=True,
        timeout=WITHIN,
    )


def test_the_indicator_that_is_shown_is_one_of_ours() -> None:
    """It is valid, and the claims that it lists make exactly what it says."""
    [block] = [block for block in pages.blocks("docs/subscribe.md") if block.language == "json"]
    stix2.parse(block.text, allow_custom=False)
    shown = json.loads(block.text)
    merged = merge(claims_of(shown), View("clear/combined/tlp2", "clear", own=False, dialect="tlp2"))
    assert merged is not None
    given_when_published = ("type", "spec_version", "id", "created_by_ref", "created", "modified")
    assert json.loads(content(merged, "tlp2", {})) == {
        name: value for name, value in shown.items() if name not in given_when_published
    }


def _shape(value: Any) -> set[str]:
    """The names of the members in a JSON value, but for those that are data."""
    if isinstance(value, list):
        return set().union(*map(_shape, value))
    if not isinstance(value, dict):
        return set()
    found = set(value)
    for name, item in value.items():
        if name not in ("counts", "refused", "types", "overlap"):
            found |= _shape(item)
    return found


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("collect", ["cisa-kev"]),
        ("feeds list", []),
        ("feeds check", ["config/feeds/openphish.yaml", "--sample", "data/samples/openphish.txt"]),
        ("sources", []),
        ("lists list", []),
        ("collections", []),
        ("lookup", ["203.0.113.66"]),
        ("doctor", []),
        ("users list", []),
        ("tokens add", ["soc"]),
        ("tokens list", []),
        ("publish", ["posted.json", "--collection", "members/submissions", "--user", "analyst"]),
    ],
)
def test_json_has_the_shape_that_is_described(
    command: str, arguments: list[str], demonstration: tuple[Path, int]
) -> None:
    """What ``--json`` prints has the members that docs/commands.md names, and no others."""
    folder, _ = demonstration
    (folder / "posted.json").write_text('{"objects": [{"type": "indicator"}]}')
    done = _run(demonstration, *command.split(), *arguments, "--json")
    assert done.stdout, done.stderr
    section = next(item for item in pages.sections("docs/commands.md") if f"noroshi {command}" in item.names)
    described = section.text.partition("\nJSON: ")[2]
    shown = set(re.findall(r'"([a-z_ ]+)"', described))
    # The last run may have refused nothing, and then there are no examples of that.
    assert _shape(json.loads(done.stdout)) | ({"line", "reason"} & shown) == shown


def test_every_command_with_json_has_its_shape_described() -> None:
    """A section of a command that takes --json says what is printed."""
    for section in pages.sections("docs/commands.md"):
        common = [line for line in section.lines if line.startswith("Common: ")]
        if any("`--json`" in line for line in common):
            assert "\nJSON: " in section.text, section.title
