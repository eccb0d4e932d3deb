"""Promise 2, nothing leaks: every route for every kind of caller, in one table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from config.settings import Settings
from taxii_server.access import ANONYMOUS, Access, Caller, Forbidden, Hidden, LoginFirst
from tests.taxii.hub import (
    FINANCE,
    GREEN,
    HUB,
    INBOX,
    MEMBERS_INBOX,
    MERGED,
    OPEN,
    SHARED,
    UNKNOWN,
    TestHub,
    indicator,
    new_hub,
    path_of,
    stix_id,
)

CALLERS = ("", "mika", "pub", "ben", "ops", "idle")
#: collection -> what each of CALLERS may do there: r read, w write, - nothing, and 401 where a login is asked for
TABLE = {
    OPEN: ("r", "r", "r", "r", "r", "r"),
    INBOX: ("-", "-", "w", "-", "-", "-"),
    MERGED: ("401", "r", "r", "r", "-", "-"),
    SHARED: ("401", "rw", "rw", "r", "-", "-"),
    FINANCE: ("401", "-", "-", "rw", "-", "-"),
    MEMBERS_INBOX: ("401", "-", "w", "-", "-", "-"),
    UNKNOWN: ("-", "-", "-", "-", "-", "-"),
}
OBJECT = stix_id("indicator", 1)
#: route -> the code by (may read, may write); what is not visible at all is a 404
ROUTES = {
    ("GET", ""): {"r": 200, "w": 200, "rw": 200},
    ("GET", "manifest/"): {"r": 200, "w": 403, "rw": 200},
    ("GET", "objects/"): {"r": 200, "w": 403, "rw": 200},
    ("GET", f"objects/{OBJECT}/"): {"r": 200, "w": 403, "rw": 200},
    ("GET", f"objects/{OBJECT}/versions/"): {"r": 200, "w": 403, "rw": 200},
    ("POST", "objects/"): {"r": 403, "w": 202, "rw": 202},
    ("DELETE", f"objects/{OBJECT}/"): {"r": 403, "w": 403, "rw": 200},
}
ROWS = [
    pytest.param(
        method, rest, collection, who, rights, id=f"{method} {rest[:9]} {collection[-2:]} {who or 'anonymous'}"
    )
    for method, rest in ROUTES
    for collection, by_caller in TABLE.items()
    for who, rights in zip(CALLERS, by_caller, strict=True)
]


@pytest.fixture(scope="module")
def full() -> Iterator[TestHub]:
    """A hub that tests fill as they go."""
    with new_hub().listening() as listening:
        yield listening


@pytest.mark.parametrize(("method", "rest", "collection", "who", "rights"), ROWS)
def test_every_route_for_every_caller(
    full: TestHub, method: str, rest: str, collection: str, who: str, rights: str
) -> None:
    """What a caller may do is what the table of rights says, on every route."""
    if "r" in rights and not full.store.counts().get(collection):
        full.publish(collection, indicator(1, marking=GREEN))
    path = f"/public/collections/{UNKNOWN}/" if collection == UNKNOWN else path_of(collection)
    given = {"data": b'{"objects":[1]}', "headers": {"Content-Type": "application/json"}} if method == "POST" else {}
    answer = full.request(method, path + rest, who, **given)
    if rights == "401" or (rights == "-" and not who and method != "GET"):
        expected = 401
    else:
        expected = 404 if rights == "-" else ROUTES[method, rest][rights]
    assert answer.status_code == expected


def test_rights_follow_the_groups_at_once(hub: TestHub) -> None:
    """A user who leaves a group loses its rights with the next request."""
    assert hub.get(path_of(MERGED, "objects/"), "mika").status_code == 200
    user = hub.store.user("mika")
    assert user is not None
    hub.store.save_user(replace(user, groups=()))
    assert hub.get(path_of(MERGED, "objects/"), "mika").status_code == 404


def test_what_is_answered_never_depends_on_what_is_hidden(hub: TestHub) -> None:
    """Every answer to an anonymous caller is the same bytes before and after members' collections fill."""
    paths = ["/taxii2/", "/public/", "/public/collections/", "/members/", path_of(FINANCE), path_of(MERGED, "objects/")]
    paths += [path_of(OPEN, rest) for rest in ("", "objects/", "manifest/", f"objects/{OBJECT}/")]
    before = [(hub.get(path).status_code, hub.get(path).content) for path in paths]
    hub.publish(MERGED, indicator(1, marking=GREEN))
    hub.post(path_of(SHARED, "objects/"), [indicator(1, marking=GREEN)], "mika")
    assert [(hub.get(path).status_code, hub.get(path).content) for path in paths] == before


# -- the decisions themselves

SETTINGS = Settings.model_validate(HUB)
ACCESS = Access(SETTINGS)


def caller(*groups: str) -> Caller:
    return Caller(name="somebody", organisation="", groups=frozenset(groups))


def test_a_group_that_is_not_configured_grants_nothing() -> None:
    """Groups that the settings do not know, and the word for everybody, open nothing."""
    for groups in (("ghosts",), ("anyone",), ("",)):
        assert [root.path for root in ACCESS.roots(caller(*groups))] == ["public"]
        with pytest.raises(Hidden):
            ACCESS.root(caller(*groups), "members")


def test_writing_needs_a_name() -> None:
    """Nobody writes without having logged in, whatever groups they are said to have."""
    nameless = Caller(name="", organisation="", groups=frozenset(("members",)))
    assert not ACCESS.rights(nameless, SETTINGS.api_roots[1].collections[1]).write


def test_refusals_by_kind() -> None:
    """Hidden, Forbidden and LoginFirst are told apart as the module says."""
    with pytest.raises(Hidden):
        ACCESS.readable(ANONYMOUS, "public", INBOX)
    with pytest.raises(LoginFirst):
        ACCESS.writable(ANONYMOUS, "public", INBOX)
    with pytest.raises(LoginFirst):
        ACCESS.readable(ANONYMOUS, "members", "nonsense")
    with pytest.raises(Hidden):
        ACCESS.writable(ANONYMOUS, "nowhere", INBOX)
    with pytest.raises(Forbidden):
        ACCESS.readable(caller("publishers"), "public", INBOX)
    with pytest.raises(Hidden):
        ACCESS.own(ANONYMOUS, "")
    with pytest.raises(LoginFirst):
        ACCESS.operate(ANONYMOUS)
    with pytest.raises(Forbidden):
        ACCESS.operate(caller("members"))
    ACCESS.operate(caller("operators"))
