"""docs/commands.md describes the command line as it is, and no page shows a command that does not exist."""

from __future__ import annotations

import click
import pytest

from taxii_server.cli import context
from tests.docs import pages, shells

PAGE = "docs/commands.md"
COMMANDS = {" ".join(("noroshi", *path)): command for path, command in shells.tree()}


def _section(name: str) -> pages.Section:
    found = [section for section in pages.sections(PAGE) if name in section.names]
    assert len(found) == 1, f"{PAGE}: expected one heading with `{name}`, got {len(found)}"
    return found[0]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_arguments_and_options_described(name: str) -> None:
    """A command's section has each of its arguments and options, the common ones in one line, and no other."""
    shown = {pages.codes(row[0])[0].split()[0] for row in pages.rows(_section(name))}
    taken = [line for line in _section(name).lines if line.startswith("Common: ")]
    assert shown | {code for line in taken for code in pages.codes(line)} == {
        parameter.human_readable_name.upper() if isinstance(parameter, click.Argument) else parameter.opts[0]
        for parameter in COMMANDS[name].params
    }


def test_common_options_are_described_once() -> None:
    """What sections call common stands in the table of common options, which names no other."""
    section = next(item for item in pages.sections(PAGE) if item.title == "Common options")
    described = {pages.codes(row[0])[0].split()[0] for row in pages.rows(section)}
    lines = [line for item in pages.sections(PAGE) for line in item.lines if line.startswith("Common: ")]
    assert described == {code for line in lines for code in pages.codes(line)}


@pytest.mark.parametrize("name", COMMANDS)
def test_choices_are_described(name: str) -> None:
    """What an option may be set to stands in its section."""
    for parameter in COMMANDS[name].params:
        if isinstance(parameter.type, click.Choice):
            assert set(parameter.type.choices) <= set(pages.codes(_section(name).text))


def test_no_section_describes_a_command_that_is_not_there() -> None:
    """Every heading that names a command names one that exists."""
    named = {code for section in pages.sections(PAGE) for code in section.names if code.startswith("noroshi ")}
    assert named == COMMANDS.keys()


def test_exit_codes_are_described() -> None:
    """The table of exit codes has every code that the program ends with on purpose."""
    section = next(item for item in pages.sections(PAGE) if item.title == "Exit codes")
    shown = {int(pages.codes(row[0])[0]) for row in pages.rows(section)}
    stopped = {context.FAILED, context.USAGE, context.CONFIGURATION, context.STORE, context.NOT_FOUND}
    assert shown == {0, *stopped, context.INTERRUPTED}


SHOWN = list(shells.shown())


def test_pages_show_commands() -> None:
    """The search for commands finds them: in blocks, and in sentences."""
    assert {item.whole for item in SHOWN} == {True, False}


@pytest.mark.parametrize("item", SHOWN, ids=lambda item: f"{item.place} {' '.join(item.words)}"[:100])
def test_every_command_that_a_page_shows_can_be_given(item: shells.Shown) -> None:
    """The command exists, has the options that are shown, and takes the arguments that are shown."""
    assert shells.problem(item.words, whole=item.whole) is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("noroshi tokens remove abc", "no command 'remove'"),
        ("noroshi users add soc --team members", "No such option"),
        ("noroshi lookup", "value: needed, and not given"),
        ("noroshi backup one.db two.db --config hub.yaml", "too many arguments: two.db"),
        ("noroshi export all --format xml", "form: expected one of txt, csv, json, jsonl, rules, rpz, intel, got xml"),
        ("A=1 sudo -u noroshi /opt/noroshi/bin/noroshi wrk --config hub.yaml > log", "no command 'wrk'"),
    ],
)
def test_a_wrong_command_would_be_noticed(line: str, expected: str) -> None:
    """The check can fail."""
    [words] = shells.commands(line)
    assert (shells.problem(tuple(words[1:]), whole=True) or "").startswith(expected)
