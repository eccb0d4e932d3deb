"""``noroshi feeds new`` and ``feeds check``: a first file guessed of a document, and a file tried on one."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.audience import INTERNAL
from config.loading import load_feed, shipped
from config.newfeed import feed_file, id_of
from config.samples import write_samples
from normalizers.guessing import guess, sketch
from normalizers.records import UnreadableDocument
from taxii_server.cli.main import noroshi
from tests.collectors.server import Server, says
from tests.docs import pages
from tests.normalizers.reading import document, read_all

NOW = 1_790_000_000_000


def run(*arguments: object) -> Result:
    """``noroshi feeds`` with these."""
    return CliRunner().invoke(noroshi, ["feeds", *map(str, arguments)])


def checked(file: Path, *more: object) -> dict[str, Any]:
    """What ``feeds check --json`` prints."""
    done = run("check", file, "--json", *more)
    found: dict[str, Any] = json.loads(done.stdout)
    return {**found, "code": done.exit_code}


#: Of these another format is guessed than ships, and reads the same values.
OTHERWISE = {"cert-polska"}
#: Of these other values are read than the shipped file does, or more of them: what the values are stands nowhere in the
#: document (a network's length in another column, certificates among hashes, numbers of autonomous systems), or there
#: are several columns of values.
MISREAD = {
    "clean-mx-viruses", "dshield", "malwarebazaar-api", "sophoslabs", "spamhaus-asndrop", "sslbl-certificates",
    "stalkerware-network", "unit42-timely",
}  # fmt: skip


def test_what_is_guessed_of_the_samples_reads_them_as_the_shipped_files_do(tmp_path: Path) -> None:
    """Of every shipped feed's sample a file is guessed, which passes its check at once with claims recognised, in the
    format that the shipped file has and with the very values that it reads, but for a few by name. What they say is for
    operators alone, every one of them."""
    samples = {path.name.rsplit("-2026", 1)[0].partition(".")[0]: path for path in write_samples(tmp_path, NOW)}
    assert samples.keys() == {path.stem for path in shipped("feeds").glob("*.yaml")}
    kinds, values = set(), set()
    for name, sample in samples.items():
        file = tmp_path / f"{name}.guess.yaml"
        done = run("new", sample, "--output", file)
        assert done.exit_code == 0, done.output
        found = checked(file, "--sample", sample)
        assert (found["code"], found["claims"] > 0, found["audience"], found["share"]) == (
            0,
            True,
            INTERNAL,
            "internal",
        )
        guessed, ours = load_feed(file), load_feed(shipped(f"feeds/{name}.yaml"))
        if guessed.format["kind"] != ours.format["kind"]:
            kinds.add(name)
        given = document(sample.read_bytes(), sample.name)
        read = [{(claim.type, claim.value) for claim in read_all(given, feed).claims} for feed in (guessed, ours)]
        if read[0] != read[1]:
            values.add(name)
    assert (kinds, values) == (OTHERWISE, MISREAD)
    assert len(values) <= len(samples) * 0.15


ADVISORY = "マルウェアに関する注意喚起\n2026年9月1日\n\n■ 通信先\n・hxxp://evil[.]example/a\n・192.0.2[.]1:8080\n"
PROSE = "We saw hxxp://evil[.]example/a on Monday.\nIt led to 192[.]0[.]2[.]1, which is gone.\n"
TABLES: dict[str, tuple[str | bytes, dict[str, Any]]] = {
    "prose": (PROSE, {"kind": "prose"}),
    "a list of addresses": ("192.0.2.1\n192.0.2.2\n", {"kind": "text", "type": "ipv4"}),
    "both versions": ("192.0.2.1\n2001:db8::1\n", {"kind": "text", "type": "ip"}),
    "mixed types": ("192.0.2.1\nevil.example\n", {"kind": "text", "type": "any", "personal": "refuse"}),
    "remarks": ("192.0.2.0/24 ; SBL1\n198.51.100.0/24 ; SBL2\n", {"kind": "text", "type": "cidr", "remark": ";"}),
    "defanged, with a byte order mark": (
        "\ufeffhxxp://evil[.]example/a\nhxxp://evil[.]example/b\n",
        {"kind": "text", "type": "url", "personal": "refuse"},
    ),
    "ports": ("192.0.2.1:80\n192.0.2.2:443\n", {"kind": "text", "type": "ip:port"}),
    "Shift_JIS": (
        "URL;ブランド\nhttp://evil.example/a;見本銀行\nhttp://evil.example/b;見本銀行\n".encode("cp932"),
        {
            "kind": "csv",
            "encoding": "shift_jis",
            "delimiter": ";",
            "comment": "",
            "fields": {"value": "URL", "type": "url", "brand": "ブランド", "personal": "refuse"},
        },
    ),
    "tabs without a header": (
        "192.0.2.1\t5\n192.0.2.2\t7\n192.0.2.3\t9\n",
        {
            "kind": "csv",
            "delimiter": "tab",
            "comment": "",
            "header": "none",
            "columns": ["column_1", "column_2"],
            "fields": {"value": "column_1", "type": "ipv4"},
        },
    ),
    "a header in a comment, dates, a port, a number of rows": (
        "# 2 rows\n# seen,ip,port,malware\n"
        "2026-09-01 10:00:00,192.0.2.1,80,Mozi\n2026-09-02 10:00:00,192.0.2.2,81,Mozi\n",
        {
            "kind": "csv",
            "comment": "#",
            "header": "comment",
            "total": r"# (\d+)",
            "fields": {
                "value": "ip",
                "type": "ipv4",
                "first_seen": "seen",
                "zone": "UTC",
                "port": "port",
                "malware": ["malware"],
            },
        },
    ),
    "several hashes": (
        "md5,sha256\n" + "".join(f"{n:032x},{n:064x}\n" for n in (0xA1, 0xB2, 0xC3)),
        {
            "kind": "csv",
            "comment": "",
            "fields": {"value": "md5", "type": "file", "hashes": {"SHA-256": "sha256"}},
        },
    ),
    "when it was detected": (
        "sha256,detected_at\n" + "".join(f"{n:064x},2026-09-01T10:00:00+09:00\n" for n in (0xA1, 0xB2)),
        {
            "kind": "csv",
            "comment": "",
            "fields": {"value": "sha256", "type": "file", "first_seen": "detected_at"},
        },
    ),
    "Japan's time": (
        "日付,URL\n2026/09/01 10:00,http://evil.example/a\n2026/09/02 10:00,http://evil.example/b\n",
        {
            "kind": "csv",
            "comment": "",
            "fields": {
                "value": "URL",
                "type": "url",
                "first_seen": "日付",
                "time": "%Y/%m/%d %H:%M",
                "zone": "JST",
                "personal": "refuse",
            },
        },
    ),
    "Japanese headings": (
        "検知日時,宛先IP,宛先ポート,検知名\n"
        "2026/09/01 10:11:12,192.0.2.1,443,Emotet\n2026/09/02 10:11:12,192.0.2.2,80,Mozi\n",
        {
            "kind": "csv",
            "comment": "",
            "fields": {
                "value": "宛先IP",
                "type": "ipv4",
                "first_seen": "検知日時",
                "time": "%Y/%m/%d %H:%M:%S",
                "zone": "JST",
                "port": "宛先ポート",
                "malware": ["検知名"],
            },
        },
    ),
    "a title above the header": (
        "Export of 2026-09-03\nip,port\n192.0.2.1,443\n192.0.2.2,80\n192.0.2.3,80\n",
        {"kind": "csv", "comment": "Export of", "fields": {"value": "ip", "type": "ipv4", "port": "port"}},
    ),
    "an advisory as text": (ADVISORY, {"kind": "prose", "date": "text"}),
    "an advisory in Shift_JIS": (
        ADVISORY.encode("cp932"),
        {"kind": "prose", "encoding": "shift_jis", "date": "text"},
    ),
    "an advisory as a web page": (
        "<!DOCTYPE html><html><body><p>2026年9月1日</p><h2>通信先</h2><ul><li>hxxp://evil[.]example/a</li></ul></body></html>",
        {"kind": "prose", "markup": "html", "date": "text"},
    ),
    "nested records": (
        json.dumps(
            {
                "status": "ok",
                "count": 2,
                "data": {
                    "items": [
                        {"ioc": {"ip": "192.0.2.1"}, "first_seen": 1_790_000_000},
                        {"ioc": {"ip": "192.0.2.2"}, "first_seen": 1_790_000_001},
                    ]
                },
            }
        ),
        {
            "kind": "json",
            "records": "data.items",
            "total": "count",
            "fields": {"value": "ioc.ip", "type": "ipv4", "first_seen": "first_seen", "time": "epoch"},
        },
    ),
    "a list in XML": (
        "<?xml version='1.0'?><answer><count>2</count><found><host><at>192.0.2.1</at></host><seen>1790000000</seen>"
        "<family>Mozi</family></found><found><host><at>192.0.2.2</at></host><seen>0</seen><family/></found></answer>",
        {
            "kind": "xml",
            "records": "found",
            "fields": {
                "value": "host/at",
                "type": "ipv4",
                "first_seen": "seen",
                "time": "epoch",
                "absent": ["", "N/A", "None", "n/a", "null", "0"],
                "malware": ["family"],
            },
        },
    ),
    "a report in AsciiDoc": (
        "= Mozi\n\n== Files\n\n|===\n|SHA-1 |Name |Detection name\n"
        f"|`{0xA1:040x}` |`the loader` |Mozi\n|`{0xB2:040x}` |`the bot` |Mozi\n|===\n\n"
        "== Network\n\n- `evil[.]example`\n- `192.0.2.1`\n",
        {
            "kind": "asciidoc",
            "columns": {"SHA-1": "file"},
            "sections": {"Network": "any"},
            "labels": ["Detection name"],
        },
    ),
    "records of several lines": (
        "Node A1\nAddress 192.0.2.1 2026-09-01 10:00:00\nNode B2\nAddress 192.0.2.2 2026-09-02 10:00:00\n",
        {
            "kind": "lines",
            "row": r"Address (?P<part_1>\S+) (?P<seen_2>\S+ \S+)",
            "others": "pass",
            "fields": {"value": "part_1", "type": "ipv4", "first_seen": "seen_2", "zone": "UTC"},
        },
    ),
    "dates without a heading": (
        "192.0.2.1,2026-09-01T10:00:00Z\n192.0.2.2,2026-09-02T10:00:00Z\n",
        {
            "kind": "csv",
            "comment": "",
            "header": "none",
            "columns": ["column_1", "seen_2"],
            "fields": {"value": "column_1", "type": "ipv4", "first_seen": "seen_2"},
        },
    ),
    "a number that is a part of a date": (
        "# made 2026-09-02 02:02:02\n# ip,family\n192.0.2.1,Mozi\n192.0.2.2,Mozi\n",
        {
            "kind": "csv",
            "comment": "#",
            "header": "comment",
            "fields": {"value": "ip", "type": "ipv4", "malware": ["family"]},
        },
    ),
    "lines of JSON with one about the document": (
        '{"cidr":"192.0.2.0/24"}\n{"cidr":"198.51.100.0/24"}\n{"type":"metadata","records":2}\n',
        {
            "kind": "jsonl",
            "fields": {"value": "cidr", "type": "cidr"},
            "metadata": {"where": {"type": "metadata"}, "total": "records"},
        },
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_what_is_guessed(name: str) -> None:
    """Delimiters, headers, encodings, types by their values, dates by their form; all rows are read with it."""
    content, expected = TABLES[name]
    draft = guess(document(content))
    assert draft.format == expected
    result = read_all(document(content), sketch(draft.format))
    assert (result.rows, len(result.claims), result.refused) == (draft.rows, draft.claims, [])


def test_a_number_is_of_rows_where_words_say_so() -> None:
    """The version in a licence's URL is none, though there are as many rows."""
    rows = "192.0.2.1\tx\n192.0.2.2\ty\n"
    licence = "# some rights reserved: http://licence.example/by-nc-sa/2/\n"
    assert "total" not in guess(document(f"{licence}Start\tName\n{rows}")).format
    said = guess(document(f"{licence}# 2 entries\nStart\tName\n{rows}")).format["total"]
    assert said.endswith("(\\d+)")
    assert "sa" not in said


