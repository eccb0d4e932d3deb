"""YAML files read into mappings that know where in which file each of their keys stands."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml


class SettingsError(Exception):
    """The configuration cannot be used; the message says where, what was given and what was expected."""


class Place(NamedTuple):
    """A line of a file, from 1."""

    file: Path
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Mapping(dict[Any, Any]):
    """A mapping as YAML has it, with the place where it begins and those of its keys."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.places: dict[Any, Place] = {}

    def over(self, base: Mapping) -> Mapping:
        """This mapping, and what ``base`` has besides; each key keeps its place."""
        merged = Mapping(self.place)
        merged.update(base)
        merged.update(self)
        merged.places = base.places | self.places
        return merged

    def without(self, key: str) -> Mapping:
        """This mapping but for one key."""
        rest = self.over(Mapping(self.place))
        rest.pop(key, None)
        return rest

    def find(self, loc: Sequence[int | str]) -> tuple[Place, str]:
        """The place of what ``loc`` leads to, or to which it would have to be added, and its name within its file."""
        value: Any = self
        place, names = self.place, list[str]()
        for part in loc:
            before, names = place, [*names, str(part)]
            if isinstance(value, Mapping):
                place, value = value.places.get(part, place), value.get(part)
                names = names if place.file == before.file else [str(part)]
            elif isinstance(value, list) and isinstance(part, int) and part < len(value):
                value = value[part]
                place = value.place if isinstance(value, Mapping) else place
                names = names if place.file == before.file else []
        return place, ".".join(names)


def read_yaml(path: Path) -> Mapping:
    """The mapping in a YAML file. Raises :class:`SettingsError`."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error
    try:
        raw = _Loader(content, path).get_single_data()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = Place(path, mark.line + 1) if mark else path
        raise SettingsError(f"{where}: not readable as YAML: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"{path}: not readable as YAML: expected UTF-8 without control characters") from error
    except RecursionError as error:
        raise SettingsError(f"{path}: not readable as YAML: nested too deeply") from error
    except ValueError as error:
        raise SettingsError(f"{path}: not readable as YAML: {error}") from error
    if not isinstance(raw, Mapping):
        raise SettingsError(f"{path}: expected a mapping, got {given(raw)}")
    return raw


def given(value: Any) -> str:
    """What was given, in a few words."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else f"{value[:59]}…")
    return str(value)[:60]


class _Loader(yaml.SafeLoader):
    """The safe loader, which notes places, and for which a key given twice is an error: of two ``share`` nobody knows
    which is meant."""

    def __init__(self, content: bytes, file: Path) -> None:
        super().__init__(content)
        self.file = file

    def mapping(self, node: yaml.MappingNode) -> Iterator[Mapping]:
        """The mapping of a node, empty first, so that what it holds may refer to it."""
        made = Mapping(Place(self.file, node.start_mark.line + 1))
        yield made
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                raise yaml.constructor.ConstructorError(None, None, "a key is no text", key_node.start_mark)
            if key in made.places:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is given twice in one mapping", key_node.start_mark
                )
            made.places[key] = Place(self.file, key_node.start_mark.line + 1)
        made.update(self.construct_mapping(node))


_Loader.add_constructor("tag:yaml.org,2002:map", _Loader.mapping)
