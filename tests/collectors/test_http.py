"""The HTTP collector, against a real server over real sockets."""

from __future__ import annotations

import gzip
import io
import logging
import ssl
import zipfile
import zlib
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from collectors import http
from collectors.again import put_off
from collectors.document import Collected
from collectors.errors import CollectError, GiveUp, TooLarge, TryLater, Unreadable
from collectors.means import Means
from config.instant import Micros, parse_millis
from config.transports import HttpTransport
from tests.collectors.collecting import Collecting
from tests.collectors.conftest import Waits
from tests.collectors.server import Answer, Asked, Exchange, Server, says
from tests.normalizers.reading import feed

NOW: Micros = parse_millis("2026-03-01T12:00:00Z") * 1_000
KEY = "s3cr3t/k+y"
BODY = b"http://a.example/\n" * 10


class Case(Collecting):
    """A feed at the server."""

    def __init__(
        self, server: Server, waits: Waits, *, kind_: str = "log", key: str | None = None, **given: Any
    ) -> None:
        options = {"kind": "http", "url": f"{server.base}/feed.txt", "timeout": "20s", "retries": 2, **given}
        transport = HttpTransport.model_validate(options)
        super().__init__(http.collect, feed("openphish", transport=transport, key=key, kind=kind_), waits, NOW)


def content(collected: Collected) -> bytes:
    """The bytes of the only document."""
    (document,) = collected.documents
    with document.open() as stream:
        return stream.read()


# ---------------------------------------------------------------- one document


def test_a_document_and_where_to_go_on(server: Server, waits: Waits) -> None:
    """Body, name, times and media type; the hub says who asks."""
    server.will(says(BODY, Last_Modified="Sun, 01 Mar 2026 10:00:00 GMT", Content_Type="text/plain", ETag='"1"'))
    collected = Case(server, waits).collect()
    (document,) = collected.documents
    assert content(collected) == BODY
    assert content(collected) == BODY  # a document can be read again
    assert document.name == "feed.txt"
    assert document.fetched == NOW // 1_000
    assert document.modified == parse_millis("2026-03-01T10:00:00Z")
    assert not collected.unchanged
    assert not collected.more
    assert (
        server.asked[0].headers["user-agent"]
        == Means(clock=lambda: NOW, contact="https://hub.example/about").user_agent
    )
    assert "(+https://hub.example/about)" in server.asked[0].headers["user-agent"]


@pytest.mark.parametrize("value", ["never", "Sun, 99 Mar 2026 10:00:00 GMT", ""])
def test_a_last_modified_that_is_none_is_ignored(server: Server, waits: Waits, value: str) -> None:
    """The document then has no time of its own."""
    server.will(says(BODY, Last_Modified=value))
    assert Case(server, waits).collect().documents[0].modified is None


def test_a_last_modified_from_the_future_is_now(server: Server, waits: Waits) -> None:
    """A publisher's clock that is ahead does not date documents ahead."""
    server.will(says(BODY, Last_Modified="Sun, 01 Mar 2099 10:00:00 GMT"))
    assert Case(server, waits).collect().documents[0].modified == NOW // 1_000


def test_304_is_unchanged(server: Server, waits: Waits) -> None:
    """What was fetched is asked for conditionally, and not fetched again."""
    case = Case(server, waits)
    server.will(says(BODY, ETag='W/"abc"', Last_Modified="Sun, 01 Mar 2026 10:00:00 GMT"), says(b"", 304))
    first = case.collect()
    second = case.collect(first.cursor)
    assert second.unchanged
    assert second.documents == ()
    assert server.asked[1].headers["if-none-match"] == 'W/"abc"'
    assert server.asked[1].headers["if-modified-since"] == "Sun, 01 Mar 2026 10:00:00 GMT"
    assert second.cursor == first.cursor


def test_the_same_bytes_are_unchanged_without_304(server: Server, waits: Waits) -> None:
    """A server that knows nothing of conditions still causes no work."""
    case = Case(server, waits)
    server.will(says(BODY))
    again = case.collect(case.collect().cursor)
    assert again.unchanged
    assert again.documents == ()


