"""One value a line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import ClassVar, Literal

from pydantic import field_validator

from collectors.document import Document
from config.audience import Audience
from config.feeds import Entry, Feed
from normalizers.bad_value import BadValue
from normalizers.claims import Claim
from normalizers.familiar import Familiar
from normalizers.fields import KINDS, Fields, Rows
from normalizers.records import Refusal, refusal
from normalizers.sources import Source
from normalizers.texts import Encoding, check_encoding, lines

_COLUMN = "line"


class Format(Entry):
    """A list of values."""

    marks: ClassVar[bool] = False
    passes: ClassVar[bool] = True
    kind: Literal["text"]
    #: of all values; ``any`` where they are mixed
    type: str
    encoding: Encoding = "utf-8"
    #: lines that begin with one of these are comments
    comments: tuple[str, ...] = ("#", ";", "//")
    #: what follows this in a line is a remark, "" where there are none
    remark: str = ""
    personal: Literal["refuse", "keep"] = "keep"

    @field_validator("type")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in KINDS:
            raise ValueError(f"expected one of {', '.join(sorted(KINDS))}, got {value!r}")
        return value

    def read(self, document: Document, feed: Feed, familiar: Familiar | None = None) -> Iterator[Claim | Refusal]:
        """See :class:`normalizers.reading.Reading`."""
        fields = Fields(value=_COLUMN, type=self.type, personal=self.personal)
        source = Source(feed, document)
        rows = Rows(fields, source, document)
        if familiar is not None:
            familiar.begin(document.name, source.moment)
        for number, value in self._values(document, familiar.passes if familiar is not None else None):
            try:
                yield rows.claim((value,))
            except BadValue as error:
                yield refusal(number, error)

    def check(self, document: Document, feed: Feed) -> Counter[Audience]:
        """See :class:`normalizers.reading.Reading`."""
        check_encoding(document, self.encoding, "a list of values")
        return Counter({feed.audience: sum(1 for _ in self._values(document))})

    def _values(self, document: Document, passes: Callable[[str], bool] | None = None) -> Iterator[tuple[int, str]]:
        for number, line in enumerate(lines(document, self.encoding), start=1):
            if passes is not None and passes(line):
                continue
            value = line.strip()
            if not value or value.startswith(self.comments):
                continue
            if self.remark:
                value = value.partition(self.remark)[0].rstrip()
            yield number, value
