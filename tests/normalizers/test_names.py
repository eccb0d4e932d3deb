"""Names: one for each malware family, actor and brand, and nothing guessed (docs/names.md)."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import orjson
import pymispgalaxies
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.names import names_version, shipped_names
from normalizers.claims import Claim
from normalizers.contributions import claims_of
from normalizers.merge import View, merge
from normalizers.names import actor_of, brands_of, fold, malware_of, techniques_in, understood
from normalizers.stix import content
from tests.names.galaxies import SHIPPED, SOURCES, Cluster, Things, compiled
from tests.normalizers.reading import document, feed, read_all
from tests.normalizers.test_quirks import bundle, indicator, item, rdf
from tests.normalizers.test_sources import source
from tests.snapshots.folder import FEEDS

VIEW = View("clear", "clear", False, "tlp2")
GALAXIES = Path(pymispgalaxies.__file__).parent / "data" / "misp-galaxy" / "clusters"


def claim(*words: Any, **named: Any) -> Claim:
    """What a row with these words becomes, of a feed without labels of its own."""
    made = source("urlhaus", share="public")
    return made.claim("url", "http://a.example/", said=made.understood(*words, **named))


def detail(of: Claim) -> dict[str, Any]:
    """The claim's detail without its threat."""
    return {name: value for name, value in orjson.loads(of.detail).items() if name != "threat"}


@pytest.mark.parametrize(
    "word", ["RedLine Stealer", "RedLineStealer", "redline_stealer", "win.redline_stealer", "RECORDSTEALER", "RedLine"]
)
def test_spellings_and_aliases_of_malware_are_one_name(word: str) -> None:
    """As abuse.ch and Malpedia write it, in its column, as a tag, and in a tag of MISP."""
    assert claim(malware=(word,)).malware == ("RedLine Stealer",)
    assert claim(labels=(word,)).malware == ("RedLine Stealer",)
    assert claim(labels=(f'misp-galaxy:malpedia="{word}"',)).malware == ("RedLine Stealer",)


def test_control_servers_are_named_after_what_they_control() -> None:
    """As abuse.ch's lists of certificates give their reasons."""
    said = claim(labels=("Dridex C&C",))
    assert (said.labels, said.malware) == (("Dridex C&C",), ("Dridex",))
    assert claim(labels=("Malware C&C", "C&C", "Tor C2")).malware == ()


def test_builds_for_several_platforms_are_one_family() -> None:
    """Malpedia's name without the platform that it tells builds apart by."""
    assert {malware_of(word) for word in ("elf.mirai", "win.mirai", "Mirai", "mirai")} == {"Mirai"}


def test_the_sources_own_words_stay_as_labels() -> None:
    """What was called otherwise, and every tag; a name that is written as ours is not said twice."""
    said = claim(labels=("elf", "heodo"), malware=("win.emotet", "Emotet"))
    assert (said.labels, said.malware) == (("elf", "heodo", "win.emotet"), ("Emotet",))


def test_what_nobody_knows_is_kept_as_said() -> None:
    """In the malware column it is malware all the same; a tag stays a tag."""
    assert claim(malware=("SampleBot",)).malware == ("SampleBot",)
    assert claim(labels=('misp-galaxy:ransomware="SampleLocker"',)).malware == ("SampleLocker",)
    said = claim(labels=("SampleBot",))
    assert (said.labels, said.malware, detail(said)) == (("SampleBot",), (), {})


@pytest.mark.parametrize(
    "word", ["Trojan", "android", "Play", "royal", "AnyDesk", "tor", "net", "Lotus", "x", "9002", "ps1", "", "!"]
)
def test_words_of_everyday_language_name_nothing_as_tags(word: str) -> None:
    """Whatever galaxies hold, a tag such as these is no malware and nobody."""
    said = understood([word], ())
    assert (said.malware, said.techniques, said.detail) == ((), (), ())


def test_an_everyday_word_counts_where_the_source_says_what_it_is() -> None:
    """In the malware column, or in a tag that tells its galaxy."""
    assert claim(malware=("play",)).malware == ("PLAY",)
    assert claim(labels=('misp-galaxy:ransomware="play"',)).malware == ("PLAY",)


