"""The requests that both servers are sent, in this order, by the same user."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.taxii.hub import GREEN, INBOX, MERGED, SHARED, TAXII, UNKNOWN, address, indicator, malware, stix_id

FIRST = stix_id("indicator", 1)
SHELF = f"/members/collections/{SHARED}/"
OBJECTS, MANIFEST, OBJECT = SHELF + "objects/", SHELF + "manifest/", f"{SHELF}objects/{FIRST}/"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One request. ``{next}`` in the path is the next of the step before; ``{status}`` the last status id."""

    name: str
    path: str
    method: str = "GET"
    #: a list is put into an envelope; bytes go as they are
    body: list[Any] | bytes | None = None
    headers: dict[str, str | None] = field(default_factory=dict)
    login: bool = True


def _post(name: str, body: list[Any] | bytes, path: str = OBJECTS, **headers: str | None) -> Step:
    kind = {"Content-Type": TAXII}
    return Step(name=name, path=path, method="POST", body=body, headers={**kind, **headers})


def _get(name: str, path: str, **headers: str | None) -> Step:
    return Step(name=name, path=path, headers=headers)


def _green(obj: dict[str, Any]) -> dict[str, Any]:
    return {**obj, "object_marking_refs": [GREEN]}


STEPS = [
    # -- describing
    _get("discovery", "/taxii2/"),
    Step(name="discovery without login", path="/taxii2/", login=False),
    _get("api root", "/members/"),
    _get("unknown api root", "/nowhere/"),
    _get("collections", "/members/collections/"),
    _get("collections of an unknown root", "/nowhere/collections/"),
    _get("collection", SHELF),
    _get("collection without the slash", SHELF.rstrip("/")),
    _get("unknown collection", f"/members/collections/{UNKNOWN}/"),
    _get("hidden collection", f"/members/collections/{INBOX}/"),
    _get("unknown status", f"/members/status/{UNKNOWN}/"),
    Step(name="objects without login", path=OBJECTS, login=False),
    # -- media types
    _get("accept missing", "/taxii2/", Accept=None),
    _get("accept anything", "/taxii2/", Accept="*/*"),
    _get("accept json", "/taxii2/", Accept="application/json"),
    _get("accept without version", "/taxii2/", Accept="application/taxii+json"),
    _get("accept with a blank", "/taxii2/", Accept="application/taxii+json; version=2.1"),
    _get("accept in capitals", "/taxii2/", Accept="Application/TAXII+JSON;Version=2.1"),
    _get(
        "accept 2.0 and 2.1", "/taxii2/", Accept="application/taxii+json;version=2.0,application/taxii+json;version=2.1"
    ),
    _get("accept 2.1 after html", "/taxii2/", Accept="text/html,application/taxii+json;version=2.1"),
    _get("accept 2.0", "/taxii2/", Accept="application/taxii+json;version=2.0"),
    _get("accept html", "/taxii2/", Accept="text/html"),
    # -- an empty collection
    _get("objects of an empty collection", OBJECTS),
    _get("manifest of an empty collection", MANIFEST),
    # -- posting
    _post("post three", [indicator(1, marking=GREEN), indicator(2, marking=GREEN), _green(malware(1))]),
    _get("its status", "/members/status/{status}/"),
    _post("post an observable", [_green(address(1))]),
    _post("post a second version", [indicator(1, marking=GREEN, day=2)]),
    _post("post more", [indicator(number, marking=GREEN) for number in range(3, 8)]),
    _post("post a third version", [indicator(1, marking=GREEN, day=3)]),
    _post("post an exact duplicate", [indicator(2, marking=GREEN)]),
    _post("post other content as the same version", [indicator(2, marking=GREEN, name="other")]),
    _post("post an invalid pattern", [indicator(20, marking=GREEN, pattern="[nonsense")]),
    _post("post TLP:RED", [indicator(21, marking="marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1")]),
    _post("post something without an id", [{"type": "indicator"}, indicator(22, marking=GREEN)]),
    _post("post no objects", []),
    _post("post an empty envelope", b"{}"),
    _post("post broken json", b'{"objects":['),
    _post("post nothing", b""),
    _post("post a list", b"[1]"),
    _post("post too much", b" " * 2_000_001),
    _post("post as text", [indicator(23, marking=GREEN)], **{"Content-Type": "text/plain"}),
    _post("post as plain json", [indicator(24, marking=GREEN)], **{"Content-Type": "application/json"}),
    _post("post to a read-only collection", [indicator(25, marking=GREEN)], f"/members/collections/{MERGED}/objects/"),
    _post("post to a hidden collection", [indicator(25, marking=GREEN)], f"/members/collections/{INBOX}/objects/"),
    _post("post to an unknown collection", [indicator(25, marking=GREEN)], f"/members/collections/{UNKNOWN}/objects/"),
    # -- reading
    _get("objects", OBJECTS),
    _get("objects without the slash", OBJECTS.rstrip("/")),
    _get("manifest", MANIFEST),
    _get("objects of a hidden collection", f"/members/collections/{INBOX}/objects/"),
    _get("all versions", OBJECTS + "?match[version]=all"),
    _get("first versions", OBJECTS + "?match[version]=first"),
    _get("first and last versions", OBJECTS + "?match[version]=first,last&match[id]=" + FIRST),
    _get("one version", OBJECTS + "?match[version]=2026-02-02T00:00:00.000Z"),
    _get("one type", OBJECTS + "?match[type]=malware"),
    _get("two types", OBJECTS + "?match[type]=malware,ipv4-addr"),
    _get("a type that is not there", OBJECTS + "?match[type]=tool"),
    _get("one id", OBJECTS + "?match[id]=" + FIRST),
    _get("two ids", OBJECTS + f"?match[id]={stix_id('malware', 1)},{FIRST}"),
    _get("an id and another type", OBJECTS + f"?match[id]={FIRST}&match[type]=malware"),
    _get("spec_version 2.1", OBJECTS + "?match[spec_version]=2.1&match[type]=malware"),
    _get("spec_version 2.0", OBJECTS + "?match[spec_version]=2.0"),
    _get("unknown match field", OBJECTS + "?match[color]=red&match[type]=malware"),
    _get("added after the beginning", OBJECTS + "?added_after=2020-01-01T00:00:00.000000Z&match[type]=malware"),
    _get("added after the end", OBJECTS + "?added_after=2099-01-01T00:00:00.000000Z"),
    _get("manifest of one type", MANIFEST + "?match[type]=malware"),
    _get("manifest of all versions", MANIFEST + "?match[version]=all&match[id]=" + FIRST),
    _get("manifest without a match", MANIFEST + "?match[type]=tool"),
    # -- pages
    _get("first page", OBJECTS + "?limit=3"),
    _get("second page", OBJECTS + "?limit=3&next={next}"),
    _get("third page", OBJECTS + "?limit=3&next={next}"),
    _get("first page again", OBJECTS + "?limit=6"),
    _get("next with another added_after", OBJECTS + "?limit=6&added_after=2020-01-01T00:00:00.000000Z&next={next}"),
    _get("a page that fits", OBJECTS + "?limit=9&match[type]=indicator,malware,ipv4-addr"),
    _get("a first page of the manifest", MANIFEST + "?limit=4"),
    _get("forged next", OBJECTS + "?limit=3&next=nonsense"),
    # -- malformed
    _get("limit 0", OBJECTS + "?limit=0"),
    _get("limit below 0", OBJECTS + "?limit=-1"),
    _get("limit no number", OBJECTS + "?limit=ten"),
    _get("added_after no time", OBJECTS + "?added_after=yesterday"),
    _get("version no time", OBJECTS + "?match[version]=newest"),
    _get("all with another version", OBJECTS + "?match[version]=all,last&match[type]=malware"),
    _get("id no id", OBJECTS + "?match[id]=nonsense"),
    _get("type twice", OBJECTS + "?match[type]=malware&match[type]=indicator"),
    # -- one object
    _get("object", OBJECT),
    _get("object, all versions", OBJECT + "?match[version]=all"),
    _get("object, a version that is not there", OBJECT + "?match[version]=2020-01-01T00:00:00.000Z"),
    _get("unknown object", f"{OBJECTS}{stix_id('indicator', 99)}/"),
    _get("versions", OBJECT + "versions/"),
    _get("versions, limited", OBJECT + "versions/?limit=2"),
    _get("versions of an unknown object", f"{OBJECTS}{stix_id('indicator', 99)}/versions/"),
    # -- deleting
    Step(name="delete a version", path=OBJECT + "?match[version]=2026-02-02T00:00:00.000Z", method="DELETE"),
    _get("versions after that", OBJECT + "versions/"),
    Step(name="delete", path=OBJECT, method="DELETE"),
    _get("object after that", OBJECT),
    _get("manifest after that", MANIFEST + "?match[id]=" + FIRST),
    Step(name="delete again", path=OBJECT, method="DELETE"),
    Step(
        name="delete in a read-only collection", path=f"/members/collections/{MERGED}/objects/{FIRST}/", method="DELETE"
    ),
    Step(name="delete in a hidden collection", path=f"/members/collections/{INBOX}/objects/{FIRST}/", method="DELETE"),
    Step(name="another method", path=OBJECTS, method="PUT"),
]
