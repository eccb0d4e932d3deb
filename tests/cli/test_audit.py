"""What operators do at the command line is in the audit log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from taxii_server.cli.main import noroshi
from tests.taxii.hub import GREEN, HUB, SHARED, indicator

PASSWORD = "correct horse battery\n"  # pragma: allowlist secret


class Terminal:
    """Commands on one hub."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        config = folder / "hub.yaml"
        config.write_text(yaml.safe_dump({**HUB, "store": "sqlite:hub.db", "data": "data"}))
        self._environment = {"NOROSHI_CONFIG": str(config)}

    def run(self, *words: str, given: str = "") -> str:
        done = CliRunner().invoke(noroshi, words, input=given, env=self._environment)
        assert done.exit_code == 0, done.output
        return done.output

    def log(self) -> list[dict[str, Any]]:
        """The audit log, the oldest first."""
        found: list[dict[str, Any]] = json.loads(self.run("audit", "--json"))
        return found[::-1]


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A hub with one user, mika."""
    made = Terminal(tmp_path)
    made.run(
        *("users", "add", "mika", "--group", "members", "--organisation", "Mochi KK", "--password-file", "-"),
        given=PASSWORD,
    )
    return made


def test_each_command_that_decides_leaves_one_record(terminal: Terminal) -> None:
    """Who is added, changed and disabled, and which tokens are made and revoked; never a secret."""
    token = json.loads(terminal.run("tokens", "add", "mika", "--label", "siem", "--json"))
    terminal.run("users", "set", "mika", "--password-file", "-", given=PASSWORD)
    terminal.run("tokens", "revoke", token["id"])
    terminal.run("users", "disable", "mika")
    log = terminal.log()
    changed = {"groups": ["members"], "organisation": "Mochi KK", "enabled": True, "new password": True}
    assert [(item["action"], item["subject"], item["detail"]) for item in log] == [
        ("add user", "mika", {"groups": ["members"], "organisation": "Mochi KK"}),
        ("add token", token["id"], {"user": "mika", "label": "siem"}),
        ("change user", "mika", changed),
        ("revoke token", token["id"], {"user": "mika"}),
        ("disable user", "mika", {}),
    ]
    assert {item["actor"] for item in log} == {"command line"}
    assert token["token"] not in str(log)


def test_what_is_posted_on_behalf_of_somebody_says_so(terminal: Terminal) -> None:
    """The actor is the command line, and the user and the organisation are those it was posted for."""
    file = terminal.folder / "envelope.json"
    file.write_text(json.dumps({"objects": [indicator(1, marking=GREEN)]}))
    terminal.run("publish", str(file), "--collection", "members/shared", "--user", "mika")
    shared, posted = terminal.log()[-2:]
    assert (shared["actor"], shared["action"], shared["detail"]["entries"]) == ("command line", "objects shared", 1)
    assert (posted["actor"], posted["action"], posted["detail"]["success"]) == ("command line", "objects posted", 1)
    assert {item["detail"]["user"] for item in (shared, posted)} == {"mika"}
    # People are shown the name that commands take, scripts the id that stays.
    assert "\tobjects shared\tmembers/shared\t" in terminal.run("audit")
    assert {shared["subject"], posted["subject"]} == {SHARED}


def test_a_restore_is_in_the_log_of_what_is_restored(terminal: Terminal) -> None:
    """With what was done since the backup gone from it, but for who was shut out: that stays so."""
    file = str(terminal.folder / "backup.db")
    terminal.run("backup", file)
    terminal.run("users", "disable", "mika")
    said = terminal.run("restore", file, "--yes")
    assert "users with less than in the backup, or with a later password (1): mika" in said
    (mika,) = json.loads(terminal.run("users", "list", "--json"))
    assert mika["disabled"]
    assert [(item["action"], item["subject"]) for item in terminal.log()] == [("add user", "mika"), ("restore", file)]
