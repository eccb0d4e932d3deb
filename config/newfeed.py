"""A feed's first file: what was guessed of a document, written with comments for whoever is to correct it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import yaml

_UNSAFE = re.compile(r"[^a-z0-9]+")
_THREATS = (
    ("phish", "phishing"), ("botnet", "botnet-c2"), ("c2", "botnet-c2"), ("scan", "scanner"), ("ssh", "scanner"),
    ("spam-", "spam"), ("malware", "malware"),
)  # fmt: skip
#: Formats whose documents are indicators amid much else, all of which is refused.
_WITH_CONTEXT = frozenset(("misp", "prose", "stix"))
#: What stands in a format that may have objects besides its indicators.
_OTHER_OBJECTS = """
  # Objects of other kinds are refused unless they are named here: then they are passed on unchanged.
  # pass_on: [identity, malware, threat-actor, relationship]"""
#: Transports that bring what is new, and no whole.
_IN_PARTS = frozenset(("github", "linked", "misp", "taxii"))
_HEAD = """\
# Guessed from a document of {rows} rows; the first {tried} gave {good} claims. Correct it, and try it:
#   noroshi feeds check THIS-FILE --sample DOCUMENT
# Every field is explained in docs/adding-a-feed.md.
"""


class About(NamedTuple):
    """What a document says of itself; a text is "" where it says nothing."""

    title: str = ""
    #: the publisher's name
    publisher: str = ""
    #: an address that may be shown
    homepage: str = ""
    #: ISO 639-1
    language: str = ""

    def also(self, other: About) -> About:
        """With what the other says of what this one does not."""
        return About(*(mine or theirs for mine, theirs in zip(self, other, strict=True)))


_NOTHING = About()


def feed_file(
    source: str,
    form: Mapping[str, Any],
    *,
    rows: int,
    tried: int,
    good: int,
    feed_id: str | None = None,
    about: About = _NOTHING,
    transport: Mapping[str, Any] | None = None,
) -> str:
    """The text of a feed's YAML file. ``source``: a URL, or the path of a file. ``form``: its ``format``. Of its
    ``rows``, ``tried`` were tried and ``good`` of them read. ``about``: what the document says of itself.
    ``transport``: how it is fetched, by default by HTTP or as the file that it is.

    Who may see it is never guessed: it is for the operators alone until somebody has read its terms.
    """
    url = urlsplit(source) if source.startswith(("http://", "https://")) else None
    place = url.hostname or "" if url else ""
    name = feed_id or id_of(source)
    threat = next((threat for word, threat in _THREATS if word in f"{name}-"), None)
    fetched = transport or ({"kind": "http", "url": source} if url else {"kind": "file", "path": source})
    parts = [
        _HEAD.format(rows=rows, tried=tried, good=good),
        "# Kept for ever: the origin of its claims is made of it.",
        _said(id=name),
        *_named(name, source, about, place),
        "# A key belongs into the environment: key: NAME, and {key} in the URL or in a header." if url else "",
        _said(transport=dict(fetched)),
        _said(format=dict(form)).rstrip("\n") + _OTHER_OBJECTS * (form["kind"] == "stix"),
        "# What the publisher says of who may have it; what its terms let you pass on: public, members or internal.",
        "# Nothing was guessed here: it is for the operators alone, until you have read its terms.",
        _said(marking="TLP:GREEN", share="internal"),
        "# terms: https://...",
        '# credit: "Source: ..."',
        "# How often it is right, and how sure it is of a row that does not say: 0 to 100.",
        _said(reliability=50, confidence=50),
        "# list: all that the publisher calls bad today, and what leaves it is withdrawn. log: a window of news.",
        _said(kind=kind_of(form)),
        "# Mind what the publisher allows.",
        _said(every="24h"),
        "# What a value is used for: phishing, malware-download, botnet-c2, malware, spam, scanner ...",
        _said(threat=threat) if threat else "# threat: phishing",
        "# Fewer rows, or a larger share of refused ones, and the document is held.",
        _said(expect=_expected(form, fetched, rows)),
    ]
    return "\n".join(part.rstrip("\n") for part in parts if part) + "\n"


def _named(name: str, source: str, about: About, place: str) -> list[str]:
    """What it is called and who publishes it, each as it says itself or to be said."""
    home = about.homepage or (f"https://{place}/" if _is_public(place) else "https://publisher.example/")
    publisher = {
        "name": about.publisher or place or (urlsplit(about.homepage).hostname or "Unknown"),
        "country": "JP" if _is_japanese(about.homepage or source) else "ZZ",
        "homepage": home,
    }
    return [
        "# What it is called, as it says itself; what it carries: to be said."
        if about.title
        else "# What it is called, and what it carries: to be said.",
        _said(title=about.title or name, carries=f"what {place or source} publishes"),
        "# Who publishes it, as it says itself; ZZ is no country."
        if about.publisher
        else "# Who publishes it: to be said. ZZ is no country.",
        _said(publisher=publisher),
    ]


def _expected(form: Mapping[str, Any], transport: Mapping[str, Any], rows: int) -> dict[str, int]:
    # Of what comes in parts, a part may be empty.
    least = 0 if transport["kind"] in _IN_PARTS else max(1, rows // 10)
    return {"min_rows": least, **({"refused": 1} if form["kind"] in _WITH_CONTEXT else {})}


def id_of(source: str) -> str:
    """An id made of where a feed is found."""
    url = urlsplit(source)
    host = (url.hostname or "") if url.scheme in ("http", "https") else ""
    stem = url.path.rsplit("/", 1)[-1].partition(".")[0]
    return _UNSAFE.sub("-", f"{host.removeprefix('www.')} {stem}".lower()).strip("-")[:60].strip("-").ljust(2, "0")


def kind_of(form: Mapping[str, Any]) -> str:
    """``list`` where a document without dates says how many rows it has, so that it is whole; in doubt ``log``."""
    fields = form.get("fields", {})
    dated = {"first_seen", "last_seen", "changed"} & fields.keys()
    return "list" if fields and not dated and (form.get("total") or form.get("metadata")) else "log"


def _is_japanese(url: str) -> bool:
    return (urlsplit(url).hostname or "").endswith(".jp") if url.startswith(("http://", "https://")) else False


def _is_public(host: str) -> bool:
    return re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z-]+", host) is not None


def _said(**fields: Any) -> str:
    return yaml.safe_dump(fields, sort_keys=False, allow_unicode=True, width=100)
