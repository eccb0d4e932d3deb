"""Exports, whoever asks for them: of one collection, in one format, of what is asked for, at one present."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from config.instant import HOUR, Millis, stix_time
from config.roots import Collection
from taxii_server.exports.choosing import BadQuery, Wanted, chosen
from taxii_server.exports.forms import FORMS, Form
from taxii_server.exports.rows import About
from taxii_server.stores.base import Selection, Store

_PAGE = 1_000
#: What is live is decided anew once in so long: an export is the same until then, or until an entry comes.
STEP = HOUR


class Exported:
    """One export: its tag before anything is read, and its content."""

    def __init__(self, store: Store, hub: str, item: Collection, form: str, asked: Wanted, now: Millis) -> None:
        """Raises :class:`BadQuery` where there is no format of that name."""
        self.form: Form = _form(form)
        self._store = store
        self._collection = str(item.id)
        self._asked = asked
        present, latest = now // STEP * STEP, store.last_date(self._collection)
        # What leaves makes no entry: an object passed on that is taken back. How many there are tells.
        count = store.counts().get(self._collection, 0)
        words = f"{self._collection} {form} {asked} {present} {latest} {count}"
        # Members delete objects from a shared collection as they like.
        self.lasting = item.kind == "merged"
        self.about = About(hub, item.title, present, latest // 1_000, hashlib.sha256(words.encode()).hexdigest()[:32])

    def content(self) -> Iterator[bytes]:
        """The document, in pieces of some size."""
        return _joined(self._pieces())

    def _pieces(self) -> Iterator[bytes]:
        if self.form.any_object is not None and self._asked.everything:
            return self.form.any_object(self._bodies(), self.about)
        rows = chosen(self._bodies, self._asked, stix_time(self.about.present))
        return self.form.write(rows, self._asked, self.about)

    def _bodies(self) -> Iterator[bytes]:
        after = 0
        while True:
            page = self._store.bodies(self._collection, Selection(limit=_PAGE, after=after))
            yield from page.bodies
            if not page.more:
                return
            after = page.last


def _form(name: str) -> Form:
    if name not in FORMS:
        raise BadQuery(f"expected a format of {', '.join(FORMS)}, got {name[:60]!r}")
    return FORMS[name]


def _joined(pieces: Iterator[bytes], size: int = 65_536) -> Iterator[bytes]:
    """The same in fewer pieces: each is a write to a socket."""
    waiting: list[bytes] = []
    length = 0
    for piece in pieces:
        waiting.append(piece)
        length += len(piece)
        if length >= size:
            yield b"".join(waiting)
            waiting, length = [], 0
    if waiting:
        yield b"".join(waiting)
