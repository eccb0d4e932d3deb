"""Every command, in every trouble: a sentence and an exit code that means something, and never a traceback."""

from __future__ import annotations

import json
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from config.loading import load, shipped
from taxii_server.cli.main import run
from taxii_server.opening import open_hub
from taxii_server.stores import sqlite
from taxii_server.stores.base import Token, User
from tests.docs.shells import tree
from tests.hubs import settings
from tests.processes import BOUND, NOROSHI, environment, write_config

#: every command, with arguments that are right where nothing else is wrong; {} is the hub's folder
COMMANDS: dict[str, list[str]] = {
    "up": [],
    "serve": [],
    "work": [],
    "collect": [],
    "feeds list": [],
    "feeds check": ["{}/feed.yaml", "--sample", "{}/data/list.txt"],
    "feeds new": ["{}/data/list.txt"],
    "sources": [],
    "lists list": [],
    "lists show": ["good"],
    "lists held": [],
    "lists release": ["good", "phishing.example", "--why", "x"],
    "lists keep": ["good", "phishing.example", "--why", "x"],
    "lists undo": ["good", "phishing.example", "--why", "x"],
    "lists confirm": ["good"],
    "rulings list": [],
    "rulings false": ["phishing.example", "--why", "x"],
    "rulings hold": ["phishing.example", "--why", "x"],
    "rulings lift": ["phishing.example", "--why", "x"],
    "collections": [],
    "lookup": ["http://phishing.example/1"],
    "export": ["Members"],
    "doctor": [],
    "users add": ["new", "--group", "members", "--organisation", "X", "--no-password"],
    "users list": [],
    "users set": ["soc", "--organisation", "Y"],
    "tokens add": ["soc"],
    "tokens list": [],
    "tokens revoke": ["0123456789ab"],
    "audit": [],
    "publish": ["{}/envelope.json", "--collection", "Public submissions", "--user", "soc"],
    "backup": ["{}/new.db"],
    "restore": ["{}/backup.db", "--yes"],
    "reissue": [],
    "users disable": ["soc"],
    "init": ["{}/new"],
}
#: what needs no hub
ALONE = ("feeds check", "feeds new", "init")
BAD = re.compile(r"Traceback|Exception ignored|unexpected|File \"")


def _hub(folder: Path) -> Path:
    """A hub with a user, a token, a feed whose document is there, and a backup."""
    feed = {"use": "openphish", "transport": {"kind": "file", "path": "list.txt"}}
    raw = {**settings().model_dump(mode="json"), "store": "sqlite:hub.db", "feeds": [feed]}
    raw["known_good"] = [{"id": "good", "title": "Good", "values": ["phishing.example"], "action": "label"}]
    path = write_config(folder, raw)
    store = open_hub(load(path))
    store.save_user(User(name="soc", organisation="X", groups=("publishers",)))
    store.save_token(Token(id="0123456789ab", user="soc", digest=bytes(32)))
    store.set_value("lists/decided", '[["good", "domain", "phishing.example", "kept", 1, "ops", "x"]]')
    store.backup(folder / "backup.db", lambda done, total: None)
    store.close()
    (folder / "data" / "list.txt").write_text("http://phishing.example/1\n")
    (folder / "feed.yaml").write_bytes(shipped("feeds/openphish.yaml").read_bytes())
    (folder / "envelope.json").write_text('{"objects": [{"type": "indicator", "id": "x"}]}')
    return path


def _arguments(folder: Path, name: str) -> list[str]:
    given = [argument.format(folder) for argument in COMMANDS[name]]
    return [*name.split(), *given, *([] if name in ALONE else ["--config", str(folder / "hub.yaml")])]


