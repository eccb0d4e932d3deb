"""What the sources of vulnerabilities say of one CVE: the NVD, EPSS, CSAF, MyJVN in each of its forms."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.instant import parse_millis
from normalizers.folds import fold
from normalizers.formats.epss import STEPS
from normalizers.reading import check, read
from normalizers.records import Record, Refusal, TakenBack, UnreadableDocument
from tests.normalizers.reading import document, feed, read_all
from tests.normalizers.test_quirks import detail

NVD: dict[str, Any] = {
    "id": "CVE-2099-10001",
    "published": "2026-02-13T04:15:53.410",
    "lastModified": "2026-02-24T21:38:18.607",
    "vulnStatus": "Analyzed",
    "descriptions": [{"lang": "en", "value": "A sample."}, {"lang": "es", "value": "Una muestra."}],
}


def nvd(*records: dict[str, Any]) -> str:
    """An answer of the NVD's API."""
    return json.dumps({"vulnerabilities": [{"cve": record} for record in records]})


def one(record: dict[str, Any]) -> dict[str, Any]:
    """The detail of the claim that a record of the NVD becomes."""
    (claim,) = read_all(document(nvd(record)), feed("nvd")).claims
    return detail(claim)


def test_q_t7_times_of_the_nvd_have_no_zone() -> None:
    """They are UTC."""
    (claim,) = read_all(document(nvd(NVD)), feed("nvd")).claims
    assert claim.first_seen == parse_millis("2026-02-13T04:15:53.410Z")
    assert claim.version == claim.last_seen == parse_millis("2026-02-24T21:38:18.607Z")


def test_languages_of_readers_are_kept() -> None:
    """Of a description in many languages the English and the Japanese."""
    assert one(NVD)["description"] == {"en": "A sample."}


@pytest.mark.parametrize(
    "url",
    ["https://jvn.jp/en/jp/JVN84622767/", "https://jvn.jp/jp/JVN84622767/index.html", "https://jvn.jp/jp/JVN84622767"],
)
def test_q_i5_references_of_the_nvd_name_jvn(url: str) -> None:
    """The number of JVN among a record's references is what an advisory without a CVE is joined by."""
    assert one({**NVD, "references": [{"url": url}, {"url": "https://example.com/"}]})["jvn"] == ["JVN#84622767"]


def test_products_are_those_that_are_vulnerable() -> None:
    """CPE names are quoted with backslashes; what merely has to be there beside them is no product."""
    matches = [
        {"vulnerable": True, "criteria": r"cpe:2.3:a:example_soft:file\:box\+:1.0:*:*:*:*:*:*:*"},
        {"vulnerable": True, "criteria": r"cpe:2.3:a:example_soft:file\:box\+:2.0:*:*:*:*:*:*:*"},
        {"vulnerable": False, "criteria": "cpe:2.3:o:example:os:-:*:*:*:*:*:*:*"},
        {"vulnerable": True, "criteria": "no cpe"},
    ]
    assert one({**NVD, "configurations": [{"nodes": [{"cpeMatch": matches}]}]})["products"] == [
        "example soft file:box+"
    ]


def test_weaknesses_and_scores_each_once() -> None:
    """Two that say the same are one; what stands for "unknown" is none, a score that is no number neither."""
    data = {"version": "3.1", "baseScore": 8.8, "vectorString": "CVSS:3.1/AV:N"}
    metrics = {"cvssMetricV31": [{"cvssData": data}, {"cvssData": data}], "cvssMetricV2": [{"cvssData": {}}]}
    weaknesses = [
        {"description": [{"value": "CWE-78"}, {"value": "NVD-CWE-Other"}]},
        {"description": [{"value": "CWE-78"}]},
    ]
    said = one({**NVD, "metrics": metrics, "weaknesses": weaknesses})
    assert said["cvss"] == [{"version": "3.1", "score": 8.8, "vector": "CVSS:3.1/AV:N"}]
    assert said["cwe"] == ["CWE-78"]


def test_a_rejected_record_takes_back_what_it_said() -> None:
    """It is refused, and names the record and the version by which it is no vulnerability."""
    (found,) = read(document(nvd({**NVD, "vulnStatus": "Rejected"})), feed("nvd"))
    assert isinstance(found, Refusal)
    gone = TakenBack("CVE-2099-10001", parse_millis("2026-02-24T21:38:18.607Z"))
    assert (found.reason, found.takes_back) == ("rejected", gone)


@pytest.mark.parametrize("junk", [None, 1, "x", [], {}, {"id": 1}, {**NVD, "published": "soon"}])
def test_bad_records_cost_themselves(junk: Any) -> None:
    """Whatever stands in place of a record is refused alone."""
    result = read_all(document(nvd(junk, NVD)), feed("nvd"))
    assert len(result.refused) == 1
    assert result.values == ["CVE-2099-10001"]


