"""What is wrong with settings, in sentences of our own: where, what was given and what was expected."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple, get_args, get_origin

from pydantic import BaseModel, ValidationError

from config import yamlfile
from config.yamlfile import given

_MOST = 20
#: one of pydantic's errors: type, loc, msg, input, ctx
Detail = Mapping[str, Any]


class Problem(NamedTuple):
    """One thing that is wrong."""

    #: the way to it from the top: keys and places in lists
    loc: tuple[int | str, ...]
    said: str


#: what each kind of pydantic's errors expected; {} are its own figures
_EXPECTED = {
    "string_type": "text",
    "string_too_short": "text of {min_length} characters or more",
    "string_too_long": "text of {max_length} characters at most",
    "string_unicode": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number that is not so large",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "list_type": "a list",
    "tuple_type": "a list",
    "uuid_type": "a UUID such as 4ab14efb-cfa6-4360-a72b-4899971aca94",
    "uuid_parsing": "a UUID such as 4ab14efb-cfa6-4360-a72b-4899971aca94",
    "path_type": "a path",
    "too_short": "a list of {min_length} or more",
    "greater_than": "more than {gt}",
    "greater_than_equal": "{ge} or more",
    "less_than": "less than {lt}",
    "less_than_equal": "{le} or less",
    "literal_error": "{expected}",
    "union_tag_invalid": "a kind of {expected_tags}",
    "union_tag_not_found": "a mapping with a kind",
    "invalid_key": "keys that are text",
    "recursion_loop": "a value that does not hold itself",
}
#: what the patterns of fields mean
PATTERNS = {
    r"^https?://": "a URL that begins with http:// or https://",
    r"^[A-Z]{2}$": "a country's code of two capitals, such as JP",
    r"^[A-Z][A-Z0-9_]*$": "the name of an environment variable, of A-Z, 0-9 and _",
    r"^[a-z0-9][a-z0-9-]{1,59}$": "2 to 60 of a-z, 0-9 and -, beginning with a letter or digit",
    r"^[a-z0-9][a-z0-9-]{0,40}$": "up to 41 of a-z, 0-9 and -, beginning with a letter or digit",
    r"^[a-z0-9][a-z0-9-]{0,60}$": "up to 61 of a-z, 0-9 and -, beginning with a letter or digit",
    r"^[a-z0-9][a-z0-9.-]{0,60}$": "up to 61 of a-z, 0-9, . and -, beginning with a letter or digit",
    r"^(sqlite:.+|memory:)$": "sqlite:FILE or memory:",
    r"^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+$": "a repository as OWNER/NAME",
    r"^(tab|.)$": "one character, or tab",
    r"^[A-Za-z0-9][A-Za-z0-9._/-]*$": "the name of a branch, a tag or a commit",
    r"^[^@]*$": "a word without @",
    r"^https?://[^?#{}]+$": "a URL that begins with http:// or https://, without a query and {}",
}


def problems(error: ValidationError, model: type[BaseModel], raw: Any) -> list[Problem]:
    """What pydantic found wrong with ``raw`` as a ``model``; what it found at one place is one problem."""
    found: dict[tuple[int | str, ...], list[Detail]] = {}
    for detail in error.errors(include_url=False):
        found.setdefault(_way(raw, detail), []).append(dict(detail))
    return [Problem(loc, _sentence(details, model)) for loc, details in found.items()]


def _way(raw: Any, detail: Detail) -> tuple[int | str, ...]:
    """The way to a problem in what was read, without pydantic's names of the alternatives that a value may be."""
    way = list[int | str]()
    for part in detail["loc"]:
        if (isinstance(raw, dict) and part in raw) or (isinstance(raw, list) and isinstance(part, int)):
            way.append(part)
            raw = raw[part]
    return (*way, detail["loc"][-1]) if detail["type"] == "missing" else tuple(way)


def told(raw: yamlfile.Mapping, found: Iterable[Problem]) -> str:
    """A line for each problem with what was read from files: the file, the line, the key, and what is wrong."""
    lines = [_told(raw, problem) for problem in found]
    more = [f"and {len(lines) - _MOST} more"] if len(lines) > _MOST else []
    return "\n".join([*lines[:_MOST], *more])


def _told(raw: yamlfile.Mapping, problem: Problem) -> str:
    place, name = raw.find(problem.loc)
    return ": ".join(filter(None, [str(place), name, problem.said]))


def _sentence(details: list[Detail], model: type[BaseModel]) -> str:
    first = details[0]
    value = first.get("input")
    if first["type"] == "missing":
        return "is needed, and missing"
    if first["type"] == "extra_forbidden":
        return f"unknown key; {_instead(first['loc'], model)}"
    if first["type"] == "value_error":
        said = first["msg"].removeprefix("Value error, ")
        return said if "got " in said or isinstance(value, dict) else f"{said}, got {given(value)}"
    hint = "; put it in quotes" if first["type"] == "string_type" and not isinstance(value, dict | list | None) else ""
    return f"expected {' or '.join(dict.fromkeys(map(_expected, details)))}, got {given(_tag(first, value))}{hint}"


def _expected(detail: Detail) -> str:
    context = detail.get("ctx", {})
    if detail["type"] == "string_pattern_mismatch":
        return PATTERNS.get(context["pattern"], "another text")
    return _EXPECTED.get(detail["type"], "another value").format(**context)


def _tag(detail: Detail, value: Any) -> Any:
    return value.get("kind") if detail["type"] == "union_tag_invalid" and isinstance(value, dict) else value


def _instead(loc: tuple[int | str, ...], model: type[BaseModel]) -> str:
    """What may stand in the place of an unknown key."""
    models = [model]
    for part in loc[:-1]:
        fields = [each.model_fields[str(part)] for each in models if str(part) in each.model_fields]
        held = [inner for field in fields for inner in _models(field.annotation)]
        models = held or [each for each in models if _is_tagged(each, part)] or models
    known = sorted({name for each in models for name in each.model_fields})
    near = difflib.get_close_matches(str(loc[-1]), known, n=1)
    return f"did you mean {near[0]}?" if near else f"expected one of {', '.join(known)}"


def _is_tagged(model: type[BaseModel], tag: int | str) -> bool:
    kind = model.model_fields.get("kind")
    return kind is not None and get_origin(kind.annotation) is Literal and tag in get_args(kind.annotation)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
