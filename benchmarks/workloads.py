"""The requests that every target has to answer, each checked before it is timed.

Rates are answers or objects per second. A round of a cell lasts a bounded time, whatever the target does.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import orjson

from benchmarks import wrk
from benchmarks.client import Connection, NoAnswer, Reply
from benchmarks.objects import VULNERABILITY_EVERY, StixObject, envelope, stix_object
from benchmarks.targets.base import Target, connect, headers

PAGE = 1_000
#: later than anything that a benchmark adds
NOTHING_SINCE = "2100-01-01T00:00:00.000000Z"
#: how many ids the look-ups go through in turns
LOOKED_UP = 1_000
_MORE = re.compile(rb'"more":\s*true')
_NEXT = re.compile(rb'"next":\s*"([^"]*)"')
#: ``more`` and ``next`` stand before or after the objects, so within this of one end of the envelope
_MARGIN = 400


class WrongAnswer(Exception):
    """A target answered, but not what was asked; nothing of it is timed."""


class Result(NamedTuple):
    """One round of one cell."""

    value: float | None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long a round may take."""

    #: of a cell
    seconds: int
    #: of a cell whose target is too slow to finish one sync, or one request, within ``seconds``
    patience: int


def first_page(target: Target) -> str:
    """Path of the first page of a full sync."""
    return f"{target.objects}?limit={PAGE}"


def next_page(target: Target, token: str) -> str:
    """Path of the page that ``next`` promised."""
    return f"{target.objects}?limit={PAGE}&next={quote(token, safe='')}"


def next_token(body: memoryview) -> str | None:
    """``next`` of an envelope that has more to come, without parsing it."""
    ends = bytes(body[:_MARGIN]) + b" " + bytes(body[-_MARGIN:])
    found = _NEXT.search(ends) if _MORE.search(ends) else None
    return found[1].decode() if found else None


def empty_poll(target: Target) -> str:
    """Path of a poll that finds nothing new."""
    return f"{target.objects}?limit={PAGE}&added_after={NOTHING_SINCE}"


def by_type(target: Target) -> str:
    """Path of the first page of the vulnerabilities."""
    return f"{target.objects}?limit={PAGE}&match%5Btype%5D=vulnerability"


def by_id(target: Target, item: StixObject) -> str:
    """Path of one object."""
    return f"{target.objects}{item.id}/"


