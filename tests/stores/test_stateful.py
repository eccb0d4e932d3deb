"""A store does what the model does, whatever is asked of it in whatever order, and when it is opened again."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from normalizers.claims import wins
from taxii_server.stores.base import ClaimRow, Publication, Selection, Store, Versions, version_key
from taxii_server.stores.sqlite import settling
from tests.stores.conftest import STORES
from tests.stores.making import COLLECTION, OTHER, VIEW, at, claim, publication, uuid_of
from tests.stores.model import DAY, Model

NOW = 1_800_000_000_000_000
COLLECTIONS = (COLLECTION, OTHER)
KINDS = ("indicator", "report", "x-own")

numbers = st.integers(0, 5)
versions_ = st.integers(0, 6)
moments = st.integers(-20, 60).map(lambda step: NOW + step)
wanted_versions = st.builds(
    Versions,
    last=st.booleans(),
    first=st.booleans(),
    all=st.sampled_from([False, False, False, True]),
    exact=st.lists(versions_, max_size=2, unique=True).map(lambda some: tuple(version_key(at(one)) for one in some)),
)


def kind_of(number: int) -> str:
    return KINDS[number % 3]


def item_of(number: int) -> tuple[str, str, bytes]:
    return VIEW, kind_of(number), uuid_of(number)


@st.composite
def publications(draw: st.DrawFn) -> Publication:
    """A version of one of few objects; what it expects is filled in by the machine."""
    number = draw(numbers)
    return publication(
        number,
        draw(versions_),
        kind=kind_of(number),
        collections=tuple(draw(st.lists(st.sampled_from(COLLECTIONS), max_size=2))),
        ends=draw(st.sampled_from([0, 0, DAY, 2 * DAY - 1, 2 * DAY])),
        not_before=draw(st.sampled_from([0, 0, 0, NOW + 30])),
        owner="organisation A" if number > 2 else "",
        seen=draw(st.sampled_from([None, "latest", "latest", "latest", at(3)])),
    )


class LogMachine(RuleBasedStateMachine):
    """Publishing, deleting, retaining and reading."""

    name = "sqlite"

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="noroshi-store-"))
        self.store: Store = STORES[self.name](self.folder)
        self.model = Model()

    @rule(batch=st.lists(publications(), min_size=1, max_size=6), now=moments)
    def publish(self, batch: list[Publication], now: int) -> None:
        known = {item: new.version for item, new in self.model.latest.items()}
        filled = []
        for new in batch:
            item = (new.scope, new.type, new.uuid)
            filled.append(new._replace(expected=known.get(item)) if new.expected == "latest" else new)
            if filled[-1].expected == known.get(item):
                known[item] = max(known.get(item, ""), new.version)
        assert self.store.publish(filled, now) == [self.model.publish(new, now) for new in filled]

    @rule(collection=st.sampled_from(COLLECTIONS), number=numbers, versions=st.none() | wanted_versions, now=moments)
    def delete(self, collection: str, number: int, versions: Versions | None, now: int) -> None:
        item = item_of(number)
        gone = self.store.delete(collection, VIEW, item[1:], versions, now)
        assert gone == self.model.delete(collection, item, versions, now)

    @rule(
        collection=st.sampled_from(COLLECTIONS),
        ended=st.sampled_from([0, DAY, DAY + 1, 2 * DAY, 3 * DAY]),
        replaced=moments,
        limit=st.integers(1, 4),
    )
    def retain(self, collection: str, ended: int, replaced: int, limit: int) -> None:
        taken = self.store.retain(collection, ended_before=ended, superseded_before=replaced, limit=limit)
        assert taken == self.model.retain(collection, ended, replaced, limit)

    @rule(
        collection=st.sampled_from(COLLECTIONS),
        limit=st.integers(1, 5),
        after=st.just(0) | moments,
        types=st.none() | st.frozensets(st.sampled_from(KINDS)),
        ids=st.none() | st.frozensets(numbers.map(lambda number: item_of(number)[1:])),
        versions=wanted_versions,
    )
    def read(
        self,
        collection: str,
        limit: int,
        after: int,
        types: frozenset[str] | None,
        ids: frozenset[tuple[str, bytes]] | None,
        versions: Versions,
    ) -> None:
        wanted = Selection(limit, after, types, ids, versions)
        entries, more = self.model.page(collection, wanted)
        assert self.store.page(collection, wanted) == (entries, more)
        bodies = self.store.bodies(collection, wanted)
        assert (bodies.bodies, bodies.more) == ([entry.body for entry in entries], more)

    @rule()
    def open_again(self) -> None:
        if self.name != "memory":
            self.store.close()
            self.store = STORES[self.name](self.folder)

    @invariant()
    def knows_the_same(self) -> None:
        if not hasattr(self, "store"):
            return
        for collection in COLLECTIONS:
            everything = Selection(1_000, versions=Versions(all=True))
            assert self.store.page(collection, everything) == self.model.page(collection, everything)
            assert self.store.page(collection, Selection(1_000)) == self.model.page(collection, Selection(1_000))
            assert self.store.last_date(collection) == self.model.last.get(collection, 0)
        assert self.store.counts() == self.model.counts()
        for number in range(6):
            scope, *key = item_of(number)
            state = self.store.objects(scope, [(key[0], key[1])]).get((key[0], key[1]))
            latest = self.model.latest.get(item_of(number))
            assert (state is None) == (latest is None)
            if state and latest:
                assert (state.version, state.ends, state.digest) == (latest.version, latest.ends, latest.digest)
                assert state.places == self.model.places(item_of(number))

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            shutil.rmtree(self.folder)


class ClaimMachine(RuleBasedStateMachine):
    """Claims and full lists, against a dictionary."""

    name = "sqlite"

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="noroshi-store-"))
        self.store: Store = STORES[self.name](self.folder)
        self.known: dict[tuple[bytes, str, str], ClaimRow] = {}
        self.renew: dict[tuple[bytes, str, str], int] = {}
        self.marks: list[tuple[bytes, str]] = []

    @rule(
        rows=st.lists(
            st.builds(
                lambda value, origin, audience, version, confidence, renew: ClaimRow(
                    claim(value).key,
                    claim(value, origin, version, audience=audience, confidence=confidence),
                    renew,
                ),
                st.sampled_from("abcd"),
                st.sampled_from(["feed-a", "feed-b"]),
                st.sampled_from(["clear", "green"]),
                st.integers(1, 4),
                st.sampled_from([5, 10]),
                st.none() | st.integers(1, 9),
            ),
            max_size=6,
        )
    )
    def put(self, rows: list[ClaimRow]) -> None:
        kept = 0
        for row in rows:
            who = (row.key, row.claim.origin, row.claim.audience)
            known = self.known.get(who)
            if known is None or wins(row.claim, known.claim):
                self.known[who] = row
                self.marks.append((row.key, row.claim.audience))
                kept += 1
            if row.renew_at is None:
                self.renew.pop(who, None)
            else:
                self.renew[who] = row.renew_at
        assert self.store.put_claims(rows) == kept

    @rule(share=st.integers(1, 3))
    def clear(self, share: int) -> None:
        marks = self.store.dirty(10_000)
        gone = marks[::share]
        self.store.clear_dirty(gone)
        self.marks = [mark[1:] for mark in marks if mark not in gone]

    @rule()
    def open_again(self) -> None:
        if self.name != "memory":
            self.store.close()
            self.store = STORES[self.name](self.folder)

    @invariant()
    def knows_the_same(self) -> None:
        if not hasattr(self, "store"):
            return
        keys = {key for key, _, _ in self.known}
        found = {
            (key, said.origin, said.audience): said for key, about in self.store.claims(keys).items() for said in about
        }
        assert found == {who: row.claim for who, row in self.known.items()}
        assert self.store.keys() == sorted(keys)
        assert [mark[1:] for mark in self.store.dirty(10_000)] == self.marks
        for origin in ("feed-a", "feed-b"):
            listed = {(who[0], who[2]): at for who, at in self.renew.items() if who[1] == origin}
            assert sorted(self.store.listed(origin)) == sorted(listed)
            assert sorted(self.store.listed(origin, due=5)) == sorted(value for value, at in listed.items() if at <= 5)
            assert self.store.origin_keys(origin) == sorted({who[0] for who in self.known if who[1] == origin})

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            shutil.rmtree(self.folder)


_SHORT = settings(max_examples=25, stateful_step_count=25, suppress_health_check=list(HealthCheck), deadline=None)
_LONG = settings(_SHORT, max_examples=500, stateful_step_count=50)


@pytest.fixture(autouse=True)
def _soon_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Index rows settle after a few, so that every example has some of both."""
    monkeypatch.setattr(settling, "SETTLE_AFTER", 4)


def _case(machine: type[RuleBasedStateMachine], store: str, how: settings) -> type:
    case = type(f"{machine.__name__}_{store}", (machine,), {"name": store}).TestCase  # type: ignore[attr-defined]
    case.settings = how
    return case  # type: ignore[no-any-return]


TestLogsInMemory = _case(LogMachine, "memory", _SHORT)
TestLogsInSqlite = _case(LogMachine, "sqlite", _SHORT)
TestClaimsInMemory = _case(ClaimMachine, "memory", _SHORT)
TestClaimsInSqlite = _case(ClaimMachine, "sqlite", _SHORT)
TestLogsInSqliteLong = pytest.mark.long(_case(LogMachine, "sqlite", _LONG))
TestClaimsInSqliteLong = pytest.mark.long(_case(ClaimMachine, "sqlite", _LONG))
