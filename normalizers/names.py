"""Names: what sources call malware, those behind it and imitated brands, as one name each; and ATT&CK's techniques.

A name is looked up without case, blanks and punctuation. What the shipped names do not have, or have for several
things, stays as the source said it: nothing is guessed. The rules, with their reasons, are in docs/names.md.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import NamedTuple

from config.names import shipped_names
from normalizers.claims import MOST_WORDS, Reference
from normalizers.labels import label_of

#: ``source_name`` of a reference to a technique, as ATT&CK itself writes it
ATTACK = "mitre-attack"
#: Folded names that are shorter say nothing.
_SHORTEST = 3
#: Shorter tags are endings of files, and abbreviations of anything.
_SHORTEST_TAG = 4
_GALAXY = re.compile(r'misp-galaxy:([a-z0-9-]+)="([^"]+)"?', re.IGNORECASE)
#: What a MISP galaxy is about, by the last part of its name that says so.
_ABOUT = {
    "malware": (
        "malpedia", "malware", "tool", "ransomware", "rat", "botnet", "banker", "stealer", "backdoor", "exploit-kit",
        "android", "cryptominers", "tds",
    ),
    "actor": ("threat-actor", "intrusion-set", "activity-group"),
    "technique": ("attack-pattern",),
}  # fmt: skip
#: What abuse.ch's lists of certificates put behind the name of the malware that is controlled.
_CONTROL = re.compile(r" (?:C&C|C2)$", re.IGNORECASE)
_NUMBERED = re.compile(r" - [SGT][0-9]{4}(?:\.[0-9]{3})?$")
_TECHNIQUE = re.compile(r"(?:attack\.|mitre[:-])?(t[01][0-9]{3}(?:\.[0-9]{3})?)(?: - .*)?", re.IGNORECASE)
_IN_TEXT = re.compile(r"(?<![A-Za-z0-9/.-])T[01][0-9]{3}(?:\.[0-9]{3})?(?![A-Za-z0-9])")
#: "phishing that poses as ...", after marks such as "[alert]".
_IMITATES = re.compile(r"(?:【[^】]{0,40}】)?([^。【】]{1,60}?)\s*を(?:かたる|騙る|装う|装った)")
_BETWEEN_BRANDS = re.compile(r"[/、，,]")


class Said(NamedTuple):
    """What the words of one row come to."""

    #: the words as labels, sorted
    labels: tuple[str, ...]
    #: malware families, sorted
    malware: tuple[str, ...]
    #: references to ATT&CK's techniques
    techniques: tuple[Reference, ...]
    #: members for a claim's detail: actors, brands, targets
    detail: tuple[tuple[str, tuple[str, ...]], ...]


class _Known(NamedTuple):
    """Folded word -> what it names."""

    malware: dict[str, str]
    actors: dict[str, str]
    everyday: frozenset[str]
    #: key and country
    brands: dict[str, tuple[str, str]]


def fold(text: str) -> str:
    """What two spellings of one name have in common: letters and digits, by NFKC, without case."""
    return "".join(char for char in unicodedata.normalize("NFKC", text).casefold() if char.isalnum())


@cache
def _known() -> _Known:
    names = shipped_names()
    brands = {}
    for brand in names.brands:
        for word in (brand.ja, brand.en, *brand.also):
            brands[fold(word)] = (brand.key, brand.country)
    brands.pop("", None)
    return _Known(_folded(names.malware), _folded(names.actors), frozenset(map(fold, names.everyday)), brands)


def _folded(lines: Iterable[tuple[str, ...]]) -> dict[str, str]:
    return {word: names[0] for names in lines for name in names if len(word := fold(name)) >= _SHORTEST}


@lru_cache(maxsize=16_384)
def malware_of(word: str) -> str | None:
    """The one name of a malware family or tool that a source calls so; None where that is not known."""
    return _known().malware.get(fold(word))


@lru_cache(maxsize=4_096)
def actor_of(word: str) -> str | None:
    """The one name of those whom a source calls so; None where that is not known."""
    return _known().actors.get(fold(word))


def brands_of(word: str) -> dict[str, str]:
    """The brands that a source's word names, each key with its country; empty where that is not known."""
    known = _known().brands
    whole = known.get(fold(word))
    if whole is not None:
        return dict((whole,))
    parts = [known.get(fold(part)) for part in _BETWEEN_BRANDS.split(word)]
    return dict(part for part in parts if part is not None) if None not in parts else {}


