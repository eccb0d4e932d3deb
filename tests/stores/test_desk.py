"""Feeds, submissions, people and the hub's own small things."""

from __future__ import annotations

from dataclasses import replace

from taxii_server.stores.base import AuditRecord, FeedState, ReadCount, Store, Submission, Token, User


def submission(number: int = 1, **other: object) -> Submission:
    given: dict[str, object] = {
        "id": f"0000000{number}-0000-4000-8000-000000000000",
        "root": "members",
        "collection": "c",
        "user": "u",
        "organisation": "組織",
        "received": 1_000 - number,
        "body": b'{"objects":[]}',
    }
    return Submission(**given | other)  # type: ignore[arg-type]


def test_feed_state_comes_back_as_it_was_saved(store: Store) -> None:
    """Whatever the collector put into its cursor; saving again replaces it."""
    assert store.feed_state("f") is None
    state = FeedState(
        feed="f",
        cursor={"etag": '"x"', "nested": {"a": [1, None, True]}},
        due=1,
        last_run=2,
        last_success=3,
        status="held",
        message="なぜ",
        failures=4,
        counts={"rows": 5},
        refused={"no value": 6},
        examples=((7, "no value"), (8, "private address")),
        listed=9,
    )
    for saved in (FeedState(feed="f"), state):
        store.save_feed_state(saved)
        assert store.feed_state("f") == saved
    assert store.feed_state("g") is None


def test_rows_are_known_under_one_word(store: Store) -> None:
    """What is remembered of a feed's rows is replaced, forgotten, and unknown under another word."""
    body = bytes(range(256)) * 1_000
    assert store.rows_known("f", "word") is None
    store.know_rows("f", "old", b"old")
    store.know_rows("f", "word", body)
    store.know_rows("g", "word", b"")
    assert (store.rows_known("f", "word"), store.rows_known("f", "old")) == (body, None)
    store.forget_rows("f")
    store.forget_rows("none")
    assert (store.rows_known("f", "word"), store.rows_known("g", "word")) == (None, b"")


def test_a_lease_is_one_owners_at_a_time(store: Store) -> None:
    """Taken, prolonged by its owner, refused to others until it has run out."""
    assert store.lease("l", "a", now=0, until=10)
    assert not store.lease("l", "b", now=9, until=20)
    assert store.lease("l", "a", now=9, until=15)
    assert not store.lease("l", "b", now=14, until=20)
    assert store.lease("other", "b", now=14, until=20)
    assert store.lease("l", "b", now=15, until=20)
    assert not store.lease("l", "a", now=16, until=30)


def test_a_lease_is_given_back_by_its_owner_alone(store: Store) -> None:
    """Another's is left as it is."""
    store.lease("l", "a", now=0, until=10)
    store.release("l", "b")
    assert not store.lease("l", "b", now=1, until=10)
    store.release("l", "a")
    assert store.lease("l", "b", now=1, until=10)
    store.release("unknown", "a")


def test_a_submission_comes_back_as_it_was_added(store: Store) -> None:
    """Adding it again, as after a lost answer, does not undo what has become of it."""
    given = submission()
    store.add_submission(given)
    assert store.submission(given.id) == given
    done = replace(
        given, state="complete", verdicts=({"id": "x", "version": "v", "message": "m", "status": "success"},)
    )
    store.save_submission(done)
    store.add_submission(given)
    assert store.submission(given.id) == done
    assert store.submission("unknown") is None


def test_the_oldest_pending_submissions_come_first(store: Store) -> None:
    """Those that are complete are left out."""
    for number in range(1, 6):
        store.add_submission(submission(number))
    store.save_submission(submission(4, state="complete"))
    assert [item.id[7] for item in store.pending_submissions()] == ["5", "3", "2", "1"]
    assert [item.id[7] for item in store.pending_submissions(limit=2)] == ["5", "3"]
    assert store.count_pending() == 4


