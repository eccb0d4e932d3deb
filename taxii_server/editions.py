"""Editions: versions of objects with their id and dates, ready to be put into collections."""

from __future__ import annotations

from functools import lru_cache

import orjson

from config.instant import Clock, Millis, parse_millis, stix_time
from config.settings import Settings
from normalizers import companions, stix
from normalizers.ids import id_text
from normalizers.merge import Merged
from taxii_server.stores.base import ObjectKey, ObjectState, Publication, Store
from taxii_server.views import Known, Plan, Sight

# What was published together has one version, and comes again together.
_instant = lru_cache(maxsize=4_096)(parse_millis)


class Editions:
    """Makes editions under the hub's name, at the present of a clock."""

    def __init__(self, settings: Settings, store: Store, sight: Sight, clock: Clock) -> None:
        self._hub = settings.hub
        self._store = store
        self._sight = sight
        self._clock = clock

    def new(
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
        """A new version of an object for the collections ``names``, later than its last by at least a millisecond."""
        (kind, uuid), generation, state = known
        moment = self._clock() // 1_000
        expected = None
        if state is not None:
            expected = state.version
            moment = max(moment, _instant(expected) + 1)
        modified = stix_time(moment)
        created = state.created if state is not None else modified
        body = stix.body(kind, id_text(kind, uuid), self._sight.creator, created, modified, content, revoked=revoked)
        digest = digest or stix.digest(content)
        # By place: this is the one that a first collection makes a million of.
        return Publication(
            plan.scope, kind, uuid, modified, created, body, digest, names, expected, moment * 1_000,
            key, generation, revoked, ends,
        )  # fmt: skip

    def again(self, plan: Plan, state: ObjectState, names: set[str]) -> Publication | None:
        """The version that is published already, for collections that lack it; None if its bytes are nowhere left."""
        key = (state.type, state.uuid)
        for place in state.places:
            body = self._store.object_body(place, key, plan.scope)
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

    # -- what the merged objects of a view refer to

    def companions(self, plan: Plan) -> list[Publication]:
        """What every collection of the plan ships: definitions, and the hub's identity."""
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
        return [*found, self._hub_identity(plan)]

    def _hub_identity(self, plan: Plan) -> Publication:
        """The hub's identity: the same object in every view, so its dates are the hub's and no view's."""
        content = companions.hub_identity(self._hub)
        made = orjson.loads(self._store.value("identity") or "{}")
        now = stix_time(self._clock() // 1_000)
        if made.get("content") != content.decode():
            made = {"created": made.get("created", now), "modified": now, "content": content.decode()}
            self._store.set_value("identity", orjson.dumps(made).decode())
        creator, (kind, uuid) = self._sight.creator, self._sight.hub
        state = self._store.objects(plan.scope, [self._sight.hub]).get(self._sight.hub)
        return Publication(
            scope=plan.scope,
            type=kind,
            uuid=uuid,
            version=made["modified"],
            created=made["created"],
            body=stix.body(kind, creator, creator, made["created"], made["modified"], content, revoked=False),
            digest=stix.digest(content),
            collections=plan.names,
            expected=state.version if state is not None else None,
            not_before=parse_millis(made["modified"]) * 1_000,
        )

    def publisher(self, plan: Plan, word: Merged, done: set[ObjectKey]) -> Publication | None:
        """The identity of an advisory's publisher, where a version of it is due; ``done`` are those that were made
        just now."""
        key, content = self._sight.publisher(plan, word)
        if content is None or key in done:
            return None
        done.add(key)
        state = self._store.objects(plan.scope, [key]).get(key)
        if state is None or state.digest != stix.digest(content):
            return self.new(plan, Known(key, 1, state), content, plan.names)
        missing = set(plan.names) - state.places.keys()
        return self.again(plan, state, missing) if missing else None
