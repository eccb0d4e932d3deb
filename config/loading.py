"""Settings out of YAML files: a hub's file, and the feed files and other hubs' files that it names."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from pydantic import ValidationError

from config.feeds import Feed
from config.problems import problems, told
from config.settings import Settings
from config.yamlfile import Mapping, Place, SettingsError, given, read_yaml


def load(path: Path) -> Settings:
    """Read a hub's YAML file and the feed files that it names.

    ``feeds`` is a list of names of shipped feed files, of paths (relative to the hub's file), or of mappings
    ``{use: NAME, ...}`` whose other keys replace those of that feed; ``known_good`` is one of known-good lists in the
    same way. ``extends`` names another hub's file (relative to this one), whose top-level keys stand where this one has
    none. Raises :class:`SettingsError`.
    """
    raw = read(path)
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        raise SettingsError(told(raw, problems(error, Settings, raw))) from error
    data = settings.data if settings.data.is_absolute() else path.parent / settings.data
    return settings.model_copy(update={"data": data.resolve()})


def load_feed(path: Path) -> Feed:
    """Read one feed file. Raises :class:`SettingsError`."""
    raw = read_yaml(path)
    try:
        return Feed.model_validate(raw)
    except ValidationError as error:
        raise SettingsError(told(raw, problems(error, Feed, raw))) from error


def shipped(name: str) -> Path:
    """The path of a file that ships in this package, such as ``hub.yaml`` or ``feeds/openphish.yaml``."""
    return Path(str(resources.files("config").joinpath(name)))


def read(path: Path) -> Mapping:
    """What a hub's YAML file and the files that it names say together, unchecked. Raises :class:`SettingsError`."""
    raw = read_yaml(path)
    base = raw.get("extends")
    if "extends" in raw:
        if not isinstance(base, str):
            raise SettingsError(f"{raw.places['extends']}: extends: expected a path, got {given(base)}")
        raw = raw.over(_base(raw, path.parent / base)).without("extends")
    for key, folder in (("feeds", "feeds"), ("known_good", "lists")):
        if key in raw or key == "feeds":
            raw[key] = _named_mappings(raw, key, folder, path.parent)
    return raw


def _named_mappings(raw: Mapping, key: str, folder: str, base: Path) -> list[Mapping]:
    """The mappings that a list of names, paths and mappings means; ``folder`` holds those that ship."""
    listed = raw.get(key, [])
    if not isinstance(listed, list):
        raise SettingsError(f"{raw.places[key]}: {key}: expected a list, got {given(listed)}")
    place = raw.places.get(key, raw.place)
    return [_mapping(item, place, key, folder, base) for item in listed]


def _base(raw: Mapping, path: Path) -> Mapping:
    base = _named(path, raw.places["extends"], "extends")
    if "extends" in base:
        raise SettingsError(f"{base.places['extends']}: extends: expected none in a file that another one extends")
    return base


def _mapping(item: object, place: Place, key: str, folder: str, base: Path) -> Mapping:
    if isinstance(item, str):
        return _placed(_named(_path(item, place, key, folder, base), place, key))
    if isinstance(item, Mapping) and isinstance(item.get("use"), str):
        place = item.places["use"]
        shipped_one = _placed(_named(_path(item["use"], place, key, folder, base), place, key))
        return _placed(item.without("use")).over(shipped_one)
    if isinstance(item, Mapping):
        return _placed(item)
    raise SettingsError(f"{place}: {key}: expected names, paths or mappings, got {given(item)}")


def _placed(item: Mapping) -> Mapping:
    """The mapping with a ``file`` that begins where the mapping stands."""
    if isinstance(item.get("file"), str):
        item["file"] = str(item.places["file"].file.parent / item["file"])
    return item


def _path(name: str, place: Place, key: str, folder: str, base: Path) -> Path:
    if "/" in name or name.endswith(".yaml"):
        return base / name
    path = shipped(f"{folder}/{name}.yaml")
    if not path.is_file():
        known = sorted(item.stem for item in shipped(folder).glob("*.yaml"))
        what = "feed" if key == "feeds" else "list"
        raise SettingsError(
            f"{place}: {key}: no shipped {what} is called {name!r}; expected one of {', '.join(known)}, or a path"
        )
    return path


def _named(path: Path, place: Place, key: str) -> Mapping:
    """The mapping in a file that another one names."""
    if not path.is_file():
        raise SettingsError(f"{place}: {key}: expected a file, and there is none at {path}")
    return read_yaml(path)
