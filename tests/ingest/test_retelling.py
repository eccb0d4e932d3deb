"""Logs whose records are known again: a claim is what the latest of its records say, in whatever order they came."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.audience import rank
from config.instant import HOUR, stix_time
from normalizers.claims import Claim, observable_key, rounded
from normalizers.folds import fold
from normalizers.records import Record, TakenBack
from taxii_server.recalling import Recall
from taxii_server.retelling import Retelling
from taxii_server.stores.memory import MemoryStore
from taxii_server.voice import Voice
from tests.hubs import PUBLIC
from tests.ingest.test_ingest import NOW, Runner, _feed

CLEAR = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"
GREEN = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"


#: when all of them are read
READ = NOW + 30 * 24 * HOUR


class Version(NamedTuple):
    """One version of a record; of a record's versions no two have the same number."""

    record: int
    number: int
    value: str
    audience: str
    revoked: bool
    label: str

    def claim(self) -> Claim:
        at = NOW + self.number * 24 * HOUR
        return Claim(
            "domain", f"{self.value}.example", "log", "log", self.audience, at, at, at, 24 * HOUR, 50,
            at if self.revoked else 0, (self.label,),
        )  # fmt: skip

    def told(self) -> Record:
        return Record(f"indicator--{self.record}", self.claim())


_versions = st.lists(
    st.builds(
        Version,
        record=st.integers(0, 3),
        number=st.integers(0, 5),
        value=st.sampled_from(["a", "b"]),
        audience=st.sampled_from(["clear", "clear", "green"]),
        revoked=st.sampled_from([False, False, True]),
        label=st.sampled_from(["x", "y", "z"]),
    ),
    max_size=12,
    unique_by=lambda version: (version.record, version.number),
)


def _retelling(store: MemoryStore, reading: str = "now") -> Retelling:
    log = _feed(kind="log", format={"kind": "stix"})
    voice = Voice(store, log, ("log", "log"), Recall(store, log, ""), each_batch=lambda: None, tell=lambda news: None)
    return Retelling(voice, reading)


def _tell(store: MemoryStore, versions: list[Version], reading: str = "now") -> int:
    change = _retelling(store, reading).change([version.told() for version in versions], READ)
    return store.put_claims(change.rows, records=change.records)


def _claims(store: MemoryStore) -> dict[tuple[str, str], Claim]:
    found = store.claims(store.keys())
    return {(claim.value, claim.audience): claim for claims in found.values() for claim in claims}


def _expected(versions: list[Version]) -> dict[tuple[str, str], Claim]:
    """Said as simply as it can be: what stands of the latest of each record."""
    latest = {version.record: version for version in sorted(versions, key=lambda version: version.number)}
    places: dict[tuple[str, str], list[Claim]] = {}
    for version in latest.values():
        if not version.revoked:
            claim = version.claim()
            places.setdefault((claim.value, claim.audience), []).append(claim)
    return {
        place: rounded(
            claims[0]._replace(
                first_seen=min(claim.first_seen for claim in claims),
                last_seen=max(claim.last_seen for claim in claims),
                labels=tuple(sorted({label for claim in claims for label in claim.labels})),
            )
        )
        for place, claims in places.items()
    }


