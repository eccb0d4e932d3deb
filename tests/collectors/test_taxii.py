"""The TAXII 2.1 collector, against a real server over real sockets."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from collectors import taxii
from collectors.document import Collected
from collectors.errors import CollectError, GiveUp, TooLarge, TryLater, Unreadable
from config.instant import Micros, parse_millis
from config.transports import TaxiiTransport
from tests.collectors.collecting import Collecting
from tests.collectors.conftest import Waits
from tests.collectors.server import Asked, Exchange, Server, says
from tests.normalizers.reading import feed

NOW: Micros = parse_millis("2026-03-01T12:00:00Z") * 1_000
ID = "b7dc78af-1d12-4059-898c-3f0e77636204"
TYPE = "application/taxii+json;version=2.1"


def date(number: int) -> str:
    """When the object of that number was added."""
    return f"2026-02-01T00:00:{number:02d}.000000Z"


class Taxii:
    """A small TAXII 2.1 server: one collection whose objects are numbers, added one second apart."""

    def __init__(self, count: int, *, tokens: bool = True, dates: bool = True) -> None:
        self.count = count
        self.tokens = tokens
        self.dates = dates
        self.can_read = True
        self.forgotten: set[str] = set()
        self.collection = {"id": ID, "title": "Indicators", "alias": "all", "can_read": True, "can_write": False}

    def __call__(self, asked: Asked, exchange: Exchange) -> None:
        """Answer."""
        path = asked.path.partition("?")[0]
        self.collection["can_read"] = self.can_read
        if path == "/root/collections/":
            self._say(
                exchange,
                {
                    "collections": [
                        self.collection,
                        {**self.collection, "id": ID[:-1] + "5", "title": "X", "alias": "x"},
                    ]
                },
            )
        elif path == f"/root/collections/{ID}/":
            self._say(exchange, self.collection)
        elif path == f"/root/collections/{ID}/objects/":
            self._objects(asked.query, exchange)
        else:
            exchange.answer(404)

    def _objects(self, query: dict[str, str], exchange: Exchange) -> None:
        if query.get("next") in self.forgotten:
            exchange.answer(400)
            return
        after = int(query["next"]) if "next" in query else self._after(query.get("added_after"))
        numbers = list(range(after + 1, self.count + 1))
        page = numbers[: int(query.get("limit", 2))]
        envelope: dict[str, Any] = {"more": len(page) < len(numbers)}
        if page:
            envelope["objects"] = [{"type": "x-number", "id": f"x-number--{number}"} for number in page]
        if envelope["more"] and self.tokens:
            envelope["next"] = str(page[-1])
        headers = {"X_TAXII_Date_Added_First": date(page[0]), "X_TAXII_Date_Added_Last": date(page[-1])} if page else {}
        self._say(exchange, envelope, **(headers if self.dates else {}))

    @staticmethod
    def _after(text: str | None) -> int:
        return int(text[17:19]) if text else 0

    @staticmethod
    def _say(exchange: Exchange, resource: Any, **headers: str) -> None:
        exchange.answer(200, json.dumps(resource).encode(), Content_Type=TYPE, **headers)


class Case(Collecting):
    """A feed at the server."""

    def __init__(self, server: Server, waits: Waits, *, key: str | None = None, **changes: Any) -> None:
        given = {"kind": "taxii", "api_root": f"{server.base}/root/", "collection": ID, "page": 2, "retries": 1}
        transport = TaxiiTransport.model_validate({**given, "timeout": "20s", **changes})
        super().__init__(taxii.collect, feed("tweetfeed-taxii", transport=transport, key=key), waits, NOW)

    def pages(self, cursor: Mapping[str, Any] | None = None) -> Iterator[Collected]:
        """Page after page until there are no more."""
        while True:
            page = self.collect(cursor)
            cursor = page.cursor
            yield page
            if not page.more:
                return


def numbers(page: Collected) -> list[int]:
    """The objects of a page."""
    found = []
    for document in page.documents:
        with document.open() as stream:
            found += [int(obj["id"].partition("--")[2]) for obj in json.load(stream)["objects"]]
    return found


@pytest.mark.parametrize("tokens", [True, False])
def test_pages_come_one_by_one(server: Server, waits: Waits, tokens: bool) -> None:
    """With next, and without by the last date added: every object once, in order."""
    server.will(Taxii(5, tokens=tokens))
    pages = list(Case(server, waits).pages())
    assert [numbers(page) for page in pages] == [[1, 2], [3, 4], [5]]
    assert [page.more for page in pages] == [True, True, False]
    assert pages[0].documents[0].modified == parse_millis(date(2))


@pytest.mark.parametrize("tokens", [True, False])
@pytest.mark.parametrize("crash", [1, 2])
def test_a_crash_between_pages_loses_nothing(server: Server, waits: Waits, tokens: bool, crash: int) -> None:
    """Whoever goes on from the cursor of any page gets exactly the rest."""
    server.will(Taxii(5, tokens=tokens))
    pages = list(Case(server, waits).pages())
    rest = [number for page in Case(server, waits).pages(pages[crash - 1].cursor) for number in numbers(page)]
    assert rest == list(range(2 * crash + 1, 6))


def test_the_next_run_goes_on_from_the_last_date_added(server: Server, waits: Waits) -> None:
    """What came meanwhile comes, and nothing twice; nothing new is unchanged."""
    remote = Taxii(3)
    server.will(remote)
    case = Case(server, waits)
    cursor = list(case.pages())[-1].cursor
    nothing = case.collect(cursor)
    assert nothing.unchanged
    assert nothing.documents == ()
    assert nothing.cursor == cursor
    remote.count = 5
    assert [numbers(page) for page in case.pages(nothing.cursor)] == [[4, 5]]
    assert server.asked[-1].query["added_after"] == date(3)


def test_a_forgotten_next_is_gone_on_from_the_date(server: Server, waits: Waits) -> None:
    """A token that the server does not know any more costs nothing."""
    remote = Taxii(5)
    server.will(remote)
    case = Case(server, waits)
    first = case.collect()
    remote.forgotten = {"2"}
    assert [numbers(page) for page in case.pages(first.cursor)] == [[3, 4], [5]]


def test_a_server_without_dates_is_read_by_next(server: Server, waits: Waits) -> None:
    """And from the start each time, rather than miss something."""
    server.will(Taxii(3, dates=False))
    case = Case(server, waits)
    pages = list(case.pages())
    assert [numbers(page) for page in pages] == [[1, 2], [3]]
    assert [numbers(page) for page in case.pages(pages[-1].cursor)] == [[1, 2], [3]]


@pytest.mark.parametrize("name", ["Indicators", "all"])
def test_a_collection_by_title_or_alias(server: Server, waits: Waits, name: str) -> None:
    """It is looked up once, and remembered."""
    server.will(Taxii(5))
    case = Case(server, waits, collection=name)
    assert [numbers(page) for page in case.pages()] == [[1, 2], [3, 4], [5]]
    assert [asked.path for asked in server.asked].count("/root/collections/") == 1


def test_another_collection_starts_anew(server: Server, waits: Waits) -> None:
    """A cursor is of the API root and collection that it came from."""
    server.will(Taxii(2))
    cursor = Case(server, waits).collect().cursor
    assert numbers(Case(server, waits, collection="Indicators").collect(cursor)) == [1, 2]


def test_requests_are_as_the_specification_says(server: Server, waits: Waits) -> None:
    """Accept, User-Agent, limit, and a slash at the end of every path."""
    server.will(Taxii(1))
    Case(server, waits, api_root=f"{server.base}/root").collect()
    asked = server.asked[-1]
    assert asked.headers["accept"] == TYPE
    assert "noroshi/" in asked.headers["user-agent"]
    assert asked.query == {"limit": "2"}
    assert asked.path.partition("?")[0].endswith("/objects/")


@pytest.mark.parametrize(("user", "expected"), [("soc", "Basic c29jOnRva2Vu"), (None, "Bearer token")])
def test_rights(server: Server, waits: Waits, user: str | None, expected: str) -> None:
    """A user's password goes as Basic, a token alone as Bearer; neither stands in the cursor."""
    server.will(Taxii(1))
    case = Case(server, waits, user=user, key="TAXII_TOKEN")
    collected = case.collect(environment={"TAXII_TOKEN": "token"})
    assert {asked.headers["authorization"] for asked in server.asked} == {expected}
    assert "token" not in json.dumps(collected.cursor)
    with pytest.raises(GiveUp, match="TAXII_TOKEN"):
        case.collect()