@pytest.mark.parametrize("name", ["metrics", "weaknesses", "configurations", "references", "descriptions"])
@pytest.mark.parametrize(
    "junk", [None, 1, "x", [None], [1], [[]], {"a": 1}, {"a": [1]}, [{"nodes": [{"cpeMatch": [1]}]}]]
)
def test_parts_that_are_not_what_they_should_be(name: str, junk: Any) -> None:
    """A record with a part of another form says what the rest of it says."""
    (claim,) = read_all(document(nvd({**NVD, name: junk})), feed("nvd")).claims
    assert claim.value == "CVE-2099-10001"


def epss(*rows: str, head: str = "#model_version:v1,score_date:2026-02-28T12:00:22Z\ncve,epss,percentile") -> str:
    """EPSS scores of one day."""
    return "\n".join([head, *rows]) + "\n"


def test_q_t7_epss_has_its_date_in_a_comment() -> None:
    """The scores are of that instant."""
    (claim,) = read_all(document(epss("CVE-2099-10001,0.43,0.97")), feed("epss")).claims
    assert claim.version == parse_millis("2026-02-28T12:00:22Z")


@given(st.floats(0, 1), st.floats(0, 1))
def test_scores_in_steps(first: float, second: float) -> None:
    """A score is the highest step that it reaches; a higher one is never told as less."""
    told = [
        detail(claim)["epss"]
        for claim in read_all(
            document(epss(*(f"CVE-2099-1000{n},{score:.5f},1" for n, score in enumerate(sorted((first, second)))))),
            feed("epss"),
        ).claims
    ]
    assert told == sorted(told)
    for score, step in zip(sorted((first, second)), told, strict=True):
        assert step in STEPS
        assert step <= round(score, 5)


def test_promise_4_a_daily_score_is_no_daily_version() -> None:
    """A score that moved within its step, and the day that it is of, leave what is stored as it is."""
    first = read_all(document(epss("CVE-2099-10001,0.43211,0.97")), feed("epss")).claims[0]
    later = epss("CVE-2099-10001,0.43990,0.98", head="#score_date:2026-03-01T12:00:22Z\ncve,epss,percentile")
    stored = fold(None, first, replace=True)
    assert fold(stored, read_all(document(later), feed("epss")).claims[0], replace=True) is stored


@pytest.mark.parametrize(
    "text",
    ["", "cve,epss,percentile\n", epss(head="#score_date:soon-ish-yes\ncve,epss,percentile"), "<html></html>",
     epss(head="#score_date:2026-02-28T12:00:22Z\ncve,score")],
)  # fmt: skip
def test_what_is_no_table_of_scores(text: str) -> None:
    """Without the date, without the columns, or another document altogether."""
    with pytest.raises(UnreadableDocument):
        check(document(text), feed("epss"))


def test_bad_scores_cost_their_rows() -> None:
    """Cells that are missing, an id that is none, a score that is none."""
    rows = [
        "CVE-2099-10001,0.5",
        "XX,0.5,0.5",
        "CVE-2099-10002,1.5,0.5",
        "CVE-2099-10003,nan,0.5",
        "CVE-2099-10004,1,1",
    ]
    result = read_all(document(epss(*rows)), feed("epss"))
    assert result.reasons == ["columns", "bad-cve", "bad-score", "bad-score"]
    assert result.values == ["CVE-2099-10004"]


def csaf(number: str = "JVNDB-2099-000001", **changes: Any) -> dict[str, Any]:
    """A CSAF 2.1 advisory, as MyJVN gives it."""
    score = {"version": "3.1", "baseScore": 9.8, "vectorString": "V"}
    link = {"category": "external", "summary": "JVN#90000001", "url": "https://jvn.example.jp/jp/JVN90000001/"}
    branch = {"category": "product_name", "name": "箱", "product": {"product_id": "p:1", "name": "例示箱"}}
    return {
        "document": {
            "title": "例示箱の脆弱性", "lang": "ja", "notes": [{"category": "description", "text": "説明"}],
            "tracking": {
                "id": number, "initial_release_date": "2026-02-01T00:00:00+09:00",
                "current_release_date": "2026-02-02T00:00:00+09:00",
            },
            "references": [link],
        },
        "product_tree": {"branches": [{"category": "vendor", "name": "例示", "branches": [branch]}]},
        "vulnerabilities": [
            {
                "cve": "CVE-2099-10001", "cwes": [{"id": "CWE-78"}, {"id": "CWE-noinfo"}],
                "product_status": {"known_affected": ["p:1", "p:2"]},
                "metrics": [{"content": {"cvss_v3": score, "source": "IPA"}}],
            }
        ],
        **changes,
    }  # fmt: skip


CSAF = feed("myjvn-json", format={"kind": "csaf"})


def test_csaf_describes_its_vulnerabilities() -> None:
    """The advisory and what it says of each vulnerability; names of products come from its tree."""
    cve, advisory = read_all(document(json.dumps(csaf())), CSAF).claims
    assert (cve.value, advisory.value) == ("CVE-2099-10001", "JVNDB-2099-000001")
    said = detail(cve)
    assert (said["title"], said["products"], said["cwe"]) == ({"ja": "例示箱の脆弱性"}, ["例示箱"], ["CWE-78"])
    assert said["cvss"] == [{"version": "3.1", "score": 9.8, "vector": "V"}]
    assert said["jvn"] == detail(advisory)["jvn"] == ["JVN#90000001"]
    assert advisory.first_seen == parse_millis("2026-01-31T15:00:00Z")