@given(_versions, st.randoms(use_true_random=False), st.lists(st.integers(1, 4), min_size=1, max_size=12))
@settings(max_examples=400)
def test_promise_3_the_same_records_in_any_order_and_grouping(versions: list[Version], random: Any, sizes: Any) -> None:
    """What stands is what the latest of each record says, older versions after newer ones and repetitions included;
    nothing else stands; and all of it once more changes nothing."""
    store = MemoryStore()
    told = [*versions, *random.sample(versions, len(versions) // 2)]
    random.shuffle(told)
    sizes = iter([*sizes, *[3] * len(told)])
    while told:
        size = next(sizes)
        _tell(store, told[:size])
        told = told[size:]
    found = _claims(store)
    standing = {place: claim._replace(version=0) for place, claim in found.items() if not claim.withdrawn}
    assert standing == {place: claim._replace(version=0) for place, claim in _expected(versions).items()}
    random.shuffle(versions)
    assert _tell(store, versions) == 0
    assert _claims(store) == found


@given(_versions, st.integers(0, 8), st.randoms(use_true_random=False))
@settings(max_examples=200)
def test_promise_4_a_crash_between_batches_leaves_nothing_over(versions: list[Version], done: int, random: Any) -> None:
    """Batches are written whole or not at all; begun again from the first, or from a newer document, the end is the
    same."""
    store = MemoryStore()
    _tell(store, versions[:done])
    random.shuffle(versions)
    _tell(store, versions)
    standing = {place: claim._replace(version=0) for place, claim in _claims(store).items() if not claim.withdrawn}
    assert standing == {place: claim._replace(version=0) for place, claim in _expected(versions).items()}


@given(_versions)
def test_versions_of_claims_rise_with_every_change(versions: list[Version]) -> None:
    """Each change of a claim wins over the one before, so a store and other hubs take it."""
    store = MemoryStore()
    for version in versions:
        before = _claims(store)
        change = _retelling(store).change([version.told()], READ)
        for row in change.rows:
            known = before.get((row.claim.value, row.claim.audience))
            assert known is None or row.claim.version > known.version
        assert store.put_claims(change.rows, records=change.records) == len(change.rows)


class Twice(NamedTuple):
    """What a record says by one number, as others of it may, and what it says instead where that is hidden."""

    record: int
    number: int
    said: tuple[str, str, bool, str]
    instead: tuple[str, str, bool, str]

    def version(self, hidden: bool) -> Version:
        said = self.instead if hidden and self.said[1] != "clear" else self.said
        return Version(self.record, self.number, *said)


def _said(audiences: list[str]) -> Any:
    flags = st.sampled_from([False, False, True])
    return st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(audiences), flags, st.sampled_from(["x", "y", "z"]))


HIDDEN = ["green", "amber:finance", "amber+strict:finance", "internal"]
_twice = st.lists(
    st.builds(Twice, st.integers(0, 1), st.integers(0, 2), _said(["clear", "clear", *HIDDEN]), _said(HIDDEN)),
    max_size=8,
)


@given(_twice, st.randoms(use_true_random=False), st.integers(1, 4))
@settings(max_examples=400)
def test_promise_3_of_one_version_told_twice_the_same_stands_whatever_the_order(
    told: list[Twice], random: Any, size: int
) -> None:
    """A log that tells a version anew for others, or in other words, without a new date: in any order, grouping and
    repetition the same stands, and of each record it is for nobody but those whom all tellings of it were for."""
    stores = [MemoryStore(), MemoryStore()]
    versions = [one.version(hidden=False) for one in told]
    for store in stores:
        again = [*versions, *random.sample(versions, len(versions) // 2)]
        random.shuffle(again)
        for start in range(0, len(again), size):
            _tell(store, again[start : start + size])
    one, other = ({place: claim._replace(version=0) for place, claim in _claims(store).items() if not claim.withdrawn}
                  for store in stores)  # fmt: skip
    assert one == other
    for record in {version.record for version in versions}:
        number = max(version.number for version in versions if version.record == record)
        narrowest = max((v.audience for v in versions if v[:2] == (record, number)), key=rank)
        kept = stores[0].records("log", [hashlib.blake2b(f"indicator--{record}".encode(), digest_size=16).digest()])
        assert [told.claim.audience for told in kept.values()] == [narrowest]


@given(st.lists(_twice, max_size=4))
@settings(max_examples=400)
def test_promise_2_what_a_version_says_to_fewer_besides_is_not_told(batches: list[list[Twice]]) -> None:
    """Whom else, what and in what words: all that others learn is that they may have it no more."""
    stores = [MemoryStore(), MemoryStore()]
    for hidden, store in enumerate(stores):
        for batch in batches:
            _tell(store, [one.version(hidden=bool(hidden)) for one in batch])
    one, other = ({place: claim for place, claim in _claims(store).items() if place[1] == "clear"} for store in stores)
    assert one == other


@pytest.mark.parametrize("refused", [False, True], ids=["marked for fewer", "refused for its marking"])
def test_promise_2_when_a_record_was_marked_for_fewer_is_not_told(refused: bool) -> None:
    """Those who lose it see that it ended when it was read, whatever date the version has that they may not see."""
    public = set()
    for number in (1, 5):
        store = MemoryStore()
        _tell(store, [Version(0, 0, "a", "clear", False, "x")])
        later = Version(0, number, "a", "green", False, "y")
        retelling = _retelling(store)
        taken_back = TakenBack(later.told().name, later.claim().version)
        records = retelling.taken_back([taken_back], READ) if refused else [later.told()]
        change = retelling.change(records, READ)
        store.put_claims(change.rows, records=change.records)
        public.add(_claims(store)["a.example", "clear"])
    assert [(claim.withdrawn, claim.version) for claim in public] == [(READ, READ)]


def test_what_is_read_anew_replaces_what_was_read_otherwise() -> None:
    """After a change of the feed's file the same version may say something else; under one reading, the greater bytes
    stay, so nothing goes to and fro."""
    store = MemoryStore()
    x, y = (Version(1, 1, "a", "clear", False, label) for label in "xy")
    _tell(store, [y])
    assert _tell(store, [x]) == 0
    assert _tell(store, [x], "otherwise") == 1
    assert _claims(store)["a.example", "clear"].labels == ("x",)


def _object(number: int, value: str = "http://example.com/a", hours: int = 0, **changes: Any) -> dict[str, Any]:
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--11111111-1111-4111-8111-{number:012d}",
        "created": stix_time(NOW),
        "modified": stix_time(NOW + hours * HOUR),
        "valid_from": stix_time(NOW),
        "pattern": f"[url:value = '{value}']",
        "pattern_type": "stix",
        "object_marking_refs": [CLEAR],
        **changes,
    }


class Log(Runner):
    """A hub whose one feed is a log of STIX objects."""

    def __init__(self, folder: Path, **changes: Any) -> None:
        super().__init__(folder, _feed(**{"kind": "log", "format": {"kind": "stix"}, **changes}))

    def read(self, *objects: dict[str, Any]) -> set[str]:
        """The values that are live once a document of these objects was read, two hours after the last."""
        self.wait(2 * HOUR)
        self.write(json.dumps({"objects": list(objects)}))
        self.run()
        now = stix_time(self.clock.now // 1_000)
        return {value for value, until in self.live().items() if until > now}


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path)


A, B = "http://example.com/a", "http://example.com/b"


def test_a_claim_of_two_objects_ends_with_the_second(log: Log) -> None:
    """One of them revoked leaves the other; both revoked end it."""
    assert log.read(_object(1), _object(2)) == {A}
    assert log.read(_object(1, hours=1, revoked=True)) == {A}
    assert log.read(_object(2, hours=2, revoked=True)) == set()


def test_an_object_that_speaks_of_another_value_now_takes_its_old_one_along(log: Log) -> None:
    """Unless another object says that one too."""
    assert log.read(_object(1), _object(2)) == {A}
    assert log.read(_object(1, B, hours=1)) == {A, B}
    assert log.read(_object(2, B, hours=2)) == {B}
    assert log.read(_object(1), _object(2)) == {B}


def test_an_older_version_after_a_newer_one_brings_nothing_back(log: Log) -> None:
    """Neither what was revoked nor what was said before."""
    assert log.read(_object(1, hours=1, revoked=True)) == set()
    assert log.read(_object(1)) == set()
    assert log.read(_object(1, B, hours=2)) == {B}
    assert log.read(_object(1), _object(1, B, hours=2)) == {B}


def test_an_object_marked_for_fewer_leaves_the_wider_and_another_stays(log: Log) -> None:
    """What one object says again for fewer is gone from the public; what another says for all is not."""
    assert log.read(_object(1), _object(2, B)) == {A, B}
    green = {"object_marking_refs": [GREEN]}
    assert log.read(_object(1, hours=1, **green), _object(3, B, hours=1, **green)) == {B}


def test_a_list_does_not_hold_what_is_revoked_in_it(tmp_path: Path) -> None:
    """It is withdrawn as what is absent is, if no other object says the value."""
    log = Log(tmp_path, kind="list", expect={"shrink": 1.0})
    assert log.read(_object(1), _object(2), _object(3, B)) == {A, B}
    revoked = {"hours": 1, "revoked": True}
    assert log.read(_object(1, **revoked), _object(2), _object(3, B, **revoked)) == {A}


def test_terms_that_become_narrower_bring_nothing_back(tmp_path: Path) -> None:
    """Records follow the terms as their claims do: what touches a value later does not return it to the public."""
    log = Log(tmp_path)
    unmarked = {"object_marking_refs": [GREEN]}
    plain = {key: value for key, value in _object(1).items() if key not in unmarked}
    assert log.read(plain) == {A}
    log.feed = _feed(kind="log", format={"kind": "stix"}, share="members")
    other = {key: value for key, value in _object(2, hours=-1).items() if key not in unmarked}
    assert log.read(other) == set()
    key = observable_key("url", A)
    (green,) = [claim for claim in log.store.claims([key])[key] if not claim.withdrawn]
    assert green.audience == "green"
    revoke = [{**obj, "modified": stix_time(NOW + 3 * HOUR), "revoked": True} for obj in (plain, other)]
    log.read(revoke[1])
    assert [claim.audience for claim in log.store.claims([key])[key] if not claim.withdrawn] == ["green"]
    log.read(revoke[0])
    assert all(claim.withdrawn for claim in log.store.claims([key])[key])


def test_rows_without_names_are_folded_as_before() -> None:
    """A log of plain rows goes on uniting what it said: nothing of it can be taken back."""
    one, other = (Version(0, 1, "a", "clear", False, label).claim() for label in "xy")
    assert fold(fold(None, one, replace=False), other, replace=False).labels == ("x", "y")


def test_promise_2_what_leaves_the_public_does_so_in_the_same_order_whatever_is_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches of what is for fewer now end where they did if nothing else were for those."""
    for module in ("intake", "voice"):
        monkeypatch.setattr(f"taxii_server.{module}.BATCH", 2)
    green = {"hours": 1, "object_marking_refs": [GREEN]}
    values = [f"http://example.com/{number}" for number in range(12)]
    first = [_object(number, values[number]) for number in range(5)]
    new = [_object(number, values[number], hours=1) for number in (7, 6)]
    gone = [_object(number, values[number], **green) for number in (3, 0, 2)]
    then = [gone[0], *new, *gone[1:]]
    beside = [_object(number, values[number], **green) for number in (8, 9, 10)]
    logs = []
    for name, document in (("alone", then), ("beside", [beside[0], then[0], *beside[1:], *then[1:]])):
        (tmp_path / name).mkdir()
        log = Log(tmp_path / name)
        log.read(*first)
        assert log.read(*document) == {values[1], values[4], values[6], values[7]}
        logs.append(log.hub.log(PUBLIC))
    assert logs[0] == logs[1]


def test_promise_4_an_object_dated_ahead_makes_no_version_at_every_reading(log: Log) -> None:
    """It counts as of its fetch, again each time; what it was first seen at does not move with that."""
    ahead = stix_time(NOW + 90 * 24 * HOUR)
    obj = _object(1, created=ahead, modified=ahead, valid_from=ahead)
    assert log.read(obj) == {A}
    before = log.hub.log(PUBLIC)
    for _ in range(3):
        log.read(obj)
    assert log.hub.log(PUBLIC) == before
    log.wait(91 * 24 * HOUR)
    assert log.read(obj) == {A}
