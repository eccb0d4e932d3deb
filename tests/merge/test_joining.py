"""Vulnerabilities and advisories that go by one number of JVN: joined for whoever sees both, and for nobody else."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normalizers.claims import Claim, aliases, detail_text, observable_key, scores
from normalizers.folds import fold, retold
from normalizers.joining import joined
from normalizers.merge import View, merge
from taxii_server.stores.base import Alias, ClaimRow
from taxii_server.stores.memory import MemoryStore
from tests.hubs import MEMBERS, PUBLIC, Hub, SteppingClock

NOW = 1_790_000_000_000
LIFE = 275 * 86_400_000
CVE, OTHER = "CVE-2099-10001", "CVE-2099-10002"
PAGE = "https://ipa.example.jp/alert/1.html"
JVN = "JVN#90000001"
MEMBERS_VIEW = View("members", "green", False, "tlp2")


def said(kind: str, value: str, origin: str, audience: str = "clear", *jvns: str, **changes: Any) -> Claim:
    """What an origin says about a vulnerability or an advisory, and by which numbers of JVN."""
    detail = {"threat": "vulnerability" if kind == "cve" else "advisory", "jvn": sorted(jvns)}
    base = Claim(kind, value, origin, origin, audience, NOW, NOW, NOW, LIFE, 90, detail=detail_text(detail))
    return base._replace(references=((origin, f"https://{origin}.example/", ""),), **changes)


def detail(claim: Claim) -> dict[str, Any]:
    """A claim's detail."""
    return orjson.loads(claim.detail) if claim.detail else {}


NVD = said("cve", CVE, "nvd", "clear", JVN)
IPA = said("advisory", PAGE, "ipa", "green", JVN)

_jvns = st.sets(st.sampled_from([JVN, "JVN#90000002"]))
_word = st.builds(
    lambda what, origin, audience, jvns, version, withdrawn: said(
        *what, origin, audience, *jvns, version=NOW + version, withdrawn=NOW if withdrawn else 0
    ),
    st.sampled_from([("cve", CVE), ("cve", OTHER), ("advisory", PAGE), ("advisory", PAGE + "2")]),
    st.sampled_from(["nvd", "ipa", "jvn", "member:4f"]),
    st.sampled_from(["clear", "green", "amber:finance"]),
    _jvns,
    st.integers(0, 3),
    st.booleans(),
)


def test_an_advisory_counts_as_if_it_had_named_the_cve() -> None:
    """The vulnerability has IPA's word and link, the advisory the CVE; each for whoever sees both."""
    (nvd, ipa) = joined([NVD], [IPA])
    assert nvd == NVD
    assert (ipa.type, ipa.value, ipa.origin, ipa.audience) == ("cve", CVE, "ipa", "green")
    assert ipa.references == IPA.references
    (advisory,) = joined([IPA], [NVD])
    assert advisory._replace(detail="") == IPA._replace(detail="")
    assert detail(advisory)["cves"] == [CVE]


def test_a_wide_advisory_and_a_narrow_number() -> None:
    """Where the CVE's number is for fewer, the advisory itself stays, and names the CVE for those fewer alone."""
    public, narrow = IPA._replace(audience="clear"), NVD._replace(audience="green")
    first, second = joined([public], [narrow])
    assert first == public
    assert (second.audience, detail(second)["cves"]) == ("green", [CVE])


def test_what_joins_nothing() -> None:
    """Another number, a withdrawn claim, two vulnerabilities of one number, an origin that speaks for itself."""
    assert joined([NVD], [said("advisory", PAGE, "ipa", "green", "JVN#90000002")]) == [NVD]
    assert joined([NVD], [IPA._replace(withdrawn=NOW)]) == [NVD]
    assert joined([NVD._replace(withdrawn=NOW)], [IPA]) == [NVD._replace(withdrawn=NOW)]
    assert joined([NVD], [NVD._replace(value=OTHER)]) == [NVD]
    own = said("cve", CVE, "ipa")
    assert joined([NVD, own], [IPA]) == [NVD, own]


def test_promise_7_members_are_not_joined() -> None:
    """An opaque origin stays with the one thing that it said: two would be known to be of one member."""
    assert joined([NVD], [IPA._replace(origin="member:4f")]) == [NVD]


