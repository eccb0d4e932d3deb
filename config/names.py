"""The names that ship with the hub: of malware, of those behind it, and of brands. Read once, and frozen."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources
from typing import NamedTuple

import yaml

_FILES = ("malware.txt", "actors.txt", "everyday.txt", "brands.yaml")


class Brand(NamedTuple):
    """A company, service or authority that is imitated."""

    #: stands in labels; small letters, digits and hyphens
    key: str
    #: the Japanese name, "" where it has none
    ja: str
    #: the English name
    en: str
    #: ISO 3166-1 alpha-2 of those that it serves, "" where it serves several countries
    country: str
    #: what else lists call it
    also: tuple[str, ...]


class Names(NamedTuple):
    """All that ships: for malware and actors each name with what else it is called."""

    malware: tuple[tuple[str, ...], ...]
    actors: tuple[tuple[str, ...], ...]
    #: names that are words of everyday language, too
    everyday: frozenset[str]
    brands: tuple[Brand, ...]


@cache
def shipped_names() -> Names:
    """The names that ship; reading them takes a tenth of a second."""
    brands = yaml.safe_load(_content("brands.yaml"))
    return Names(
        _lines("malware.txt"),
        _lines("actors.txt"),
        frozenset(name for names in _lines("everyday.txt") for name in names),
        tuple(_brand(key, said) for key, said in brands.items()),
    )


@cache
def names_version() -> str:
    """Sixteen characters that stand for all of them."""
    digest = hashlib.sha256()
    for name in _FILES:
        digest.update(_content(name))
    return digest.hexdigest()[:16]


def _brand(key: str, said: dict[str, str | list[str]]) -> Brand:
    texts = {name: str(said.get(name, "")) for name in ("ja", "en", "country")}
    return Brand(key, **texts, also=tuple(map(str, said.get("also", ()))))


def _lines(name: str) -> tuple[tuple[str, ...], ...]:
    lines = _content(name).decode().splitlines()
    return tuple(tuple(line.split("\t")) for line in lines if line and not line.startswith("#"))


def _content(name: str) -> bytes:
    return resources.files("config").joinpath("names", name).read_bytes()
