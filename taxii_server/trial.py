"""A feed tried on documents: what a run would make of them, without a store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from collectors import Document
from config.audience import INTERNAL, Audience
from config.feeds import Feed
from normalizers.claims import Claim, rounded
from normalizers.columns import Columns, survey
from normalizers.reading import check, read
from normalizers.records import Refusal
from taxii_server.holds import Holds
from taxii_server.stores.base import FeedState

_FIRST, _EXAMPLES = 5, 20


@dataclass
class Trial:
    """What became of the documents."""

    rows: Counter[Audience] = field(default_factory=Counter)
    claims: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    #: line and message of the first refusals
    examples: list[tuple[int, str]] = field(default_factory=list)
    #: the first claims, as they would be stored
    first: list[Claim] = field(default_factory=list)
    #: what the first rows have; None where its format has no columns
    columns: Columns | None = None
    #: why a run would be held, ""
    held: str = ""


def trial(feed: Feed, documents: Sequence[Document]) -> Trial:
    """Read the documents as the feed would at its first run. Raises
    :class:`normalizers.records.UnreadableDocument`."""
    made = Trial()
    refused: Counter[Audience] = Counter()
    for document in documents:
        made.rows.update(check(document, feed))
        for item in read(document, feed):
            if isinstance(item, Refusal):
                made.refused[item.reason] += 1
                refused[item.audience or feed.audience] += 1
                if len(made.examples) < _EXAMPLES:
                    made.examples.append((item.line, item.message))
                continue
            made.claims += 1
            if len(made.first) < _FIRST:
                made.first.append(rounded(item if isinstance(item, Claim) else item.claim))
    found = survey(documents, feed, made.rows)
    made.columns = found.seen_by(INTERNAL) if found is not None and documents else None
    holds = Holds(feed, made.rows, FeedState(feed=feed.id), partial=False, confirmed=False)
    for reader in made.rows:
        holds.taste(reader, made.rows, refused)
    made.held = holds.message
    return made
