"""Who is asking: passwords, API tokens, and what a request shows for them.

A request may show a user name and password (HTTP Basic, RFC 7617), or an API token as a Bearer token (RFC 6750), as
``X-API-Key``, or in place of the password of the token's own user, which is all that some clients can be told. Showing
nothing is being :data:`~taxii_server.access.ANONYMOUS`; showing something wrong is refused everywhere.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import threading

import argon2

from config.instant import Micros, Millis
from taxii_server.access import ANONYMOUS, Caller
from taxii_server.stores.base import Store, Token, User

#: Begins every API token, so that one is known at sight, by secret scanners too.
TOKEN_PREFIX = "noroshi_"  # noqa: S105 - the public part
#: Shortest and longest password taken, in characters and in UTF-8 bytes.
SHORTEST, LONGEST = 8, 1_024

_LONGEST_HEADER = 4_096
_REMEMBERED = 10_000
# OWASP's parameters for argon2id: 19 MiB each, so that a burst of logins does not take the machine's memory.
_HASHER = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# What a password is compared with where there is none: of a text that nobody kept, with the parameters above.
_NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$xqAZgTQf2gaTDckT6AjFVQ$9ycO9n+l8uNkIo5GVmFaZhCmGuWusxv3xXht9Y09pss"
_AT_ONCE = threading.BoundedSemaphore(2)


class Unauthorised(Exception):
    """The credentials are not accepted."""


def hash_password(password: str) -> str:
    """The argon2id hash to store. Raises ValueError for a password that cannot be one."""
    if len(password) < SHORTEST or len(password.encode()) > LONGEST:
        raise ValueError(f"a password has at least {SHORTEST} characters and at most {LONGEST} bytes")
    if password.startswith(TOKEN_PREFIX):
        raise ValueError(f"a password cannot begin with {TOKEN_PREFIX!r}, as API tokens do")
    return _HASHER.hash(password)


def make_token(user: str, *, now: Millis, label: str = "", expires: Millis = 0) -> tuple[str, Token]:
    """A new API token: its text, to be shown once, and the record to store. ``expires`` 0 is never."""
    text = TOKEN_PREFIX + secrets.token_urlsafe(32)
    record = Token(id=secrets.token_hex(6), user=user, digest=_digest(text), label=label, created=now, expires=expires)
    return text, record


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


class Credentials:
    """Finds out who is asking. One per process; may be used by many threads."""

    def __init__(self, store: Store, *, remember: Millis) -> None:
        """``remember``: how long, in milliseconds, a password once checked is known again without argon2id."""
        self._store = store
        self._remember = remember * 1_000
        self._key = secrets.token_bytes(32)
        # What is remembered is an HMAC over user, stored hash and password: worthless outside this process, and of no
        # use any more once the stored hash is another.
        self._checked: dict[bytes, Micros] = {}

    def authenticate(self, authorization: str | None, api_key: str | None, now: Micros) -> Caller:
        """The caller that these two headers (``Authorization``, ``X-API-Key``) stand for.

        Raises :class:`Unauthorised`, always with the same message: which part was wrong is not for telling.
        """
        if authorization is None and api_key is None:
            return ANONYMOUS
        if authorization is None or api_key is None:
            user = self._by_api_key(api_key, now) if api_key is not None else self._by_header(authorization or "", now)
        else:
            raise Unauthorised("give one of Authorization and X-API-Key, not both")
        if user is None:
            raise Unauthorised(Unauthorised.__doc__)
        return Caller(name=user.name, organisation=user.organisation, groups=frozenset(user.groups))

    def _by_header(self, header: str, now: Micros) -> User | None:
        scheme, _, rest = header.partition(" ")
        rest = rest.strip(" ")
        if len(header) > _LONGEST_HEADER:
            return None
        # "Token" is what taxii2-client and tools built on it send.
        if scheme.lower() in ("bearer", "token"):
            return self._by_token(rest, now)
        if scheme.lower() == "basic":
            return self._by_basic(rest, now)
        return None

    def _by_basic(self, encoded: str, now: Micros) -> User | None:
        try:
            name, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return None
        if not colon or not name:
            return None
        if password.startswith(TOKEN_PREFIX):
            user = self._by_token(password, now)
            return user if user is not None and hmac.compare_digest(user.name.encode(), name.encode()) else None
        return self._by_password(name, password, now)

    def _by_api_key(self, key: str, now: Micros) -> User | None:
        return self._by_token(key.strip(" "), now)

    def _by_token(self, text: str, now: Micros) -> User | None:
        if not text.startswith(TOKEN_PREFIX) or not text.isascii():
            return None
        digest = _digest(text)
        token = self._store.token(digest)
        if token is None or not hmac.compare_digest(token.digest, digest):
            return None
        if token.revoked or (token.expires and token.expires * 1_000 <= now):
            return None
        user = self._store.user(token.user)
        return None if user is None or user.disabled else user

    def _by_password(self, name: str, password: str, now: Micros) -> User | None:
        user = self._store.user(name)
        # An unknown user, a disabled one and one without a password cost what a wrong password costs.
        stored = user.password if user is not None and not user.disabled and user.password else ""
        if stored and self._remembered(proof := self._proof(name, stored, password), now):
            return user
        if not _matches(stored or _NOBODY, password) or not stored:
            return None
        self._keep(proof, now)
        return user

    def _proof(self, name: str, stored: str, password: str) -> bytes:
        text = f"{len(name)} {len(stored)} {name}{stored}{password}"
        return hmac.digest(self._key, text.encode(), "sha256")

    def _remembered(self, proof: bytes, now: Micros) -> bool:
        since = self._checked.get(proof)
        # A clock that steps back makes the memory shorter, never longer.
        return since is not None and since <= now < since + self._remember

    def _keep(self, proof: bytes, now: Micros) -> None:
        if len(self._checked) >= _REMEMBERED:
            self._checked.clear()
        self._checked[proof] = now


def _matches(stored: str, password: str) -> bool:
    if len(password.encode()) > LONGEST:
        return False
    with _AT_ONCE:
        try:
            return _HASHER.verify(stored, password)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False
