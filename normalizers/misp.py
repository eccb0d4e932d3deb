"""What a MISP event says (MISP core format): attributes one by one, whatever form their members drifted to.

Numbers come as texts and texts as numbers, flags as ``true``, ``1`` or ``"1"``; an attribute may lie in the event or in
an object of it. What is marked for detection (``to_ids``) is what may become an indicator; the rest is context.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC
from typing import Any, NamedTuple

from config.instant import Millis
from normalizers.bad_value import BadValue, shown
from normalizers.times import time_reader
from normalizers.values import ALGORITHMS, split_port

#: attribute type -> what its parts, divided by ``|``, are: kinds of values, "port", or "" for what says nothing here.
#: ``email-dst`` is missing: whom a mail was sent to is its victim.
KINDS: dict[str, tuple[str, ...]] = {
    "ip-src": ("ip",), "ip-dst": ("ip",), "ip-src|port": ("ip", "port"), "ip-dst|port": ("ip", "port"),
    "domain": ("domain",), "hostname": ("domain",), "domain|ip": ("domain", "ip"), "hostname|port": ("domain", "port"),
    "url": ("url",), "email": ("email",), "email-src": ("email",), "email-reply-to": ("email",),
    "md5": ("file",), "sha1": ("file",), "sha256": ("file",), "sha512": ("file",),
    "filename|md5": ("", "file"), "filename|sha1": ("", "file"), "filename|sha256": ("", "file"),
    "filename|sha512": ("", "file"), "malware-sample": ("", "file"),
    "x509-fingerprint-md5": ("certificate",), "x509-fingerprint-sha1": ("certificate",),
    "x509-fingerprint-sha256": ("certificate",),
    "AS": ("asn",), "vulnerability": ("cve",),
}  # fmt: skip
#: the last word of a hash's type -> its STIX name
HASHES = {name.replace("-", "").lower(): name for name in ALGORITHMS}
#: Galaxies whose clusters are malware families.
_FAMILIES = frozenset((
    "android", "backdoor", "banker", "botnet", "cryptominers", "malpedia", "mitre-enterprise-attack-malware",
    "mitre-malware", "mitre-mobile-attack-malware", "ransomware", "rat", "stealer", "tool",
))  # fmt: skip
_CLUSTER = re.compile(r'misp-galaxy:([a-z0-9-]{1,60})="([^"]{1,200})"', re.IGNORECASE)
#: What ATT&CK's clusters add to a name.
_ATTACK_ID = re.compile(r" - [A-Z]{1,2}[0-9]{4}(?:\.[0-9]{3})?\Z")
#: What every attribute has.
EVERY = ("uuid", "type", "value", "timestamp", "to_ids")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_epoch = time_reader("epoch", None)
_iso = time_reader("iso", UTC)


class Attribute(NamedTuple):
    """One attribute, or the hashes of one file object, which are one row."""

    #: uuid
    name: str
    type: str
    value: str
    #: its other hashes, as (STIX name, text)
    besides: tuple[tuple[str, str], ...]
    for_detection: bool
    deleted: bool
    #: its own ``timestamp``, in milliseconds
    changed: Millis
    first_seen: Millis | None
    last_seen: Millis | None
    comment: str
    tags: tuple[str, ...]


class Event(NamedTuple):
    """What an event gives to all its attributes."""

    #: uuid
    name: str
    #: its ``timestamp``: of the last change of anything in it, tags included
    changed: Millis
    tags: tuple[str, ...]
    #: attributes as they are written, each row's together
    rows: tuple[tuple[dict[str, Any], ...], ...]

    @property
    def named(self) -> bool:
        """Whether each of them has a uuid, so that what is gone can be told from what has another name."""
        return all(record_names(row) for row in self.rows)

    def members(self) -> set[str]:
        """Of what every attribute has, the members that at least one of these has."""
        found: set[str] = set()
        for row in self.rows:
            found.update(name for name in EVERY if row[0].get(name) is not None)
            if len(found) == len(EVERY):
                break
        return found


def events(tree: Any) -> list[Any] | None:
    """The events that a document holds, in whichever wrapping: one, a list of them, or a server's response. None where
    it is none of these."""
    if isinstance(tree, dict) and "response" in tree:
        tree = tree["response"]
    if isinstance(tree, dict) and (isinstance(tree.get("Event"), dict) or "Attribute" in tree):
        tree = [tree]
    if not isinstance(tree, list):
        return None
    return [unwrapped(item) for item in tree]


def unwrapped(said: Any) -> Any:
    """An event of a list, some of which wrap each."""
    return said["Event"] if isinstance(said, dict) and "Event" in said else said


def event(said: Any) -> Event:
    """Raises :class:`BadValue` for what is no event."""
    if not isinstance(said, dict):
        raise BadValue("bad-record", f"Event: expected an object, got {type(said).__name__}")
    if not any(isinstance(said.get(name), list) for name in ("Attribute", "Object")):
        # No list is no empty one: an event that lost it says nothing of what it had.
        raise BadValue("bad-record", "Event: expected a list of attributes (Attribute, Object), got none")
    return Event(name_of(said), _epoch(said.get("timestamp")), tags(said), tuple(_rows(said)))


def name_of(said: dict[str, Any]) -> str:
    """The uuid of an event or attribute. Raises :class:`BadValue`."""
    uuid = said.get("uuid")
    if not isinstance(uuid, str) or _UUID.fullmatch(uuid) is None:
        raise BadValue("bad-object", f"uuid: expected a UUID, got {shown(str(uuid))}")
    return uuid.lower()


def _rows(said: dict[str, Any]) -> Iterator[tuple[dict[str, Any], ...]]:
    for attribute in _dicts(said.get("Attribute")):
        yield (attribute,)
    for obj in _dicts(said.get("Object")):
        gone = {"deleted": True} if flag(obj.get("deleted")) else {}
        yield from _grouped(obj, [{**attribute, **gone} for attribute in _dicts(obj.get("Attribute"))])


def _grouped(obj: dict[str, Any], attributes: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], ...]]:
    """The rows of an object: the hashes of a file that are marked alike are one, if no two are of a kind."""
    hashes = [one for one in attributes if one.get("type") in HASHES and flag(one.get("to_ids"))]
    hashes = [one for one in hashes if not flag(one.get("deleted"))] if obj.get("name") == "file" else []
    alike: dict[frozenset[str], list[dict[str, Any]]] = {}
    for one in hashes:
        alike.setdefault(frozenset(tlp(tags(one))), []).append(one)
    # What is marked otherwise must not decide what becomes of the rest.
    groups = [group for group in alike.values() if len(group) > 1 and len({one["type"] for one in group}) == len(group)]
    grouped = [one for group in groups for one in group]
    for one in attributes:
        if not any(one is other for other in grouped):
            yield (one,)
    strength = list(ALGORITHMS)
    for group in groups:
        yield tuple(sorted(group, key=lambda one: strength.index(HASHES[one["type"]])))


def attribute(row: tuple[dict[str, Any], ...], event: Event) -> Attribute:
    """What a row of the event says. Raises :class:`BadValue`."""
    said = row[0]
    value, kind = said.get("value"), said.get("type")
    if said.get("to_ids") is None:
        # Not to say so is not to say no, which would take back what the attribute said before.
        raise BadValue("bad-record", "to_ids: expected true or false, got none")
    if not isinstance(kind, str) or isinstance(value, bool) or not isinstance(value, str | int):
        raise BadValue("bad-record", "expected an attribute with a type and a value, got another")
    changes = [_epoch(one["timestamp"]) for one in row if one.get("timestamp") not in (None, "", 0, "0")]
    changed = max(changes, default=None)
    # The event's own time is no substitute: some may see only a part of what changed it.
    if changed is None:
        raise BadValue("bad-time", "timestamp: expected a number of seconds since 1970, got none")
    return Attribute(
        name_of(said),
        kind,
        str(value),
        tuple((HASHES[one["type"]], str(one.get("value"))) for one in row[1:]),
        flag(said.get("to_ids")),
        flag(said.get("deleted")),
        changed,
        _seen(said.get("first_seen")),
        _seen(said.get("last_seen")),
        comment if isinstance(comment := said.get("comment"), str) else "",
        tuple(dict.fromkeys(tag for one in row for tag in tags(one))),
    )


def _seen(moment: Any) -> Millis | None:
    return None if moment in (None, "") else _iso(moment)


def record_names(row: tuple[dict[str, Any], ...]) -> list[str]:
    """The names of the records that a row makes, one for each value that it says; none where it has no uuid."""
    try:
        name = name_of(row[0])
    except BadValue:
        return []
    values = [kind for kind in KINDS.get(str(row[0].get("type")), ()) if kind not in ("", "port")]
    return [name, *(f"{name}#{number}" for number in range(2, len(values) + 1))]


def parts(attribute: Attribute) -> tuple[list[tuple[str, str]], int | None]:
    """Kind and text of each value that an attribute says, and the port that goes with it. Raises :class:`BadValue`."""
    kinds = KINDS.get(attribute.type)
    if kinds is None:
        raise BadValue("unknown-type", f"type: expected one that an indicator is made of, got {shown(attribute.type)}")
    # The name of a file may hold the mark that divides; what follows it does not.
    texts = attribute.value.rsplit("|", len(kinds) - 1)
    if len(texts) < len(kinds):
        raise BadValue("no-value", f"expected {attribute.type}, got {shown(attribute.value)}")
    said = dict(zip(kinds, texts, strict=True))
    port = split_port(f":{said.pop('port')}")[1] if "port" in said else None
    return [(kind, text) for kind, text in said.items() if kind], port


def hash_of(kind: str) -> str:
    """The STIX name of the algorithm whose hash an attribute of that type holds."""
    return "MD5" if kind == "malware-sample" else HASHES[kind.rpartition("|")[2].rpartition("-")[2]]


def flag(said: Any) -> bool:
    """Whether it says yes, as true, as 1, or as a text."""
    return said is True or said == 1 or (isinstance(said, str) and said.strip().lower() in ("1", "true"))


def tags(said: dict[str, Any]) -> tuple[str, ...]:
    """The names of an event's or attribute's tags, those of its galaxy clusters among them."""
    named = [tag.get("name") for tag in _dicts(said.get("Tag"))]
    for galaxy in _dicts(said.get("Galaxy")):
        named += [cluster.get("tag_name") for cluster in _dicts(galaxy.get("GalaxyCluster"))]
    return tuple(dict.fromkeys(name.strip() for name in named if isinstance(name, str) and name.strip()))


def tlp(names: Iterable[str]) -> list[str]:
    """The TLP labels among tags, unknown ones too."""
    return [name for name in names if name.lower().startswith("tlp:")]


def families(names: Iterable[str]) -> dict[str, str]:
    """The tags that name a malware family, each with the name."""
    found = ((name, _CLUSTER.fullmatch(name)) for name in names)
    return {
        name: _ATTACK_ID.sub("", cluster[2]).strip()
        for name, cluster in found
        if cluster is not None and cluster[1].lower() in _FAMILIES
    }


def _dicts(listed: Any) -> list[dict[str, Any]]:
    return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
