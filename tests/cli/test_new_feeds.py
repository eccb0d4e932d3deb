"""``noroshi feeds new`` of sources that are more than one document, and what documents say of their publishers."""

from __future__ import annotations

import json
import re
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from config.loading import load_feed, shipped
from config.newfeed import About, feed_file
from config.samples import write_samples
from normalizers.guessing import guess
from normalizers.guessing_about import about
from normalizers.records import UnreadableDocument
from taxii_server.cli import newsources
from taxii_server.cli.context import Failure
from taxii_server.cli.main import noroshi
from tests.collectors.mispfeed import MispFeed, attribute
from tests.collectors.repository import Repository
from tests.collectors.server import Asked, Exchange, Server, says
from tests.normalizers.reading import document

NOW = 1_790_000_000_000
TAXII = "application/taxii+json;version=2.1"


def run(*arguments: object) -> Result:
    """``noroshi feeds`` with these."""
    return CliRunner().invoke(noroshi, ["feeds", *map(str, arguments)])


def indicators() -> list[dict[str, Any]]:
    """Objects of STIX: an identity that made two indicators."""
    stamps = {"created": "2026-09-01T00:00:00.000Z", "modified": "2026-09-01T00:00:00.000Z", "spec_version": "2.1"}
    maker = {
        "type": "identity", "id": f"identity--{uuid.uuid4()}", "name": "Sample CERT", "identity_class": "organization",
        "contact_information": "https://cert.example.jp/contact", **stamps,
    }  # fmt: skip
    made = [
        {
            "type": "indicator", "id": f"indicator--{uuid.uuid4()}", "pattern_type": "stix",
            "pattern": f"[ipv4-addr:value = '192.0.2.{number}']",
            "valid_from": "2026-09-01T00:00:00Z", "created_by_ref": maker["id"], **stamps,
        }
        for number in (1, 2)
    ]  # fmt: skip
    return [maker, *made]


RSS = (
    "<?xml version='1.0'?><rss version='2.0'><channel><title>見本 &amp; お知らせ</title><link>{link}</link>"
    "<language>ja-JP</language><dc:publisher xmlns:dc='http://purl.org/dc/elements/1.1/'>見本機構</dc:publisher>"
    "<item><title>Notice</title><link>https://notice.example.jp/1</link></item></channel></rss>"
)
ATOM = (
    "<feed xmlns='http://www.w3.org/2005/Atom' xml:lang='en'><title>Notices</title><author><name>Sample CERT</name>"
    "</author><link rel='self' href='https://cert.example/atom'/><link href='https://cert.example/news/'/>"
    "<entry><id>urn:a</id><title>Notice</title><link href='https://cert.example/1'/>"
    "<updated>2026-09-01T00:00:00Z</updated></entry></feed>"
)
CSAF = {
    "document": {
        "category": "csaf_security_advisory", "csaf_version": "2.0", "title": "Notice",
        "publisher": {"category": "vendor", "name": "Sample Ltd.", "namespace": "https://psirt.example.jp"},
        "tracking": {"id": "S-1", "current_release_date": "2026-09-01T00:00:00Z",
                     "initial_release_date": "2026-09-01T00:00:00Z", "status": "final", "version": "1"},
    },
    "vulnerabilities": [{"cve": "CVE-2099-10001", "title": "x"}],
}  # fmt: skip
EVENT = {"Event": {"uuid": str(uuid.uuid4()), "info": "Mozi", "timestamp": "1788220800",
                   "Orgc": {"name": "Sample CERT"},
                   "Attribute": [attribute("evil.example", 1_788_220_800)]}}  # fmt: skip
