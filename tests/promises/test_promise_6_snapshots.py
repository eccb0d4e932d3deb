"""Promise 6 on real feeds: what the snapshots become is valid."""

from __future__ import annotations

import random
import uuid

import orjson
import pytest
import stix2

from normalizers import stix
from normalizers.claims import Claim, observable_key, rounded, scores
from normalizers.ids import Ids, id_text, object_type
from normalizers.merge import View, merge
from tests.normalizers.test_snapshots import ROWS, _read, _snapshots  # noqa: F401 - skips without them
from tests.promises.test_promise_6_valid import PUBLISHER, check

#: as much of it as the OASIS validator, at some milliseconds an object, gets through in seconds
_LOT = 1_000
_VIEW = View("clear/combined/tlp2", "clear", False, "tlp2")


def _objects() -> dict[str, list[bytes]]:
    """The merged objects of all snapshots of each feed, as if all of it might be passed on."""
    found: dict[str, list[bytes]] = {}
    for name in dict.fromkeys(row[0] for row in ROWS):
        about: dict[bytes, list[Claim]] = {}
        for row in ROWS:
            if row[0] == name:
                for claim in _read(name, row[1]).claims:
                    key = observable_key(claim.type, claim.value)
                    about.setdefault(key, []).append(rounded(claim._replace(audience="clear")))
        for key, claims in about.items():
            word = merge(claims, _VIEW)
            if word is None:
                assert all(map(scores, claims))  # a score alone is no vulnerability
                continue
            kind = object_type(word.type)
            id_ = id_text(kind, Ids(uuid.NAMESPACE_URL).make(key.hex()))
            time = "2026-01-01T00:00:00.000Z"
            content = stix.content(word, "tlp2", PUBLISHER)
            found.setdefault(name, []).append(stix.body(kind, id_, PUBLISHER, time, time, content, revoked=False))
    return found


def test_promise_6_what_real_feeds_become_is_valid() -> None:
    """Every feed's first objects and a random thousand of all pass stix2.parse and the OASIS validator."""
    objects = _objects()
    every = [body for bodies in objects.values() for body in bodies]
    chosen = [body for bodies in objects.values() for body in bodies[:20]]
    for body in [*chosen, *random.Random(6).sample(every, min(_LOT, len(every)))]:
        check(orjson.loads(body))


@pytest.mark.long
def test_promise_6_all_that_real_feeds_become_is_valid() -> None:
    """All of it passes stix2.parse."""
    for bodies in _objects().values():
        for body in bodies:
            stix2.parse(orjson.loads(body), allow_custom=False)