def test_what_is_around_indicators_does_not_speak_against_a_guess(tmp_path: Path) -> None:
    """A bundle of one indicator and three objects about it, an event of one attribute for detection and three that are
    not: both are recognised, and the file says that much may be refused, so that its check passes."""
    stamps = {"created": "2026-09-01T00:00:00.000Z", "modified": "2026-09-01T00:00:00.000Z", "spec_version": "2.1"}
    bundle = {"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": [
        {"type": "indicator", "id": f"indicator--{uuid.uuid4()}", "pattern": "[domain-name:value = 'evil.example']",
         "pattern_type": "stix", "valid_from": "2026-09-01T00:00:00Z", **stamps},
        *({"type": "malware", "id": f"malware--{uuid.uuid4()}", "name": "Mozi", "is_family": True, **stamps}
          for _ in range(3)),
    ]}  # fmt: skip
    event = {"Event": {"uuid": str(uuid.uuid4()), "info": "Mozi", "date": "2026-09-01", "timestamp": "1788220800",
        "Attribute": [
            {"uuid": str(uuid.uuid4()), "type": "domain", "category": "Network activity", "to_ids": number == 0,
             "timestamp": "1788220800", "value": f"evil{number}.example", "comment": ""}
            for number in range(4)
        ]}}  # fmt: skip
    for kind, content in (("stix", bundle), ("misp", event)):
        sample, file = tmp_path / f"{kind}.json", tmp_path / f"{kind}.yaml"
        sample.write_text(json.dumps(content))
        done = run("new", sample, "--output", file)
        assert done.exit_code == 0, done.output
        assert f"feeds check {file} --sample {sample}" in done.output
        found = checked(file, "--sample", sample)
        assert (found["claims"], found["code"], load_feed(file).format["kind"]) == (1, 0, kind)


