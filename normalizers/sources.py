"""A source: what a feed and its document give to every claim that is read from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import orjson

from collectors.document import Document
from config.audience import Audience, audience_of, rank, under_terms
from config.feeds import Feed
from config.instant import Millis
from normalizers.bad_value import BadValue
from normalizers.claims import Claim, Reference, detail_text
from normalizers.labels import bounded, label_of
from normalizers.names import Said, understood
from normalizers.personal import refuse_personal
from normalizers.references import MOST, reference

#: Different words of rows, and details, that one document's are remembered of.
_REMEMBERED = 10_000

#: A row's labels, words for malware and for brands, and what it names by member of a claim's detail.
_Words = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[tuple[str, tuple[str, ...]], ...]]

_NOBODY: Mapping[str, Iterable[str]] = {}


def moment_of(document: Document, stated: Millis | None) -> Millis:
    """The document's own time, else when it was last changed, else when it was fetched."""
    return stated or document.modified or document.fetched


class Source:
    """Makes claims of what the rows of one document say."""

    def __init__(self, feed: Feed, document: Document, moment: Millis | None = None) -> None:
        """``moment`` is the document's own time, where it gives one."""
        self.feed = feed
        self.audience = feed.audience
        #: the document's own time, else when it was last changed, else when it was fetched
        self.moment = moment_of(document, moment)
        self._family = feed.origin_family
        self._listed = document.fetched if feed.kind == "list" else 0
        # The line that the feed's terms ask to be shown, where there is one. A source that may not be named gives no
        # reference at all: each would say whose it is.
        own = reference(feed.credit or feed.title, feed.publisher.homepage) if feed.named else None
        self._references: tuple[Reference, ...] = (own,) if own is not None else ()
        self._secrets = document.secrets
        self._labels = tuple(sorted({label for label in map(label_of, feed.labels) if label}))
        self._silent = understood(self._labels, ())
        self._said: dict[_Words, Said] = {}
        self._lives: dict[str, Millis] = {}
        self._confidences: dict[float | None, int] = {}
        self._details: dict[str, str] = {}
        self._with_port: dict[tuple[str | None, int], str] = {}
        self._wider: dict[tuple[str, Said], str] = {}

    def claim(
        self,
        kind: str,
        value: str,
        *,
        first_seen: Millis | None = None,
        last_seen: Millis | None = None,
        changed: Millis | None = None,
        confidence: float | None = None,
        said: Said | None = None,
        references: Iterable[Reference | None] = (),
        detail: str | None = None,
        audience: Audience | None = None,
        life: Millis | None = None,
        withdrawn: Millis = 0,
        keep_personal: bool = False,
    ) -> Claim:
        """The claim of one row about a canonical value. ``said`` is what :meth:`understood` made of its words.

        A value that tells of a victim is refused (:class:`BadValue`), unless ``keep_personal``; so is a row that holds
        the key of its feed. References that do either are dropped.
        """
        if not keep_personal:
            refuse_personal(kind, value)
        said = said or self._silent
        if self._secrets:
            references = self._without_secret(references, value, detail or "", *said.labels, *said.malware)
        if detail is None:
            detail = self.threat()
        version, first, last = self._times(first_seen, last_seen, changed)
        return Claim(
            kind,
            value,
            self.feed.id,
            self._family,
            audience or self.audience,
            version,
            first,
            last,
            life or self._life(kind),
            self._confidence(confidence),
            withdrawn,
            said.labels,
            said.malware,
            self._with_own(references, said) if references or said.techniques else self._references,
            self._with_names(detail, said) if said.detail else detail,
        )

    def _times(
        self, first_seen: Millis | None, last_seen: Millis | None, changed: Millis | None
    ) -> tuple[Millis, Millis, Millis]:
        """Version, first and last sighting of a row by its dates.

        The version is the row's own time: ``changed``, else the later of its dates, else the document's. To stand in a
        full list is a sighting at the time of fetching; in a log the row's date is, else the document's.
        """
        dated = max(first_seen or 0, last_seen or 0)
        last = max(dated, self._listed) or changed or self.moment
        return changed or dated or self.moment, min(first_seen or last, last_seen or last), last

    def understood(
        self,
        labels: Iterable[str] = (),
        malware: Iterable[str] = (),
        brands: Iterable[str] = (),
        named: Mapping[str, Iterable[str]] = _NOBODY,
    ) -> Said:
        """What a row's own words say, with the feed's labels: words of which it says no more, those for malware, and
        those for what is imitated. Names among them become the one name that :mod:`normalizers.names` has. ``named``:
        actors, brands (by their keys) and targets that the source names as such."""
        if not (labels or malware or brands or named):
            return self._silent
        members = tuple((member, tuple(bounded(words))) for member, words in named.items())
        words = (tuple(bounded(labels)), tuple(bounded(malware)), tuple(bounded(brands)), members)
        said = self._said.get(words)
        if said is None:
            said = understood({*self._labels, *words[0]}, *words[1:])
            if len(self._said) < _REMEMBERED:
                self._said[words] = said
        return said

    def _without_secret(self, references: Iterable[Reference | None], *texts: str) -> list[Reference]:
        """The references that do not hold the feed's key. Raises :class:`BadValue` where another part of a row does."""
        if any(secret in text for secret in self._secrets for text in texts):
            raise BadValue("secret", "expected a row without the key that its feed is asked for with")
        return [one for one in references if one and not any(key in part for key in self._secrets for part in one)]

    def _with_names(self, detail: str, said: Said) -> str:
        """The detail with the names that do not stand elsewhere in a claim."""
        place = (detail, said)
        wider = self._wider.get(place)
        if wider is None:
            wider = detail_text({**(orjson.loads(detail) if detail else {}), **dict(said.detail)})
            if len(self._wider) < _REMEMBERED:
                self._wider[place] = wider
        return wider

    def _with_own(self, references: Iterable[Reference | None], said: Said) -> tuple[Reference, ...]:
        """A row's references, the first so many in their order, and the source's own, which is never left out. Those to
        techniques are ATT&CK's, and tell of no source."""
        row = set(filter(None, references)) if references and self.feed.named else set()
        if len(row) > MOST:
            row = set(sorted(row)[:MOST])
        return tuple(sorted(row.union(self._references, said.techniques)))

    def threat(self, threat: str | None = None) -> str:
        """The detail of a claim that has nothing but its threat, by default the feed's."""
        said = self._meant(threat)
        found = self._details.get(said)
        if found is None:
            found = self._details[said] = detail_text({"threat": said})
        return found

    def detail(self, threat: str | None, port: int | None, hashes: Mapping[str, str] | None) -> str:
        """The detail of a claim by its threat, by default the feed's, its port and a file's weaker hashes by name."""
        if hashes:
            return detail_text({"threat": self._meant(threat), "port": [port] if port else None, "hashes": hashes})
        if port is None:
            return self.threat(threat)
        found = self._with_port.get((threat, port))
        if found is None:
            found = detail_text({"threat": self._meant(threat), "port": [port] if port else None})
            if len(self._with_port) < _REMEMBERED:
                self._with_port[threat, port] = found
        return found

    def _meant(self, threat: str | None) -> str:
        return threat or self.feed.threat or "malicious-activity"

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
