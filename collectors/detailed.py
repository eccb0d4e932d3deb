"""An API whose pages only name records, and that is then asked for each of them, several at once.

First the list is read page by page; then what it names is asked for, if it is new or has another version than when it
was asked for last. A run asks for so many at most, and the next one goes on with those that are left. The cursor::

    {"source": URL and queries as configured,   others start anew
     "list": where the list stands, as in paged.py
     "listed": {id: version} of the list that is being read, or was
     "whole": whether it was read to its end
     "asked": {id: version} that were asked for
     "run": how many this run has asked for; absent between runs
     "rest": whether the last run left some
 "again": [id]}                              see :mod:`collectors.again`
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlencode

from collectors.again import due, waiting
from collectors.document import Collected, Document
from collectors.errors import GiveUp, TooLarge, Unreadable
from collectors.fetch import Answer, get
from collectors.means import Means
from collectors.paged import Position, counts, request
from collectors.several import Several
from config.feeds import Feed
from config.instant import SECOND
from config.transports import Details, PagedTransport

#: Records of one list: their ids lie in the cursor.
_MOST_LISTED = 50_000
#: Longest id and version, in characters.
_LONGEST = 200
#: What may be wrong with one record and not with the API; an API that cannot be reached is another matter.
_ERRORS = (GiveUp, TooLarge, Unreadable)
#: The status of servers that fail at what they were asked for.
_FAULT = 500


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
    api = _Api(feed, transport, details, means)
    return _detailed(api, state) if state.get("whole") else _listed(api, state)


class _Api(NamedTuple):
    """What one call asks."""

    feed: Feed
    transport: PagedTransport
    details: Details
    means: Means

    def get(self, query: Mapping[str, str], *also: int) -> Answer:
        """The answer to these parameters; of the statuses ``also`` too. Raises :class:`CollectError`."""
        asked = request(self.feed, self.transport, query, self.means)
        return get(replace(asked, also=frozenset(also)), self.means)

    def told(self, ids: list[str]) -> Several:
        """What it says about these, or about each of them where that is an error. Raises :class:`CollectError`, also
        where it says nothing of any of several: then it is the API that is out of order."""
        with Several(_ERRORS) as at_once:
            at_once.take(ids[0], partial(self._document, ids))
        if len(ids) == 1 or not at_once.missing:
            return at_once
        with Several(_ERRORS) as alone:
            for name in ids:
                self.means.pacing.sleep(self.transport.pause / SECOND)
                alone.take(name, partial(self._document, [name]))
        if not alone.documents:
            raise Unreadable(at_once.missing[ids[0]])
        return alone

    def _document(self, ids: list[str]) -> Document:
        """The answer about these. Raises :class:`CollectError`, also where it says that it is an error."""
        named = self.details.between.replace("+", " ").join(ids)  # a blank is written ``+`` in a query
        answer = self.get({**self.details.query, self.details.ids: named}, _FAULT)
        problem = f"status {_FAULT}" if answer.status == _FAULT else _problem(self.details, answer.body.read())
        if problem:
            answer.body.close()
            which = ids[0] if len(ids) == 1 else f"{ids[0]} and {len(ids) - 1} others"
            raise Unreadable(f"{self.feed.id}: expected what is known of {which}, got an error: {problem}")
        return Document(content=answer.body, name=f"{self.feed.id}-{ids[0]}", fetched=self.means.now())


def _listed(api: _Api, state: dict[str, Any]) -> Collected:
    """After the next page of the list."""
    position = Position(api.transport, {"source": "", **state.get("list", {})}, api.means.now())
    answer = api.get(position.query)
    try:
        page = answer.body.read()
    finally:
        answer.body.close()
    returned, total = counts(api.feed, api.transport, page)
    if total is None:
        got = f"an error: {said}" if (said := _problem(api.details, page)) else "an answer without one"
        raise Unreadable(f"{api.feed.id}: expected a list with the number of its records, got {got}")
    listed = {**state.get("listed", {}), **_records(api.details, page)}
    if len(listed) > _MOST_LISTED:
        raise GiveUp(f"{api.feed.id}: expected a list of at most {_MOST_LISTED} records, got more; narrow its query")
    after, more = position.after(returned, total)
    state = {**state, "list": after, "listed": listed, "whole": not more}
    if not more:
        # What was put off is asked for again.
        state = {**_still_waiting(state, ()), "asked": _without(state["asked"], due(state))}
    return _next(api.details, state, Several())


def _detailed(api: _Api, state: dict[str, Any]) -> Collected:
    """What the API says about the next records that wait; about those that were put off, each alone and the last."""
    left, again = _left(state), state.get("again", ())
    most = max(1, min(api.details.size, api.details.most - state["run"]))
    ids = [name for name in left if name not in again][:most] or left[:1]
    told = api.told(ids)
    asked = {**state["asked"], **{name: state["listed"][name] for name in ids}}
    return _next(api.details, {**_still_waiting(state, ids), "asked": asked, "run": state["run"] + len(ids)}, told)


def _still_waiting(state: Mapping[str, Any], ids: Collection[str]) -> dict[str, Any]:
    """The position where these are asked for: what was put off goes on waiting only while it is listed."""
    return {**_without(state, ("again",)), **waiting(state, state["listed"], ids)}


def _without(said: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if name not in names}


def _next(details: Details, state: dict[str, Any], told: Several) -> Collected:
    """After a request: whether the run goes on, and what is to be remembered if it does not."""
    more, noted = True, len(state["listed"])
    if state["whole"] and not _left(state):
        more = state.pop("rest", False)
        # Whatever is not listed any more can come again with another version alone.
        state = {**state, "asked": state["listed"], "listed": {}, "whole": False}
    elif state["whole"] and state["run"] >= details.most:
        state, more = {**state, "rest": True}, False
    if not more:
        del state["run"]
    return Collected(
        documents=tuple(told.documents.values()),
        cursor=state,
        unchanged=not told.documents and not told.missing,
        more=more,
        noted=noted,
        missing=told.missing,
    )


def _left(state: Mapping[str, Any]) -> list[str]:
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


def _problem(details: Details, answer: bytes) -> str:
    """What the API says is wrong, "" where it says nothing of the kind."""
    found = re.search(details.problem.encode(), answer) if details.problem else None
    said = found[1].decode("utf-8", "replace")[:_LONGEST] if found else ""
    return "".join(filter(str.isprintable, said))