@pytest.mark.parametrize(
    "content", ["", "lorem ipsum\ndolor sit amet\n", "<!DOCTYPE html><html></html>", "{}", "[1, 2]"]
)
def test_what_is_not_recognised_is_refused(content: str, tmp_path: Path) -> None:
    """With a sentence and exit code 1; a web page by its name."""
    path = tmp_path / "shortlist"
    path.write_text(content)
    done = run("new", path)
    assert done.exit_code == 1
    assert ("an HTML page" if "html" in content else "recognised none") in done.stderr
    assert done.stderr.count(path.name) == str(path).count(path.name)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.one_of(
        st.binary(max_size=400),
        st.text(max_size=400).map(str.encode),
        st.lists(st.lists(st.sampled_from(["192.0.2.1", "a", "", '"', "2026-01-01", "#", ";", "7"])), max_size=9).map(
            lambda rows: "\n".join(",".join(row) for row in rows).encode()
        ),
        st.recursive(
            st.none() | st.integers() | st.text(max_size=9) | st.just("192.0.2.1"),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        ).map(lambda tree: json.dumps(tree).encode()),
    )
)
def test_whatever_a_document_is_a_guess_is_sound_or_refused(content: bytes) -> None:
    """No other error, and a file of what is guessed can be loaded and tried."""
    try:
        draft = guess(document(content))
    except UnreadableDocument:
        return
    text = feed_file("https://feed.example/x", draft.format, rows=draft.rows, tried=draft.tried, good=draft.claims)
    said = yaml.safe_load(text)
    assert said["format"] == draft.format
    read_all(document(content), sketch(said["format"]))


