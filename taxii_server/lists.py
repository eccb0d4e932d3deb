"""Known-good lists from their sources: read, compiled, and kept compiled in the hub's data directory."""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from config.known_good import KnownGood, Match
from config.settings import Settings
from normalizers.known_good import NOTHING, Compiled, Held, Listing, Matcher, compiled
from normalizers.known_good_names import Names
from normalizers.known_good_ranges import Ranges, Segments
from normalizers.known_good_texts import Texts

#: Raised whenever the same sources would be compiled to something else.
_FORM = 2
_FOLDER = "known-good"
#: Of a list's own file. What is larger is no list that a person keeps.
_LARGEST = 64 * 1024 * 1024
#: Names beneath which everybody may have one, so that no ``owned`` list speaks for what lies there.
_SHARED = (
    "second-level-tlds", "dynamic-dns", "lots-project", "link-in-bio", "public-ipfs-gateways", "url-shortener",
)  # fmt: skip


class ListError(Exception):
    """A list cannot be read; the message says which, what was given and what was expected."""


class Applied(NamedTuple):
    """What a list was when its effects were last seen to: enough to find out what changed since."""

    #: of all that decides what it holds
    holds: str
    audience: str
    #: action and ceiling
    rule: str


def check(settings: Settings) -> None:
    """Raises :class:`ListError` for a list of which a source is not there."""
    for item in settings.known_good:
        list(_files(item))


def sources(settings: Settings) -> dict[str, str]:
    """By list, the digest of its sources and of all that decides what it holds. Raises :class:`ListError`."""
    shared = hashlib.sha256(b"".join(_digest(_warninglist(name)) for name in _SHARED)).hexdigest()
    return {item.id: _holds(item, shared) for item in settings.known_good}


def applied(settings: Settings) -> dict[str, Applied]:
    """By list, what it is now. Raises :class:`ListError`."""
    holds = sources(settings)
    return {
        item.id: Applied(holds[item.id], item.audience, f"{item.action} {item.ceiling}") for item in settings.known_good
    }


def _holds(item: KnownGood, shared: str) -> str:
    said = [_FORM, item.values, item.besides, item.match, item.reach, sorted(item.types)]
    content = hashlib.sha256(orjson.dumps([*said, shared if item.reach == "owned" else ""]))
    for path in _files(item):
        content.update(_digest(path))
    return content.hexdigest()[:32]


def _files(item: KnownGood) -> Iterator[Path]:
    yield from map(_warninglist, item.warninglists)
    if item.file is not None:
        path = Path(item.file)
        if not path.is_file():
            raise ListError(f"known-good list {item.id}: expected a file, and there is none at {path}")
        if path.stat().st_size > _LARGEST:
            raise ListError(f"known-good list {item.id}: expected at most {_LARGEST} bytes, got more in {path}")
        yield path


def _warninglist(name: str) -> Path:
    path = _warninglists() / name / "list.json"
    if "/" in name or "\\" in name or not path.is_file():
        raise ListError(f"expected a warninglist of pymispwarninglists such as tranco10k, got {name!r}")
    return path


@cache
def _warninglists() -> Path:
    # Its data alone is of use. To import it brings jsonschema along, which takes longer than most commands take.
    found = find_spec("pymispwarninglists")
    if found is None or found.origin is None:
        raise ListError("expected the package pymispwarninglists to be installed, and it is not")
    return Path(found.origin).parent / "data" / "misp-warninglists" / "lists"


