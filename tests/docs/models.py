"""The models behind YAML files, and how documentation shows their fields."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from config.entry import Entry
from config.instant import DAY, HOUR, MINUTE, SECOND
from tests.docs.pages import Section, codes, rows, sections

_SPANS = (("d", DAY), ("h", HOUR), ("m", MINUTE), ("s", SECOND))
_SPAN = re.compile(r"(\d+)(d|h|m|s)")


def within(model: type[Entry]) -> Iterator[tuple[str, type[Entry]]]:
    """The models that the fields of a model hold, however deep, each with the name of its field."""
    for name, field in model.model_fields.items():
        for held in _models(field.annotation):
            yield name, held
            yield from within(held)


def _models(annotation: Any) -> Iterator[type[Entry]]:
    if isinstance(annotation, type) and issubclass(annotation, Entry):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def differences(page: str, model: type[BaseModel], name: str) -> list[str]:
    """What the table under the heading that has ``name`` in backquotes says wrongly of the model's fields.

    A row's first cell has the field in backquotes, its second the default, its last a sentence. Where two headings have
    the name, the table that fits better counts.
    """
    found = [list(_differences(section, model)) for section in sections(page) if name in section.names]
    return min(found, key=len, default=[f"{page}: expected a heading with `{name}`, got none"])


def _differences(section: Section, model: type[BaseModel]) -> Iterator[str]:
    shown = {code: cells for cells in rows(section) for code in codes(cells[0])[:1]}
    for name, field in model.model_fields.items():
        if name not in shown:
            yield f"{section.title}: {name} is missing"
        elif len(shown[name]) < 3 or not shown[name][-1]:
            yield f"{section.title}: {name} has no sentence"
        elif not _same_default(shown[name][1], field):
            yield f"{section.title}: the default of {name} is {_default(field)!r}, shown is {shown[name][1]!r}"
    for name in shown.keys() - model.model_fields.keys():
        yield f"{section.title}: {name} does not exist"


def _same_default(cell: str, field: FieldInfo) -> bool:
    text = cell.strip("`")
    default = _default(field)
    if default is PydanticUndefined:
        return text == "required"
    if default in (None, "", (), {}, []):
        return text in ("none", "")
    if isinstance(default, BaseModel):
        return text == "none"
    if isinstance(default, bool):
        return text == str(default).lower()
    if isinstance(default, int | float):
        return _number(text) == default
    if isinstance(default, tuple):
        return {part.strip().strip("`") for part in cell.split(" ")} - {""} >= {str(item) for item in default if item}
    if isinstance(default, PurePath | str | enum.Enum):
        return text == str(default)
    raise AssertionError(f"no way to show a default of type {type(default).__name__}")


def _number(text: str) -> int | float | None:
    span = _SPAN.fullmatch(text)
    if span:
        return int(span[1]) * dict(_SPANS)[span[2]]
    plain = text.replace(" ", "").replace(",", "")
    return float(plain) if re.fullmatch(r"\d+(\.\d+)?", plain) else None


def _default(field: FieldInfo) -> Any:
    return field.get_default(call_default_factory=True)
