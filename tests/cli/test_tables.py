"""Tables: as wide as the terminal, what is cut is marked, and nothing is cut for scripts."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from config.instant import DAY, HOUR, MINUTE, SECOND, system_clock
from config.loading import load
from normalizers.claims import Claim
from taxii_server.cli.tables import age, layout, moment, plain
from taxii_server.opening import open_hub
from taxii_server.stores.base import AuditRecord, ClaimRow, FeedState, Store, Token, User
from tests.hubs import settings
from tests.processes import BOUND, NOROSHI, environment, run, write_config

WIDE = "とても長い名前の組織と日本語の表題"


@given(
    rows=st.lists(st.lists(st.text(alphabet="ab 日本-", min_size=1, max_size=60), min_size=5, max_size=5), min_size=1),
    width=st.integers(60, 200),
    text=st.booleans(),
)
def test_no_line_is_wider_than_the_terminal(rows: list[list[str]], width: int, text: bool) -> None:
    """Whatever the cells hold, lines fit; a cell that was cut says so; the first one never is."""
    rows = [[row[0][:8], *row[1:]] for row in rows]
    lines, cut = layout(list("vwxyz"), rows, width, numeric=[False] * 5, text=text)
    assert max(map(cell_len, lines)) <= width
    assert cut == any("…" in line for line in lines)
    for row in rows:
        assert any(line.startswith(row[0].rstrip()) for line in lines)


def test_free_text_stands_beside_its_row_or_under_it() -> None:
    """Where there is room the text is wrapped in a column of its own, else under its row, and is never cut."""
    text = "it could not be fetched because the host did not answer"
    beside, cut = layout(["id", "why"], [["feed", text]], 50, numeric=[False, False], text=True)
    assert beside == ["id    why", "feed  it could not be fetched because the host did", "      not answer"]
    assert not cut
    under, cut = layout(["id", "n", "why"], [["f" * 30, "7", text]], 60, numeric=[False, True, False], text=True)
    assert under[1] == "f" * 30 + "  7"
    assert " ".join(line.strip() for line in under[2:]) == f"why: {text}"
    assert not cut


def test_a_column_without_a_value_is_left_out() -> None:
    """Room is not spent on columns that say nothing."""
    lines, _ = layout(["a", "b", "c"], [["1", "-", "x"], ["2", "-", "-"]], 80, numeric=[True, False, False])
    assert lines == ["a  c", "1  x", "2  -"]


@pytest.mark.parametrize(
    ("off", "said"),
    [
        (0, "0s ago"),
        (-59 * SECOND, "59s ago"),
        (-119 * SECOND, "1m ago"),
        (2 * HOUR + 59 * MINUTE, "in 2h"),
        (-99 * DAY, "99d ago"),
        (-200 * DAY, "2025-12-20"),
    ],
)
def test_ages_are_short(off: int, said: str) -> None:
    """A time is told in its largest unit, and by its date when it is long past."""
    present = 1_783_500_000_000
    assert age(present + off, present) == said


def test_cells_cannot_drive_the_terminal() -> None:
    """Control characters of feeds reach no terminal."""
    assert plain("a\x1b[31mb\x9bc\nd") == "a[31mbcd"
    assert plain(["x\x1b", "y"]) == "x, y"


@pytest.fixture
def hub(tmp_path: Path) -> list[str]:
    """A hub with long names everywhere; gives the options that name it."""
    raw = settings().model_dump(mode="json")
    raw["store"] = "sqlite:hub.db"
    raw["api_roots"][0]["collections"][0]["title"] = WIDE * 2
    raw["feeds"] = [_feed(f"a-feed-with-quite-a-long-name-{number}") for number in range(3)]
    path = write_config(tmp_path, raw)
    store = open_hub(load(path))
    _fill(store)
    store.close()
    return ["--config", str(path)]


def _feed(name: str) -> dict[str, Any]:
    return {
        "id": name,
        "title": WIDE,
        "carries": WIDE,
        "publisher": {"name": "X", "country": "JP", "homepage": "https://x.example/"},
        "transport": {"kind": "file", "path": "nothing.txt"},
        "format": {"kind": "text", "type": "url"},
        "marking": "TLP:CLEAR",
        "share": "public",
        "reliability": 50,
        "kind": "log",
    }


def _fill(store: Store) -> None:
    now = system_clock() // 1_000
    store.save_user(User(name="a" * 25, organisation=WIDE, groups=("members", "publishers", "operators"), created=now))
    store.save_token(Token(id="0123456789ab", user="a" * 25, digest=bytes(32), label=WIDE * 2, created=now))
    message = "expected a document, got " + "words of somebody else " * 8
    store.save_feed_state(
        FeedState(feed="a-feed-with-quite-a-long-name-1", status="failed", message=message, last_run=now)
    )
    claim = Claim(
        type="domain", value="bad.example", origin="a-feed-with-quite-a-long-name-1", family="f", audience="clear",
        first_seen=now, last_seen=now, life=DAY, confidence=50, version=now,
        labels=tuple(f"label-{number}-of-{WIDE}" for number in range(6)), malware=("SomeRatherLongMalwareName",),
    )  # fmt: skip
    store.audit(AuditRecord(at=now, actor=WIDE, action="add user", subject=WIDE, detail={"groups": [WIDE] * 4}))
    store.put_claims([ClaimRow(claim.key, claim)])


def _on_terminal(width: int, *arguments: str) -> str:
    """What a command writes to a terminal of that width, without colours."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    kept = {name: value for name, value in environment(TERM="xterm").items() if name not in ("COLUMNS", "LINES")}
    process = subprocess.Popen([*NOROSHI, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=kept)
    os.close(theirs)
    written = b""
    try:
        while part := os.read(ours, 65_536):
            written += part
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    process.wait(BOUND)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written.decode()).replace("\r\n", "\n").replace("\r", "\n")


TABLES = [["feeds", "list"], ["collections"], ["users", "list"], ["tokens", "list"], ["lookup", "bad.example"],
          ["doctor"], ["collect"], ["audit"]]  # fmt: skip


@pytest.mark.parametrize("command", TABLES, ids=" ".join)
def test_every_table_fits_a_terminal_of_80_columns(command: list[str], hub: list[str]) -> None:
    """No line of any table is wider than the terminal, and what is cut is said to be."""
    shown = _on_terminal(80, *command, *hub)
    assert "Traceback" not in shown
    assert len(shown.splitlines()) >= 3
    assert max(map(cell_len, shown.splitlines())) <= 80
    cut = [line for line in shown.splitlines() if "…" in line]
    assert not cut or cut[-1] == "… is cut here; --json has all of it"
    assert len(cut) != 1


def test_a_message_is_told_whole_at_any_width(hub: list[str]) -> None:
    """Why a feed failed is not cut."""
    shown = " ".join(_on_terminal(80, "feeds", "list", *hub).split())
    assert "message: expected a document, got " + ("words of somebody else " * 8).strip() in shown


def test_a_pipe_and_json_are_given_everything(hub: list[str]) -> None:
    """Without a terminal nothing is cut, and a line is a row with tabs."""
    [heading, row] = run("users", "list", *hub).stdout.splitlines()
    assert heading.split("\t")[:2] == ["name", "organisation"]
    assert row.split("\t")[:2] == ["a" * 25, WIDE]
    [token] = json.loads(run("tokens", "list", "--json", *hub).stdout)
    assert token["label"] == WIDE * 2
    assert moment(0) is None
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", token["created"])
