"""What a STIX 2.1 indicator says, whoever sent it: one reader for feeds and for submissions, with a policy.

The sender decides how much is believed: a feed that is trusted speaks in its own words, and of a publisher who is to
stay anonymous (promise 7) nothing is passed on that could tell who it is. All that differs between them is in
:class:`Policy`; what it is to be an indicator that can be used is the same for both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC
from typing import Any, NamedTuple

from config.audience import Audience
from config.instant import HOUR, Millis
from normalizers.bad_value import BadValue, shown
from normalizers.claims import Reference
from normalizers.jsons import at, texts_in
from normalizers.labels import MALWARE, NAMED, PREFIX, label_of
from normalizers.markings import TLP2_EXTENSION, tlp_of
from normalizers.patterns import observable, observable_of_2_0
from normalizers.references import reference
from normalizers.times import time_reader

#: Objects that are read with the indicators that refer to them, and say nothing by themselves.
CONTEXT = frozenset(("identity", "marking-definition", "extension-definition"))
#: The vocabulary indicator-type-ov (STIX 2.1 section 10.6) less what is refused. Free words could tell of a publisher.
_INDICATOR_TYPES = frozenset(
    ("anomalous-activity", "anonymization", "attribution", "compromised", "malicious-activity")
)
#: of a marking-definition's id and label; longer ones are none
_LONGEST = 100
_time = time_reader("iso", UTC)


class Policy(NamedTuple):
    """How much of a sender's words is believed and passed on."""

    #: who may see what bears these TLP labels; None: whoever may see what the sender says. Raises :class:`BadValue`
    audience: Callable[[list[str]], Audience | None]
    #: of an observable type: how long a sighting stays valid where the sender does not say, and at most
    life: Callable[[str], tuple[Millis, Millis]]
    #: whether labels, malware families and references are passed on; else the words of the vocabulary alone
    own_words: bool
    #: whether what its sender calls unknown, and nothing else, is taken
    unknown: bool
    #: label that an indicator bears -> threat; the first that fits counts
    threats: Mapping[str, str] = {}
    #: times are rounded down to this
    step: Millis = 1
    #: the lives that are told apart, rising: one between two of them is told as the shorter. Empty: all are
    lives: tuple[Millis, ...] = ()


class Word(NamedTuple):
    """What one indicator says, as far as its policy goes. Instants in milliseconds."""

    #: observable type and canonical value
    kind: str
    value: str
    #: the object's own version, exact: for telling versions apart, and not for readers
    modified: Millis
    first_seen: Millis
    last_seen: Millis
    life: Millis
    #: 0 while it stands; else when it was revoked or no longer valid
    withdrawn: Millis
    #: as stated, 0 to 100
    confidence: int | None
    labels: frozenset[str]
    malware: frozenset[str]
    #: what another hub names, by member of a claim's detail
    named: dict[str, frozenset[str]]
    references: tuple[Reference, ...]
    threat: str | None


