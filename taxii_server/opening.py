"""Opening a hub's store, for every program that works with it."""

from __future__ import annotations

from pathlib import Path

from config.loading import read
from config.problems import Problem, told
from config.settings import Settings
from config.yamlfile import SettingsError
from normalizers.reading import UnusableFormat, reading
from taxii_server.stores import open_store
from taxii_server.stores.base import Store, StoreUnusable


def open_hub(settings: Settings) -> Store:
    """The store of the hub that the settings describe; made if it is not there, for its owner alone.

    Raises StoreUnusable for the store of another hub: its users, ids and claims are not this one's.
    """
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    store = open_store(settings.store, settings.data)
    namespace = str(settings.hub.namespace)
    known = store.value("namespace")
    if known is None:
        store.set_value("namespace", namespace)
    elif known != namespace:
        store.close()
        raise StoreUnusable(
            f"{settings.data}: holds the store of the hub with the namespace {known}, and the configuration says "
            f"{namespace}; give each hub a data directory of its own"
        )
    try:
        _check_audiences(settings, store)
    except StoreUnusable:
        store.close()
        raise
    return store


def _check_audiences(settings: Settings, store: Store) -> None:
    """A collection keeps what it is made from: what lies in its log was let in for those who could read it then."""
    for root in settings.api_roots:
        for item in root.collections:
            held = f"{item.kind} {item.view.name if item.view else item.audience or ''}".strip()
            if item.with_observables:
                held += " with observables"
            known = store.value(f"collection/{item.id}")
            if known is None:
                store.set_value(f"collection/{item.id}", held)
            elif known != held:
                raise StoreUnusable(
                    f"collection {item.title} ({item.id}): holds {known!r}, and the configuration says {held!r}; "
                    "what its log holds was made for that, so give it a new id"
                )


def check_feeds(settings: Settings, path: Path) -> None:
    """Raises SettingsError when a feed's ``format`` cannot be used; ``path`` is the file that the settings are from."""
    for number, feed in enumerate(settings.feeds):
        try:
            reading(feed)
        except UnusableFormat as error:
            found = [Problem(("feeds", number, *loc), said) for loc, said in error.problems]
            raise SettingsError(told(read(path), found)) from error
