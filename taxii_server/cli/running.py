"""``noroshi up``, ``serve``, ``work`` and ``collect``: what runs."""

from __future__ import annotations

import ipaddress
import logging
import os
import signal
import socket
import threading
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from rich.progress import Progress, SpinnerColumn, TextColumn

from config.instant import system_clock
from config.loading import shipped
from config.settings import Settings
from taxii_server import demo, memory, supervise
from taxii_server.cli.context import (
    CONFIGURATION,
    Failure,
    configured,
    given,
    opened,
    owner,
    progress_bar,
    refuse,
    settings_of,
)
from taxii_server.hearing import hear
from taxii_server.jsonlog import configure_logging
from taxii_server.serve import check_certificate, listen
from taxii_server.worker import Worker

_PORT = 9680


def _listening(command: Any) -> Any:
    for option in reversed(
        [
            click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on."),
            click.option("--port", default=_PORT, show_default=True, type=click.IntRange(1, 65535), help="Port."),
            click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64), help="Web processes."),
            click.option("--cert", type=click.Path(exists=True, path_type=Path), help="TLS certificate chain, PEM."),
            click.option("--key", type=click.Path(exists=True, path_type=Path), help="Its private key, PEM."),
        ]
    ):
        command = option(command)
    return command


def _checked(host: str, cert: Path | None, key: Path | None) -> None:
    if (cert is None) != (key is None):
        refuse("--cert and --key go together")
    if cert is None and not _loopback(host):
        click.echo(f"Warning: {host} is served without TLS; passwords are readable on the way.", err=True)


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@click.command()
@configured
@_listening
@click.option("--demo", "demonstration", is_flag=True, help="Sample feeds and users, for trying the hub out.")
def up(
    config: Path | None,
    data: Path | None,
    host: str,
    port: int,
    workers: int,
    cert: Path | None,
    key: Path | None,
    demonstration: bool,
) -> None:
    """Run a whole hub in the foreground.

    That is the TAXII server, and the loop that collects, merges and publishes. Ctrl-C stops it; what it knows is in
    the data directory and is there at the next start.
    """
    if demonstration:
        if click.get_current_context().get_parameter_source("config") is ParameterSource.COMMANDLINE:
            refuse("--demo has a configuration of its own; leave --config or --demo out")
        if not _loopback(host):
            refuse("--demo has users with known passwords, so it listens on the loopback address alone")
        # Not what NOROSHI_CONFIG names: a demonstration never touches a hub of somebody's.
        config = shipped("demo.yaml")
        data = data or Path("noroshi-demo")
        os.environ.setdefault("NOROSHI_LOG", "WARNING")
    config = given(config)
    settings, listener = _ready(config, data, host, port, cert, key)
    if demonstration:
        _prepare_demo(settings, config, data)
    scheme = "https" if cert else "http"
    click.echo(demo.banner(settings, f"{scheme}://{host}:{port}", config, demonstration=demonstration))
    supervise.take_over(listener, config, settings.data, workers=workers, cert=cert, key=key, loop=True)


def _ready(
    config: Path, data: Path | None, host: str, port: int, cert: Path | None, key: Path | None
) -> tuple[Settings, socket.socket]:
    """Settings and a socket with which everything can start: found out before anything is started or promised."""
    _checked(host, cert, key)
    settings = settings_of(config, data)
    if settings.store == "memory:":
        raise Failure(
            "store: memory: is of one process alone, and a hub has several; expected sqlite:FILE", CONFIGURATION
        )
    if cert is not None and key is not None:
        check_certificate(cert, key)
    configure_logging(logging.WARNING)
    with opened(config, data, must_exist=False):
        return settings, listen(host, port)


def _prepare_demo(settings: Settings, config: Path, data: Path | None) -> None:
    """Collect the samples before the first subscriber can ask."""
    with opened(config, data) as (_, store):
        demo.prepare(settings, store, system_clock)
        worker = Worker(settings, store, system_clock, owner(), os.environ)
        with _spinner() as progress:
            progress.add_task("collecting the sample feeds", total=None)
            try:
                worker.tick()
            finally:
                worker.publisher.release()


def _spinner() -> Progress:
    return progress_bar(SpinnerColumn(), TextColumn("{task.description}"))


@click.command()
@configured
@_listening
def serve(
    config: Path | None, data: Path | None, host: str, port: int, workers: int, cert: Path | None, key: Path | None
) -> None:
    """Run only the TAXII server. Something else has to run `noroshi work`."""
    config = given(config)
    settings, listener = _ready(config, data, host, port, cert, key)
    click.echo(f"{settings.hub.title}: {'https' if cert else 'http'}://{host}:{port}/taxii2/")
    supervise.take_over(listener, config, settings.data, workers=workers, cert=cert, key=key, loop=False)


@click.command()
@configured
@click.option("--with-parent", is_flag=True, help="Stop when standard input is closed.")
def work(config: Path | None, data: Path | None, with_parent: bool) -> None:
    """Run only the loop that collects, merges and publishes.

    It collects the feeds that are due and takes in submissions.
    """
    configure_logging(logging.INFO if os.environ.get("NOROSHI_DEBUG") else logging.WARNING)
    memory.lean()
    memory.seldom_collect()
    stop = threading.Event()
    hear((signal.SIGTERM, signal.SIGINT), stop.set, memory.give_back)
    if with_parent:
        supervise.stop_with_parent(stop)
    with opened(config, data, must_exist=False) as (settings, store):
        Worker(settings, store, system_clock, owner(), os.environ).run(stop)
