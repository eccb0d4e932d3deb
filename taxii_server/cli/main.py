"""The command group, and what every command does with errors."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

import click

from config.yamlfile import SettingsError
from taxii_server.cli import (
    collecting,
    content,
    feeds,
    lists,
    lookup,
    people,
    rulings,
    running,
    sources,
    starting,
    upkeep,
)
from taxii_server.cli.context import CONFIGURATION, FAILED, INTERRUPTED, STORE
from taxii_server.lists import ListError
from taxii_server.serve import CannotListen
from taxii_server.stores.base import StoreBusy, StoreError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="noroshi", prog_name="noroshi")
def noroshi() -> None:
    """Noroshi: a hub for threat indicators. Feeds in, merged STIX 2.1 out, over TAXII 2.1.

    Exit codes: 0 done, 1 failed, 2 wrong use, 3 configuration, 4 store, 5 not found, 130 interrupted.
    """


for command in (
    starting.init,
    running.up,
    running.serve,
    running.work,
    collecting.collect,
    feeds.feeds,
    sources.sources,
    lists.lists,
    rulings.rulings,
    content.collections,
    people.users,
    people.tokens,
    people.audit,
    content.publish,
    lookup.lookup,
    content.export,
    upkeep.backup,
    upkeep.restore,
    upkeep.reissue,
    upkeep.doctor,
):
    noroshi.add_command(command)


def run() -> None:
    """Run the command line; a problem becomes a sentence and an exit code, never a traceback."""
    interrupted = _noting_interrupts()
    try:
        noroshi(standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    except click.ClickException as error:
        if not interrupted:
            error.show()
        sys.exit(INTERRUPTED if interrupted else error.exit_code)
    except Exception as error:
        if interrupted:
            sys.exit(INTERRUPTED)
        if os.environ.get("NOROSHI_DEBUG"):
            raise
        _end(*_told(error))


def _noting_interrupts() -> list[int]:
    """What Ctrl-C is noted in. Libraries may take the exception that it raises for an error of their own."""
    noted: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        noted.append(number)
        signal.default_int_handler(number, frame)

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, note)
    return noted


def _told(error: Exception) -> tuple[str, int]:
    """The sentence and the exit code for an error that a command let through."""
    if isinstance(error, SettingsError | ListError):
        return str(error), CONFIGURATION
    if isinstance(error, StoreBusy) and not str(error).endswith("try again"):
        return f"{error}; try again", STORE
    if isinstance(error, StoreError):
        return str(error), STORE
    if isinstance(error, CannotListen):
        return str(error), FAILED
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'writing'}: {error.strerror}", FAILED
    return f"unexpected {type(error).__name__}: {error}; NOROSHI_DEBUG=1 shows where", FAILED


def _end(message: str, code: int) -> None:
    click.echo(f"Error: {message}", err=True)
    sys.exit(code)
