"""Folding: one claim of all that an origin says about one observable to one audience.

:func:`fold` makes it of what is stored and one more row, :func:`retold` anew of all records. Both give back what is
stored where nothing changed that a subscriber acts on, and where something did, a later version.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import orjson

from config.instant import Millis, time_key
from config.observables import PASSED
from normalizers.claims import BY_NUMBER, MOST_WORDS, Claim, Reference, detail_text, encode, rounded

#: External references that a claim may have.
_MOST_REFERENCES = 100
#: Ports that are told of an address; one that is scanned answers at thousands.
_MOST_PORTS = 20
#: Members of lists that a claim may have, whatever its rows say.
_MOST = {"port": _MOST_PORTS, "actors": MOST_WORDS, "brands": MOST_WORDS, "targets": MOST_WORDS}
#: How members of details come together, where the latest value would not do.
_EARLIEST = frozenset({"published", "exploited"})
_UNITED = frozenset({"port", "cves", "cwe", "products", "cvss", "jvn", "actors", "brands", "targets"})
_BY_NAME = frozenset({"title", "description", "hashes"})

_T = TypeVar("_T", str, Reference)


def fold(stored: Claim | None, record: Claim, *, replace: bool, key: bytes | None = None) -> Claim:
    """What the claim is once ``record`` is known too; ``stored`` itself when nothing a subscriber acts on changed.

    ``replace`` is for full lists, whose present row is all that the origin says: labels and the rest are taken from it
    alone. In a log the records unite. The version moves only forward, and only with a change.
    """
    if stored is None:
        return rounded(record, key)
    merged = record._replace(
        first_seen=min(stored.first_seen, record.first_seen), last_seen=max(stored.last_seen, record.last_seen)
    )
    if not replace or merged.type == PASSED:
        merged = _united(stored, merged)
    if merged.type in BY_NUMBER:
        merged = _remembering(stored, merged)
    merged = rounded(merged, key)
    if merged._replace(version=stored.version) == stored:
        return stored
    if merged.version <= stored.version:
        merged = merged._replace(version=stored.version + 1)
    return merged


def retold(stored: Claim | None, records: Sequence[Claim], moment: Millis, key: bytes) -> Claim | None:
    """What the claim is when these are all its origin's records about it, the latest of each; ``stored`` itself when
    nothing a subscriber acts on changed.

    It is made of those that stand. Without one it is withdrawn, as it was last. ``moment``: the version of what changed
    among them. But for the version, it is a function of the records in whatever order they came.
    """
    said = [record for record in records if not record.withdrawn] or records
    if not said:  # the last one speaks of something else now, or to others
        if stored is None or stored.withdrawn:
            return stored
        return stored._replace(withdrawn=moment, version=max(moment, stored.version + 1))
    merged, *later = sorted(said, key=lambda record: (record.version, encode(record)))
    for record in later:
        first, last = min(merged.first_seen, record.first_seen), max(merged.last_seen, record.last_seen)
        merged = _united(merged, record._replace(first_seen=first, last_seen=last))
    merged = rounded(merged, key)
    if stored is None:
        return merged._replace(version=max(moment, merged.version))
    if merged.type in BY_NUMBER:
        merged = _remembering(stored, merged)
    if merged._replace(version=stored.version) == stored:
        return stored
    return merged._replace(version=max(moment, merged.version, stored.version + 1))


def _remembering(stored: Claim, claim: Claim) -> Claim:
    """The claim with the numbers of JVN that it went by once: what was joined by them has to be looked at again."""
    if '"jvn' not in stored.detail:
        return claim
    before, now = orjson.loads(stored.detail), orjson.loads(claim.detail) if claim.detail else {}
    once = {*before.get("jvn", ()), *before.get("jvn_once", ()), *now.get("jvn_once", ())} - {*now.get("jvn", ())}
    return claim._replace(detail=detail_text({**now, "jvn_once": sorted(once)})) if once else claim


def _united(stored: Claim, record: Claim) -> Claim:
    if record.type == PASSED:
        # The later version of an object, at a tie the greater bytes: never both, and not back while it stands.
        later = record if stored.withdrawn else max(record, stored, key=_edition)
        return later._replace(first_seen=record.first_seen, last_seen=record.last_seen)
    older, newer = (stored, record) if record.version >= stored.version else (record, stored)
    return newer._replace(
        first_seen=record.first_seen,
        last_seen=record.last_seen,
        # Whatever rows say over the years, and in whatever order: the same first ones are left.
        labels=union(stored.labels, record.labels)[:MOST_WORDS],
        malware=union(stored.malware, record.malware)[:MOST_WORDS],
        references=_united_references(stored.references, record.references),
        detail=_united_detail(older.detail, newer.detail),
    )


def _edition(claim: Claim) -> tuple[str, str]:
    """What orders the versions of an object that is passed on."""
    return time_key(orjson.loads(claim.detail)["stix"]["modified"]), claim.detail


def _united_references(stored: tuple[Reference, ...], record: tuple[Reference, ...]) -> tuple[Reference, ...]:
    """As for words; but what both have stays first, since a source's own reference is in every record."""
    united = union(stored, record)
    if len(united) <= _MOST_REFERENCES:
        return united
    both = set(stored).intersection(record)
    others = [reference for reference in united if reference not in both]
    return tuple(sorted([*both, *others[: _MOST_REFERENCES - len(both)]]))


def _united_detail(older: str, newer: str) -> str:
    if not older or older == newer:
        return newer
    if not newer:
        return older
    said: dict[str, Any] = orjson.loads(older)
    for name, value in orjson.loads(newer).items():
        said[name] = together(name, said.get(name), value)
    return detail_text(said)


def together(name: str, older: Any, newer: Any) -> Any:
    """What two details say together in the member of that name."""
    if older is None:
        return newer
    if name in _EARLIEST:
        return min(older, newer)
    if name in _UNITED:
        distinct = {orjson.dumps(item, option=orjson.OPT_SORT_KEYS): item for item in (*older, *newer)}
        # The shorter text first, so that numbers are in order.
        united = [distinct[text] for text in sorted(distinct, key=lambda text: (len(text), text))]
        return united[: _MOST.get(name, len(united))]
    if name in _BY_NAME:
        return {**older, **newer}
    return newer


def union(first: Iterable[_T], second: Iterable[_T]) -> tuple[_T, ...]:
    """Sorted, without repetition."""
    return tuple(sorted(set(first).union(second)))
