"""Reading documents in tests: bytes in, claims and refusals out."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from collectors.document import Body, Document
from config.feeds import Feed
from config.instant import Millis, parse_millis
from config.loading import load_feed, shipped
from normalizers.claims import Claim
from normalizers.reading import check, read
from normalizers.records import Record, Refusal

#: Formats of which one row may say several things: an advisory that names CVEs.
SAY_MORE = frozenset({"csaf", "myjvn", "rss", "vuldef"})
#: When test documents are fetched, unless they say otherwise.
NOW: Millis = parse_millis("2026-03-01T00:00:00Z")


class Read(NamedTuple):
    """What became of a document."""

    rows: int
    claims: list[Claim]
    refused: list[Refusal]

    @property
    def reasons(self) -> list[str]:
        """Why rows were refused, in order."""
        return [refusal.reason for refusal in self.refused]

    @property
    def values(self) -> list[str]:
        """The values of the claims, in order."""
        return [claim.value for claim in self.claims]


def feed(name: str, **changes: Any) -> Feed:
    """A shipped feed, with some of its entries replaced."""
    return load_feed(shipped(f"feeds/{name}.yaml")).model_copy(update=changes)


def sample_of(name: str) -> Path:
    """Where the demonstration's sample of a shipped feed is."""
    (path,) = (path for path in shipped("samples").iterdir() if path.stem.removesuffix("-YYYYMM") == name)
    return path


def document(
    content: str | bytes, name: str = "document", *, fetched: Millis = NOW, modified: Millis | None = None
) -> Document:
    """A document as a collector would hand it on."""
    body = content.encode() if isinstance(content, str) else content
    return Document(content=Body.of(body), name=name, fetched=fetched, modified=modified)


def read_all(given: Document, source: Feed) -> Read:
    """First the check, then the rows; their numbers must agree where a row gives one claim at most."""
    rows = check(given, source).total()
    claims, refused = [], []
    for item in read(given, source):
        if isinstance(item, Refusal):
            refused.append(item)
        else:
            claims.append(item.claim if isinstance(item, Record) else item)
    said = [claim for claim in claims if claim.type != "cve" or source.format["kind"] not in SAY_MORE]
    assert rows == len(said) + len(refused)
    return Read(rows, claims, refused)
