"""Vulnerabilities and advisories that go by one number of JVN, joined.

A Japanese advisory may give a number of JVN and no CVE; what says which CVE that is, such as a reference of the NVD,
stands in another source's claim. Where a view sees both claims, the advisory counts as if it had named the CVE, and
where it does not see one of them, nothing is joined (promises 2 and 3: a function of the claims that it sees).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import orjson

from config.audience import Audience, narrower
from normalizers.claims import BY_NUMBER, Claim, detail_text, observable_key
from normalizers.folds import retold, union


def joined(about: Sequence[Claim], beside: Iterable[Claim]) -> list[Claim]:
    """The claims about one observable, as those ``beside`` it make them; all of them are seen by one view.

    ``beside`` are claims about observables that may go by a number of JVN that this one goes by too. Claims that were
    withdrawn join nothing. Any order and repetition of either gives the same claims.
    """
    if not about:
        return []
    others = [claim for claim in beside if claim.type == BY_NUMBER[about[0].type]]
    return _vulnerability(about, others) if about[0].type == "cve" else _advisories(about, others)


def numbers(claim: Claim) -> frozenset[str]:
    """The numbers of JVN that the claim joins by: none once it was withdrawn."""
    if claim.withdrawn or '"jvn"' not in claim.detail:
        return frozenset()
    return frozenset(orjson.loads(claim.detail).get("jvn", ()))  # a text may be that word


def _pairs(about: Iterable[Claim], others: Iterable[Claim]) -> Iterator[tuple[Claim, Claim, frozenset[str]]]:
    """Each claim of the one with each of the other that shares a number with it, and what they share."""
    numbered = [(claim, found) for claim in others if (found := numbers(claim))]
    for mine in about:
        own = numbers(mine)
        for other, found in numbered:
            if shared := own & found:
                yield mine, other, shared


def _vulnerability(about: Sequence[Claim], advisories: Sequence[Claim]) -> list[Claim]:
    """With a claim for each advisory's origin that says nothing of the vulnerability itself."""
    spoken = {claim.origin for claim in about}
    said: dict[tuple[str, Audience], dict[Claim, Claim]] = {}
    for mine, advisory, shared in _pairs(about, advisories):
        # What one member said of two things must not be told to be of one member.
        if advisory.origin in spoken or ":" in advisory.origin:
            continue
        audience = narrower(advisory.audience, mine.audience)
        detail = detail_text({"threat": "vulnerability", "jvn": sorted(shared)})
        claim = advisory._replace(type="cve", value=mine.value, audience=audience, labels=(), malware=(), detail=detail)
        known = said.setdefault((advisory.origin, audience), {})
        known[advisory] = _also(known.get(advisory, claim), claim)
    key = observable_key("cve", about[0].value)
    told = (retold(None, list(claims.values()), 0, key) for _, claims in sorted(said.items()))
    return [*about, *(claim for claim in told if claim is not None)]


def _also(first: Claim, second: Claim) -> Claim:
    """Of two claims that differ in their numbers alone, one with those of both."""
    shared = union(numbers(first), numbers(second))
    return first._replace(detail=detail_text({"threat": "vulnerability", "jvn": list(shared)}))


def _advisories(about: Sequence[Claim], vulnerabilities: Sequence[Claim]) -> list[Claim]:
    """With the CVE ids that the advisory did not name, for whoever may know of both."""
    found: dict[tuple[Claim, Audience], set[str]] = {}
    for mine, vulnerability, _ in _pairs(about, vulnerabilities):
        audience = narrower(mine.audience, vulnerability.audience)
        found.setdefault((mine, audience), set()).add(vulnerability.value)
    told = {(claim.origin, claim.audience): claim for claim in about}
    for (mine, audience), cves in sorted(found.items()):
        place = (mine.origin, audience)
        told[place] = _naming(told.get(place, mine._replace(audience=audience)), cves)
    return list(told.values())


def _naming(advisory: Claim, cves: set[str]) -> Claim:
    detail = orjson.loads(advisory.detail)
    named = union(detail.get("cves", ()), cves)
    return advisory._replace(detail=detail_text({**detail, "cves": list(named)}))
