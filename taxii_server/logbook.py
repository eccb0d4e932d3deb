"""The records of one document of a log that knows its records again: some are told at once, others at its end.

What is for others than it was, and what is taken back, waits for the end of the document, and is told in batches by
whom it was for: where those end must not depend on whom it is for now.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from config.audience import Audience
from config.instant import Millis
from normalizers.records import Record, TakenBack, Whole
from taxii_server.holds import Holds
from taxii_server.retelling import Retelling
from taxii_server.voice import Voice, batches
from taxii_server.wholes import Wholes


class Logbook:
    """Takes the records of documents, one document after the other."""

    def __init__(self, voice: Voice, holds: Holds, reading: str) -> None:
        """``reading`` as in Retelling."""
        self._voice = voice
        self._holds = holds
        self._retelling = Retelling(voice, reading)
        #: the sets that the document holds, and what they held before
        self._wholes = Wholes(voice.store, voice.origin)
        #: names of records that are said no more, which those are not told for whom the document is held
        self._waiting: set[str] = set()
        #: records by whom they were for, that are for others now
        self._moved: dict[Audience, list[Record]] = {}
        #: records that say no more what they said
        self._taken_back: list[TakenBack] = []

    def whole(self, whole: Whole) -> None:
        """A set of records begins. A corrected file that is not like the edition before is held."""
        feed = self._voice.feed
        if feed.corrected:
            self._holds.edition(feed.audience, len(self._wholes.before(whole)), len(whole.records))
        if not (feed.corrected and feed.audience in self._holds.why):
            self._wholes.begin(whole)

    def take_back(self, said: TakenBack) -> None:
        """A record says no more what it said."""
        self._taken_back.append(said)

    def take(self, records: list[Record], fetched: Millis) -> None:
        """Tell those that are for whom they were, as of a document that was fetched then; the others wait."""
        records = [record for record in records if not self._wholes.outdated(record.name)]
        elsewhere = self._retelling.elsewhere(records)
        for audience, moved in elsewhere.items():
            self._moved.setdefault(audience, []).extend(moved)
        waiting = {id(record) for moved in elsewhere.values() for record in moved}
        self._retell([record for record in records if id(record) not in waiting], fetched)

    def end(self, fetched: Millis) -> None:
        """The document is at its end: tell what waited, and what is said no more to those it was said to."""
        for taken in batches(self._taken_back):
            self._move(self._retelling.taken_back(taken, fetched))
        self._taken_back.clear()
        for whole, names in self._wholes.absent():
            for absent in batches(names):
                self._move(self._retelling.absent(absent, whole, fetched))
        for moved in self._moved.values():
            for part in batches(moved):
                self._voice.each_batch()
                self._retell(part, fetched)
        self._moved.clear()
        self._wholes.end(self._waiting)

    def _move(self, records: Iterable[Record]) -> None:
        for record in records:
            if record.audience in self._holds.why:
                self._waiting.add(record.name)
            else:
                self._moved.setdefault(record.audience, []).append(record)

    def _retell(self, records: Sequence[Record], fetched: Millis) -> None:
        named = [record._replace(claim=self._voice.named(record.claim)) for record in records]
        change = self._retelling.change(named, fetched)
        if change.records:
            self._voice.put(change.rows, change.records)
