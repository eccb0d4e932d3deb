"""From dirty marks to log entries: merge what changed, and publish what a subscriber would act on.

One process publishes at a time, by a lease: merging is bound by the store's one writer anyway, and nobody can then
publish an older reading of the claims over a newer one. Every step can be done again; marks are cleared last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from config import audience as audiences
from config.audience import Audience
from config.instant import Clock, Millis
from config.settings import Settings
from normalizers import stix
from normalizers.claims import Claim
from taxii_server.admission import admits
from taxii_server.editions import Editions
from taxii_server.observed import NOTHING_AROUND, Observed
from taxii_server.passing import Passage, Passing
from taxii_server.stores.base import Mark, News, ObjectKey, Publication, Store
from taxii_server.turns import Turns
from taxii_server.views import Outlook, Plan, Reach, Sight, plans


class Publisher:
    """Publishes what is dirty in a store, for every view of the settings."""

    def __init__(self, settings: Settings, store: Store, clock: Clock, owner: str) -> None:
        self.settings = settings
        self.store = store
        self.sight = Sight(settings, store, clock)
        self.plans = plans(settings)
        self.turns = Turns(store, clock, owner)
        self.editions = Editions(settings, store, self.sight, clock)
        self.observed = Observed(store, self.sight, self.editions, clock)
        self.passing = Passing(store, self.turns, clock, settings.tolerated_skew)
        self._clock = clock
        self._shipped = False
        #: collections that are being filled at present
        self.unfilled: set[str] = set()

    def now(self) -> Millis:
        """The injected clock, in milliseconds."""
        return self._clock() // 1_000

    def release(self) -> None:
        """Let another process publish."""
        self.turns.release()

    def prepare(self) -> None:
        """Put into every merged collection what its objects will refer to. Raises NotNow."""
        with self.turns.turn():
            self._ship()

    def _ship(self) -> None:
        for plan in self.plans:
            self._put(self.editions.companions(plan))
        self._shipped = True

    def publish_all(self, batch: int = 2_000, news: News | None = None) -> int:
        """Publish until nothing is dirty, and let others publish then; gives the number of object versions. ``news`` as
        in :meth:`publish_some`.

        Raises NotNow.
        """
        total = 0
        try:
            while True:
                done, published = self.publish_some(batch, news)
                news = None
                total += published
                if not done:
                    self.sight.known_good.judge(self.now())
                    return total
        finally:
            self.release()

    def publish_some(self, batch: int = 2_000, news: News | None = None) -> tuple[int, int]:
        """Work off the oldest marks: how many, and how many object versions that published. Raises NotNow.

        ``news`` spares reading what was just written, where it is all that is dirty.
        """
        self.store.wake(self.now())
        if news is not None:
            with self.turns.turn():
                # Whatever is marked after this is published after this turn.
                if self._all_dirty(news.marks):
                    return self._publish_marked(news.marks, news.claims)
        marks = self.store.dirty(batch)
        if not marks:
            return 0, 0
        with self.turns.turn():
            return self._publish_marked(marks, self.store.claims({mark.key for mark in marks}))

    def look_again(self, due: Sequence[tuple[bytes, Audience]], plans: Sequence[Plan]) -> None:
        """Publish all that is marked; then have a job's observables merged anew in those of these views that see the
        audience beside each. That is no news: it does not count towards the caps of known-good lists, and takes no turn
        before what is. Raises NotNow."""
        self.publish_all()
        try:
            while due:
                marks = [Mark(0, key, audience) for key, audience in due]
                with self.turns.turn(), self.sight.known_good.uncounted():
                    _, again = self._look(marks, self.store.claims({mark.key for mark in marks}), plans)
                due = [item for item in due if item[0] in again]
        finally:
            self.release()

    def _all_dirty(self, marks: Sequence[Mark]) -> bool:
        """Whether these are all the marks there are, and nothing was marked since."""
        return self.store.last_mark() == marks[-1].number and self.store.dirty(1) == [marks[0]]

    def _publish_marked(self, marks: Sequence[Mark], claims: Mapping[bytes, list[Claim]]) -> tuple[int, int]:
        published, again = self._look(marks, claims, self.plans)
        self.store.clear_dirty([mark for mark in marks if mark.key not in again])
        return len(marks), published

    def _look(
        self, marks: Sequence[Mark], claims: Mapping[bytes, list[Claim]], plans: Sequence[Plan]
    ) -> tuple[int, set[bytes]]:
        """How many versions were published, and the marked observables to be looked at once more."""
        # Within the turn: what is decided about lists is written in one, with marks that must not be spent on less.
        self.sight.known_good.refresh()
        if not self._shipped:
            self._ship()  # nothing may be there before what it refers to, nor may it depend on what else is said
        for key, claim, until in self.sight.ahead(claims):
            self.store.wait(key, claim.audience, until)
        self.passing.wait(claims)
        published, again = 0, set[bytes]()
        for part in self.passing.parts(plans, marks, claims):
            count, conflicting = self._publish_part(part, claims, plans)
            published += count
            again |= conflicting
        return published, again

    def _publish_part(
        self, marks: Sequence[Mark], claims: Mapping[bytes, list[Claim]], plans: Sequence[Plan]
    ) -> tuple[int, set[bytes]]:
        published, again = 0, set[bytes]()
        for plan in plans:
            # In order of the first mark that this view may see: what it may not see must not even change an order.
            keys = [mark.key for mark in marks if audiences.sees(plan.view.audience, mark.audience)]
            reach = self.sight.reach(plan, list(dict.fromkeys(keys)), claims)
            passage = self.passing.pass_on(plan, reach.keys, reach.claims)
            due = self._due(plan, keys, reach, passage)
            self.turns.prolong()
            outcomes = self._put(due)
            published += outcomes.count("published")
            for item, outcome in zip(due, outcomes, strict=True):
                if outcome == "conflict":
                    again |= passage.because.get(item.key) or reach.because.get(item.key, {item.key})
        return published, again

    def _put(self, publications: list[Publication]) -> list[str]:
        return list(self.store.publish(publications, self._clock())) if publications else []

    def _due(self, plan: Plan, keys: Sequence[bytes], reach: Reach, passage: Passage) -> list[Publication]:
        """What is due of those that are reached from the marked ``keys``, in their order."""
        merged = self._merged(plan, keys, reach)
        if passage.due:
            found = dict(merged)
            merged = [(key, [*found.get(key, ()), *passage.due.get(key, ())]) for key in reach.keys]
        return [publication for _, due in merged for publication in due if publication is not None]

    def _merged(
        self, plan: Plan, keys: Sequence[bytes], reach: Reach
    ) -> list[tuple[bytes, Sequence[Publication | None]]]:
        """By observable, in their order, what is due of what is merged about them."""
        outlooks = self.sight.look(plan, reach.keys, reach.claims)
        if self.settings.known_good:
            self._count(plan, keys, outlooks)
        identities: set[ObjectKey] = set()
        now = self.now()
        made = [
            (outlook, self._edition(plan, outlook, self.sight.content(plan, outlook.word), now)) for outlook in outlooks
        ]
        around = self.observed.around(plan, made, filling=bool(self.unfilled))
        due: list[tuple[bytes, Sequence[Publication | None]]] = []
        for outlook, edition in made:
            # An indicator and its observable are there before the relationship that refers to them; and each right
            # after the other, wherever a batch ends: that must not show in a log.
            before, after = around.get(outlook.key, NOTHING_AROUND)
            if outlook.word.type == "advisory":
                before = self.editions.publisher(plan, outlook.word, identities)
            due.append((outlook.key, (before, edition, after)))
        return due

    def _count(self, plan: Plan, keys: Sequence[bytes], outlooks: list[Outlook]) -> None:
        if len(outlooks) != len(keys):  # some were marked more than once, of some the view knows nothing
            known = {item.key for item in outlooks}
            keys = [key for key in keys if key in known]
        held = {item.key: item.word.known_good for item in outlooks if item.word.known_good}
        self.sight.known_good.count(plan.view.name, keys, held)

    def _edition(self, plan: Plan, outlook: Outlook, content: bytes, now: Millis) -> Publication | None:
        """The version that is due, if a subscriber would act on anything that changed."""
        key, word, known = outlook
        state = known.state
        if word.gate and not word.false and (word.gate == "drop" or (word.standing and word.ends > now)):
            return self._kept_out(plan, outlook, now)
        if state is None and (word.false or not word.standing or word.ends <= now):
            return None  # over on arrival: kept and looked up, but no entry
        revoked = word.false or stix.ends_by_revocation(word)
        acting = stix.acting(word, content)
        places = state.places if state is not None else {}
        admitting = [
            name
            for collection, name in zip(plan.collections, plan.names, strict=True)
            if name in places or (not word.false and admits(collection, word, now))
        ]
        if state is not None and places and state.digest == acting and state.revoked == revoked:
            return self._missing(plan, outlook, admitting)
        if state is not None and 0 < state.ends <= now and word.ends <= now:
            return None  # it was over, and is
        if not admitting:
            return None  # until a collection admits it, nothing is said under its id
        names = plan.names if len(admitting) == len(plan.names) else tuple(admitting)
        return self.editions.new(plan, known, content, names, revoked=revoked, key=key, ends=word.ends, digest=acting)

    def _kept_out(self, plan: Plan, outlook: Outlook, now: Millis) -> Publication | None:
        """The end of what known-good lists do not let through, if it is published; what is held stays as it is."""
        state = outlook.known.state
        if outlook.word.gate == "hold" or state is None or not state.places or state.ends <= now:
            return None
        # When the list came to hold it nobody knows; this is when it ends for those who have it.
        word = outlook.word._replace(ends=min(outlook.word.ends, now))
        content = self.sight.content(plan, word)
        acting, names = stix.acting(word, content), tuple(name for name in plan.names if name in state.places)
        return self.editions.new(plan, outlook.known, content, names, key=outlook.key, ends=word.ends, digest=acting)

    def _missing(self, plan: Plan, outlook: Outlook, admitting: list[str]) -> Publication | None:
        """The version that is published already, for the collections that admit it and lack it."""
        word, state = outlook.word, outlook.known.state
        if state is None:
            return None
        live = word.standing and word.ends > self.now()
        lacking = {name for name in admitting if name not in state.places and live}
        # One that is being filled may hold an older version, of the time before it was taken out of the configuration.
        lacking |= self.unfilled.intersection(admitting)
        return self.editions.again(plan, state, lacking) if lacking else None