def imitated_in(title: str) -> tuple[str, ...]:
    """The known brand that the title of a Japanese alert says is imitated, in its words; empty where it names none."""
    found = _IMITATES.match(title)
    word = label_of(found[1]) if found else ""
    return (word,) if brands_of(word) else ()


def techniques_in(text: str) -> tuple[Reference, ...]:
    """References to the ATT&CK techniques that a text names, sorted."""
    return tuple(sorted(set(map(technique, _IN_TEXT.findall(text)))))


def technique(number: str) -> Reference:
    """The reference to a technique, such as ``T1566.002``, as ATT&CK's own objects bear it."""
    number = number.upper()
    return ATTACK, f"https://attack.mitre.org/techniques/{number.replace('.', '/')}/", number


def _is_name(tag: str) -> bool:
    """Whether a plain tag may be the name of malware or an actor: no number, no abbreviation, no everyday word."""
    word = fold(tag)
    return len(word) >= _SHORTEST_TAG and not word.isdigit() and word not in _known().everyday


class _Understanding:
    """Gathers what one row's words mean."""

    def __init__(self) -> None:
        self.labels: set[str] = set()
        self.malware: set[str] = set()
        self.actors: set[str] = set()
        self.techniques: set[Reference] = set()

    def tag(self, word: str) -> None:
        """A word of which the source does not say what it is."""
        self.labels.add(word)
        galaxy = _GALAXY.fullmatch(word)
        number = None if galaxy else _TECHNIQUE.fullmatch(word)
        if galaxy:
            self._galaxy(galaxy[1].lower(), galaxy[2])
        elif number:
            self.techniques.add(technique(number[1]))
        elif _is_name(name := _CONTROL.sub("", word)):
            self._plain(name)

    def _galaxy(self, galaxy: str, value: str) -> None:
        """A tag that says which galaxy its name is from, and so what it names."""
        about = next((kind for kind, ends in _ABOUT.items() if galaxy.endswith(ends)), "")
        number = _NUMBERED.search(value)
        name = label_of(value[: number.start()] if number else value)
        if about == "malware":
            self.malware.add(malware_of(name) or name)
        elif about == "actor":
            self.actors.add(actor_of(name) or name)
        elif about == "technique" and number:
            self.techniques.add(technique(number[0].removeprefix(" - ")))

    def _plain(self, word: str) -> None:
        malware, actor = malware_of(word), actor_of(word)
        if malware and actor:
            # Malware is often called after those who use it, and they after it. The one that bears it as its first
            # name is meant, where the other one does not.
            first, second = fold(malware) == fold(word), fold(actor) == fold(word)
            if first == second:
                return
            malware, actor = (malware, None) if first else (None, actor)
        if malware:
            self.malware.add(malware)
        elif actor:
            self.actors.add(actor)

    def family(self, word: str) -> None:
        """A word that the source says is the name of malware."""
        name = malware_of(word)
        self.malware.add(name or word)
        if name and name != word:
            self.labels.add(word)


def understood(
    labels: Iterable[str],
    malware: Iterable[str],
    brands: Iterable[str] = (),
    named: Iterable[tuple[str, Iterable[str]]] = (),
) -> Said:
    """What a row's words come to: those of which nothing is said, those for malware, and those for brands. ``named``:
    what is named already, by member of a claim's detail; actors by any of their names."""
    row = _Understanding()
    for word in labels:
        row.tag(word)
    for word in malware:
        row.family(word)
    imitated: dict[str, str] = {}
    for word in brands:
        row.labels.add(word)
        imitated |= brands_of(word)
    found = {"actors": row.actors, "brands": set(imitated), "targets": set(imitated.values()) - {""}}
    for member, words in named:
        found[member] |= {actor_of(word) or word for word in words} if member == "actors" else set(words)
    detail = tuple((member, tuple(sorted(words))) for member, words in found.items() if words)
    labels = tuple(sorted(row.labels)[:MOST_WORDS])
    return Said(labels, tuple(sorted(row.malware)), tuple(sorted(row.techniques)), detail)
