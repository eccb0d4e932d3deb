"""Rows that were read before, known by a digest of their text before they are parsed.

What a row says is a function of its text, its document's header, how its feed's documents are read, and, where it bears
no date of its own, the document's time. So of a row that is still there, is the only one about its value, and was taken
in when all of its document was, nothing new comes: its claim would fold into what it has become, and leave it as it is.
A list's row is a sighting at each fetch, which renewal sees to; an undated row of a log is one at the document's time,
and is known until that would move the claim.
"""

from __future__ import annotations

import hashlib
import sys
from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterator
from functools import cached_property
from itertools import compress

from config.instant import SECOND, Millis

#: Rows of one document that are remembered; beyond these nothing is.
MOST_ROWS = 2_000_000
#: in place of the second until which a row is known: for good
ALWAYS = 2**32 - 1
_KEY, _DIGEST = 16, 8


class Known:
    """The rows of one document as it was last read whole: digests, and the observables that they are about."""

    def __init__(self, moment: Millis, digests: array[int], until: array[int], keys: bytes, others: bytes) -> None:
        """In order of ``digests``; ``until`` in seconds. ``others``: keys of observables that rows without a digest of
        their own are about. ``moment``: the document's time; 0 where no row depends on it."""
        self.moment = moment
        self._digests = digests
        self._until = until
        self._keys = keys
        self._others = others
        #: of each row, whether it was met again
        self._met = bytearray(len(digests))

    @classmethod
    def decode(cls, body: bytes) -> Known:
        """Of the bytes that :meth:`encode` gave."""
        moment, rows = (int.from_bytes(body[start : start + 8], "little") for start in (0, 8))
        digests, until = array("Q"), array("I")
        digests.frombytes(body[16 : 16 + rows * 8])
        until.frombytes(body[16 + rows * 8 : 16 + rows * 12])
        if sys.byteorder == "big":
            digests.byteswap()
            until.byteswap()
        keys = 16 + rows * 12
        return cls(moment, digests, until, body[keys : keys + rows * _KEY], body[keys + rows * _KEY :])

    def encode(self) -> bytes:
        """As bytes: twenty-eight a row."""
        digests, until = self._digests, self._until
        if sys.byteorder == "big":
            digests, until = digests[:], until[:]
            digests.byteswap()
            until.byteswap()
        head = self.moment.to_bytes(8, "little") + len(digests).to_bytes(8, "little")
        return b"".join([head, digests.tobytes(), until.tobytes(), self._keys, self._others])

    @cached_property
    def _index(self) -> tuple[int, array[int]]:
        """How far a digest is shifted for its first bits, and where those that begin with each begin: about a dozen do.
        To look for one among all of a large document's, twenty steps, took twice as long."""
        bits = max(0, len(self._digests).bit_length() - 4)
        starts = array("L", [bisect_left(self._digests, first << 64 - bits) for first in range(1 << bits)])
        starts.append(len(self._digests))
        return 64 - bits, starts

    def meet(self, digest: bytes, second: int) -> bool:
        """Whether that row is known, in a document of that ``second``."""
        number = int.from_bytes(digest, "big")
        shift, starts = self._index
        first = number >> shift
        place = bisect_left(self._digests, number, starts[first], starts[first + 1])
        if place == len(self._digests) or self._digests[place] != number or self._until[place] <= second:
            return False
        self._met[place] = 1
        return True

    def start(self) -> None:
        """Nothing was met yet."""
        self._met = bytearray(len(self._digests))

    def forget(self, keys: Collection[bytes]) -> bool:
        """Know nothing any more of rows about these observables; gives whether any was met."""
        wanted = {key: None for key in keys}
        places = [place for place, key in enumerate(_parts(self._keys)) if key in wanted]
        for place in places:
            self._until[place] = 0
        return any(self._met[place] for place in places)

    @property
    def met(self) -> int:
        """How many observables were met, each having one row."""
        return self._met.count(1)

    def missed(self) -> list[bytes]:
        """The observables that no known row was met of, in order."""
        unmet = self._met.translate(bytes([1, 0]) + bytes(254))
        return sorted({*compress(_parts(self._keys), unmet), *_parts(self._others)})

    def rows(self) -> Iterator[bytes]:
        """Those that were met, as :class:`Notes` holds them."""
        rows = zip(_parts(self._keys), self._digests, self._until, strict=True)
        for key, digest, until in compress(rows, self._met):
            yield digest.to_bytes(8, "big") + _second(until) + key


