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

    def meet(self, digest: bytes, second: int) -> bool:
        """Whether that row is known, in a document of that ``second``."""
        number = int.from_bytes(digest, "big")
        place = bisect_left(self._digests, number)
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
            yield key + digest.to_bytes(8, "big") + until.to_bytes(4, "big")


class Notes:
    """What is noted of the rows of a document while it is read whole."""

    def __init__(self) -> None:
        self._rows: list[bytes] = []

    def add(self, key: bytes, digest: bytes, until: int) -> None:
        """A row was taken in that is about the observable ``key``; ``digest`` b"" where it cannot be known again."""
        if len(self._rows) <= MOST_ROWS:
            self._rows.append(key + (digest or bytes(_DIGEST)) + until.to_bytes(4, "big"))

    def known(self, moment: Millis, before: Known | None) -> Known | None:
        """What is known from now on, with what was known before and was met again; None where it is too much."""
        rows = [*self._rows, *(before.rows() if before is not None else ())]
        if len(rows) > MOST_ROWS:
            return None
        rows.sort()
        single, others = _sorted_out(rows)
        single.sort()
        digests = array("Q", (int.from_bytes(row[:8], "big") for row in single))
        until = array("I", (int.from_bytes(row[8:12], "big") for row in single))
        return Known(moment, digests, until, b"".join([row[12:] for row in single]), b"".join(others))

    def __bool__(self) -> bool:
        return bool(self._rows)


def _sorted_out(rows: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    """Of rows in order of key: digest, until and key of those that alone are about it; and the other keys."""
    single: list[bytes] = []
    others: list[bytes] = []
    before = b""
    for row in rows:
        key = row[:_KEY]
        if key != before[:_KEY]:
            if row[_KEY:-4] != bytes(_DIGEST):
                single.append(row[_KEY:] + key)
            else:
                others.append(key)
        elif row[:-4] != before[:-4] and others[-1:] != [key]:
            # Two rows about one value: what becomes of one depends on the other.
            if single and single[-1][12:] == key:
                single.pop()
            others.append(key)
        before = row
    return single, others


def _parts(keys: bytes) -> Iterator[bytes]:
    return (keys[start : start + _KEY] for start in range(0, len(keys), _KEY))


class Familiar:
    """Stands beside the reading of one document: passes over what is known, and gives the digests of other rows."""

    def __init__(self, known: Known | None = None) -> None:
        self._known = known
        self._base = hashlib.blake2b(digest_size=_DIGEST)
        self._second = 0
        #: the document's own time
        self.moment: Millis = 0
        #: of the row that is read at present; b"" where it is not of one line
        self.digest = b""
        #: rows that were passed over, and how many of them are told
        self.passed = 0
        self._told = 0

    def begin(self, context: str, moment: Millis) -> None:
        """Before the first row: ``context`` is what rows mean beside their text, such as the document's header."""
        self._base.update(context.encode())
        self.moment = moment
        self._second = -(-moment // SECOND)
        if self._known is not None and moment < self._known.moment:
            self._known = None  # an older edition: what it says was seen earlier

    def passes(self, line: str) -> bool:
        """Whether this row is known, so that nothing comes of reading it."""
        base = self._base.copy()
        base.update(line.encode())
        self.digest = base.digest()
        if self._known is None or not self._known.meet(self.digest, self._second):
            return False
        self.passed += 1
        return True

    def run(self) -> int:
        """How many rows were passed over since this was asked last."""
        run, self._told = self.passed - self._told, self.passed
        return run
