"""Who may come in once a backup is restored.

A backup knows nothing of the tokens that were revoked and the users that were disabled since it was made. Restoring it
must not let them in again: so a user or a token of the backup stays open only where the store that is replaced lets it
in too, and with no more rights than both give. Where that store cannot be asked, nothing is known, and all stay shut.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import NamedTuple

import orjson

from taxii_server.stores.base import Returned, Token, User
from taxii_server.stores.sqlite.desk import KEEP_API_KEY, KEEP_USER, token_of, user_of


class Doors(NamedTuple):
    """Who may come in, as one store knows it."""

    #: by name
    users: dict[str, User]
    #: by id
    tokens: dict[str, Token]


NOBODY = Doors({}, {})


def doors(connection: sqlite3.Connection) -> Doors:
    """Those of a store's file."""
    users = (user_of(body) for (body,) in connection.execute("SELECT body FROM person"))
    tokens = (token_of(*row) for row in connection.execute("SELECT digest, body FROM token"))
    return Doors({user.name: user for user in users}, {token.id: token for token in tokens})


def shut(connection: sqlite3.Connection, replaced: Doors) -> Returned:
    """Shut in a backup's file what ``replaced`` does not let in; gives what that was, and what is not in it."""
    backed = doors(connection)
    users = [_both(user, replaced.users.get(user.name)) for user in backed.users.values()]
    tokens = [_known(token, replaced.tokens.get(token.id)) for token in backed.tokens.values()]
    for user in users:
        connection.execute(KEEP_USER, (user.name, orjson.dumps(asdict(user))))
    for token in tokens:
        fields = asdict(token)
        connection.execute(KEEP_API_KEY, (token.id, fields.pop("digest"), token.created, orjson.dumps(fields)))
    return Returned(
        users=_names(user.name for user in users if user != backed.users[user.name]),
        tokens=_names(token.id for token in tokens if token != backed.tokens[token.id]),
        unknown_users=_names(replaced.users.keys() - backed.users.keys()),
        unknown_tokens=_names(replaced.tokens.keys() - backed.tokens.keys()),
    )


def _both(user: User, now: User | None) -> User:
    """The user with what the backup and the replaced store both give, and the password that was set last."""
    if now is None:
        return replace(user, disabled=True)
    groups = tuple(group for group in user.groups if group in now.groups)
    return replace(now, groups=groups, disabled=user.disabled or now.disabled)


def _known(token: Token, now: Token | None) -> Token:
    if now is None or now.digest != token.digest or now.user != token.user:
        return replace(token, revoked=True)
    return replace(token, revoked=token.revoked or now.revoked)


def _names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(names))
