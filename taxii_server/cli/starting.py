"""``noroshi init``: a hub's first configuration file."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click

from config.beginning import first_file, new_hub
from taxii_server.cli.context import FAILED, Failure, refuse

_FILE = "hub.yaml"
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,60}")


@click.command()
@click.argument("directory", default=".", type=click.Path(file_okay=False, path_type=Path))
@click.option("--name", help="The hub's short name, kept for ever. Made up if left out.")
@click.option("--title", help="Its name for people.")
@click.option("--contact", help="An address or a page: shown to subscribers, and told to publishers of feeds.")
def init(directory: Path, name: str | None, title: str | None, contact: str | None) -> None:
    """Write a new hub's configuration, DIRECTORY/hub.yaml.

    It is commented and ready for `noroshi up --config`. The hub gets a namespace and collection ids of its own, and
    keeps its data beside the file. Nothing that is there already is written over.
    """
    if name is not None and not _NAME.fullmatch(name):
        refuse(f"--name: expected up to 61 of a-z, 0-9, . and -, beginning with a letter or digit, got {name!r}")
    for option, text in (("--title", title), ("--contact", contact)):
        if text is not None and not (text.strip() and text.isprintable()):
            refuse(f"{option}: expected some words without control characters, got {text!r}")
    path = directory / _FILE
    for taken in (path, directory / "data"):
        if taken.exists():
            raise Failure(f"{taken}: is there already, and is left as it is; give another DIRECTORY", FAILED)
    hub = new_hub(name, title, contact)
    directory.mkdir(parents=True, exist_ok=True)
    _write(path, first_file(hub))
    click.echo(f"written {path}: hub {hub.name}, namespace {hub.namespace}")
    click.echo("  look it over: name and namespace stay for ever once others subscribe")
    click.echo(f"  noroshi up --config {shlex.quote(str(path))}")


def _write(path: Path, text: str) -> None:
    """A new file, whole or not at all."""
    stream = path.open("x", encoding="utf-8")
    try:
        with stream:
            stream.write(text)
    except OSError as error:
        path.unlink()
        raise Failure(f"{path}: {error.strerror}; nothing was written", FAILED) from error