@given(st.lists(_word, max_size=6), st.lists(_word, max_size=6), st.randoms(use_true_random=False))
@settings(max_examples=300)
def test_promise_3_order_and_repetition_do_not_matter(about: list[Claim], beside: list[Claim], random: Any) -> None:
    """The merged word of a vulnerability or an advisory is a function of the claims that are seen."""
    about = [claim._replace(type=about[0].type, value=about[0].value) for claim in about]
    again, mixed = [*about, *about[:2]], [*beside, *beside[:3]]
    random.shuffle(again)
    random.shuffle(mixed)
    latest = {(claim.origin, claim.audience): claim for claim in sorted(about)}
    first = merge(joined(list(latest.values()), beside), MEMBERS_VIEW)
    shuffled = [latest[place] for place in dict.fromkeys((claim.origin, claim.audience) for claim in again)]
    assert merge(joined(shuffled, mixed), MEMBERS_VIEW) == first


class Joining(Hub):
    """A hub that remembers what claims are known by, as ingest has it do."""

    def __init__(self) -> None:
        super().__init__(MemoryStore(), SteppingClock(NOW * 1_000))

    def say(self, *claims: Claim) -> None:
        """Write claims as ingest does, and publish."""
        rows = [ClaimRow(claim.key, claim) for claim in claims]
        known = [Alias(alias, row.key) for row in rows for alias in aliases(row.claim)]
        self.store.put_claims(rows, aliases=known)
        self.clock.now += 1_000_000

    def latest(self, collection: str, kind: str) -> dict[str, Any]:
        """The one object of that type."""
        (found,) = self.objects(collection, kind)
        return found

    def cves(self, collection: str) -> list[str]:
        """The CVE ids that the one report names."""
        found = self.latest(collection, "report").get("external_references", [])
        return [item["external_id"] for item in found if item["source_name"] == "cve"]


def test_a_change_of_one_is_a_version_of_the_other() -> None:
    """Whichever comes first, and when the number comes later: the report names the CVE, the vulnerability the link."""
    for order in ([IPA, NVD], [NVD, IPA]):
        hub = Joining()
        for claim in order:
            hub.say(claim)
            hub.publish()
        assert hub.cves(MEMBERS) == [CVE]
        links = [item.get("url") for item in hub.latest(MEMBERS, "vulnerability")["external_references"]]
        assert "https://ipa.example/" in links


def test_promise_4_a_join_is_published_once() -> None:
    """What was joined and is merged again says the same, and makes no version."""
    hub = Joining()
    hub.say(IPA, NVD)
    hub.publish()
    before = hub.log(MEMBERS)
    hub.store.mark_dirty([IPA.key, NVD.key], "clear")
    hub.publish()
    assert hub.log(MEMBERS) == before


def test_an_end_of_one_is_a_version_of_the_other() -> None:
    """A number that was withdrawn, or that its source gives no more, names no CVE any longer."""
    for gone in (
        NVD._replace(withdrawn=NOW, version=NOW + 1),
        fold(NVD, said("cve", CVE, "nvd", version=NOW + 1), replace=True),
        retold(NVD, [said("cve", CVE, "nvd", version=NOW + 1)], NOW + 1, NVD.key),
    ):
        assert gone is not None
        hub = Joining()
        hub.say(IPA, NVD)
        hub.publish()
        assert hub.cves(MEMBERS) == [CVE]
        hub.say(gone)
        hub.publish()
        assert hub.cves(MEMBERS) == []


def test_numbers_that_were_given_once_are_remembered_and_join_nothing() -> None:
    """They only lead to what is to be looked at again; given again they join again."""
    gone = fold(NVD, said("cve", CVE, "nvd", version=NOW + 1), replace=True)
    assert detail(gone) == {"threat": "vulnerability", "jvn_once": [JVN]}
    assert fold(gone, said("cve", CVE, "nvd", version=NOW + 2), replace=True) is gone
    assert aliases(gone) == aliases(NVD) == [observable_key("jvn", JVN)]
    assert joined([gone], [IPA]) == [gone]
    back = fold(gone, NVD._replace(version=NOW + 3), replace=True)
    assert detail(back) == detail(NVD)


_history = st.lists(
    st.one_of(st.lists(_word, min_size=1, max_size=4), st.integers(1, 10**9), st.sampled_from(["1", "2", "2000"])),
    max_size=10,
)


@given(_history)
@settings(max_examples=300, deadline=None)
def test_promise_2_joins_tell_nothing_of_what_is_not_seen(history: list[Any]) -> None:
    """With and without what the public may not see, its collection has the same bytes, dates and order."""

    def lived(*, restricted: bool) -> Joining:
        hub = Joining()
        for step in [*history, "2000"]:
            if isinstance(step, int):
                hub.clock.now += step
            elif isinstance(step, str):
                hub.publish(int(step))
            else:
                told = [claim for claim in step if restricted or claim.audience == "clear"]
                rows = [ClaimRow(claim.key, claim) for claim in told]
                known = [Alias(alias, row.key) for row in rows for alias in aliases(row.claim)]
                hub.store.put_claims(rows, aliases=known)
        return hub

    assert lived(restricted=True).log(PUBLIC) == lived(restricted=False).log(PUBLIC)