def test_other_bytes_are_a_document(server: Server, waits: Waits) -> None:
    """And the cursor moves to them."""
    case = Case(server, waits)
    server.will(says(BODY, ETag='"1"'), says(BODY * 2, ETag='"2"'))
    first = case.collect()
    second = case.collect(first.cursor)
    assert content(second) == BODY * 2
    assert second.cursor != first.cursor


@pytest.mark.parametrize("etag", ["\x0bfoo", "\u00a0foo", "\u3042", '"' + "x" * 2_000 + '"'])
def test_what_cannot_be_sent_back_is_not_kept(server: Server, waits: Waits, etag: str) -> None:
    """An ETag that no request can hold does not keep the feed from being asked for again."""
    case = Case(server, waits)
    server.will(says(BODY, ETag=etag), says(BODY * 2))
    first = case.collect()
    assert len(case.collect(first.cursor).documents) == 1
    assert "if-none-match" not in server.asked[-1].headers


def test_another_url_is_asked_for_without_conditions(server: Server, waits: Waits) -> None:
    """What another URL said of its version means nothing here."""
    server.will(says(BODY, ETag='"1"'))
    cursor = Case(server, waits).collect().cursor
    assert content(Case(server, waits, url=f"{server.base}/other.txt").collect(cursor)) == BODY
    assert "if-none-match" not in server.asked[1].headers


def test_304_to_an_unconditional_request_is_an_error(server: Server, waits: Waits) -> None:
    """There is nothing that could be unchanged."""
    server.will(says(b"", 304))
    assert "304" in Case(server, waits).fails(GiveUp)


# ---------------------------------------------------------------- months


def test_months_are_several_documents(server: Server, waits: Waits) -> None:
    """{yyyy} and {mm} stand for the latest months, the oldest first; those that are not there are passed over."""

    def answer(asked: Asked, exchange: Exchange) -> None:
        if "202603" in asked.path:
            exchange.answer(404)
        else:
            exchange.answer(200, asked.path.encode(), ETag=f'"{asked.path}"')

    server.will(answer)
    case = Case(server, waits, url=f"{server.base}/{{yyyy}}/{{yyyy}}{{mm}}.csv", months=4)
    collected = case.collect()
    assert [document.name for document in collected.documents] == ["202512.csv", "202601.csv", "202602.csv"]
    assert server.asked[0].path == "/2025/202512.csv"


def test_only_months_that_changed_are_documents(server: Server, waits: Waits) -> None:
    """Each has a condition of its own."""

    def answer(asked: Asked, exchange: Exchange) -> None:
        if asked.headers.get("if-none-match") and "202602" not in asked.path:
            exchange.answer(304)
        else:
            exchange.answer(200, f"{asked.path} {len(server.asked)}".encode(), ETag='"1"')

    server.will(answer)
    case = Case(server, waits, url=f"{server.base}/{{yyyy}}{{mm}}.csv", months=3)
    cursor = case.collect().cursor
    again = case.collect(cursor)
    assert [document.name for document in again.documents] == ["202602.csv"]
    assert set(again.cursor["urls"]) == set(cursor["urls"])


def test_of_a_full_list_all_parts_are_fetched(server: Server, waits: Waits) -> None:
    """One changed part alone would look as if the rest had left the list."""
    server.will(says("1", ETag='"1"'))
    case = Case(server, waits, url=f"{server.base}/{{yyyy}}{{mm}}.csv", months=2, kind_="list")
    cursor = case.collect().cursor
    assert case.collect(cursor).unchanged
    server.will(says("1", ETag='"1"'), says("2", ETag='"2"'))
    assert len(case.collect(cursor).documents) == 2
    assert not any("if-none-match" in asked.headers for asked in server.asked)


