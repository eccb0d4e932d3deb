"""The same requests to OASIS' reference server and to the hub: every difference is explained, or it is a mistake."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
import requests

from tests.differential.differences import DIFFERENCES
from tests.differential.medallion import medallion
from tests.differential.steps import STEPS, Step
from tests.taxii.hub import PASSWORD, TAXII, basic, new_hub

Seen = dict[str, Any]


class _Client:
    """One server, and what it said that later requests need."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._next = self._status = ""

    def take(self, step: Step) -> Seen:
        path = step.path.replace("{next}", self._next).replace("{status}", self._status)
        headers = {"Accept": TAXII, **(basic("mika", PASSWORD) if step.login else {}), **step.headers}
        body = orjson.dumps({"objects": step.body}) if isinstance(step.body, list) else step.body
        answer = requests.request(
            step.method, self._url + path, headers=headers, data=body, timeout=60, allow_redirects=False
        )
        found = _json(answer)
        if isinstance(found, dict):
            self._next = found.get("next", self._next)
            self._status = found["id"] if "success_count" in found else self._status
        return _seen(answer, found)


def _json(answer: requests.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return answer.text


def _seen(answer: requests.Response, found: Any) -> Seen:
    """What is compared: the code, the headers that clients act on, and the body without what has to differ."""
    return {
        "code": answer.status_code,
        "type": answer.headers.get("Content-Type", "").replace(" ", ""),
        "dates": sorted(name for name in answer.headers if name.lower().startswith("x-taxii")),
        "challenge": "WWW-Authenticate" in answer.headers,
        "body": _plain(found) if answer.status_code < 400 else _error(found),
    }


def _error(found: Any) -> Any:
    """Of an error message, which properties it has and its code: the words are everybody's own."""
    return {"http_status": found.get("http_status")} if isinstance(found, dict) else "no error message"


def _plain(found: Any) -> Any:
    if isinstance(found, list):
        return [_plain(item) for item in found]
    if not isinstance(found, dict):
        return found
    return {name: _value(name, value) for name, value in found.items()}


def _value(name: str, value: Any) -> Any:
    if name in ("next", "date_added", "request_timestamp", "message"):
        return f"<{name}>"
    if name == "id" and isinstance(value, str) and "--" not in value and len(value) == 36:
        return "<uuid>"
    if name in ("version", "versions") and isinstance(value, str) and not value.startswith("2026-02"):
        return "<when it came>"
    return _plain(value)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[Seen, Seen]]]:
    """step -> what the hub and what medallion answered."""
    with medallion(tmp_path_factory.mktemp("medallion")) as url, new_hub().listening() as hub:
        ours, theirs = _Client(hub.url), _Client(url)
        found = {}
        for step in STEPS:
            found[step.name] = (ours.take(step), theirs.take(step))
            hub.clock.move(1)
        yield found


def _line(seen: Seen) -> str:
    """An answer in a few words: code, what is in the body, what is unusual about its head."""
    kind = "" if seen["type"] == TAXII else f" as {seen['type'].partition(';')[0]}"
    dates = " with dates" if seen["dates"] else ""
    challenge = " with a challenge" if seen["challenge"] else ""
    return f"{seen['code']} {_brief(seen['body'])}{kind}{dates}{challenge}"


def _brief(body: Any) -> str:
    if not isinstance(body, dict):
        return "nothing" if body == "" else "text"
    if "http_status" in body:
        return f"error {body['http_status']}"
    if "success_count" in body:
        return f"{body['success_count']} taken, {body['failure_count']} failed"
    if "objects" in body:
        return f"more {body['more']}: {' '.join(_short(item['id']) for item in body['objects'])}"
    if "collections" in body:
        return f"collections: {'; '.join(item['title'] for item in body['collections'])}"
    if "versions" in body:
        return f"more {body['more']}: {' '.join(version[5:10] for version in body['versions'])}"
    return str(body) if len(body) < 2 else f"{{{', '.join(sorted(body))}}}"


def _short(stix_id: str) -> str:
    """``indicator 3`` as ``i3``."""
    kind, _, uuid = stix_id.partition("--")
    return f"{kind[0]}{int(uuid.replace('-', '')[-4:], 16)}"


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_every_difference_is_explained(answers: dict[str, tuple[Seen, Seen]], step: Step) -> None:
    """Both servers answer alike, or just as the table of differences says they do."""
    ours, theirs = answers[step.name]
    if step.name not in DIFFERENCES:
        assert ours == theirs
        return
    hub, reference, why = DIFFERENCES[step.name]
    assert ours != theirs, "the table explains a difference that there is no more"
    assert (_line(ours), _line(theirs)) == (hub, reference)
    assert why


def test_the_table_is_about_steps_that_are_taken() -> None:
    """No explanation is left over from a request that nobody sends."""
    assert set(DIFFERENCES) <= {step.name for step in STEPS}
    assert len({step.name for step in STEPS}) == len(STEPS)