@pytest.mark.parametrize(
    ("restricted", "public"),
    [
        (IPA, [NVD, said("cve", OTHER, "nvd"), said("advisory", PAGE, "jpcert")]),
        (
            said("cve", CVE, "vendor", "green", JVN),
            [said("cve", CVE, "nvd"), said("cve", OTHER, "nvd"), said("advisory", PAGE, "jpcert", "clear", JVN)],
        ),
    ],
    ids=["of the advisory", "of the vulnerability"],
)
def test_promise_2_joins_change_no_order(restricted: Claim, public: list[Claim]) -> None:
    """Where only what is restricted gives one of two the number, neither is looked at before its turn in public."""
    told, untold = Joining(), Joining()
    told.say(restricted)
    told.publish()
    untold.clock.now += 1_000_000
    for hub in (told, untold):
        hub.say(*public)
        hub.publish()
    assert told.log(PUBLIC) == untold.log(PUBLIC)
    assert [item["type"] for item in untold.objects(PUBLIC)][-3:] == ["vulnerability", "vulnerability", "report"]


@pytest.mark.parametrize("step", [1, 2, 1_000])
def test_promise_2_what_is_not_seen_crowds_nothing_out(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """However much a group knows to go by a number, the public sees joined what it sees of it."""
    monkeypatch.setattr("taxii_server.joins._MOST", 2)
    monkeypatch.setattr("taxii_server.joins._STEP", step)
    public = (NVD, IPA._replace(audience="clear"))
    of_a_group = [said("cve", f"CVE-2099-2{number:04}", "group", "amber:finance", JVN) for number in range(9)]
    unnumbered = said("cve", OTHER, "nvd", "clear")
    hubs = []
    for others in ([], [*of_a_group, said("cve", OTHER, "group", "amber:finance", JVN)]):
        hub = Joining()
        hub.say(*others, *public, unnumbered)
        hub.publish()
        hubs.append(hub)
    assert hubs[0].cves(PUBLIC) == [CVE]
    assert hubs[0].log(PUBLIC) == hubs[1].log(PUBLIC)


def score(step: float, audience: str = "clear") -> Claim:
    """What EPSS says of the CVE."""
    claim = said("cve", CVE, "epss", audience)
    return claim._replace(detail=detail_text({"threat": "score", "epss": step}), references=(), confidence=95)


def test_a_score_alone_is_no_vulnerability() -> None:
    """It makes no object, adds to no confidence, and keeps nothing alive; beside others it is told."""
    view = View("public", "clear", False, "tlp2")
    assert scores(score(0.5))
    assert not scores(NVD)
    assert merge([score(0.5)], view) is None
    alone, both = merge([NVD], view), merge([score(0.5), NVD], view)
    assert alone is not None
    assert both is not None
    assert both.detail["epss"] == 0.5
    assert (both.confidence, both.families, both.ends) == (alone.confidence, alone.families, alone.ends)
    gone = merge([score(0.5), NVD._replace(withdrawn=NOW)], view)
    assert gone is not None
    assert not gone.standing
    assert merge([score(0.5, "green"), NVD], view) == alone


def test_a_score_is_shown_and_its_next_step_is_a_version() -> None:
    """The label has the step; a further sighting of the same step makes no version."""
    hub = Joining()
    hub.say(NVD, score(0.1))
    hub.publish()
    assert "ais-jp:epss=0.1" in hub.latest(PUBLIC, "vulnerability")["labels"]
    before = hub.log(PUBLIC)
    hub.say(score(0.1)._replace(last_seen=NOW + 1_000, version=NOW + 1_000))
    hub.publish()
    assert hub.log(PUBLIC) == before
    hub.say(score(0.5)._replace(last_seen=NOW + 1_000, version=NOW + 2_000))
    hub.publish()
    assert "ais-jp:epss=0.5" in hub.latest(PUBLIC, "vulnerability")["labels"]


def test_a_text_may_be_the_word_jvn() -> None:
    """As a publisher's name, a title, or why somebody ruled on it: it is no number."""
    spoken = [NVD._replace(origin="x", detail=detail_text({"publisher": "jvn"})), NVD]
    assert joined(spoken, [IPA._replace(origin="y", detail=detail_text({"title": {"en": "jvn"}}))]) == spoken
