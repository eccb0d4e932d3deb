"""Names of malware and of those behind it, compiled from MISP galaxies to the two files that ship in ``config/names``.

``make names`` writes them anew. Each line is one name and what else it is called, with a tab before each. Two clusters
are one thing only where the galaxies say so; what several things are called stands on no line: nothing is guessed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import yaml

from normalizers.names import fold

SHIPPED = Path(__file__).parent.parent.parent / "config" / "names"
#: file -> the galaxies that it is compiled from. Where a thing stands in several, it is called as in the first.
SOURCES = {
    "malware.txt": (
        "malpedia", "mitre-malware", "mitre-tool", "tool", "ransomware", "rat", "botnet", "banker", "stealer",
        "backdoor", "exploit-kit", "android", "cryptominers", "tds",
    ),
    "actors.txt": ("mitre-intrusion-set", "threat-actor", "microsoft-activity-group"),
}  # fmt: skip

#: An ATT&CK number behind a name, and the platform by which Malpedia tells the builds of one family apart.
_SUFFIX = re.compile(
    r" - [SG]\d{4}$| \((?:Windows|ELF|OS X|Android|iOS|Powershell|VBScript|Javascript|Python|symbian)\)$"
)
_MALPEDIA = re.compile(r"https://malpedia\.caad\.fkie\.fraunhofer\.de/details/([a-z0-9]+\.([a-z0-9_-]+))")
#: Has a cluster for each of the names that one group had over the years; other galaxies tell their clusters apart.
_RENAMED = "microsoft-activity-group"
#: Fewer letters and digits say nothing.
_SHORTEST = 3


class Cluster(NamedTuple):
    """One entry of a galaxy."""

    galaxy: str
    uuid: str
    name: str
    aliases: tuple[str, ...]
    #: UUIDs of what the galaxy says is the same
    similar: frozenset[str]


def clusters(folder: Path, galaxies: Sequence[str]) -> Iterator[Cluster]:
    """The entries of those galaxies, in their order."""
    for galaxy in galaxies:
        for value in orjson.loads((folder / f"{galaxy}.json").read_bytes())["values"]:
            yield _cluster(galaxy, value)


def _cluster(galaxy: str, value: Mapping[str, Any]) -> Cluster:
    meta = value.get("meta", {})
    aliases = [_plain(alias) for alias in meta.get("synonyms", ())]
    for found in filter(None, map(_MALPEDIA.match, meta.get("refs", ()))):
        aliases += found.groups()
    similar = (item["dest-uuid"] for item in value.get("related", ()) if item["type"] == "similar")
    return Cluster(galaxy, value["uuid"], _plain(value["value"]), tuple(aliases), frozenset(similar))


def _plain(name: str) -> str:
    return _SUFFIX.sub("", " ".join(name.split()))


class Things:
    """Clusters as the things that they are about."""

    def __init__(self, found: Iterable[Cluster], same: Iterable[Sequence[str]]) -> None:
        """``same``: names that are said to be of one thing beside what the galaxies say."""
        self._members: dict[int, list[Cluster]] = {}
        self._thing: dict[str, int] = {}
        for cluster in found:
            at = self._thing.setdefault(fold(cluster.name), len(self._thing))
            self._members.setdefault(at, []).append(cluster)
        said = self._said()
        # Those that name each other first, and then those of which one names the other, and a galaxy relates the two.
        for sure in (True, False):
            for one, other in said:
                if ((other, one) in said) if sure else self._related(one, other):
                    self._join(one, other)
        for names in same:
            first, *others = (self._thing[fold(name)] for name in names)
            for other in others:
                self._join(first, other, told=True)

    def _said(self) -> dict[tuple[int, int], None]:
        """Pairs of things of which the first bears the second's name as an alias."""
        pairs = {}
        for at, members in self._members.items():
            for alias in (alias for cluster in members for alias in cluster.aliases):
                other = self._thing.get(fold(alias), at)
                if other != at:
                    pairs[at, other] = None
        return pairs

    def _related(self, one: int, other: int) -> bool:
        first, second = self._members[one], self._members[other]
        return any(a.uuid in b.similar or b.uuid in a.similar for a in first for b in second)

    def _join(self, one: int, other: int, *, told: bool = False) -> None:
        first, second = self._members[one], self._members[other]
        if first is second:
            return
        # Whoever keeps a galaxy tells its clusters apart for a reason.
        both = {cluster.galaxy for cluster in first} & {cluster.galaxy for cluster in second}
        if both - {_RENAMED} and not told:
            return
        first += second
        for at, members in self._members.items():
            if members is second:
                self._members[at] = first

    def lines(self, galaxies: Sequence[str]) -> list[list[str]]:
        """Each thing's name and what nothing else is called, in order of names."""
        things = [
            sorted(members, key=lambda cluster: galaxies.index(cluster.galaxy))
            for members in {id(members): members for members in self._members.values()}.values()
        ]
        owners: dict[str, set[int]] = defaultdict(set)
        # What is a thing's first name somewhere is not another one's alias.
        for at, members in enumerate(things):
            for name in {cluster.name for cluster in members}:
                owners[fold(name)].add(at)
        first = frozenset(owners)
        for at, members in enumerate(things):
            for name in _names(members):
                if fold(name) not in first:
                    owners[fold(name)].add(at)
        lines = [_line(members, at, owners) for at, members in enumerate(things)]
        return sorted(lines, key=lambda names: (fold(names[0]), names))


def _line(members: Sequence[Cluster], at: int, owners: Mapping[str, set[int]]) -> list[str]:
    own: dict[str, str] = {}
    for name in _names(members):
        word = fold(name)
        if len(word) >= _SHORTEST and owners[word] == {at}:
            own.setdefault(word, name)
    name = members[0].name
    own.pop(fold(name), None)
    return [name, *sorted(own.values(), key=lambda alias: (fold(alias), alias))]


def _names(members: Sequence[Cluster]) -> Iterator[str]:
    for cluster in members:
        yield cluster.name
        yield from cluster.aliases


def compiled(folder: Path, name: str) -> str:
    """The text of one of the files, from a folder of MISP galaxy clusters."""
    said = yaml.safe_load((SHIPPED / "own.yaml").read_text(encoding="utf-8"))[name.removesuffix(".txt")]
    galaxies = SOURCES[name]
    less = set(map(fold, said["less"]))
    lines = [
        names
        for names in Things(clusters(folder, galaxies), said["same"]).lines(galaxies)
        if fold(names[0]) not in less
    ]
    places = {fold(names[0]): names for names in lines}
    for first, aliases in said["also"].items():
        places[fold(first)] += aliases
    head = (
        f"# Compiled by `make names` from MISP galaxies ({', '.join(galaxies)}),",
        "# https://github.com/MISP/misp-galaxy, CC0 1.0. A name, then what else it is called, after tabs.",
    )
    return "\n".join((*head, *("\t".join(names) for names in lines))) + "\n"


def main() -> None:
    """Write both files, from the galaxies that come with pymispgalaxies."""
    import pymispgalaxies

    folder = Path(pymispgalaxies.__file__).parent / "data" / "misp-galaxy" / "clusters"
    for name in SOURCES:
        (SHIPPED / name).write_text(compiled(folder, name), encoding="utf-8")


if __name__ == "__main__":
    main()