def test_originals_and_verdicts_of_submissions_leave(store: Store) -> None:
    """Of complete ones received before, once; who sent it and when stays."""
    verdicts = ({"id": "x", "version": "v", "message": "", "status": "success"},)
    for number, state in ((1, "complete"), (2, "complete"), (3, "pending")):
        store.save_submission(submission(number, state=state, verdicts=verdicts))
    assert store.retain_submissions(999) == 1
    assert store.submission(submission(2).id) == submission(2, state="complete", body=b"", verdicts=())
    assert store.submission(submission(1).id) == submission(1, state="complete", verdicts=verdicts)
    assert store.submission(submission(3).id) == submission(3, verdicts=verdicts)
    assert store.retain_submissions(999) == 0
    assert store.retain_submissions(2_000) == 1
    # Of a shared collection only the verdicts are kept, and they leave like the others.
    store.save_submission(submission(4, state="complete", verdicts=verdicts, body=b""))
    assert store.retain_submissions(999_999) == 1
    assert store.submission(submission(4).id) == submission(4, state="complete", body=b"", verdicts=())


def test_users_are_kept_by_name(store: Store) -> None:
    """Saving adds or replaces; the list is in order of name."""
    b = User(name="b", organisation="組織", groups=("g", "h"), password="$argon2id$...", created=5)
    a = User(name="a", organisation="o", groups=())
    for user in (b, a):
        store.save_user(user)
    assert store.users() == [a, b]
    assert (store.user("b"), store.user("c")) == (b, None)
    store.save_user(replace(b, disabled=True))
    assert store.users() == [a, replace(b, disabled=True)]


def test_tokens_are_found_by_digest_and_saved_by_id(store: Store) -> None:
    """The list is in order of creation."""
    late = Token(id="t1", user="a", digest=b"1" * 32, label="late", created=9, expires=99)
    early = Token(id="t2", user="a", digest=b"2" * 32, created=3)
    for token in (late, early):
        store.save_token(token)
    assert store.tokens() == [early, late]
    assert (store.token(b"1" * 32), store.token(b"3" * 32)) == (late, None)
    store.save_token(replace(late, revoked=True))
    assert store.token(b"1" * 32) == replace(late, revoked=True)
    store.save_token(replace(late, digest=b"4" * 32))
    assert (store.token(b"1" * 32), store.token(b"4" * 32)) == (None, replace(late, digest=b"4" * 32))


def test_a_secret_is_made_once(store: Store) -> None:
    """Thirty-two bytes, the same ever after, another for another name."""
    first = store.secret("a")
    assert len(first) == 32
    assert store.secret("a") == first
    assert store.secret("b") != first


def test_small_texts_are_remembered(store: Store) -> None:
    """The last one counts; an empty one is one."""
    assert store.value("a") is None
    for text in ("1", "", "二"):
        store.set_value("a", text)
        assert store.value("a") == text
    assert store.value("b") is None


def test_the_audit_log_gives_the_newest_first(store: Store) -> None:
    """Records come back as they were, in the order that they were written."""
    records = [AuditRecord(5 - number, "who", "did", f"{number}", {"n": [number], "日": None}) for number in range(5)]
    for record in records:
        store.audit(record)
    assert store.audit_log() == records[::-1]
    assert store.audit_log(limit=2) == records[:2:-1]


def test_reads_are_summed_by_subscriber_and_collection(store: Store) -> None:
    """The newest of ``last`` stays."""
    store.add_reads(
        [ReadCount("b", "c", 1, 10, 5, 0), ReadCount("a", "c", 1, 1, 1, 1), ReadCount("b", "c", 2, 20, 4, 1)]
    )
    store.add_reads([ReadCount("b", "d", 1, 1, 1, 0), ReadCount("a", "c", 1, 0, 9, 0)])
    store.add_reads([])
    assert store.reads() == [
        ReadCount("a", "c", 2, 1, 9, 1),
        ReadCount("b", "c", 3, 30, 5, 1),
        ReadCount("b", "d", 1, 1, 1, 0),
    ]
