"""Synthetic feeds in the formats of real ones, of any length; every row is about a value of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any

from config.instant import system_clock, taxii_time

URLS, THREATFOX, OVERLAPPING = "urls", "threatfox", "overlapping"
_HOUR = 3_600_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A feed's documents, and how a hub's file names the feed."""

    name: str
    #: of the report
    title: str
    #: the shipped feed that reads them
    use: str
    #: a full list, or a log
    kind: str
    #: how many feeds of it
    feeds: int = 1

    def document(self, rows: Iterable[int]) -> Iterator[str]:
        """The document with these rows."""
        return _threatfox(rows) if self.name == THREATFOX else (f"{_url(number)}\n" for number in rows)

    def settings(self) -> list[dict[str, Any]]:
        """The feeds as a hub's file has them: free to pass on, from a file, and without bounds."""
        return [
            {
                "use": self.use,
                "id": f"{self.use}-{number}",
                "kind": self.kind,
                "share": "public",
                "key": None,
                "transport": {"kind": "file", "path": f"{number}.txt"},
                "expect": {},
                "family": f"family-{number}",
            }
            for number in range(self.feeds)
        ]


SHAPES = {
    shape.name: shape
    for shape in (
        Shape(
            name=URLS,
            title="a list of URLs, one a line, read by OpenPhish's feed as a full list",
            use="openphish",
            kind="list",
        ),
        Shape(
            name=THREATFOX,
            title="ThreatFox's CSV, a log: addresses with ports, domains, URLs, hashes",
            use="threatfox",
            kind="log",
        ),
        Shape(
            name=OVERLAPPING,
            title="ten lists of URLs, half of each the next one's",
            use="openphish",
            kind="list",
            feeds=10,
        ),
    )
}


def _url(number: int) -> str:
    return f"http://host-{number % 300_007:06d}.example.com/{number:08d}/login.php"


_KINDS = ("ip:port", "domain", "url", "sha256_hash")
_NAMES = (
    '"first_seen_utc","ioc_id","ioc_value","ioc_type","threat_type","fk_malware","malware_alias","malware_printable",'
    '"last_seen_utc","confidence_level","is_compromised","reference","tags","anonymous","reporter"'
)


@cache
def _start() -> int:
    """An hour ago, the same for all documents: a row does not change because time passes."""
    return system_clock() - _HOUR


def _threatfox(rows: Iterable[int]) -> Iterator[str]:
    now = _start()
    seen = taxii_time(now)[:19].replace("T", " ")
    numbers = list(rows)
    head = f"# Last updated: {seen} UTC\r\n#\r\n# {_NAMES}\r\n"
    foot = f"# Number of entries: {len(numbers)}\r\n"
    return chain([head], (_threatfox_row(number, now) for number in numbers), [foot])


def _threatfox_row(number: int, now: int) -> str:
    kind = _KINDS[number % 4]
    value = {
        "ip:port": f"[2001:db8::{number // 65_536:x}:{number % 65_536:x}]:8080",
        "domain": f"c2-{number:08d}.example.net",
        "url": f"http://drop-{number:08d}.example.org/a.exe",
        "sha256_hash": f"{number:064x}",
    }[kind]
    seen = taxii_time(now - number % 86_400 * 1_000_000)[:19].replace("T", " ")
    return (
        f'"{seen}", "{number}", "{value}", "{kind}", "botnet_cc", "win.bench", "None", "Bench{number % 40}", "", '
        f'"{50 + number % 6 * 10}", "False", "https://reports.example.org/{number % 1000}", "c2", "0", "bench"\r\n'
    )
