"""TAXII 2.1 sections 1.6.8 and 3.1: media types, paths and methods."""

from __future__ import annotations

import sys

import pytest

from taxii_server.taxii.errors import TaxiiError
from taxii_server.taxii.media import check_accept, check_content
from tests.taxii.hub import GREEN, OPEN, SHARED, TAXII, TestHub, indicator, path_of, stix_id

ENDPOINTS = {
    "discovery": "/taxii2/",
    "api root": "/public/",
    "collections": "/public/collections/",
    "collection": path_of(OPEN),
    "manifest": path_of(OPEN, "manifest/"),
    "objects": path_of(OPEN, "objects/"),
    "object": path_of(OPEN, f"objects/{stix_id('indicator', 1)}/"),
    "versions": path_of(OPEN, f"objects/{stix_id('indicator', 1)}/versions/"),
}

TAKEN = [
    "application/taxii+json;version=2.1",
    "application/taxii+json; version=2.1",
    "application/taxii+json ; version=2.1",
    'application/taxii+json;version="2.1"',
    "APPLICATION/TAXII+JSON;VERSION=2.1",
    "application/taxii+json",
    "application/taxii+json;charset=utf-8",
    "application/taxii+json;version=2.1;charset=utf-8",
    "application/json",
    "application/json;charset=UTF-8",
    "application/stix+json;version=2.1",
    "application/stix+json",
    "application/*",
    "*/*",
    "text/html, */*;q=0.1",
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8",
    "application/vnd.oasis.taxii+json;version=2.0, application/taxii+json;version=2.1",
    "application/taxii+json;version=2.0,application/taxii+json;version=2.1",
    "application/taxii+json;version=2.1;q=0.001, text/plain",
    "",
    ",,application/taxii+json,",
]
REFUSED = [
    "application/taxii+json;version=2.0",
    "application/taxii+json;version=2.2",
    "application/vnd.oasis.taxii+json;version=2.0",
    "application/stix+json;version=2.0",
    "application/xml",
    "text/html",
    "text/*",
    "nonsense",
    ";;;",
    '"',
]


@pytest.mark.parametrize("accept", TAKEN)
@pytest.mark.parametrize("endpoint", sorted(ENDPOINTS))
def test_3_1_accept(library: TestHub, endpoint: str, accept: str) -> None:
    """A media range that is defined never gives 406, wherever and however it stands; the answer is always TAXII 2.1."""
    answer = library.get(ENDPOINTS[endpoint], headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == TAXII


def test_3_1_accept_missing(library: TestHub) -> None:
    """Without an Accept header the server answers with the version it has, and states it."""
    answer = library.session.get(library.url + "/taxii2/", headers={"Accept": None}, timeout=30)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == TAXII


@pytest.mark.parametrize("accept", REFUSED)
def test_3_1_accept_of_nothing_served_here(library: TestHub, accept: str) -> None:
    """What is not served is a 406 that says what is."""
    answer = library.get("/taxii2/", headers={"Accept": accept})
    assert answer.status_code == 406
    assert answer.headers["Content-Type"] == TAXII
    assert "application/taxii+json;version=2.1" in answer.json()["description"]


@pytest.mark.parametrize("content_type", [kind for kind in TAKEN if "*" not in kind and "," not in kind])
def test_3_1_content_type(hub: TestHub, content_type: str) -> None:
    """A defined Content-Type never gives 415, in any spelling."""
    answer = hub.post(
        path_of(SHARED, "objects/"), [indicator(1, marking=GREEN)], "mika", headers={"Content-Type": content_type}
    )
    assert answer.status_code == 202


@pytest.mark.parametrize(
    "headers",
    [
        *({"Content-Type": kind} for kind in ("text/plain", "application/xml", "application/x-www-form-urlencoded")),
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "application/taxii+json;version=2.0"},
        {"Content-Type": "application/vnd.oasis.stix+json;version=2.0"},
        {"Content-Encoding": "gzip"},
        {"Content-Encoding": "br"},
    ],
    ids=str,
)
def test_5_5_content_types_not_read_here(hub: TestHub, headers: dict[str, str]) -> None:
    """Another Content-Type, or an encoding, is a 415 that says what is read."""
    answer = hub.post(path_of(SHARED, "objects/"), [indicator(1, marking=GREEN)], "mika", headers=headers)
    assert answer.status_code == 415
    assert "expected" in answer.json()["description"]


@pytest.mark.parametrize("path", list(ENDPOINTS.values()))
def test_tolerance_no_slash_at_the_end(library: TestHub, path: str) -> None:
    """Without the slash the answer is the same, and no redirect."""
    assert library.get(path.rstrip("/")).content == library.get(path).content


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "POST", "TRACE", "BREW"])
@pytest.mark.parametrize("path", ["/taxii2/", "/public/", "/public/collections/", path_of(OPEN), "/healthz"])
def test_other_methods(library: TestHub, method: str, path: str) -> None:
    """A method that an endpoint does not have is a 405 that says which it has."""
    answer = library.request(method, path)
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]
    assert answer.json()["http_status"] == "405"


def test_options(library: TestHub) -> None:
    """OPTIONS says what may be done, the same for hidden and unknown collections."""
    answer = library.request("OPTIONS", path_of(OPEN, "objects/"))
    assert answer.status_code == 200
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}
    assert answer.content == b""


def test_8_2_1_no_user_agent(library: TestHub) -> None:
    """A request without a User-Agent is served."""
    assert library.session.get(library.url + "/taxii2/", headers={"User-Agent": None}, timeout=30).status_code == 200


def test_safety_headers(library: TestHub) -> None:
    """Every answer, errors included, is for the caller alone, is not sniffed, and shows no software's version."""
    for path in ("/taxii2/", "/nowhere/", "/members/", path_of(OPEN, "objects/?limit=0"), "/healthz"):
        headers = library.get(path).headers
        assert headers["Cache-Control"] == "private, no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_long_headers_are_not_kept_in_memory() -> None:
    """Anybody may send any number of them, as long as a request's head may be."""
    header = TAXII + ", x/y;" + "a" * 100_000
    before = sys.getrefcount(header)
    check_accept(header)
    check_content(TAXII + ";" + header[-100_000:], None)
    assert sys.getrefcount(header) == before
    with pytest.raises(TaxiiError):
        check_accept(header[len(TAXII) :])