def _digest(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


def _ways(item: KnownGood) -> list[Match]:
    """The ways in which values match, in order, each once."""
    if item.match is not None:
        return [item.match]
    ways: list[Match] = [json.loads(_warninglist(name).read_bytes())["type"] for name in item.warninglists]
    if item.values or item.file:
        ways.append("hostname")
    return list(dict.fromkeys(ways))


def load(settings: Settings) -> Matcher:
    """The lists of the settings, ready to match: compiled before or now. Raises :class:`ListError`."""
    if not settings.known_good:
        return NOTHING
    return _load(settings, name_of(sources(settings)))


def name_of(holds: dict[str, str]) -> str:
    """The name under which lists that hold this are kept compiled."""
    return hashlib.sha256(orjson.dumps([_FORM, list(holds.items())])).hexdigest()[:32]


def _load(settings: Settings, name: str) -> Matcher:
    found = kept(settings, name)
    if found is None:
        found = compiled([_listing(item) for item in settings.known_good], _shared())
        _keep(_path(settings, name), found)
    return Matcher(found)


def _listing(item: KnownGood) -> Listing:
    return Listing(
        id=item.id,
        on=item.acts_on(tuple(_ways(item))),
        reach=item.reach,
        parts=tuple(_parts(item)),
        besides=frozenset(value.lower() for value in item.besides),
        # What a person writes is meant; in lists of others a single label is a stray entry.
        least_labels=2 if item.warninglists else 1,
    )


def _parts(item: KnownGood) -> Iterator[tuple[Match, Iterable[str]]]:
    for name in item.warninglists:
        raw = json.loads(_warninglist(name).read_bytes())
        yield item.match or raw["type"], raw["list"]
    if item.file is not None:
        yield item.match or "hostname", _lines(Path(item.file))
    if item.values:
        yield item.match or "hostname", item.values


def _lines(path: Path) -> Iterator[str]:
    for line in path.read_text(encoding="utf-8-sig", errors="replace").splitlines():
        value = line.partition("#")[0].strip()
        if value:
            yield value


def _shared() -> Iterator[str]:
    for name in _SHARED:
        yield from json.loads(_warninglist(name).read_bytes())["list"]


# -- kept compiled


def _path(settings: Settings, name: str) -> Path:
    return settings.data / _FOLDER / f"{name}.lists"


def kept(settings: Settings, name: str) -> Compiled | None:
    """Lists that were compiled before; None where they are not kept, or what is kept is damaged."""
    try:
        body = _path(settings, name).read_bytes()
        length, check = int.from_bytes(body[:8]), int.from_bytes(body[8:16])
        if zlib.crc32(body[16:]) != check:
            return None
        return _read(orjson.loads(body[16 : 16 + length]), memoryview(body)[16 + length :])
    except (OSError, ValueError):
        return None


def forget_others(settings: Settings, names: Sequence[str]) -> None:
    """Remove what is kept under other names than these."""
    wanted = {_path(settings, name) for name in names}
    for path in (settings.data / _FOLDER).glob("*.lists"):
        if path not in wanted:
            path.unlink(missing_ok=True)


def _keep(path: Path, lists: Compiled) -> None:
    v4, v6 = lists.ranges.v4, lists.ranges.v6
    blocks = [
        lists.names.keys.tobytes(), lists.names.which.tobytes(), array("I", map(int, v4.starts)).tobytes(),
        v4.which.tobytes(), b"".join(map(bytes, v6.starts)), v6.which.tobytes(),
    ]  # fmt: skip
    head = orjson.dumps(
        {
            "lists": [[*held[:1], sorted(held.on), *held[2:6], sorted(held.besides)] for held in lists.lists],
            # Masks have a bit for each list, more than a JSON number holds.
            "masks": [hex(mask) for mask in lists.names.masks],
            "ranges": [hex(mask) for mask in lists.ranges.masks],
            "few": [[name, hex(mask)] for name, mask in lists.names.few.items()],
            "words": [[word, hex(mask)] for word, mask in lists.texts.listed()],
            "patterns": [[pattern.pattern, hex(bit)] for pattern, bit in lists.texts.patterns],
            "sizes": [len(block) for block in blocks],
        }
    )
    rest = head + b"".join(blocks)
    part = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part.write_bytes(len(head).to_bytes(8) + zlib.crc32(rest).to_bytes(8) + rest)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)  # it is compiled again at the next start


def _read(head: dict[str, Any], rest: memoryview) -> Compiled:
    blocks = []
    for size in head["sizes"]:
        blocks.append(rest[:size])
        rest = rest[size:]
    keys, which, four, four_which, six, six_which = blocks
    lists = tuple(
        Held(id_, frozenset(on), reach, exact, entries, refused, frozenset(besides))
        for id_, on, reach, exact, entries, refused, besides in head["lists"]
    )
    starts = [bytes(six[place : place + 16]) for place in range(0, len(six), 16)]
    return Compiled(
        lists,
        Names(
            {name: int(mask, 16) for name, mask in head["few"]},
            _array("Q", keys),
            _array("H", which),
            _numbers(head["masks"]),
        ),
        Ranges(
            Segments(_array("I", four), _array("H", four_which)),
            Segments(starts, _array("H", six_which)),
            _numbers(head["ranges"]),
        ),
        Texts.of(
            [(word, int(mask, 16)) for word, mask in head["words"]],
            [(pattern, int(bit, 16)) for pattern, bit in head["patterns"]],
        ),
    )


def _array(code: str, block: memoryview) -> array[int]:
    found = array(code)
    found.frombytes(block)
    return found


def _numbers(texts: Iterable[str]) -> tuple[int, ...]:
    return tuple(int(text, 16) for text in texts)