def _run(monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> int:
    """Run a command as the program does, in this process; gives its exit code."""
    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(sys, "argv", ["noroshi", *arguments])
    try:
        run()
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else 1
    finally:
        signal.signal(signal.SIGINT, before)
    return 0


def test_no_command_is_left_out() -> None:
    """The table above has every command there is."""
    assert {" ".join(path) for path, _ in tree()} == COMMANDS.keys()


def _missing(path: Path) -> None:
    path.unlink()


def _noise(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 8)


def _wrong(path: Path) -> None:
    path.write_text(path.read_text().replace("store:", "stor:"))


def _text(path: Path) -> None:
    (path.parent / "data" / "hub.db").write_text("a shopping list\n" * 1_000)


def _of_another_program(path: Path) -> None:
    store = path.parent / "data" / "hub.db"
    store.unlink()
    other = sqlite3.connect(store)
    other.execute("CREATE TABLE shopping (item)")
    other.commit()
    other.close()


def _of_another_hub(path: Path) -> None:
    text = path.read_text()
    assert "4ab14efb" in text
    path.write_text(text.replace("4ab14efb", "5ab14efb"))


def _damaged(path: Path) -> None:
    store = path.parent / "data" / "hub.db"
    whole = store.read_bytes()
    store.write_bytes(whole[:4_096] + b"\xa5" * (len(whole) - 4_096))


def _a_file_for_data(path: Path) -> None:
    path.write_text("data: hub.yaml\n" + path.read_text().replace("data: data\n", ""))


@pytest.mark.parametrize(
    ("trouble", "code"),
    [(_missing, 3), (_noise, 3), (_wrong, 3), (_a_file_for_data, 3), (_text, 4), (_of_another_program, 4),
     (_of_another_hub, 4), (_damaged, 4)],
    ids=lambda given: given.__name__ if callable(given) else "",
)  # fmt: skip
def test_a_broken_configuration_or_store_ends_every_command(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    trouble: Callable[[Path], None],
    code: int,
) -> None:
    """Exit code 3 for the configuration, 4 for the store, with the name of the file; before anything is started."""
    path = _hub(tmp_path)
    trouble(path)
    for name in COMMANDS:
        if name == "restore" and code == 4:
            continue  # it is what puts a good store in the place of a bad one
        found = _run(monkeypatch, _arguments(tmp_path, name))
        said = capfd.readouterr().err
        assert found == (0 if name in ALONE else code), (name, said)
        assert not BAD.search(said), (name, said)
        assert name in ALONE or said.startswith(f"Error: {tmp_path}"), (name, said)


def test_a_store_that_another_program_writes_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """What only looks goes on; what has to write ends with code 4 and says that trying again is right."""
    _hub(tmp_path)
    monkeypatch.setattr(sqlite, "SqliteStore", partial(sqlite.SqliteStore, patience=10))
    writer = sqlite3.connect(tmp_path / "data" / "hub.db", isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    looking = (
        "feeds list",
        "sources",
        "collections",
        "lookup",
        "export",
        "users list",
        "tokens list",
        "audit",
        "backup",
    )
    writing = ("collect", "users add", "users set", "tokens add", "tokens revoke", "publish", "reissue", "restore")
    for name in (*looking, *writing):
        found = _run(monkeypatch, _arguments(tmp_path, name))
        said = capfd.readouterr().err
        expected = 4 if name in writing else 5 if name == "lookup" else 0
        assert found == expected, (name, said)
        assert not BAD.search(said), (name, said)
        assert said.count("try again") == (name in writing), (name, said)
    writer.close()


def test_a_folder_that_holds_no_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A slip in --data ends a command that only looks or changes with code 5, and makes no second hub there."""
    _hub(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    makes = ("up", "serve", "work", "collect", "users add", "restore", *ALONE)
    for name in COMMANDS.keys() - set(makes):
        found = _run(monkeypatch, [*_arguments(tmp_path, name), "--data", str(elsewhere)])
        said = capfd.readouterr().err
        assert (found, list(elsewhere.iterdir())) == (5, []), (name, said)
        assert said.startswith(f"Error: {elsewhere}: no hub's data here yet"), (name, said)


def test_a_restore_to_a_new_place_is_for_its_owner_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else looks into a data directory that a restore makes."""
    _hub(tmp_path)
    assert _run(monkeypatch, [*_arguments(tmp_path, "restore"), "--data", str(tmp_path / "new")]) == 0
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


def test_an_export_without_room_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The file that could not be written is named, nothing of it stays, and an earlier one is as it was."""
    _hub(tmp_path)
    output = tmp_path / "bundle.json"
    output.write_text("{}")
    (tmp_path / "bundle.json.part").symlink_to("/dev/full")
    assert _run(monkeypatch, [*_arguments(tmp_path, "export"), "--output", str(output)]) == 1
    assert capfd.readouterr().err == f"Error: {output}: No space left on device; nothing was written\n"
    assert (output.read_text(), sorted(tmp_path.glob("bundle*"))) == ("{}", [output])


@pytest.mark.parametrize(
    ("trouble", "others", "but"),
    [
        # Whoever stopped reading what it prints knows; whatever it did besides is done.
        ("closed output", 1, {}),
        ("full output", 1, {}),
        ("full disk", 4, {"feeds check": 0, "feeds new": 0, "init": 1}),
    ],
)
def test_output_that_nobody_takes_and_a_disk_without_room(
    tmp_path: Path, trouble: str, others: int, but: dict[str, int]
) -> None:
    """`| head -1`, a full disk behind `>`, and one under the hub: an exit code, and a sentence or silence."""
    _hub(tmp_path)
    runs_on = {"work"} if trouble != "full disk" else set()
    commands = {name: _arguments(tmp_path, name) for name in COMMANDS if name not in runs_on}
    done = subprocess.run(
        [sys.executable, "-m", "tests.cli.troubled", trouble],
        input=json.dumps(commands), capture_output=True, text=True, env=environment(), timeout=BOUND * 2, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    results: list[tuple[str, int, str]] = [json.loads(line) for line in done.stdout.splitlines()]
    assert [name for name, _, _ in results] == list(commands)
    for name, code, said in results:
        assert code == but.get(name, others), (name, code, said)
        assert not BAD.search(said), (name, said)
        assert trouble == "closed output" or code == 0 or "Error: " in said, (name, said)
    assert not (tmp_path / "new" / "hub.yaml").exists() or trouble != "full disk"


def _started(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*NOROSHI, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment(), **options,
    )  # fmt: skip


def test_ctrl_c_at_a_question(tmp_path: Path) -> None:
    """Exit code 130, and nothing is done."""
    path = _hub(tmp_path)
    process = _started("restore", str(tmp_path / "backup.db"), "--config", str(path))
    assert process.stdout is not None
    assert process.stdout.read(7) == "replace"
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=BOUND)
    assert (process.returncode, said.strip()) == (130, "")
    assert sorted(item.name for item in (tmp_path / "data").glob("*.db")) == ["hub.db"]


def test_ctrl_c_in_the_middle_of_a_fetch(tmp_path: Path) -> None:
    """A command that waits for a publisher ends at once, with exit code 130."""
    with socket.create_server(("127.0.0.1", 0)) as publisher:
        publisher.settimeout(BOUND)
        url = f"http://127.0.0.1:{publisher.getsockname()[1]}/list.txt"
        feed = {"use": "openphish", "transport": {"kind": "http", "url": url}}
        raw = {**settings().model_dump(mode="json"), "store": "sqlite:hub.db", "feeds": [feed]}
        process = _started("collect", "--config", str(write_config(tmp_path, raw)))
        connection, _ = publisher.accept()
        connection.recv(1)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=BOUND)
        connection.close()
    assert process.returncode == 130, said
    assert not BAD.search(said)


def test_ctrl_c_while_the_program_is_loaded() -> None:
    """It ends as any other program does, without a word."""
    process = subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "taxii_server.cli", "--version"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(),
    )  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:
        if line.endswith(" click.exceptions\n"):
            process.send_signal(signal.SIGINT)
            break
    _, said = process.communicate(timeout=BOUND)
    assert process.returncode == -signal.SIGINT
    assert not BAD.search(said)