SAID: dict[str, tuple[str, About]] = {
    "RSS": (
        RSS.format(link="https://notice.example.jp/"),
        About("見本 & お知らせ", "見本機構", "https://notice.example.jp/", "ja"),
    ),
    "an address that may not be shown": (
        RSS.format(link="javascript:alert(1)"),
        About("見本 & お知らせ", "見本機構", "", "ja"),
    ),
    "Atom": (ATOM, About("Notices", "Sample CERT", "https://cert.example/news/", "en")),
    "STIX": (
        json.dumps({"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": indicators()}),
        About(publisher="Sample CERT", homepage="https://cert.example.jp/"),
    ),
    "MISP": (json.dumps(EVENT), About(publisher="Sample CERT")),
    "CSAF": (json.dumps(CSAF), About(publisher="Sample Ltd.", homepage="https://psirt.example.jp/")),
    "a list": ("192.0.2.1\n192.0.2.2\n", About()),
}


@pytest.mark.parametrize("name", SAID)
def test_what_a_document_says_of_its_publisher(name: str, tmp_path: Path) -> None:
    """It stands in the file, which passes its check; a country is told by a Japanese address alone."""
    content, expected = SAID[name]
    given = document(content)
    assert about(given, guess(given).format["kind"]) == expected
    sample, file = tmp_path / "sample", tmp_path / "feed.yaml"
    sample.write_text(content)
    done = run("new", sample, "--output", file)
    assert done.exit_code == 0, done.output
    feed = load_feed(file)
    assert feed.title == (expected.title or "sample")
    assert feed.publisher.name == (expected.publisher or "Unknown")
    assert feed.publisher.homepage == (expected.homepage or "https://publisher.example/")
    assert feed.publisher.country == ("JP" if ".jp" in expected.homepage else "ZZ")
    assert feed.format.get("language", expected.language) == expected.language
    assert run("check", file, "--sample", sample).exit_code == 0


def test_the_samples_say_who_publishes_them(tmp_path: Path) -> None:
    """Of every sample in RSS, Atom and STIX at least a title or a publisher, but for TAXII's pages of bare objects."""
    for sample in write_samples(tmp_path, NOW):
        given = document(sample.read_bytes(), sample.name)
        kind = guess(given).format["kind"]
        if kind in ("rss", "stix") and not sample.name.startswith("tweetfeed-taxii"):
            assert any(about(given, kind)), sample.name


NOTHING = ["", "{}", "[]", "[1]", '{"objects": 7}', "<a/>", '{"response": {"Event": []}}', "7"]


@pytest.mark.parametrize("kind", ["rss", "misp", "stix", "csaf", "otx", "kev"])
@pytest.mark.parametrize("content", NOTHING)
def test_what_says_nothing_says_nothing(kind: str, content: str) -> None:
    """Of whatever a document is: no publisher but OTX's, and no other error."""
    assert about(document(content), kind).title == ""


def test_a_title_with_tricks_stays_a_title() -> None:
    """Line breaks and quotes of a stranger's title make no other YAML."""
    said = About(title='a"\nid: other # ', publisher="b: [c]")
    text = feed_file("https://feed.example/x", {"kind": "text", "type": "url"}, rows=1, tried=1, good=1, about=said)
    assert text.count("\nid: ") == 1
    assert "publisher:\n  name: 'b: [c]'" in text


def test_a_misp_feed_by_its_manifest(server: Server, tmp_path: Path) -> None:
    """Its manifest is no document: the file says that the events are fetched, and a fetch brings them."""
    feed = MispFeed(server)
    at = newsources.system_clock() // 1_000_000
    feed.put("event", at, attribute("evil.example", at), attribute("evil2.example", at))
    feed.manifest[next(iter(feed.manifest))]["Orgc"] = {"name": "Sample CERT"}
    file = tmp_path / "feed.yaml"
    done = run("new", f"{feed.url}/manifest.json", "--output", file)
    assert done.exit_code == 0, done.output
    made = load_feed(file)
    assert (made.transport.kind, made.format, made.publisher.name) == ("misp", {"kind": "misp"}, "Sample CERT")
    assert made.transport.url == feed.url  # type: ignore[union-attr]
    assert made.expect.min_rows == 0
    checked = run("check", file, "--fetch", "--json")
    assert (checked.exit_code, json.loads(checked.stdout)["claims"]) == (0, 2)
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(feed.manifest))
    assert "give the URL" in run("new", path).stderr


