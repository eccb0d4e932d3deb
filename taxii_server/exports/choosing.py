"""Which indicators an export holds: of some types, sure enough, and of too many the best."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from config.observables import TYPES
from taxii_server.exports.rows import Row, live, row_of

#: Most that ``limit`` can say.
MOST = 100_000_000
#: words for several types
GROUPS = {"ip": ("ipv4", "ipv6", "cidr"), "hash": ("file",)}
_KINDS = frozenset(("url", "domain", "ipv4", "ipv6", "cidr", "email", "file", "certificate", "asn"))


class Wanted(NamedTuple):
    """What is asked for. Nothing said is everything."""

    #: observable types, sorted; () for all
    types: tuple[str, ...] = ()
    #: at least, 0 to 100
    confidence: int = 0
    #: at most so many, the best; 0 for all
    limit: int = 0
    #: whether URLs go without their scheme
    bare: bool = False

    @property
    def everything(self) -> bool:
        """Whether nothing is left out."""
        return self == Wanted()


class BadQuery(ValueError):
    """What was asked for cannot be: says what was given and what was expected."""


#: What devices take, by what their makers state: Palo Alto Networks' external dynamic lists (PAN-OS administrator's
#: guide: 50,000 addresses, URLs without a scheme, and domains on every model, 150,000 addresses on the larger ones) and
#: FortiGate's threat feeds (131,072 entries a feed up to FortiOS 7.4.3; later ones take more).
PRESETS = {
    "paloalto-ip": Wanted(("cidr", "ipv4", "ipv6"), limit=50_000),
    "paloalto-ip-large": Wanted(("cidr", "ipv4", "ipv6"), limit=150_000),
    "paloalto-domain": Wanted(("domain",), limit=50_000),
    "paloalto-url": Wanted(("url",), limit=50_000, bare=True),
    "fortigate-ip": Wanted(("cidr", "ipv4", "ipv6"), limit=131_072),
    "fortigate-domain": Wanted(("domain",), limit=131_072),
    "fortigate-url": Wanted(("url",), limit=131_072),
    "fortigate-hash": Wanted(("file",), limit=131_072),
}


def wanted(given: Iterable[tuple[str, str]]) -> Wanted:
    """What these parameters ask for: ``preset``, ``type``, ``confidence``, ``limit``, each once. Raises
    :class:`BadQuery`."""
    said: dict[str, str] = {}
    for name, value in given:
        if name not in ("preset", "type", "confidence", "limit"):
            raise BadQuery(f"expected preset, type, confidence or limit, got {name[:60]!r}")
        if name in said:
            raise BadQuery(f"{name}: expected once, got it twice")
        said[name] = value
    found = _preset(said["preset"]) if "preset" in said else Wanted()
    if "type" in said:
        types = _types(said["type"])
        if found.types and not set(found.types).issuperset(types):
            raise BadQuery(
                f"type: expected some of {', '.join(found.types)}, as {said['preset']} has, got {said['type'][:60]!r}"
            )
        found = found._replace(types=types)
    if "confidence" in said:
        found = found._replace(confidence=_number("confidence", said["confidence"], 0, 100))
    if "limit" in said:
        limit = _number("limit", said["limit"], 1, MOST)
        found = found._replace(limit=min(limit, found.limit) if found.limit else limit)
    return found


def _preset(name: str) -> Wanted:
    if name not in PRESETS:
        raise BadQuery(f"preset: expected one of {', '.join(PRESETS)}, got {name[:60]!r}")
    return PRESETS[name]


def _types(text: str) -> tuple[str, ...]:
    found: set[str] = set()
    for word in text.split(","):
        kinds = GROUPS.get(word, (word,))
        if not _KINDS.issuperset(kinds):
            known = ", ".join([*GROUPS, *(kind for kind in TYPES if kind in _KINDS)])
            raise BadQuery(f"type: expected some of {known}, with commas between, got {word[:60]!r}")
        found.update(kinds)
    return tuple(sorted(found))


def _number(name: str, text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
        raise BadQuery(f"{name}: expected a number from {least} to {most}, got {text[:60]!r}")
    return int(text)


def chosen(bodies: Callable[[], Iterable[bytes]], asked: Wanted, present: str) -> Iterator[tuple[Row, bytes]]:
    """The rows of what is asked for, with the objects, in the order of the collection. Where there are more than the
    limit, the surest, and of equally sure ones the latest: ``bodies`` are gone over twice then, so that none have to
    be held."""
    if not asked.limit:
        yield from _found(bodies(), asked, present)
        return
    counts = Counter(row.confidence for row, _ in _found(bodies(), asked, present))
    least, skipped = _cut(counts, asked.limit)
    for row, body in _found(bodies(), asked, present):
        if row.confidence < least:
            continue
        if row.confidence == least and skipped:
            skipped -= 1
            continue
        yield row, body


def _cut(counts: Counter[int], limit: int) -> tuple[int, int]:
    """The least confidence that is within the limit, and how many of that confidence are not."""
    left = limit
    for confidence in sorted(counts, reverse=True):
        left -= counts[confidence]
        if left <= 0:
            return confidence, -left
    return 0, 0


def _found(bodies: Iterable[bytes], asked: Wanted, present: str) -> Iterator[tuple[Row, bytes]]:
    return ((row, body) for body, obj in live(bodies, present) if (row := _matching(obj, asked)) is not None)


def _matching(obj: dict[str, Any], asked: Wanted) -> Row | None:
    if obj.get("confidence", 0) < asked.confidence:
        return None
    row = row_of(obj)
    return row if row is not None and (not asked.types or row.type in asked.types) else None