def test_what_is_malware_and_an_actor_is_neither_as_a_tag() -> None:
    """Carbanak is both. Sofacy is another name of both, and Emotet the first name of malware alone."""
    assert malware_of("Carbanak")
    assert actor_of("Carbanak")
    assert (claim(labels=("Carbanak",)).malware, detail(claim(labels=("Carbanak",)))) == ((), {})
    assert (claim(labels=("Sofacy",)).malware, detail(claim(labels=("Sofacy",)))) == ((), {})
    assert (claim(labels=("Emotet",)).malware, detail(claim(labels=("Emotet",)))) == (("Emotet",), {})
    assert detail(claim(labels=("Kimsuky",))) == {"actors": ["Kimsuky"]}


@pytest.mark.parametrize(
    "tag",
    [
        "Fancy Bear",
        "pawnstorm",
        'misp-galaxy:threat-actor="Sofacy"',
        'misp-galaxy:mitre-intrusion-set="APT28 - G0007"',
        'misp-galaxy:microsoft-activity-group="Forest Blizzard"',
    ],
)
def test_actors_are_one_name(tag: str) -> None:
    """As MISP's galaxies, ATT&CK and Microsoft call them."""
    said = claim(labels=(tag,))
    assert detail(said) == {"actors": ["APT28"]}
    assert said.labels == (tag,)


def test_an_alias_of_several_is_nobody() -> None:
    """Two groups that share an alias, and no clue which is meant: it is on neither's line, and stays as said."""
    clusters = [
        Cluster("one", "1", "Samplers", ("Shared", "Mine"), frozenset()),
        Cluster("two", "2", "Exemplars", ("Shared",), frozenset()),
    ]
    assert Things(clusters, ()).lines(("one", "two")) == [["Exemplars"], ["Samplers", "Mine"]]


def test_galaxies_join_only_what_they_say_is_one() -> None:
    """Both name each other, or one does and a relation says so; never two clusters of one galaxy; one word is not
    enough, and what is somebody's first name is nobody's alias."""
    said = [
        Cluster("one", "1", "Alpha", ("Beta",), frozenset()),
        Cluster("two", "2", "Beta", ("Alpha",), frozenset()),
        Cluster("one", "3", "Gamma", ("Delta",), frozenset({"4"})),
        Cluster("two", "4", "Delta", (), frozenset()),
        Cluster("one", "5", "Epsilon", ("Zeta",), frozenset()),
        Cluster("two", "6", "Zeta", (), frozenset()),
        Cluster("one", "7", "Eta", ("Theta",), frozenset()),
        Cluster("one", "8", "Theta", ("Eta",), frozenset()),
    ]
    lines = Things(said, ()).lines(("one", "two"))
    assert lines == [["Alpha", "Beta"], ["Epsilon"], ["Eta"], ["Gamma", "Delta"], ["Theta"], ["Zeta"]]
    assert Things(said, [("Epsilon", "Zeta")]).lines(("one", "two"))[1] == ["Epsilon", "Zeta"]


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_the_shipped_names_are_those_of_the_galaxies(name: str) -> None:
    """`make names` would write what ships."""
    assert compiled(GALAXIES, name) == (SHIPPED / name).read_text(encoding="utf-8")


def test_a_shipped_name_means_one_thing() -> None:
    """No folded name stands on two lines, and none belongs to two brands."""
    names = shipped_names()
    brands = tuple((brand.ja, brand.en, *brand.also) for brand in names.brands)
    for lines in (names.malware, names.actors, brands):
        owners: dict[str, set[int]] = {}
        for at, line in enumerate(lines):
            for word in filter(None, map(fold, line)):
                owners.setdefault(word, set()).add(at)
        assert [word for word, found in owners.items() if len(found) > 1] == []
    known = {fold(word) for line in (*names.malware, *names.actors) for word in line}
    assert names.everyday - known == set(), "an everyday word that names nothing needs no mention"
    assert re.fullmatch("[0-9a-f]{16}", names_version())


@given(st.text(max_size=40))
def test_folding_is_idempotent_and_names_are_their_own(word: str) -> None:
    """A name that was given is given again, whatever it was made of."""
    assert fold(fold(word)) == fold(word)
    for known in (malware_of(word), actor_of(word)):
        assert known is None or (malware_of(known) or actor_of(known)) == known