def page(*ids: int, last: int | None = None, **envelope: Any) -> Any:
    """An answer to a request for objects that is always this page; other requests are answered properly."""
    body = {"objects": [{"type": "x-number", "id": f"x-number--{number}"} for number in ids], **envelope}
    remote = Taxii(0)

    def answer(asked: Asked, exchange: Exchange) -> None:
        if "/objects/" in asked.path:
            headers = {"X_TAXII_Date_Added_Last": date(last)} if last is not None else {}
            exchange.answer(200, json.dumps(body).encode(), Content_Type=TYPE, **headers)
        else:
            remote(asked, exchange)

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        page(1, 2, last=2, more=True, next="2"),
        page(1, 2, more=True, next="2"),
        page(1, 2, last=2, more=True),
    ],
)
def test_a_page_that_comes_again_ends_the_run(server: Server, waits: Waits, answer: Any) -> None:
    """A server that ignores next or added_after is not followed for ever, and the cursor stays at the page before."""
    server.will(answer)
    case = Case(server, waits)
    first = case.collect()
    assert first.more
    assert "one again" in case.fails(Unreadable, first.cursor)


def test_dates_that_go_back_end_the_run(server: Server, waits: Waits) -> None:
    """Pages in a circle are noticed even when each is a little different."""
    case = Case(server, waits)
    server.will(page(1, 2, last=5, more=True, next="2"))
    first = case.collect()
    server.will(page(3, 4, last=4, more=True, next="4"))
    case.fails(Unreadable, first.cursor)


