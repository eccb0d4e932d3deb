"""``noroshi backup``, ``restore``, ``reissue`` and ``doctor``."""

from __future__ import annotations

import time
from pathlib import Path

import click

from config.instant import system_clock
from taxii_server.cli.context import (
    FAILED,
    Failure,
    as_json,
    audit_of,
    configured,
    opened,
    owner,
    patiently,
    progress_bar,
    settings_of,
)
from taxii_server.cli.health import examine
from taxii_server.cli.tables import show_json, show_table
from taxii_server.jobs import Jobs
from taxii_server.publishing import Publisher
from taxii_server.stores import restore as restore_store


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@configured
def backup(file: Path, config: Path | None, data: Path | None) -> None:
    """Write a copy of the store to FILE, while the hub runs.

    The copy is consistent. FILE must not exist yet.
    """
    with opened(config, data) as (_, store), progress_bar() as progress:
        task = progress.add_task("backup", total=None)
        store.backup(file, lambda done, total: progress.update(task, completed=done, total=total))
    click.echo(f"written {file} ({file.stat().st_size} bytes)")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--let-in", is_flag=True, help="Let in whoever the backup lets in, even who was shut out since.")
@configured
def restore(file: Path, yes: bool, let_in: bool, config: Path | None, data: Path | None) -> None:
    """Put the store back to what the backup FILE holds. The hub must be stopped.

    No date_added is ever given a second time: subscribers go on from where they were. Users and tokens may come in only
    where the store that is replaced lets them in too.
    """
    settings = settings_of(config, data)
    if not yes:
        click.confirm(f"replace the store in {settings.data} by {file}?", abort=True)
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    expect = {"namespace": str(settings.hub.namespace)}
    record = audit_of("restore", str(file), **({"let_in": True} if let_in else {}))
    returned = restore_store(file, settings.store, settings.data, system_clock(), expect, record, let_in=let_in)
    click.echo(f"restored {file}")
    for said, names in (
        ("users with less than in the backup, or with a later password", returned.users),
        ("tokens of the backup that stay revoked", returned.tokens),
        ("users who came after the backup and are forgotten", returned.unknown_users),
        ("tokens that came after the backup and are forgotten", returned.unknown_tokens),
    ):
        if names:
            click.echo(f"{said} ({len(names)}): {', '.join(names)}")
    if returned.users or returned.tokens:
        click.echo("to let in whoever the backup lets in, restore it again with --let-in")


@click.command()
@click.option("--rate", type=click.IntRange(min=1), default=1_000, show_default=True, help="Objects a second, at most.")
@configured
def reissue(rate: int, config: Path | None, data: Path | None) -> None:
    """Publish anew what today would be made otherwise.

    That is every live object with other bytes than it would get now, after a change of code or settings. Subscribers
    receive each of them as a new version; hence the rate. May be stopped and started again.
    """
    with opened(config, data) as (settings, store), progress_bar() as progress:
        publisher = Publisher(settings, store, system_clock, owner())
        task = progress.add_task("reissue", total=None)
        jobs = Jobs(publisher)
        published = patiently(
            lambda: jobs.reissue(
                audit_of("reissue", settings.hub.name, rate=rate),
                lambda done: progress.update(task, completed=done),
                lambda count: time.sleep(count / rate),
            )
        )
    click.echo(f"reissued {published} objects")


@click.command()
@configured
@as_json
def doctor(config: Path | None, data: Path | None, json_: bool) -> None:
    """Look the hub over; exit code 1 when something is wrong.

    At configuration, store, disk, clock, secrets and feeds.
    """
    with opened(config, data) as (settings, store):
        findings = examine(settings, store)
    if json_:
        show_json([finding._asdict() for finding in findings])
    else:
        rows = [["ok" if finding.ok else "BAD", finding.what, finding.found] for finding in findings]
        show_table("Looked at", ["state", "what", "found"], rows, text="found")
    if not all(finding.ok for finding in findings):
        raise Failure("something is wrong, see above", FAILED)
