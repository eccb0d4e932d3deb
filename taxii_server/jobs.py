"""Work that goes over everything the hub knows, in steps that may be stopped anywhere and gone on with.

Four things call for it: a collection that is new and has to be filled, known-good lists that changed, a change of how
objects are made (of the code or the settings), after which the digests are renewed without entries, and an operator's
``reissue``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

import orjson

from config.audience import CLEAR
from normalizers import stix
from normalizers.ids import id_text
from taxii_server.observed import NOTHING_AROUND
from taxii_server.publishing import Publisher
from taxii_server.relisting import Relisting
from taxii_server.stores.base import AuditRecord, Publication
from taxii_server.views import Outlook, Plan

#: Raised whenever the same claims would make other bytes than before.
MAKING = "2"
_STEP = 1_000

#: called with the number of observables gone over
Progress = Callable[[int], None]
#: called with the number of versions published in a step
Pause = Callable[[int], None]


class Jobs:
    """The long jobs of one hub."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._store = publisher.store

    def settle(self, progress: Progress = lambda done: None) -> None:
        """Do what a start with new code or settings calls for. Raises NotNow."""
        self._publisher.prepare()
        self.relist(progress)
        making = self._making()
        if self._store.value("making") not in (None, making):
            # What was pending changed under the old making or the new one, nobody knows: it is published first.
            self._publisher.publish_all()
            self._over_all("renew-digests", making, self._renew, progress)
        self._store.set_value("making", making)
        self._fill(progress)

    def relist(self, progress: Progress = lambda done: None) -> None:
        """Do what a change of known-good lists calls for: at a start, and when one was set aside since. Costs next to
        nothing when there was none. Raises NotNow."""
        Relisting(self._publisher, self._keys).run(progress)

    def _fill(self, progress: Progress) -> None:
        """Put into each new collection what it admits."""
        configured = {name for plan in self._publisher.plans for name in plan.names}
        # One that was taken out of the configuration missed what came meanwhile, and is filled again if it returns.
        filled = configured & set(orjson.loads(self._store.value("filled") or "[]"))
        if configured != filled:
            self._publisher.publish_all()
            self._publisher.unfilled = unfilled = configured - filled
            plans = [plan for plan in self._publisher.plans if unfilled.intersection(plan.names)]
            done = 0
            for keys in self._keys("job/fill", " ".join(sorted(unfilled))):
                self._publisher.look_again([(key, CLEAR) for key in keys], plans)
                done += len(keys)
                progress(done)
            self._publisher.unfilled = set()
        self._store.set_value("filled", orjson.dumps(sorted(configured)).decode())

    def reissue(
        self, audit: AuditRecord, progress: Progress = lambda done: None, pause: Pause = lambda published: None
    ) -> int:
        """Publish a new version of every object whose bytes would be made otherwise today; gives how many.

        ``audit`` is recorded with every step that publishes. ``pause`` is called after each with the number published
        in it, to keep a rate.
        """
        published = 0

        def step(plan: Plan, outlooks: list[Outlook]) -> int:
            due = self._due_again(plan, outlooks)
            self._publisher.turns.prolong()
            return self._store.publish(due, self._publisher.now() * 1_000, audit).count("published") if due else 0

        def after(count: int) -> None:
            nonlocal published
            if count:
                published += count
                self._publisher.release()
                pause(count)

        self._publisher.prepare()
        self._publisher.publish_all()
        try:
            self._over_all("reissue", self._making(), step, progress, after)
        finally:
            self._publisher.release()
        return published

    def retain(self) -> int:
        """Take out what its retention is over for; gives the number of entries and versions that left."""
        now = self._publisher.now()
        settings = self._publisher.settings
        left = 0
        for root in settings.api_roots:
            for collection in root.collections:
                while True:
                    taken = self._store.retain(
                        str(collection.id),
                        ended_before=now - collection.retention,
                        superseded_before=(now - settings.superseded_for) * 1_000,
                    )
                    left += sum(taken)
                    if not any(taken):
                        break
        return left + self._store.retain_submissions((now - settings.submissions_for) * 1_000)

    # -- steps

    def _making(self) -> str:
        """A word that differs when the same claims would give other content."""
        hub = self._publisher.settings.hub
        said = "|".join([MAKING, hub.namespace.hex, *sorted(plan.view.name for plan in self._publisher.plans)])
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    def _over_all(
        self,
        name: str,
        purpose: str,
        step: Callable[[Plan, list[Outlook]], int],
        progress: Progress,
        after: Callable[[int], None] = lambda published: None,
    ) -> None:
        done = 0
        for keys in self._keys(f"job/{name}", purpose):
            for plan in self._publisher.plans:
                # A turn for each, with claims of its own: after it others may have heard and published more.
                with self._publisher.turns.turn():
                    self._publisher.sight.known_good.refresh()
                    published = step(plan, self._publisher.sight.look(plan, keys, self._store.claims(keys)))
                after(published)
            done += len(keys)
            progress(done)

    def _keys(self, place: str, purpose: str) -> Iterator[list[bytes]]:
        """All keys in steps, from where a job of that very purpose was interrupted."""
        was, _, at = (self._store.value(place) or "").partition("|")
        after = bytes.fromhex(at) if was == purpose else b""
        while keys := self._store.keys(after=after, limit=_STEP):
            yield keys
            after = keys[-1]
            self._store.set_value(place, f"{purpose}|{after.hex()}")
        self._store.set_value(place, "")

    def _renew(self, plan: Plan, outlooks: list[Outlook]) -> int:
        digests = {
            item.known.object: stix.acting(item.word, self._publisher.sight.content(plan, item.word))
            for item in outlooks
            # What lists keep out stands as it was published, until they let it in again: that is a change.
            if item.known.state is not None and not item.word.gate
        }
        self._publisher.turns.prolong()
        self._store.renew_digests(plan.scope, digests)
        return 0

    def _due_again(self, plan: Plan, outlooks: list[Outlook]) -> list[Publication]:
        now, editions = self._publisher.now(), self._publisher.editions
        due: list[tuple[Outlook, Publication | None]] = []
        for outlook in outlooks:
            known, state = outlook.known, outlook.known.state
            if (
                state is None
                or not state.places
                or outlook.word.gate
                or outlook.word.ends <= now
                or not outlook.word.standing
            ):
                continue
            content = self._publisher.sight.content(plan, outlook.word)
            served = self._store.object_body(next(iter(state.places)), known.object, plan.scope)
            made = stix.body(
                known.object[0], id_text(*known.object), self._publisher.sight.creator, state.created, state.version,
                content, revoked=state.revoked,
            )  # fmt: skip
            if served != made:
                names = tuple(name for name in plan.names if name in state.places)
                acting, ends = stix.acting(outlook.word, content), outlook.word.ends
                again = editions.new(plan, known, content, names, key=outlook.key, ends=ends, digest=acting)
                due.append((outlook, again))
        around = self._publisher.observed.around(plan, due)
        whole = ((around.get(outlook.key, NOTHING_AROUND), edition) for outlook, edition in due)
        return [item for beside, edition in whole for item in (beside.before, edition, beside.after) if item]
