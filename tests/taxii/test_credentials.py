"""Who is asking: passwords, tokens, and what is wrong with either."""

from __future__ import annotations

import base64
import hashlib
import logging
from dataclasses import replace

import pytest

from taxii_server import credentials
from taxii_server.access import ANONYMOUS, Caller
from taxii_server.credentials import LONGEST, TOKEN_PREFIX, Credentials, Unauthorised, hash_password, make_token
from taxii_server.stores.base import Store, User
from taxii_server.stores.memory import MemoryStore
from tests.taxii.hub import MERGED, OPEN, PASSWORD, TestHub, basic, path_of

MINUTE = 60_000_000
NOW = 1_772_323_200_000_000
SECRET = "correct horse battery"
STORED = hash_password(SECRET)
MIKA = Caller(name="mika", organisation="Mochi KK", groups=frozenset(("members",)))


@pytest.fixture
def store() -> Store:
    made = MemoryStore()
    made.save_user(User(name="mika", organisation="Mochi KK", groups=("members",), password=STORED))
    made.save_user(User(name="tok", organisation="Mochi KK", groups=("members",)))
    return made


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The stored hashes that argon2id was run against, in order; it really runs."""
    seen: list[str] = []
    really = credentials._matches

    def matches(stored: str, password: str) -> bool:
        seen.append(stored)
        return really(stored, password)

    monkeypatch.setattr(credentials, "_matches", matches)
    return seen


def password(name: str, secret: str) -> str:
    return basic(name, secret)["Authorization"]


def refused(door: Credentials, authorization: str | None, api_key: str | None = None, now: int = NOW) -> str:
    with pytest.raises(Unauthorised) as raised:
        door.authenticate(authorization, api_key, now)
    return str(raised.value)


def test_showing_nothing_is_being_anonymous(store: Store) -> None:
    """No header, no name; and that is no error."""
    assert Credentials(store, remember=60_000).authenticate(None, None, NOW) is ANONYMOUS


def test_a_password_is_argon2id(store: Store) -> None:
    """What is stored is an argon2id hash, another one every time."""
    assert STORED.startswith("$argon2id$")
    assert SECRET not in STORED
    assert hash_password(SECRET) != STORED


@pytest.mark.parametrize(
    "given", ["", "seven77", "x" * (LONGEST + 1), "狼" * (LONGEST // 3 + 1), TOKEN_PREFIX + "x" * 20]
)
def test_what_can_be_no_password(given: str) -> None:
    """Too short, too long, and what looks like a token is refused when it is set."""
    with pytest.raises(ValueError, match="password"):
        hash_password(given)


def test_a_checked_password_is_remembered(store: Store, checks: list[str]) -> None:
    """argon2id runs once; after that the password is known again until its time is over."""
    door = Credentials(store, remember=60_000)
    header = password("mika", SECRET)
    for second in (0, 1, 59):
        assert door.authenticate(header, None, NOW + second * 1_000_000) == MIKA
    assert checks == [STORED]
    assert door.authenticate(header, None, NOW + MINUTE) == MIKA
    assert len(checks) == 2


def test_a_clock_that_steps_back_forgets(store: Store, checks: list[str]) -> None:
    """What was checked in the future is checked again."""
    door = Credentials(store, remember=60_000)
    door.authenticate(password("mika", SECRET), None, NOW)
    door.authenticate(password("mika", SECRET), None, NOW - 1)
    assert len(checks) == 2


def test_disabling_acts_at_once(store: Store) -> None:
    """A remembered password is no use to a user who was disabled."""
    door = Credentials(store, remember=60_000)
    assert door.authenticate(password("mika", SECRET), None, NOW) == MIKA
    user = store.user("mika")
    assert user is not None
    store.save_user(replace(user, disabled=True))
    refused(door, password("mika", SECRET))
    store.save_user(user)
    assert door.authenticate(password("mika", SECRET), None, NOW) == MIKA


def test_a_changed_password_acts_at_once(store: Store) -> None:
    """A remembered password is no use once another was set, and the new one is."""
    door = Credentials(store, remember=60_000)
    door.authenticate(password("mika", SECRET), None, NOW)
    user = store.user("mika")
    assert user is not None
    store.save_user(replace(user, password=hash_password("another secret")))
    refused(door, password("mika", SECRET))
    assert door.authenticate(password("mika", "another secret"), None, NOW) == MIKA


def test_new_groups_act_at_once(store: Store) -> None:
    """The groups are those that the store has now, not those of the last check."""
    door = Credentials(store, remember=60_000)
    door.authenticate(password("mika", SECRET), None, NOW)
    user = store.user("mika")
    assert user is not None
    store.save_user(replace(user, groups=("bankers",)))
    assert door.authenticate(password("mika", SECRET), None, NOW).groups == {"bankers"}


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        pytest.param("mika", "wrong password", id="wrong password"),
        pytest.param("mika", SECRET + " ", id="a blank more"),
        pytest.param("mika", SECRET.upper(), id="capitals"),
        pytest.param("mika", "", id="empty password"),
        pytest.param("nobody", SECRET, id="unknown user"),
        pytest.param("MIKA", SECRET, id="another user by case"),
        pytest.param("mika\x00", SECRET, id="NUL in the name"),
        pytest.param("tok", SECRET, id="a user without a password"),
        pytest.param("tok", "", id="a user without a password, empty"),
    ],
)
def test_wrong_and_unknown_cost_the_same(store: Store, checks: list[str], name: str, secret: str) -> None:
    """argon2id runs once for every refusal, with the same parameters, and the message is the same."""
    door = Credentials(store, remember=60_000)
    for time in (1, 2):
        assert refused(door, password(name, secret)) == "The credentials are not accepted."
        assert len(checks) == time
    assert checks[0].split("$")[:4] == STORED.split("$")[:4]


def test_an_endless_password_is_not_hashed(store: Store) -> None:
    """A password that cannot be one is refused however long."""
    refused(Credentials(store, remember=60_000), password("mika", "x" * 2_000))
    refused(Credentials(store, remember=60_000), password("mika", "x" * 100_000))


@pytest.mark.parametrize(
    "header",
    [
        "",
        " ",
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic " + base64.b64encode(b"mika").decode(),
        "Basic " + base64.b64encode(b":").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
        "Basic bWlrYQ",
        "Basic bWlrYTp4\xff",
        "Bearer",
        "Bearer ",
        "Bearer nonsense",
        "Bearer \xe9",
        f"Bearer {TOKEN_PREFIX}",
        f"Bearer {TOKEN_PREFIX}{'A' * 43}",
        "Digest username=mika",
        "Negotiate abc",
        "mika:secret",
        "Bearer a, Basic b",
        "Basic " + "A" * 100_000,
    ],
)
def test_malformed_headers_are_refused(store: Store, header: str) -> None:
    """Whatever is no proof is refused, and nothing fails in trying."""
    assert refused(Credentials(store, remember=60_000), header) == "The credentials are not accepted."


# -- tokens


def issue(store: Store, user: str = "mika", expires: int = 0) -> str:
    text, token = make_token(user, now=NOW // 1_000, label="siem", expires=expires)
    store.save_token(token)
    return text


def test_a_token_is_random_and_not_kept() -> None:
    """256 random bits behind a prefix; what is stored is the SHA-256 of it."""
    text, token = make_token("mika", now=5, label="siem", expires=9)
    assert text.startswith(TOKEN_PREFIX)
    assert len(base64.urlsafe_b64decode(text.removeprefix(TOKEN_PREFIX) + "=")) == 32
    assert token.digest == hashlib.sha256(text.encode()).digest()
    assert text not in repr(token)
    assert (token.user, token.label, token.created, token.expires, token.revoked) == ("mika", "siem", 5, 9, False)
    assert make_token("mika", now=5)[0] != text


def test_three_ways_to_show_a_token(store: Store) -> None:
    """As Bearer, as X-API-Key, and as the password of its user."""
    door, text = Credentials(store, remember=60_000), issue(store)
    assert door.authenticate(f"Bearer {text}", None, NOW) == MIKA
    assert door.authenticate(f"bearer  {text} ", None, NOW) == MIKA
    assert door.authenticate(None, text, NOW) == MIKA
    assert door.authenticate(password("mika", text), None, NOW) == MIKA


def test_a_token_of_a_user_without_a_password(store: Store) -> None:
    """Users may log in by token alone."""
    assert Credentials(store, remember=60_000).authenticate(f"Bearer {issue(store, 'tok')}", None, NOW).name == "tok"


@pytest.mark.parametrize("name", ["tok", "nobody", "", "Mika"])
def test_a_token_as_a_password_is_its_own_users(store: Store, name: str) -> None:
    """The user name beside it has to be that of the token's user."""
    refused(Credentials(store, remember=60_000), password(name, issue(store)))