@given(st.text(max_size=80), st.text(max_size=80))
def test_an_id_is_made_of_any_place(host: str, path: str) -> None:
    """Of 2 to 60 of the letters that an id may have."""
    for source in (f"https://{host}/{path}", path):
        try:
            made = id_of(source)
        except ValueError:
            continue  # no URL at all
        assert made == sketch({"kind": "text"}, id=made).id


def test_a_url_is_fetched_once_and_is_in_the_file(server: Server, tmp_path: Path) -> None:
    """The file's transport is that URL, `feeds check --fetch` reads what is there now, and no file is written over."""
    server.will(says("# phishing\nhttp://evil.example/a\nhttp://evil.example/b\n"))
    output = tmp_path / "new.yaml"
    done = run("new", f"{server.base}/lists/phish.txt", "--output", output, "--id", "evil-list")
    assert done.exit_code == 0, done.output
    assert len(server.asked) == 1
    feed = load_feed(output)
    assert (feed.id, feed.threat, feed.kind, feed.share) == ("evil-list", None, "log", "internal")
    assert feed.transport.url == f"{server.base}/lists/phish.txt"  # type: ignore[union-attr]
    found = checked(output, "--fetch")
    assert (found["rows"], found["claims"], found["code"]) == (2, 2, 0)
    again = CliRunner().invoke(noroshi, ["feeds", "new", f"{server.base}/x", "--output", str(output)])
    assert again.exit_code == 1
    assert load_feed(output).id == "evil-list"