def taxii(*titles: str) -> Any:
    """A TAXII 2.1 server with collections of these titles, all of the same objects, and one that may not be read."""
    collections = [
        {"id": str(uuid.uuid5(uuid.NAMESPACE_URL, title)), "title": title, "can_read": True, "can_write": False}
        for title in titles
    ]
    closed = {"id": str(uuid.uuid4()), "title": "Closed", "can_read": False, "can_write": False}
    root = {"title": "Root", "versions": [TAXII], "max_content_length": 1_000}

    def answer(asked: Asked, exchange: Exchange) -> None:
        path = asked.path.partition("?")[0]
        parts = path.strip("/").split("/")
        known = next((item for item in collections if item["id"] in parts), None)
        said: Any = None
        if path == "/taxii2/":
            said = {"title": "Sample server", "api_roots": ["/api/"]}
        elif path == "/api/":
            said = root
        elif path == "/api/collections/":
            said = {"collections": [*collections, closed]}
        elif known is not None:
            said = {"objects": indicators()} if parts[-1] == "objects" else known
        exchange.answer(404 if said is None else 200, json.dumps(said).encode(), Content_Type=TAXII)

    return answer


def test_a_taxii_server_with_one_collection(server: Server, tmp_path: Path) -> None:
    """Its discovery leads to it, and so does its API root."""
    server.will(taxii("Indicators"))
    file = tmp_path / "feed.yaml"
    done = run("new", f"{server.base}/taxii2/", "--output", file)
    assert done.exit_code == 0, done.output
    made = load_feed(file)
    assert made.transport.api_root == f"{server.base}/api/"  # type: ignore[union-attr]
    assert (made.title, made.publisher.name) == ("Sample server Indicators", "Sample CERT")
    checked = run("check", file, "--fetch", "--json")
    assert (checked.exit_code, json.loads(checked.stdout)["claims"]) == (0, 2)
    assert newsources.taxii(f"{server.base}/api/", None).transport == made.transport.model_dump(
        include={"kind", "api_root", "collection"}
    )


def test_a_taxii_server_with_several_collections(server: Server, tmp_path: Path) -> None:
    """They are shown, and one of them is to be named by id or title; what may not be read is not among them."""
    server.will(taxii("First", "Second"))
    done = run("new", f"{server.base}/taxii2/")
    assert done.exit_code == 1
    assert "--collection with one of the 2" in done.stderr
    assert all(title in done.stderr for title in ("First", "Second"))
    assert "Closed" not in done.stderr
    named = run("new", f"{server.base}/taxii2/", "--collection", "Second", "--output", tmp_path / "feed.yaml")
    assert named.exit_code == 0, named.output
    assert load_feed(tmp_path / "feed.yaml").title == "Sample server Second"
    server.will(says("{}", Content_Type=TAXII))
    assert "expected the discovery" in run("new", f"{server.base}/taxii2/").stderr
    server.will(says("no", 404))
    assert run("new", f"{server.base}/taxii2/").exit_code == 1


def repository_of(server: Server) -> Repository:
    """A repository of two lists, of days and of hashes, amid other files."""
    made = Repository(server)
    made.files = {
        "README.md": b"words\n",
        "2026/09/01/ioc.txt": b"evil.example\n192.0.2.1\n",
        "2026/09/02/ioc.txt": b"evil2.example\n",
        "2026/09/03/ioc.txt": b"",
        "hashes.csv": f"sha256,family\n{1:064x},Mozi\n{2:064x},Mozi\n".encode(),
        "run.py": b"print()\n",
    }
    return made


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://github.com/o/r", {"files": ["**/ioc.txt"], "dates": "path"}),
        ("https://github.com/o/r.git", {"files": ["**/ioc.txt"], "dates": "path"}),
        ("https://github.com/o/r/tree/main/2026/", {"files": ["2026/**/ioc.txt"], "dates": "path", "ref": "main"}),
        ("https://github.com/o/r/blob/main/hashes.csv", {"files": ["hashes.csv"], "ref": "main"}),
    ],
)
def test_a_repository_at_github(server: Server, tmp_path: Path, url: str, expected: dict[str, Any]) -> None:
    """The kind of file of which there are most, or what its address points at; days by their path."""
    repository_of(server)
    hosts = {"api": f"{server.base}/api", "raw": f"{server.base}/raw"}
    found = newsources._GITHUB.fullmatch(url)
    assert found is not None
    made = newsources.github(url, found, **hosts)
    assert made.transport == {"kind": "github", "repository": "o/r", **hosts, **expected}
    assert made.about == About("r", "o", "https://github.com/o/r")
    draft = made.draft
    text = feed_file(
        url, draft.format, rows=draft.rows, tried=draft.tried, good=draft.claims, about=made.about,
        transport=made.transport,
    )  # fmt: skip
    file = tmp_path / "feed.yaml"
    file.write_text(text)
    checked = run("check", file, "--fetch", "--json")
    assert (checked.exit_code, json.loads(checked.stdout)["claims"] >= 2) == (0, True)