def test_a_token_ends(store: Store) -> None:
    """It is taken until it expires, and not from that millisecond on."""
    door, text = Credentials(store, remember=60_000), issue(store, expires=NOW // 1_000 + 10)
    assert door.authenticate(f"Bearer {text}", None, NOW + 9_999) == MIKA
    refused(door, f"Bearer {text}", now=NOW + 10_000)


def test_a_revoked_token_ends_at_once(store: Store) -> None:
    """Revoking acts with the next request."""
    door, text = Credentials(store, remember=60_000), issue(store)
    assert door.authenticate(f"Bearer {text}", None, NOW) == MIKA
    store.save_token(replace(store.tokens()[0], revoked=True))
    refused(door, f"Bearer {text}")
    refused(door, password("mika", text))


@pytest.mark.parametrize("gone", ["disabled", "unknown"])
def test_a_token_is_worth_its_user(store: Store, gone: str) -> None:
    """A token of a user who is disabled, or is not there, is no use."""
    text = issue(store, "mika" if gone == "disabled" else "ghost")
    user = store.user("mika")
    assert user is not None
    store.save_user(replace(user, disabled=True))
    refused(Credentials(store, remember=60_000), f"Bearer {text}")


def test_two_proofs_are_one_too_many(store: Store) -> None:
    """Which of them should count is not for guessing."""
    text = issue(store)
    assert "not both" in refused(Credentials(store, remember=60_000), f"Bearer {text}", text)


# -- over HTTP


@pytest.mark.parametrize("path", ["/taxii2/", "/public/", path_of(OPEN, "objects/"), "/healthz", "/nowhere/"])
@pytest.mark.parametrize(
    "headers",
    [
        basic("mika", "wrong password"),
        basic("nobody", "wrong password"),
        {"Authorization": "Bearer nonsense"},
        {"X-API-Key": "nonsense"},
        {"X-API-Key": ""},
        {"Authorization": ""},
    ],
    ids=str,
)
def test_bad_credentials_are_401_even_where_none_are_needed(
    library: TestHub, path: str, headers: dict[str, str]
) -> None:
    """A client that shows something wrong is told so, rather than served as nobody."""
    answer = library.get(path, headers=headers)
    assert answer.status_code == 401
    assert "WWW-Authenticate" in answer.headers


def test_each_proof_over_http(library: TestHub) -> None:
    """Password, and the three ways to show a token, read what the user may read."""
    token = library.tokens["mika"]
    for headers in (
        basic("mika", PASSWORD),
        basic("mika", token),
        {"Authorization": f"Bearer {token}"},
        {"X-API-Key": token},
    ):
        assert library.get(path_of(MERGED, "objects/"), headers=headers).status_code == 200


def test_secrets_are_not_logged(library: TestHub, caplog: pytest.LogCaptureFixture) -> None:
    """Neither headers nor query values appear in any log line, whether they are right or wrong."""
    token = library.tokens["mika"]
    with caplog.at_level(logging.DEBUG, "noroshi"):
        library.get(path_of(OPEN, "objects/?api_key=query-secret&limit=1"), headers=basic("mika", PASSWORD))
        library.get("/members/", headers={"X-API-Key": token})
        library.get("/members/", headers=basic("mika", "wrong-secret"))
    lines = [
        f"{record.getMessage()} {record.__dict__}" for record in caplog.records if record.name.startswith("noroshi")
    ]
    assert len(lines) == 3
    shown = "\n".join(lines)
    for secret in (token, PASSWORD, "wrong-secret", "query-secret", basic("mika", PASSWORD)["Authorization"][6:]):
        assert secret not in shown
