"""Claims as hypothesis draws them: few values of everything, so that they meet."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from config.instant import DAY, HOUR
from normalizers.claims import Claim, detail_text, observable_key, rounded
from normalizers.merge import View
from normalizers.rulings import lifted, ruling

NOW = 1_790_000_000_000
OBSERVABLES = [
    ("url", "http://example.com/a"),
    ("ipv4", "192.0.2.7"),
    ("domain", "bad.example.jp"),
    ("file", "0123456789abcdef" * 4),
    ("cve", "CVE-2026-0001"),
    ("advisory", "https://advisories.example.jp/at1"),
]
PUBLIC = View("clear/combined/tlp2", "clear", False, "tlp2")
MEMBERS = View("green/combined/tlp2", "green", False, "tlp2")
OWN = View("green/own/tlp2", "green", True, "tlp2")
VIEWS = [PUBLIC, MEMBERS, OWN]

_times = st.integers(min_value=0, max_value=60 * 24).map(lambda hours: NOW - hours * HOUR)
_words = st.lists(st.sampled_from(["elf", "mozi", "日本", "a b"]), max_size=3, unique=True).map(
    lambda w: tuple(sorted(w))
)
_references = st.lists(
    st.sampled_from([("Feed", "https://feed.example/", ""), ("Report", "https://r.example/1", "R-1"), ("X", "", "7")]),
    max_size=3,
    unique=True,
).map(lambda refs: tuple(sorted(refs)))
_details = st.fixed_dictionaries(
    {},
    optional={
        "threat": st.sampled_from(["phishing", "botnet-c2", "malware-download", "made-up"]),
        "port": st.lists(st.sampled_from([80, 443, 8080]), unique=True).map(sorted),
        "title": st.dictionaries(st.sampled_from(["ja", "en"]), st.sampled_from(["題名", "Title"])),
        "cves": st.lists(st.sampled_from(["CVE-2026-0001", "CVE-2026-0002"]), unique=True).map(sorted),
        "published": _times,
        "exploited": _times,
        "cvss": st.just([{"version": "3.1", "score": 9.8, "vector": "CVSS:3.1/AV:N"}]),
    },
).map(detail_text)


@st.composite
def claims(draw: Any, audiences: tuple[str, ...] = ("clear", "green"), about: tuple[str, str] | None = None) -> Claim:
    """One claim, rounded as claims in a store are."""
    kind, value = about or draw(st.sampled_from(OBSERVABLES))
    first = draw(_times)
    last = max(first, draw(_times))
    origin = draw(st.sampled_from(["feed-a", "feed-b", "feed-c", "opaque:0f", "feed-d@other.example"]))
    return rounded(
        Claim(
            type=kind,
            value=value,
            origin=origin,
            family=draw(st.sampled_from([origin, "family"])),
            audience=draw(st.sampled_from(audiences)),
            version=draw(_times),
            first_seen=first,
            last_seen=last,
            life=draw(st.sampled_from([DAY, 7 * DAY, 47 * DAY])),
            confidence=draw(st.integers(0, 100)),
            withdrawn=draw(st.one_of(st.just(0), st.just(0), _times)),
            labels=draw(_words),
            malware=draw(_words),
            references=draw(_references),
            detail=draw(_details),
        ),
        observable_key(kind, value),
    )


@st.composite
def rulings(draw: Any, audiences: tuple[str, ...] = ("clear", "green"), about: tuple[str, str] | None = None) -> Claim:
    """One ruling, that may be lifted."""
    kind, value = about or draw(st.sampled_from(OBSERVABLES))
    made = ruling(
        kind,
        value,
        draw(st.sampled_from(["false-positive", "hold"])),
        hub="hub.example",
        audience=draw(st.sampled_from(audiences)),
        at=draw(_times),
        term=draw(st.sampled_from([DAY, 30 * DAY, 400 * DAY])),
        why="seen",
    )
    return draw(st.sampled_from([made, made, lifted(made, made.version + DAY)]))


def about_one(audiences: tuple[str, ...] = ("clear", "green")) -> Any:
    """A list of claims about one observable."""
    return st.sampled_from(OBSERVABLES).flatmap(
        lambda about: st.lists(claims(audiences=audiences, about=about), min_size=1, max_size=6)
    )