def test_names_are_given_again_as_they_are() -> None:
    """What is read from another hub stays as it is: every shipped name is its own."""
    names = shipped_names()
    assert [line[0] for line in names.malware if (malware_of(line[0]) or line[0]) != line[0]] == []
    assert [line[0] for line in names.actors if (actor_of(line[0]) or line[0]) != line[0]] == []


@pytest.mark.parametrize(
    ("tag", "numbers"),
    [
        ("T1566", ["T1566"]),
        ("t1566.002", ["T1566.002"]),
        ("attack.t1059.001", ["T1059.001"]),
        ('misp-galaxy:mitre-attack-pattern="Spearphishing Link - T1566.002"', ["T1566.002"]),
        ('misp-galaxy:mitre-attack-pattern="PowerShell"', []),
        ("T1204 - User Execution", ["T1204"]),
        ("T9000", []),
        ("T15660", []),
        ("T1566.2", []),
    ],
)
def test_techniques_in_tags(tag: str, numbers: list[str]) -> None:
    """A number of ATT&CK's form becomes a reference to it; T9000 is malware, and a name without a number says which
    technique to people alone."""
    said = claim(labels=(tag,))
    found = [number for name, _, number in said.references if name == "mitre-attack"]
    assert found == numbers
    assert tag in said.labels


def test_techniques_in_texts() -> None:
    """Anywhere in prose, Japanese too, each once; not inside of other words, paths or versions."""
    text = "手口はT1566.002（T1204も）。T1204、IT1234、T12345、/T1003、CVE-2024-T1003-x。"
    assert [number for _, _, number in techniques_in(text)] == ["T1204", "T1566.002"]
    assert techniques_in("T1566.002")[0][1] == "https://attack.mitre.org/techniques/T1566/002/"


def test_techniques_in_advisories() -> None:
    """Those that an advisory's title names are references of its report."""
    said = read_all(document(rdf(item("T1566.002を悪用する攻撃について"))), feed("jpcert-rss")).claims[0]
    assert [number for name, _, number in said.references if name == "mitre-attack"] == ["T1566.002"]


def test_a_technique_tells_of_no_source() -> None:
    """A feed that may not be named gives no reference of its own, and its techniques all the same."""
    made = source("urlhaus", named=False)
    said = made.claim("url", "http://a.example/", said=made.understood(["T1566"]))
    assert [name for name, _, _ in said.references] == ["mitre-attack"]


@pytest.mark.parametrize(
    ("word", "keys"),
    [
        ("三井住友カード", ["sumitomo-mitsui-card"]),
        ("Vpass", ["sumitomo-mitsui-card"]),
        ("Ｖｐａｓｓ", ["sumitomo-mitsui-card"]),
        ("Linked in", ["linkedin"]),
        ("LinkedIn", ["linkedin"]),
        ("VISA / Mastercard", ["mastercard", "visa"]),
        ("VISA / MasterCard", ["mastercard", "visa"]),
        ("ＥＴＣ利用照会サービス", ["etc-meisai"]),
        ("J:COM", ["jcom"]),
        ("例示カード", []),
        ("Amazon / 例示カード", []),
        ("-", []),
        ("", []),
    ],
)
def test_q_i8_brand_column_is_free_text(word: str, keys: list[str]) -> None:
    """Spellings of one brand are one key; a cell that names several gives all, or none when one is not known."""
    assert sorted(brands_of(word)) == keys


def test_a_brand_gives_its_country_and_stays_a_label() -> None:
    """Of a brand that serves one country, whom it is aimed at."""
    said = claim(brands=("Vpass",))
    assert (said.labels, detail(said)) == (("Vpass",), {"brands": ["sumitomo-mitsui-card"], "targets": ["JP"]})
    assert detail(claim(brands=("Amazon",))) == {"brands": ["amazon"]}
    assert detail(claim(brands=("例示カード",))) == {}


@pytest.mark.parametrize(
    ("title", "keys"),
    [
        ("三井住友カードをかたるフィッシング", ["sumitomo-mitsui-card"]),
        ("【注意喚起】Amazon をかたるフィッシング (2026/02/01)", ["amazon"]),
        ("国税庁を装ったメールについて", ["nta"]),
        ("例示銀行をかたるフィッシング", []),
        ("フィッシングの報告状況", []),
    ],
)
def test_brands_in_titles_of_japanese_alerts(title: str, keys: list[str]) -> None:
    """What a phishing page poses as; a brand that is not known gives nothing, not even a label."""
    said = read_all(document(rdf(item(title))), feed("jpcert-rss")).claims[0]
    assert detail(said).get("brands", []) == keys
    assert len(said.labels) == len(keys)