def test_a_page_in_place_of_a_document(server: Server) -> None:
    """Exit code 1, and what it is."""
    server.will(says("<!DOCTYPE html><html><body>Sign in</body></html>"))
    done = run("new", f"{server.base}/list.txt")
    assert (done.exit_code, "an HTML page" in done.stderr) == (1, True)
    assert run("new", "nowhere.txt").exit_code == 1


def test_a_check_shows_what_would_come_of_a_document(tmp_path: Path) -> None:
    """How the first claims would look, for whom, what is refused and where, and which columns are not read or empty."""
    sample = tmp_path / "list.csv"
    sample.write_text(
        "url,tags,seen,reporter\nhttp://evil.example/a,kit,,me\nnonsense,kit,,me\nhttp://evil.example/b,,,me\n"
    )
    raw = yaml.safe_load(shipped("feeds/urlhaus.yaml").read_text())
    fields = {"value": "url", "type": "url", "labels": ["tags"], "first_seen": "seen"}
    raw |= {"id": "my-feed", "share": "members", "format": {"kind": "csv", "fields": fields}}
    file = tmp_path / "feed.yaml"
    file.write_text(yaml.safe_dump(raw))
    found = checked(file, "--sample", sample)
    assert (found["rows"], found["claims"], found["refused"], found["audience"]) == (3, 2, {"no-scheme": 1}, "green")
    assert [line for line, _ in found["examples"]] == [3]
    assert (found["unread"], found["empty"]) == (["reporter"], ["seen"])
    first = found["first"][0]
    assert (first["type"], first["value"], first["for"], first["labels"]) == (
        "url",
        "http://evil.example/a",
        "green",
        ["kit"],
    )
    assert first["confidence"] == round(raw["confidence"] * raw["reliability"] / 100 / 5) * 5
    assert first["detail"] == {"threat": raw["threat"]}
    shown = run("check", file, "--sample", sample).stdout
    for line in (
        f"  threat: {raw['threat']}",
        "columns that are not read: reporter",
        "columns that are read and have nothing: seen",
        "  labels: kit",
    ):
        assert line in shown.splitlines()
    assert run("check", file, "--sample", sample, "--fetch").exit_code == 2


def test_a_check_shows_hashes_by_name_and_moments_as_dates(tmp_path: Path) -> None:
    """Whoever corrects a feed file sees which column became which hash, and when an advisory came out."""
    table, channel, file = tmp_path / "t.csv", tmp_path / "a.rss", tmp_path / "feed.yaml"
    table.write_text("sha256,md5\n" + "".join(f"{n:064x},{n:032x}\n" for n in (0xA1, 0xB2)))
    assert run("new", table, "--output", file).exit_code == 0
    assert f"  MD5: {0xA1:032x}" in run("check", file, "--sample", table).stdout.splitlines()
    channel.write_text(
        "<?xml version='1.0'?><rss version='2.0'><channel><title>A</title><link>https://a.example/</link>"
        "<description/><item><title>B</title><link>https://a.example/1</link>"
        "<pubDate>Tue, 01 Sep 2026 10:00:00 +0900</pubDate></item></channel></rss>"
    )
    file.unlink()
    assert run("new", channel, "--output", file).exit_code == 0
    assert "  published: 2026-09-01T01:00:00Z" in run("check", file, "--sample", channel).stdout.splitlines()


