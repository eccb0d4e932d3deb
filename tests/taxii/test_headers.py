"""Headers over a real socket, written byte by byte: none is taken for another that would be trusted."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from tests.taxii.hub import GREEN, PASSWORD, SHARED, basic, indicator, path_of
from tests.taxii.server import PATIENCE, Served, served

MEMBERS = "/members/collections/"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The hub's own server, started with variables in its environment that are named like headers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HTTP_AUTHORIZATION", basic("mika", PASSWORD)["Authorization"])
        patch.setenv("HTTP_ACCEPT", "text/html")
        patch.setenv("CONTENT_LENGTH", "3")
        with served(tmp_path_factory.mktemp("served"), workers=1) as running:
            yield running


def send(server: Served, head: str, *headers: str, body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
    """The code, the headers and the body that the bytes of a request are answered with."""
    lines = [f"{head} HTTP/1.1", f"Host: 127.0.0.1:{server.port}", "Connection: close", *headers, "", ""]
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.sendall("\r\n".join(lines).encode("latin-1") + body)
        with connection.makefile("rb") as stream:
            answer = stream.read()
    top, _, rest = answer.partition(b"\r\n\r\n")
    first, *given = top.decode("latin-1").split("\r\n")
    return int(first.split()[1]), {name.lower(): value for name, _, value in (x.partition(": ") for x in given)}, rest


def test_the_environment_is_no_header(server: Served) -> None:
    """Whoever shows nothing is nobody, whatever the variables of the server's process are called."""
    assert send(server, f"GET {MEMBERS}")[0] == 401
    assert send(server, "GET /public/collections/")[0] == 200
    chunk = orjson.dumps({"objects": [indicator(1, marking=GREEN)]})
    code, _, body = send(
        server,
        f"POST {path_of(SHARED, 'objects/')}",
        f"Authorization: Bearer {server.tokens['mika']}",
        "Transfer-Encoding: chunked",
        body=b"%x\r\n%s\r\n0\r\n\r\n" % (len(chunk), chunk),
    )
    assert (code, json.loads(body)["success_count"]) == (202, 1)


@pytest.mark.parametrize("name", ["X-API-Key", "x-api-key", "X_Api_Key"])
def test_a_key_has_to_be_a_token(server: Served, name: str) -> None:
    """However its header is spelled: WSGI tells dashes from underscores no more than small letters from capitals."""
    assert send(server, f"GET {MEMBERS}", f"{name}: {server.tokens['mika']}")[0] == 200
    for wrong in ("mika", "", server.tokens["mika"][:-1], "noroshi_", f"{server.tokens['mika']},x"):
        assert send(server, f"GET {MEMBERS}", f"{name}: {wrong}")[0] == 401


def test_two_keys_or_two_logins_are_nobodys(server: Served) -> None:
    """Of two that differ none is chosen, and a key beside a login is refused."""
    mika, ben = server.tokens["mika"], server.tokens["ben"]
    for headers in (
        (f"X-API-Key: {mika}", f"X-API-Key: {ben}"),
        (f"Authorization: Bearer {mika}", f"Authorization: Bearer {ben}"),
        (f"Authorization: Bearer {mika}", f"X-API-Key: {ben}"),
        (f"Authorization: Bearer {mika}", f"X_Api_Key: {ben}"),
    ):
        assert send(server, f"GET {MEMBERS}", *headers)[0] == 401


@pytest.mark.parametrize(
    "header",
    [
        "Http-Authorization: {}",
        "HTTP_AUTHORIZATION: {}",
        "Authorization_: {}",
        "Proxy-Authorization: {}",
        "X-Forwarded-User: mika",
        "Remote-User: mika",
        "REMOTE_USER: mika",
        "X-Original-Authorization: {}",
    ],
)
def test_only_authorization_is_a_login(server: Served, header: str) -> None:
    """Names that are like it, or that other programs trust, are nothing here."""
    said = header.format(f"Bearer {server.tokens['mika']}")
    assert send(server, f"GET {MEMBERS}", said)[0] == 401


@pytest.mark.parametrize(
    "header",
    [
        "X-Forwarded-Proto: https",
        "X_Forwarded_Proto: https",
        "Forwarded: for=192.0.2.1;proto=https;host=evil.example",
        "X-Forwarded-Host: evil.example",
        "X-Forwarded-Prefix: /evil",
        "Script_Name: /evil",
        "wsgi.url_scheme: https",
        "X-HTTP-Method-Override: DELETE",
        "X-Original-URL: /metrics",
        "Range: bytes=0-1",
    ],
)
def test_what_proxies_say_changes_nothing(server: Served, header: str) -> None:
    """Neither the scheme nor the paths, the method nor the part that is served, is what a header claims."""
    plain, claimed = (send(server, "GET /taxii2/", *headers) for headers in ((), (header,)))
    assert (claimed[0], claimed[2]) == (plain[0], plain[2])
    assert "strict-transport-security" not in claimed[1]


def test_the_log_has_the_address_of_the_connection(server: Served) -> None:
    """Whatever X-Forwarded-For says, in either spelling."""
    for header in ("X-Forwarded-For", "X_Forwarded_For", "X-Real-IP", "Remote_Addr"):
        send(server, "GET /taxii2/", f"{header}: 192.0.2.99")
    log = Path(server.log).read_text()
    assert '"from":"127.0.0.1"' in log
    assert "192.0.2.99" not in log


def test_a_length_with_an_underscore_is_none(server: Served) -> None:
    """A body has the length that Content-Length says, once; what is merely like it is nothing."""
    login = f"Authorization: Bearer {server.tokens['mika']}"
    body = orjson.dumps({"objects": [indicator(2, marking=GREEN)]})
    post, length = f"POST {path_of(SHARED, 'objects/')}", f"Content-Length: {len(body)}"
    for more in ("Content_Length: 2", "Transfer_Encoding: chunked", "Content_Type: text/html"):
        code, _, answer = send(server, post, login, length, more, body=body)
        assert (code, json.loads(answer)["success_count"]) == (202, 1)
    assert send(server, post, login, length, "Content-Length: 2", body=body)[0] == 400
    assert send(server, post, login, f"Content_Length: {len(body)}", body=body)[0] == 422
