"""One run of a feed: the one file that joins collect, normalize, fold into claims, and only then moves the cursor.

Every step can be done again. A crash anywhere leaves the cursor where it was, and the next run writes the same claims
once more, to no effect.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

from collectors import Collected, Document, Means, collect
from config.audience import Audience
from config.feeds import Feed
from config.settings import Settings
from normalizers.columns import Columns, columns
from normalizers.reading import check, marks_rows
from normalizers.records import UnreadableDocument
from taxii_server.holds import Holds
from taxii_server.intake import Intake, Origin
from taxii_server.manners import Door, FeedBusy
from taxii_server.recalling import Recall
from taxii_server.standing import Standing
from taxii_server.stores.base import FeedState, News, Store
from taxii_server.tally import Tally

#: What is remembered of a document's rows, by who may see them, besides the values that a list holds.
_LEARNT = ("rows", "most", "bad")
#: Pages that one run reads: a server whose pages never end must not keep other feeds from their turn.
_MOST_PAGES = 1_000


class Run:
    """What is done with one feed between taking its lease and giving it back."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        means: Means,
        feed: Feed,
        origin: Origin,
        *,
        door: Door,
        each_batch: Callable[[Tally], None],
        tell: Callable[[News], None],
    ) -> None:
        """``door`` keeps the feed's hosts from being asked for others meanwhile. ``each_batch`` is called before each
        write with what was done so far; what it raises ends the run. ``tell`` as in Intake."""
        self._settings = settings
        self._store = store
        self._means = means
        self._feed = feed
        self._origin = origin
        self._door = door
        self._tell = tell
        self.tally = Tally()
        #: as it stood in the store when it was read or saved last
        self._saved = store.feed_state(feed.id)
        #: what is to be remembered of the feed; saved whenever the cursor moves
        self.state = self._saved or FeedState(feed=feed.id)
        self._each_batch = lambda: each_batch(self.tally)
        self._standing = Standing(store, means.clock, feed, origin[0], self._each_batch)
        self._recall = Recall(store, feed, " ".join(self._standing.terms()))

    def follow_terms(self) -> None:
        """See to it that what the feed said stands under its present terms."""
        before = self._standing.terms_before()
        if before is None:
            return
        self._store.forget_rows(self._feed.id)
        self._standing.follow_terms(before)
        # All that the feed holds is to be read under the new terms, by those who see it from now on.
        counts = {name: self._standing.moved(getattr(self.state, name), before) for name in ("listed", *_LEARNT)}
        self._save(cursor={}, **counts)
        self._standing.remember_terms(before)

    def collect(self, *, confirmed: bool) -> None:
        """Fetch and take in page after page. Raises CollectError, UnreadableDocument, StoreError, FeedBusy.

        ``confirmed``: a person says that what is so unlike the last document is right.
        """
        self.follow_terms()
        self.state = replace(self.state, status="unchanged", message=self.state.odd)
        position = self.state.cursor
        for _ in range(_MOST_PAGES):
            collected = self._fetch(position)
            try:
                if collected.documents:
                    self._take(collected, confirmed)
            finally:
                for document in collected.documents:
                    document.close()
            if collected.unchanged and self._feed.kind == "list":
                self.tally.renewed += self._standing.renew()
            position = dict(collected.cursor)
            self._move(position)
            if not collected.more:
                return
        if self.state.status != "held":  # what is held is begun again, and so at its usual time
            self.tally.more = True
            self.state = replace(self.state, message=f"{_MOST_PAGES} pages read; goes on with the rest in a minute")

    def _fetch(self, position: Mapping[str, object]) -> Collected:
        """The next documents, while nobody else asks their host; between pages it is not given back."""
        self._door.enter()
        more = False
        try:
            collected = collect(self._feed, position, self._means)
            more = collected.more
            return collected
        finally:
            if not more:
                self._door.leave()

    def _move(self, position: dict[str, object]) -> None:
        """All that the documents said is in the store by now: only here may the cursor move."""
        # What is held is read again until it is right: a log from there on, a list whole, for it may come back to what
        # it was. So is what has rows dated ahead, until their date: that must not happen for a change that not all may
        # see.
        again = self.tally.ahead and marks_rows(self._feed) and not self._feed.by_pages
        held = self.state.status == "held"
        if again or (held and self._feed.kind == "list"):
            self._save(cursor={})
        elif not held:
            self._save(cursor=position)
        else:
            self._save()

    def _save(self, **changes: object) -> None:
        self._check_not_overtaken()
        self.state = replace(self.state, **changes)  # type: ignore[arg-type]
        self._store.save_feed_state(self.state)
        self._saved = self._store.feed_state(self._feed.id)

    def _check_not_overtaken(self) -> None:
        """Raise FeedBusy where another process has run the feed meanwhile, because this one was paused past its lease:
        it may have read a later document, and what this one knows must not be taken for the present."""
        if self._store.feed_state(self._feed.id) != self._saved:
            raise FeedBusy(f"{self._feed.id} has been collected by another process meanwhile")

    def _take(self, collected: Collected, confirmed: bool) -> None:
        """Take in the documents of one fetch, but for whom they are not normal."""
        feed, documents = self._feed, collected.documents
        if marks_rows(feed):
            documents = tuple(_undated(document) for document in documents)
        self.state = replace(self.state, odd="")
        documents, rows = self._looked_over(documents, apart=collected.apart)
        partial = collected.more or collected.apart or feed.by_pages
        holds = Holds(feed, rows, self.state, partial=partial, confirmed=confirmed)
        found = columns(documents[0], feed) if feed.steady and len(documents) == 1 else None
        if found is not None:
            holds.fill(found)
        self.tally.rows += rows.total()
        intake = self._intake(holds)
        self._recall.begin(() if partial else documents)
        if holds.all:
            self.tally.held += rows.total()
        else:
            for document in documents:
                intake.document(document)
            intake.settle()
        if feed.kind == "list":
            self.state = replace(self.state, listed=self._withdraw(documents[-1], intake))
        else:
            holds.whole(intake.refused, {})
        self._learn(rows, intake, found, confirmed)
        self._judge(holds)

    def _intake(self, holds: Holds) -> Intake:
        return Intake(
            self._store,
            self._feed,
            self._origin,
            self.tally,
            holds,
            skew=self._settings.tolerated_skew,
            recall=self._recall,
            each_batch=self._each_batch,
            tell=self._tell,
        )

    def _judge(self, holds: Holds) -> None:
        """Say how the run went, now that it is known what was held; the rows of one that was not are remembered."""
        if not holds.why:
            self._check_not_overtaken()
            self._recall.remember()
        if not holds.why and self.state.status != "held":
            odd = "; ".join(filter(None, [self.state.odd, holds.message]))
            self.state = replace(self.state, status="ok", message=odd, odd=odd)
        else:
            self.state = replace(self.state, status="held", message=holds.message or self.state.message)

    def _looked_over(
        self, documents: tuple[Document, ...], *, apart: bool
    ) -> tuple[tuple[Document, ...], Counter[Audience]]:
        """The documents that can be read, and their rows. Raises UnreadableDocument for one that cannot; where they
        stand ``apart``, only when none can, and else tells of those that are left out."""
        rows: Counter[Audience] = Counter()
        readable, broken = [], []
        for document in documents:
            try:
                rows.update(check(document, self._feed))
                readable.append(document)
            except UnreadableDocument as error:
                if not apart:
                    raise
                broken.append(error)
        if broken and not readable:
            raise broken[0]
        if broken:
            said = f"{len(broken)} of {len(documents)} documents left out: {broken[0]}"
            self.state = replace(self.state, odd=said)
        return tuple(readable), rows

    def _learn(self, rows: Counter[Audience], intake: Intake, found: Columns | None, confirmed: bool) -> None:
        """Remember what the documents are like, for those for whom they were taken in."""
        held, state = intake.holds.why, self.state

        def renewed(before: Mapping[Audience, int], now: Mapping[Audience, int]) -> dict[Audience, int]:
            return {a: n for a, n in before.items() if a in held} | {a: n for a, n in now.items() if a not in held}

        most: Mapping[Audience, int] = rows
        if self._feed.kind == "log" and not confirmed:
            most = {audience: max(rows[audience], state.most.get(audience, 0)) for audience in {*rows, *state.most}}
        self.state = replace(
            state,
            rows=renewed(state.rows, rows),
            most=renewed(state.most, most),
            bad=renewed(state.bad, intake.refused),
            columns=found.shares if found is not None and found.telling and not held else state.columns,
        )

    def _withdraw(self, last: Document, intake: Intake) -> dict[Audience, int]:
        """Withdraw what a list no longer holds and sight what it does; gives the number of values it lists."""
        holds, known = intake.holds, self._recall.known
        values = Counter(audience for _, audience in intake.seen)
        if known is not None and known.met:
            values[self._feed.audience] += known.met
        holds.whole(intake.refused, values)
        if not holds.all:
            moment = last.modified or last.fetched
            among = known.missed() if known is not None else None
            self.tally.withdrawn += self._standing.withdraw_absent(
                intake.seen, moment, holds.why, among=among, first=self._recall.forget
            )
            self.tally.renewed += self._standing.renew(holds.why)
        before = {audience: count for audience, count in self.state.listed.items() if audience in holds.why}
        return before | {audience: count for audience, count in values.items() if audience not in holds.why}


def _undated(document: Document) -> Document:
    # Its own date is of whatever changed last in it, be it a row that not all may see.
    return replace(document, modified=None)
