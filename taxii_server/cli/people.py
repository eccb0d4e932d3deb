"""``noroshi users`` and ``noroshi tokens``."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

import click

from config.instant import parse_span
from config.settings import Settings
from taxii_server.cli.context import FAILED, NOT_FOUND, Failure, as_json, audit_of, configured, now, opened, refuse
from taxii_server.cli.tables import moment, show_json, show_rows
from taxii_server.credentials import hash_password, make_token
from taxii_server.stores.base import Store, Token, User

_LETTERS_OF_NAMES = "abcdefghijklmnopqrstuvwxyz0123456789.@_-"


@click.group()
def users() -> None:
    """Who may log in."""


@users.command("add")
@click.argument("name")
@click.option("--group", "groups", multiple=True, required=True, help="A group of the configuration; may be repeated.")
@click.option("--organisation", required=True, help="Whom the user acts for.")
@click.option("--no-password", is_flag=True, help="Only API tokens will be taken.")
@click.option(
    "--password-file", type=click.File("r"), help="Read the password's line from a file, - for standard input."
)
@configured
def add_user(
    name: str,
    groups: tuple[str, ...],
    organisation: str,
    no_password: bool,
    password_file: TextIO | None,
    config: Path | None,
    data: Path | None,
) -> None:
    """Add the user NAME. The password is asked for, never taken from the command line."""
    if not name or any(letter not in _LETTERS_OF_NAMES for letter in name):
        refuse(f"name: expected small letters, digits and . @ _ -, got {name!r}")
    if not organisation.strip():
        refuse("--organisation: expected whom the user acts for, got nothing")
    with opened(config, data, must_exist=False) as (settings, store):
        _known_groups(settings, groups)
        if store.user(name) is not None:
            raise Failure(f"there is a user {name!r} already", FAILED)
        password = "" if no_password else _password(password_file)
        user = User(name=name, organisation=organisation, groups=groups, password=password, created=now())
        store.save_user(user, audit_of("add user", name, groups=list(groups), organisation=organisation))
    click.echo(f"added {name}")


def _password(source: TextIO | None) -> str:
    if source is None and not sys.stdin.isatty():
        refuse("password: there is no terminal to ask at; expected --password-file or --no-password")
    if source is None:
        text: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        text = source.readline().rstrip("\r\n")
    try:
        return hash_password(text)
    except ValueError as error:
        refuse(f"password: {error}")


@users.command("list")
@configured
@as_json
def list_users(config: Path | None, data: Path | None, json_: bool) -> None:
    """Show the users, their groups and organisations."""
    with opened(config, data) as (_, store):
        found = store.users()
    rows = [
        {
            "name": user.name,
            "organisation": user.organisation,
            "groups": list(user.groups),
            "password": bool(user.password),
            "disabled": user.disabled,
            "created": moment(user.created),
        }
        for user in found
    ]
    columns = ["name", "organisation", "groups", "password", "disabled", "created"]
    show_rows("Users", rows, json_=json_, columns=columns)


@users.command("set")
@click.argument("name")
@click.option("--group", "groups", multiple=True, help="Its groups from now on, in place of the present ones.")
@click.option("--organisation", help="Whom the user acts for.")
@click.option("--password", "ask", is_flag=True, help="Ask for a new password.")
@click.option("--password-file", type=click.File("r"), help="Read the new password from a file, - for standard input.")
@click.option("--enable", is_flag=True, help="Let a disabled user log in again.")
@configured
def set_user(
    name: str,
    groups: tuple[str, ...],
    organisation: str | None,
    ask: bool,
    password_file: TextIO | None,
    enable: bool,
    config: Path | None,
    data: Path | None,
) -> None:
    """Change the user NAME.

    What no option names stays as it is. It counts from the next request on.
    """
    with opened(config, data) as (settings, store):
        user = _user(store, name)
        _known_groups(settings, groups)
        changed = replace(
            user,
            groups=groups or user.groups,
            organisation=organisation or user.organisation,
            disabled=user.disabled and not enable,
            password=_password(password_file) if ask or password_file else user.password,
        )
        said = {"groups": list(changed.groups), "organisation": changed.organisation, "enabled": not changed.disabled}
        said["new password"] = changed.password != user.password
        store.save_user(changed, audit_of("change user", name, **said))
    click.echo(f"changed {name}")


def _user(store: Store, name: str) -> User:
    user = store.user(name)
    if user is None:
        raise Failure(f"there is no user {name!r}", NOT_FOUND)
    return user


def _known_groups(settings: Settings, groups: tuple[str, ...]) -> None:
    for group in groups:
        if group not in settings.groups:
            refuse(f"--group: expected one of {', '.join(settings.groups)}, got {group!r}")


@users.command("disable")
@click.argument("name")
@configured
def disable_user(name: str, config: Path | None, data: Path | None) -> None:
    """Let NAME log in no more, from the next request on. Nothing of the user is deleted."""
    with opened(config, data) as (_, store):
        store.save_user(replace(_user(store, name), disabled=True), audit_of("disable user", name))
    click.echo(f"disabled {name}")


@click.group()
def tokens() -> None:
    """API tokens: what programs log in with.

    They are taken as Bearer, as X-API-Key, and in place of the user's password.
    """


@tokens.command("add")
@click.argument("user")
@click.option("--label", default="", help="What it is for.")
@click.option("--expires", help="How long it is taken, such as 90d; without it, for ever.")
@configured
@as_json
def add_token(user: str, label: str, expires: str | None, config: Path | None, data: Path | None, json_: bool) -> None:
    """Make a token for USER and show it, once."""
    try:
        until = now() + parse_span(expires) if expires else 0
    except ValueError as error:
        refuse(f"--expires: {error}")
    with opened(config, data) as (_, store):
        if _user(store, user).disabled:
            raise Failure(f"{user!r} is disabled, so no token of theirs would be taken", FAILED)
        text, token = make_token(user, now=now(), label=label, expires=until)
        store.save_token(token, audit_of("add token", token.id, user=user, label=label))
    if json_:
        show_json({"id": token.id, "user": user, "token": text, "expires": moment(until)})
    else:
        click.echo(text)
        click.echo(f"token {token.id} for {user}; it is shown this once", err=True)


@tokens.command("list")
@configured
@as_json
def list_tokens(config: Path | None, data: Path | None, json_: bool) -> None:
    """Show the tokens, never the secrets."""
    with opened(config, data) as (_, store):
        found = store.tokens()
    columns = ["id", "user", "label", "created", "expires", "state"]
    show_rows("Tokens", [_token_row(token) for token in found], json_=json_, columns=columns)


def _token_row(token: Token) -> dict[str, Any]:
    over = bool(token.expires) and token.expires <= now()
    return {
        "id": token.id,
        "user": token.user,
        "label": token.label,
        "created": moment(token.created),
        "expires": moment(token.expires),
        "state": "revoked" if token.revoked else "expired" if over else "active",
    }


@tokens.command("revoke")
@click.argument("token_id")
@configured
def revoke_token(token_id: str, config: Path | None, data: Path | None) -> None:
    """Take the token TOKEN_ID no more, from the next request on."""
    with opened(config, data) as (_, store):
        token = next((item for item in store.tokens() if item.id == token_id), None)
        if token is None:
            raise Failure(f"there is no token {token_id!r}", NOT_FOUND)
        store.save_token(replace(token, revoked=True), audit_of("revoke token", token_id, user=token.user))
    click.echo(f"revoked {token_id}")


@click.command()
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="How many, the newest.")
@configured
@as_json
def audit(limit: int, config: Path | None, data: Path | None, json_: bool) -> None:
    """Show the audit log, the newest first.

    It has every write and decision of users and operators.
    """
    with opened(config, data) as (settings, store):
        records = store.audit_log(limit)
    # For people, who know a collection by the name that commands take; the record has its id, which stays.
    doors = [(root, item) for root in settings.api_roots for item in root.collections]
    names = {} if json_ else {str(item.id): f"{root.path}/{item.alias or item.id}" for root, item in doors}
    rows = [
        {
            "at": moment(record.at),
            "actor": record.actor,
            "action": record.action,
            "subject": names.get(record.subject, record.subject),
            "detail": record.detail,
        }
        for record in records
    ]
    show_rows("Audit log", rows, json_=json_, columns=["at", "actor", "action", "subject", "detail"], text="detail")