def test_of_a_log_a_month_that_cannot_be_had_costs_only_itself(server: Server, waits: Waits) -> None:
    """What was put off comes again without a condition, though it did not change; a list is not whole without it."""

    def answer(asked: Asked, exchange: Exchange) -> None:
        if asked.headers.get("if-none-match"):
            exchange.answer(304)
        else:
            body = b"x" * 50 if "202602" in asked.path and len(server.asked) < 4 else asked.path.encode()
            exchange.answer(200, body, ETag='"1"')

    server.will(answer)
    months = {"url": f"{server.base}/{{yyyy}}{{mm}}.csv", "months": 2, "max_bytes": 20}
    Case(server, waits, kind_="list", **months).fails(TooLarge)
    server.asked.clear()
    case = Case(server, waits, **months)
    first = case.collect()
    assert [document.name for document in first.documents] == ["202603.csv"]
    assert (first.apart, first.noted, list(first.missing)) == (True, 2, [f"{server.base}/202602.csv"])
    server.asked.extend([server.asked[0]] * 4)
    again = case.collect(put_off(first.cursor, [*first.missing, f"{server.base}/202603.csv"]))
    assert [document.name for document in again.documents] == ["202602.csv", "202603.csv"]
    assert case.collect(again.cursor).unchanged


def test_no_month_at_all_is_an_error(server: Server, waits: Waits) -> None:
    """Then the address is wrong."""
    server.will(says(b"", 404))
    case = Case(server, waits, url=f"{server.base}/{{yyyy}}{{mm}}.csv", months=2)
    assert "none of its 2 documents" in case.fails(GiveUp)


# ---------------------------------------------------------------- packed