def test_csaf_2_0() -> None:
    """One weakness, scores of their own, a product beside the tree."""
    vulnerability = {
        "cve": "CVE-2099-10001", "cwe": {"id": "CWE-79"}, "title": "Sample",
        "scores": [{"cvss_v3": {"version": "3.1", "baseScore": 5.4, "vectorString": "V"}, "products": ["x"]}],
        "product_status": {"known_affected": ["x"]},
    }  # fmt: skip
    tree = {"full_product_names": [{"product_id": "x", "name": "Sample Box"}]}
    (cve, _) = read_all(document(json.dumps(csaf(vulnerabilities=[vulnerability], product_tree=tree))), CSAF).claims
    said = detail(cve)
    assert (said["cwe"], said["products"], said["title"]) == (["CWE-79"], ["Sample Box"], {"ja": "Sample"})
    assert [score["score"] for score in said["cvss"]] == [5.4]


def test_q_x5_csaf_inside_a_private_stix_object() -> None:
    """MyJVN's bundle holds its advisories in an object of a type of its own; they are read as if they stood alone."""
    held = [csaf(), csaf("JVNDB-2099-000002")]
    bundle = {
        "type": "bundle", "id": "bundle--1",
        "objects": [{"type": "identity"}, {"type": "jvn-jp-sdo", "VULDEF-Document": held}],
    }  # fmt: skip
    alone = read_all(document(json.dumps(held)), CSAF)
    assert read_all(document(json.dumps(bundle)), CSAF) == alone
    assert alone.rows == 2


def test_products_of_a_deep_tree() -> None:
    """A tree without end is followed a bounded way."""
    tree: dict[str, Any] = {"product": {"product_id": "p:1", "name": "deep"}}
    for _ in range(100):
        tree = {"branches": [tree]}
    (cve, _) = read_all(document(json.dumps(csaf(product_tree={"branches": [tree]}))), CSAF).claims
    assert "products" not in detail(cve)


@pytest.mark.parametrize("code", [1, "1", "-1"])
@pytest.mark.parametrize("kind", ["myjvn", "csaf"])
def test_q_x4_an_error_of_myjvn_in_json(kind: str, code: int | str) -> None:
    """retCd other than 0 costs the run, whichever type it has; no entries at 0 are none."""
    status = {"retCd": code, "errCd": "XX00000001", "errMsg": "例示"}
    with pytest.raises(UnreadableDocument, match="XX00000001"):
        check(document(json.dumps({"status": status})), feed("myjvn-json", format={"kind": kind}))
    with pytest.raises(UnreadableDocument, match="XX00000001"):
        check(document(json.dumps({"feed": {"status:Status": status}})), feed("myjvn-json"))
    assert check(document('{"feed": {"entry": []}, "status": {"retCd": 0}}'), feed("myjvn-json")).total() == 0


def test_a_later_version_of_an_advisory_replaces_it() -> None:
    """What MyJVN says is known again by its id, and of each vulnerability by that and the CVE."""
    found = list(read(document(json.dumps(csaf())), CSAF))
    assert [item.name for item in found if isinstance(item, Record)] == [
        "JVNDB-2099-000001 CVE-2099-10001",
        "JVNDB-2099-000001",
    ]


VULDEF = '<VULDEF-Document xmlns="http://jvn.jp/vuldef/">{}</VULDEF-Document>'
INFO = (
    "<Vulinfo><VulinfoID>JVNDB-2099-{:06d}</VulinfoID><VulinfoData><Title>題</Title>"
    "<DateFirstPublished>2026-02-01T00:00:00+09:00</DateFirstPublished></VulinfoData></Vulinfo>"
)


def test_vuldef_is_read_entry_by_entry() -> None:
    """Ten thousand entries are all read, each once and in order; what stands between them does no harm."""
    text = VULDEF.format("<x/>".join(INFO.format(number) for number in range(10_000)))
    assert read_all(document(text), feed("myjvn-detail")).values == [f"JVNDB-2099-{n:06d}" for n in range(10_000)]


@pytest.mark.parametrize(
    "text",
    [
        VULDEF.format(INFO.format(1))[:-5],
        VULDEF.format("").replace("VULDEF-Document", "Other"),
        VULDEF.format('<s:Status xmlns:s="http://jvndb.jvn.jp/myjvn/Status" retCd="1" errCd="XX00000001"/>'),
        "<!DOCTYPE a><a/>",
    ],
)
def test_what_is_no_vuldef(text: str) -> None:
    """Cut off after its entries, of another vocabulary, an error, or with a DTD."""
    with pytest.raises(UnreadableDocument):
        check(document(text), feed("myjvn-detail"))