class Reader:
    """Reads the objects of one document or envelope."""

    def __init__(self, policy: Policy, objects: Iterable[Any] = ()) -> None:
        """The marking-definitions among ``objects`` are understood, besides those that everybody knows."""
        self._policy = policy
        #: whether their bundle says that it is STIX 2.0, whose objects do not say their version
        self.old = False
        #: marking-definition -> TLP label; None for one that says whose a thing is, and not who may see it
        self._labels: dict[str, str | None] = {}
        for obj in objects:
            if type_of(obj) == "marking-definition" and isinstance(obj.get("id"), str):
                self._learn(obj)

    def _learn(self, obj: dict[str, Any]) -> None:
        if len(obj["id"]) > _LONGEST:
            return
        label: Any = tlp_of(obj["id"])
        stated = at(obj, f"extensions.{TLP2_EXTENSION}.tlp_2_0")
        if label is None and isinstance(stated, str):
            label = stated  # an unknown word is refused where it is used
        if label is None and obj.get("definition_type") == "tlp":
            label = at(obj, "definition.tlp")
        if label is not None:
            self._labels[obj["id"]] = str(label)[:_LONGEST]
        elif obj.get("definition_type") == "statement":
            self._labels[obj["id"]] = None

    def audience(self, obj: Any) -> Audience | None:
        """Who may see an object, as its markings and the policy say. Raises :class:`BadValue`."""
        if not isinstance(obj, dict):
            return None
        named = texts_in(refs := obj.get("object_marking_refs", []))
        if not isinstance(refs, list) or len(named) < len(refs):
            raise BadValue("unknown-marking", "object_marking_refs: expected a list of ids, got something else")
        granular_markings = obj.get("granular_markings")
        for granular in granular_markings if isinstance(granular_markings, list) else ():
            # A part that fewer may see makes the whole theirs: parts are not taken out of an object.
            named += [ref] if isinstance(ref := at(granular, "marking_ref"), str) else []
        labels = [self._label(ref) for ref in named]
        try:
            return self._policy.audience([label for label in labels if label is not None])
        except BadValue as error:
            raise BadValue(error.reason, f"object_marking_refs: {error}") from None

    def _label(self, ref: str) -> str | None:
        known = tlp_of(ref)
        if known is not None:
            return known
        if ref not in self._labels:
            raise BadValue(
                "unknown-marking",
                f"object_marking_refs: expected TLP markings, got one that the hub does not know: {shown(ref)}",
            )
        return self._labels[ref]

    def word(self, obj: Any) -> Word:
        """What an indicator says. Raises :class:`BadValue`, also for what is no indicator that can be read."""
        old = self.old and "spec_version" not in obj
        _check_kind(obj, old=old)
        policy = self._policy
        # In STIX 2.0 the words of that vocabulary are labels.
        types = frozenset(texts_in(obj.get("labels" if old else "indicator_types")))
        if "benign" in types or (types == {"unknown"} and not policy.unknown):
            given = shown(", ".join(sorted(types)))
            raise BadValue("benign", f"indicator_types: expected what is malicious, got {given}")
        try:
            kind, value = (observable_of_2_0 if old else observable)(obj["pattern"])
        except BadValue as error:
            raise BadValue(error.reason, f"pattern: {error}") from None
        modified = _time(obj.get("modified"))
        last = self._coarse(modified)
        until = obj.get("valid_until")
        until = _time(until) if until is not None else None
        over = obj.get("revoked") is True or (until is not None and until <= modified)
        labels = [label for label in texts_in(obj.get("labels")) if not label.startswith(PREFIX)]
        own = policy.own_words
        return Word(
            kind,
            value,
            modified,
            first_seen=self._coarse(min(_time(obj.get("valid_from")), modified)),
            last_seen=last,
            life=self._life(kind, last, until),
            withdrawn=last if over else 0,
            confidence=_confidence(obj.get("confidence")),
            labels=frozenset(map(label_of, labels)) - {""} if own else types & _INDICATOR_TYPES,
            malware=_bearing(MALWARE, obj) if own else frozenset(),
            named=_named(obj) if own else {},
            references=_references(obj.get("external_references")) if own else (),
            threat=next((policy.threats[name] for name in policy.threats if name in labels), None),
        )

    def _coarse(self, moment: Millis) -> Millis:
        return moment - moment % self._policy.step

    def _life(self, kind: str, last_seen: Millis, until: Millis | None) -> Millis:
        usual, longest = self._policy.life(kind)
        if until is None:
            return usual
        life = min(longest, max(HOUR, until - last_seen))
        return max((step for step in self._policy.lives if step <= life), default=life)


def type_of(obj: Any) -> str:
    """The type of what may be a STIX object, "" when it says none."""
    return obj["type"] if isinstance(obj, dict) and isinstance(obj.get("type"), str) else ""


def _check_kind(obj: Any, *, old: bool) -> None:
    kind = type_of(obj)
    if not kind:
        raise BadValue("bad-object", "type: expected a STIX object with a type")
    if kind != "indicator":
        raise BadValue("object-type", f"type: expected indicator, got {shown(kind)}")
    if old and isinstance(obj.get("pattern"), str):
        return
    if obj.get("spec_version") != "2.1":
        raise BadValue("stix-version", f"spec_version: expected 2.1, got {shown(str(obj.get('spec_version')))}")
    if obj.get("pattern_type") == "stix" and not isinstance(obj.get("pattern"), str):
        raise BadValue("no-pattern", "pattern: expected a pattern, got none")
    if obj.get("pattern_type") != "stix":
        raise BadValue("pattern-type", f"pattern_type: expected stix, got {shown(str(obj.get('pattern_type')))}")


def _confidence(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadValue("bad-confidence", "confidence: expected a whole number from 0 to 100")
    return value


def _bearing(prefix: str, obj: dict[str, Any]) -> frozenset[str]:
    """What the labels of another hub say after that prefix."""
    labels = [label for label in texts_in(obj.get("labels")) if label.startswith(prefix)]
    return frozenset(label_of(label.removeprefix(prefix)) for label in labels) - {""}


def _named(obj: dict[str, Any]) -> dict[str, frozenset[str]]:
    found = {member: _bearing(prefix, obj) for member, prefix in NAMED.items()}
    return {member: words for member, words in found.items() if words}


def _references(listed: Any) -> tuple[Reference, ...]:
    items = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    found = (reference(*(_text(item.get(name)) for name in ("source_name", "url", "external_id"))) for item in items)
    return tuple(one for one in found if one is not None)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