def zipped(*names: str, content: bytes = BODY) -> bytes:
    """A zip archive with members of these names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (gzip.compress(BODY), {"Content_Encoding": "gzip"}),
        (gzip.compress(BODY), {"Content_Encoding": "x-gzip"}),
        (gzip.compress(BODY), {}),
        (gzip.compress(BODY[:18]) + gzip.compress(BODY[18:]), {}),
        (gzip.compress(BODY) + b"\0" * 100, {}),
        (gzip.compress(gzip.compress(BODY)), {"Content_Encoding": "gzip"}),
        (zipped("csv.txt"), {}),
        (zipped("folder/", "folder/csv.txt"), {}),
    ],
    # Not by their bytes, which hold the time of day.
    ids=["gzip coding", "x-gzip coding", "gzip", "two members", "padded", "gzip twice", "zip", "zip with a folder"],
)
def test_packed_documents_are_unpacked(server: Server, waits: Waits, body: bytes, headers: dict[str, str]) -> None:
    """gzip as content coding and as file, in one member or several, and zip with one member."""
    server.will(says(body, **headers))
    collected = Case(server, waits, url=f"{server.base}/full.csv.zip").collect()
    assert content(collected) == BODY
    assert server.asked[0].headers["accept-encoding"] == "gzip"


def test_packed_again_is_unchanged(server: Server, waits: Waits) -> None:
    """It is what is inside that counts."""
    server.will(says(gzip.compress(BODY, mtime=1)), says(gzip.compress(BODY, mtime=2)))
    case = Case(server, waits)
    assert case.collect(case.collect().cursor).unchanged


def test_names_lose_the_ending_of_the_packing(server: Server, waits: Waits) -> None:
    """The document is the CSV, not the archive."""
    server.will(says(gzip.compress(BODY)))
    assert Case(server, waits, url=f"{server.base}/full.csv.gz?x=1").collect().documents[0].name == "full.csv"


BOMB = gzip.compress(b"\0" * 20_000_000)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (BOMB, {"Content_Encoding": "gzip"}),
        (BOMB, {}),
        (zipped("bomb", content=b"\0" * 20_000_000), {}),
        (b"x" * 2_000_000, {}),
        (gzip.compress(b"") * 100_000, {"Content_Encoding": "gzip"}),
    ],
)
def test_too_many_bytes(server: Server, waits: Waits, body: bytes, headers: dict[str, str]) -> None:
    """Bombs of gzip and zip, and plain excess, end at the cap."""
    server.will(says(body, **headers))
    assert "at most 1000000 bytes" in Case(server, waits, max_bytes=1_000_000).fails(TooLarge)
    assert len(server.asked) == 1


def test_too_many_bytes_without_a_length(server: Server, waits: Waits) -> None:
    """A body that goes on and on ends at the cap too."""

    def endless(asked: Asked, exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(400):
            exchange.send(b"x" * 10_000)

    server.will(endless)
    Case(server, waits, max_bytes=1_000_000).fails(TooLarge)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (gzip.compress(BODY)[:-12], {"Content_Encoding": "gzip"}),
        (gzip.compress(BODY)[:-12], {}),
        (gzip.compress(BODY)[:-4] + b"abcd", {"Content_Encoding": "gzip"}),
        (b"no gzip at all", {"Content_Encoding": "gzip"}),
        (zlib.compress(BODY), {"Content_Encoding": "br"}),
        (zipped("a", "b"), {}),
        (zipped(), {}),
        (zipped("a")[:-30], {}),
        (zipped("a")[:40] + b"\xff" * 10 + zipped("a")[50:], {}),
        (b"PK\x03\x04" + b"\0" * 100, {}),
        (b"PK\x05\x06" + b"\0" * 8 + b"\xff\xff\xff\xff" + b"\0" * 6, {}),
    ],
)
def test_damaged_packings(server: Server, waits: Waits, body: bytes, headers: dict[str, str]) -> None:
    """Cut off, damaged, unknown codings and archives with other than one member are no documents."""
    server.will(says(body, **headers))
    Case(server, waits).fails(Unreadable)


# ---------------------------------------------------------------- cut off, slow, gone


def cut_off(asked: Asked, exchange: Exchange) -> None:
    """Fewer bytes than promised."""
    exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + BODY)


def cut_off_chunks(asked: Asked, exchange: Exchange) -> None:
    """Chunks without the last one."""
    exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhttp:\r\n")


def closed(asked: Asked, exchange: Exchange) -> None:
    """No answer at all."""


def garbage(asked: Asked, exchange: Exchange) -> None:
    """No HTTP."""
    exchange.send(b"SSH-2.0-OpenSSH_9.6\r\n")


@pytest.mark.parametrize("answer", [cut_off, cut_off_chunks, closed, garbage, says(b"", 500), says(b"", 503)])
def test_what_may_pass_is_tried_again(server: Server, waits: Waits, answer: Answer) -> None:
    """Cut-off bodies, broken connections and 5xx are tried again after growing waits, and then work."""
    server.will(answer, answer, says(BODY))
    assert content(Case(server, waits).collect()) == BODY
    assert list(waits) == [1.0, 2.0]


@pytest.mark.parametrize("answer", [cut_off, cut_off_chunks, closed, garbage, says(b"", 500)])
def test_what_does_not_pass_is_for_later(server: Server, waits: Waits, answer: Answer) -> None:
    """After the last try the run fails, and nothing that was cut off is a document."""
    server.will(answer)
    Case(server, waits).fails(TryLater)
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://127.0.0.1:9/{key}", "cannot be connected to: Connection refused"),
        ("http://nobody.invalid/{key}", "the name of its host, or of the proxy, is not known here"),
    ],
)
def test_what_cannot_be_connected_to_is_for_later(server: Server, waits: Waits, url: str, why: str) -> None:
    """The operator is told whether it is the name, the network or nobody listening; the key stays hidden."""
    said = Case(server, waits, url=url, key="FEED_KEY", retries=0).fails(TryLater, environment={"FEED_KEY": KEY})
    assert said == f"{url}: {why}"


def test_a_proxy_that_is_not_there(server: Server, waits: Waits, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the proxy that is named, not the publisher."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    said = Case(server, waits, url="http://cert.example.jp/x", retries=0).fails(TryLater)
    assert said == "http://cert.example.jp/x: the proxy cannot be reached, or does not let it through"


def test_an_authority_of_ones_own(waits: Waits, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate is trusted when REQUESTS_CA_BUNDLE has its authority; else it is said what is wrong."""
    cert = Path(__file__).parents[1] / "taxii" / "tls" / "cert.pem"
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, cert.with_name("key.pem"))
    with Server(tls).running() as server:
        server.will(says(BODY))
        said = Case(server, waits).fails(GiveUp)
        assert ": its TLS certificate is not trusted: self" in said
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(cert))
        assert content(Case(server, waits).collect()) == BODY


