"""``python -m tests.snapshots.quality``: how good what the hub publishes of every snapshot is, in figures.

Duplicates left, indicators that say what they belong to, values that several independent sources name, and what the
OASIS validator would have otherwise.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from stix2validator import ValidationOptions, validate_instance

from normalizers.contributions import claims_of
from normalizers.labels import MALWARE, NAMED, TECHNIQUE
from tests.snapshots.folder import options, snapshots
from tests.snapshots.pipeline import Hub, duplicates

_PAGE = Path(__file__).parents[2] / "docs/quality.md"
_OPTIONS = ValidationOptions(version="2.1", strict=False)
_CODE = re.compile(r"\{(\d+)\}")
#: labels that say what an indicator belongs to
_NAMES = {"family": MALWARE, "brand": NAMED["brands"], "actor": NAMED["actors"], "technique": TECHNIQUE}
#: of a warning that stays: why
REASONS = {
    "103": "Ids are made of what an object is about (UUIDv5), so that a hub which starts anew gives the same ones. "
    "STIX 2.1 section 2.9 allows that in a namespace of one's own.",
    "302": "A hash of the page that a reference leads to would be wrong as soon as the page changes, and the hub does "
    "not fetch pages.",
}
_TEXT = """\
# Quality in figures

Written by `make quality` on {day}; do not edit. One hub has met the snapshots of real feeds as
[the report on them](feeds-report.md) says.

## Duplicates

Objects of one type about one observable in one collection, beyond the first.

{duplicates}

## What is known to be good

The lists of `config/hub.yaml`: how often each held something that was to be published, and how many indicators that it
holds are left in the members' collection. A list that drops or holds leaves none; one that lowers or labels leaves what
it has marked, for readers to decide.

{known_good}

## Indicators that say what they belong to

Of the indicators that a feed is a source of, those with a malware family or tool, an imitated brand, an actor, a
technique; and those that feeds of two or more families name. The snapshots are of different years, and many are
excerpts, so that few values meet. What a source does not name, the hub does not guess: lists of addresses have no
families.

{named}

## What the OASIS validator warns of

Of {validated:,} objects, {most} a feed and type at most, {errors} have an error. Those with a warning, by its code:

{warnings}
"""


@dataclass
class Figures:
    """Of some indicators."""

    indicators: int = 0
    #: by what they say
    names: Counter[str] = field(default_factory=Counter)
    #: with a malware family or a brand
    named: int = 0
    #: that two or more independent sources name
    agreed: int = 0

    def count(self, names: frozenset[str], families: int) -> None:
        """One more, with these kinds of names, that so many families name."""
        self.indicators += 1
        self.names.update(names)
        self.named += bool(names & {"family", "brand"})
        self.agreed += families > 1


def figures(bodies: Iterable[bytes]) -> dict[str, Figures]:
    """The figures of each feed's indicators, and under "" of all."""
    found: dict[str, Figures] = defaultdict(Figures)
    for obj in map(orjson.loads, bodies):
        if obj["type"] != "indicator":
            continue
        standing = [claim for claim in claims_of(obj) if not claim.withdrawn]
        families = len({claim.family for claim in standing})
        names = frozenset(
            name for name, prefix in _NAMES.items() if any(label.startswith(prefix) for label in obj["labels"])
        )
        for origin in {"", *(claim.origin.partition("@")[0] for claim in standing)}:
            found[origin].count(names, families)
    return found


class Verdicts(NamedTuple):
    """What the OASIS validator said."""

    objects: int
    #: objects with an error
    errors: int
    #: objects with a warning, by its code
    warnings: Counter[str]
    #: one warning of each code
    examples: dict[str, str]


def verdicts(bodies: Iterable[bytes], most: int) -> Verdicts:
    """Of so many objects of each type and first source at most; 0: of all."""
    taken: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    examples: dict[str, str] = {}
    errors = 0
    for obj in map(orjson.loads, bodies):
        place = f"{obj['type']} {claims_of(obj)[0].origin}"
        if most and taken[place] >= most:
            continue
        taken[place] += 1
        found = validate_instance(obj, _OPTIONS)
        errors += bool(found.errors)
        by_code = {match[1]: text for text in map(str, found.warnings) if (match := _CODE.search(text))}
        codes.update(by_code.keys())
        for code, text in by_code.items():
            examples.setdefault(code, text.partition("} ")[2])
    return Verdicts(taken.total(), errors, codes, examples)


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in [head, ["---"] * len(head), *rows])


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole and part else "0" if not part else ""


def named_table(found: Mapping[str, Figures]) -> str:
    """A row a feed and one for all, in Markdown."""
    head = ["feed", "indicators", "family or brand", *_NAMES, "two sources or more"]
    order = sorted(found, key=lambda name: (not name, name))
    return _table(head, [[f"`{name}`" if name else "together", *_cells(found[name])] for name in order])


def _cells(one: Figures) -> list[str]:
    shares = [one.named, *(one.names[name] for name in _NAMES), one.agreed]
    return [f"{one.indicators:,}", *(_share(part, one.indicators) for part in shares)]


def known_good_table(hub: Hub, bodies: Iterable[bytes]) -> str:
    """A row for each known-good list that held anything, in Markdown."""
    lists = hub.known_good
    left: Counter[str] = Counter()
    for obj in map(orjson.loads, bodies):
        claim = claims_of(obj)[0]
        left.update(lists.matcher.ids(lists.match(claim.type, claim.value)))
    hits = lists.hits().get(hub.view, {})
    aside = {item.list for item in lists.aside() if item.view == hub.view}
    rows = [
        [f"`{item.id}`", item.action, f"{hits[item.id]:,}", f"{left[item.id]:,}", "yes" if item.id in aside else ""]
        for item in hub.lists
        if item.id in hits
    ]
    return _table(["list", "does", "held", "left", "set aside"], rows)


def main(words: Sequence[str] | None = None) -> int:
    """Print the figures and write the page. 1 when a collection holds a duplicate, or the validator finds an error."""
    given = options("tests.snapshots.quality", __doc__, words, validate=40)
    with tempfile.TemporaryDirectory() as folder:
        hub = Hub(Path(folder) / "data")
        for snapshot in snapshots():
            if snapshot.feed is not None and given.only in snapshot.file:
                hub.take(snapshot)
                print(snapshot.file, file=sys.stderr, flush=True)
        left = [
            (title, sum(1 for _ in hub.bodies(collection)), duplicates(hub.bodies(collection)))
            for title, collection in hub.collections().items()
        ]
        bodies = list(hub.bodies())
        known_good = known_good_table(hub, bodies)
        hub.close()
    said = verdicts(bodies, given.validate)
    text = _TEXT.format(
        day=datetime.now(UTC).date().isoformat(),
        duplicates=_table(
            ["collection", "objects", "duplicates"], [[title, f"{objects:,}", count] for title, objects, count in left]
        ),
        known_good=known_good,
        named=named_table(figures(bodies)),
        validated=said.objects,
        errors=said.errors or "none",
        most=given.validate or "all of",
        warnings=_warnings_table(said),
    )
    print(text)
    if not given.only:
        _PAGE.write_text(text, encoding="utf-8")
    return 1 if said.errors or any(count for _, _, count in left) else 0


def _warnings_table(said: Verdicts) -> str:
    counts = sorted(said.warnings.items())
    rows = [[code, f"{count:,}", said.examples[code], REASONS.get(code, "")] for code, count in counts]
    return _table(["code", "objects", "such as", "why it stays"], rows)


if __name__ == "__main__":
    sys.exit(main())