def test_more_without_a_way_to_go_on_is_an_error(server: Server, waits: Waits) -> None:
    """Neither next nor a date."""
    server.will(page(1, 2, more=True))
    assert "got neither" in Case(server, waits).fails(Unreadable)


def test_an_empty_page_ends_the_run(server: Server, waits: Waits) -> None:
    """Even one that says that there is more: the rest may have been deleted."""
    server.will(page(more=True, next="2"))
    collected = Case(server, waits).collect()
    assert not collected.more
    assert collected.unchanged


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (says(b"", 500), TryLater),
        (says(b"", 429, Retry_After="90000"), TryLater),
        (says(b"", 401), GiveUp),
        (says(b"", 404), GiveUp),
        (says(b"{}", Content_Type="text/html"), Unreadable),
        (says(b"{", Content_Type=TYPE), Unreadable),
        (says(b"[]", Content_Type=TYPE), Unreadable),
        (says(b"{}", Content_Type=TYPE), Unreadable),
        (says(b'{"id": 7, "title": "x", "can_read": true, "can_write": true}', Content_Type=TYPE), Unreadable),
        (says(b'{"id": null}' + b" " * 2_000_000, Content_Type=TYPE), TooLarge),
    ],
)
def test_errors(server: Server, waits: Waits, answer: Any, kind: type[CollectError]) -> None:
    """Each kind of trouble has its error."""
    server.will(answer)
    Case(server, waits, max_bytes=1_000_000).fails(kind)


@pytest.mark.parametrize("envelope", [{"objects": 7}, {"objects": {}}])
def test_envelopes_that_are_none(server: Server, waits: Waits, envelope: dict[str, Any]) -> None:
    """Objects are a list."""
    answer = page(1)

    def odd(asked: Asked, exchange: Exchange) -> None:
        if "/objects/" in asked.path:
            exchange.answer(200, json.dumps(envelope).encode(), Content_Type=TYPE)
        else:
            answer(asked, exchange)

    server.will(odd)
    Case(server, waits).fails(Unreadable)


@pytest.mark.parametrize(("member", "heavy"), [("objects", False), ("custom", True)])
def test_no_more_of_a_page_is_held_than_one_object(server: Server, waits: Waits, member: str, heavy: bool) -> None:
    """A page of three megabytes that would take a hundred and eighty as a tree: its objects are counted, and are for
    whoever reads them; in another member they would have to be held, and are refused before they are."""
    answer = page(1)
    envelope = b'{"objects": [{"type": "x"}], "%s": [%s]}' % (member.encode(), b",".join([b"[]"] * 1_000_000))
    envelope = envelope.replace(b'"objects": [{"type": "x"}], "objects"', b'"objects"')

    def large(asked: Asked, exchange: Exchange) -> None:
        if "/objects/" in asked.path:
            exchange.answer(200, envelope, Content_Type=TYPE)
        else:
            answer(asked, exchange)

    server.will(large)
    case = Case(server, waits)
    if heavy:
        assert "expected one value to take at most" in case.fails(Unreadable)
    else:
        assert [document.content.size for document in case.collect().documents] == [len(envelope)]


def test_collections_that_are_not_there_or_not_readable(server: Server, waits: Waits) -> None:
    """Somebody has to change the configuration, or the rights."""
    remote = Taxii(1)
    server.will(remote)
    assert "got 0" in Case(server, waits, collection="Nothing").fails(GiveUp)
    remote.can_read = False
    assert "may not be read" in Case(server, waits).fails(GiveUp)


def test_a_server_that_hangs_is_left(server: Server, waits: Waits) -> None:
    """The deadline holds here too."""

    def silent(asked: Asked, exchange: Exchange) -> None:
        exchange.wait()

    server.will(silent)
    Case(server, waits, timeout="300ms").fails(TryLater)
