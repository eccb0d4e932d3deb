"""One run of a feed: page after page is fetched and taken in, and only then the cursor moves.

Every step can be done again. A crash anywhere leaves the cursor where it was, and the next run writes the same claims
once more, to no effect.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from collectors import Collected, Means, collect
from config.feeds import Feed
from config.instant import Millis
from normalizers.reading import UnusableFormat, marks_rows
from normalizers.records import UnreadableDocument
from taxii_server.apart import Apart
from taxii_server.manners import Door, FeedBusy
from taxii_server.recalling import Recall
from taxii_server.standing import Standing
from taxii_server.stores.base import FeedState, News, Store
from taxii_server.taking import Taking
from taxii_server.tally import Tally
from taxii_server.voice import Origin, Voice

#: What is remembered of a document's rows, by who may see them, besides the values that a list holds.
_LEARNT = ("rows", "most", "bad")
#: Pages that one run reads: a server whose pages never end must not keep other feeds from their turn.
_MOST_PAGES = 1_000


class Run:
    """What is done with one feed between taking its lease and giving it back."""

    def __init__(
        self,
        store: Store,
        means: Means,
        feed: Feed,
        origin: Origin,
        *,
        door: Door,
        skew: Millis,
        each_batch: Callable[[Tally], None],
        tell: Callable[[News], None],
    ) -> None:
        """``door`` keeps the feed's hosts from being asked for others meanwhile. ``each_batch`` is called before each
        write with what was done so far; what it raises ends the run. ``tell`` as in Voice, ``skew`` as in
        Intake."""
        self._store = store
        self._means = means
        self._feed = feed
        self._door = door
        #: as it stood in the store when it was read or saved last
        self._saved = store.feed_state(feed.id)
        #: what is to be remembered of the feed; saved whenever the cursor moves
        self.state = self._saved or FeedState(feed=feed.id)

        def before_each() -> None:
            each_batch(self.tally)

        self._standing = Standing(store, means.clock, feed, origin[0], before_each)
        self._recall = Recall(store, feed, " ".join(self._standing.terms()))
        voice = Voice(store, feed, origin, self._recall, each_batch=before_each, tell=tell)
        self.tally = voice.tally
        self._taking = Taking(voice, self._standing, skew=skew)
        self._apart = Apart(feed.id)

    def follow_terms(self) -> None:
        """See to it that what the feed said stands under its present terms."""
        before = self._standing.terms_before()
        if before is None:
            return
        self._store.forget_rows(self._feed.id)
        self._standing.follow_terms(before)
        # All that the feed holds is to be read under the new terms, by those who see it from now on.
        counts = {name: self._standing.moved(getattr(self.state, name), before) for name in ("listed", *_LEARNT)}
        # What comes a part at a time begins anew, with what was usual then.
        same = self._feed.steady and before.audience == self._feed.audience
        self._save(cursor={}, columns=self.state.columns if same else {}, **counts)
        self._standing.remember_terms(before)

    def collect(self, *, confirmed: bool) -> None:
        """Fetch and take in page after page. Raises CollectError, UnreadableDocument, StoreError, FeedBusy.

        ``confirmed``: a person says that what is so unlike the last document is right.
        """
        self.follow_terms()
        self._taking.begin(self.state.columns)
        self.state = replace(self.state, status="unchanged", message=self.state.odd)
        position = self.state.cursor
        for _ in range(_MOST_PAGES):
            collected = self._fetch(position)
            try:
                if collected.apart:
                    self._take_apart(collected, confirmed)
                elif collected.documents:
                    self._take(collected, confirmed)
            finally:
                for document in collected.documents:
                    document.close()
            if collected.unchanged and self._feed.kind == "list":
                self.tally.renewed += self._standing.renew()
            position = self._apart.cursor(collected, position, confirmed=confirmed)
            if collected.apart and (self._apart.met or confirmed):
                status, message, odd = self._apart.told(position, collected.noted)
                self.state = replace(self.state, status=status, message=message, odd=odd)
            elif not collected.apart and not collected.more:
                self.state = self._apart.beside(self.state, position, collected.noted)
            self._move(position, apart=collected.apart)
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

    def _take(self, collected: Collected, confirmed: bool) -> None:
        """Take in one fetch. Its rows are remembered once all that they say is in the store."""
        partial = collected.more or self._feed.by_pages
        self._taken(self._taking.take(collected.documents, self.state, confirmed, partial=partial, alone=not partial))

    def _take_apart(self, collected: Collected, confirmed: bool) -> None:
        """Take in documents each of which stands for itself: none is held, or left out, for what is in another."""
        # What is remembered of rows is of one document: of the one that changes, where the others stay as they are.
        alone = len(collected.documents) == 1 and not collected.more
        for document in collected.documents:
            before = replace(self.state, status="unchanged")
            try:
                self._taken(self._taking.take((document,), before, confirmed, partial=False, alone=alone))
            except UnusableFormat:
                raise
            except UnreadableDocument as error:
                self._apart.broken(document, str(error))
            else:
                self._apart.took(document, self.state)

    def _taken(self, state: FeedState) -> None:
        self.state = state
        if state.status == "ok":
            self._check_not_overtaken()
            self._recall.remember()

    def _move(self, position: dict[str, object], *, apart: bool) -> None:
        """All that the documents said is in the store by now: only here may the cursor move."""
        # What is held is read again until it is right: a log from there on, a list whole, for it may come back to what
        # it was; what stands apart for itself, as the position says. So is what has rows dated ahead, until their date:
        # that must not happen for a change that not all may see.
        again = self.tally.ahead and marks_rows(self._feed) and not self._feed.by_pages
        held = self.state.status == "held"
        usual = self._taking.usual
        if again or (held and self._feed.kind == "list"):
            self._save(cursor={}, columns=usual)
        elif apart or not held:
            self._save(cursor=position, columns=usual)
        elif self._feed.by_pages:
            self._save()  # from the cursor on all rows come again, and count then
        else:
            self._save(columns=usual)

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