def test_a_guess_at_stix_tells_how_other_objects_are_passed_on(tmp_path: Path) -> None:
    """As a comment at the place where it belongs: none is passed on before a person says so."""
    bundle, file = tmp_path / "b.json", tmp_path / "feed.yaml"
    said = {
        "type": "indicator", "spec_version": "2.1", "id": f"indicator--{uuid.UUID(int=1, version=4)}",
        "created": "2026-09-01T00:00:00.000Z", "modified": "2026-09-01T00:00:00.000Z", "pattern_type": "stix",
        "pattern": "[ipv4-addr:value = '192.0.2.1']", "valid_from": "2026-09-01T00:00:00Z",
    }  # fmt: skip
    bundle.write_text(json.dumps({"type": "bundle", "id": f"bundle--{uuid.UUID(int=2, version=4)}", "objects": [said]}))
    assert run("new", bundle, "--output", file).exit_code == 0
    assert load_feed(file).format == {"kind": "stix"}
    file.write_text(file.read_text().replace("# pass_on", "pass_on"))
    assert load_feed(file).format["pass_on"] == ["identity", "malware", "threat-actor", "relationship"]


DOCUMENTS = {
    "my-feed": "# phishing\nhttp://evil.example/a\nhttp://evil.example/b\nnonsense\n",
    "my-table": "ip,port,seen,family\n192.0.2.1,443,2026-09-01T00:00:00Z,Mozi\n"
    "2001:db8::1,80,2026-09-02T00:00:00Z,Mirai\n10.0.0.1,80,2026-09-02T00:00:00Z,Mirai\n",
    "my-records": json.dumps({"data": [
        {"sha256": f"{1:064x}", "md5": f"{1:032x}", "seen": 1_780_000_000, "tags": ["exe"]},
        {"sha256": f"{2:064x}", "md5": f"{2:032x}", "seen": 1_780_000_000, "tags": ["dll"]},
        {"sha256": "short", "md5": f"{3:032x}", "seen": 1_780_000_000, "tags": []},
    ]}),
}  # fmt: skip
EXAMPLES = [yaml.safe_load(block.text) for block in pages.blocks("docs/adding-a-feed.md") if block.language == "yaml"]
WHOLE = {raw["id"]: raw for raw in EXAMPLES if isinstance(raw, dict) and "publisher" in raw and "id" in raw}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_feed_of_each_plain_kind_is_one_file(name: str, server: Server, tmp_path: Path) -> None:
    """The three whole feeds that the page shows, as they stand there: each reads such a document, over HTTP as well."""
    file = tmp_path / "feed.yaml"
    file.write_text(yaml.safe_dump(WHOLE[name]))
    sample = tmp_path / "sample"
    sample.write_text(DOCUMENTS[name])
    found = checked(file, "--sample", sample)
    assert (found["rows"], found["claims"], sum(found["refused"].values()), found["code"]) == (3, 2, 1, 0)
    server.will(says(DOCUMENTS[name]))
    file.write_text(yaml.safe_dump(WHOLE[name] | {"transport": {"kind": "http", "url": f"{server.base}/feed"}}))
    fetched = checked(file, "--fetch")
    assert (fetched["claims"], fetched["refused"]) == (found["claims"], found["refused"])
    assert [claim["value"] for claim in fetched["first"]] == [claim["value"] for claim in found["first"]]


def test_the_page_shows_one_of_each() -> None:
    """And no other whole feed that is not tried here."""
    assert WHOLE.keys() == DOCUMENTS.keys()
    assert {raw["format"]["kind"] for raw in WHOLE.values()} == {"text", "csv", "json"}
