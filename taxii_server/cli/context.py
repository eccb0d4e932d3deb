"""What commands share: where the configuration is, how the store is opened, how errors are shown."""

from __future__ import annotations

import os
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click
from rich.console import Console
from rich.progress import Progress, ProgressColumn

from config.instant import Millis, system_clock
from config.loading import load
from config.settings import Settings
from taxii_server import lists
from taxii_server.opening import check_feeds, open_hub
from taxii_server.stores import is_there
from taxii_server.stores.base import AuditRecord, Store
from taxii_server.turns import NotNow

#: What exit codes mean; docs/commands.md repeats it.
FAILED, USAGE, CONFIGURATION, STORE, NOT_FOUND, INTERRUPTED = 1, 2, 3, 4, 5, 130

#: who acts, in the audit log
ACTOR = "command line"

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")
_TRIES, _WAIT = 600, 0.1


class Failure(click.ClickException):
    """An error for the person at the terminal: what was given, what was expected, and an exit code."""

    def __init__(self, message: str, code: int = FAILED) -> None:
        super().__init__(message)
        # A class variable in click, which reads it from the instance.
        self.__dict__["exit_code"] = code


class _Words(click.ParamType[str]):
    """Text that says something, in UTF-8. A terminal with another encoding hands over what stands for none."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            said = str(value).encode()
        except UnicodeEncodeError:
            self.fail(f"expected text in UTF-8, got {str(value)!a}", param, ctx)
        if not said.strip():
            self.fail("expected text, got none", param, ctx)
        return str(value)


#: The type of arguments that are looked up, or remembered.
WORDS = _Words()


def why(said: str) -> Callable[[F], F]:
    """Add ``--why``, which is required; ``said`` is what becomes of it."""
    return click.option("--why", type=WORDS, required=True, help=f"Why, {said}.")


def configured(command: F) -> F:
    """Add ``--config`` and ``--data`` to a command."""
    command = click.option(
        "--data",
        type=click.Path(file_okay=False, path_type=Path),
        envvar="NOROSHI_DATA",
        help="Directory of the hub's own files, in place of the configuration's. Also read from NOROSHI_DATA.",
    )(command)
    return click.option(
        "--config",
        type=click.Path(dir_okay=False, path_type=Path),
        envvar="NOROSHI_CONFIG",
        help="The hub's YAML file. Also read from NOROSHI_CONFIG.",
    )(command)


def as_json(command: F) -> F:
    """Add ``--json`` to a command."""
    return click.option("--json", "json_", is_flag=True, help="Print JSON, for scripts.")(command)


def given(config: Path | None) -> Path:
    """The hub's YAML file, which every command needs to be told."""
    if config is None:
        raise Failure(
            "no configuration: give --config FILE or set NOROSHI_CONFIG; `noroshi init` writes one, and "
            "`noroshi up --demo` needs none",
            CONFIGURATION,
        )
    return config


def settings_of(config: Path | None, data: Path | None) -> Settings:
    """The settings that a command works with."""
    settings = load(given(config))
    if data is not None:
        settings = settings.model_copy(update={"data": data.resolve()})
    if settings.data.exists() and not settings.data.is_dir():
        raise Failure(f"{settings.data}: expected a directory for the hub's data, got a file", CONFIGURATION)
    return settings


@contextmanager
def opened(config: Path | None, data: Path | None, *, must_exist: bool = True) -> Iterator[tuple[Settings, Store]]:
    """Settings and their store, closed afterwards. A command that only looks or changes makes none (``must_exist``)."""
    settings = settings_of(config, data)
    if must_exist and not is_there(settings.store, settings.data):
        raise Failure(f"{settings.data}: no hub's data here yet; `noroshi up` makes it", NOT_FOUND)
    check_feeds(settings, given(config))
    lists.check(settings)
    store = open_hub(settings)
    try:
        yield settings, store
    finally:
        store.close()


def owner() -> str:
    """A name for this process's leases, different for each."""
    return f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:8]}"


def now() -> Millis:
    """The present, for commands."""
    return system_clock() // 1_000


def progress_bar(*columns: ProgressColumn) -> Progress:
    """A progress bar that is seen on a terminal and leaves no trace."""
    console = Console()
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def patiently(attempt: Callable[[], T]) -> T:
    """Call until no other process publishes at that moment, for a minute at most."""
    for _ in range(_TRIES):
        try:
            return attempt()
        except NotNow:
            time.sleep(_WAIT)
    raise Failure("another process has been publishing for a minute; try again later", FAILED)


def audit_of(action: str, subject: str, **detail: object) -> AuditRecord:
    """The record of what somebody does at the command line."""
    return AuditRecord(at=now(), actor=ACTOR, action=action, subject=subject, detail=detail)


def refuse(message: str) -> NoReturn:
    """End the command with a message about what was given."""
    raise Failure(message, USAGE)
