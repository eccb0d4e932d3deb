"""A source: what a feed and its document give to every claim that is read from them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from collectors.document import Document
from config.audience import Audience, audience_of, rank, under_terms
from config.feeds import Feed
from config.instant import Millis
from normalizers.bad_value import BadValue
from normalizers.claims import Claim, Reference, detail_text

_LONGEST_LABEL = 100
_LONGEST_LINK = 2_000
_SPACE = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
#: A web address with a plain host name: no user, no address, nothing that a page could mistake for markup.
_LINK = re.compile(
    r"https?://[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::[0-9]{1,5})?"
    r"(?:[/?](?:[a-z0-9._~!$&'()*+,;=:@/?-]|%[0-9a-f]{2})*)?(?:#(?:[a-z0-9._~!$&'()*+,;=:@/?-]|%[0-9a-f]{2})*)?",
    re.IGNORECASE | re.ASCII,
)
#: Ours: a label that came from a hub loses it, or a feed could speak in the hub's own name.
_PREFIX = "ais-jp:"


class Source:
    """Makes claims of what the rows of one document say."""

    def __init__(self, feed: Feed, document: Document, moment: Millis | None = None) -> None:
        """``moment`` is the document's own time, where it gives one."""
        self.feed = feed
        self.audience = feed.audience
        #: the document's own time, else when it was last changed, else when it was fetched
        self.moment = moment or document.modified or document.fetched
        self._listed = document.fetched if feed.kind == "list" else 0
        # The line that the feed's terms ask to be shown, where there is one. A source that may not be named gives no
        # reference at all: each would say whose it is.
        credit = feed.credit or feed.title
        self._references: tuple[Reference, ...] = ((credit, feed.publisher.homepage, ""),) if feed.named else ()
        self._labels = tuple(sorted({label for label in map(label_of, feed.labels) if label}))
        self._lives: dict[str, Millis] = {}
        self._confidences: dict[float | None, int] = {}
        self._details: dict[str, str] = {}

    def claim(
        self,
        kind: str,
        value: str,
        *,
        first_seen: Millis | None = None,
        last_seen: Millis | None = None,
        changed: Millis | None = None,
        confidence: float | None = None,
        labels: Iterable[str] = (),
        malware: Iterable[str] = (),
        references: Iterable[Reference] = (),
        detail: str | None = None,
        audience: Audience | None = None,
        life: Millis | None = None,
        withdrawn: Millis = 0,
    ) -> Claim:
        """The claim of one row about a canonical value.

        The version is the row's own time: ``changed``, else the later of its dates, else the document's. To stand in a
        full list is a sighting at the time of fetching; in a log the row's date is, else the document's.
        """
        known = last_seen or first_seen
        last = max(last_seen or 0, first_seen or 0, self._listed) or changed or self.moment
        first = min(first_seen or last_seen or last, last)
        if last_seen and last_seen < first:
            first = last_seen
        return Claim(
            kind,
            value,
            self.feed.id,
            self.feed.origin_family,
            audience or self.audience,
            changed or (max(first_seen or 0, last_seen or 0) if known else self.moment),
            first,
            last,
            life or self._life(kind),
            self._confidence(confidence),
            withdrawn,
            tuple(sorted({*self._labels, *labels})) if labels else self._labels,
            tuple(sorted(set(malware))) if malware else (),
            tuple(sorted({*self._references, *references})) if references and self.feed.named else self._references,
            self.threat() if detail is None else detail,
        )

    def threat(self, threat: str | None = None) -> str:
        """The detail of a claim that has nothing but its threat, by default the feed's."""
        said = threat or self.feed.threat or "malicious-activity"
        found = self._details.get(said)
        if found is None:
            found = self._details[said] = detail_text({"threat": said})
        return found

    def marked(self, labels: Iterable[str]) -> Audience | None:
        """Who may see a row that bears these TLP labels: the narrowest of them, within the feed's terms; None without
        any. Raises :class:`BadValue` for RED, for AMBER without a group, and for another word."""
        allowed: list[Audience] = []
        for label in labels:
            try:
                allowed.append(under_terms(audience_of(label, self.feed.group), self.feed.share))
            except ValueError as error:
                raise BadValue("marking", str(error)) from None
        return max(allowed, key=rank) if allowed else None

    def _life(self, kind: str) -> Millis:
        life = self._lives.get(kind)
        if life is None:
            life = self._lives[kind] = self.feed.life_of(kind)
        return life

    def _confidence(self, stated: float | None) -> int:
        found = self._confidences.get(stated)
        if found is None:
            if stated is not None and not 0 <= stated <= 100:
                raise BadValue("bad-confidence", f"expected a confidence from 0 to 100, got {stated:g}")
            own = self.feed.confidence if stated is None else stated
            found = round(own * self.feed.reliability / 100)
            if len(self._confidences) < 1_000:
                self._confidences[stated] = found
        return found


@lru_cache(maxsize=16_384)
def label_of(text: str) -> str:
    """A source's own word as a label: without ``#``, control characters and surplus blanks; "" when nothing is left."""
    plain = _SPACE.sub(" ", text).strip().lstrip("#").strip()
    while plain.lower().startswith(_PREFIX):
        plain = plain[len(_PREFIX) :].strip()
    return plain[:_LONGEST_LABEL].rstrip()


@lru_cache(maxsize=16_384)
def labels_in(text: str, separator: str) -> tuple[str, ...]:
    """The labels that a list such as ``elf,Mozi`` holds, sorted."""
    return tuple(sorted({label for label in map(label_of, text.split(separator)) if label}))


def link(text: str) -> str:
    """A web address that may stand in an external reference, or "" when ``text`` is none."""
    plain = text.strip()
    return plain if len(plain) <= _LONGEST_LINK and _LINK.fullmatch(plain) else ""
