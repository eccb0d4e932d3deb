"""The figures of quality count what they say."""

from __future__ import annotations

from typing import Any

import orjson

from config.instant import DAY
from normalizers.claims import Claim, rounded
from normalizers.merge import merge
from normalizers.stix import content
from tests.merge.strategies import NOW, PUBLIC
from tests.snapshots.pipeline import duplicates
from tests.snapshots.quality import figures, named_table, verdicts

VALUES = ("192.0.2.1", "192.0.2.2", "192.0.2.3")


def claim(value: str, origin: str = "one", **other: Any) -> Claim:
    """What a feed says of an address."""
    said: dict[str, Any] = {"detail": '{"threat":"botnet-c2"}', "family": origin, **other}
    return rounded(Claim("ipv4", value, origin, said.pop("family"), "clear", NOW, NOW - DAY, NOW, 9 * DAY, 80, **said))


def body(*claims: Claim) -> bytes:
    """The object that is merged of these claims, with the properties that publishing adds."""
    word = merge(claims, PUBLIC)
    assert word is not None
    head = {
        "type": "indicator",
        "spec_version": "2.1",
        "id": "indicator--4ab14efb-cfa6-5360-a72b-4899971aca94",
        "created": "2026-03-01T00:00:00.000Z",
        "modified": "2026-03-01T00:00:00.000Z",
    }
    return orjson.dumps({**head, **orjson.loads(content(word, "tlp2"))})


def test_figures_count_names_and_independent_sources() -> None:
    """By feed and together; feeds of one family are one source, and a hub's own feed is called by its name."""
    first, second, third = VALUES
    found = figures(
        [
            body(claim(first, malware=("Emotet",)), claim(first, "two", family="one")),
            body(claim(second), claim(second, "three@hub.example")),
            body(claim(third, detail='{"actors":["APT28"],"brands":["jcb"],"threat":"phishing"}')),
        ]
    )
    assert {name: (one.indicators, one.named, one.agreed) for name, one in found.items()} == {
        "": (3, 2, 1),
        "one": (3, 2, 1),
        "two": (1, 1, 0),
        "three": (1, 0, 1),
    }
    assert found[""].names == {"family": 1, "brand": 1, "actor": 1}
    *_, together = named_table(found).splitlines()
    assert together == "| together | 3 | 66.7 % | 33.3 % | 33.3 % | 33.3 % | 0 | 33.3 % |"


def test_two_objects_about_one_observable_are_one_duplicate() -> None:
    """However often, each beyond the first is one."""
    one, other = body(claim(VALUES[0])), body(claim(VALUES[1]))
    assert duplicates([one, other]) == 0
    assert duplicates([one, other, one, one]) == 2


def test_warnings_are_counted_by_code_once_an_object() -> None:
    """Of so many objects of each source; with an example of each. Errors are counted apart."""
    bodies = [body(claim(value)) for value in VALUES]
    said = verdicts(bodies, 2)
    assert (said.objects, said.errors, said.warnings["103"]) == (2, 0, 2)
    assert "not a valid UUIDv4" in said.examples["103"]
    broken = bodies[0].replace(b'"pattern_type":"stix",', b"")
    assert verdicts([*bodies, broken], 0)[:2] == (4, 1)
