"""What one fetch of a feed brought, taken in: looked over, held or read, withdrawn from, learnt from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from collectors import Document
from config.audience import Audience
from config.instant import Millis
from normalizers.columns import survey
from normalizers.reading import check, marks_rows
from taxii_server.fulllist import FullList
from taxii_server.holds import Holds
from taxii_server.intake import Intake
from taxii_server.standing import Standing
from taxii_server.stores.base import FeedState
from taxii_server.usual import Coming, Comparison, Remembered, remembered
from taxii_server.voice import Voice

Documents = tuple[Document, ...]


class Taking:
    """Takes in fetch after fetch, but for whom they are not normal."""

    def __init__(self, voice: Voice, standing: Standing, *, skew: Millis) -> None:
        """``skew`` as in Intake."""
        self._voice = voice
        self._feed = voice.feed
        self._tally = voice.tally
        self._recall = voice.recall
        self._standing = standing
        self._skew = skew
        #: what is usual in the columns by now, and what was when the run began
        self.usual: Remembered = {}
        self._settled: Remembered = {}

    def begin(self, columns: Remembered) -> None:
        """Begin a run with what is remembered of the feed's columns."""
        self.usual = self._settled = remembered(columns, self._feed.audience)

    def take(self, documents: Documents, state: FeedState, confirmed: bool, *, partial: bool, alone: bool) -> FeedState:
        """Take in documents that are one whole; gives what is to be remembered of the feed, where ``state`` is what
        was. ``confirmed``: a person says that it is right. ``partial``: they are a part of one. ``alone``: nothing
        else is taken in by this run. Raises UnreadableDocument."""
        feed, state = self._feed, replace(state, odd="")
        if marks_rows(feed):
            documents = tuple(map(_undated, documents))
        rows: Counter[Audience] = Counter()
        for document in documents:
            rows.update(check(document, feed))
        self._tally.rows += rows.total()
        holds = Holds(feed, rows, state, partial=partial, confirmed=confirmed)
        compared = self._compared(documents, rows, partial=partial, confirmed=confirmed)
        if compared is not None:
            holds.fill(compared.missed)
        self._recall.begin(documents if alone else ())
        intake = self._read(documents, rows, holds)
        if intake.list is None:
            holds.whole(intake.refused, {})
        else:
            listed = self._withdraw(documents[-1], intake.list, intake.refused, holds)
            state = replace(state, listed=_renewed(state.listed, listed, holds))
        if compared is not None:
            self.usual = compared.usual(holds.why)
        return _judged(self._learnt(state, rows, intake.refused, holds, confirmed), holds)

    def _compared(
        self, documents: Documents, rows: Counter[Audience], *, partial: bool, confirmed: bool
    ) -> Comparison | None:
        """Their columns, beside what is usual; None where the format has none."""
        coming: Coming = "rows" if partial else "whole" if self._feed.steady else "files"
        found = survey(documents, self._feed, rows, every=coming == "rows")
        if found is None:
            return None
        listed = self._feed.kind == "list"
        return Comparison(found, coming, self.usual, self._settled, listed=listed, confirmed=confirmed)

    def _read(self, documents: Documents, rows: Counter[Audience], holds: Holds) -> Intake:
        intake = Intake(self._voice, holds, skew=self._skew, reading=self._standing.terms().reading)
        if holds.all:
            self._tally.held += rows.total()
        else:
            for document in documents:
                intake.document(document)
            intake.settle()
        return intake

    def _withdraw(
        self, last: Document, holding: FullList, refused: Mapping[Audience, int], holds: Holds
    ) -> Counter[Audience]:
        """Withdraw what a list no longer holds and sight what it does; gives the number of values it lists."""
        known, values = self._recall.known, holding.values()
        if known is not None and known.met:
            values[self._feed.audience] += known.met
        holds.whole(refused, values)
        if not holds.all:
            self._tally.withdrawn += self._standing.withdraw_absent(
                holding.seen,
                last.modified or last.fetched,
                holds.why,
                among=known.missed() if known is not None else None,
                first=self._recall.forget,
            )
            self._tally.renewed += self._standing.renew(holds.why)
        return values

    def _learnt(
        self,
        state: FeedState,
        rows: Counter[Audience],
        refused: Counter[Audience],
        holds: Holds,
        confirmed: bool,
    ) -> FeedState:
        """What the documents are like, for those for whom they were taken in."""
        most: Mapping[Audience, int] = rows
        if self._feed.kind == "log" and not confirmed:
            most = {audience: max(rows[audience], state.most.get(audience, 0)) for audience in {*rows, *state.most}}
        return replace(
            state,
            rows=_renewed(state.rows, rows, holds),
            most=_renewed(state.most, most, holds),
            bad=_renewed(state.bad, refused, holds),
        )


def _renewed(before: Mapping[Audience, int], now: Mapping[Audience, int], holds: Holds) -> dict[Audience, int]:
    """Numbers as they are now, but for those for whom the documents are held: as they were."""
    kept = {audience: count for audience, count in before.items() if audience in holds.why}
    return kept | {audience: count for audience, count in now.items() if audience not in holds.why}


def _judged(state: FeedState, holds: Holds) -> FeedState:
    """How the run went, now that it is known what was held."""
    if holds.why or state.status == "held":
        return replace(state, status="held", message=holds.message or state.message)
    odd = "; ".join(filter(None, [state.odd, holds.message]))
    return replace(state, status="ok", message=odd, odd=odd)


def _undated(document: Document) -> Document:
    # Its own date is of whatever changed last in it, be it a row that not all may see.
    return replace(document, modified=None)
