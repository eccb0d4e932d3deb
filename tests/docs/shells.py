"""Commands as documentation shows them: taken apart, and held against the command line of the hub."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import NamedTuple

import click

from taxii_server.cli.main import noroshi
from tests.docs import pages

_ENDS = frozenset(("|", "||", "&&", ";", "&", "(", ")"))
#: what may stand before a command
_WRAPPERS = frozenset(("sudo", "env", "exec", "nohup"))
_REDIRECT = re.compile(r"[<>]+")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*")


class Shown(NamedTuple):
    """One invocation of ``noroshi`` that a page shows."""

    place: str
    words: tuple[str, ...]
    #: whether it is meant to be typed as it stands
    whole: bool


def shown() -> Iterator[Shown]:
    """Every invocation on any page."""
    for page in pages.pages():
        for block in pages.blocks(page):
            if block.language in ("sh", "console", "ini", "yaml", ""):
                for command in commands(block.text):
                    if is_ours(command[0]):
                        yield Shown(block.place, tuple(command[1:]), whole=True)
        for number, line in pages.prose(page):
            for code in pages.codes(line):
                words = code.split()
                if words and is_ours(words[0]) and len(words) > 1 and re.fullmatch(r"[a-z-].*", words[1]):
                    yield Shown(f"{page}:{number}", tuple(words[1:]), whole=False)


def is_ours(word: str) -> bool:
    """Whether a word calls the hub."""
    return word.rpartition("/")[2] == "noroshi"


def commands(text: str) -> Iterator[list[str]]:
    """The simple commands of a piece of shell, without assignments, redirections and what stands before our own."""
    joined = re.sub(r"\\\n\s*", " ", text)
    for line in joined.splitlines():
        plain = line.strip().removeprefix("$ ").removeprefix("ExecStart=")
        if not plain or plain.startswith("#"):
            continue
        yield from _simple(plain)


def _simple(line: str) -> Iterator[list[str]]:
    reader = shlex.shlex(line, posix=True, punctuation_chars=True)
    reader.whitespace_split = True
    try:
        words = list(reader)
    except ValueError:
        return
    held: list[str] = []
    for word in [*words, ";"]:
        if word in _ENDS:
            if found := _ours(_without_redirections(held)):
                yield found
            held = []
        else:
            held.append(word)


def _without_redirections(words: list[str]) -> list[str]:
    kept: list[str] = []
    skip = False
    for word in words:
        if _REDIRECT.fullmatch(word):
            skip = True
        elif skip:
            skip = False
        else:
            kept.append(word)
    while kept and _ASSIGNMENT.fullmatch(kept[0]):
        del kept[0]
    return kept


def _ours(words: list[str]) -> list[str]:
    # `sudo -u noroshi A=1 /opt/noroshi/bin/noroshi work` calls the hub by its path.
    if words and words[0] in _WRAPPERS:
        for place, word in enumerate(words):
            if is_ours(word) and "/" in word:
                return words[place:]
    return words


def tree(
    command: click.Command = noroshi, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that does something, with its path: ``("users", "add")``."""
    if isinstance(command, click.Group):
        for name, child in sorted(command.commands.items()):
            yield from tree(child, (*path, name))
    else:
        yield path, command


def problem(words: tuple[str, ...], *, whole: bool) -> str | None:
    """Why the command line would not take these words; None when it would."""
    command: click.Command = noroshi
    rest = list(words)
    while isinstance(command, click.Group):
        if not rest:
            return None if not whole else "names a group of commands and no command"
        if rest[0].startswith("-"):
            known = {name for option in command.get_params(click.Context(command)) for name in option.opts}
            return None if rest[0] in known else f"no option {rest[0]}"
        found = command.commands.get(rest[0])
        if found is None:
            return f"no command {rest[0]!r}"
        command = found
        del rest[0]
    return _parsed(command, rest, whole=whole)


def _parsed(command: click.Command, words: list[str], *, whole: bool) -> str | None:
    context = click.Context(command, info_name=command.name)
    try:
        values, left, _ = command.make_parser(context).parse_args(words)
    except click.BadOptionUsage as error:
        return error.format_message() if whole else None  # a sentence may name an option without a value for it
    except click.UsageError as error:
        return error.format_message()
    if left and whole:
        return f"too many arguments: {' '.join(left)}"
    if not whole or values.get("help"):
        return None
    for parameter in command.params:
        given = values.get(parameter.name)
        if parameter.required and not (isinstance(given, str) or (isinstance(given, list | tuple) and given)):
            return f"{parameter.name}: needed, and not given"
        if isinstance(parameter.type, click.Choice) and isinstance(given, str) and given not in parameter.type.choices:
            return f"{parameter.name}: expected one of {', '.join(parameter.type.choices)}, got {given}"
    return None
