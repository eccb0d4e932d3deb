"""Claims: the latest version wins, whichever way it came and however often."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from normalizers.claims import encode
from taxii_server.stores.base import Alias, ClaimRow, Found, Listed, Mark, Store, Told
from tests.stores.making import claim, row


def marks(store: Store) -> list[tuple[bytes, str]]:
    return [(mark.key, mark.audience) for mark in store.dirty(1_000)]


def test_all_claims_about_an_observable_are_read_together(store: Store) -> None:
    """claims() gives what every origin tells every audience, and leaves out keys of which nothing is known."""
    said = [claim("a"), claim("a", "feed-b"), claim("a", audience="green"), claim("b")]
    assert store.put_claims([row(item) for item in said]) == 4
    a, b = said[0].key, said[3].key
    found = store.claims([a, b, b"nobody knows this"])
    assert found.keys() == {a, b}
    assert sorted(found[a], key=encode) == sorted(said[:3], key=encode)
    assert found[b] == [said[3]]


def test_a_claim_comes_back_as_it_was_put(store: Store) -> None:
    """Every field survives, the nested ones too."""
    said = claim(
        "日本",
        withdrawn=7,
        labels=("a", "b"),
        malware=("x",),
        references=(("source", "http://example.com/", ""), ("other", "", "id")),
        detail='{"threat":"phishing"}',
    )
    store.put_claims([row(said)])
    assert store.claims([said.key]) == {said.key: [said]}


def test_the_key_is_the_rows_own(store: Store) -> None:
    """A row is kept under the key that it bears."""
    store.put_claims([ClaimRow(b"k" * 16, claim())])
    assert store.keys() == [b"k" * 16]


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_promise_3_same_claims_in_any_order(store: Store, order: tuple[int, ...]) -> None:
    """The later version wins, at a tie the greater bytes, in any order, together or one by one."""
    versions = [claim(version=1), claim(version=2, confidence=30), claim(version=2, confidence=80), claim(version=2)]
    for number in order:
        store.put_claims([row(versions[number])])
    store.put_claims([row(versions[number]) for number in order])
    assert store.claims([versions[0].key]) == {versions[0].key: [max(versions[1:], key=encode)]}


def test_put_claims_counts_what_it_kept_and_marks_it_dirty(store: Store) -> None:
    """Only a claim that is new or wins is counted, and marked, for its audience and in order."""
    b, a = claim("b", audience="green"), claim("a")
    assert store.put_claims([row(b), row(a)]) == 2
    assert marks(store) == [(b.key, "green"), (a.key, "clear")]
    store.clear_dirty(store.dirty(10))
    assert store.put_claims([row(a), row(a._replace(version=999)), row(b._replace(version=2_000))]) == 1
    assert marks(store) == [(b.key, "green")]


def test_two_versions_of_a_claim_in_one_call(store: Store) -> None:
    """Rows count in their order, as if they had come one by one."""
    early, late = claim(version=1), claim(version=2)
    assert store.put_claims([row(early), row(late), row(early)]) == 2
    assert store.claims([late.key]) == {late.key: [late]}
    assert len(store.dirty(10)) == 2
    later = late._replace(version=5)
    assert store.put_claims([row(late._replace(version=4)), row(later)]) == 2
    assert store.claims([late.key]) == {late.key: [later]}


def test_putting_nothing_changes_nothing(store: Store) -> None:
    """An empty call is no error."""
    assert store.put_claims([]) == 0
    assert store.claims([]) == {}
    assert store.dirty(10) == []


def test_keys_go_over_all_observables_and_can_be_resumed(store: Store) -> None:
    """keys() is in order and without repetition; the last key of a piece is where the next begins."""
    said = [claim(str(number), origin) for number in range(25) for origin in ("feed-a", "feed-b")]
    store.put_claims([row(item) for item in said])
    found: list[bytes] = []
    while piece := store.keys(after=found[-1] if found else b"", limit=4):
        assert len(piece) <= 4
        found += piece
    assert found == sorted({item.key for item in said})


def test_keys_of_one_origin(store: Store) -> None:
    """origin_keys() gives the keys that an origin has claims about, in order, for whatever audience, once."""
    store.put_claims([row(claim(str(number), "feed-a")) for number in range(9)])
    mine = [
        claim(str(number), "feed-b", audience=audience) for number in range(5, 12) for audience in ("clear", "green")
    ]
    store.put_claims([row(item) for item in mine])
    expected = sorted({item.key for item in mine})
    assert store.origin_keys("feed-b") == expected
    assert store.origin_keys("feed-b", after=expected[1], limit=2) == expected[2:4]
    assert store.origin_keys("nobody") == []


# ---------------------------------------------------------------- full lists


def listed(store: Store, **wanted: object) -> list[bytes]:
    return [item.key for item in store.listed("feed-a", **wanted)]  # type: ignore[arg-type]


def test_listed_gives_what_a_list_holds(store: Store) -> None:
    """Values with a renew_at, of that origin alone, in one order, and on from any of them."""
    said = [claim(str(number), audience=audience) for number in range(6) for audience in ("clear", "green")]
    store.put_claims([row(item, 100) for item in said])
    store.put_claims([row(claim("log")), row(claim("0", "feed-b"), 100)])
    expected = store.listed("feed-a")
    assert sorted(expected) == sorted(Listed(item.key, item.audience) for item in said)
    assert store.listed("feed-a", limit=3) == expected[:3]
    assert store.listed("feed-a", after=expected[4], limit=3) == expected[5:8]
    assert store.listed("feed-a", after=expected[-1]) == []
    assert store.listed("nobody") == []


def test_listed_gives_what_is_due(store: Store) -> None:
    """With ``due``: only what has a renew_at at or before it, the earliest first."""
    said = [claim(str(number)) for number in range(6)]
    times = [30, 10, 60, 20, 50, 40]
    store.put_claims([row(item, at) for item, at in zip(said, times, strict=True)])
    assert listed(store, due=40) == [said[place].key for place in (1, 3, 0, 5)]
    assert listed(store, due=40, limit=2) == [said[1].key, said[3].key]
    assert listed(store, due=9) == []


def test_renew_at_is_set_even_when_the_stored_claim_stays(store: Store) -> None:
    """A sighting that changes no claim still moves the next time to look, and takes a value out of its list."""
    said = claim()
    store.put_claims([row(said, 10)])
    assert store.put_claims([row(said, 20)]) == 0
    assert listed(store, due=19) == []
    assert listed(store, due=20) == [said.key]
    assert store.put_claims([row(said._replace(version=1), None)]) == 0
    assert listed(store) == []
    assert store.put_claims([row(said, 30)]) == 0
    assert listed(store, due=30) == [said.key]


def test_what_was_found_counts_only_until_something_is_marked(store: Store) -> None:
    """Who says what was known before spares another look; whoever came between is not overlooked."""
    mine, other = claim("1"), claim("2")
    assert store.put_claims([row(mine, 10)], found=Found(store.last_mark(), ())) == 1
    found = Found(store.last_mark(), store.claims([mine.key, other.key]).keys())
    assert store.put_claims([row(mine._replace(version=mine.version + 1)), row(other)], found=found) == 2
    late = other._replace(version=other.version - 1)
    assert store.put_claims([row(late)], found=found) == 0
    assert store.claims([other.key]) == {other.key: [other]}


def test_the_last_renew_at_of_one_call_counts(store: Store) -> None:
    """Rows about one claim in one call are taken in order."""
    said = claim()
    store.put_claims([row(said, 10), row(said, None)])
    assert listed(store) == []
    store.put_claims([row(said, None), row(said, 20), row(said, 30)])
    assert (listed(store, due=29), listed(store, due=30)) == ([], [said.key])


# ---------------------------------------------------------------- dirty marks


def test_marks_are_oldest_first_and_cleared_one_by_one(store: Store) -> None:
    """An observable may be marked more than once, and a mark set since stays."""
    store.mark_dirty([b"a", b"b"], "clear")
    seen = store.dirty(10)
    store.mark_dirty([b"a"], "clear")
    assert [(mark.key, mark.audience) for mark in seen] == [(b"a", "clear"), (b"b", "clear")]
    store.clear_dirty(seen)
    assert marks(store) == [(b"a", "clear")]
    store.clear_dirty(seen)
    assert len(store.dirty(10)) == 1


def test_only_the_marks_that_are_given_are_cleared(store: Store) -> None:
    """A gap between them stays."""
    store.mark_dirty([bytes([number]) for number in range(9)], "green")
    all_marks = store.dirty(100)
    store.clear_dirty([all_marks[place] for place in (7, 1, 2, 5)])
    assert store.dirty(100) == [all_marks[place] for place in (0, 3, 4, 6, 8)]
    assert store.dirty(2) == [all_marks[0], all_marks[3]]


def test_a_number_is_never_given_twice(store: Store) -> None:
    """A mark cleared by mistake twice cannot clear a later one."""
    store.mark_dirty([b"a"], "clear")
    old = store.dirty(1)
    store.clear_dirty(old)
    store.mark_dirty([b"a"], "clear")
    store.clear_dirty(old)
    assert len(store.dirty(10)) == 1
    assert isinstance(store.dirty(1)[0], Mark)


def test_what_waits_is_marked_when_its_time_has_come(store: Store) -> None:
    """wake() marks what waited until then or earlier, in order of (until, key), once."""
    store.wait(b"c", "clear", 20)
    store.wait(b"b", "green", 10)
    store.wait(b"a", "clear", 20)
    store.wait(b"a", "clear", 20)
    store.wait(b"d", "clear", 21)
    assert store.wake(9) == 0
    assert store.wake(20) == 3
    assert marks(store) == [(b"b", "green"), (b"a", "clear"), (b"c", "clear")]
    assert store.wake(20) == 0
    assert store.wake(21) == 1


def test_the_last_mark_tells_whether_anything_was_marked_since(store: Store) -> None:
    """Numbers rise by one with every mark, of whatever kind, and clearing takes none back."""
    assert store.last_mark() == 0
    store.mark_dirty([b"a", b"b"], "clear")
    assert store.last_mark() == store.dirty(10)[-1].number
    before = store.last_mark()
    assert store.put_claims([row(claim()), row(claim())]) == 1
    assert store.last_mark() == before + 1
    store.wait(b"c", "clear", 5)
    store.wake(5)
    assert store.last_mark() == before + 2
    store.clear_dirty(store.dirty(10))
    assert store.last_mark() == before + 2


def test_an_observable_is_found_by_its_aliases(store: Store) -> None:
    """Several observables may have one; once said it is known, however often it is said."""
    a, b = claim("a"), claim("b")
    other, weak = b"o" * 16, b"w" * 16
    names = [Alias(weak, b.key), Alias(weak, a.key), Alias(other, a.key)]
    store.put_claims([row(a), row(b)], aliases=names)
    store.put_claims([row(a)], aliases=names[1:])
    assert store.aliased(weak) == sorted([a.key, b.key])
    assert store.aliased(weak, limit=1) == [min(a.key, b.key)]
    assert store.aliased(weak, after=min(a.key, b.key)) == [max(a.key, b.key)]
    assert store.aliased(weak, after=max(a.key, b.key)) == []
    assert store.aliased(other) == [a.key]
    assert store.aliased(a.key) == []
    assert store.claims([weak]) == {}


def _told(number: int, value: str, **other: Any) -> Told:
    said = claim(value, **other)
    return Told(said.origin, bytes([number]) * 16, said.key, "reading", said)


def test_claims_are_found_by_what_stands_in_them(store: Store) -> None:
    """In the order in which they were first stored, in pages, whatever the case of ASCII letters; a new version counts
    in place of the old one."""
    said = [claim(f"v{number}", labels=("Mirai" if number % 2 else "other",)) for number in range(9)]
    store.put_claims([row(item) for item in said[:5]])
    store.put_claims([row(item) for item in said[4:]])
    odd = [item for item in said if item.labels == ("Mirai",)]
    found = store.mentioning(['"mIRAI"'])
    assert [item for _, item in found] == odd
    first = store.mentioning(['"mirai"'], limit=2)
    assert first + store.mentioning(['"mirai"'], after=first[-1][0]) == found
    later = odd[0]._replace(version=odd[0].version + 1, labels=("other",))
    store.put_claims([row(later)])
    assert [item for _, item in store.mentioning(['"mirai"', "nobody"])] == odd[1:]
    assert store.mentioning(["日本"]) == []
    foreign = claim("日本", labels=("Ä",))
    store.put_claims([row(foreign)])
    assert [item for _, item in store.mentioning(['"Ä"'])] == [foreign]
    assert store.mentioning(['"ä"']) == []
    assert store.mentioning([]) == []


def test_observables_are_gone_over(store: Store) -> None:
    """Once for each claim, in the order in which they were first stored, in pages, whatever becomes of the claims."""
    said = [claim(f"v{number % 6}", origin=f"feed-{number // 6}") for number in range(9)]
    store.put_claims([row(item) for item in said[:5]])
    store.put_claims([row(item) for item in said[4:]])
    store.put_claims([row(said[2]._replace(version=said[2].version + 1, withdrawn=9))])
    pages, after = [], 0
    while page := store.observables(after=after, limit=4):
        pages.append(page)
        after = page[-1][0]
    assert [len(page) for page in pages] == [4, 4, 1]
    assert [(kind, value) for page in pages for _, kind, value in page] == [(item.type, item.value) for item in said]
    assert store.observables() == [one for page in pages for one in page]


def test_a_log_s_records_are_kept_by_id_and_found_by_observable(store: Store) -> None:
    """The last that was put of each, wherever it was before; of one origin alone."""
    a, b, other = _told(1, "a"), _told(2, "a"), _told(1, "a", origin="feed-b")
    store.put_claims([row(a.claim)], records=[a, b, other])
    assert store.records("feed-a", [a.id, b.id, b"x" * 16]) == {a.id: a, b.id: b}
    assert sorted(store.records_about("feed-a", [a.key])) == sorted([a, b])
    moved = _told(1, "b", labels=("x",), withdrawn=7)
    assert store.put_claims([], records=[moved]) == 0
    assert store.records("feed-a", [a.id]) == {a.id: moved}
    assert store.records_about("feed-a", [a.key]) == [b]
    assert store.records_about("feed-a", [moved.key]) == [moved]
    assert store.records_about("feed-b", [a.key, moved.key]) == [other]
    assert store.records_about("feed-c", [a.key]) == []


def test_records_and_their_claims_are_written_in_one_step(sqlite: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where records cannot be written, the claims made of them are not there either."""

    def broken(*_: Any) -> None:
        raise RuntimeError("power cut")

    one = _told(1, "a")
    with monkeypatch.context() as patch:
        patch.setattr("taxii_server.stores.sqlite.claims.put_records", broken)
        with pytest.raises(RuntimeError):
            sqlite.put_claims([row(one.claim)], records=[one])
    assert sqlite.claims([one.key]) == {}
    assert sqlite.dirty(10) == []