def test_rows_with_the_same_words_say_the_same() -> None:
    """What is remembered of one row is what the next one would be told, whatever else it holds."""
    made = source("threatfox")
    rows = [
        made.claim("ipv4", "192.0.2.1", said=made.understood(["Heodo"], malware=["Lazarus"], brands=["au"]))
        for _ in range(2)
    ]
    assert rows[0] == rows[1]
    detail = '{"port":[443],"threat":"botnet-c2"}'
    port = made.claim("ipv4", "192.0.2.1", said=made.understood(["APT28"]), detail=detail)
    assert orjson.loads(port.detail) == {"actors": ["APT28"], "port": [443], "threat": "botnet-c2"}


def test_what_another_hub_names_is_named_here() -> None:
    """Actors by our names, brands by their keys, countries; its techniques come as references."""
    object_ = indicator(
        labels=["ais-jp:actor=Fancy Bear", "ais-jp:brand=jcb", "ais-jp:target=JP", "ais-jp:malware=Heodo"],
        external_references=[{"source_name": "mitre-attack", "external_id": "T1566"}],
    )
    said = read_all(document(bundle(object_)), feed("tweetfeed-stix")).claims[0]
    assert detail(said) == {"actors": ["APT28"], "brands": ["jcb"], "targets": ["JP"]}
    assert (said.malware, said.labels) == (("Emotet",), ("Heodo",))
    assert ("mitre-attack", "", "T1566") in said.references


def test_whom_a_source_names_as_an_actor_is_one() -> None:
    """Known or not, an everyday word or not: OTX says who the adversary of a pulse is."""
    assert detail(claim(named={"actors": ["Sofacy"]})) == {"actors": ["APT28"]}
    assert detail(claim(named={"actors": ["Sample Panda"]})) == {"actors": ["Sample Panda"]}
    assert detail(claim(named={"actors": ["Lead"]})) == {"actors": ["APT41"]}


def test_names_are_labels_and_techniques_references() -> None:
    """What SIEM tools would otherwise not see; and every one is read back from the object's contributions."""
    said = claim(("T1566.002", "APT28", "Heodo"), brands=["Vpass"])
    word = merge([said], VIEW)
    assert word is not None
    shown = orjson.loads(content(word, "tlp2"))
    assert [label for label in shown["labels"] if label.startswith("ais-jp:")] == [
        "ais-jp:threat=malware-download",
        "ais-jp:actor=APT28",
        "ais-jp:brand=sumitomo-mitsui-card",
        "ais-jp:target=JP",
        "ais-jp:technique=T1566.002",
        "ais-jp:malware=Emotet",
        "ais-jp:source=urlhaus",
    ]
    link = "https://attack.mitre.org/techniques/T1566/002/"
    assert {"source_name": "mitre-attack", "url": link, "external_id": "T1566.002"} in shown["external_references"]
    assert claims_of({"type": "indicator", **shown}) == [said]


def test_names_of_several_sources_come_together() -> None:
    """Each name once, from whichever claim."""
    one = claim(("APT28",), brands=["Vpass"])
    other = claim(("APT29", "Fancy Bear"), brands=["JCB"])._replace(origin="other")
    word = merge([one, other], VIEW)
    assert word is not None
    assert word.detail["actors"] == ["APT28", "APT29"]
    assert sorted(word.detail["brands"]) == ["jcb", "sumitomo-mitsui-card"]
    assert word.detail["targets"] == ["JP"]


@pytest.mark.skipif(not FEEDS.is_dir(), reason="needs the snapshots of real feeds")
def test_brands_of_the_real_lists_are_known() -> None:
    """Of JPCERT/CC's rows that name a brand, all but a few in ten thousand are mapped."""
    known = rows = 0
    for path in sorted((FEEDS / "jpcert-phishurl-list").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                rows += 1
                known += bool(brands_of(row["description"] or ""))
    assert rows > 46_000
    assert known / rows > 0.999


def test_feeds_that_name_brands_say_in_which_column() -> None:
    """Of the shipped ones, at least JPCERT/CC's list."""
    assert feed("jpcert-phishurl-list").format["fields"]["brand"] == "description"