class Notes:
    """What is noted of the rows of a document while it is read whole."""

    def __init__(self) -> None:
        #: digest, until when it is known, and key of each
        self._rows: list[bytes] = []

    def add(self, key: bytes, digest: bytes, until: int = ALWAYS) -> None:
        """A row was taken in that is about the observable ``key``; ``digest`` b"" where it cannot be known again."""
        if len(self._rows) <= MOST_ROWS:
            self._rows.append(b"".join(((digest or _NO_DIGEST), _ALWAYS if until == ALWAYS else _second(until), key)))

    def known(self, moment: Millis, before: Known | None) -> Known | None:
        """What is known from now on, with what was known before and was met again; None where it is too much."""
        rows = [*self._rows, *(before.rows() if before is not None else ())]
        if len(rows) > MOST_ROWS:
            return None
        rows.sort()
        others: list[bytes] = []
        if (rows and rows[0].startswith(_NO_DIGEST)) or len({row[12:] for row in rows}) < len(rows):
            rows, others = _sorted_out(rows)
        digests, until = array("Q"), array("I")
        digests.frombytes(b"".join([row[:_DIGEST] for row in rows]))
        until.frombytes(b"".join([row[_DIGEST:12] for row in rows]))
        if sys.byteorder == "little":
            digests.byteswap()
            until.byteswap()
        return Known(moment, digests, until, b"".join([row[12:] for row in rows]), b"".join(others))

    def __bool__(self) -> bool:
        return bool(self._rows)


_NO_DIGEST = bytes(_DIGEST)


def _second(second: int) -> bytes:
    return second.to_bytes(4, "big")


_ALWAYS = _second(ALWAYS)


def _sorted_out(rows: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    """Of rows in order: those that alone are about their observable, and the keys of the other observables."""
    alone: dict[bytes, bytes] = {}
    shared: dict[bytes, None] = {}
    for row in rows:
        key = row[12:]
        known = alone.setdefault(key, row)
        # Two rows about one value: what becomes of one depends on the other. The same row twice is one.
        if row.startswith(_NO_DIGEST) or known[:_DIGEST] != row[:_DIGEST]:
            shared[key] = None
    return [row for key, row in alone.items() if key not in shared], list(shared)


def _parts(keys: bytes) -> Iterator[bytes]:
    return (keys[start : start + _KEY] for start in range(0, len(keys), _KEY))


class Familiar:
    """Stands beside the reading of one document: passes over what is known, and gives the digests of other rows."""

    def __init__(self, known: Known | None = None, key: bytes = b"") -> None:
        """``key``: a secret of the hub, or who writes rows could make two with one digest, and have one passed over."""
        self._known = known
        self._base = hashlib.blake2b(digest_size=_DIGEST, key=key)
        self._second = 0
        #: the document's own time
        self.moment: Millis = 0
        #: of the row that is read at present; b"" where it is not of one line
        self.digest = b""
        #: rows that were passed over
        self.passed = 0

    def begin(self, context: str, moment: Millis) -> None:
        """Before the first row: ``context`` is what rows mean beside their text, such as the document's header."""
        self._base.update(context.encode())
        self.moment = moment
        self._second = -(-moment // SECOND)
        if self._known is not None and moment < self._known.moment:
            self._known = None  # an older edition: what it says was seen earlier

    def passes(self, line: str) -> bool:
        """Whether this row is known, so that nothing comes of reading it."""
        return self.passes_text(line.encode())

    def passes_text(self, text: bytes) -> bool:
        """As :meth:`passes`, of a row as it stands in its document."""
        base = self._base.copy()
        base.update(text)
        digest = self.digest = base.digest()
        if self._known is None or not self._known.meet(digest, self._second):
            return False
        self.passed += 1
        return True