def silent(asked: Asked, exchange: Exchange) -> None:
    """Takes the request and says nothing."""
    exchange.wait()


def trickling_head(asked: Asked, exchange: Exchange) -> None:
    """One byte of a header now and then, for ever."""
    exchange.send(b"HTTP/1.1 200 OK\r\n")
    while not exchange.wait(0.02):
        exchange.send(b"X")


def trickling_body(asked: Asked, exchange: Exchange) -> None:
    """One byte of the body now and then, for ever."""
    exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not exchange.wait(0.02):
        exchange.send(b"x")


def trickling_without_length(asked: Asked, exchange: Exchange) -> None:
    """The same, so that the end of the connection would be the end of the body."""
    exchange.send(b"HTTP/1.1 200 OK\r\n\r\n")
    while not exchange.wait(0.02):
        exchange.send(b"x")


@pytest.mark.parametrize("answer", [silent, trickling_head, trickling_body, trickling_without_length])
def test_a_host_that_hangs_or_trickles_is_left(server: Server, waits: Waits, answer: Answer) -> None:
    """The deadline holds for the whole exchange, not for each byte, and what came until then is no document."""
    server.will(answer)
    assert "0.3 s" in Case(server, waits, timeout="300ms", retries=5).fails(TryLater)


def test_waits_never_reach_past_the_deadline(server: Server, waits: Waits) -> None:
    """Rather than wait for longer than is left, the run ends."""
    server.will(says(b"", 500))
    Case(server, waits, timeout="900ms", retries=5).fails(TryLater)
    assert list(waits) == []


# ---------------------------------------------------------------- statuses


def test_retry_after_is_obeyed(server: Server, waits: Waits) -> None:
    """429 with a short Retry-After is waited for."""
    server.will(says(b"", 429, Retry_After="7"), says(BODY))
    assert content(Case(server, waits).collect()) == BODY
    assert list(waits) == [7.0]


@pytest.mark.parametrize(
    ("value", "expected"),
    [("3600", 3_600_000), ("Sun, 01 Mar 2026 13:00:00 GMT", 3_600_000), ("Sun, 01 Mar 2020 13:00:00 GMT", 0),
     ("9" * 30, 7 * 86_400_000), ("soon", None), ("-5", None)],
)  # fmt: skip
def test_a_long_retry_after_is_for_the_schedule(server: Server, waits: Waits, value: str, expected: int | None) -> None:
    """In seconds or as a date; a week at most; what is none is ignored."""
    server.will(says(b"", 429, Retry_After=value))
    with pytest.raises(TryLater) as failed:
        Case(server, waits, retries=0).collect()
    assert failed.value.retry_after == expected


@pytest.mark.parametrize("status", [401, 403, 407])
def test_missing_rights_are_not_tried_again(server: Server, waits: Waits, status: int) -> None:
    """The key is wrong, and stays so."""
    server.will(says(b"", status))
    assert "rights" in Case(server, waits).fails(GiveUp)
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [204, 206, 400, 404, 410, 418, 501])
def test_other_statuses_are_not_tried_again(server: Server, waits: Waits, status: int) -> None:
    """Only 200 is a document."""
    server.will(says(BODY, status))
    assert str(status) in Case(server, waits).fails(GiveUp)
    assert len(server.asked) == 1


# ---------------------------------------------------------------- redirects


def test_redirects_are_followed(server: Server, waits: Waits) -> None:
    """Relative and absolute, to the document."""
    server.will(says(b"", 302, Location="/b"), says(b"", 301, Location=f"{server.base}/c"), says(BODY))
    collected = Case(server, waits).collect()
    assert content(collected) == BODY
    assert collected.documents[0].name == "feed.txt"
    assert [asked.path for asked in server.asked] == ["/feed.txt", "/b", "/c"]


