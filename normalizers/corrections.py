"""Files that come again corrected: each edition is all that the file says, so what it says no more is taken back.

Its rows have no ids. So a row is a record that is known by what it says: one that is changed is another, and the one
before is gone from the file. A row without a date of its own is known without those that its document gave it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

from collectors.document import Document
from normalizers.claims import Claim, encode
from normalizers.records import Record, Refusal, UnreadableDocument, Whole
from normalizers.sources import moment_of

#: Different rows of a file: what they are known by is held in memory, and remembered as one text.
_MOST = 200_000

Item = Claim | Record | Refusal | Whole


def recorded(read: Callable[[], Iterator[Item]], document: Document) -> Iterator[Item]:
    """What ``read`` gives of the document, its rows as records, and before them that these are all of it. Raises
    :class:`UnreadableDocument`, also where they are too many."""
    place = document.place or document.name
    moment = moment_of(document, None)
    names: dict[str, None] = {}
    for item in read():
        if isinstance(item, Claim):
            names[_name(place, item, moment)] = None
            if len(names) > _MOST:
                raise UnreadableDocument(
                    f"{document.name}: expected at most {_MOST} rows of a corrected file, got more"
                )
    yield Whole(place, tuple(names), document.content.sha256)
    for item in read():
        yield Record(_name(place, item, moment), item, item.version == moment) if isinstance(item, Claim) else item


def _name(place: str, claim: Claim, moment: int) -> str:
    if claim.version == moment:
        claim = claim._replace(version=0, first_seen=0, last_seen=0)
    return hashlib.blake2b(place.encode() + b"\0" + encode(claim), digest_size=16).hexdigest()
