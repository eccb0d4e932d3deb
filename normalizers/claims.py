"""Claims: what one origin tells one audience about one observable, and how records fold into one.

A claim's key is (observable, origin, audience); of two versions the latest wins, at a tie the greater bytes, whichever
way they came and however often. Every date that mere sightings move lies on a grid of half the claim's life, whose
offset comes from the observable, so that a value that goes on being seen changes once a step and a million values do
not change at one instant.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

import orjson

from config.audience import Audience
from config.instant import Millis, time_key
from config.observables import PASSED

#: (source name, URL or "", external id or ""), as in a STIX external reference
Reference = tuple[str, str, str]

#: Labels that a claim may have, and malware families.
MOST_WORDS = 100
#: External references that a claim may have.
MOST_REFERENCES = 100

#: Observable types that are joined where they go by one number of JVN, each with the other.
BY_NUMBER = {"cve": "advisory", "advisory": "cve"}
#: Observable types whose claims may have :func:`aliases`.
ALIASED = frozenset({"file", *BY_NUMBER, PASSED})
#: The threat of a claim that only scores a vulnerability: it is no opinion that there is one.
SCORE = "score"

T = TypeVar("T", str, Reference)


class Claim(NamedTuple):
    """One origin's word about one observable, for one audience. All instants in milliseconds."""

    #: observable type, one of config.observables.TYPES, or PASSED of a STIX object that is passed on
    type: str
    #: canonical value; the id of such an object
    value: str
    #: who first said it: a feed's id, ``id@hub`` of a hub's own feed, or an opaque word
    origin: str
    #: feeds that draw on one upstream share one; a family is one opinion
    family: str
    audience: Audience
    #: the origin's own time of the last change of the rounded claim
    version: Millis
    first_seen: Millis
    #: on the grid
    last_seen: Millis
    #: how long a sighting stays valid
    life: Millis
    #: 0 to 100 in steps of 5, the feed's reliability already in it
    confidence: int
    #: when it was withdrawn; 0 while it stands
    withdrawn: Millis = 0
    #: sorted
    labels: tuple[str, ...] = ()
    #: malware families, sorted
    malware: tuple[str, ...] = ()
    #: sorted
    references: tuple[Reference, ...] = ()
    #: what only some types have, as canonical JSON (sorted keys), or "":
    #: threat: what the value is used for; of an indicator, a key of normalizers.stix.THREATS
    #: hashes: the weaker hashes of a file, by STIX name
    #: port: ports seen with an address, sorted list of numbers, the first MOST_PORTS
    #: actors: names of those behind it; brands: keys of what it imitates; targets: countries that those serve, ISO
    #: 3166-1 alpha-2; sorted lists
    #: title, description: texts by language (ja, en)
    #: published, publisher: of an advisory, when (milliseconds) and by whom
    #: cves: CVE ids that an advisory is about, sorted list
    #: jvn_once: those that its origin gave it before, and gives it no more
    #: jvn: numbers of JVN (JVN#12345678) that an advisory or a vulnerability goes by, sorted list
    #: cvss, cwe, products: of a vulnerability, sorted lists of {version, score, vector}, of CWE ids, of names
    #: exploited: since when a vulnerability is known to be exploited, milliseconds
    #: ransomware: true when known to be used by ransomware
    #: stix, refers: of an object that is passed on, itself and the ids that it refers to (no markings), sorted
    #: epss: how likely it is to be exploited within thirty days: the step of normalizers.formats.epss it has reached
    detail: str = ""

    @property
    def key(self) -> bytes:
        """The observable's key."""
        return observable_key(self.type, self.value)

    @property
    def ends(self) -> Millis:
        """When it is over: at its withdrawal or at last seen plus life, whichever is earlier."""
        end = self.last_seen + self.life
        return min(end, self.withdrawn) if self.withdrawn else end


def observable_key(kind: str, value: str) -> bytes:
    """Sixteen bytes that stand for an observable in stores: BLAKE2b (RFC 7693) of its type and canonical value."""
    return hashlib.blake2b(f"{kind}\0{value}".encode(), digest_size=16).digest()


#: Ports that are told of an address; one that is scanned answers at thousands.
MOST_PORTS = 20
#: Members of lists that a claim may have, whatever its rows say.
_MOST = {"port": MOST_PORTS, "actors": MOST_WORDS, "brands": MOST_WORDS, "targets": MOST_WORDS}
#: How members of details come together, where the latest value would not do.
_EARLIEST = frozenset({"published", "exploited"})
_UNITED = frozenset({"port", "cves", "cwe", "products", "cvss", "jvn", "actors", "brands", "targets"})
_BY_NAME = frozenset({"title", "description", "hashes"})


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


