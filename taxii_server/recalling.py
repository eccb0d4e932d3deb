"""What is remembered of the rows of a feed's document, so that those which are still there need not be parsed.

It is of the last document that was taken in whole. Before anything that it said is changed in the store it is
forgotten, and remembered anew when all is done: a crash in between costs one reading of every row. It is good only
while documents are read by the same code under the same terms.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import metadata, resources
from importlib.resources.abc import Traversable

from collectors import Document
from config.feeds import Feed
from config.instant import Millis
from normalizers.claims import observable_key
from normalizers.familiar import Familiar, Known, Notes
from normalizers.reading import Row, passes_rows, rows
from normalizers.records import Record, Refusal, Whole
from taxii_server.stores.base import Store

#: Rows that are not known, of which so many are held in memory. With more, the document is read as if none were.
_MOST_NEWS = 50_000
#: what decides how rows are read and folded
_CODE = ("normalizers", "config")


class Recall:
    """The memory of one feed's rows during one run."""

    def __init__(self, store: Store, feed: Feed, reading: str) -> None:
        """``reading`` stands for the terms, and for how the feed's file says that documents are read."""
        self._store = store
        self._feed = feed
        self._reading = f"{reading} {code()}"
        self._word = ""
        self._kept = True
        #: what was known before, None where nothing was
        self.known: Known | None = None
        #: what is noted for the next time; None where rows cannot be known again
        self.notes: Notes | None = None
        self._familiar: Familiar | None = None

    @property
    def moment(self) -> Millis:
        """Of the document that is being read, where what its rows say depends on it: of a log that can be known again;
        else 0."""
        return self._familiar.moment if self._familiar is not None and self._feed.kind == "log" else 0

    def begin(self, documents: Sequence[Document]) -> None:
        """Before these documents, which are all of one fetch, are read: rows are known where it is one."""
        self._kept = True
        self.known, self.notes = None, None
        if len(documents) != 1 or not passes_rows(self._feed):
            return
        self.notes = Notes()
        self._word = f"{self._reading} {documents[0].name}"
        body = self._store.rows_known(self._feed.id, self._word)
        self.known = Known.decode(body) if body is not None else None

    def rows(self, document: Document) -> Iterator[Row]:
        """The rows of a document, but for those that are known. Raises UnreadableDocument."""
        known = self.known
        if known is not None:
            news = self._news(document, known)
            if news is not None:
                yield from news
                return
            self.known = None
        yield from self._read(document, None)

    def _read(self, document: Document, known: Known | None) -> Iterator[Row]:
        self._familiar = Familiar(known, self._store.secret("rows")) if self.notes is not None else None
        return rows(document, self._feed, self._familiar)

    def _news(self, document: Document, known: Known) -> list[Row] | None:
        """The rows that are not known, and those that are and speak of the same observables: what becomes of those
        depends on both. None where they are too many."""
        found = self._few(document, known)
        if found is None:
            return None
        keys = {key for row in found for key in _about(row)}
        if keys and known.forget(keys):
            known.start()
            found = self._few(document, known)
        return found

    def _few(self, document: Document, known: Known) -> list[Row] | None:
        found = []
        for row in self._read(document, known):
            found.append(row)
            if len(found) > _MOST_NEWS:
                return None
        return found

    def forget(self) -> None:
        """Before anything is written that a row of the feed says."""
        if self._kept:
            self._store.forget_rows(self._feed.id)
            self._kept = False

    def remember(self) -> None:
        """Once all that the document says is in the store."""
        if self.notes is None or (self._kept and self.known is not None and not self.notes):
            return
        now = self.notes.known(self.moment, self.known)
        if now is None:
            self.forget()
        else:
            self._store.know_rows(self._feed.id, self._word, now.encode())


def _about(row: Row) -> Iterator[bytes]:
    """The key of the observable that a row is about."""
    claim = row.item.claim if isinstance(row.item, Record) else row.item
    if claim is not None and not isinstance(claim, Refusal | Whole):
        yield observable_key(claim.type, claim.value)


@cache
def code() -> str:
    """Sixteen characters that stand for the code that reads rows, its data, and what it is built on."""
    digest = hashlib.sha256()
    for package in _CODE:
        for file in _files(resources.files(package)):
            digest.update(file.read_bytes())
    for requirement in sorted(metadata.requires("noroshi") or ()):
        name = re.split(r"[^A-Za-z0-9._-]", requirement)[0]
        if "extra ==" not in requirement:
            digest.update(f"{name} {metadata.version(name)}".encode())
    return digest.hexdigest()[:16]


def _files(folder: Traversable) -> Iterator[Traversable]:
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        if item.is_dir() and item.name != "__pycache__":
            yield from _files(item)
        elif item.is_file():
            yield item
