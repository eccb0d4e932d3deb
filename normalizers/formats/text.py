"""One value a line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from collectors.document import Document
from config.audience import Audience
from config.entry import Entry
from config.feeds import Feed
from normalizers.bad_value import BadValue
from normalizers.cells import Rows
from normalizers.claims import Claim
from normalizers.familiar import Familiar
from normalizers.fields import KINDS, Fields
from normalizers.records import Refusal, refusal
from normalizers.sources import Source
from normalizers.texts import Encoding, check_encoding, lines

_COLUMN = "line"


class Section(Entry):
    """What a list says below one of its comments, to which it took over somebody else's list."""

    #: how the comment begins
    begins: str = Field(min_length=1)
    #: the family that its values are of; by default the feed's
    family: str | None = None
    #: what its values are used for; by default the feed's
    threat: str | None = None
    labels: tuple[str, ...] = ()


class Format(Entry):
    """A list of values."""

    marks: ClassVar[bool] = False
    kind: Literal["text"]
    #: of all values; ``any`` where they are mixed
    type: str
    encoding: Encoding = "utf-8"
    #: lines that begin with one of these are comments
    comments: tuple[str, ...] = ("#", ";", "//")
    #: what follows this in a line is a remark, "" where there are none
    remark: str = ""
    #: parts of the list that begin with a comment each, up to the next one that is named here
    sections: tuple[Section, ...] = ()
    personal: Literal["refuse", "keep"] = "refuse"

    @property
    def passes(self) -> bool:
        """See :class:`normalizers.reading.PassingReading`: what a row says may depend on the section it is in."""
        return not self.sections

    @field_validator("type")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in KINDS:
            raise ValueError(f"expected one of {', '.join(sorted(KINDS))}, got {value!r}")
        return value

    def read(self, document: Document, feed: Feed, familiar: Familiar | None = None) -> Iterator[Claim | Refusal]:
        """See :class:`normalizers.reading.Reading`."""
        fields = Fields(value=_COLUMN, type=self.type, personal=self.personal)
        feeds = [feed, *(_of(section, feed) for section in self.sections)]
        sources = [Source(one, document) for one in feeds]
        rows = [Rows(fields, source, document) for source in sources]
        if familiar is not None:
            familiar.begin(document.name, sources[0].moment)
        passes = familiar.passes if familiar is not None else None
        for number, value, section in self._values(document, passes):
            try:
                yield rows[section].claim((value,))
            except BadValue as error:
                yield refusal(number, error)

    def check(self, document: Document, feed: Feed) -> Counter[Audience]:
        """See :class:`normalizers.reading.Reading`."""
        check_encoding(document, self.encoding, "a list of values")
        return Counter({feed.audience: sum(1 for _ in self._values(document))})

    def _values(
        self, document: Document, passes: Callable[[str], bool] | None = None
    ) -> Iterator[tuple[int, str, int]]:
        """Line, value, and which section it is of, from 1 on; 0 before the first."""
        section = 0
        for number, line in enumerate(lines(document, self.encoding), start=1):
            if passes is not None and passes(line):
                continue
            value = line.strip()
            if not value or value.startswith(self.comments):
                section = self._section(value) or section
                continue
            if self.remark:
                value = value.partition(self.remark)[0].rstrip()
            yield number, value, section

    def _section(self, comment: str) -> int:
        begun = (place for place, section in enumerate(self.sections, start=1) if comment.startswith(section.begins))
        return next(begun, 0)


def _of(section: Section, feed: Feed) -> Feed:
    """The feed as it speaks in one of its sections."""
    return feed.model_copy(
        update={
            "family": section.family or feed.family,
            "threat": section.threat or feed.threat,
            "labels": (*feed.labels, *section.labels),
        }
    )
