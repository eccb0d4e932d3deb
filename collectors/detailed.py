"""An API whose pages only name records, and that is then asked for each of them, several at once.

First the list is read page by page; then what it names is asked for, if it is new or has another version than when it
was asked for last. A run asks for so many at most, and the next one goes on with those that are left. The cursor::

    {"source": URL and queries as configured,   others start anew
     "list": where the list stands, as in paged.py
     "listed": {id: version} of the list that is being read, or was
     "whole": whether it was read to its end
     "asked": {id: version} that were asked for
     "run": how many this run has asked for; absent between runs
     "rest": whether the last run left some}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from collectors.document import Collected, Document
from collectors.errors import GiveUp, Unreadable
from collectors.fetch import get
from collectors.means import Means
from collectors.paged import Position, counts, request
from config.feeds import Feed
from config.instant import SECOND
from config.transports import Details, PagedTransport

#: Records of one list: their ids lie in the cursor.
_MOST_LISTED = 50_000
#: Longest id and version, in characters.
_LONGEST = 200


def collect(
    feed: Feed, transport: PagedTransport, details: Details, cursor: Mapping[str, Any], means: Means
) -> Collected:
    """Read the next page of the list, or fetch the next details: those are the documents. Raises
    :class:`CollectError`. Waits first where the API was asked right before."""
    source = f"{transport.url}?{urlencode(transport.query)} {urlencode(details.query)}"
    known = dict(cursor) if cursor.get("source") == source else {"source": source}
    if "run" in known:
        means.pacing.sleep(transport.pause / SECOND)
    state = {"asked": {}, "run": 0, **known}
    if not state.get("whole"):
        return _listed(feed, transport, details, state, means)
    return _detailed(feed, transport, details, state, means)


def _listed(feed: Feed, transport: PagedTransport, details: Details, state: dict[str, Any], means: Means) -> Collected:
    """After the next page of the list."""
    position = Position(transport, {"source": "", **state.get("list", {})}, means.now())
    answer = get(request(feed, transport, position.query, means), means)
    try:
        page = answer.body.read()
    finally:
        answer.body.close()
    returned, total = counts(feed, transport, page)
    if total is None:
        raise Unreadable(f"{feed.id}: expected a list with the number of its records, got {_problem(details, page)}")
    listed = {**state.get("listed", {}), **_records(details, page)}
    if len(listed) > _MOST_LISTED:
        raise GiveUp(f"{feed.id}: expected a list of at most {_MOST_LISTED} records, got more; narrow its query")
    after, more = position.after(returned, total)
    return _next({**state, "list": after, "listed": listed, "whole": not more}, details)


def _detailed(
    feed: Feed, transport: PagedTransport, details: Details, state: dict[str, Any], means: Means
) -> Collected:
    """What the API says about the next records that wait."""
    ids = _waiting(state)[: max(1, min(details.size, details.most - state["run"]))]
    # A blank is written ``+`` in a query.
    query = {**details.query, details.ids: details.between.replace("+", " ").join(ids)}
    answer = get(request(feed, transport, query, means), means)
    document = Document(content=answer.body, name=f"{feed.id}-{ids[0]}", fetched=means.now())
    asked = {**state["asked"], **{name: state["listed"][name] for name in ids}}
    return _next({**state, "asked": asked, "run": state["run"] + len(ids)}, details, document)


def _next(state: dict[str, Any], details: Details, *documents: Document) -> Collected:
    """The position after a request: whether the run goes on, and what is to be remembered if it does not."""
    more = True
    if state["whole"] and not _waiting(state):
        more = state.pop("rest", False)
        # Whatever is not listed any more can come again with another version alone.
        state = {**state, "asked": state["listed"], "listed": {}, "whole": False}
    elif state["whole"] and state["run"] >= details.most:
        state, more = {**state, "rest": True}, False
    if not more:
        del state["run"]
    return Collected(documents=documents, cursor=state, unchanged=not documents, more=more)


def _waiting(state: Mapping[str, Any]) -> list[str]:
    asked = state["asked"]
    return [name for name, version in state["listed"].items() if asked.get(name) != version]


def _records(details: Details, page: bytes) -> dict[str, str]:
    """The ids that a page names, each with the version that follows it before the next id; "" where none does."""
    text = page.decode("utf-8", "replace")
    places = [(one.start(), True, one[1] or "") for one in re.finditer(details.record, text)]
    places += [(one.start(), False, one[1] or "") for one in re.finditer(details.version, text)]
    found: dict[str, str] = {}
    last = ""
    for _, is_id, said in sorted(places):
        if is_id:
            last = said[:_LONGEST]
            found[last] = ""
        elif not found.get(last):
            found[last] = said[:_LONGEST]
    found.pop("", None)
    return found


def _problem(details: Details, page: bytes) -> str:
    found = re.search(details.problem.encode(), page) if details.problem else None
    said = found[1].decode("utf-8", "replace")[:_LONGEST] if found else ""
    return f"an error: {''.join(filter(str.isprintable, said))}" if said else "an answer without one"