def aliases(claim: Claim) -> list[bytes]:
    """The keys of what the claim's observable is known by besides: a file's weaker hashes, the numbers of JVN that a
    vulnerability or an advisory goes by or went by; of an object that is passed on, what it refers to. Empty for nearly
    every claim."""
    if claim.type == "file" and '"hashes"' in claim.detail:
        hashes: dict[str, str] = orjson.loads(claim.detail).get("hashes", {})
        return [observable_key("file", value) for _, value in sorted(hashes.items())]
    if claim.type in BY_NUMBER and '"jvn' in claim.detail:
        detail: dict[str, list[str]] = orjson.loads(claim.detail)
        return [
            observable_key("jvn", number) for number in sorted({*detail.get("jvn", ()), *detail.get("jvn_once", ())})
        ]
    if claim.type == PASSED:
        return [observable_key(PASSED, reference) for reference in orjson.loads(claim.detail).get("refers", ())]
    return []


def scores(claim: Claim) -> bool:
    """Whether the claim only scores a vulnerability."""
    # As it stands in canonical JSON; within a text its quotes would be escaped.
    return f'"threat":"{SCORE}"' in claim.detail


def detail_text(detail: dict[str, Any]) -> str:
    """The canonical form of a detail; empty members are left out."""
    kept = {name: value for name, value in detail.items() if value not in (None, "", [], {}, ())}
    return orjson.dumps(kept, option=orjson.OPT_SORT_KEYS).decode() if kept else ""


def on_grid(moment: Millis, life: Millis, key: bytes) -> Millis:
    """Round an instant down to the observable's grid of half a life."""
    step = max(1, life // 2)
    offset = int.from_bytes(key[:8], "big") % step
    return moment - (moment - offset) % step


def next_step(last_seen: Millis, life: Millis, key: bytes) -> Millis:
    """The first instant at which a sighting would move ``last_seen``."""
    return on_grid(last_seen, life, key) + max(1, life // 2)


#: Instants of a step at which values of full lists come due together.
_RENEWALS = 64


def renewed_at(last_seen: Millis, life: Millis, key: bytes) -> Millis:
    """When a full list's sighting is to move ``last_seen``: at its next step, or at the first of :data:`_RENEWALS`
    instants in a step that follows it. A store keeps what comes due together in one place."""
    apart = max(1, life // 2 // _RENEWALS)
    return -(-next_step(last_seen, life, key) // apart) * apart


def rounded(claim: Claim, key: bytes | None = None) -> Claim:
    """The claim with its confidence in steps of 5 and its last sighting on the grid. Idempotent."""
    last = on_grid(claim.last_seen, claim.life, key or claim.key)
    if last < claim.first_seen:
        last = claim.first_seen
    confidence = min(100, max(0, (claim.confidence + 2) // 5 * 5))
    if last == claim.last_seen and confidence == claim.confidence:
        return claim
    # As _replace(last_seen=last, confidence=confidence), which took longer than all of the above.
    return Claim(*claim[:7], last, claim[8], confidence, *claim[10:])


def no_later(claim: Claim, moment: Millis) -> Claim:
    """The claim with every date of its own at ``moment`` at the latest."""
    return claim._replace(
        version=min(claim.version, moment),
        first_seen=min(claim.first_seen, moment),
        last_seen=min(claim.last_seen, moment),
        withdrawn=min(claim.withdrawn, moment),
    )


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
    if len(united) <= MOST_REFERENCES:
        return united
    both = set(stored).intersection(record)
    others = [reference for reference in united if reference not in both]
    return tuple(sorted([*both, *others[: MOST_REFERENCES - len(both)]]))


def _united_detail(older: str, newer: str) -> str:
    if not older or older == newer:
        return newer
    if not newer:
        return older
    said: dict[str, Any] = orjson.loads(older)
    for name, value in orjson.loads(newer).items():
        said[name] = together(name, said.get(name), value)
    return detail_text(said)


def union(first: Iterable[T], second: Iterable[T]) -> tuple[T, ...]:
    """Sorted, without repetition."""
    return tuple(sorted(set(first).union(second)))


def wins(one: Claim, other: Claim) -> bool:
    """Whether ``one`` replaces ``other`` under the same key: the later version, at a tie the greater bytes."""
    if one.version != other.version:
        return one.version > other.version
    return encode(one) > encode(other)


def encode(claim: Claim) -> bytes:
    """The claim as the bytes that are stored and compared."""
    return orjson.dumps(tuple(claim))


def decode(body: bytes) -> Claim:
    """The claim that :func:`encode` gave."""
    row = orjson.loads(body)
    row[11] = tuple(row[11])
    row[12] = tuple(row[12])
    row[13] = tuple(map(tuple, row[13]))
    return Claim._make(row)