def test_redirects_end(server: Server, waits: Waits) -> None:
    """A loop is left after five."""
    server.will(says(b"", 302, Location="/feed.txt"))
    assert "at most 5 redirects" in Case(server, waits).fails(GiveUp)
    assert len(server.asked) == 6


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://x/", "http://[::1", ""])
def test_redirects_lead_nowhere_else(server: Server, waits: Waits, location: str) -> None:
    """Only to http and https, and only to what is a URL."""
    server.will(says(b"", 302, Location=location))
    Case(server, waits).fails(GiveUp)


@pytest.mark.parametrize("status", [302, 404, 500])
def test_bodies_that_are_not_wanted_are_not_read(server: Server, waits: Waits, status: int) -> None:
    """A redirect or an error with a body without end costs no more than its head."""
    sent: list[int] = []

    def endless(asked: Asked, exchange: Exchange) -> None:
        exchange.send(f"HTTP/1.1 {status} X\r\nLocation: /feed.txt\r\n\r\n".encode())
        while exchange.send(b"x" * 100_000):
            sent.append(1)

    server.will(endless)
    Case(server, waits, retries=0).fails(TryLater if status == 500 else GiveUp)
    assert sum(sent) < 10_000


def test_secrets_do_not_follow_to_another_host(server: Server, waits: Waits) -> None:
    """A header with the key in it goes to the host it is for, and to no other."""
    with Server().running() as other:
        other.will(says(BODY))
        server.will(says(b"", 302, Location=f"{server.base}/b"), says(b"", 302, Location=f"{other.base}/c"))
        case = Case(server, waits, headers={"Auth-Key": "{key}"}, key="FEED_KEY")
        assert content(case.collect(environment={"FEED_KEY": KEY})) == BODY
        assert [asked.headers.get("auth-key") for asked in (*server.asked, *other.asked)] == [KEY, KEY, None]
        assert "noroshi" in other.asked[0].headers["user-agent"]


# ---------------------------------------------------------------- keys


@pytest.mark.parametrize(
    ("transport", "shows"),
    [
        ({"url": "{base}/v2/{key}/recent.csv"}, lambda asked: asked.path == "/v2/s3cr3t%2Fk%2By/recent.csv"),
        ({"url": "{base}/{key}"}, lambda asked: asked.path == "/s3cr3t%2Fk%2By"),
        ({"headers": {"X-Key": "{key}"}}, lambda asked: asked.headers["x-key"] == KEY),
        (
            {"headers": {"Authorization": "Bearer {key}"}},
            lambda asked: asked.headers["authorization"] == f"Bearer {KEY}",
        ),
        (
            {"headers": {"Authorization": "Basic soc:{key}"}},
            lambda asked: asked.headers["authorization"] == "Basic c29jOnMzY3IzdC9rK3k=",
        ),
    ],
)
def test_keys_go_where_they_belong(server: Server, waits: Waits, transport: dict[str, Any], shows: Any) -> None:
    """Into the URL or a header, and neither into the document's name nor the cursor."""
    if "url" in transport:
        transport = {"url": transport["url"].replace("{base}", server.base)}
    server.will(says(BODY, ETag='"1"'))
    collected = Case(server, waits, key="FEED_KEY", **transport).collect(environment={"FEED_KEY": f" {KEY}\n"})
    assert shows(server.asked[0])
    said = repr(collected.cursor) + collected.documents[0].name
    assert "s3cr3t" not in said


