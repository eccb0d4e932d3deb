"""Claims: what one origin tells one audience about one observable.

A claim's key is (observable, origin, audience); of two versions the latest wins, at a tie the greater bytes, whichever
way they came and however often. Every date that mere sightings move lies on a grid of half the claim's life, whose
offset comes from the observable, so that a value that goes on being seen changes once a step and a million values do
not change at one instant.
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import orjson

from config.audience import Audience
from config.instant import Millis
from config.observables import PASSED

#: (source name, URL or "", external id or ""), as in a STIX external reference
Reference = tuple[str, str, str]

#: Labels that a claim may have, and malware families.
MOST_WORDS = 100
#: Observable types that are joined where they go by one number of JVN, each with the other.
BY_NUMBER = {"cve": "advisory", "advisory": "cve"}
#: Observable types whose claims may have :func:`aliases`.
ALIASED = frozenset({"file", *BY_NUMBER, PASSED})
#: The threat of a claim that only scores a vulnerability: it is no opinion that there is one.
SCORE = "score"


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
    #: port: ports seen with an address, sorted list of numbers, the first so many
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


def wins(one: Claim, other: Claim) -> bool:
    """Whether ``one`` replaces ``other`` under the same key: the later version, at a tie the greater bytes."""
    if one.version != other.version:
        return one.version > other.version
    return encode(one) > encode(other)


def encode(claim: Claim) -> bytes:
    """The claim as the bytes that are stored and compared."""
    return orjson.dumps(tuple(claim))


def observable_of(body: bytes) -> tuple[str, str]:
    """Type and value of the claim that :func:`encode` gave, with less work than :func:`decode`."""
    kind, value = orjson.loads(body)[:2]
    return kind, value


def decode(body: bytes) -> Claim:
    """The claim that :func:`encode` gave."""
    row = orjson.loads(body)
    row[11] = tuple(row[11])
    row[12] = tuple(row[12])
    row[13] = tuple(map(tuple, row[13]))
    return Claim._make(row)
