"""TAXII 2.1 section 3.6.1: error messages, and what is never in them."""

from __future__ import annotations

import logging

import pytest

from taxii_server.stores.base import StoreBusy, StoreError, StoreFull
from tests.taxii.hub import INBOX, OPEN, SHARED, TAXII, TestHub, path_of, stix_id

TEXTS = {"title", "description", "error_id", "error_code", "http_status", "external_details"}


@pytest.mark.parametrize(
    ("method", "path", "who", "code", "headers"),
    [
        pytest.param("GET", path_of(OPEN, "objects/?limit=x"), "", 400, {}, id="400"),
        pytest.param("GET", "/members/", "", 401, {}, id="401"),
        pytest.param("GET", "/taxii2/", "", 401, {"Authorization": "Bearer nonsense"}, id="401, bad credentials"),
        pytest.param("GET", path_of(INBOX, "objects/"), "pub", 403, {}, id="403"),
        pytest.param("GET", "/nowhere/", "", 404, {}, id="404, unknown root"),
        pytest.param("GET", "/", "", 404, {}, id="404, no resource at all"),
        pytest.param("GET", "/public/collections/all/objects/x/y/z/", "", 404, {}, id="404, too deep"),
        pytest.param("GET", "/public//collections/", "", 404, {}, id="404, doubled slashes"),
        pytest.param("GET", "/%00/%ff/", "", 404, {}, id="404, NUL and no UTF-8"),
        pytest.param("GET", "/public/collections/%00/", "", 404, {}, id="404, NUL for a collection"),
        pytest.param("GET", "/../../etc/passwd", "", 404, {}, id="404, out of the tree"),
        pytest.param("GET", path_of(OPEN, f"objects/{stix_id('tool', 1)}/"), "", 404, {}, id="404, unknown object"),
        pytest.param("PUT", "/public/", "", 405, {}, id="405"),
        pytest.param("GET", "/taxii2/", "", 406, {"Accept": "text/html"}, id="406"),
        pytest.param("POST", path_of(SHARED, "objects/"), "mika", 415, {"Content-Type": "text/plain"}, id="415"),
        pytest.param("POST", path_of(SHARED, "objects/"), "mika", 422, {"Content-Type": TAXII}, id="422"),
    ],
)
def test_3_6_1_an_error_message(
    library: TestHub, method: str, path: str, who: str, code: int, headers: dict[str, str]
) -> None:
    """Title required, all but details texts, http_status the code as a text, and the media type as always."""
    answer = library.request(method, path, who, headers=headers)
    assert answer.status_code == code
    assert answer.headers["Content-Type"] == TAXII
    error = answer.json()
    assert error["title"]
    assert error["http_status"] == str(code)
    assert set(error) <= TEXTS
    assert all(isinstance(value, str) for value in error.values())
    assert ("WWW-Authenticate" in answer.headers) == (code == 401)


def test_3_2_challenges(library: TestHub) -> None:
    """A 401 offers Basic, which every client knows, and Bearer."""
    challenge = library.get("/members/").headers["WWW-Authenticate"]
    assert challenge.startswith('Basic realm="noroshi"')
    assert "Bearer" in challenge


def test_b_an_unforeseen_error_tells_nothing(
    hub: TestHub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A 500 has an id by which the operator finds the cause in the log, and nothing of the cause."""

    def fail(*_: object) -> None:
        raise RuntimeError("secret detail /srv/hub.db")

    monkeypatch.setattr(hub.store, "bodies", fail)
    with caplog.at_level(logging.ERROR, "noroshi.app"):
        answer = hub.get(path_of(OPEN, "objects/"))
    assert answer.status_code == 500
    assert answer.headers["Content-Type"] == TAXII
    error = answer.json()
    assert error["http_status"] == "500"
    assert "secret detail" not in answer.text
    assert "RuntimeError" not in answer.text
    (record,) = [record for record in caplog.records if record.name == "noroshi.app"]
    assert record.fields == {"error_id": error["error_id"]}  # type: ignore[attr-defined]
    assert record.exc_info is not None
    assert "secret detail" in str(record.exc_info[1])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(StoreBusy("database is locked"), 503, id="busy"),
        pytest.param(StoreFull("disk full at /srv"), 507, id="full"),
        pytest.param(StoreError("corrupt page 5"), 500, id="broken"),
    ],
)
@pytest.mark.parametrize("path", [path_of(OPEN, "objects/"), "/taxii2/", "/healthz"])
def test_a_store_in_trouble(
    hub: TestHub, monkeypatch: pytest.MonkeyPatch, error: StoreError, code: int, path: str
) -> None:
    """Busy says when to come again; none of the store's own words go out."""

    def fail(*_: object, **__: object) -> None:
        raise error

    for name in ("bodies", "token", "value"):
        monkeypatch.setattr(hub.store, name, fail)
    answer = hub.get(path, "" if path == "/healthz" or "objects" in path else "mika")
    assert answer.status_code == code
    assert ("Retry-After" in answer.headers) == (code == 503)
    assert str(error) not in answer.text
