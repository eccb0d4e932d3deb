"""The sample documents of the demonstration, with dates that are always of late.

A sample is a document in its feed's real format, with reserved names and addresses. Where a date stands in the real
one, it has a placeholder: an offset from the first start, perhaps a zone, and a form::

    {{-2h|%Y-%m-%d %H:%M:%S}}     two hours before, UTC
    {{-1d12h JST|%Y/%m/%d}}       a day and a half before, in Japan
    {{0|epoch}}  {{0|epoch_ms}}   seconds, milliseconds since 1970

``YYYYMM`` in the name of a sample is the month (in Japan) of the first start.
"""

from __future__ import annotations

import os
import re
import tempfile
from datetime import UTC
from importlib import resources
from pathlib import Path

from config.instant import JST, SECOND, Millis, parse_span, to_datetime

_PLACE = re.compile(r"\{\{\s*([^|{}]*?)\s*\|([^{}]*)\}\}")
_OFFSET = re.compile(r"(?:([+-])((?:[0-9]+(?:ms|[smhd]))+)|0)(?:\s+(JST|UTC))?")
_SPAN = re.compile(r"[0-9]+(?:ms|[smhd])")
_MONTH = "YYYYMM"


def render(text: str, now: Millis) -> str:
    """The sample with its dates filled in. Raises ValueError for a placeholder that is none."""
    return _PLACE.sub(lambda place: _date(place[1], place[2], now), text)


def write_samples(target: Path, now: Millis) -> list[Path]:
    """Write every sample that is not there yet into the folder ``target``, each as a whole; gives the new ones."""
    target.mkdir(parents=True, exist_ok=True)
    written = []
    for sample in sorted(resources.files("config").joinpath("samples").iterdir(), key=lambda item: item.name):
        if any(target.glob(sample.name.replace(_MONTH, "[0-9]" * 6))):
            continue
        path = target / sample.name.replace(_MONTH, to_datetime(now).astimezone(JST).strftime("%Y%m"))
        _write(path, render(sample.read_bytes().decode(), now).encode())
        written.append(path)
    return written


def _date(offset: str, form: str, now: Millis) -> str:
    found = _OFFSET.fullmatch(offset)
    if found is None:
        raise ValueError(f"expected an offset such as -2h, -1d12h JST or 0 in a placeholder, got {offset!r}")
    sign, spans, zone = found.groups()
    length = sum(map(parse_span, _SPAN.findall(spans))) if spans else 0
    moment = now - length if sign == "-" else now + length
    if form == "epoch":
        return str(moment // SECOND)
    if form == "epoch_ms":
        return str(moment)
    return to_datetime(moment).astimezone(JST if zone == "JST" else UTC).strftime(form)


def _write(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".sample-")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