@pytest.mark.parametrize(
    "answer",
    [cut_off, cut_off_chunks, closed, garbage, silent, says(b"", 500), says(b"", 403), says(b"", 404),
     says(b"", 302, Location="/loop"), says(b"", 302, Location="file:///x"), says(b"\x1f\x8b\x08x"), says(BOMB)],
)  # fmt: skip
def test_no_message_and_no_log_shows_a_key(
    server: Server, waits: Waits, answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever fails: neither the error, nor what it came from, nor the log."""
    caplog.set_level(logging.DEBUG)
    server.will(answer)
    url = f"{server.base}/exports/{{key}}/recent.csv"
    case = Case(server, waits, url=url, key="FEED_KEY", timeout="1s", max_bytes=1_000_000)
    with pytest.raises(CollectError) as failed:
        case.collect(environment={"FEED_KEY": KEY})
    seen: BaseException | None = failed.value
    while seen is not None:
        assert "s3cr3t" not in str(seen)
        seen = seen.__cause__ or seen.__context__
    assert "{key}" in str(failed.value) or "recent.csv" in str(failed.value)
    assert "s3cr3t" not in caplog.text


def test_a_missing_key_is_named(server: Server, waits: Waits) -> None:
    """Before anything is asked for."""
    case = Case(server, waits, url=f"{server.base}/{{key}}", key="FEED_KEY")
    for environment in ({}, {"FEED_KEY": "  "}):
        assert "FEED_KEY" in case.fails(GiveUp, environment=environment)
    assert "FEED_KEY" in case.fails(GiveUp, environment={"FEED_KEY": "a\r\nX: b"})
    assert server.asked == []


def test_keys_and_their_places_belong_together(server: Server, waits: Waits) -> None:
    """A place without a key and a key without a place are mistakes of configuration."""
    assert "{key}" in Case(server, waits, url=f"{server.base}/{{key}}").fails(GiveUp)
    assert "{key}" in Case(server, waits, headers={"X": "{key}"}).fails(GiveUp)
    assert "{key}" in Case(server, waits, key="FEED_KEY").fails(GiveUp, environment={"FEED_KEY": KEY})


def test_netrc_is_not_read(server: Server, waits: Waits, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody's passwords for the same host stay at home."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password hidden\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server.will(says(BODY))
    Case(server, waits).collect()
    assert "authorization" not in server.asked[0].headers


def test_large_documents_are_spooled(server: Server, waits: Waits) -> None:
    """More than fits in memory comfortably is read from a file without a name, several times at once."""
    large = b"".join(b"http://h%d.example/\n" % number for number in range(400_000))
    server.will(says(large))
    collected = Case(server, waits).collect()
    (document,) = collected.documents
    assert document.content.size == len(large)
    with document.open() as one, document.open() as two:
        assert one.readline() == two.readline() == b"http://h0.example/\n"
        assert one.read() == large[len(b"http://h0.example/\n") :]
        assert two.seek(-5, 2) == len(large) - 5
        assert two.read() == large[-5:]
    document.close()


# ---------------------------------------------------------------- forms


def test_a_form_is_sent_by_post(server: Server, waits: Waits) -> None:
    """As an API wants its questions; the key stands in its members where the feed's file says so, and in no URL."""
    server.will(says(BODY))
    form = {"query": "get_recent", "selector": "time", "key": "{key}"}
    collected = Case(server, waits, form=form, key="THE_KEY").collect(environment={"THE_KEY": KEY})
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/feed.txt")
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    assert dict(parse_qsl(asked.body.decode())) == {"query": "get_recent", "selector": "time", "key": KEY}
    assert content(collected) == BODY


def test_a_form_goes_to_no_other_place(server: Server, waits: Waits) -> None:
    """A redirect of a question is an error for whoever configured it."""
    server.will(says(b"", 307, Location=f"{server.base}/other"))
    assert "what is posted is not sent to another place" in Case(server, waits, form={"q": "1"}).fails(GiveUp)
    assert len(server.asked) == 1


def test_a_form_with_a_place_for_a_key_needs_one(server: Server, waits: Waits) -> None:
    """And a feed that names a key has to send it somewhere."""
    assert "the feed names no key" in Case(server, waits, form={"q": "{key}"}).fails(GiveUp)
    without = Case(server, waits, form={"q": "1"}, key="THE_KEY").fails(GiveUp, environment={"THE_KEY": KEY})
    assert "neither its URL nor its headers nor its form" in without
    assert KEY not in without
    assert server.asked == []
