"""From dirty marks to log entries: merge what changed, and publish what a subscriber would act on.

One process publishes at a time, by a lease: merging is bound by the store's one writer anyway, and nobody can then
publish an older reading of the claims over a newer one. Every step can be done again; marks are cleared last.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import orjson

from config import audience as audiences
from config.instant import SECOND, Clock, Millis, parse_millis, stix_time
from config.settings import Settings
from normalizers import companions, stix
from normalizers.claims import Claim
from normalizers.merge import Merged
from normalizers.stix import id_text
from taxii_server.admission import admits
from taxii_server.stores.base import Mark, News, ObjectKey, ObjectState, Publication, Store
from taxii_server.views import Known, Outlook, Plan, Sight, plans

_LEASE = "publisher"
_LEASE_FOR: Millis = 30 * SECOND


class NotNow(Exception):
    """Another process publishes at present; what is dirty is in good hands."""


class Publisher:
    """Publishes what is dirty in a store, for every view of the settings."""

    def __init__(self, settings: Settings, store: Store, clock: Clock, owner: str) -> None:
        self.settings = settings
        self.store = store
        self.sight = Sight(settings, store, clock)
        self.plans = plans(settings)
        self._clock = clock
        self._owner = owner
        # The lease keeps other processes out, this the other threads of our own.
        self._turn = threading.Lock()
        self._held = False
        #: collections that are being filled at present
        self.unfilled: set[str] = set()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One step of publishing, which no other thread or process does meanwhile. Raises :class:`NotNow`."""
        if not self._turn.acquire(blocking=False):
            raise NotNow("another thread is publishing")
        try:
            self.hold()
            yield
        finally:
            self._turn.release()

    def hold(self) -> None:
        """Take or prolong the lease, within a turn. Raises :class:`NotNow`."""
        now = self.now()
        if not self.store.lease(_LEASE, self._owner, now=now, until=now + _LEASE_FOR):
            raise NotNow("another process is publishing")
        self._held = True

    def release(self) -> None:
        """Let another process publish, unless another thread of this one is in the middle of a turn."""
        if self._turn.acquire(blocking=False):
            try:
                if self._held:
                    self._held = False
                    self.store.release(_LEASE, self._owner)
            finally:
                self._turn.release()

    def now(self) -> Millis:
        """The injected clock, in milliseconds."""
        return self._clock() // 1_000

    # -- what every merged collection ships

    def prepare(self) -> None:
        """Put into every merged collection what its objects will refer to. Raises :class:`NotNow`."""
        with self.turn():
            self._prepare()

    def _prepare(self) -> None:
        for plan in self.plans:
            found = [
                Publication(
                    scope=plan.scope,
                    type=item.type,
                    uuid=item.uuid,
                    version=item.version,
                    created=item.created,
                    body=item.body,
                    digest=stix.digest(item.body),
                    collections=plan.names,
                )
                for item in companions.fixed(plan.view.audience, plan.view.dialect)
            ]
            found.append(self._hub_identity(plan))
            self._put(found)

    def _hub_identity(self, plan: Plan) -> Publication:
        """The hub's identity: the same object in every view, so its dates are the hub's and no view's."""
        content = companions.hub_identity(self.settings.hub)
        made = orjson.loads(self.store.value("identity") or "{}")
        now = stix_time(self.now())
        if made.get("content") != content.decode():
            made = {"created": made.get("created", now), "modified": now, "content": content.decode()}
            self.store.set_value("identity", orjson.dumps(made).decode())
        kind, uuid = self.sight.hub
        state = self.store.objects(plan.scope, [self.sight.hub]).get(self.sight.hub)
        return Publication(
            scope=plan.scope,
            type=kind,
            uuid=uuid,
            version=made["modified"],
            created=made["created"],
            body=stix.body(
                kind, self.sight.creator, self.sight.creator, made["created"], made["modified"], content, revoked=False
            ),
            digest=stix.digest(content),
            collections=plan.names,
            expected=state.version if state is not None else None,
            not_before=parse_millis(made["modified"]) * 1_000,
        )

    def _identity(self, plan: Plan, key: ObjectKey, content: bytes) -> Publication | None:
        """The version of an identity that is due, if one is."""
        state = self.store.objects(plan.scope, [key]).get(key)
        if state is None or state.digest != stix.digest(content):
            return self.version(plan, Known(key, 1, state), content, plan.names)
        missing = set(plan.names) - state.places.keys()
        return self.again(plan, state, missing) if missing else None

    # -- what is dirty

    def publish_all(self, batch: int = 2_000, news: News | None = None) -> int:
        """Publish until nothing is dirty, and let others publish then; gives the number of object versions. ``news`` as
        in :meth:`publish_some`.

        Raises :class:`NotNow`.
        """
        total = 0
        try:
            while True:
                done, published = self.publish_some(batch, news)
                news = None
                total += published
                if not done:
                    return total
        finally:
            self.release()

    def publish_some(self, batch: int = 2_000, news: News | None = None) -> tuple[int, int]:
        """Work off the oldest marks: how many, and how many object versions that published. Raises :class:`NotNow`.

        ``news`` spares reading what was just written, where it is all that is dirty.
        """
        self.store.wake(self.now())
        if news is not None:
            with self.turn():
                # Whatever is marked after this is published after this turn.
                if self._all_dirty(news.marks):
                    return self._publish_marked(news.marks, news.claims)
        marks = self.store.dirty(batch)
        if not marks:
            return 0, 0
        with self.turn():
            return self._publish_marked(marks, self.store.claims({mark.key for mark in marks}))

    def _all_dirty(self, marks: Sequence[Mark]) -> bool:
        """Whether these are all the marks there are, and nothing was marked since."""
        return self.store.last_mark() == marks[-1].number and self.store.dirty(1) == [marks[0]]

    def _publish_marked(self, marks: Sequence[Mark], claims: Mapping[bytes, list[Claim]]) -> tuple[int, int]:
        for key, claim, until in self.sight.ahead(claims):
            self.store.wait(key, claim.audience, until)
        published, again = 0, set[bytes]()
        for plan in self.plans:
            due = self._due(plan, marks, claims)
            self.hold()
            outcomes = self._put(due)
            published += outcomes.count("published")
            again |= {item.key for item, outcome in zip(due, outcomes, strict=True) if outcome == "conflict"}
        self.store.clear_dirty([mark for mark in marks if mark.key not in again])
        return len(marks), published

    def _put(self, publications: list[Publication]) -> list[str]:
        return list(self.store.publish(publications, self._clock())) if publications else []

    def _due(self, plan: Plan, marks: Sequence[Mark], claims: Mapping[bytes, list[Claim]]) -> list[Publication]:
        # In order of the first mark that this view may see: what it may not see must not even change an order.
        keys = dict.fromkeys(mark.key for mark in marks if audiences.sees(plan.view.audience, mark.audience))
        outlooks = self.sight.look(plan, keys, claims)
        due: list[Publication] = []
        identities: set[bytes] = set()
        now = self.now()
        for outlook in outlooks:
            if outlook.word.type == "advisory":
                due += self._publisher(plan, outlook.word, identities)
            publication = self._publication(plan, outlook, self.sight.content(plan, outlook.word), now)
            if publication is not None:
                due.append(publication)
        return due

    def _publisher(self, plan: Plan, word: Merged, done: set[bytes]) -> list[Publication]:
        key, content = self.sight.publisher(plan, word)
        if content is None or key[1] in done:
            return []
        done.add(key[1])
        due = self._identity(plan, key, content)
        return [due] if due else []

    def _publication(self, plan: Plan, outlook: Outlook, content: bytes, now: Millis) -> Publication | None:
        """The version that is due, if a subscriber would act on anything that changed."""
        key, word, known = outlook
        state = known.state
        if state is None and (not word.standing or word.ends <= now):
            return None  # over on arrival: kept and looked up, but no entry
        revoked = stix.ends_by_revocation(word)
        acting = stix.acting(word, content)
        places = state.places if state is not None else {}
        admitting = [
            name
            for collection, name in zip(plan.collections, plan.names, strict=True)
            if name in places or admits(collection, word, now)
        ]
        if state is not None and places and state.digest == acting and state.revoked == revoked:
            return self._missing(plan, outlook, admitting)
        if state is not None and 0 < state.ends <= now and word.ends <= now:
            return None  # it was over, and is
        if not admitting:
            return None  # until a collection admits it, nothing is said under its id
        names = plan.names if len(admitting) == len(plan.names) else tuple(admitting)
        return self.version(plan, known, content, names, revoked=revoked, key=key, ends=word.ends, digest=acting)

    def _missing(self, plan: Plan, outlook: Outlook, admitting: list[str]) -> Publication | None:
        """The version that is published already, for the collections that admit it and lack it."""
        word, state = outlook.word, outlook.known.state
        if state is None:
            return None
        live = word.standing and word.ends > self.now()
        lacking = {name for name in admitting if name not in state.places and live}
        # One that is being filled may hold an older version, of the time before it was taken out of the configuration.
        lacking |= self.unfilled.intersection(admitting)
        return self.again(plan, state, lacking) if lacking else None

    # -- versions

    def version(
        self,
        plan: Plan,
        known: Known,
        content: bytes,
        names: tuple[str, ...],
        *,
        revoked: bool = False,
        key: bytes = b"",
        ends: Millis = 0,
        digest: bytes | None = None,
    ) -> Publication:
        """A new version of an object, later than the last by at least a millisecond."""
        (kind, uuid), generation, state = known
        moment = self.now()
        expected = None
        if state is not None:
            expected = state.version
            moment = max(moment, parse_millis(expected) + 1)
        modified = stix_time(moment)
        created = state.created if state is not None else modified
        body = stix.body(kind, id_text(kind, uuid), self.sight.creator, created, modified, content, revoked=revoked)
        digest = digest or stix.digest(content)
        # By place: this is the one that a first collection makes a million of.
        return Publication(
            plan.view.name, kind, uuid, modified, created, body, digest, names, expected, moment * 1_000,
            key, generation, revoked, ends,
        )  # fmt: skip

    def again(self, plan: Plan, state: ObjectState, names: set[str]) -> Publication | None:
        """The version that is published already, for collections that lack it; None if its bytes are nowhere left."""
        key = (state.type, state.uuid)
        for place in state.places:
            body = self.store.object_body(place, key, plan.scope)
            # A collection that was taken out for a time may hold an older version.
            if body is not None and state.version.encode() in body[:600]:
                return Publication(
                    scope=plan.scope,
                    type=state.type,
                    uuid=state.uuid,
                    version=state.version,
                    created=state.created,
                    body=body,
                    digest=state.digest,
                    collections=tuple(name for name in plan.names if name in names),
                    expected=state.version,
                    not_before=parse_millis(state.version) * 1_000,
                    key=state.key,
                    generation=state.generation,
                    revoked=state.revoked,
                    ends=state.ends,
                )
        return None