def test_a_repository_without_values(server: Server) -> None:
    """A sentence that says so, and one where there is no such repository."""
    made = Repository(server)
    made.files = {"README.md": b"words\n", "notes.txt": b"lorem ipsum\n"}
    hosts = {"api": f"{server.base}/api", "raw": f"{server.base}/raw"}
    with pytest.raises(Failure, match="recognised none of its 2"):
        newsources.github("https://github.com/o/r", _match("https://github.com/o/r"), **hosts)
    with pytest.raises(Failure):
        newsources.github("https://github.com/o/none", _match("https://github.com/o/none"), **hosts)


def _match(url: str) -> re.Match[str]:
    found = newsources._GITHUB.fullmatch(url)
    assert found is not None
    return found


def test_a_csaf_provider(server: Server) -> None:
    """Its metadata is no advisory; who it is, is said, and what to give in its place."""
    said = {"canonical_url": "https://psirt.example.jp/provider-metadata.json", "metadata_version": "2.0"}
    said |= {"publisher": CSAF["document"]["publisher"]}
    server.will(says(json.dumps(said)))
    done = run("new", f"{server.base}/provider-metadata.json")
    assert done.exit_code == 1
    assert "CSAF provider (Sample Ltd., https://psirt.example.jp/)" in done.stderr


def test_pulses_of_otx_are_asked_for_page_by_page(server: Server, tmp_path: Path) -> None:
    """What changed since the last run, going on from page to page."""
    (sample,) = (path for path in write_samples(tmp_path, NOW) if path.name.startswith("alienvault-otx"))
    server.will(says(sample.read_bytes()))
    file = tmp_path / "feed.yaml"
    assert run("new", f"{server.base}/api/v1/pulses/subscribed", "--output", file).exit_code == 0
    made, ours = load_feed(file), load_feed(shipped("feeds/alienvault-otx.yaml"))
    assert (made.transport.kind, made.transport.since) == (ours.transport.kind, ours.transport.since)  # type: ignore[union-attr]
    assert made.publisher.homepage == "https://otx.alienvault.com/"


@pytest.mark.parametrize("url", ["http://[.]/list.txt", "https://a[.]example/list.txt", "http://"])
def test_what_is_no_url_is_told(url: str) -> None:
    """A defanged one, and one without a host."""
    result = CliRunner().invoke(noroshi, ["feeds", "new", url])
    assert "expected a URL such as" in str(result.exception) + result.output


def test_a_table_of_defanged_urls(tmp_path: Path) -> None:
    """Brackets in a URL hold no address then."""
    rows = [f"hxxp://login{n}.bank[.]example/ja/,2026-11-2{n}" for n in range(5)]
    draft = guess(document(("url,date\n" + "\n".join(rows)).encode()))
    assert (draft.format["kind"], draft.format["fields"]["value"], draft.claims) == ("csv", "url", 5)


@given(st.text(alphabet="htps:/[]().,;ab0\n ", max_size=200))
def test_no_text_is_too_odd_to_guess_at(text: str) -> None:
    """It is read somehow, or said to be unreadable."""
    with suppress(UnreadableDocument):
        guess(document(text.encode()))