def looked_up(size: int) -> list[StixObject]:
    """Objects spread over the whole collection."""
    step = max(1, size // LOOKED_UP)
    return [stix_object(number) for number in range(0, size, step)][:LOOKED_UP]


# ---------------------------------------------------------------- checks


@dataclass(frozen=True, slots=True)
class Synced:
    """What a checked full sync of a target consists of."""

    pages: int
    objects: int
    #: bodies, together
    size: int
    #: paths of the page in the middle, of the one before the last, and of the last
    middle: str
    before_last: str
    last: str


def check_sync(target: Target, count: int, patience: float, *, more: int = 0) -> Synced:
    """Page through the whole collection once and look at every object, ``count`` of them and at most ``more``.

    Raises :class:`WrongAnswer`, NoAnswer.
    """
    link, path, seen = connect(target, timeout=patience), first_page(target), set[str]()
    objects = size = 0
    paths = list[str]()
    while True:
        paths.append(path)
        reply = _ok(link.get(path))
        items = orjson.loads(reply.body).get("objects", [])
        seen.update(item["id"] for item in items)
        objects, size = objects + len(items), size + len(reply.body)
        if reply.header("X-TAXII-Date-Added-Last") is None:
            raise WrongAnswer(f"{target.name}: no X-TAXII-Date-Added-Last on page {len(paths)}")
        token = next_token(reply.body)
        if token is None:
            break
        path = next_page(target, token)
    if not count <= objects <= count + more or (target.distinct and len(seen) != objects):
        raise WrongAnswer(f"{target.name}: expected {count} objects, got {objects}, {len(seen)} of them distinct")
    return Synced(len(paths), objects, size, paths[len(paths) // 2], paths[-2:][0], paths[-1])


def check_empty(target: Target, login: str, patience: float) -> None:
    """Nothing is new. Raises :class:`WrongAnswer`, NoAnswer."""
    got = orjson.loads(_ok(connect(target, login).get(empty_poll(target), timeout=patience)).body)
    if got.get("objects") or got.get("more"):
        raise WrongAnswer(f"{target.name}: something is new since {NOTHING_SINCE}")


def check_object(target: Target, count: int, patience: float) -> None:
    """An object comes as it was given. Raises :class:`WrongAnswer`, NoAnswer."""
    item = stix_object(min(1, count - 1))
    (got,) = orjson.loads(_ok(connect(target).get(by_id(target, item), timeout=patience)).body)["objects"]
    # OpenTAXII gives the type as spec_version, so not every property can be compared
    wanted = {name: value for name, value in orjson.loads(item.body).items() if name != "spec_version"}
    if any(got.get(name) != value for name, value in wanted.items()):
        raise WrongAnswer(f"{target.name}: expected {wanted}, got {got}")


def check_type(target: Target, count: int, patience: float) -> None:
    """The filter gives a page of vulnerabilities. Raises :class:`WrongAnswer`, NoAnswer."""
    found = orjson.loads(_ok(connect(target).get(by_type(target), timeout=patience)).body)["objects"]
    expected = min(PAGE, -(-count // VULNERABILITY_EVERY)) if target.distinct else PAGE
    if len(found) != expected or any(item["type"] != "vulnerability" for item in found):
        raise WrongAnswer(f"{target.name}: expected {expected} vulnerabilities, got {len(found)} objects")


def _ok(reply: Reply) -> Reply:
    if reply.status != 200:
        raise WrongAnswer(f"expected 200, got {reply.status}: {bytes(reply.body[:200])!r}")
    return reply


# ---------------------------------------------------------------- timed


def full_sync(target: Target, checked: Synced, effort: Effort) -> Result:
    """Objects per second over one connection: whole syncs, one after another, or what fits into the patience."""
    link = connect(target, timeout=effort.patience)
    start, objects, whole = time.perf_counter(), 0, 0
    while (spent := time.perf_counter() - start) < effort.seconds:
        got, complete = _sync_once(target, link, checked, start + effort.patience)
        objects += got
        if not complete:
            break
        whole += 1
    spent = time.perf_counter() - start
    note = "" if whole else f"{objects:,} of {checked.objects:,} objects, the first ones, in {spent:.0f} s"
    return Result(objects / spent if objects else None, note)


def _sync_once(target: Target, link: Connection, checked: Synced, until: float) -> tuple[int, bool]:
    path, pages, size = first_page(target), 0, 0
    while time.perf_counter() < until:
        reply = _ok(link.get(path))
        pages, size = pages + 1, size + len(reply.body)
        token = next_token(reply.body)
        if token is None:
            # tokens differ in length by little, and a lost object by 720 bytes
            if pages != checked.pages or abs(size - checked.size) > 8 * pages:
                raise WrongAnswer(f"{target.name}: {pages} pages of {size} bytes, where the check found {checked}")
            return checked.objects, True
        path = next_page(target, token)
    return pages * PAGE, False


def load_of(
    target: Target, paths: Sequence[str], connections: int, effort: Effort, login: str, scratch: Path
) -> Result:
    """Answers per second over so many connections, or over the patience if the target is that slow."""
    if wrk.path() is None:
        return Result(None, wrk.MISSING)
    alone = time_of(target, paths[0], login, effort.patience)
    if alone is None:
        return Result(None, f"no answer in {effort.patience} s over one connection")
    seconds = effort.seconds if alone * connections < effort.seconds else effort.patience
    asked = headers(target, login)
    load = wrk.run(target.port, paths, asked, connections=connections, seconds=seconds, scratch=scratch)
    if not load.answers:
        return Result(None, f"no answer in {seconds} s")
    return Result(load.rate, f"{load.errors:,} errors among {load.answers:,} answers" if load.errors else "")


def time_of(target: Target, path: str, login: str, seconds: float) -> float | None:
    """Seconds until it answers 200; None when it does not in time. Asked before every timed round."""
    link, start = connect(target, login), time.perf_counter()
    try:
        _ok(link.get(path, timeout=seconds))
    except NoAnswer:
        return None
    finally:
        link.close()
    return time.perf_counter() - start


def post(target: Target, inbox: str, first: int, effort: Effort, *, most: int, kind: str = "") -> Result:
    """Objects per second: new objects, from number ``first``, posted over one connection until the time is over.

    ``most`` envelopes of 1,000, of objects of that kind if one is given. The time ends when the last of them is done,
    not when it is accepted.
    """
    bodies = [envelope(first + number * PAGE, PAGE, kind) for number in range(most)]
    link, pending = connect(target, timeout=effort.patience), list[str]()
    sent, start = 0, time.perf_counter()
    try:
        for body in bodies:
            pending += _accepted(target, link.post(inbox, body), PAGE)
            sent += PAGE
            if time.perf_counter() - start > effort.seconds:
                break
        until = start + effort.seconds + effort.patience
        while pending and time.perf_counter() < until:
            time.sleep(0.01)
            pending = [again for path in pending for again in _accepted(target, link.get(path), PAGE)]
    except NoAnswer as error:
        return Result(None, f"after {sent:,} objects: {error}")
    spent = time.perf_counter() - start
    left = len(pending) * PAGE
    return Result((sent - left) / spent, f"{left:,} objects still pending after {spent:.0f} s" if left else "")


def _accepted(target: Target, reply: Reply, count: int) -> list[str]:
    """The status resource to ask again, if the work is not done yet."""
    if reply.status not in (200, 202):
        raise WrongAnswer(f"{target.name}: expected a status, got {reply.status}: {bytes(reply.body[:300])!r}")
    status = orjson.loads(reply.body)
    if status["status"] == "pending":
        return [f"{target.inbox.partition('/collections/')[0]}/status/{status['id']}/"]
    if status.get("success_count", count) != count:
        raise WrongAnswer(f"{target.name}: expected {count} successes, got {bytes(reply.body[:300])!r}")
    return []


def page_time(target: Target, path: str, link: Connection) -> float:
    """Milliseconds of one page."""
    start = time.perf_counter()
    _ok(link.get(path))
    return (time.perf_counter() - start) * 1_000


def repeat(work: Callable[[], int], seconds: float) -> float:
    """How many units a second ``work`` does, done again and again; it says how many it did."""
    done, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        done += work()
    return done / (time.perf_counter() - start)
