"""What ``noroshi doctor`` looks at."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import NamedTuple

from config.instant import DAY, stix_time, system_clock, taxii_time
from config.loading import load, shipped
from config.settings import Settings
from taxii_server.rhythm import silence
from taxii_server.stores.base import Store
from taxii_server.suppression import Suppression

_LEAST_FREE = 1 << 30
_MANY_DIRTY = 100_000
#: A feed that failed so often in a row may do better by itself.
_FEW_FAILURES = 3


class Finding(NamedTuple):
    """One thing that was looked at."""

    what: str
    ok: bool
    found: str


def examine(settings: Settings, store: Store) -> list[Finding]:
    """Everything, in order."""
    return [
        Finding("configuration", True, f"{len(settings.feeds)} feeds, {len(settings.api_roots)} API roots"),
        *_identity(settings),
        *_disk(settings),
        *_store(store),
        *_clock(settings, store),
        *_work(store),
        *_users(settings, store),
        *_feeds(settings, store),
        *_lists(settings, store),
    ]


def _identity(settings: Settings) -> Iterator[Finding]:
    shipped_namespace = load(shipped("hub.yaml")).hub.namespace
    own = settings.hub.namespace != shipped_namespace
    found = "its own" if own else "that of the shipped hub.yaml; `noroshi init` makes a hub with its own"
    yield Finding("namespace", True, found)


def _disk(settings: Settings) -> Iterator[Finding]:
    free = shutil.disk_usage(settings.data).free
    yield Finding("disk", free >= _LEAST_FREE, f"{free >> 20} MiB free in {settings.data}")
    mode = settings.data.stat().st_mode
    yield Finding("data directory", not mode & 0o007, f"mode {mode & 0o777:o}; others than the hub need no access")


def _store(store: Store) -> Iterator[Finding]:
    damage = store.damage()
    yield Finding("store", not damage, damage or "undamaged")


def _clock(settings: Settings, store: Store) -> Iterator[Finding]:
    now = system_clock()
    last = max((store.last_date(str(item.id)) for root in settings.api_roots for item in root.collections), default=0)
    ahead = last - now
    shown = f"now {taxii_time(now)}, last date added {taxii_time(last) if last else '-'}"
    yield Finding("clock", ahead < 60_000_000, shown)


def _work(store: Store) -> Iterator[Finding]:
    dirty = len(store.dirty(_MANY_DIRTY))
    yield Finding("waiting to be merged", dirty < _MANY_DIRTY, str(dirty))
    pending = store.pending_submissions(limit=1)
    age = (system_clock() - pending[0].received) // 1_000 if pending else 0
    yield Finding("oldest pending submission", age < DAY, f"{age // 1_000} s" if pending else "none")


def _users(settings: Settings, store: Store) -> Iterator[Finding]:
    unknown = {group for user in store.users() for group in user.groups} - settings.groups.keys()
    yield Finding(
        "groups of users", not unknown, f"not configured: {', '.join(sorted(unknown))}" if unknown else "known"
    )


def _feeds(settings: Settings, store: Store) -> Iterator[Finding]:
    now = system_clock() // 1_000
    for feed in settings.feeds:
        if not feed.enabled:
            continue
        if feed.key and not os.environ.get(feed.key):
            yield Finding(f"feed {feed.id}", False, f"needs {feed.key} in the environment")
            continue
        state = store.feed_state(feed.id)
        if state is None or not state.last_success:
            yield Finding(
                f"feed {feed.id}", False, f"has brought nothing yet; {state.message if state else 'never run'}"
            )
        else:
            late = now - state.last_success > 3 * feed.every + DAY
            quiet = silence(feed, state, now)
            why = f"{state.status}: {state.message}" if state.status in ("held", "failed") else state.message
            said = [f"last success {stix_time(state.last_success)[:19]}Z", why, quiet]
            stuck = state.status == "held" or state.failures > _FEW_FAILURES
            yield Finding(f"feed {feed.id}", not (late or quiet or stuck), " ".join(filter(None, said)))


def _lists(settings: Settings, store: Store) -> Iterator[Finding]:
    if not settings.known_good:
        return
    aside = Suppression(settings, store).aside()
    if not aside:
        yield Finding("known-good lists", True, f"{len(settings.known_good)} act")
    for item in aside:
        found = (
            f"set aside in {item.view}: held {item.hits} of {item.seen}; `noroshi lists show {item.list}` says which"
        )
        yield Finding(f"known-good list {item.list}", False, found)
